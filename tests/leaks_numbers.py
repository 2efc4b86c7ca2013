"""Exact numbers that remember what they are made of: the search reads off an answer which unknowns it rests on.

Every unknown (the seconds somebody was at the screen in one measured piece) is a power of one large base. Answers are
sums of unknowns with small rational weights, so the product's own functions, fed with such numbers and told not to
round, give numbers whose digits *are* the weights (Kronecker substitution). Nothing about the functions is assumed
except that they compute a sum; that they did is checked by a second run with ordinary numbers, for which the weights
read off must give exactly what the functions gave.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

DIGIT_BITS = 320
_MOST_PEOPLE = 24
_MOST_FIVES = 110
"""Longest time one person is observed in one number, in units of 300 s: what denominators divide."""
_DENOMINATORS = math.lcm(*range(1, _MOST_FIVES + 1), *range(1, _MOST_PEOPLE + 1)) * 300 * 100
_LARGEST_DIGIT = 1 << (DIGIT_BITS - 64)


class Unknown(NamedTuple):
    """Seconds at the screen of one person in one quarter hour, in one piece of what was measured (or said) of it."""

    person: str
    slot: int
    piece: str


Weights = Mapping[Unknown, Fraction]


class NotASum(Exception):
    """An answer is no sum of unknowns with small rational weights."""


@dataclass
class Symbols:
    """Unknown -> its number. `observed` keeps how many seconds stand behind each."""

    unknowns: list[Unknown] = field(default_factory=list)
    observed: dict[Unknown, int] = field(default_factory=dict)
    _numbers: dict[Unknown, int] = field(default_factory=dict)

    def number(self, unknown: Unknown, observed: int) -> int:
        """The power of the base that stands for it; the lowest digit is for constants."""
        if unknown not in self._numbers:
            self.unknowns.append(unknown)
            self.observed[unknown] = observed
            self._numbers[unknown] = 1 << (DIGIT_BITS * len(self.unknowns))
        return self._numbers[unknown]

    def weights(self, value: Fraction, minutes: int = 1) -> dict[Unknown, Fraction]:
        """The weights behind an answer over `minutes` of work time. Raises NotASum."""
        for scale in (_DENOMINATORS * minutes, _DENOMINATORS * minutes * value.denominator):
            whole = value * scale
            if whole.denominator == 1 and (found := self._digits(whole.numerator, scale)) is not None:
                return found
        raise NotASum(f"not a sum of what was measured (denominator {value.denominator})")

    def _digits(self, whole: int, scale: int) -> dict[Unknown, Fraction] | None:
        if whole < 0:
            return None
        size = DIGIT_BITS // 8
        raw = whole.to_bytes((len(self.unknowns) + 2) * size, "little")
        if any(raw[(len(self.unknowns) + 1) * size :]) or any(raw[:size]):
            return None  # larger than every unknown, or a constant
        found: dict[Unknown, Fraction] = {}
        for place, unknown in enumerate(self.unknowns, start=1):
            piece = raw[place * size : (place + 1) * size]
            if any(piece):
                digit = int.from_bytes(piece, "little")
                if digit > _LARGEST_DIGIT:
                    return None
                found[unknown] = Fraction(digit, scale)
        return found


def value_of(weights: Weights, numbers: Mapping[Unknown, int]) -> Fraction:
    """The sum for ordinary numbers: what the functions must have given."""
    return sum((weight * numbers[unknown] for unknown, weight in weights.items()), Fraction(0))
