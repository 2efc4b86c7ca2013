"""Opening the store so that the agent always starts: check everything, set a damaged file aside, save what is sound.

Every row proves itself (its ciphertext is bound to its table, key and fixed columns), so anything that can still be
read from a damaged file can be trusted. What cannot be read is replaced: numbers go on above the side file's
reservation, damaged envelopes are sealed again from their windows, damaged unsealed windows count as lost, damaged
documents are fetched again, and a damaged pause means paused.

The order of steps survives a crash at any point: a complete new file `.rebuilt` is made first, only then is the
damaged file renamed and the new one put in its place; a `.rebuilt` found later is simply moved the rest of the way.
"""

from __future__ import annotations

import logging
import os
import sqlite3
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from agent.errors import StoreError
from agent.store.check import find_damage
from agent.store.database import Database, Meta
from agent.store.rows import RowCipher, RowDamaged
from agent.store.salvage import salvage
from agent.store.schema import SQLITE_ERRORS, VERSION, StoreDamaged, StoreTooNew, connect, explain
from agent.store.store import DEFAULT_BUDGET, Store
from agent.store.wal import has_damage

KEEP_DAMAGED = 2
"""Damaged files kept for a look; older ones are removed so that they cannot fill the disk."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Opened:
    """An open store, and sentences for a person about what had to be repaired (empty: nothing)."""

    store: Store
    problems: tuple[str, ...]


def open_store(path: Path, key: bytes, *, now: float, budget: int = DEFAULT_BUDGET) -> Opened:
    """Open the store for the agent, which alone may do this (it holds the instance lock). A damaged file is renamed
    to `store.corrupt-N.sqlite` and a new one starts with everything that could be saved.

    Raises StoreError when no store can be opened at all (disk full, read-only, written by a newer Framekeep):
    nothing is changed then, and the caller may try again later.
    """
    problems: list[str] = []
    _finish_rebuild(path)
    if has_damage(_beside(path, "-wal")):
        kept = _next_free(path)
        _copy(_beside(path, "-wal"), _beside(kept, "-wal"))
        problems.append(
            "The newest entries of the local store were damaged: up to the last minutes before the restart may be"
            f" missing. The damaged log is kept as {kept.name}-wal."
        )
    if path.exists():
        damage = _damage(path, key)
        if damage:
            problems += _repair(path, key, now, damage)
    store = Store(path, key, budget=budget)
    _mark(path, key)
    with suppress(StoreError):  # tidying may wait until the disk can be written
        store.envelopes.age_out(now=now)
    for problem in problems:
        log.error(problem)
    return Opened(store, tuple(problems))


def _damage(path: Path, key: bytes) -> str | None:
    """What is wrong with the file, in a few words; None when it is sound."""
    cipher = RowCipher(key)
    try:
        connection = connect(path)
    except StoreDamaged:
        return "the file is not a sound database"
    except StoreTooNew:
        # A flipped bit in the version looks the same. The encrypted version knows.
        if _written_version(path, cipher) in (None, *range(VERSION + 1)):
            return "the version number is wrong"
        raise
    try:
        return find_damage(connection, cipher)
    except SQLITE_ERRORS as error:
        wrong = explain(error, path)
        if isinstance(wrong, StoreDamaged):
            return "the file is not a sound database"
        raise wrong from error
    finally:
        connection.close()


def _repair(path: Path, key: bytes, now: float, damage: str) -> list[str]:
    rebuilding, rebuilt = path.with_suffix(".rebuilding"), path.with_suffix(".rebuilt")
    for leftover in (rebuilding, _beside(rebuilding, "-wal"), _beside(rebuilding, "-shm")):
        leftover.unlink(missing_ok=True)
    result = salvage(path, rebuilding, RowCipher(key), counters=path, now=now)
    rebuilding.replace(rebuilt)
    kept = _finish_rebuild(path)
    return [
        f"The local store was damaged ({damage}) and a new one was started; the damaged file is kept as {kept}.",
        *result,
    ]


def _finish_rebuild(path: Path) -> str:
    """Put a complete rebuilt file in place. Returns the damaged file's new name ("" when there was nothing to do)."""
    rebuilt = path.with_suffix(".rebuilt")
    if not rebuilt.exists():
        return ""
    try:
        kept = _next_free(path)
        if path.exists():
            path.replace(kept)
        else:  # it was renamed before a crash: its log belongs beside it
            kept = _numbered(path, max(_numbers(path), default=1))
        if _beside(path, "-wal").exists():
            _beside(path, "-wal").replace(_beside(kept, "-wal"))
        _beside(path, "-shm").unlink(missing_ok=True)
        rebuilt.replace(path)
        sync_folder(path.parent)
        for number in sorted(_numbers(path))[:-KEEP_DAMAGED]:
            old = _numbered(path, number)
            for file in (old, _beside(old, "-wal"), _beside(old, "-shm")):
                file.unlink(missing_ok=True)
    except OSError as error:
        raise explain(error, path) from error
    return kept.name


def _mark(path: Path, key: bytes) -> None:
    """Note, encrypted, which version of the tables this is: tells a foreign key and a flipped version apart."""
    database = Database(connect(path), RowCipher(key), path)
    try:
        with database.read():
            known = database.get_int(Meta.VERSION)
        if known != VERSION:
            with database.write():
                database.put_int(Meta.VERSION, VERSION)
    finally:
        database.close()


def _written_version(path: Path, cipher: RowCipher) -> int | None:
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        row = connection.execute("SELECT sealed FROM meta WHERE id=?", (int(Meta.VERSION),)).fetchone()
        return int(cipher.open(row[0], "meta", int(Meta.VERSION))) if row else None
    except (*SQLITE_ERRORS, RowDamaged, ValueError):
        return None
    finally:
        connection.close()


def _numbers(path: Path) -> list[int]:
    stem = f"{path.stem}.corrupt-"
    names = [file.name.split("-wal")[0] for file in path.parent.glob(f"{stem}*")]
    digits = {name.removeprefix(stem).removesuffix(path.suffix) for name in names}
    return [int(number) for number in digits if number.isdigit()]


def _numbered(path: Path, number: int) -> Path:
    return path.with_name(f"{path.stem}.corrupt-{number}{path.suffix}")


def _next_free(path: Path) -> Path:
    return _numbered(path, max(_numbers(path), default=0) + 1)


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _copy(source: Path, target: Path) -> None:
    with suppress(OSError):  # only for a later look; a full disk must not stop the agent
        data = source.read_bytes()
        with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(data)


def sync_folder(folder: Path) -> None:
    """Make renames durable; Windows has no such thing for folders."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
