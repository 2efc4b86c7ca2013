"""What a person can do about what is kept about them: see it, take it away, contradict it, have it erased.

Every function's `tx` speaks as framekeep_person and has entered the person (`authz.enter`); answers are plain values.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sync_service import own_team
from sync_service.blocks import SHARES
from sync_service.own_team import OwnCounting
from sync_service.ports import Database, Row
from sync_service.publisher import lock_day
from sync_service.released import read_days
from sync_service.reports import summary
from sync_service.timetable import LOOK_BACK_DAYS, SLOT_SECONDS, Timing, days_between, instant, local_day, month_of

COUNTS_AS = (*SHARES, "not_observed")
HOLD_SECONDS = 24 * 3600
"""An erasure waits this long and can be cancelled: a laptop can be stolen."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a person belongs on a day: the zone their days follow, the team whose numbers they count in (None: in no
    team's), and whether that is frozen already or only foreseen.
    """

    team: str | None
    zone: ZoneInfo
    frozen: bool


def place_of(tx: Database, person: str, day: date) -> Place:
    """The frozen cohort of the day's month, or where it will be frozen as their membership says."""
    month = month_of(day).isoformat()
    rows = tx.run(
        """select c.team::text as team, m.time_zone from cohort c join cohort_month m using (team, month)
           where c.person = :person and c.month = cast(:month as date)""",
        person=person,
        month=month,
    )
    if rows:
        return Place(rows[0]["team"], ZoneInfo(rows[0]["time_zone"]), frozen=True)
    homes = tx.run(
        """select t.id::text as team, t.time_zone, m.month <= cast(:month as date) as joined,
             exists (select from cohort_month f where f.team = t.id and f.month = cast(:month as date)) as frozen
           from membership m join team t on t.id = m.team where m.person = :person
           order by m.month > cast(:month as date), abs(m.month - cast(:month as date)) limit 1""",
        person=person,
        month=month,
    )
    if not homes:
        return Place(None, ZoneInfo("UTC"), frozen=False)
    home = homes[0]
    # Frozen without them: they joined later, may read the team, or are reported by name.
    foreseen = home["team"] if home["joined"] and not home["frozen"] else None
    return Place(foreseen, ZoneInfo(home["time_zone"]), frozen=home["frozen"])


def reports(tx: Database, person: str, first: date, last: date, timing: Timing) -> dict[str, Any]:
    """Own quarter hours from `first` to `last`, and the page managers see of the person's team, as soon as it is fixed.

    The team's part is made by the very function that answers managers, from the same rows.
    """
    days = list(days_between(first, last))
    months = {month: place_of(tx, person, month) for month in sorted({month_of(day) for day in days})}
    counts = own_team.own_counting(tx, person, last, months[month_of(last)].zone)
    pages = []
    for month, place in months.items():
        if place.team is not None and place.frozen:  # only the months they are counted in
            counted = [day for day in days if month_of(day) == month]
            pages.append(_team_page(tx, place.team, counted[0], counted[-1]))
    return {
        "from": first.isoformat(),
        "to": last.isoformat(),
        "time_zone": months[month_of(last)].zone.key,
        "days": [_own_day(tx, person, day, months[month_of(day)], counts, timing) for day in days],
        "teams": pages,
    }


def _team_page(tx: Database, team: str, first: date, last: date) -> dict[str, Any]:
    zone = ZoneInfo(tx.run("select time_zone from team where id = :team", team=team)[0]["time_zone"])
    return summary(team, zone, read_days(tx, team, first, last, shown_by=None), first, last, "block")


def _own_day(tx: Database, person: str, day: date, place: Place, counts: OwnCounting, timing: Timing) -> dict[str, Any]:
    start, end = instant(day, 0, place.zone), instant(day + timedelta(days=1), 0, place.zone)
    rows = tx.run(
        """select extract(epoch from slot)::bigint as start, sum(at_screen)::bigint as at_screen,
             sum(looking_away)::bigint as looking_away, sum(on_phone)::bigint as on_phone,
             sum(absent)::bigint as absent, sum(unknown)::bigint as unknown, sum(not_observed)::bigint as not_observed
           from person_rollup where person = :person and slot >= to_timestamp(:start) and slot < to_timestamp(:end)
           group by slot order by slot""",
        person=person,
        start=start,
        end=end,
    )
    fixed = _is_fixed(tx, place.team, day)
    team = place.team if counts.on(day, fixed=fixed) else None
    return {
        "day": day.isoformat(),
        "team": team,
        "team_name": _team_name(tx, team),
        "fixed": fixed,
        "corrections_close_at": timing.fixed_at(day, place.zone),
        "managers_see_it_at": timing.shown_at(day, place.zone),
        "quarter_hours": rows,
        "corrections": _corrections(tx, person, start, end),
    }


def _team_name(tx: Database, team: str | None) -> str | None:
    rows = tx.run("select name from team where id = :team", team=team) if team is not None else []
    return rows[0]["name"] if rows else None


def _is_fixed(tx: Database, team: str | None, day: date) -> bool:
    return team is not None and bool(
        tx.run(
            "select 1 as one from released_day where team = :team and day = cast(:day as date)",
            team=team,
            day=day.isoformat(),
        )
    )


