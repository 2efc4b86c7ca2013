"""Freeze cohorts and release team blocks: the shell around the pure rule in `blocks.py`.

Everything here may be repeated, killed and run twice at a time. A month is frozen, and a day is released, by one
transaction that begins with an insert into a table whose key is (team, month) or (team, day): the second to come finds
the row and does nothing. The role has no right to change or delete what it released.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from agent.wire.documents import Policy
from sync_service import team_data
from sync_service.blocks import Block, People, Rules, TeamDay, contributors, team_day
from sync_service.cohorts import Joining, apply_corrections, month_begins
from sync_service.errors import ServiceError
from sync_service.freezing import counting_on, freeze_months
from sync_service.papers import Papers
from sync_service.policies import current_papers, policy_of_day
from sync_service.ports import Alerts, Database
from sync_service.timetable import (
    LOOK_BACK_DAYS,
    SLOT_SECONDS,
    Timing,
    days_between,
    instant,
    local_day,
    month_of,
    next_month,
)
from sync_service.uptime import Uptime, note_uptime

LONGEST_HOLD_SECONDS = 24 * 3600
"""A day waits this long, while the service is up, for envelopes that arrived in time and are not opened yet."""
DAY = 24 * 3600
WARN_DAYS = 30
"""So long before a policy or keyset runs out, somebody is told."""


@dataclass(frozen=True)
class Published:
    """What one run did. `held`: days that wait for what is on its way."""

    months: int = 0
    days: int = 0
    blocks: int = 0
    suppressed: int = 0
    held: int = 0

    def __add__(self, other: Published) -> Published:
        """Both together."""
        return Published(
            self.months + other.months,
            self.days + other.days,
            self.blocks + other.blocks,
            self.suppressed + other.suppressed,
            self.held + other.held,
        )


@dataclass(frozen=True)
class _Month:
    org: str
    team: str
    month: date
    zone: ZoneInfo
    created: int


class Publisher:
    """`db` speaks as the publisher's role. `timing` says when a day is due, `unwritten_before` whether an envelope that
    was accepted before an instant (epoch seconds) is not in the database yet, `joining` when somebody new counts.
    """

    def __init__(
        self,
        db: Database,
        alerts: Alerts,
        timing: Timing | None = None,
        *,
        unwritten_before: Callable[[int], bool] = lambda _: False,
        joining: Joining | None = None,
    ) -> None:
        self._db = db
        self._alerts = alerts
        self._timing = timing or Timing()
        self._unwritten_before = unwritten_before
        self._joining = joining or Joining()
        self._warned: dict[tuple[str, str], int] = {}

    def run(self, now: int, *, first_day: date | None = None) -> Published:
        """Freeze every month that has begun and release every day that is due at `now`.

        To be called every few minutes while the service is up: a longer silence counts as an absence, after which days
        are held until laptops could deliver what they kept. Days before a team was created are left alone, since nothing can have been measured then; a demonstration that
        brings a past day names it with `first_day`.
        """
        done, uptime = Published(), note_uptime(self._db, now)
        for row in self._db.run("select id from organisation order by id"):
            try:
                done += self._organisation(row["id"], uptime, now, first_day)
            except ServiceError as error:
                # One organisation's broken policy must not stop the others' numbers.
                self._alerts.alert("publish_failed", str(error), org=row["id"])
        return done

    def _organisation(self, org: str, uptime: Uptime, now: int, first_day: date | None) -> Published:
        if not self._db.run("select 1 as one from device_progress where org = :org limit 1", org=org):
            return Published()  # nothing measured yet: nothing to freeze, nothing to release
        papers = current_papers(self._db, org)
        policy = papers.policy(now)  # nothing is released under one that goes beyond the agreement
        self._warn(org, "policy", policy.not_after, now)
        if papers.keyset is not None:
            self._warn(org, "keyset", papers.keyset.not_after, now)
        done = Published(months=freeze_months(self._db, org, now, individual_reports=policy.individual_reports))
        for month in self._frozen_months(org, now):
            done += self._release_month(month, papers, uptime, now, first_day)
        return done

    def _warn(self, org: str, kind: str, not_after: int, now: int) -> None:
        """Say once a day that a document is about to run out: nothing is measured under one that has."""
        day = now // DAY
        if not_after - now < WARN_DAYS * DAY and self._warned.get((org, kind)) != day:
            self._warned[org, kind] = day
            left = max(0, not_after - now) // DAY
            self._alerts.alert(
                f"{kind}_expires",
                f"the {kind} holds for {left} more days, then laptops stop measuring; run framekeep-sync admin {kind} renew",
                org=org,
                days=left,
            )

    def _frozen_months(self, org: str, now: int) -> list[_Month]:
        rows = self._db.run(
            """select c.team, c.month::text, c.time_zone, extract(epoch from t.created_at)::bigint as created
               from cohort_month c join team t on t.id = c.team
               where c.org = :org and c.month >= cast(:oldest as date) order by c.team, c.month""",
            org=org,
            oldest=month_of(local_day(now, ZoneInfo("UTC")) - timedelta(days=LOOK_BACK_DAYS + 1)).isoformat(),
        )
        return [
            _Month(org, row["team"], date.fromisoformat(row["month"]), ZoneInfo(row["time_zone"]), row["created"])
            for row in rows
        ]

    def _release_month(
        self, month: _Month, papers: Papers, uptime: Uptime, now: int, first_day: date | None
    ) -> Published:
        today = local_day(now, month.zone)
        first = max(
            month.month, today - timedelta(days=LOOK_BACK_DAYS), first_day or local_day(month.created, month.zone)
        )
        last = min(next_month(month.month) - timedelta(days=1), today)
        released = {
            row["day"]
            for row in self._db.run(
                "select day::text from released_day where team = :team and day >= cast(:first as date)",
                team=month.team,
                first=first.isoformat(),
            )
        }
        done = Published()
        for day in days_between(first, last):
            due = self._timing.fixed_at(day, month.zone)
            if due > now or day.isoformat() in released:
                continue
            over = instant(day + timedelta(days=1), 0, month.zone)
            present = now - due - uptime.away(due, now)
            # A timing that leaves laptops no time at all (a demonstration's) waits for none.
            late = over < due and not uptime.caught_up(over, now)
            if late or (present < LONGEST_HOLD_SECONDS and self._waiting(month.org, due)):
                done += Published(held=1)
                continue
            done += self._release(month, day, _policy_for(papers, month, day, now), now)
        return done

    def _waiting(self, org: str, due: int) -> bool:
        # In this order: what leaves the inbox in between is in the table by the second question.
        if self._unwritten_before(due):
            return True
        rows = self._db.run("select envelopes_waiting(:org, to_timestamp(:due)) as waiting", org=org, due=due)
        return bool(rows[0]["waiting"])

    def _release(self, month: _Month, day: date, policy: Policy, now: int) -> Published:
        with self._db.transaction() as tx:
            lock_day(tx, month.team, day)
            counted = counting_on(tx, month.org, month.team, month.month, day, month.zone, self._joining)
            measured = {
                person: slots
                for person, slots in team_data.people(
                    tx, month.team, day, month.zone, from_enrolment=self._joining.from_enrolment
                ).items()
                if person in counted
            }
            people, changed = apply_corrections(measured, team_data.corrections(tx, month.team, day, month.zone))
            rules = Rules.for_policy(policy.k)
            result = team_day(
                month.zone,
                day,
                policy.work_hours,
                people,
                rules,
                not_before=month_begins(month.month, month.zone, team_data.previous_zones(tx, month.team, month.month)),
            )
            shown = max(now, self._timing.shown_at(day, month.zone))
            new = tx.run(
                """insert into released_day
                     (org, team, day, time_zone, policy, k, suppressed, fixed_at, shown_at)
                   values (:org, :team, cast(:day as date), :zone, :policy, :k, :suppressed, to_timestamp(:now),
                     to_timestamp(:shown))
                   on conflict do nothing returning 1 as one""",
                org=month.org,
                team=month.team,
                day=day.isoformat(),
                zone=month.zone.key,
                policy=policy.id,
                k=policy.k,
                suppressed=result.suppressed,
                now=now,
                shown=shown,
            )
            if not new:
                return Published()  # another run was first; its numbers stand
            tx.run(
                _INSERT_BLOCKS,
                rows=json.dumps(_rows(month, result, lambda block: _corrected(block, measured, changed, rules), shown)),
            )
        return Published(days=1, blocks=len(result.blocks), suppressed=int(result.suppressed is not None))


def _policy_for(papers: Papers, month: _Month, day: date, now: int) -> Policy:
    """The policy that was in force when the day began, with a k not below the present one's: what was promised since
    holds for whatever is not released yet.
    """
    present = papers.policy(now)
    then = policy_of_day(papers, instant(day, 0, month.zone)) or present
    return replace(then, k=max(then.k, present.k))


def lock_day(tx: Database, team: str, day: date) -> None:
    """Wait until nobody else releases this day or corrects it, and keep them waiting until the transaction ends."""
    tx.run("select pg_advisory_xact_lock(hashtextextended(:key, 0))", key=f"{team} {day.isoformat()}")


_INSERT_BLOCKS = """
insert into released_block (org, team, day, number, starts_at, ends_at, seconds, at_screen, looking_away, on_phone,
  absent, unknown, coverage, people, corrected, shown_at)
