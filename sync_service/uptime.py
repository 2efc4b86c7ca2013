"""When the service was up: what a publisher needs to know before it calls a day's data complete.

Laptops keep what they measure while the service is away and deliver it once it is back. The table `uptime` holds one row
a stretch without a longer gap; before the first row the service counts as up, since then nothing was asked of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sync_service.ports import Database

GAP_SECONDS = 600
"""Without a sign of life for longer than this, the service was away. (The publisher gives one each minute.)"""
TOLERATED_SECONDS = 4 * 3600
"""This much absence between a day's end and its release costs nothing: laptops deliver again in the rest of the time."""
CATCH_UP_SECONDS = 72 * 3600
"""After a longer absence: as much presence as spans a weekend, during which most laptops are off."""
KEPT_SECONDS = 60 * 24 * 3600


@dataclass(frozen=True)
class Uptime:
    """The stretches in which the service was up, (start, end) in epoch seconds, oldest first."""

    stretches: Sequence[tuple[int, int]]

    def away(self, start: int, end: int) -> int:
        """Seconds of the time from `start` to `end` in which the service was away."""
        gone, was_up = 0, None
        for began, ended in self.stretches:
            if was_up is not None and began > was_up:
                gone += max(0, min(began, end) - max(was_up, start))
            was_up = max(ended, was_up or ended)
        return gone

    def caught_up(self, start: int, now: int) -> bool:
        """Whether at `now` laptops had the time to deliver what they held at `start`."""
        away = self.away(start, now)
        return away <= TOLERATED_SECONDS or now - start - away >= CATCH_UP_SECONDS


def note_uptime(db: Database, now: int) -> Uptime:
    """Say that the service is up at `now` (epoch seconds); when it was before. `db` speaks as framekeep_publisher."""
    with db.transaction() as tx:
        tx.run("select pg_advisory_xact_lock(hashtextextended('uptime', 0))")
        extended = tx.run(
            """update uptime set last_at = greatest(last_at, to_timestamp(:now))
               where started_at = (select max(started_at) from uptime) and last_at >= to_timestamp(:gap)
               returning 1 as one""",
            now=now,
            gap=now - GAP_SECONDS,
        )
        if not extended:
            tx.run("insert into uptime (started_at, last_at) values (to_timestamp(:now), to_timestamp(:now))", now=now)
        tx.run("delete from uptime where last_at < to_timestamp(:old)", old=now - KEPT_SECONDS)
        rows = tx.run(
            """select extract(epoch from started_at)::bigint as began, extract(epoch from last_at)::bigint as ended
               from uptime order by started_at"""
        )
    return Uptime([(row["began"], row["ended"]) for row in rows])
