"""The Database port over psycopg: PostgreSQL on this machine (or any other reachable one), as one role.

It is as strict as the RDS Data API on purpose: strings are typed varchar, integers bigint, and only plain column
types come back, so a statement that works here works there.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import psycopg
from psycopg.rows import dict_row
from psycopg.types.numeric import Int8Dumper
from psycopg.types.string import StrDumperVarchar

from sync_service.errors import DatabaseError, PoisonError, ServiceError, Unavailable
from sync_service.ports import Database, Param, Row

Connection = psycopg.Connection[Row]

_TOKEN = re.compile(
    r"""'(?:[^']|'')*' | "(?:[^"]|"")*" | (?P<quote>\$\w*\$)[\s\S]*?(?P=quote) | --[^\n]* | /\*[\s\S]*?\*/
      | :: | := | :(?P<name>[A-Za-z_]\w*) | %""",
    re.VERBOSE,
)
_PLAIN_TYPES = {
    16: "bool",
    17: "bytea",
    20: "int8",
    21: "int2",
    23: "int4",
    19: "name",
    25: "text",
    1042: "bpchar",
    1043: "varchar",
    2278: "void",
}
"""Column types by OID (PostgreSQL, pg_type.dat) that every driver returns alike; domains count as their base."""

_SLOT_SECONDS = 30.0
_LIMITS = "-c lock_timeout=20s -c idle_in_transaction_session_timeout=120s"
"""No statement waits for ever behind another one, and no forgotten transaction blocks the others for long."""

_MOMENTARY = re.compile("40001|40P01|53...|55P03|57...|58...|08...|25P0[34]")
"""SQLSTATEs after which the same statement may succeed: serialisation, deadlock, resources, lock, shutdown,
system, connection, idle timeout (PostgreSQL, appendix A)."""


@lru_cache(maxsize=512)
def rewrite(sql: str) -> str:
    """`:name` as psycopg writes it, `%(name)s`; casts, strings, quoted names and comments are left alone."""
    return _TOKEN.sub(lambda m: f"%({m['name']})s" if m["name"] else m[0].replace("%", "%%"), sql)


class PostgresDatabase:
    """The Database port as one role. Safe to share between threads: each call takes a connection of its own from a
    small pool, and gives a broken one back to nobody.
    """

    def __init__(self, conninfo: str, *, size: int = 8) -> None:
        self._conninfo = conninfo
        self._idle: list[Connection] = []
        self._lock = threading.Lock()
        self._slots = threading.BoundedSemaphore(size)
        self._held = threading.local()
        self._closed = False

    def run(self, sql: str, /, **params: Param) -> list[Row]:
        """See Database.run."""
        with self._connection() as connection:
            return _execute(connection, sql, params)

    @contextmanager
    def transaction(self) -> Iterator[Database]:
        """See Database.transaction."""
        with self._connection() as connection, _translated(), connection.transaction():
            yield _Transaction(connection)

    def close(self) -> None:
        """Close the idle connections, and each busy one as it is given back."""
        with self._lock:
            self._closed, idle, self._idle = True, self._idle, []
        for connection in idle:
            connection.close()

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        with self._slot():
            with self._lock:
                connection = self._idle.pop() if self._idle else None
            if connection is None or connection.closed:
                connection = _connect(self._conninfo)
            try:
                yield connection
            finally:
                self._give_back(connection)

    @contextmanager
    def _slot(self) -> Iterator[None]:
        """Wait for one of `size` slots. A thread that has one (it is inside a transaction and asks something beside
        it) does not wait for another: if all did, nobody would ever let go.
        """
        depth = getattr(self._held, "depth", 0)
        if depth == 0 and not self._slots.acquire(timeout=_SLOT_SECONDS):
            raise Unavailable("every connection to the database is busy; try again in a moment")
        self._held.depth = depth + 1
        try:
            yield
        finally:
            self._held.depth = depth
            if depth == 0:
                self._slots.release()

    def _give_back(self, connection: Connection) -> None:
        if connection.closed:
            # The server went away: its other connections are as dead, and waiting would meet them one by one.
            with self._lock:
                dead, self._idle = self._idle, []
            for other in dead:
                other.close()
            return
        with self._lock:
            if not self._closed:
                self._idle.append(connection)
                return
        connection.close()


class _Transaction:
    """What `transaction` hands out: the same connection until the block ends."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def run(self, sql: str, /, **params: Param) -> list[Row]:
        return _execute(self._connection, sql, params)

    def transaction(self) -> Any:
        raise DatabaseError("a transaction was begun inside another one; run the statements on the one given")


def _connect(conninfo: str) -> Connection:
    with _translated():
        connection = psycopg.connect(
            conninfo, autocommit=True, row_factory=dict_row, connect_timeout=10, options=_LIMITS
        )
    connection.adapters.register_dumper(str, StrDumperVarchar)
    connection.adapters.register_dumper(int, Int8Dumper)
    return connection


def _execute(connection: Connection, sql: str, params: dict[str, Param]) -> list[Row]:
    for name, value in params.items():
        if value is not None and not isinstance(value, int | str | bytes):
            raise DatabaseError(f"parameter {name} is a {type(value).__name__}; send an int, str, bytes, bool or None")
    with _translated():
        # Statements are constants of this program; values only ever travel as parameters. Without any, the text goes
        # as it is, so that a migration may hold many statements.
        text = rewrite(sql) if params else sql
        cursor = connection.execute(text.encode(), params or None)
        if cursor.description is None:
            return []
        for column in cursor.description:
            if column.type_code not in _PLAIN_TYPES:
                raise DatabaseError(
                    f"column {column.name} has a type (OID {column.type_code}) that not every driver returns alike; "
                    "cast it to text, bigint, bytea or boolean"
                )
        return cursor.fetchall()


@contextmanager
def _translated() -> Iterator[None]:
    """Turn psycopg's errors into ours. Messages name no value: a parameter may be somebody's."""
    try:
        yield
    except ServiceError:
        raise
    except UnicodeEncodeError as error:
        raise PoisonError("the database refuses text that is not Unicode") from error
    except psycopg.Error as error:
        state = error.sqlstate or ""
        what = error.diag.message_primary or type(error).__name__
        if state[:2] in ("22", "23") or (not state and isinstance(error, psycopg.DataError)):
            raise PoisonError(f"the database refuses these values (SQLSTATE {state or 'none'})") from error
        if _MOMENTARY.fullmatch(state) or (not state and isinstance(error, psycopg.OperationalError)):
            raise Unavailable(f"the database cannot answer now ({what}); try again in a moment") from error
        raise DatabaseError(f"the database refused a statement: {what} (SQLSTATE {state or 'none'})") from error
