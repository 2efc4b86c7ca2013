"""The outbox: sealed envelopes on their way. Acknowledge, then delete; nothing is dropped without being counted.

waiting --202--> accepted --receipt--> opened --60 days--> gone
   |  ^              |  |
   |  |              |  +--receipt--> set aside
   |  |              +--no receipt for 3 days--> waiting
   |  +-- sealed again
   +--refused for good--> set aside --asked--> waiting
   +--the employee declined--> withheld (for good)
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from agent.store.database import Database, Meta, reserve
from agent.store.rows import (
    WITHHELD,
    WITHHELD_MARK,
    WITHHELD_MARKS,
    Draft,
    EnvelopeRow,
    EnvelopeState,
    OutboxSummary,
    RowDamaged,
    SealedDraft,
    StoredWindow,
)
from agent.store.schema import PAGE_BYTES
from agent.store.windows import delete_windows, keep_here, read_window
from agent.wire.summary import MAX_WINDOWS

KEEP_SECONDS = 60 * 86400
"""How long opened envelopes and their windows stay to be looked at (as long as Firefox keeps its pings)."""
RESEND_SECONDS = 3 * 86400
"""How long an accepted envelope may go without a receipt until it is sent again: the service opens within minutes, and
whatever it lost since is here still. A repeat is harmless, because the service counts a window once.
"""
RESEND_MAX_AGE_SECONDS = 30 * 86400
"""Not sent again by itself once its first window is older: the service counts nothing older than 35 days."""
_TRIM_BATCH = 16

# A window in an envelope is local only if the envelope was withheld, and it says so also when the mark was damaged.
_IS_WITHHELD = (
    "(state='set_aside' AND (last_error IN ({}) OR EXISTS("
    "SELECT 1 FROM windows WHERE windows.envelope=envelopes.seq AND windows.local=1)))"
).format(", ".join(f"'{mark}'" for mark in WITHHELD_MARKS))
_COLUMNS = (
    "seq, id, created, first, windows, sealed,"
    f" CASE WHEN {_IS_WITHHELD} THEN 'withheld' ELSE state END, attempts, next_try, last_error, settled"
)

Seal = Callable[[Draft], SealedDraft]

log = logging.getLogger(__name__)


class Envelopes:
    """The envelopes of a store. Every method is one transaction; all raise StoreError."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def start_numbering(self) -> None:
        """Begin at 1, or above the envelopes that are here. Only for a device key made a moment ago, whose numbers
        nobody has seen.
        """
        with self._db.write() as connection:
            first = connection.execute("SELECT coalesce(max(seq), 0) + 1 FROM envelopes").fetchone()[0]
            self._db.put_int(Meta.NEXT_SEQ, first)
            reserve(self._db.path, next_seq=first, lost=self._db.get_int(Meta.LOST) or 0)

    def seal(self, make: Seal, *, now: float, limit: int = MAX_WINDOWS) -> EnvelopeRow | None:
        """Take the oldest unsealed windows (at most `limit`, all of one policy and models), let `make` seal them,
        and keep the envelope and mark its windows together. None when nothing is unsealed. What `make` raises
        undoes everything and passes through.
        """
        with self._db.write() as connection:
            rows = connection.execute(
                "SELECT start, local, envelope, sealed FROM windows WHERE envelope IS NULL AND local=0"
                " ORDER BY start LIMIT ?",
                (limit,),
            ).fetchall()
            windows = self._read_windows(connection, rows)
            if not windows:
                return None
            label = (windows[0].policy, windows[0].models)
            taken = [w for w in windows if (w.policy, w.models) == label]
            seq = self._db.take_seq(now)
            draft = Draft(seq, tuple(w.window for w in taken), self._db.get_int(Meta.LOST) or 0, label[0], label[1])
            columns, values = self._columns(draft, make(draft))
            connection.execute(
                f"INSERT INTO envelopes({columns}, state) VALUES({', '.join('?' * len(values))}, 'waiting')", values
            )
            marks = [(seq, w.window.start) for w in taken]
            connection.executemany("UPDATE windows SET envelope=? WHERE start=?", marks)
        self._db.settle()
        return self.get(seq)

    def reseal(self, seq: int, make: Seal, *, attempts: int = 0, not_before: float = 0.0) -> EnvelopeRow | None:
        """Replace an unaccepted envelope by a new one for the same windows under a new id. It keeps its number: the
        number stands for these windows, and a hole in the numbers would look like a loss to the service.
        None when its windows cannot be read any more (dropped and counted).
        """
        with self._db.write() as connection:
            rows = connection.execute(
                "SELECT start, local, envelope, sealed FROM windows WHERE envelope=? ORDER BY start", (seq,)
            ).fetchall()
            windows = self._read_windows(connection, rows)
            if not windows:
                connection.execute("DELETE FROM envelopes WHERE seq=?", (seq,))
                return None
            lost = self._db.get_int(Meta.LOST) or 0
            draft = Draft(seq, tuple(w.window for w in windows), lost, windows[0].policy, windows[0].models)
            columns, values = self._columns(draft, make(draft))
            connection.execute(
                f"UPDATE envelopes SET ({columns})=({', '.join('?' * len(values))}), state='waiting', attempts=?,"
                " next_try=?, last_error='', settled=0 WHERE seq=?",
                (*values, attempts, not_before, seq),
            )
        self._db.settle()
        return self.get(seq)

    def waiting(self, limit: int = 2) -> list[EnvelopeRow]:
        """The envelopes to send next, oldest window first. One whose bytes were damaged since is given up, and its
        windows wait to be sealed again under a new number: it never blocks the rest.
        """
        rows = self._fetch("WHERE state='waiting' ORDER BY first, seq LIMIT ?", (limit,))
        sound = []
        for row in rows:
            try:
                sound.append(self._row(row))
            except RowDamaged:
                with self._db.write() as connection:
                    connection.execute("UPDATE windows SET envelope=NULL WHERE envelope=?", (row[0],))
                    connection.execute("DELETE FROM envelopes WHERE seq=?", (row[0],))
                log.error("A damaged envelope was given up; its windows are sealed again.", extra={"seq": row[0]})
        return sound

    def get(self, seq: int) -> EnvelopeRow | None:
        """One envelope by its number. Raises RowDamaged."""
        return next(iter(self._select("WHERE seq=?", (seq,))), None)

    def recent(self, limit: int = 100) -> list[EnvelopeRow]:
        """The newest envelopes first, in any state. Raises RowDamaged."""
        return self._select("ORDER BY first DESC, seq DESC LIMIT ?", (limit,))

    def oldest_accepted(self) -> int | None:
        """When (epoch seconds) the first of the envelopes was made that are accepted and not known to be opened: it may
        have been accepted, and opened, long before it was accepted the last time.
        """
        with self._db.read() as connection:
            (oldest,) = connection.execute("SELECT min(created) FROM envelopes WHERE state='accepted'").fetchone()
        return None if oldest is None else int(oldest)

    def oldest_waiting(self) -> int | None:
        """When (epoch seconds) the first of the envelopes was made that still wait to be sent."""
        with self._db.read() as connection:
            (oldest,) = connection.execute("SELECT min(created) FROM envelopes WHERE state='waiting'").fetchone()
        return None if oldest is None else int(oldest)

    def last_sent(self) -> tuple[int, int] | None:
        """When the service last took an envelope (epoch seconds), and how many windows the newest one it has carries."""
        with self._db.read() as connection:
            row = connection.execute(
                "SELECT windows FROM envelopes WHERE state IN ('accepted', 'opened') ORDER BY first DESC LIMIT 1"
            ).fetchone()
            at = self._db.get_int(Meta.LAST_DELIVERY)
        return None if row is None or at is None else (at, int(row[0]))

    def accept(self, seq: int, *, now: float) -> None:
        """The service answered 202 for it: never sent again."""
        with self._db.write() as connection:
            connection.execute(
                "UPDATE envelopes SET state='accepted', settled=?, attempts=0, next_try=0, last_error=''"
                " WHERE seq=? AND state='waiting'",
                (int(now), seq),
            )
            self._db.put_int(Meta.LAST_DELIVERY, int(now))

    def postpone(self, seq: int, *, until: float, reason: str) -> None:
        """It could not be delivered now: count the attempt, try again at `until` (epoch seconds)."""
        with self._db.write() as connection:
            connection.execute(
                "UPDATE envelopes SET attempts=attempts+1, next_try=?, last_error=? WHERE seq=?",
                (until, reason, seq),
            )

    def set_aside(self, seq: int, *, reason: str, now: float) -> None:
        """Refused for good: keep it, show it, do not send it again unless asked."""
        with self._db.write() as connection:
            connection.execute(
                "UPDATE envelopes SET state='set_aside', settled=?, attempts=attempts+1, last_error=? WHERE seq=?",
                (int(now), reason, seq),
            )

    def withhold(self, *, now: float) -> int:
        """The employee declined: nothing that waits is ever sent, sealed or not. Envelopes are kept and shown as
        withheld, their windows and the unsealed ones stay on this laptop. Returns how many windows.
        """
        with self._db.write() as connection:
            connection.execute(
                "UPDATE envelopes SET state='set_aside', settled=?, last_error=? WHERE state='waiting'",
                (int(now), WITHHELD_MARK),
            )
            kept, damaged = keep_here(connection, self._db.cipher)
            self._db.add_lost(damaged)
        return kept

    def settle_receipts(self, outcomes: Mapping[UUID, EnvelopeState], *, now: float, reason: str = "") -> int:
        """Note what the service did with envelopes (OPENED or SET_ASIDE; `reason` goes with the latter).
        Ids that are not of this outbox are ignored. Returns how many changed.
        """
        changed = 0
        with self._db.write() as connection:
            for envelope, state in outcomes.items():
                error = reason if state is EnvelopeState.SET_ASIDE else ""
                cursor = connection.execute(
                    "UPDATE envelopes SET state=?, settled=?, last_error=? WHERE id=? AND state='accepted'",
                    (state.value, int(now), error, envelope.bytes),
                )
                changed += cursor.rowcount
        return changed

    def send_again(self, *, now: float) -> int:
        """What was accepted RESEND_SECONDS ago (or in the future: the clock went back) and has no receipt waits again.
        Only right after the receipts were asked for. Returns how many.
        """
        with self._db.write() as connection:
            cursor = connection.execute(
                "UPDATE envelopes SET state='waiting', attempts=0, next_try=0, settled=0,"
                " last_error='The service did not say that it was counted: it is sent again.'"
                " WHERE state='accepted' AND first>? AND (settled<? OR settled>?)",
                (int(now - RESEND_MAX_AGE_SECONDS), int(now - RESEND_SECONDS), int(now + RESEND_SECONDS)),
            )
            return cursor.rowcount

    def retry(self) -> int:
        """Send everything that waits now, and what was set aside or accepted without a receipt once more; never what
        the employee withheld. Returns how many.
        """
        with self._db.write() as connection:
            cursor = connection.execute(
                "UPDATE envelopes SET state='waiting', attempts=0, next_try=0, settled=0"
                f" WHERE state IN ('waiting', 'set_aside', 'accepted') AND NOT {_IS_WITHHELD}"
            )
            return cursor.rowcount

    def age_out(self, *, now: float) -> None:
        """Forget what was opened, and windows that stay local, after KEEP_SECONDS. What is withheld stays whole."""
        before = int(now - KEEP_SECONDS)
        with self._db.write() as connection:
            old = "SELECT seq FROM envelopes WHERE state='opened' AND settled<? AND created<?"
            delete_windows(
                connection,
                f"envelope IN ({old}) OR (envelope IS NULL AND local=1 AND start<?)",
                (before, before, before),
            )
            connection.execute("DELETE FROM envelopes WHERE state='opened' AND settled<? AND created<?", (before,) * 2)

    def summary(self) -> OutboxSummary:
        """Counts for the status."""
        with self._db.read() as connection:
            counted = connection.execute("SELECT state, count(*), sum(bytes) FROM envelopes GROUP BY state").fetchall()
            by_state = {state: (int(count), int(size)) for state, count, size in counted}
            unsealed = connection.execute("SELECT count(*) FROM windows WHERE envelope IS NULL AND local=0").fetchone()
            (withheld,) = connection.execute(f"SELECT count(*) FROM envelopes WHERE {_IS_WITHHELD}").fetchone()
            counts = {state.value: by_state.get(state.value, (0, 0))[0] for state in EnvelopeState}
            counts["set_aside"] -= withheld
            counts["withheld"] = int(withheld)
            return OutboxSummary(
                **counts,
                waiting_bytes=by_state.get("waiting", (0, 0))[1],
                unsealed=int(unsealed[0]),
                lost=self._db.get_int(Meta.LOST) or 0,
                last_delivery=self._db.get_int(Meta.LAST_DELIVERY),
            )

    def _read_windows(self, connection: sqlite3.Connection, rows: list[tuple[Any, ...]]) -> list[StoredWindow]:
        windows = []
        for row in rows:
            try:
                windows.append(read_window(self._db.cipher, row))
            except RowDamaged:
                # One bad row never blocks the rest: it is gone, and counted.
                delete_windows(connection, "start=?", (row[0],))
                self._db.add_lost(1)
                log.error("A damaged window was dropped and counted as lost.")
        return windows

    def _columns(self, draft: Draft, sealed: SealedDraft) -> tuple[str, tuple[Any, ...]]:
        first, count = draft.windows[0].start, len(draft.windows)
        bound = (draft.seq, sealed.id.bytes, sealed.created, first, count)
        packed = self._db.cipher.seal(sealed.pack(), "envelopes", *bound)
        return "seq, id, created, first, windows, bytes, sealed", (*bound, len(sealed.body), packed)

    def _fetch(self, where: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        with self._db.read() as connection:
            return connection.execute(f"SELECT {_COLUMNS} FROM envelopes {where}", values).fetchall()

    def _select(self, where: str, values: tuple[Any, ...]) -> list[EnvelopeRow]:
        return [self._row(row) for row in self._fetch(where, values)]

    def _row(self, row: tuple[Any, ...]) -> EnvelopeRow:
        seq, raw_id, created, first, windows, sealed, state, attempts, next_try, last_error, settled = row
        body, plain = SealedDraft.unpack(
            self._db.cipher.open(sealed, "envelopes", seq, raw_id, created, first, windows)
        )
        withheld = state == EnvelopeState.WITHHELD
        return EnvelopeRow(
            seq=seq,
            id=UUID(bytes=raw_id),
            created=created,
            first=first,
            windows=windows,
            body=body,
            plain=plain,
            state=EnvelopeState(state),
            attempts=attempts,
            next_try=next_try,
            last_error=WITHHELD if withheld else last_error,
            settled=settled,
        )


def trim(database: Database, connection: sqlite3.Connection, budget: int) -> int:
    """Inside a transaction: while the store uses more than `budget` bytes, drop the oldest of what is needed least:
    local windows, opened, accepted, set aside, waiting, unsealed. Windows the service never took (the last three
    kinds) are counted as lost; returns how many.
    """
    lost = 0
    for kind, counts in (("local", False), ("opened", False), ("accepted", False), ("set_aside", True),
                         ("waiting", True), ("unsealed", True)):  # fmt: skip
        while _used(connection) > budget:
            if kind in ("local", "unsealed"):
                where = f"start IN (SELECT start FROM windows WHERE envelope IS NULL AND local=? ORDER BY start LIMIT {_TRIM_BATCH})"
                dropped = delete_windows(connection, where, (int(kind == "local"),))
                gone = dropped
            else:
                oldest = connection.execute(
                    "SELECT seq FROM envelopes WHERE state=? ORDER BY first, seq LIMIT ?", (kind, _TRIM_BATCH)
                ).fetchall()
                gone = sum(delete_windows(connection, "envelope=?", row) for row in oldest)
                connection.executemany("DELETE FROM envelopes WHERE seq=?", oldest)
                dropped = len(oldest)
            if dropped == 0:
                break
            lost += gone if counts else 0
    if lost:
        database.add_lost(lost)
    return lost


def _used(connection: sqlite3.Connection) -> int:
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    (free,) = connection.execute("PRAGMA freelist_count").fetchone()
    return int(pages - free) * PAGE_BYTES
