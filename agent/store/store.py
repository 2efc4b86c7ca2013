"""The store as the rest of the agent sees it: commit windows with the checkpoint, read them back, the outbox.

Promise: what `commit` returned from survives kill -9 and power loss. Closing windows and the checkpoint that knows
they are closed stand in one transaction, so no window is closed twice or forgotten; sealing is a second one.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from enum import IntEnum
from pathlib import Path
from typing import Any

from agent.consent import Acknowledgement
from agent.store.database import Database, Meta
from agent.store.envelopes import Envelopes, trim
from agent.store.rows import RowCipher, RowDamaged, StoredDocument, StoredWindow
from agent.store.schema import connect
from agent.store.windows import read_window, window_row
from agent.wire.summary import Window

DEFAULT_BUDGET = 64 * 1024 * 1024
"""Bytes the store may use. A year offline takes about 60 MB; 60 days of history about 15."""

_CHECKPOINT, _STATUS = 1, 2

log = logging.getLogger(__name__)


class DocumentKind(IntEnum):
    """The signed documents an agent keeps, one each: that of the highest seq. Of policies and agreements the one in force
    and, beside it, one that is to begin later.
    """

    KEYSET = 1
    POLICY = 2
    AGREEMENT = 3
    ROOTS = 4
    """Not one document but the list of all that lead from the first root to today's; seq counts them."""
    COMING_POLICY = 5
    COMING_AGREEMENT = 6
    KEY_CHANGES = 7
    """Signed by nobody: what this laptop saw of changes to its organisation's keys (`key_changes.py`)."""


