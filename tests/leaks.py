"""The counter-example search: can answers about a team be combined into one about fewer than k people?

The attacker here is stronger than any reader: they get every answer ever given **unrounded**, know who was counted in
each, for how long, and may combine any number of answers linearly. The unknowns are (person, quarter hour); an answer
is a row of weights over them. Fewer than k people are isolated when some combination of rows rests on at most k-1 people
(found by rank: a combination inside a set S exists if and only if dropping the columns of S lowers the rank), when one
person weighs more than 1/k of an answer, when fewer than k people were really observed, or when a released number pins
somebody's own share.

`OFF` names each rule of `sync_service/blocks.py` and its users that can be switched off. With none off the search must
find nothing; with any single one off it must find something, or it could not have failed.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import combinations

import numpy as np

from sync_service.blocks import SHARES, Rollup, Rules, close_stretches, contributors, make_block, percent

Data = dict[str, dict[int, Rollup]]
SLOTS = tuple(range(0, 14 * 900, 900))

OFF = {
    "k people": "a block closes with fewer than k",
    "thirty minutes": "a minute of observation makes a contributor",
    "equal weights": "people weigh as long as they were observed",
    "remainder joins": "what is left of a day is released by itself",
    "disjoint blocks": "any reader may ask for any stretch of the day",
    "one cohort": "a person is counted in two groups",
    "frozen cohort": "who left or joined counts at once, also for what was already answered",
    "computed once": "late data recomputes what was released",
    "corrections close": "the team sees a number before corrections close, and another after",
    "erasure leaves released": "an erasure recomputes what was released",
    "slot in one month": "a change of time zone at a month's start counts a quarter hour twice",
    "readers not counted": "who may read a team is counted in it",
    "individual reports apart": "who is reported by name is counted in the team",
    "ends folded": "0 and 100 are told apart from 5 and 95",
    "rounded": "numbers are told exactly",
}
"""rule -> what happens without it."""


@dataclass(frozen=True)
class Answer:
    """One number given out: weight of each unknown, and how long each contributor was observed for it."""

    weights: Mapping[tuple[str, int], Fraction]
    observed: Mapping[str, int]


@dataclass
class Tried:
    """How much was searched."""

    organisations: int = 0
    answers: int = 0
    subsets: int = 0
    found: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Organisation:
    """A small generated one: a team's people and what was measured, what changed later, and who knows what."""

    k: int
    data: Data
    late: Data
    other_team: tuple[str, ...]
    leaver: str
    reader: str
    individual: str


def generate(seed: int) -> Organisation:
    """People come late, leave early, pause, are seen for minutes only; some behave alike. Two people beside the team
    are a reader and one with individual reports; data of one person arrives late.
    """
    rng = random.Random(seed)
    k = rng.choice((3, 3, 4, 5))
    team = [f"p{n}" for n in range(k + rng.randint(0, 3))]
    extra = ["reader", "individual", *(f"q{n}" for n in range(k))]
    data = {person: _presence(rng) for person in (*team, *extra)}
    late_person = rng.choice(team)
    late = {person: dict(slots) for person, slots in data.items()}
    for slot in rng.sample(SLOTS, 4):
        late[late_person][slot] = _rollup(rng, 900)
    return Organisation(k, data, late, tuple(extra[2:]), rng.choice(team), "reader", "individual")


def _presence(rng: random.Random) -> dict[int, Rollup]:
    first, last = sorted(rng.sample(range(len(SLOTS) + 1), 2))
    if last - first < 4 and rng.random() < 0.7:
        first, last = 0, len(SLOTS)
    return {s: _rollup(rng, rng.choice((60, 300, 900, 900, 900))) for s in SLOTS[first:last] if rng.random() < 0.85}


def _rollup(rng: random.Random, observed: int) -> Rollup:
    if rng.random() < 0.4:
        return Rollup(observed, 0, 0, 0, 0)
    parts = [rng.random() for _ in SHARES]
    seconds = [int(observed * part / sum(parts)) for part in parts]
    seconds[0] += observed - sum(seconds)
    return Rollup(*seconds)


