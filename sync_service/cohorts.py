"""PURE. Who is counted where: one team a person and month, fixed when the month begins, and the corrections people made.

* A person counts in the team their latest membership names, from its month on. Memberships are entered for months that
  have not begun, so nobody joins or leaves a team's number in the middle of a month.
* Whoever may read a team is not counted in it: they could subtract themselves.
* While individual reports are on, nobody is counted in a team number: the reports could be subtracted.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from sync_service.blocks import SHARES, People, Rollup
from sync_service.timetable import SLOT_SECONDS, instant

EVERY_TEAM = "*"


@dataclass(frozen=True)
class Membership:
    """From `month` (its first day) on, `person` belongs to `team`."""

    person: str
    team: str
    month: date


@dataclass(frozen=True)
class Correction:
    """A person's word: what was observed from `start` to `end` (epoch seconds, whole quarter hours) counts as
    `counts_as`, a state, or `not_observed` to leave it out.
    """

    person: str
    start: int
    end: int
    counts_as: str


def teams_in(month: date, memberships: Iterable[Membership]) -> dict[str, str]:
    """Which team each person is in during `month`."""
    latest: dict[str, Membership] = {}
    for membership in memberships:
        before = latest.get(membership.person)
        if membership.month <= month and (before is None or before.month < membership.month):
            latest[membership.person] = membership
    return {person: membership.team for person, membership in latest.items()}


def freeze(
    team: str,
    month: date,
    memberships: Iterable[Membership],
    readers: Mapping[str, Collection[str]],
    *,
    individual_reports: bool,
) -> frozenset[str]:
    """Who is counted in `team` in `month`. `readers`: person -> teams they may read, EVERY_TEAM for all."""
    if individual_reports:
        return frozenset()
    return frozenset(
        person
        for person, where in teams_in(month, memberships).items()
        if where == team and not {team, EVERY_TEAM} & set(readers.get(person, ()))
    )


def month_begins(month: date, zone: ZoneInfo, previous_zones: Iterable[ZoneInfo]) -> int:
    """The instant from which quarter hours count for a month in `zone`.

    It is the month's local start, or later where somebody's previous month, in another zone, ended later: else the same
    quarter hour would stand behind two numbers.
    """
    return max(instant(month, 0, each) for each in (zone, *previous_zones))


def apply_corrections(people: People, corrections: Iterable[Correction]) -> tuple[People, frozenset[tuple[str, int]]]:
    """`people` with the corrections applied in the order given, and the (person, slot) pairs they changed.

    A correction re-labels what was observed; it cannot add time that was not.
    """
    result = {person: dict(slots) for person, slots in people.items()}
    changed: set[tuple[str, int]] = set()
    for correction in corrections:
        slots = result.get(correction.person, {})
        for slot in range(correction.start, correction.end, SLOT_SECONDS):
            if slot in slots:
                changed.add((correction.person, slot))
                if correction.counts_as == "not_observed":
                    del slots[slot]
                else:
                    seconds = slots[slot].observed
                    slots[slot] = Rollup(**{s: seconds if s == correction.counts_as else 0 for s in SHARES})
    return result, frozenset(changed)