class Store:
    """The one SQLite file. Threads of a process may share one Store; every method is one transaction and raises
    StoreError. Rows are encrypted under `key` (32 bytes). The agent opens it through `open_store`, which repairs;
    other processes (status, outbox) construct it directly.
    """

    def __init__(self, path: Path, key: bytes, *, budget: int = DEFAULT_BUDGET) -> None:
        self._db = Database(connect(path), RowCipher(key), path)
        self._budget = budget
        self.path = path
        self.envelopes = Envelopes(self._db)

    def close(self) -> None:
        """Close the file. Safe to call twice."""
        self._db.close()

    def commit(
        self,
        windows: Sequence[Window],
        checkpoint: bytes,
        *,
        policy: str | None,
        models: str = "",
        status: bytes | None = None,
        lost: int = 0,
    ) -> int:
        """Keep closed windows, the checkpoint of the open one and the status, together, and return once they are on
        the disk. `policy` and `models` are those the windows were measured under; windows without a policy (None)
        stay on this laptop for good. `lost` windows could not be kept before this commit. A window whose start was
        committed before changes nothing (the clock went back): the first one stands. Returns how many were new.
        """
        new = 0
        with self._db.write() as connection:
            for window in windows:
                start, local, sealed = window_row(self._db.cipher, window, policy=policy, models=models)
                new += connection.execute(
                    "INSERT INTO windows(start, local, sealed) VALUES(?, ?, ?) ON CONFLICT(start) DO NOTHING",
                    (start, local, sealed),
                ).rowcount
            self._put_current(connection, _CHECKPOINT, checkpoint)
            if status is not None:
                self._put_current(connection, _STATUS, status)
            self._db.add_lost(lost)
            dropped = trim(self._db, connection, self._budget) if windows else 0
        if windows:
            self._db.settle()
        if new < len(windows):
            log.warning("A window was measured twice because the clock went back; the first stands.")
        if dropped:
            log.error("The store is over its budget: the oldest windows were dropped and counted as lost.")
        return new

    def checkpoint(self) -> bytes | None:
        """The last committed checkpoint; None when there is none. Raises RowDamaged."""
        return self._current(_CHECKPOINT)

    def status(self) -> bytes | None:
        """The status as the agent last wrote it; None when it never did. Raises RowDamaged."""
        return self._current(_STATUS)

    def windows(self, start: int, end: int) -> list[StoredWindow]:
        """Closed windows that start in [start, end) (epoch seconds), oldest first. Raises RowDamaged."""
        with self._db.read() as connection:
            rows = connection.execute(
                "SELECT start, local, envelope, sealed FROM windows WHERE start>=? AND start<? ORDER BY start",
                (start, end),
            ).fetchall()
        return [read_window(self._db.cipher, row) for row in rows]

    def windows_of(self, seq: int) -> list[StoredWindow]:
        """The windows an envelope carries, oldest first. Raises RowDamaged."""
        with self._db.read() as connection:
            rows = connection.execute(
                "SELECT start, local, envelope, sealed FROM windows WHERE envelope=? ORDER BY start", (seq,)
            ).fetchall()
        return [read_window(self._db.cipher, row) for row in rows]

    def unsealed(self, limit: int = 1000) -> list[int]:
        """Starts of closed windows that wait to be sealed, oldest first."""
        with self._db.read() as connection:
            rows = connection.execute(
                "SELECT start FROM windows WHERE envelope IS NULL AND local=0 ORDER BY start LIMIT ?", (limit,)
            ).fetchall()
        return [int(row[0]) for row in rows]

    def lost(self) -> int:
        """Windows measured and gone for good, since enrolment."""
        with self._db.read():
            return self._db.get_int(Meta.LOST) or 0

    def document(self, kind: DocumentKind) -> StoredDocument | None:
        """The kept document. Whether it is acceptable is `policy.py`'s to say."""
        with self._db.read() as connection:
            row = connection.execute("SELECT seq, sealed FROM documents WHERE id=?", (int(kind),)).fetchone()
            if row is None:
                return None
            etag, _, body = self._db.cipher.open(row[1], "documents", int(kind), row[0]).partition(b"\0")
        return StoredDocument(int(row[0]), body, etag.decode("utf-8"))

    def put_document(self, kind: DocumentKind, *, seq: int, body: bytes, etag: str = "") -> None:
        """Keep an accepted document in place of the one before."""
        plain = etag.encode("utf-8").replace(b"\0", b"") + b"\0" + body
        with self._db.write() as connection:
            sealed = self._db.cipher.seal(plain, "documents", int(kind), seq)
            connection.execute(
                "INSERT OR REPLACE INTO documents(id, seq, sealed) VALUES(?, ?, ?)", (int(kind), seq, sealed)
            )

    def identity(self) -> bytes | None:
        """Who this laptop is to the service (see identity.py). None: not enrolled."""
        with self._db.read() as connection:
            row = connection.execute("SELECT sealed FROM identity WHERE id=1").fetchone()
            return None if row is None else self._db.cipher.open(row[0], "identity", 1)

    def put_identity(self, identity: bytes | None) -> None:
        """Write the identity, twice (losing it means enrolling again); None forgets it and the documents."""
        with self._db.write() as connection:
            if identity is None:
                connection.execute("DELETE FROM identity")
                connection.execute("DELETE FROM documents")
                connection.execute("DELETE FROM meta WHERE id=?", (int(Meta.IDENTITY),))
                return
            sealed = self._db.cipher.seal(identity, "identity", 1)
            connection.execute("INSERT OR REPLACE INTO identity(id, sealed) VALUES(1, ?)", (sealed,))
            self._db.put(Meta.IDENTITY, identity)

    def acknowledgements(self) -> tuple[Acknowledgement, ...]:
        """What the employee answered to the notice, oldest first. Raises RowDamaged: then it is to be asked again."""
        with self._db.read():
            value = self._db.get(Meta.ANSWERS)
        try:
            return tuple(Acknowledgement.from_json(each) for each in json.loads(value or b"[]"))
        except (ValueError, KeyError, TypeError):
            raise RowDamaged("The answers to the notice in the local store do not read as such.") from None

    def acknowledge(self, answer: Acknowledgement) -> None:
        """Keep one more answer. Those that cannot be read any more are left behind."""
        with self._db.write():
            try:
                before = self.acknowledgements()
            except RowDamaged:
                before = ()
            self._db.put(Meta.ANSWERS, json.dumps([each.to_json() for each in (*before, answer)]).encode())

    def _put_current(self, connection: Any, number: int, plain: bytes) -> None:
        sealed = self._db.cipher.seal(plain, "current", number)
        connection.execute("INSERT OR REPLACE INTO current(id, sealed) VALUES(?, ?)", (number, sealed))

    def _current(self, number: int) -> bytes | None:
        with self._db.read() as connection:
            row = connection.execute("SELECT sealed FROM current WHERE id=?", (number,)).fetchone()
            return None if row is None else self._db.cipher.open(row[0], "current", number)