select b.org, b.team, b.day, b.number, to_timestamp(b.starts), to_timestamp(b.ends), b.seconds, b.at_screen,
  b.looking_away, b.on_phone, b.absent, b.unknown, b.coverage, b.people, b.corrected, to_timestamp(b.shown)
from jsonb_to_recordset(cast(:rows as jsonb)) as b (org text, team text, day date, number smallint, starts bigint,
  ends bigint, seconds int, at_screen smallint, looking_away smallint, on_phone smallint, absent smallint,
  unknown smallint, coverage smallint, people text, corrected boolean, shown bigint)
"""


def _rows(
    month: _Month, result: TeamDay, corrected: Callable[[Block], bool], shown: int
) -> list[dict[str, int | str | bool]]:
    return [
        {
            "org": month.org,
            "team": month.team,
            "day": result.day.isoformat(),
            "number": number,
            "starts": block.start,
            "ends": block.end,
            "seconds": block.seconds,
            **block.shares,
            "coverage": block.coverage,
            "people": block.people,
            "corrected": corrected(block),
            "shown": shown,
        }
        for number, block in enumerate(result.blocks, start=1)
    ]


def _corrected(block: Block, measured: People, changed: frozenset[tuple[str, int]], rules: Rules) -> bool:
    """Whether a correction went into a block: of somebody behind it, or of somebody who would be without it."""
    slots = range(block.start, block.end, SLOT_SECONDS)
    said = {person for person, slot in changed if slot in slots}
    return bool(said & (block.contributors | contributors(slots, {p: measured[p] for p in said}, rules).keys()))
