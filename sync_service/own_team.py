"""What a person is told of their team: who is in it, how each stands to its numbers, and whether they count themselves.

Every function's `tx` speaks as framekeep_person and has entered the person (`authz.enter`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from sync_service.cohorts import Joining, active_days, counting, standing
from sync_service.freezing import observed_before
from sync_service.ports import Database
from sync_service.timetable import local_day, month_of


@dataclass(frozen=True, slots=True)
class OwnCounting:
    """Since which day a person counts (None: not yet), and their observed seconds by local day, as far as kept."""

    since: date | None
    observed: Mapping[date, int]

    def on(self, day: date, *, fixed: bool) -> bool:
        """Whether they count on `day`: as it was decided where the day is `fixed`, else as it stands."""
        since = {"me": self.since} if self.since is not None else {}
        return bool(counting(["me"], day, {} if fixed else {"me": self.observed}, since))


def own_counting(tx: Database, person: str, day: date, zone: ZoneInfo) -> OwnCounting:
    """How a person stands before `day`."""
    rows = tx.run("select since::text as since from counted_person where person = :person", person=person)
    since = date.fromisoformat(rows[0]["since"]) if rows else None
    return OwnCounting(since, observed_before(tx, [person], day, zone).get(person, {}))


def team_of(tx: Database, person: str, zone: ZoneInfo, *, now: int) -> dict[str, Any]:
    """The person's team at `now` in their own `zone`: its members by name, and how each of them stands to its numbers."""
    today = local_day(now, zone)
    month = month_of(today)
    rows = tx.run(
        """select team, team_name, person, name, since::text as since, reads, left_out, counts_since::text as counts_since
           from team_members(cast(:month as date)) order by name, person""",
        month=month.isoformat(),
    )
    own = own_counting(tx, person, today, zone)
    members = []
    for row in rows:
        counts_since = date.fromisoformat(row["counts_since"]) if row["counts_since"] else None
        stands, since = standing(
            month,
            date.fromisoformat(row["since"]),
            reads=row["reads"],
            left_out=row["left_out"],
            counts_since=counts_since,
        )
        members.append(
            {
                "name": row["name"],
                "me": row["person"] == person,
                "standing": stands,
                "since": since.isoformat() if since else None,
            }
        )
    rules = Joining()
    return {
        "team": rows[0]["team"] if rows else None,
        "team_name": rows[0]["team_name"] if rows else None,
        "month": month.isoformat(),
        "members": members,
        "own": {
            "counts_since": own.since.isoformat() if own.since else None,
            "active_days": min(active_days(own.observed, today, rules), rules.active_days),
        },
        "rule": {
            "active_days": rules.active_days,
            "active_minutes": rules.active_seconds // 60,
            "text": f"Somebody new counts after {rules.active_days} days with at least {rules.active_seconds // 60} observed"
            " minutes each. Who comes into the team is decided by two administrators, and from the next month on.",
        },
    }
