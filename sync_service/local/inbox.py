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
from sync_service.local.alerts import LogAlerts
from sync_service.local.inbox_file import digest, fault, log_of, open_file
from sync_service.local.inbox_salvage import damaged_files, finish_salvage, salvage
from sync_service.ports import Alerts, Delivery

MAX_BYTES = 2 << 30
"""Most bytes of bodies kept here; above that, devices are told to come back later and keep their own copy."""
RETRY_AFTER_FULL = 300

_PUT_SECONDS = 30
_LOG_BYTES = 4 << 20
_IDLE_SECONDS = 1.0
"""The log is moved into the file at this size, or after so long without work: what lies there is better protected."""

log = logging.getLogger(__name__)
Statement = tuple[str, Sequence[Any]]


@dataclass(slots=True)
class _Job:
    """Statements that must be durable before `finished` is set. `bytes` is what a new body was counted with."""

    statements: list[Statement]
    bytes: int = 0
    finished: threading.Event = field(default_factory=threading.Event)
    error: Exception | None = None


class SqliteInbox:
    """The Inbox port over `path`. Threads may share it; another process may not open the same file. `arrived` is
    called after each `put`. A damaged file is replaced by one with its sound rows, and `alerts` told.
    """

    def __init__(
        self,
        path: Path,
        *,
        max_bytes: int = MAX_BYTES,
        arrived: Callable[[], None] = lambda: None,
        alerts: Alerts | None = None,
    ) -> None:
        self._path, self._max_bytes, self._arrived = path, max_bytes, arrived
        self._alerts = alerts or LogAlerts()
        self._jobs: deque[_Job] = deque()
        self._wake = threading.Condition()
        self._closing = False
        self._claimed: set[str] = set()
        self._claim_lock = threading.Lock()
        self._reader = self._open_whole()
        self._bytes = int(self._reader.execute("select coalesce(sum(length(body)), 0) from message").fetchone()[0])
        self._thread = threading.Thread(target=self._commit_forever, name="inbox", daemon=True)
        self._thread.start()

    def put(self, org: str, body: bytes, *, received: int) -> None:
        """See Inbox.put."""
        with self._claim_lock:
            if self._bytes + len(body) > self._max_bytes:
                raise Unavailable("the inbox is full", RETRY_AFTER_FULL)
            self._bytes += len(body)  # taken back by whoever finds that it did not get in
        mark = digest(org.encode(), received, body)
        insert = "insert into message (org, received, body, digest) values (?, ?, ?, ?)"
        self._do((insert, (org, received, body, mark)), size=len(body))
        self._arrived()

    def claim(self, limit: int) -> list[Delivery]:
        """See Inbox.claim. What this process claimed and neither finished nor released is not handed out again."""
        with self._claim_lock:
            rows = self._reader.execute(
                "select id, cast(org as blob), received, body, digest from message order by id limit ?",
                (limit + len(self._claimed),),
            ).fetchall()
            rows = [row for row in rows if str(row[0]) not in self._claimed][:limit]
            self._claimed.update(str(row[0]) for row in rows)
        found = []
        for number, org, received, body, mark in rows:
            delivery = Delivery(str(number), org.decode(errors="replace"), received, body)
            if digest(org, received, body) == mark:
                found.append(delivery)
            else:
                self.set_aside(delivery, "damaged")
                self._alerts.alert("inbox_damaged", "a delivery in the inbox is not what was written; it was set aside")
        return found

    def done(self, deliveries: Sequence[Delivery]) -> None:
        """See Inbox.done."""
        self._do(*((_FORGET, (int(one.receipt),)) for one in deliveries))
        self.release(deliveries)

    def release(self, deliveries: Sequence[Delivery]) -> None:
        """See Inbox.release."""
        with self._claim_lock:
            self._claimed.difference_update(delivery.receipt for delivery in deliveries)

    def set_aside(self, delivery: Delivery, reason: str) -> None:
        """See Inbox.set_aside. Kept in the table `aside` of the same file."""
        number = int(delivery.receipt)
        self._do(
            (
                "insert or ignore into aside (id, org, received, body, digest, reason) "
                "select id, org, received, body, digest, ? from message where id = ?",
                (reason, number),
            ),
            (_FORGET, (number,)),
        )
        self.release([delivery])

    def waiting(self) -> int:
        """How many deliveries are here, claimed or not."""
        with self._claim_lock:
            return int(self._reader.execute("select count(*) from message").fetchone()[0])

    def oldest(self) -> int | None:
        """See Inbox.oldest."""
        with self._claim_lock:
            found = self._reader.execute("select min(received) from message").fetchone()[0]
        return None if found is None else int(found)

    def drop_aside(self, before: int) -> None:
        """Delete what was set aside before this time (epoch seconds), damaged files too."""
        self._do(("delete from aside where at < ?", (before,)))
        for path in damaged_files(self._path):
            if path.stat().st_ctime < before:  # when it was put there: being renamed changes this time
                path.unlink(missing_ok=True)

    def forget_aside(self, devices: Sequence[str]) -> None:
        """Delete what was set aside of these devices (ids); every body names its own. What damaged files hold cannot
        be told apart: they go as a whole.
        """
        self._do(*(("delete from aside where instr(body, cast(? as blob)) > 0", (device,)) for device in devices))
        for path in damaged_files(self._path) if devices else ():
            path.unlink(missing_ok=True)

    def close(self) -> None:
        """Commit what waits, then close the file."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join()
        self._reader.close()

    def _do(self, *statements: Statement, size: int = 0) -> None:
        """Return when the statements are on the disk. Raises Unavailable; they may get there later all the same."""
        job = _Job(list(statements), size)
        with self._wake:
            closing = self._closing
            if not closing:
                self._jobs.append(job)
                self._wake.notify()
        if closing:
            self._count(-size)
            raise Unavailable("the inbox is closing")
        if not job.finished.wait(_PUT_SECONDS):
            raise Unavailable("the disk does not answer")
        if job.error is not None:
            raise Unavailable(f"the inbox cannot be written ({job.error})") from job.error

    def _count(self, change: int) -> None:
        with self._claim_lock:
            self._bytes += change

    def _commit_forever(self) -> None:
        connection = open_file(self._path)
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._jobs or self._closing, _IDLE_SECONDS)
                jobs = [self._jobs.popleft() for _ in range(len(self._jobs))]
                if not jobs and self._closing:
                    break
            if jobs:
                self._commit(connection, jobs)
            self._move_log(connection, _LOG_BYTES if jobs else 1)
        connection.close()

    def _commit(self, connection: sqlite3.Connection, jobs: list[_Job]) -> None:
        """All jobs in one commit; when that fails, each alone, so that one bad job fails nobody else."""
        try:
            freed = _run(connection, [statement for job in jobs for statement in job.statements])
        except (sqlite3.Error, OverflowError) as error:
            if len(jobs) > 1:
                for job in jobs:
                    self._commit(connection, [job])
                return
            jobs[0].error = error
            freed = jobs[0].bytes
        self._count(-freed)
        for job in jobs:
            job.finished.set()

    def _move_log(self, connection: sqlite3.Connection, least: int) -> None:
        """Move a log of at least so many bytes into the file, and empty it."""
        try:
            if log_of(self._path).stat().st_size >= least:
                connection.execute("pragma wal_checkpoint(truncate)").fetchone()
        except (OSError, sqlite3.Error) as error:  # it stays where it is, durable; the next commit tries again
            log.warning("the inbox's log stays as it is: %s", error)

    def _open_whole(self) -> sqlite3.Connection:
        try:
            finish_salvage(self._path)
            if found := fault(self._path):
                self._replace(found)
            return open_file(self._path)
        except (OSError, sqlite3.Error) as error:  # the disk or the folder, not the content
            raise Unavailable(f"the inbox {self._path} cannot be opened ({error}); check the disk") from error

    def _replace(self, found: str) -> None:
        done = salvage(self._path)
        log.error("the inbox was damaged (%s); the damaged file is %s", found, done.damaged)
        self._alerts.alert(
            "inbox_damaged",
            "the inbox was damaged: what is sound was saved into a new one, the damaged file kept",
            kept=done.kept,
            lost="unknown" if done.lost is None else done.lost,
        )


_FORGET = "delete from message where id = ? returning length(body)"


def _run(connection: sqlite3.Connection, statements: list[Statement]) -> int:
    """Run them in one transaction; answers how many bytes of bodies were deleted."""
    freed = 0
    try:
        connection.execute("begin immediate")
        for sql, values in statements:
            freed += sum(row[0] for row in connection.execute(sql, values))
        connection.execute("commit")
    except (sqlite3.Error, OverflowError):
        if connection.in_transaction:
            connection.execute("rollback")
        raise
    return freed
