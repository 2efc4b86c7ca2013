"""Freeze each team's month: its time zone, and who is counted. Done once a month and team, by the insert of its key."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from sync_service.cohorts import EVERY_TEAM, Membership, freeze
from sync_service.ports import Database
from sync_service.timetable import LOOK_BACK_DAYS, local_day, month_of, next_month


def freeze_months(db: Database, org: str, now: int, *, individual_reports: bool) -> int:
    """Freeze every month of every team that has begun at `now` (epoch seconds) and is not frozen yet; how many.

    A month frozen late is frozen as memberships said it would be, since those are only entered ahead; who became a
    reader in the meantime is left out.
    """
    memberships = [
        Membership(row["person"], row["team"], date.fromisoformat(row["month"]))
        for row in db.run("select person, team, month::text from membership where org = :org", org=org)
    ]
    readers = team_readers(db, org)
    frozen = {
        (row["team"], row["month"])
        for row in db.run("select team, month::text from cohort_month where org = :org", org=org)
    }
    count = 0
    for team in db.run("select id, time_zone from team where org = :org order by id", org=org):
        zone = ZoneInfo(team["time_zone"])
        today = local_day(now, zone)
        first = min((m.month for m in memberships if m.team == team["id"]), default=date.max)
        month = max(first, month_of(today - timedelta(days=LOOK_BACK_DAYS)))
        while month <= today:
            if (team["id"], month.isoformat()) not in frozen:
                people = freeze(team["id"], month, memberships, readers, individual_reports=individual_reports)
                count += _freeze(db, org, team["id"], month, zone, people, now)
            month = next_month(month)
    return count


def team_readers(db: Database, org: str) -> Mapping[str, set[str]]:
    """Person -> the teams they may read, EVERY_TEAM for all of them."""
    rows = db.run(
        """select m.person, case when m.role = 'admin' then :every else t.team::text end as team
           from manager m left join manager_team t on t.manager = m.id
           where m.org = :org and m.person is not null and m.revoked_at is null
             and (m.role = 'admin' or (m.role = 'manager' and t.team is not null))""",
        org=org,
        every=EVERY_TEAM,
    )
    readers: dict[str, set[str]] = {}
    for row in rows:
        readers.setdefault(row["person"], set()).add(row["team"])
    return readers


def _freeze(db: Database, org: str, team: str, month: date, zone: ZoneInfo, people: Iterable[str], now: int) -> int:
    with db.transaction() as tx:
        new = tx.run(
            """insert into cohort_month (org, team, month, time_zone, frozen_at)
               values (:org, :team, cast(:month as date), :zone, to_timestamp(:now))
               on conflict do nothing returning 1 as one""",
            org=org,
            team=team,
            month=month.isoformat(),
            zone=zone.key,
            now=now,
        )
        if new:
            tx.run(
                """insert into cohort (org, person, month, team)
                   select :org, p.person, cast(:month as date), :team
                   from jsonb_array_elements_text(cast(:people as jsonb)) as p (person)
                   on conflict do nothing""",
                org=org,
                team=team,
                month=month.isoformat(),
                people=json.dumps(sorted(people)),
            )
    return len(new)
