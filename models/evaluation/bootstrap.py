"""Confidence intervals (95 %) by resampling, with a fixed seed. Pure functions.

Three ways, because small sets lie in more than one way:

- **pictures**: the percentile bootstrap, as if every picture were drawn by itself.
- **sources**: whole sources (a repository: few people, one room, one camera) are drawn instead. Pictures of one source
  resemble each other, so this is usually the wider and the more honest; with eight sources it is rough, and with fewer
  than `MIN_SOURCES` behind a figure, or behind its positives or its negatives alone, it says nothing and is left out.
- **count**: Wilson's interval of a share. The bootstrap of 0 of 48 is 0 to 0, which nobody should believe.

Shown is the widest. The others are in the JSON.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.measures import Floats, Measure, Share, Weights, value

RESAMPLES = 2000
SEED = 20261122
LEVEL = 0.95
MIN_SOURCES = 5
_Z = 1.959963984540054
"""The normal distribution's 97.5 % point."""
_MOST_UNDEFINED = 0.5
"""The share of resamples that may be undefined (no picture of the kind drawn) before there is no interval."""


@dataclass(frozen=True, slots=True)
class Draws:
    """The resamples of one set, as weights (resamples, pictures); `sources` is the source's number per picture."""

    by_pictures: Weights
    by_sources: Weights
    sources: np.ndarray[tuple[int], np.dtype[np.intp]]


@dataclass(frozen=True, slots=True)
class Interval:
    """From `low` to `high` by `basis`: pictures, sources or count."""

    low: float
    high: float
    basis: str

    @property
    def width(self) -> float:
        """`high - low`"""
        return self.high - self.low


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure over `pictures` pictures, with its intervals; `shown` is the widest. `sources` is how many it rests on:
    where it needs positives and negatives, those of the fewer.
    """

    value: float | None
    pictures: int
    sources: int
    intervals: tuple[Interval, ...] = ()

    @property
    def shown(self) -> Interval | None:
        """The widest interval; None where there is none, or resampling never changed the figure (no mistake in it)."""
        widest = max(self.intervals, key=lambda interval: interval.width, default=None)
        return widest if widest is not None and widest.width > 0 else None


def draw(sources: Sequence[str], resamples: int = RESAMPLES, seed: int = SEED) -> Draws:
    """Resample pictures, and whole sources; `sources` names each picture's."""
    random = np.random.default_rng(seed)
    names, number = np.unique(np.asarray(sources), return_inverse=True)
    pictures = random.multinomial(len(sources), np.full(len(sources), 1 / len(sources)), size=resamples)
    groups = random.multinomial(len(names), np.full(len(names), 1 / len(names)), size=resamples)
    return Draws(pictures.astype(float), groups[:, number].astype(float), number)


def estimate(measure: Measure, draws: Draws) -> Estimate:
    """The figure and its intervals."""
    single = value(measure)
    count, sources = int(measure.counted.sum()), sources_of(measure, draws)
    if single is None:
        return Estimate(None, count, sources)
    intervals = resampled(measure.of(draws.by_pictures), measure.of(draws.by_sources), sources)
    if isinstance(measure, Share):
        intervals.append(Interval(*wilson(round(single * count), count), "count"))
    return Estimate(single, count, sources, tuple(intervals))


def resampled(by_pictures: Floats, by_sources: Floats, sources: int) -> list[Interval]:
    """The percentile intervals of resampled values, that of sources only where there are enough."""
    values = {"pictures": by_pictures, "sources": by_sources if sources >= MIN_SOURCES else np.array([])}
    return [Interval(*ends, basis) for basis, drawn in values.items() if (ends := percentiles(drawn)) is not None]


def percentiles(values: Floats) -> tuple[float, float] | None:
    """The middle `LEVEL` of the values; undefined (NaN) ones are left out, None when those are most."""
    defined = values[~np.isnan(values)]
    if len(defined) <= _MOST_UNDEFINED * len(values):
        return None
    low, high = np.quantile(defined, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def sources_of(measure: Measure, draws: Draws) -> int:
    """How many sources the figure rests on: of the groups of pictures it needs, the fewest any comes from."""
    return min(len(np.unique(draws.sources[group])) for group in measure.rests_on)


def wilson(part: int, whole: int) -> tuple[float, float]:
    """Wilson's 95 % interval of `part` in `whole` (which is above 0)."""
    share = part / whole
    middle = share + _Z**2 / (2 * whole)
    spread = _Z * math.sqrt(share * (1 - share) / whole + _Z**2 / (4 * whole**2))
    scale = 1 + _Z**2 / whole
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)