def _corrections(tx: Database, person: str, start: int, end: int) -> list[Row]:
    return tx.run(
        """select id::text as id, extract(epoch from starts_at)::bigint as "from",
             extract(epoch from ends_at)::bigint as "to", counts_as as "as", note,
             extract(epoch from made_at)::bigint as made_at, in_time
           from correction where person = :person and starts_at < to_timestamp(:end) and ends_at > to_timestamp(:start)
           order by made_at, id""",
        person=person,
        start=start,
        end=end,
    )


MOST_CORRECTIONS = 100
"""Most corrections a person may make about one day: as many as it has quarter hours, also at a clock change."""


class BadCorrection(ValueError):
    """The correction is not one: the message is the stable word of the answer."""


@dataclass(frozen=True, slots=True)
class Correction:
    """A person's word: what was observed from `start` to `end` (epoch seconds) counts as `counts_as`. `id` is the
    laptop's own, so that asking twice is asking once.
    """

    id: str
    start: int
    end: int
    counts_as: str
    note: str

    @classmethod
    def parse(cls, body: Mapping[str, Any], now: int) -> Correction:
        """From a body with exactly the fields id, from, to, as, note. Raises BadCorrection."""
        try:
            name = str(uuid.UUID(body["id"]))
        except (ValueError, TypeError, AttributeError):
            raise BadCorrection("malformed") from None
        start, end, counts_as, note = body["from"], body["to"], body["as"], body["note"]
        if name != body["id"] or type(start) is not int or type(end) is not int or counts_as not in COUNTS_AS:
            raise BadCorrection("malformed")
        if not isinstance(note, str) or len(note) > 500 or "\0" in note:
            raise BadCorrection("malformed")
        if start % SLOT_SECONDS or end % SLOT_SECONDS or not 0 <= start < end <= start + 25 * 3600:
            raise BadCorrection("whole_quarter_hours_of_one_day_only")
        if start > now:
            raise BadCorrection("not_in_the_future")
        if start < now - LOOK_BACK_DAYS * 24 * 3600:
            raise BadCorrection("too_old")
        return cls(name, start, end, counts_as, note)


def correct(tx: Database, org: str, person: str, wanted: Correction, timing: Timing, *, now: int) -> dict[str, Any]:
    """Keep a correction; says whether it counts in the team's number of that day. Raises BadCorrection."""
    day = local_day(wanted.start, place_of(tx, person, local_day(wanted.start, ZoneInfo("UTC"))).zone)
    place = place_of(tx, person, day)
    if local_day(wanted.start, place.zone) != local_day(wanted.end - 1, place.zone):
        raise BadCorrection("whole_quarter_hours_of_one_day_only")
    # Either the release sees this correction, or this sees the release; and nobody is counted past the most.
    lock_day(tx, place.team or person, day)
    start, end = instant(day, 0, place.zone), instant(day + timedelta(days=1), 0, place.zone)
    made = {row["id"]: row for row in _corrections(tx, person, start, end)}
    if wanted.id not in made and len(made) >= MOST_CORRECTIONS:
        raise BadCorrection("too_many")
    fixed = _is_fixed(tx, place.team, day)
    in_time = made[wanted.id]["in_time"] if wanted.id in made else not fixed
    counts = own_team.own_counting(tx, person, day, place.zone).on(day, fixed=fixed)
    tx.run(
        """insert into correction (id, org, person, starts_at, ends_at, counts_as, note, made_at, in_time)
           values (cast(:id as uuid), :org, :person, to_timestamp(:start), to_timestamp(:end), :counts_as, :note,
             to_timestamp(:now), :in_time) on conflict do nothing""",
        id=wanted.id,
        org=org,
        person=person,
        start=wanted.start,
        end=wanted.end,
        counts_as=wanted.counts_as,
        note=wanted.note,
        now=now,
        in_time=in_time,
    )
    return {
        "id": wanted.id,
        "day": day.isoformat(),
        "changes_team_number": place.team is not None and counts and in_time,
        "corrections_close_at": timing.fixed_at(day, place.zone),
    }


def request_erasure(tx: Database, org: str, person: str, *, now: int) -> Row:
    """Ask for an erasure, or answer the one already asked for: id, step, requested and due (epoch seconds)."""
    tx.run(
        """insert into erasure_request (id, org, person, requested_at, due_at, step, stepped_at)
           values (cast(:id as uuid), :org, :person, to_timestamp(:now), to_timestamp(:due), 'held', to_timestamp(:now))
           on conflict (person) where step <> 'cancelled' do nothing""",
        id=str(uuid.uuid4()),
        org=org,
        person=person,
        now=now,
        due=now + HOLD_SECONDS,
    )
    row = open_erasure(tx, person)
    assert row is not None
    return row


def open_erasure(tx: Database, person: str) -> Row | None:
    """The erasure a person has asked for and not cancelled."""
    rows = tx.run(
        """select id::text as id, step, extract(epoch from requested_at)::bigint as requested_at,
             extract(epoch from due_at)::bigint as due_at
           from erasure_request where person = :person and step <> 'cancelled'""",
        person=person,
    )
    return rows[0] if rows else None


def cancel_erasure(tx: Database, person: str, *, now: int) -> bool:
    """Cancel while it is held. False when there is nothing to cancel any more."""
    return bool(
        tx.run(
            """update erasure_request set step = 'cancelled', stepped_at = to_timestamp(:now)
               where person = :person and step = 'held' returning 1 as one""",
            person=person,
            now=now,
        )
    )