def rules_without(off: str | None, k: int) -> Rules:
    """The rule's numbers with one of them spoilt."""
    rules = Rules(k=k)
    if off == "k people":
        return replace(rules, k=max(1, k - 2))
    if off == "thirty minutes":
        return replace(rules, minimum_seconds=1)
    if off == "equal weights":
        return replace(rules, weigh=lambda seen: {p: Fraction(s, sum(seen.values())) for p, s in seen.items()})
    return rules


def cut(slots: tuple[int, ...], people: Data, rules: Rules, off: str | None) -> list[tuple[int, ...]]:
    """The stretches answers are given for."""
    stretches = [tuple(stretch) for stretch in close_stretches(slots, people, rules)]
    if off == "remainder joins" and stretches:
        last = _first_closing(stretches[-1], people, rules)
        rest = stretches[-1][last:]
        stretches[-1] = stretches[-1][:last]
        if rest and contributors(rest, people, rules):
            stretches.append(rest)
    if off == "disjoint blocks":
        asked = [slots[a:b] for a, b in combinations(range(len(slots) + 1), 2) if b - a >= 2]
        stretches += [s for s in asked if len(contributors(s, people, rules)) >= rules.k]
    return stretches


def _first_closing(stretch: tuple[int, ...], people: Data, rules: Rules) -> int:
    return next(n for n in range(1, len(stretch) + 1) if len(contributors(stretch[:n], people, rules)) >= rules.k)


def answer(stretch: Iterable[int], people: Data, rules: Rules) -> Answer:
    """The weights behind a block: `make_block` computes just this combination (a test compares the two)."""
    slots = frozenset(stretch)
    observed = contributors(slots, people, rules)
    weigh = rules.weigh(observed)
    return Answer(
        {
            (person, slot): weigh[person] * Fraction(rollup.observed, observed[person])
            for person in observed
            for slot, rollup in people[person].items()
            if slot in slots and rollup.observed
        },
        observed,
    )


def answers(org: Organisation, off: str | None) -> list[Answer]:
    """Everything ever answered about an organisation: blocks, their means over the day, and what the missing rule adds."""
    rules = rules_without(off, org.k)
    team = {p: org.data[p] for p in org.data if p not in (org.reader, org.individual, *org.other_team)}
    if off == "readers not counted":
        team = _with(team, org, org.reader)
    if off == "individual reports apart":
        team = _with(team, org, org.individual)
    given = _published(SLOTS, team, rules, off)
    given += _published(SLOTS, {p: org.data[p] for p in org.other_team}, rules, off)
    if off == "one cohort":  # a department that takes in the team and one of its neighbours
        given += _published(SLOTS, {**team, org.other_team[0]: org.data[org.other_team[0]]}, rules, off)
    if off == "frozen cohort":
        given += _published(SLOTS, {p: team[p] for p in team if p != org.leaver}, rules, off)
    if off in ("computed once", "corrections close"):
        given += _published(SLOTS, {p: org.late[p] for p in team}, rules, off)
    if off == "erasure leaves released":
        given += _published(SLOTS, {p: team[p] for p in team if p != org.leaver}, rules, off)
    if off == "slot in one month":
        given += _published(SLOTS[3:], team, rules, off)
        given += _published(SLOTS[:-3], team, rules, off)
    return given


def _with(team: Data, org: Organisation, person: str) -> Data:
    # Exactly k people with the one who should not be among them: the case the rule exists for.
    return {person: org.data[person], **dict(list(team.items())[: org.k - 1])}


def _published(slots: tuple[int, ...], people: Data, rules: Rules, off: str | None) -> list[Answer]:
    blocks = [answer(stretch, people, rules) for stretch in cut(slots, people, rules, off)]
    return blocks + ([_mean(blocks)] if len(blocks) > 1 else [])  # the day, the range and the CSV are such means


def _mean(blocks: list[Answer]) -> Answer:
    weights: dict[tuple[str, int], Fraction] = {}
    observed: dict[str, int] = {}
    for block in blocks:
        for unknown, weight in block.weights.items():
            weights[unknown] = weights.get(unknown, Fraction(0)) + weight / len(blocks)
        for person, seconds in block.observed.items():
            observed[person] = observed.get(person, 0) + seconds
    return Answer(weights, observed)


