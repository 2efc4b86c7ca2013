"""The measures the accuracy tables rest on are right on cases one can count by hand."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "models"))

import metrics


def test_a_perfect_ranking() -> None:
    curve = metrics.precision_recall([0.9, 0.8, 0.2], [True, True, False])
    assert metrics.average_precision(curve) == 1.0
    assert metrics.recall_at_precision(curve, 0.95) == (1.0, 0.8)


def test_a_ranking_with_one_mistake() -> None:
    curve = metrics.precision_recall([0.9, 0.8, 0.7, 0.1], [True, False, True, False])
    assert metrics.average_precision(curve) == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)
    assert metrics.recall_at_precision(curve, 0.95) == (0.5, 0.9)
    assert metrics.recall_at_precision(metrics.precision_recall([0.9, 0.5], [False, True]), 0.95) is None


def test_equal_scores_fall_together() -> None:
    curve = metrics.precision_recall([0.5, 0.5], [True, False])
    assert curve.precision == (0.5,)
    assert metrics.average_precision(curve) == 0.5


def test_nothing_to_measure_is_none() -> None:
    assert metrics.average_precision(metrics.precision_recall([0.5], [False])) is None
    assert metrics.area_under_curve([], [1.0]) is None
    assert metrics.at_threshold([0.1], [False], 0.5) == (None, None)


def test_at_threshold() -> None:
    assert metrics.at_threshold([0.9, 0.6, 0.4], [True, False, True], 0.5) == (0.5, 0.5)


def test_area_under_curve() -> None:
    assert metrics.area_under_curve([2.0, 3.0], [1.0, 2.0]) == pytest.approx(3.5 / 4)
