"""Exact linear algebra: is there a combination of answers, however many, that rests on few people only?

Rows are answers, columns unknowns. For a set of people S such a combination exists if and only if the rows become
dependent once the columns of S are left out. All arithmetic is in fractions, so there is no tolerance to argue about;
a combination that is found is multiplied out again before it is believed.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations

Row = Mapping[Hashable, Fraction]


@dataclass
class Effort:
    """How much was searched. `sets`: sets of people asked about; `combinations`: systems of answers whose every
    combination was decided by one rank.
    """

    sets: int = 0
    combinations: int = 0


def independent(rows: Iterable[Row]) -> list[Row]:
    """The rows that are no combination of others, simplest first: they span the same answers."""
    kept: list[Row] = []
    pivots: dict[Hashable, dict[Hashable, Fraction]] = {}
    for row in sorted(rows, key=len):
        rest = _reduced(dict(row), pivots)
        if rest:
            _add_pivot(rest, pivots)
            kept.append(row)
    return kept


def _reduced(
    row: dict[Hashable, Fraction], pivots: Mapping[Hashable, Mapping[Hashable, Fraction]]
) -> dict[Hashable, Fraction]:
    """`row` minus multiples of earlier ones: nothing is left of a combination of them."""
    while True:
        column = next((column for column in row if column in pivots), None)
        if column is None:
            return row
        factor = row[column]
        for other, value in pivots[column].items():
            left = row.get(other, Fraction(0)) - factor * value
            if left:
                row[other] = left
            else:
                row.pop(other, None)


def _add_pivot(row: dict[Hashable, Fraction], pivots: dict[Hashable, dict[Hashable, Fraction]]) -> None:
    column = next(iter(row))
    scale = row[column]
    new = {other: value / scale for other, value in row.items()}
    for old in pivots.values():  # fully reduced, so that one pass clears a row
        factor = old.get(column)
        if factor:
            for other, value in new.items():
                left = old.get(other, Fraction(0)) - factor * value
                if left:
                    old[other] = left
                else:
                    old.pop(other, None)
    pivots[column] = new


def squeezed(rows: Sequence[Row], owner: Callable[[Hashable], str]) -> list[Row]:
    """The rows with one column for all columns of a person that are multiples of one another: they say the same."""
    columns: dict[Hashable, list[tuple[int, Fraction]]] = defaultdict(list)
    for number, row in enumerate(rows):
        for column, value in row.items():
            columns[column].append((number, value))
    chosen: dict[tuple[str, tuple[tuple[int, Fraction], ...]], Hashable] = {}
    for column, entries in columns.items():
        first = entries[0][1]
        chosen.setdefault((owner(column), tuple((number, value / first) for number, value in entries)), column)
    keep = set(chosen.values())
    return [{column: value for column, value in row.items() if column in keep} for row in rows]


def apart(rows: Sequence[Row]) -> list[list[Row]]:
    """Groups of rows that share no column with another group: no combination can gain from mixing them."""
    group: dict[Hashable, int] = {}
    members: dict[int, list[Row]] = {}
    for number, row in enumerate(rows):
        merged = [row]
        for other in {group[column] for column in row if column in group}:
            merged += members.pop(other)
        members[number] = merged
        for one in merged:
            for column in one:
                group[column] = number
    return list(members.values())


def resting_on_few(rows: Iterable[Row], owner: Callable[[Hashable], str], bound: int, effort: Effort) -> str | None:
    """A combination of the rows that rests on fewer than `bound` people, in words; None when there is none."""
    basis = squeezed(independent(row for row in rows if row), owner)
    for component in apart(basis):
        people = sorted({owner(column) for row in component for column in row})
        size = min(bound - 1, len(people))
        effort.sets += math.comb(len(people), size)
        if len(component) == 1:
            effort.combinations += 1
            if len(people) < bound:
                return f"one answer rests on {', '.join(people)}"
            continue  # every combination is a multiple of the one row, and rests on all its people
        for few in combinations(people, size):
            effort.combinations += 1
            found = combination(component, owner, frozenset(few))
            if found:
                return f"{', '.join(few)} by combining {sum(1 for value in found if value)} answers"
    return None


def combination(rows: Sequence[Row], owner: Callable[[Hashable], str], few: frozenset[str]) -> list[Fraction] | None:
    """Factors for the rows whose sum rests on `few` only and is not nothing; None when there are none."""
    pivots: dict[Hashable, dict[Hashable, Fraction]] = {}
    for number, row in enumerate(rows):
        tracked: dict[Hashable, Fraction] = {column: value for column, value in row.items() if owner(column) not in few}
        tracked[_Factor(number)] = Fraction(1)
        rest = _reduced(tracked, pivots)
        column = next((column for column in rest if not isinstance(column, _Factor)), None)
        if column is None:
            factors = [rest.get(_Factor(n), Fraction(0)) for n in range(len(rows))]
            _check(rows, owner, few, factors)
            return factors
        _add_pivot({column: rest[column], **rest}, pivots)
    return None


@dataclass(frozen=True)
class _Factor:
    """A column that keeps how often a row went into another; never a pivot."""

    row: int


def _check(
    rows: Sequence[Row], owner: Callable[[Hashable], str], few: frozenset[str], factors: Sequence[Fraction]
) -> None:
    total: dict[Hashable, Fraction] = defaultdict(Fraction)
    for row, factor in zip(rows, factors, strict=True):
        for column, value in row.items():
            total[column] += factor * value
    left = {owner(column) for column, value in total.items() if value}
    assert left and left <= few, "the combination found does not rest on whom it was found for"