def isolated(given: list[Answer], k: int, known: frozenset[str], tried: Tried) -> str | None:
    """Who can be isolated from answers, in words; None when nobody. `known`: people whose own numbers the reader has."""
    tried.answers += len(given)
    for one in given:
        people: dict[str, Fraction] = {}
        for (person, _), weight in one.weights.items():
            if person not in known:
                people[person] = people.get(person, Fraction(0)) + weight
        heaviest = max(people, key=lambda person: people[person], default=None)
        if heaviest is None or people[heaviest] * k > sum(people.values()):
            return f"{heaviest} outweighs 1/{k} of one answer"
        if sum(1 for person in people if one.observed[person] >= 1800) < k:
            return "fewer than k people were really observed"
    return _by_rank(given, k, known, tried)


def _by_rank(given: list[Answer], k: int, known: frozenset[str], tried: Tried) -> str | None:
    columns = sorted({unknown for one in given for unknown in one.weights if unknown[0] not in known})
    if not columns:
        return None
    index = {unknown: n for n, unknown in enumerate(columns)}
    matrix = np.zeros((len(given), len(columns)))
    for row, one in enumerate(given):
        for unknown, weight in one.weights.items():
            if unknown in index:
                matrix[row, index[unknown]] = float(weight)
    owner = np.array([person for person, _ in columns])
    rank = np.linalg.matrix_rank(matrix)
    people = sorted(set(owner))
    for subset in combinations(people, min(k - 1, len(people))):
        tried.subsets += 1
        outside = matrix[:, ~np.isin(owner, subset)]
        if outside.shape[1] == 0 or np.linalg.matrix_rank(outside) < rank:
            return f"{', '.join(subset)} by combining {len(given)} answers"
    return None


def pinned(org: Organisation, off: str | None) -> str | None:
    """Whether a released number holds one contributor's own share in too narrow a range.

    With n people and a mean somewhere in [low, high], one share lies in [n*low - (n-1), n*high]. Folding the ends keeps
    that range at least 5*k points wide.
    """
    rules = Rules(k=org.k)
    team = {p: org.data[p] for p in org.data if p not in (org.reader, org.individual, *org.other_team)}
    for stretch in close_stretches(SLOTS, team, rules):
        n = len(contributors(stretch, team, rules))
        block = make_block(stretch, team, rules)
        given = answer(stretch, team, rules)
        for position, state in enumerate(SHARES):
            mean = sum(
                weight * Fraction(team[p][slot][position], team[p][slot].observed)
                for (p, slot), weight in given.weights.items()
            )
            low, high = _told(mean, block.shares[state], off)
            if min(Fraction(1), n * high) - max(Fraction(0), n * low - (n - 1)) < Fraction(5 * org.k, 100):
                return f"{state} of everyone in a block of {n}"
    return None


def _told(mean: Fraction, value: int, off: str | None) -> tuple[Fraction, Fraction]:
    if off == "rounded":
        return mean, mean
    low, high = Fraction(value, 100) - Fraction(1, 40), Fraction(value, 100) + Fraction(1, 40)
    if off == "ends folded":
        exact = Fraction(round(mean * 20), 20)
        return max(Fraction(0), exact - Fraction(1, 40)), min(Fraction(1), exact + Fraction(1, 40))
    assert percent(mean) == value, "make_block and the weights behind it disagree"
    return (Fraction(0) if value == 5 else low), (Fraction(1) if value == 95 else high)


def search(off: str | None, seeds: Iterable[int], tried: Tried) -> str | None:
    """Try organisations until somebody is isolated; what was found, or None after all of them."""
    for seed in seeds:
        tried.organisations += 1
        org = generate(seed)
        known = {"readers not counted": {org.reader}, "individual reports apart": {org.individual}}.get(
            off or "", set()
        )
        found = isolated(answers(org, off), org.k, frozenset(known), tried) or pinned(org, off)
        if found:
            return f"organisation {seed} (k={org.k}): {found}"
    return None
