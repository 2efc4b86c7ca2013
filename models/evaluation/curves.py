"""The curves over all thresholds, with a bootstrap band: numbers for the JSON and for the charts."""

from __future__ import annotations

from typing import Any

import metrics
import numpy as np

from evaluation.bootstrap import LEVEL, Draws
from evaluation.measures import AreaUnderCurve, Bools, Floats, Ranking, Weights, divided
from evaluation.plan import Facts, phone_ranking, pose_truth

GRID = np.linspace(0.0, 1.0, 101)
MOST_RESAMPLES = 500
"""Enough for a band one looks at."""
THRESHOLDS = (0.15, 0.20, 0.25, 0.30, 0.35, 0.40, 0.45, 0.50, 0.60, 0.70)

Curve = dict[str, Any]


def all_curves(facts: Facts, draws: Draws) -> dict[str, Curve]:
    """The curves the labels allow, by name, JSON-ready. Bands are over resampled pictures."""
    weights = draws.by_pictures[:MOST_RESAMPLES]
    curves: dict[str, Curve] = {}
    if facts.phone.any() and facts.empty.any():
        curves["phones"] = precision_recall(phone_ranking(facts, plain=False), weights)
        plain = phone_ranking(facts, plain=True)
        if facts.lookalike.any() and (plain.counted & ~plain.truths).any():
            curves["phones_plain"] = precision_recall(plain, weights)
    if (facts.visible & ~facts.phone).any() and facts.empty.any():
        visible = Ranking(facts.score, facts.visible, facts.visible | facts.empty)
        curves["phones_visible"] = precision_recall(visible, weights)
    away, screen = pose_truth(facts)
    if away.any() and screen.any():
        curves["away"] = receiver_operating(AreaUnderCurve(facts.away, away, screen), weights)
    return curves


def precision_recall(ranking: Ranking, weights: Weights) -> Curve:
    """Precision and recall at every score, falling, and a band of precision over `GRID` recalls."""
    precision, recall = ranking.precision_recall(np.ones((1, weights.shape[1])))
    band = np.array([_first_reaching(r, p) for p, r in zip(*ranking.precision_recall(weights), strict=True)])
    return {
        "thresholds": _distinct(ranking.scores[ranking.counted]),
        "precision": precision[0].tolist(),
        "recall": recall[0].tolist(),
        "band": _band(band),
    }


def receiver_operating(curve: AreaUnderCurve, weights: Weights) -> Curve:
    """True and false positive shares at every score, falling, and a band of the former over `GRID` of the latter."""
    scores = np.array(_distinct(curve.scores[curve.counted]))
    reached = (curve.scores[:, np.newaxis] >= scores).astype(float)  # NaN is nowhere, and not counted
    false, true = (_shares(of, reached, np.ones((1, len(of))))[0] for of in (curve.negative, curve.positive))
    drawn = zip(_shares(curve.negative, reached, weights), _shares(curve.positive, reached, weights), strict=True)
    band = np.array([_last_within(f, t) for f, t in drawn])
    return {"thresholds": scores.tolist(), "false": false.tolist(), "true": true.tolist(), "band": _band(band)}


def at_thresholds(facts: Facts) -> list[dict[str, Any]]:
    """Precision, recall, F1 and false phones when one picture must reach each of `THRESHOLDS`."""
    counted = facts.phone | facts.empty
    rows = []
    for threshold in sorted({*THRESHOLDS, facts.thresholds.phone}):
        taken = counted & (facts.score >= threshold)
        precision, recall = metrics.at_threshold(
            facts.score[counted].tolist(), facts.phone[counted].tolist(), threshold
        )
        rows.append(
            {
                "threshold": threshold,
                "precision": precision,
                "recall": recall,
                "f1": metrics.f1(precision, recall),
                "false_lookalikes": int((taken & facts.lookalike).sum()),
                "false_others": int((taken & facts.empty & ~facts.lookalike).sum()),
            }
        )
    return rows


def best_f1_threshold(curve: Curve) -> float | None:
    """The score from which F1 is best; None without phones."""
    best = metrics.best_f1(metrics.Curve(*(tuple(curve[name]) for name in ("thresholds", "precision", "recall"))))
    return best[1] if best else None


def _shares(of: Bools, reached: Floats, weights: Weights) -> Floats:
    chosen = weights[:, of]
    return divided(chosen @ reached[of], chosen.sum(axis=1)[:, np.newaxis])


def _first_reaching(recall: Floats, precision: Floats) -> Floats:
    """Per recall of the grid, the precision at the highest score that reaches it."""
    if np.isnan(recall).any():
        return np.full(len(GRID), np.nan)
    at = np.minimum(np.searchsorted(recall, GRID - 1e-9), len(recall) - 1)
    at = np.maximum(at, np.argmax(recall > 0))  # recall 0 is reached without saying anything
    return precision[at]


def _last_within(false: Floats, true: Floats) -> Floats:
    """Per false share of the grid, the highest true share not exceeding it."""
    if np.isnan(false).any() or np.isnan(true).any():
        return np.full(len(GRID), np.nan)
    at = np.searchsorted(false, GRID + 1e-9, side="right")
    return np.append(0.0, true)[at]


def _band(values: Floats) -> dict[str, list[float]]:
    low, high = np.nanquantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return {"at": GRID.tolist(), "low": low.tolist(), "high": high.tolist()}


def _distinct(scores: Floats) -> list[float]:
    falling: list[float] = np.unique(scores)[::-1].tolist()
    return falling
