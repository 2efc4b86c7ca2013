"""A service without a database for the counter-example search: it keeps what the tables keep, does what the publisher
does when the publisher does it, and asks the product's own functions for everything that is decided or answered.

`off` names rules that are switched off: those the functions know are their parameters, those a table's key or a
statement keeps (a month frozen once, a day released once) are switched off here. `test_leaks_real.py` holds this house
against the real publisher, the real tables and the real answers.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

from agent.wire.documents import WorkHours
from sync_service.blocks import Block, People, Rollup, Rules, TeamDay, contributors, make_block, team_day
from sync_service.cohorts import (
    Joining,
    apply_corrections,
    counting,
    freeze,
    memberships_of,
    month_begins,
    observed_by_day,
)
from sync_service.person_reports import person_days
from sync_service.reports import ReleasedBlock, ReleasedDay, summary, to_csv
from sync_service.timetable import Timing, days_between, instant, month_of, work_slots
from tests.leaks_world import OTHER, SMALL, TEAM, Piece, World, last_instant

HOURS = (WorkHours((1, 2, 3, 4, 5, 6, 7), 0, 1440),)
TIMING = Timing()
_DAY = 24 * 3600

Measure = Callable[[str, int, str, int], Rollup]
"""(person, slot, piece, observed seconds) -> what was measured."""


@dataclass(frozen=True)
class Answer:
    """One number given out: about a `team` from `first` to `last` as it was asked for, over `minutes` of work time."""

    team: str
    first: date
    last: date
    minutes: int
    value: Fraction
    coverage: Fraction


@dataclass
class House:
    """One organisation served. `measure` makes the numbers of what is measured, `tell` rounds (not at all: `exactly`).
    `words_unknown`: what people said of themselves is a number of `measure` as well, since no reader knows it either.
    """

    world: World
    measure: Measure
    tell: Callable[[Fraction], Any]
    off: frozenset[str] = frozenset()
    words_unknown: bool = True
    joining: Joining = field(default_factory=Joining)
    rules: Rules = field(init=False)
    answers: list[Answer] = field(default_factory=list)
    released: dict[tuple[str, date], tuple[ReleasedDay, TeamDay]] = field(default_factory=dict)
    cohorts: dict[tuple[str, date], frozenset[str]] = field(default_factory=dict)
    since: dict[str, date] = field(default_factory=dict)

    def __post_init__(self) -> None:
        rules = Rules(k=self.world.k, tell=self.tell)
        if "k people" in self.off:
            rules = replace(rules, k=self.world.k - 2)
        if "thirty minutes" in self.off:
            rules = replace(rules, minimum_seconds=1)
        if "equal weights" in self.off:
            rules = replace(rules, weigh=lambda seen: {p: Fraction(s, sum(seen.values())) for p, s in seen.items()})
        if "remainder joins" in self.off:
            rules = replace(rules, remainder_joins=False)
        self.rules = rules
        if "second person" in self.off:
            self.joining = replace(self.joining, second_person=False)
        if "ten active days" in self.off:
            self.joining = replace(self.joining, active_days=0)

    def live(self) -> None:
        """Everything from the first day to long after the last, at the moments something is due."""
        world = self.world
        due = {TIMING.fixed_at(day, world.zone(team, day)) for team in (TEAM, OTHER, SMALL) for day in world.days}
        for now in sorted(due):
            if "corrections close" in self.off:
                self.publish(now - _DAY, early=True)
                self.ask()
                self.released.clear()
            self.publish(now)
            if "erasure leaves released" in self.off:
                self.ask()
        self.ask()
        self.withdraw()
        self.publish(last_instant(world))
        self.ask(every_way=True)

    # What the publisher does.

    def publish(self, now: int, *, early: bool = False) -> None:
        for month in self.world.months:
            for team in (TEAM, OTHER, SMALL):
                self._freeze(team, month, now)
        for day in self.world.days:
            for team in (TEAM, OTHER, SMALL):
                due = TIMING.fixed_at(day, self.world.zone(team, day)) - (_DAY if early else 0)
                if due <= now and (team, month_of(day)) in self.cohorts:
                    self._release(team, day, now)

    def _freeze(self, team: str, month: date, now: int) -> None:
        zone = self.world.zones[team, month]
        if instant(month, 0, zone) > now or ((team, month) in self.cohorts and "frozen cohort" not in self.off):
            return
        readers: dict[str, set[str]] = {}
        for since, person, read in self.world.readers:
            if since <= instant(month, 0, zone) and "readers not counted" not in self.off:
                readers.setdefault(person, set()).add(read)
        cohort = freeze(team, month, memberships_of(self.world.acts, self.joining), readers, individual_reports=False)
        if "frozen cohort" in self.off and now == last_instant(self.world):
            cohort -= {self.world.leaver}
        self.cohorts[team, month] = cohort

    def _release(self, team: str, day: date, now: int) -> None:
        again = {"computed once", "frozen cohort", "erasure leaves released"} & self.off
        if (team, day) in self.released and not again:
            return
        at = TIMING.fixed_at(day, self.world.zone(team, day)) if again == {"erasure leaves released"} else now
        people, changed = self._measured(team, day, at, erased_by=now)
        result = team_day(
            self.world.zone(team, day), day, HOURS, people, self.rules, not_before=self._begins(team, day)
        )
        self._keep(team, day, result, changed)
        self._leak(team, day, people)

    def _measured(self, team: str, day: date, now: int, erased_by: int) -> tuple[People, frozenset[tuple[str, int]]]:
        """Who counts that day and what was measured of them, their word applied."""
        zone, world = self.world.zone(team, day), self.world
        cohort = {p for p in self.cohorts[team, month_of(day)] if world.erased.get(p, erased_by + 1) > erased_by}
        first, end = instant(day, 0, zone), instant(day + timedelta(days=1), 0, zone)
        seen = {person: self._rollups(person, now) for person in cohort}
        observed = {person: {**self._history(person), **observed_by_day(seen[person], zone)} for person in cohort}
        counted = counting(cohort, day, observed, self.since, self.joining)
        for person in counted:
            self.since.setdefault(person, day)
        named = {p.person for p in world.pieces if p.by_name and first <= p.slot < end and p.arrives <= now}
        if "individual reports apart" not in self.off:
            counted -= named
        today = {p: {s: r for s, r in seen[p].items() if first <= s < end} for p in sorted(counted)}
        return self._corrected(today, now)

    def _corrected(self, people: People, now: int) -> tuple[People, frozenset[tuple[str, int]]]:
        """With the corrections made by `now`."""
        words = [one for made, one in self.world.corrections if made <= now and one.person in people]
        after, changed = apply_corrections(people, words)
        if not self.words_unknown:
            return after, changed
        result = {person: dict(slots) for person, slots in after.items()}
        for person, slot in changed:
            if slot in result[person]:
                seconds = result[person][slot].observed
                result[person][slot] = self.measure(person, slot, f"their word on {seconds} s", seconds)
        return result, changed

    def _rollups(self, person: str, now: int) -> dict[int, Rollup]:
        slots: dict[int, Rollup] = {}
        for piece in self._pieces(person):
            if piece.arrives <= now:
                new = self.measure(person, piece.slot, piece.name, piece.observed)
                old = slots.get(piece.slot)
                slots[piece.slot] = Rollup(*(a + b for a, b in zip(old, new, strict=True))) if old else new
        return slots

    def _pieces(self, person: str) -> list[Piece]:
        if not hasattr(self, "_by_person"):
            self._by_person: dict[str, list[Piece]] = {}
            for piece in self.world.pieces:
                self._by_person.setdefault(piece.person, []).append(piece)
        return self._by_person.get(person, [])

    def _history(self, person: str) -> dict[date, int]:
        first = self.world.days[0]
        return {first - timedelta(days=n): 8 * 3600 for n in range(2, self.world.before.get(person, 0) + 2)}

    def _begins(self, team: str, day: date) -> int:
        month = month_of(day)
        if "slot in one month" in self.off:
            return 0
        before = month_of(month - timedelta(days=1))
        came_from = {
            where
            for person in self.cohorts[team, month]
            for (where, when), cohort in self.cohorts.items()
            if when == before and person in cohort
        }
        zones = [self.world.zones[where, before] for where in sorted(came_from)]
        return month_begins(month, self.world.zones[team, month], zones)

    def _keep(self, team: str, day: date, result: TeamDay, changed: Iterable[tuple[str, int]]) -> None:
        blocks = tuple(
            _stored(
                number,
                block,
                corrected=any(p in block.contributors and block.start <= s < block.end for p, s in changed),
            )
            for number, block in enumerate(result.blocks, start=1)
        )
        zone = self.world.zone(team, day)
        kept = ReleasedDay(day, zone, "p-1", self.rules.k, blocks, result.suppressed)
        self.released[team, day] = (kept, result)

    # What people ask.

    def ask(self, *, every_way: bool = False) -> None:
        """About every team, by block and by day; in every way also as CSV and for every range of days."""
        first, last = self.world.days[0], self.world.days[-1]
        for team in (TEAM, OTHER, SMALL):
            zone = self.world.zone(team, last)
            days = [kept for (where, _), (kept, _) in sorted(self.released.items()) if where == team]
            for bucket in ("block", "day"):
                told = summary(team, zone, days, first, last, bucket, tell=self.tell)
                self._note(team, told["rows"], first, last)
                self._note(team, [told["total"]] if told["total"] else [], first, last)
                if every_way:
                    self._note_csv(team, to_csv(told))
            ranges = [(begin, end) for begin in days_between(first, last) for end in days_between(begin, last)]
            for begin, end in ranges if every_way else ():
                total = summary(team, zone, days, begin, end, "day", tell=self.tell)["total"]
                self._note(team, [total] if total else [], begin, end)

    def _note(self, team: str, rows: Iterable[Mapping[str, Any]], first: date, last: date) -> None:
        for row in rows:
            if row["shares"]:
                share, coverage = row["shares"]["at_screen"]["percent"], row["coverage"]["percent"]
                days = [date.fromisoformat(row["day"])] * 2 if "day" in row else [first, last]
                self.answers.append(Answer(team, *days, row["minutes"], Fraction(share), Fraction(coverage)))

    def _note_csv(self, team: str, text: str) -> None:
        for row in csv.DictReader(io.StringIO(text)):
            if row["at_screen_percent"]:
                share, coverage = Exact.parse(row["at_screen_percent"]), Exact.parse(row["coverage_percent"])
                day = date.fromisoformat(row["day"])
                self.answers.append(Answer(team, day, day, int(row["minutes"]), share, coverage))

    def by_name(self, person: str) -> list[Fraction]:
        """What a report by name tells, day by day: seconds at the screen."""
        first, last = self.world.days[0], self.world.days[-1]
        zone, tx = self.world.zone(TEAM, last), _NamedOnly(self, person)
        rows = person_days(tx, person, zone, first, last, TIMING, now=last_instant(self.world))  # type: ignore[arg-type]  # the two questions it asks are answered
        return [Fraction(row["at_screen"]) for row in rows]

    def withdraw(self) -> None:
        """Some blocks are withdrawn as a whole, some annotated: the numbers of neither change."""
        for (team, day), withdraw in [(one, True) for one in self.world.withdrawn] + [
            (one, False) for one in self.world.annotated
        ]:
            kept, result = self.released.get((team, day), (None, None))
            if kept is None or result is None or not kept.blocks:
                continue
            blocks = list(kept.blocks)
            blocks[0] = replace(blocks[0], notes=("a note",))
            if withdraw:
                blocks[0] = replace(blocks[0], withdrawn="a device was wrong")
                if "withdrawn whole" in self.off:
                    blocks[0] = self._without_one(team, day, result.blocks[0])
            self.released[team, day] = (replace(kept, blocks=tuple(blocks)), result)

    # What happens where a rule is missing and no function has a parameter for it.

    def _without_one(self, team: str, day: date, block: Block) -> ReleasedBlock:
        people, _ = self._measured(team, day, TIMING.fixed_at(day, self.world.zone(team, day)), erased_by=0)
        one = min(block.contributors)
        rest = {person: slots for person, slots in people.items() if person != one}
        stretch = [slot for slot in self._slots(team, day) if block.start <= slot < block.end]
        return _stored(1, make_block(stretch, rest, self.rules), corrected=False)

    def _leak(self, team: str, day: date, people: People) -> None:
        if team != TEAM:
            return
        if "disjoint blocks" in self.off:  # any reader names the hours
            slots = [s for s in self._slots(team, day) if any(s in rollups for rollups in people.values())]
            for a in range(0, len(slots), 2):
                for b in range(a + 2, min(a + 9, len(slots) + 1)):
                    self._give(team, day, slots[a:b], people)
        if "days are means of blocks" in self.off:  # a day's number is computed from its people
            self._give(team, day, self._slots(team, day), people)
        if "one cohort" in self.off:  # a department that takes in the team and one of its neighbours
            theirs, _ = self._measured(OTHER, day, TIMING.fixed_at(day, self.world.zone(OTHER, day)), erased_by=0)
            both = {**people, **{p: s for p, s in theirs.items() if p == self.world.neighbour}}
            for block in team_day(self.world.zone(team, day), day, HOURS, both, self.rules).blocks:
                self.answers.append(_answer(team, day, block))

    def _give(self, team: str, day: date, stretch: list[int], people: People) -> None:
        if len(contributors(stretch, people, self.rules)) >= self.rules.k:
            self.answers.append(_answer(team, day, make_block(stretch, people, self.rules)))

    def _slots(self, team: str, day: date) -> list[int]:
        return list(work_slots(day, self.world.zone(team, day), HOURS, not_before=self._begins(team, day)))


@dataclass
class _NamedOnly:
    """The two questions `person_days` asks the database, answered as the statements behind them do."""

    house: House
    person: str

    def run(self, sql: str, /, **params: Any) -> list[dict[str, Any]]:
        every = "by name only what was sealed so" in self.house.off
        named = {p.slot for p in self.house._pieces(self.person) if p.by_name or every}
        if "individual_rollups(" in sql and "individual_corrections(" not in sql:
            rollups = self.house._rollups(self.person, last_instant(self.house.world))
            return [
                {"slot": slot, **rollup._asdict()}
                for slot, rollup in rollups.items()
                if slot in named and params["start"] <= slot < params["end"]
            ]
        return []


class Exact(Fraction):
    """A fraction that is written in base 16, which takes long numbers no time."""

    def __str__(self) -> str:
        """`numerator/denominator`."""
        return f"{self.numerator:x}/{self.denominator:x}"

    @classmethod
    def parse(cls, text: str) -> Fraction:
        """What `str` wrote, or a rounded number."""
        above, slash, below = text.partition("/")
        return Fraction(int(above, 16), int(below, 16)) if slash else Fraction(text)


def exactly(part: Fraction) -> Any:
    """No rounding: a percentage as it is."""
    return Exact(part * 100)


def _stored(number: int, block: Block, *, corrected: bool) -> ReleasedBlock:
    # Below five people there is no band, since no policy reaches there; a search without the rule does.
    people = "5-7" if block.people.startswith("under") else block.people
    return ReleasedBlock(
        number, block.start, block.end, block.seconds, block.shares, block.coverage, people, corrected=corrected
    )


def _answer(team: str, day: date, block: Block) -> Answer:
    return Answer(team, day, day, block.seconds // 60, Fraction(block.shares["at_screen"]), Fraction(block.coverage))
