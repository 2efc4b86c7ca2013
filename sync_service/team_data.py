"""What a team's day is computed from: its frozen cohort's quarter hours and what people said of them.

Every function's `tx` is the transaction that releases the day, as framekeep_publisher; `day` is the team's local day.
"""

from __future__ import annotations

from datetime import date, timedelta
from zoneinfo import ZoneInfo

from sync_service.blocks import People, Rollup
from sync_service.cohorts import Correction
from sync_service.ports import Database
from sync_service.timetable import instant, month_of


def people(tx: Database, team: str, day: date, zone: ZoneInfo, *, from_enrolment: bool = True) -> People:
    """The cohort's rollups of the local day, without the erased and without whoever was reported by name that day;
    `from_enrolment`: of quarter hours that began when the person had a laptop (see `cohorts.Joining`).
    """
    rows = tx.run(
        """with counted as (
             select c.person from cohort c
             where c.team = :team and c.month = cast(:month as date)
               and not exists (select from tombstone t where t.kind = 'person' and t.id = c.person)
           ), rolled as (
             select r.*, coalesce(p.individual_reports, false) as by_name
             from person_rollup r join counted using (person)
               left join policy_terms p on p.org = r.org and p.policy = r.policy
             where r.slot >= to_timestamp(:start) and r.slot < to_timestamp(:end)
           )
           select person, extract(epoch from slot)::bigint as slot, sum(at_screen)::bigint as at_screen,
             sum(looking_away)::bigint as looking_away, sum(on_phone)::bigint as on_phone,
             sum(absent)::bigint as absent, sum(unknown)::bigint as unknown
           from rolled where person not in (select person from rolled where by_name)
             and (not :from_enrolment
               or slot >= coalesce((select min(d.enrolled_at) from device d where d.person = rolled.person), '-infinity'))
           group by person, slot""",
        from_enrolment=from_enrolment,
        team=team,
        month=month_of(day).isoformat(),
        start=instant(day, 0, zone),
        end=instant(day + timedelta(days=1), 0, zone),
    )
    measured: dict[str, dict[int, Rollup]] = {}
    for row in rows:
        rollup = Rollup(row["at_screen"], row["looking_away"], row["on_phone"], row["absent"], row["unknown"])
        measured.setdefault(row["person"], {})[row["slot"]] = rollup
    return measured


def corrections(tx: Database, team: str, day: date, zone: ZoneInfo) -> list[Correction]:
    """What the cohort's people said of the local day, in the order they said it."""
    rows = tx.run(
        """select k.person, extract(epoch from k.starts_at)::bigint as starts,
             extract(epoch from k.ends_at)::bigint as ends, k.counts_as
           from correction k join cohort c on c.person = k.person and c.month = cast(:month as date)
           where c.team = :team and k.starts_at < to_timestamp(:end) and k.ends_at > to_timestamp(:start)
           order by k.made_at, k.id""",
        team=team,
        month=month_of(day).isoformat(),
        start=instant(day, 0, zone),
        end=instant(day + timedelta(days=1), 0, zone),
    )
    return [Correction(row["person"], row["starts"], row["ends"], row["counts_as"]) for row in rows]


def previous_zones(tx: Database, team: str, month: date) -> list[ZoneInfo]:
    """The time zones the people of a `month` were counted in the month before."""
    rows = tx.run(
        """select distinct m.time_zone from cohort now
             join cohort before on before.person = now.person and before.month = cast(:before as date)
             join cohort_month m on m.team = before.team and m.month = before.month
           where now.team = :team and now.month = cast(:month as date)""",
        team=team,
        month=month.isoformat(),
        before=month_of(month - timedelta(days=1)).isoformat(),
    )
    return [ZoneInfo(row["time_zone"]) for row in rows]
