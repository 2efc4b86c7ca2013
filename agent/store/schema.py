"""The tables of the local store, how they came to be, and how a connection to them is made."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path

from agent.errors import StoreError

APPLICATION_ID = 0x464B5331
"""SQLite's application_id: "FKS1"."""
PAGE_BYTES = 4096
BUSY_SECONDS = 5.0
WAL_PAGES = 64
"""Pages in the write-ahead log before SQLite moves them into the file: little to check and little to lose."""

# One entry a schema version. The text of the tables stays below one page, because recovery replaces a damaged
# first page by that of an empty store; that is why there are no comments inside.
# Everything is keyed by an integer: a damaged text index cannot hide a row.
#   meta      encrypted: counters, see database.Meta
#   control   readable without a key: what other processes ask of the agent, with a digest
#   current   encrypted: 1 the open window and the judge's state, 2 the status
#   documents encrypted: signed documents of the highest seq
#   identity  encrypted: organisation, device, endpoint
#   windows   encrypted: closed windows by start
#   envelopes encrypted body: the outbox by number
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        "CREATE TABLE meta(id INTEGER PRIMARY KEY, sealed BLOB NOT NULL)",
        "CREATE TABLE control(id INTEGER PRIMARY KEY, value TEXT NOT NULL, digest BLOB NOT NULL)",
        "CREATE TABLE current(id INTEGER PRIMARY KEY, sealed BLOB NOT NULL)",
        "CREATE TABLE documents(id INTEGER PRIMARY KEY, seq INTEGER NOT NULL, sealed BLOB NOT NULL)",
        "CREATE TABLE identity(id INTEGER PRIMARY KEY, sealed BLOB NOT NULL)",
        "CREATE TABLE envelopes(seq INTEGER PRIMARY KEY, id BLOB NOT NULL CHECK(length(id)=16),"
        " created INTEGER NOT NULL, first INTEGER NOT NULL, windows INTEGER NOT NULL, bytes INTEGER NOT NULL,"
        " state TEXT NOT NULL CHECK(state IN('waiting','accepted','opened','set_aside')),"
        " attempts INTEGER NOT NULL DEFAULT 0, next_try REAL NOT NULL DEFAULT 0,"
        " last_error TEXT NOT NULL DEFAULT '', settled INTEGER NOT NULL DEFAULT 0, sealed BLOB NOT NULL)",
        "CREATE INDEX envelopes_state ON envelopes(state, first, bytes)",
        "CREATE TABLE windows(start INTEGER PRIMARY KEY, local INTEGER NOT NULL CHECK(local IN(0,1)),"
        " envelope INTEGER REFERENCES envelopes(seq), sealed BLOB NOT NULL)",
        "CREATE INDEX windows_envelope ON windows(envelope, local)",
    ),
)
VERSION = len(MIGRATIONS)

# Every statement is fixed, so a "no such column" (SQLITE_ERROR) too means that the file is not what we wrote.
_CORRUPT = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CONSTRAINT}
_MEANINGS = {
    sqlite3.SQLITE_FULL: "the disk is full: free some space; what was measured waits in memory for a while",
    sqlite3.SQLITE_READONLY: "the file or its folder is read-only: give your user the right to write there",
    sqlite3.SQLITE_CANTOPEN: "the file cannot be opened: check that its folder exists and is yours",
    sqlite3.SQLITE_IOERR: "the disk reports an error: free some space, or check the disk",
    sqlite3.SQLITE_BUSY: "another Framekeep process holds it: try again in a moment",
    sqlite3.SQLITE_LOCKED: "another Framekeep process holds it: try again in a moment",
}


SQLITE_ERRORS = (sqlite3.Error, UnicodeDecodeError, OSError)
"""What using a file can raise; the second when a damaged table list is quoted in SQLite's own message."""


class StoreDamaged(StoreError):
    """The file is not a sound store any more: opening it through `open_store` repairs it."""


class StoreUnavailable(StoreError):
    """The disk is full or read-only, or another process is busy with the store: trying again may help."""


class StoreTooNew(StoreError):
    """A newer Framekeep wrote this store."""


def connect(path: Path) -> sqlite3.Connection:
    """A connection with the tables in place: WAL, every commit on the disk before it returns, readable by this
    user only. Usable from any thread, by one at a time. Raises StoreError, StoreDamaged or StoreTooNew.
    """
    connection = None
    try:
        _create(path)
        connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        connection.execute(f"PRAGMA page_size={PAGE_BYTES}")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA fullfsync=ON")  # on macOS fsync alone does not survive a power cut
        connection.execute("PRAGMA checkpoint_fullfsync=ON")
        connection.execute(f"PRAGMA wal_autocheckpoint={WAL_PAGES}")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA cell_size_check=ON")
        connection.execute("PRAGMA trusted_schema=OFF")
        migrate(connection)
    except SQLITE_ERRORS as error:
        if connection is not None:
            connection.close()
        raise explain(error, path) from error
    except BaseException:
        if connection is not None:
            connection.close()
        raise
    return connection


def _create(path: Path) -> None:
    """Make the file with our mode, which SQLite's other files take over. An existing one is never opened here: closing
    any handle on it would drop the locks of this process's other connections (POSIX), and another process would then
    take itself for the last one and delete the log we are writing to.
    """
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the tables forward to VERSION, all or nothing. Raises StoreTooNew, StoreDamaged or sqlite3.Error."""
    version = _version(connection)
    if version > VERSION:
        raise StoreTooNew(
            "The local store was written by a newer Framekeep: update this one, or set FRAMEKEEP_HOME elsewhere."
        )
    if version == VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = _version(connection)  # another process may have been faster
        if version == 0 and connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
            raise StoreDamaged("The local store has tables but no version.")
        for number, statements in enumerate(MIGRATIONS[version:], start=version + 1):
            for statement in statements:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version={number}")
        connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
        connection.execute("COMMIT")
    except BaseException:
        roll_back(connection)
        raise


def table_list(connection: sqlite3.Connection) -> list[tuple[str, ...]]:
    """The tables and indexes as SQL, to be compared with those of an empty store."""
    return connection.execute("SELECT name, sql FROM sqlite_schema ORDER BY name").fetchall()


def roll_back(connection: sqlite3.Connection) -> None:
    """End a failed transaction. SQLite may have ended it already."""
    with contextlib.suppress(sqlite3.Error):
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def explain(error: Exception, path: Path) -> StoreError:
    """The StoreError (StoreDamaged for a broken file, StoreUnavailable for what may pass) that says what an SQLite or system error means here."""
    code = getattr(error, "sqlite_errorcode", None)
    primary = code & 0xFF if isinstance(code, int) else None
    if primary in _CORRUPT or isinstance(error, UnicodeDecodeError) or "malformed" in str(error):
        return StoreDamaged(f"The local store {path} is damaged: start Framekeep again, it repairs what it can.")
    if isinstance(error, OSError):
        meaning = f"{error.strerror}: free some space, or give your user the right to write there"
    elif primary in _MEANINGS:
        meaning = _MEANINGS[primary]
    else:
        return StoreError(f"The local store {path} cannot be used: SQLite says: {error}.")
    return StoreUnavailable(f"The local store {path} cannot be used: {meaning}.")


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
