"""The counter-example search: can answers about a team be combined into one about fewer than k people?

The attacker here is stronger than any reader: they get every answer ever given **unrounded** and may combine any number
of answers linearly. The answers come from the product's own functions, fed with numbers that remember what they are
made of (`leaks_numbers.py`), in generated organisations (`leaks_world.py`) served by a house without a database
(`leaks_house.py`); what a combination can rest on is decided by rank, in fractions (`leaks_rank.py`).

Who attacks, and what they know beforehand:

* a **reader** knows what reports by name told them, and the numbers of colleagues they invented: k others must remain;
* a **reader who is measured too** knows their own numbers and sees what they may read: k others must remain;
* a **member** of a team knows their own numbers (their page, their export) and all answers: k-1 others must remain.

`OFF` names each rule that can be switched off. With none off the search must find nothing; with any single one off it
must find something, or it could not have failed.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterable, Mapping, Set
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from typing import Any

from sync_service.blocks import SHARES, Rollup, percent
from sync_service.timetable import days_between, month_of
from tests.leaks_house import Answer, House, exactly
from tests.leaks_numbers import Symbols, Unknown, value_of
from tests.leaks_rank import Effort, independent, resting_on_few, squeezed
from tests.leaks_world import World, generate

OFF = {
    "k people": "a block closes with fewer than k",
    "thirty minutes": "five minutes of observation make a contributor",
    "equal weights": "people weigh as long as they were observed",
    "remainder joins": "what is left of a day is released by itself",
    "disjoint blocks": "any reader may ask for any stretch of the day",
    "days are means of blocks": "a day's number is computed from its people",
    "one cohort": "a person is counted in two groups",
    "frozen cohort": "who left counts no more, also for what was already answered",
    "computed once": "late data recomputes what was released",
    "corrections close": "a number is told before corrections close, and another after",
    "erasure leaves released": "an erasure recomputes what was released",
    "withdrawn whole": "one person is taken out of a released block instead of withdrawing it",
    "slot in one month": "a change of time zone at a month's start counts a quarter hour twice",
    "readers not counted": "who may read a team is counted in it, and reads it",
    "who was counted does not read": "who became a reader reads the months they were counted in",
    "individual reports apart": "who is reported by name is counted in the team",
    "by name only what was sealed so": "reports by name reach back to before they were allowed",
    "second person": "one administrator alone puts invented colleagues into a team",
    "ten active days": "whoever is new counts at once",
    "ends folded": "0 and 100 are told apart from 5 and 95",
    "rounded": "numbers are told exactly",
}
"""rule -> what happens without it."""

_ROUNDINGS: dict[str | None, Callable[[Fraction], Any]] = {
    "ends folded": lambda part: round(part * 20) * 5,
    "rounded": exactly,
}


@dataclass
class Tried:
    """How much was searched. `distinct`: answers that differ; `attackers`: with what each knows beforehand."""

    organisations: int = 0
    answers: int = 0
    distinct: int = 0
    attackers: int = 0
    effort: Effort = field(default_factory=Effort)

    def __str__(self) -> str:
        """For the report."""
        return (
            f"{self.organisations} organisations, {self.answers} answers ({self.distinct} different), {self.attackers} "
            f"attackers, {self.effort.sets} sets of people, {self.effort.combinations} ranks taken: each decides every "
            "combination of any number of answers for one set"
        )


@dataclass(frozen=True)
class Given:
    """A distinct answer: its weights, and of each person in it how much they weigh and the seconds they were observed."""

    answer: Answer
    weights: Mapping[Unknown, Fraction]
    parts: Mapping[str, tuple[Fraction, int]]


def search(off: str | None, seeds: Iterable[int], tried: Tried) -> str | None:
    """Try organisations until somebody is isolated; what was found, or None after all of them."""
    for seed in seeds:
        tried.organisations += 1
        world = generate(seed)
        found = Attack(world, off, seed, tried).isolated()
        if found:
            return f"organisation {seed} (k={world.k}): {found}"
    return None


class Attack:
    """All attackers against one organisation."""

    def __init__(self, world: World, off: str | None, seed: int, tried: Tried) -> None:
        self.world, self.off, self.tried = world, off, tried
        self.symbols = Symbols()
        rules = frozenset({off} if off else ())
        self.house = House(world, self._symbol, exactly, rules)
        self.house.live()
        self.given = self._read(self.house.answers)
        self.revealed = self._told_by_name()
        self.numbers = self._numbers(seed)
        self.real = House(world, self._number, exactly, rules)
        self.real.live()
        self._check()
        self._whole = self._basis(self.given)

    def isolated(self) -> str | None:
        """Who can be isolated and how, in words; None when nobody can."""
        k, world = self.world.k, self.world
        found = self._attack("a reader", self.given, k, world.invented, self.revealed)
        for _, person, team in world.readers:
            readable = [one for one in self.given if one.answer.team == team and self._may_read(person, one.answer)]
            found = found or self._attack(f"{person}, who reads the team", readable, k, [person])
        for person in sorted({person for cohort in self.house.cohorts.values() for person in cohort}):
            found = found or self._attack(f"{person}, a member", self.given, k - 1, [person])
        return found or self._pinned()

    def _attack(
        self, who: str, given: list[Given], bound: int, people: Collection[str], unknowns: Set[Unknown] = frozenset()
    ) -> str | None:
        """`people`: whose numbers the attacker knows; `unknowns`: those they know of others."""
        self.tried.attackers += 1
        for one in given:
            parts = [part for person, part in one.parts.items() if person not in people]
            if unknowns and not unknowns.isdisjoint(one.weights):
                rest = {u: w for u, w in one.weights.items() if u not in unknowns and u.person not in people}
                parts = list(_parts(rest, self.symbols).values())
            weighs = [weight for weight, _ in parts]
            if weighs and max(weighs) * bound > sum(weighs):
                return f"for {who}, one person outweighs 1/{bound} of one answer"
            if weighs and sum(1 for _, seconds in parts if seconds >= 1800) < bound:
                return f"for {who}, fewer than {bound} people were really observed"
        basis = self._whole if given is self.given else self._basis(given)
        rows = [{u: w for u, w in row.items() if u.person not in people and u not in unknowns} for row in basis]
        found = resting_on_few(rows, _owner, bound, self.tried.effort)
        return f"{who} isolates {found}" if found else None

    def _basis(self, given: list[Given]) -> list[Mapping[Any, Fraction]]:
        """Rows that span `given`, with one column for all that say the same of a person."""
        rows: list[Mapping[Any, Fraction]] = [one.weights for one in given]
        return independent(squeezed(rows, lambda column: f"{column.person} {column in self.revealed}"))

    def _may_read(self, person: str, answer: Answer) -> bool:
        """Nobody reads a range with a month in which they were counted in that team (`admission.py` asks the table)."""
        if self.off in ("readers not counted", "who was counted does not read"):
            return True
        months = {month_of(day) for day in days_between(answer.first, answer.last)}
        return not any(person in self.house.cohorts.get((answer.team, month), ()) for month in months)

    # Numbers.

    def _symbol(self, person: str, slot: int, piece: str, observed: int) -> Rollup:
        number = self.symbols.number(Unknown(person, slot, piece), observed)
        return Rollup(number, 0, 0, observed - number, 0)

    def _numbers(self, seed: int) -> dict[Unknown, int]:
        rng = random.Random(seed)
        alike = rng.choice((0, 1, None, None))  # sometimes everybody does nothing but one thing
        return {
            unknown: rng.randint(0, observed) if alike is None else alike * observed
            for unknown, observed in self.symbols.observed.items()
        }

    def _number(self, person: str, slot: int, piece: str, observed: int) -> Rollup:
        number = self.numbers[Unknown(person, slot, piece)]
        return Rollup(number, 0, 0, observed - number, 0)

    def _read(self, answers: Iterable[Answer]) -> list[Given]:
        distinct: dict[tuple[Fraction, str], Answer] = {}
        for one in answers:
            self.tried.answers += 1
            known = distinct.setdefault((one.value, one.team), one)
            if (one.last - one.first) < (known.last - known.first):  # the narrower question is the easier to be allowed
                distinct[one.value, one.team] = one
        self.tried.distinct += len(distinct)
        read = [(one, self.symbols.weights(one.value, one.minutes)) for one in distinct.values()]
        return [Given(one, weights, _parts(weights, self.symbols)) for one, weights in read]

    def _told_by_name(self) -> set[Unknown]:
        told = [value for person in self.world.people for value in self.house.by_name(person)]
        return {unknown for value in told for unknown in self.symbols.weights(value)}

    def _check(self) -> None:
        """The weights read off are the ones the functions used: ordinary numbers give the same, and so does coverage."""
        assert len(self.real.answers) == len(self.house.answers)
        told = {
            (one.value, one.team): other.value for one, other in zip(self.house.answers, self.real.answers, strict=True)
        }
        for one in self.given:
            assert value_of(one.weights, self.numbers) == told[one.answer.value, one.answer.team], "no such sum"
        by_value = {(one.answer.value, one.answer.team): one for one in self.given}
        for (team, _), (kept, _) in self.house.released.items():
            for block in kept.blocks:
                one = by_value.get((Fraction(block.shares["at_screen"]), team))
                if one is None or block.withdrawn is not None:
                    continue
                seen = sum(weight * seconds for weight, seconds in one.parts.values())
                assert seen == block.coverage * block.seconds, "coverage does not rest on the same people alike"

    # Rounding.

    def _pinned(self) -> str | None:
        """Whether a released number holds one contributor's own share in too narrow a range.

        With n people and a mean somewhere in [low, high], one share lies in [n*low - (n-1), n*high]. Folding the ends
        keeps that range at least 5*k points wide.
        """
        tell = _ROUNDINGS.get(self.off, percent)
        for _, result in self.real.released.values():
            for block in result.blocks:
                n = len(block.contributors)
                for state in SHARES:
                    mean = Fraction(block.shares[state]) / 100
                    low, high = _span(mean, tell)
                    width = min(Fraction(1), n * high) - max(Fraction(0), n * low - (n - 1))
                    if width < Fraction(5 * self.world.k, 100):
                        return f"the number tells {state} of everyone in a block of {n}"
        return None


_GRID = [Fraction(n, 400) for n in range(401)]


@cache
def _spans(tell: Callable[[Fraction], Any]) -> dict[Any, tuple[Fraction, Fraction]]:
    spans: dict[Any, tuple[Fraction, Fraction]] = {}
    for part in _GRID:
        low, _ = spans.get(tell(part), (part, part))
        spans[tell(part)] = (low, part)
    return spans


def _span(mean: Fraction, tell: Callable[[Fraction], Any]) -> tuple[Fraction, Fraction]:
    """The means that would have been told as this one is, within a grid of a quarter of a point."""
    return _spans(tell).get(tell(mean), (mean, mean))


def _parts(weights: Mapping[Unknown, Fraction], symbols: Symbols) -> dict[str, tuple[Fraction, int]]:
    parts: dict[str, tuple[Fraction, int]] = {}
    for unknown, weight in weights.items():
        weighs, seconds = parts.get(unknown.person, (Fraction(0), 0))
        observed = symbols.observed[unknown]
        parts[unknown.person] = (weighs + weight * observed, seconds + observed)
    return parts


def _owner(column: Any) -> str:
    return str(column.person)
