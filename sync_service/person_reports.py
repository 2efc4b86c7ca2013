"""One person's days as their own manager may see them: only what was sealed under a policy that allowed reports by name.

Which quarter hours those are is the database's answer (`individual_rollups`): the role that answers managers can read no
other. They stand behind no team number, and a day is shown to a manager no earlier than a team's would be.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sync_service.blocks import SHARES, Rollup
from sync_service.cohorts import Correction, Membership, apply_corrections, teams_in
from sync_service.ports import Database
from sync_service.timetable import Timing, days_between, instant, local_day, month_of


def teams_of(tx: Database, person: str, first: date, last: date) -> dict[str, ZoneInfo]:
    """The teams a person belonged to from `first` to `last`, the latest one last, with their time zones.

    `tx` has entered the organisation; nobody of another one belongs to any.
    """
    rows = tx.run(
        """select m.team::text as team, m.month::text as month, t.time_zone from membership m
             join team t on t.id = m.team where m.person = cast(:person as text)""",
        person=person,
    )
    members = [Membership(person, row["team"], date.fromisoformat(row["month"])) for row in rows]
    zones = {row["team"]: ZoneInfo(row["time_zone"]) for row in rows}
    months = sorted({month_of(day) for day in days_between(first, last)})
    teams = [team for month in months for team in teams_in(month, members).values()]
    return {team: zones[team] for team in teams}


def person_days(
    tx: Database, person: str, zone: ZoneInfo, first: date, last: date, timing: Timing, *, now: int
) -> list[dict[str, Any]]:
    """One entry for each day with something to show at `now`: observed seconds by state, the person's word applied."""
    span = {"start": instant(first, 0, zone), "end": instant(last + timedelta(days=1), 0, zone)}
    rollups = tx.run(
        """select extract(epoch from slot)::bigint as slot, at_screen, looking_away, on_phone, absent, unknown
           from individual_rollups(cast(:person as text), to_timestamp(:start), to_timestamp(:end))""",
        person=person,
        **span,
    )
    words = tx.run(
        """select extract(epoch from starts_at)::bigint as starts, extract(epoch from ends_at)::bigint as ends, counts_as
           from individual_corrections(cast(:person as text), to_timestamp(:start), to_timestamp(:end))""",
        person=person,
        **span,
    )
    slots = {row["slot"]: Rollup(*(row[state] for state in SHARES)) for row in rollups}
    corrections = [Correction(person, row["starts"], row["ends"], row["counts_as"]) for row in words]
    after, changed = apply_corrections({person: slots}, corrections)
    shown = [day for day in days_between(first, last) if timing.shown_at(day, zone) <= now]
    by_day: dict[date, list[Rollup]] = {local_day(slot, zone): [] for slot in slots}
    for slot, rollup in after[person].items():
        by_day[local_day(slot, zone)].append(rollup)
    touched = {local_day(slot, zone) for _, slot in changed}
    return [
        {"day": day.isoformat(), "corrected": day in touched, **_sums(by_day[day])} for day in shown if day in by_day
    ]


def _sums(rollups: Iterable[Rollup]) -> dict[str, int]:
    totals = [0] * len(SHARES)
    for rollup in rollups:
        totals = [a + b for a, b in zip(totals, rollup, strict=True)]
    return dict(zip(SHARES, totals, strict=True))
