"""Rows of closed windows: how they are written, read and removed."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from agent.store.rows import WITHHELD_MARK, RowCipher, RowDamaged, StoredWindow
from agent.wire.errors import WireError
from agent.wire.summary import Window


def window_row(cipher: RowCipher, window: Window, *, policy: str | None, models: str) -> tuple[int, int, bytes]:
    """start, local and sealed. A window without a policy was measured for this laptop only, and stays on it."""
    local = int(policy is None)
    plain = json.dumps({"w": window.to_dict(), "policy": policy or "", "models": models}, separators=(",", ":"))
    return window.start, local, cipher.seal(plain.encode("ascii"), "windows", window.start, local)


def read_window(cipher: RowCipher, row: tuple[Any, ...]) -> StoredWindow:
    """From start, local, envelope, sealed. Raises RowDamaged."""
    start, local, envelope, sealed = row
    plain = cipher.open(sealed, "windows", start, local)
    try:
        value = json.loads(plain)
        window = Window.from_dict(value["w"])
        return StoredWindow(window, str(value["policy"]), str(value["models"]), envelope, bool(local))
    except (ValueError, KeyError, TypeError, WireError):
        raise RowDamaged("A window in the local store does not read as one.") from None


def keep_here(connection: sqlite3.Connection, cipher: RowCipher) -> tuple[int, int]:
    """Inside a transaction: every window that is in no envelope, or in a withheld one, stays on this laptop for good.
    Returns how many, and how many were damaged and are gone.
    """
    kept = damaged = 0
    rows = connection.execute(
        "SELECT start, sealed FROM windows WHERE local=0 AND (envelope IS NULL OR envelope IN"
        " (SELECT seq FROM envelopes WHERE state='set_aside' AND last_error=?))",
        (WITHHELD_MARK,),
    ).fetchall()
    for start, sealed in rows:
        try:
            local = made_local(cipher, start, sealed)
        except RowDamaged:
            damaged += delete_windows(connection, "start=?", (start,))
            continue
        connection.execute("UPDATE windows SET local=1, sealed=? WHERE start=?", (local, start))
        kept += 1
    return kept, damaged


def made_local(cipher: RowCipher, start: int, sealed: object) -> bytes:
    """The ciphertext of a window that was to be sent, for one that is not: a row is bound to whether it may leave. Raises
    RowDamaged.
    """
    return cipher.seal(cipher.open(sealed, "windows", start, 0), "windows", start, 1)


def delete_windows(connection: sqlite3.Connection, where: str, values: tuple[Any, ...]) -> int:
    """Remove windows; returns how many."""
    return connection.execute(f"DELETE FROM windows WHERE {where}", values).rowcount
