"""Measures as functions of weights, so that one call answers thousands of resamples.

A weight row says how often each picture counts: all ones is the set as it is, a bootstrap resample has whole numbers
from 0 up. `of(weights)` takes an array (resamples, pictures) and returns (resamples,) values, NaN where there is
nothing to divide by. `metrics.py` computes the same for one list of scores, in plain Python; the tests hold both
together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Weights = NDArray[np.float64]

_ROWS = 200
"""Resamples at a time: keeps the arrays in the processor's cache, and memory small for large sets."""
_ROUNDING = 1e-9


class Measure(Protocol):
    """A figure over a set. `counted` says which pictures take part in it."""

    @property
    def counted(self) -> Bools:
        """(pictures,)"""

    @property
    def rests_on(self) -> tuple[Bools, ...]:
        """The groups of pictures without each of which there would be no figure: all that count of a share, positives
        and negatives of a curve. Resampling sources says something only where each comes from enough of them.
        """

    def of(self, weights: Weights) -> Floats:
        """(resamples, pictures) -> (resamples,)"""


@dataclass(frozen=True, slots=True, eq=False)
class Share:
    """The weight of `hits` in that of `counted`."""

    hits: Bools
    counted: Bools

    @property
    def rests_on(self) -> tuple[Bools, ...]:
        """See Measure."""
        return (self.counted,)

    def of(self, weights: Weights) -> Floats:
        """See Measure."""
        return divided(weights @ (self.hits & self.counted).astype(float), weights @ self.counted.astype(float))


@dataclass(frozen=True, slots=True, eq=False)
class Mean:
    """The mean of `values` over `counted`; values elsewhere must be numbers, too."""

    values: Floats
    counted: Bools

    @property
    def rests_on(self) -> tuple[Bools, ...]:
        """See Measure."""
        return (self.counted,)

    def of(self, weights: Weights) -> Floats:
        """See Measure."""
        return divided(weights @ np.where(self.counted, self.values, 0.0), weights @ self.counted.astype(float))


@dataclass(frozen=True, slots=True, eq=False)
class F1:
    """The harmonic mean of precision and recall when `taken` are said to be what `truths` are."""

    taken: Bools
    truths: Bools
    counted: Bools

    @property
    def rests_on(self) -> tuple[Bools, ...]:
        """See Measure."""
        return self.counted & self.truths, self.counted & ~self.truths

    def of(self, weights: Weights) -> Floats:
        """See Measure."""
        taken, truths = self.taken & self.counted, self.truths & self.counted
        both = weights @ (taken & truths).astype(float)
        return divided(2 * both, weights @ taken.astype(float) + weights @ truths.astype(float))


@dataclass(frozen=True, slots=True, eq=False)
class AreaUnderCurve:
    """The chance that one of `positive` scores above one of `negative`, a tie being half."""

    scores: Floats
    positive: Bools
    negative: Bools

    @property
    def counted(self) -> Bools:
        """See Measure."""
        return self.positive | self.negative

    @property
    def rests_on(self) -> tuple[Bools, ...]:
        """See Measure."""
        return self.positive, self.negative

    def of(self, weights: Weights) -> Floats:
        """See Measure."""
        order, starts = _ties(self.scores, self.counted, falling=False)
        if not len(order):
            return np.full(len(weights), np.nan)
        return _in_rows(lambda w: self._of(w, order, starts), weights)

    def _of(self, weights: Weights, order: NDArray[np.intp], starts: NDArray[np.intp]) -> Floats:
        picked = weights[:, order]
        up = np.add.reduceat(picked * self.positive[order], starts, axis=1)
        down = np.add.reduceat(picked * self.negative[order], starts, axis=1)
        below = np.cumsum(down, axis=1) - down
        return divided((up * (below + down / 2)).sum(axis=1), up.sum(axis=1) * down.sum(axis=1))


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """Scores against truths over `counted`: what the precision-recall measures below are made from."""

    scores: Floats
    truths: Bools
    counted: Bools

    @property
    def rests_on(self) -> tuple[Bools, ...]:
        """See Measure."""
        return self.counted & self.truths, self.counted & ~self.truths

    def precision_recall(self, weights: Weights) -> tuple[Floats, Floats]:
        """Precision and recall at every distinct score, highest first: two arrays (resamples, scores).

        Precision is 0 where nothing was drawn from that score up; recall is NaN without positives.
        """
        order, starts = _ties(self.scores, self.counted, falling=True)
        ends = np.append(starts[1:], len(order)) - 1
        picked = weights[:, order]
        taken = np.cumsum(picked, axis=1)[:, ends]
        found = np.cumsum(picked * self.truths[order], axis=1)[:, ends]
        positives = weights @ (self.truths & self.counted).astype(float)
        precision = np.divide(found, taken, out=np.zeros_like(found), where=taken > 0)
        return precision, divided(found, positives[:, np.newaxis])


@dataclass(frozen=True, slots=True, eq=False)
class AveragePrecision(Ranking):
    """The area under the stepped precision-recall curve."""

    def of(self, weights: Weights) -> Floats:
        """See Measure."""
        return _in_rows(self._of, weights)

    def _of(self, weights: Weights) -> Floats:
        precision, recall = self.precision_recall(weights)
        area: Floats = (precision * np.diff(recall, axis=1, prepend=0.0)).sum(axis=1)
        return area


@dataclass(frozen=True, slots=True, eq=False)
class BestF1(Ranking):
    """The highest F1 any threshold gives."""

    def of(self, weights: Weights) -> Floats:
        """See Measure."""
        return _in_rows(self._of, weights)

    def _of(self, weights: Weights) -> Floats:
        precision, recall = self.precision_recall(weights)
        f1 = np.nan_to_num(divided(2 * precision * recall, precision + recall))
        best: Floats = np.where(np.isnan(recall), np.nan, f1).max(axis=1, initial=0.0)
        return best


@dataclass(frozen=True, slots=True, eq=False)
class RecallAtPrecision(Ranking):
    """The highest recall a threshold gives whose precision is at least `wanted`; 0 where none is."""

    wanted: float = 0.95

    def of(self, weights: Weights) -> Floats:
        """See Measure."""
        return _in_rows(self._of, weights)

    def _of(self, weights: Weights) -> Floats:
        precision, recall = self.precision_recall(weights)
        enough = (precision >= self.wanted - _ROUNDING) | np.isnan(recall)
        best: Floats = np.where(enough, recall, 0.0).max(axis=1, initial=0.0)
        return best


def value(measure: Measure) -> float | None:
    """The figure over the set as it is; None where there is nothing to divide by."""
    single = float(measure.of(np.ones((1, len(measure.counted))))[0])
    return None if np.isnan(single) else single


def divided(part: Floats, whole: Floats) -> Floats:
    """`part / whole`, NaN where `whole` is 0."""
    part, whole = np.broadcast_arrays(part, whole)
    shares: Floats = np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)
    return shares


def _ties(scores: Floats, counted: Bools, *, falling: bool) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The counted pictures in the order of their scores, and where in it each run of equal scores starts."""
    index = np.flatnonzero(counted)
    order = index[np.argsort(-scores[index] if falling else scores[index], kind="stable")]
    sorted_scores = scores[order]
    starts = np.flatnonzero(np.append(True, sorted_scores[1:] != sorted_scores[:-1])) if len(order) else order
    return order, starts


def _in_rows(function: _Function, weights: Weights) -> Floats:
    return np.concatenate([function(weights[at : at + _ROWS]) for at in range(0, len(weights), _ROWS)])


class _Function(Protocol):
    def __call__(self, weights: Weights, /) -> Floats: ...
