"""Measures of a detector's quality, from scores and truths alone. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Curve:
    """Precision and recall when everything from `thresholds[i]` up counts as found; thresholds fall."""

    thresholds: tuple[float, ...]
    precision: tuple[float, ...]
    recall: tuple[float, ...]


def precision_recall(scores: Sequence[float], truths: Sequence[bool]) -> Curve:
    """The curve over all distinct scores. Empty when nothing is true."""
    positives = sum(truths)
    if not positives:
        return Curve((), (), ())
    ranked = sorted(zip(scores, truths, strict=True), key=lambda pair: -pair[0])
    points: list[tuple[float, float, float]] = []
    found = 0
    for taken, (score, truth) in enumerate(ranked, 1):
        found += truth
        if taken == len(ranked) or ranked[taken][0] != score:  # equal scores fall together
            points.append((score, found / taken, found / positives))
    thresholds, precision, recall = zip(*points, strict=True)
    return Curve(thresholds, precision, recall)


def average_precision(curve: Curve) -> float | None:
    """Precision averaged over recall (the area under the stepped curve), None without positives."""
    if not curve.recall:
        return None
    before = (0.0, *curve.recall)
    return sum((r - b) * p for p, r, b in zip(curve.precision, curve.recall, before, strict=False))


def recall_at_precision(curve: Curve, wanted: float) -> tuple[float, float] | None:
    """The highest recall with at least this precision, and its threshold; None when never reached."""
    good = [(r, t) for t, p, r in zip(curve.thresholds, curve.precision, curve.recall, strict=True) if p >= wanted]
    return max(good) if good else None


def at_threshold(
    scores: Sequence[float], truths: Sequence[bool], threshold: float
) -> tuple[float | None, float | None]:
    """Precision and recall at one threshold; None where there is nothing to divide by."""
    found = sum(truth for score, truth in zip(scores, truths, strict=True) if score >= threshold)
    taken = sum(score >= threshold for score in scores)
    return share(found, taken), share(found, sum(truths))


def f1(precision: float | None, recall: float | None) -> float | None:
    """Their harmonic mean: 0 when both are, None when either is."""
    if precision is None or recall is None:
        return None
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def best_f1(curve: Curve) -> tuple[float, float] | None:
    """The highest F1 and the threshold that gives it (the highest such); None without positives."""
    points = zip(curve.thresholds, curve.precision, curve.recall, strict=True)
    return max(((f1(p, r) or 0.0, t) for t, p, r in points), default=None)


def area_under_curve(positive: Sequence[float], negative: Sequence[float]) -> float | None:
    """The chance that a positive scores above a negative (a tie is half); None when either is empty."""
    if not positive or not negative:
        return None
    wins = sum((p > n) + 0.5 * (p == n) for p in positive for n in negative)
    return wins / (len(positive) * len(negative))


def share(part: int, whole: int) -> float | None:
    """`part / whole`, None when there is nothing to divide by."""
    return part / whole if whole else None
