"""The Inbox port on one machine: a SQLite file, written by one thread that commits for everybody who waits.

Group commit is the whole trick: while one fsync runs, the next posts gather, and all of them share the next fsync.
It stands apart from PostgreSQL so that envelopes are still accepted while the database is down.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sync_service.errors import Unavailable
from sync_service.ports import Delivery

MAX_BYTES = 2 << 30
"""Most bytes of bodies kept here; above that, devices are told to come back later and keep their own copy."""
RETRY_AFTER_FULL = 300

_PUT_SECONDS = 30
_SCHEMA = """
create table if not exists message (
  id integer primary key autoincrement, org text not null, received integer not null, body blob not null
) strict;
create table if not exists aside (
  id integer primary key, org text not null, received integer not null, body blob not null,
  reason text not null, at integer not null default (unixepoch())
) strict;
"""

log = logging.getLogger(__name__)
Statement = tuple[str, Sequence[Any]]


@dataclass(slots=True)
class _Job:
    """Statements that must be durable before `finished` is set."""

    statements: list[Statement]
    finished: threading.Event = field(default_factory=threading.Event)
    error: Exception | None = None


class SqliteInbox:
    """The Inbox port over `path`. Threads may share it; another process may not open the same file. `arrived` is
    called after each `put`.
    """

    def __init__(self, path: Path, *, max_bytes: int = MAX_BYTES, arrived: Callable[[], None] = lambda: None) -> None:
        self._path, self._max_bytes, self._arrived = path, max_bytes, arrived
        self._jobs: deque[_Job] = deque()
        self._wake = threading.Condition()
        self._closing = False
        self._claimed: set[str] = set()
        self._claim_lock = threading.Lock()
        self._reader = self._open_or_set_aside()
        self._bytes = int(self._reader.execute("select coalesce(sum(length(body)), 0) from message").fetchone()[0])
        self._thread = threading.Thread(target=self._commit_forever, name="inbox", daemon=True)
        self._thread.start()

    def put(self, org: str, body: bytes, *, received: int) -> None:
        """See Inbox.put."""
        if self._bytes + len(body) > self._max_bytes:
            raise Unavailable("the inbox is full", RETRY_AFTER_FULL)
        self._do(("insert into message (org, received, body) values (?, ?, ?)", (org, received, body)))
        with self._claim_lock:
            self._bytes += len(body)
        self._arrived()

    def claim(self, limit: int) -> list[Delivery]:
        """See Inbox.claim. What this process claimed and neither finished nor released is not handed out again."""
        with self._claim_lock:
            rows = self._reader.execute(
                "select id, org, received, body from message order by id limit ?", (limit + len(self._claimed),)
            )
            found = [Delivery(str(row[0]), row[1], row[2], row[3]) for row in rows if str(row[0]) not in self._claimed]
            self._claimed.update(delivery.receipt for delivery in found[:limit])
        return found[:limit]

    def done(self, deliveries: Sequence[Delivery]) -> None:
        """See Inbox.done."""
        self._do(*(("delete from message where id = ?", (int(one.receipt),)) for one in deliveries))
        self._forget(deliveries)

    def release(self, deliveries: Sequence[Delivery]) -> None:
        """See Inbox.release."""
        with self._claim_lock:
            self._claimed.difference_update(delivery.receipt for delivery in deliveries)

    def set_aside(self, delivery: Delivery, reason: str) -> None:
        """See Inbox.set_aside. Kept in the table `aside` of the same file."""
        number = int(delivery.receipt)
        self._do(
            (
                "insert or ignore into aside (id, org, received, body, reason) "
                "select id, org, received, body, ? from message where id = ?",
                (reason, number),
            ),
            ("delete from message where id = ?", (number,)),
        )
        self._forget([delivery])

    def waiting(self) -> int:
        """How many deliveries are here, claimed or not."""
        with self._claim_lock:
            return int(self._reader.execute("select count(*) from message").fetchone()[0])

    def drop_aside(self, before: int) -> None:
        """Delete what was set aside before this time (epoch seconds)."""
        self._do(("delete from aside where at < ?", (before,)))

    def close(self) -> None:
        """Commit what waits, then close the file."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join()
        self._reader.close()

    def _forget(self, deliveries: Sequence[Delivery]) -> None:
        with self._claim_lock:
            self._claimed.difference_update(delivery.receipt for delivery in deliveries)
            self._bytes -= sum(len(delivery.body) for delivery in deliveries)

    def _do(self, *statements: Statement) -> None:
        """Return when the statements are on the disk. Raises Unavailable."""
        job = _Job(list(statements))
        with self._wake:
            if self._closing:
                raise Unavailable("the inbox is closing")
            self._jobs.append(job)
            self._wake.notify()
        if not job.finished.wait(_PUT_SECONDS):
            raise Unavailable("the disk does not answer")
        if job.error is not None:
            raise Unavailable(f"the inbox cannot be written ({job.error})") from job.error

    def _commit_forever(self) -> None:
        connection = _open(self._path)
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._jobs or self._closing)
                jobs = [self._jobs.popleft() for _ in range(len(self._jobs))]
                if not jobs:
                    break
            _commit(connection, jobs)
        connection.close()

    def _open_or_set_aside(self) -> sqlite3.Connection:
        """Open the file; a damaged one is moved away, whole, and a new one begun: devices keep their own copy until
        they learn that an envelope was opened.
        """
        try:
            connection = _open(self._path)
            if connection.execute("pragma quick_check").fetchone()[0] == "ok":
                return connection
            connection.close()
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):  # the disk or the folder, not the content
                raise Unavailable(f"the inbox {self._path} cannot be opened ({error}); check the disk") from error
        for suffix in ("", "-wal", "-shm"):
            damaged = self._path.with_name(self._path.name + suffix)
            if damaged.exists():
                damaged.rename(_free_name(damaged))
        log.error("the inbox was damaged: it was set aside in %s and a new one begun", self._path.parent)
        return _open(self._path)


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30)
    path.chmod(0o600)
    connection.execute("pragma journal_mode = wal")
    connection.execute("pragma synchronous = full")  # every commit of the log reaches the disk
    connection.executescript(_SCHEMA)
    return connection


def _commit(connection: sqlite3.Connection, jobs: list[_Job]) -> None:
    """All jobs in one commit; when that fails, each alone, so that one bad job fails nobody else."""
    try:
        _run(connection, [statement for job in jobs for statement in job.statements])
    except (sqlite3.Error, OverflowError) as error:
        if len(jobs) > 1:
            for job in jobs:
                _commit(connection, [job])
            return
        jobs[0].error = error
    for job in jobs:
        job.finished.set()


def _run(connection: sqlite3.Connection, statements: list[Statement]) -> None:
    try:
        connection.execute("begin immediate")
        for sql, values in statements:
            connection.execute(sql, values)
        connection.execute("commit")
    except (sqlite3.Error, OverflowError):
        if connection.in_transaction:
            connection.execute("rollback")
        raise


def _free_name(path: Path) -> Path:
    number = 1
    while (free := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    return free
