"""PURE. Who is counted where: one team a person and month, fixed when the month begins, and the corrections people made.

* A person counts in the team their latest membership names, from its month on. Memberships are entered for months that
  have not begun, so nobody joins or leaves a team's number in the middle of a month.
* Whoever may read a team is not counted in it: they could subtract themselves.
* While individual reports are on, nobody is counted in a team number: the reports could be subtracted.
* Once there are measurements, no administrator puts anybody into a team alone: with invented colleagues whose numbers
  they know, a team of k would be one person's number. A second person has to agree (`memberships_of`).
* Whoever is new counts only after ten active days (`counting`): an invention has to be kept up for two weeks, in front
  of colleagues who see its name in their list. Days from before somebody's first laptop was enrolled are none: a laptop
  says itself when it measured, and one that is new could bring ten past days at once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal, get_args
from zoneinfo import ZoneInfo

from sync_service.blocks import SHARES, People, Rollup
from sync_service.timetable import SLOT_SECONDS, instant, local_day, month_of

EVERY_TEAM = "*"

Standing = Literal["counted", "not_yet", "joins", "reads", "left_out"]
"""How somebody in a team stands to its numbers: counted; not yet, since ten active days are not there (new, long away or
not taking part: which of them is nobody's business); joins it in a later month; reads them, so is never counted; left
out of this month for another reason (they came in after it had begun, or people are reported by name)."""
STANDINGS: tuple[Standing, ...] = get_args(Standing)


@dataclass(frozen=True)
class Membership:
    """From `month` (its first day) on, `person` belongs to `team`."""

    person: str
    team: str
    month: date


@dataclass(frozen=True)
class Joining:
    """The numbers behind "who may begin to count". The service uses these; others serve the demonstration
    (`at_once`) and the counter-example search.

    `active_days`: so many days with at least `active_seconds` observed must lie before the first day somebody counts.
    `second_person`: whether putting somebody into a team takes two people. `from_enrolment`: whether only what was measured
    since somebody's first laptop was enrolled is a measurement of theirs for a team.
    """

    active_days: int = 10
    active_seconds: int = 1800
    second_person: bool = True
    from_enrolment: bool = True

    @classmethod
    def at_once(cls) -> Joining:
        """Everybody counts from their first day on, even a day before their laptop: for demonstrations, never for people
        at work.
        """
        return cls(active_days=0, from_enrolment=False)


@dataclass(frozen=True)
class Act:
    """An administrator's wish for a `membership`. `asked_by` and `approved_by` are the people behind the accounts, so
    that somebody with two accounts is one; `approved_by` is None while nobody has agreed. `measured`: whether the
    organisation had measurements when it was asked.
    """

    membership: Membership
    asked_by: str
    approved_by: str | None = None
    measured: bool = True


@dataclass(frozen=True)
class Correction:
    """A person's word: what was observed from `start` to `end` (epoch seconds, whole quarter hours) counts as
    `counts_as`, a state, or `not_observed` to leave it out.
    """

    person: str
    start: int
    end: int
    counts_as: str


def holds(act: Act, joining: Joining | None = None) -> bool:
    """Whether what was asked for takes effect: a second person agreed, or nothing was measured yet."""
    rules = joining or Joining()
    return not act.measured or not rules.second_person or act.approved_by not in (None, act.asked_by)


def memberships_of(acts: Iterable[Act], joining: Joining | None = None) -> tuple[Membership, ...]:
    """The memberships that take effect, in the order asked for."""
    return tuple(act.membership for act in acts if holds(act, joining))


def counting(
    people: Iterable[str],
    day: date,
    observed: Mapping[str, Mapping[date, int]],
    since: Mapping[str, date],
    joining: Joining | None = None,
) -> frozenset[str]:
    """Who of a cohort's `people` counts on `day`: whoever counted before, or has ten active days behind them.

    `observed`: person -> local day -> observed seconds (see `blocks.Rollup.observed`) since their first laptop was enrolled,
    of the days before `day` that are kept; days from `day` on are not looked at. `since`: the first day somebody counted on; who began once goes on.
    """
    rules = joining or Joining()
    return frozenset(
        person
        for person in people
        if (person in since and since[person] <= day)
        or active_days(observed.get(person, {}), day, rules) >= rules.active_days
    )


def active_days(observed: Mapping[date, int], day: date, joining: Joining | None = None) -> int:
    """How many active days lie before `day`. `observed`: one person's observed seconds by local day."""
    rules = joining or Joining()
    return sum(1 for one, seconds in observed.items() if one < day and seconds >= rules.active_seconds)


def observed_by_day(slots: Mapping[int, Rollup], zone: ZoneInfo) -> dict[date, int]:
    """One person's quarter hours as observed seconds a local day: what `counting` asks for."""
    days: dict[date, int] = {}
    for slot, rollup in slots.items():
        day = local_day(slot, zone)
        days[day] = days.get(day, 0) + rollup.observed
    return days


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


def standing(
    month: date, since: date, *, reads: bool, left_out: bool, counts_since: date | None
) -> tuple[Standing, date | None]:
    """How a member of a team stands to its numbers in `month`, and the month from which that holds, where it is known.

    `since`: the month they belong to the team from; `left_out`: the month is frozen without them; `counts_since`: the day
    they began to count. Colleagues are told months, so that nobody's active days can be read off.
    """
    if since > month:
        return "joins", since
    if reads:
        return "reads", None
    if left_out:
        return "left_out", None
    if counts_since is None:
        return "not_yet", None
    return "counted", max(since, month_of(counts_since))


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
