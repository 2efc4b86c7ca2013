"""Freeze each team's month: its time zone, and who is counted. Done once a month and team, by the insert of its key.

Who is new in a cohort counts from the first day on that has ten active days behind it; that day is kept, too.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from sync_service.cohorts import EVERY_TEAM, Joining, Membership, counting, freeze
from sync_service.ports import Database
from sync_service.timetable import LOOK_BACK_DAYS, instant, local_day, month_of, next_month


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


def counting_on(
    tx: Database, org: str, team: str, month: date, day: date, zone: ZoneInfo, joining: Joining
) -> frozenset[str]:
    """Who of a frozen cohort counts on a `day` of its `month`; whoever does for the first time is noted.

    `tx` is the transaction that releases the day, as framekeep_publisher: what it decides stands or falls with it.
    """
    rows = tx.run(
        """select c.person, k.since::text as since from cohort c left join counted_person k using (person)
           where c.team = :team and c.month = cast(:month as date)""",
        team=team,
        month=month.isoformat(),
    )
    since = {row["person"]: date.fromisoformat(row["since"]) for row in rows if row["since"] is not None}
    new = [row["person"] for row in rows if since.get(row["person"], date.max) > day]
    observed = observed_before(tx, new, day, zone)
    counted = counting([row["person"] for row in rows], day, observed, since, joining)
    tx.run(
        """insert into counted_person (person, org, since)
           select p.person, :org, cast(:day as date)
           from jsonb_array_elements_text(cast(:people as jsonb)) as p (person) on conflict do nothing""",
        org=org,
        day=day.isoformat(),
        people=json.dumps(sorted(counted.intersection(new))),
    )
    return counted


def observed_before(tx: Database, people: Collection[str], day: date, zone: ZoneInfo) -> dict[str, dict[date, int]]:
    """Observed seconds by person and local day, of the days before `day` that are kept: from the quarter hours that began
    when the person had a laptop, whatever else one brought.
    """
    if not people:
        return {}
    observed: dict[str, dict[date, int]] = {}
    for row in tx.run(
        """select person, (slot at time zone cast(:zone as text))::date::text as day,
             sum(observed + unknown)::bigint as seconds
           from person_rollup r
           where person in (select jsonb_array_elements_text(cast(:people as jsonb)))
             and slot >= to_timestamp(:start) and slot < to_timestamp(:end)
             and slot >= coalesce((select min(d.enrolled_at) from device d where d.person = r.person), '-infinity')
           group by 1, 2""",
        zone=zone.key,
        people=json.dumps(sorted(people)),
        start=instant(day - timedelta(days=LOOK_BACK_DAYS), 0, zone),
        end=instant(day, 0, zone),
    ):
        observed.setdefault(row["person"], {})[date.fromisoformat(row["day"])] = row["seconds"]
    return observed


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
