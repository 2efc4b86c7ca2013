"""The connection behind the store: one lock, one transaction at a time, encrypted counters."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import IntEnum
from pathlib import Path

from agent.store.rows import RowCipher
from agent.store.schema import BUSY_SECONDS, explain, roll_back

NUMBER_BLOCK = 32
"""Envelope numbers reserved at a time in the side file."""


class Meta(IntEnum):
    """Rows of the table `meta`; each holds an integer unless it says otherwise."""

    VERSION = 1
    """The schema version, encrypted: tells a wrong key from a damaged file, and damage from a newer program."""
    NEXT_SEQ = 2
    LOST = 3
    LAST_DELIVERY = 4
    IDENTITY = 5
    """A second copy of the identity (bytes)."""
    ANSWERS = 6
    """What the employee answered to the notice (bytes, JSON)."""


class Database:
    """Serialises the threads of one process on one connection; processes are serialised by SQLite."""

    def __init__(self, connection: sqlite3.Connection, cipher: RowCipher, path: Path) -> None:
        self.path = path
        self.cipher = cipher
        self._connection = connection
        self._lock = threading.RLock()

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """One transaction: committed and on the disk at the end of the block, or undone. Raises StoreError."""
        with self._lock:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                yield self._connection
                self._connection.execute("COMMIT")
            except sqlite3.Error as error:
                roll_back(self._connection)
                raise explain(error, self.path) from error
            except BaseException:
                roll_back(self._connection)
                raise

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """Reading, one statement at a time. Raises StoreError."""
        with self._lock:
            try:
                yield self._connection
            except sqlite3.Error as error:
                raise explain(error, self.path) from error

    def settle(self) -> None:
        """Move the write-ahead log into the file and empty it, so that what matters stands in one checked file.

        Only a precaution: what was committed is safe in the log already, so a reader in the way or a full disk
        merely leaves it there.
        """
        with self._lock, suppress(sqlite3.Error):
            self._connection.execute("PRAGMA busy_timeout=0")  # nobody is worth waiting for here
            try:
                self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            finally:
                self._connection.execute(f"PRAGMA busy_timeout={int(BUSY_SECONDS * 1000)}")

    def close(self) -> None:
        """Close the connection. Safe to call twice."""
        with self._lock:
            self._connection.close()

    # Counters. Called inside `write` or `read`.

    def get(self, name: Meta) -> bytes | None:
        """A row of `meta`. Raises RowDamaged."""
        row = self._connection.execute("SELECT sealed FROM meta WHERE id=?", (int(name),)).fetchone()
        return None if row is None else self.cipher.open(row[0], "meta", int(name))

    def put(self, name: Meta, value: bytes) -> None:
        """Write a row of `meta`."""
        sealed = self.cipher.seal(value, "meta", int(name))
        self._connection.execute("INSERT OR REPLACE INTO meta(id, sealed) VALUES(?, ?)", (int(name), sealed))

    def get_int(self, name: Meta) -> int | None:
        """An integer of `meta`. Raises RowDamaged."""
        value = self.get(name)
        return None if value is None else int(value)

    def put_int(self, name: Meta, value: int) -> None:
        """Write an integer of `meta`."""
        self.put(name, str(value).encode("ascii"))

    def add_lost(self, windows: int) -> None:
        """Count windows that were measured and are gone for good."""
        if windows > 0:
            lost = (self.get_int(Meta.LOST) or 0) + windows
            self.put_int(Meta.LOST, lost)
            reserve(self.path, next_seq=reserved(self.path)[0], lost=lost)

    def take_seq(self, now: float) -> int:
        """The next envelope number: above every number ever taken, also by a store that was lost since."""
        seq = self.get_int(Meta.NEXT_SEQ)
        limit, lost = reserved(self.path)
        if seq is None:
            # No counter: a store made anew. Beyond whatever the side file reserved; without that file, the clock's
            # seconds, because no device makes more than one envelope a second over its life.
            seq = limit or int(now)
        if seq >= limit:
            reserve(self.path, next_seq=seq + NUMBER_BLOCK, lost=lost)
        self.put_int(Meta.NEXT_SEQ, seq + 1)
        return seq


def counters_file(store: Path) -> Path:
    """The side file that survives the loss of the store: {"next_seq", "lost", "digest"}."""
    return store.with_suffix(".counters")


def reserve(store: Path, *, next_seq: int, lost: int) -> None:
    """Write the side file, whole or not at all. Raises StoreError."""
    target = counters_file(store)
    fresh = target.with_suffix(".counters-new")
    text = json.dumps({"next_seq": next_seq, "lost": lost, "digest": _digest(next_seq, lost)})
    try:
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(target)
    except OSError as error:
        raise explain(error, store) from error


def reserved(store: Path) -> tuple[int, int]:
    """The first number no store has taken yet, and the windows lost; (0, 0) without a sound side file."""
    try:
        value = json.loads(counters_file(store).read_text(encoding="ascii"))
        next_seq, lost = int(value["next_seq"]), int(value["lost"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0, 0
    return (next_seq, lost) if value.get("digest") == _digest(next_seq, lost) else (0, 0)


def _digest(next_seq: int, lost: int) -> str:
    return hashlib.sha256(f"framekeep/counters/{next_seq}/{lost}".encode("ascii")).hexdigest()[:16]
