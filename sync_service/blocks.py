"""PURE. The publish-once rule: from the quarter hours of a team's people to numbers nobody can subtract.

The theory
----------
A team's local day is walked in order, work hours only, a quarter of an hour at a time. As soon as at least `k` people
have each been observed for 30 minutes since the last boundary, a **block** closes and a new one begins. What is left at
the end of the day joins the last block. If no block closes, the day is suppressed, and says so.

* *Observed* time is the time in the five states `at_screen`, `looking_away`, `on_phone`, `absent` and `unknown`.
  `not_observed` (paused, outside hours, locked, in a call...) is no part of any share: a pause cannot be told from lunch.
* A person **contributes** to a block with at least 30 observed minutes inside it. Their *shares* are the parts of their
  observed time in the block spent in each state; they sum to one.
* The block's shares are the plain mean of its contributors' shares. Everyone weighs 1/n, however long they worked: a
  person observed eight hours among people observed half an hour would otherwise *be* the number.
* `coverage` stands beside the shares: the mean part of the block's time for which its contributors were observed.
* Every number is rounded to 5 points, and 0, 5 are one value ("5 or less"), as are 95, 100 ("95 or more"): a mean of
  exactly 0 or 100 would tell everyone's share at once. How many people stand behind it is said as 5-7, 8-11 or 12+.

Why it holds: each answer is a combination of the unknowns (person, quarter hour). Two blocks never share an unknown,
because a person is in one cohort a month and blocks of a day do not overlap, and a block is computed once. So no
cancellation is possible: any combination of any number of answers still rests on every contributor of at least one
block, at least `k` people, none of whom weighs more than 1/k. The tests search for a counter-example with linear
algebra over everything released, and must find one as soon as one rule is switched off.

What it does not claim: a member of the team, who knows their own part, sees the number too (nothing a manager sees is
hidden from the people it is about), and is left with the mean of the others, never fewer than k-1 of them. And a number
about a group says something about its members when the reader already knows how all the others behave.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sync_service.timetable import SLOT_SECONDS, Hours, work_slots

SHARES = ("at_screen", "looking_away", "on_phone", "absent", "unknown")
"""The states a share exists for, in the order of `Rollup`. Together they are a person's observed time."""

MINIMUM_K = 5
"""No policy can ask for smaller groups; the same floor stands in the policy document."""

NO_WORK_HOURS = "no_work_hours"
TOO_FEW_PEOPLE = "too_few_people"
SUPPRESSED_BECAUSE = {
    NO_WORK_HOURS: "The policy has no work hours on this day.",
    TOO_FEW_PEOPLE: "Fewer people than the policy asks for were observed for half an hour, so no number is shown.",
}
"""Why a day has no block, in words for people. It never says how many people there were."""


class Rollup(NamedTuple):
    """One person's quarter hour: observed seconds per state, 0 to 900 together."""

    at_screen: int
    looking_away: int
    on_phone: int
    absent: int
    unknown: int

    @property
    def observed(self) -> int:
        """Seconds observed at all."""
        return sum(self)


People = Mapping[str, Mapping[int, Rollup]]
"""person -> slot start (UTC epoch seconds) -> rollup. Quarter hours without data are simply missing."""

Weigh = Callable[[Mapping[str, int]], Mapping[str, Fraction]]
"""contributor -> observed seconds, to contributor -> weight; weights sum to one."""


def equally(observed: Mapping[str, int]) -> Mapping[str, Fraction]:
    """Everyone weighs the same."""
    return {person: Fraction(1, len(observed)) for person in observed}


