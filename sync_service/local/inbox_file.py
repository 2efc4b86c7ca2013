"""The inbox's SQLite file: its tables, and whether it still holds what was written.

Each row carries a digest of its own, and a tally beside the rows says how many there are, so that neither a changed
byte nor a missing page goes unnoticed. The write-ahead log has to be checked before SQLite opens it: SQLite stops
reading at the first frame whose checksum is wrong, without a word, and everything behind it would be gone.
Formats: https://www.sqlite.org/fileformat2.html
"""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

PAGE = 4096
SCHEMA = """
create table message (
  id integer primary key autoincrement, org text not null, received integer not null, body blob not null,
  digest blob not null
) strict;
create table aside (
  id integer primary key, org text not null, received integer not null, body blob not null, digest blob not null,
  reason text not null, at integer not null default (unixepoch())
) strict;
create table tally (one integer primary key check (one = 1), message integer not null, aside integer not null) strict;
insert into tally values (1, 0, 0);
create trigger came after insert on message begin update tally set message = message + 1; end;
create trigger went after delete on message begin update tally set message = message - 1; end;
create trigger put_aside after insert on aside begin update tally set aside = aside + 1; end;
create trigger forgotten after delete on aside begin update tally set aside = aside - 1; end;
"""
"""All of it fits in the first page, and is only ever made in one go: a damaged first page can be replaced."""

_MAGIC = b"SQLite format 3\0"
_TABLES = "select type, name, tbl_name, sql from sqlite_master order by name"
_MACHINE = {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_PERM, sqlite3.SQLITE_BUSY,
            sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_NOMEM}  # fmt: skip
_HEADER = struct.Struct(">8I")
_FRAME = struct.Struct(">6I")
_LOG_MAGIC = (0x377F0682, 0x377F0683)  # the last bit: checksums over big-endian words
_MASK = 0xFFFFFFFF


def digest(org: bytes, received: object, body: bytes) -> bytes:
    """16 bytes that stand for one row."""
    return sha256(b"%b\0%b\0%b" % (org, str(received).encode(), body)).digest()[:16]


def log_of(path: Path) -> Path:
    """The write-ahead log of a database file."""
    return path.with_name(path.name + "-wal")


def open_file(path: Path) -> sqlite3.Connection:
    """A connection for work. Every commit reaches the disk; the log is moved into the file by the caller only, whole,
    so that it never holds frames of an earlier round.
    """
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30)
    try:
        path.chmod(0o600)
        connection.execute("pragma journal_mode = wal")
        connection.execute("pragma synchronous = full")
        connection.execute("pragma wal_autocheckpoint = 0")
        if not connection.execute(_TABLES).fetchone():
            connection.executescript(f"begin immediate; {SCHEMA} commit;")
    except BaseException:
        connection.close()
        raise
    return connection


def fault(path: Path) -> str | None:
    """What is wrong with the file or its log, in a few words; None when all that was written is there. Raises OSError
    and sqlite3.OperationalError for what lies in the machine.
    """
    log = log_of(path)
    logged = log.is_file() and log.stat().st_size > 0
    if not path.is_file() or path.stat().st_size == 0:
        return "the file is gone, its log is not" if logged else None
    with path.open("rb") as file:
        head = file.read(100)
    if not head.startswith(_MAGIC) or (logged and head[18:20] != b"\2\2"):
        return "the file's header is damaged"
    if any(not frame.sound for frame in read_log(log)):
        return "the log is damaged"
    if logged and log.stat().st_size > _HEADER.size and not _header_is_sound(log):
        return "the log's header is damaged"
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        return _content_fault(connection, fresh=not logged and path.stat().st_size <= PAGE)
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode & 0xFF in _MACHINE:
            raise
        return str(error)
    finally:
        connection.close()


def _content_fault(connection: sqlite3.Connection, *, fresh: bool) -> str | None:
    tables = connection.execute(_TABLES).fetchall()
    if not tables and fresh:
        return None
    if tables != expected_tables():
        return "the tables are not the inbox's"
    found = connection.execute("pragma quick_check").fetchone()[0]
    if found != "ok":
        return str(found)
    told = connection.execute("select message, aside from tally").fetchone()
    for table, number in zip(("message", "aside"), told or (-1, -1), strict=True):
        rows = 0
        for org, received, body, mark in connection.execute(
            f"select cast(org as blob), received, body, digest from {table}"
        ):
            rows += 1
            if digest(org, received, body) != mark:
                return "a row is damaged"
        if rows != number:
            return f"{rows} rows where {number} were written"
    return None


def expected_tables() -> list[Any]:
    """What `sqlite_master` of a sound inbox says."""
    with sqlite3.connect(":memory:") as connection:
        connection.executescript(SCHEMA)
        found = connection.execute(_TABLES).fetchall()
    connection.close()
    return found


@dataclass(frozen=True, slots=True)
class Frame:
    """One page in the log. `commits`: it ends a transaction. `sound`: its checksum follows from the frame before."""

    page: int
    content: bytes
    commits: bool
    sound: bool


def read_log(log: Path) -> Iterator[Frame]:
    """Every complete frame of the log, damaged ones too. What is cut short at the end was never acknowledged."""
    data = log.read_bytes() if log.is_file() else b""
    if len(data) < _HEADER.size:
        return
    magic, _, _, _, *salts, one, two = _HEADER.unpack_from(data)
    order = ">" if magic & 1 else "<"
    before = (one, two)
    step = _FRAME.size + PAGE
    for offset in range(_HEADER.size, len(data) - step + 1, step):
        page, size, salt1, salt2, *told = _FRAME.unpack_from(data, offset)
        content = data[offset + _FRAME.size : offset + step]
        found = _checksum(content, _checksum(data[offset : offset + 8], before, order), order)
        sound = list(found) == told and [salt1, salt2] == salts
        before = (told[0], told[1])  # as written, so that one damaged frame does not taint those behind it
        yield Frame(page, content, bool(size), sound)


def _header_is_sound(log: Path) -> bool:
    with log.open("rb") as file:
        data = file.read(_HEADER.size)
    magic, _, page, *_, one, two = _HEADER.unpack(data)
    return (
        magic in _LOG_MAGIC and page == PAGE and _checksum(data[:24], (0, 0), ">" if magic & 1 else "<") == (one, two)
    )


def _checksum(data: bytes, start: tuple[int, int], order: str) -> tuple[int, int]:
    one, two = start
    words = struct.unpack(f"{order}{len(data) // 4}I", data)
    for first, second in zip(words[::2], words[1::2], strict=True):
        one = (one + first + two) & _MASK
        two = (two + second + one) & _MASK
    return one, two