def percent(part: Fraction) -> int:
    """A part of one as 5, 10 .. 95 percent: nearest 5, halves up, the ends folded in (see `label`)."""
    above, below = part.numerator, part.denominator
    return min(95, max(5, 5 * ((40 * above + below) // (2 * below))))


Tell = Callable[[Fraction], int]
"""A part of one to the percentage that is told."""


@dataclass(frozen=True)
class Rules:
    """The numbers of the rule. The service builds it with `for_policy`; other values serve the counter-example search.

    `k`: people who must contribute before a block closes. `minimum_seconds`: observed seconds that make a person a
    contributor. `weigh`: how contributors are weighed. `remainder_joins`: whether what is left of a day joins its last
    block, or is told by itself. `tell`: how a mean is rounded.
    """

    k: int = MINIMUM_K
    minimum_seconds: int = 1800
    weigh: Weigh = equally
    remainder_joins: bool = True
    tell: Tell = percent

    @classmethod
    def for_policy(cls, k: int) -> Rules:
        """The rule under a policy's `k`. Raises ValueError below 5: no policy can weaken it."""
        if k < MINIMUM_K:
            raise ValueError(f"a team number needs at least {MINIMUM_K} people; the policy says {k}")
        return cls(k=k)


@dataclass(frozen=True)
class Block:
    """One released number: `shares` and `coverage` in percent (5, 10 .. 95; see `label`), `people` as a band.

    `start`, `end`: UTC epoch seconds; `seconds`: work time walked inside (a lunch break outside work hours is not in it).
    `contributors` never leaves this process and is not printed; the rule's proof and its tests need it.
    """

    start: int
    end: int
    seconds: int
    shares: Mapping[str, int]
    coverage: int
    people: str
    contributors: frozenset[str] = field(repr=False)


@dataclass(frozen=True)
class TeamDay:
    """All of a team's local day: its blocks in order, or none and the reason (a key of `SUPPRESSED_BECAUSE`)."""

    day: date
    blocks: tuple[Block, ...]
    suppressed: str | None


def team_day(
    zone: ZoneInfo, day: date, hours: Iterable[Hours], people: People, rules: Rules, *, not_before: int = 0
) -> TeamDay:
    """Apply the rule to one team's local day.

    `people` holds the cohort's members and nobody else; rollups outside the work hours are ignored.
    """
    slots = work_slots(day, zone, hours, not_before=not_before)
    if not slots:
        return TeamDay(day, (), NO_WORK_HOURS)
    stretches = close_stretches(slots, people, rules)
    if not stretches:
        return TeamDay(day, (), TOO_FEW_PEOPLE)
    return TeamDay(day, tuple(make_block(stretch, people, rules) for stretch in stretches), None)


def close_stretches(slots: Sequence[int], people: People, rules: Rules) -> list[Sequence[int]]:
    """Cut a day's slots into the stretches blocks rest on; empty when none closes."""
    bounds = [0]
    seen: dict[str, int] = dict.fromkeys(people, 0)
    for index, slot in enumerate(slots):
        for person, rollups in people.items():
            if slot in rollups:
                seen[person] += rollups[slot].observed
        if sum(1 for seconds in seen.values() if _contributes(seconds, rules)) >= rules.k:
            bounds.append(index + 1)
            seen = dict.fromkeys(people, 0)
    if len(bounds) == 1:
        return []
    if rules.remainder_joins:
        bounds[-1] = len(slots)
    elif contributors(slots[bounds[-1] :], people, rules):
        bounds.append(len(slots))
    return [slots[a:b] for a, b in itertools.pairwise(bounds)]


def contributors(stretch: Iterable[int], people: People, rules: Rules) -> dict[str, int]:
    """Who contributes to a stretch, with the seconds they were observed in it."""
    slots = frozenset(stretch)
    seen = {
        person: sum(rollup.observed for slot, rollup in rollups.items() if slot in slots)
        for person, rollups in people.items()
    }
    return {person: seconds for person, seconds in seen.items() if _contributes(seconds, rules)}


def make_block(stretch: Sequence[int], people: People, rules: Rules) -> Block:
    """The block of one stretch with at least one contributor."""
    slots = frozenset(stretch)
    observed = contributors(stretch, people, rules)
    weights = rules.weigh(observed)
    length = len(stretch) * SLOT_SECONDS
    means = dict.fromkeys(SHARES, Fraction(0))
    coverage = Fraction(0)
    for person, seconds in observed.items():
        totals = [0] * len(SHARES)
        for slot, rollup in people[person].items():
            if slot in slots:
                totals = [a + b for a, b in zip(totals, rollup, strict=True)]
        for state, total in zip(SHARES, totals, strict=True):
            means[state] += weights[person] * Fraction(total, seconds)
        coverage += weights[person] * Fraction(seconds, length)
    return Block(
        start=stretch[0],
        end=stretch[-1] + SLOT_SECONDS,
        seconds=length,
        shares={state: rules.tell(mean) for state, mean in means.items()},
        coverage=rules.tell(coverage),
        people=band(len(observed)),
        contributors=frozenset(observed),
    )


def label(value: int) -> str:
    """How a percentage reads: "5 or less", "95 or more", or the number."""
    return "5 or less" if value == 5 else "95 or more" if value == 95 else str(value)


def band(count: int) -> str:
    """How many people stand behind a number, coarsely."""
    if count < MINIMUM_K:
        return f"under {MINIMUM_K}"  # not reachable with Rules.for_policy
    return "5-7" if count <= 7 else "8-11" if count <= 11 else "12+"


def _contributes(seconds: int, rules: Rules) -> bool:
    # Zero seconds have no shares, whatever the minimum is set to.
    return seconds >= max(1, rules.minimum_seconds)
