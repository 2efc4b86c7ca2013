"""The evaluation's figures and intervals: the weighted measures are the plain ones, and the intervals hold what they
claim, where one can count or simulate it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "models"))

import metrics
from evaluation import bootstrap
from evaluation.measures import (
    F1,
    AreaUnderCurve,
    AveragePrecision,
    BestF1,
    Measure,
    RecallAtPrecision,
    Share,
    value,
)

SCORES = st.lists(st.tuples(st.integers(0, 6).map(lambda n: n / 6), st.booleans()), min_size=1, max_size=25)


def measured(measure: Measure, weights: list[int]) -> float:
    return float(measure.of(np.array([weights], dtype=float))[0])


@given(SCORES, st.data())
def test_weighted_measures_are_the_plain_ones_of_the_pictures_repeated(
    pairs: list[tuple[float, bool]], data: st.DataObject
) -> None:
    weights = data.draw(st.lists(st.integers(0, 3), min_size=len(pairs), max_size=len(pairs)))
    scores, truths = np.array([s for s, _ in pairs]), np.array([t for _, t in pairs])
    every = np.ones(len(pairs), dtype=bool)
    repeated = [pair for pair, weight in zip(pairs, weights, strict=True) for _ in range(weight)]
    curve = metrics.precision_recall([s for s, _ in repeated], [t for _, t in repeated])
    best, at = metrics.best_f1(curve), metrics.recall_at_precision(curve, 0.75)
    precision, recall = metrics.at_threshold([s for s, _ in repeated], [t for _, t in repeated], 0.5)
    taken = scores >= 0.5
    plain: list[tuple[Measure, float | None]] = [
        (AveragePrecision(scores, truths, every), metrics.average_precision(curve)),
        (BestF1(scores, truths, every), best[0] if best else None),
        (RecallAtPrecision(scores, truths, every, 0.75), None if not curve.recall else at[0] if at else 0.0),
        (Share(truths, taken), precision),
        (Share(taken, truths), recall),
        (
            AreaUnderCurve(scores, truths, ~truths),
            metrics.area_under_curve([s for s, t in repeated if t], [s for s, t in repeated if not t]),
        ),
    ]
    for measure, wanted in plain:
        found = measured(measure, weights)
        assert np.isnan(found) if wanted is None else found == pytest.approx(wanted), measure
    if precision is not None and recall is not None:
        assert measured(F1(taken, truths, every), weights) == pytest.approx(metrics.f1(precision, recall))


def test_figures_one_can_count() -> None:
    scores = np.array([0.9, 0.8, 0.7, 0.1])
    truths, every = np.array([True, False, True, False]), np.ones(4, dtype=bool)
    assert value(AveragePrecision(scores, truths, every)) == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)
    assert value(BestF1(scores, truths, every)) == pytest.approx(0.8)
    assert value(RecallAtPrecision(scores, truths, every, 1.0)) == 0.5
    assert value(AreaUnderCurve(scores, truths, ~truths)) == 0.75
    assert value(AreaUnderCurve(np.full(4, 0.5), truths, ~truths)) == 0.5  # all tied: chance
    assert value(F1(scores > 0.5, truths, every)) == pytest.approx(0.8)
    assert value(Share(truths, np.zeros(4, dtype=bool))) is None
    assert value(AveragePrecision(scores, np.zeros(4, dtype=bool), every)) is None


def test_pictures_that_do_not_count_change_nothing() -> None:
    scores, truths = np.array([0.9, 0.8, 0.7, 0.1, 1.0]), np.array([True, False, True, False, False])
    counted = np.array([True, True, True, True, False])
    assert value(AveragePrecision(scores, truths, counted)) == pytest.approx(0.5 + 0.5 * 2 / 3)


def test_turning_scores_round_turns_the_area_round() -> None:
    random = np.random.default_rng(5)
    scores, truths = random.integers(0, 8, 60).astype(float), random.random(60) < 0.4
    up, down = (value(AreaUnderCurve(sign * scores, truths, ~truths)) for sign in (1, -1))
    assert up is not None and down is not None and up + down == pytest.approx(1.0)


def test_the_interval_of_a_share_holds_the_truth_as_often_as_it_says() -> None:
    random, held = np.random.default_rng(3), 0
    trials, pictures, truth = 200, 150, 0.7
    draws = bootstrap.draw([""] * pictures, resamples=400)
    for _ in range(trials):
        measure = Share(random.random(pictures) < truth, np.ones(pictures, dtype=bool))
        ends = bootstrap.percentiles(measure.of(draws.by_pictures))
        assert ends is not None
        held += ends[0] <= truth <= ends[1]
    assert 0.90 <= held / trials <= 0.99  # 95 %, give or take three standard errors


def test_pictures_of_one_source_that_agree_make_the_interval_of_sources_wider() -> None:
    random = np.random.default_rng(4)
    sources = [str(k) for k in range(10) for _ in range(20)]
    alike = np.repeat(random.random(10) < 0.5, 20)
    apart = random.random(200) < 0.5
    draws = bootstrap.draw(sources)
    widths = {}
    for name, hits in (("alike", alike), ("apart", apart)):
        found = bootstrap.estimate(Share(hits, np.ones(200, dtype=bool)), draws)
        widths[name] = {interval.basis: interval.width for interval in found.intervals}
    assert widths["alike"]["sources"] > 3 * widths["alike"]["pictures"]
    assert widths["apart"]["sources"] < 2 * widths["apart"]["pictures"]


def test_too_few_sources_say_nothing() -> None:
    draws = bootstrap.draw(["a"] * 20 + ["b"] * 20 + ["c"] * 20)
    found = bootstrap.estimate(Share(np.arange(60) % 3 == 0, np.ones(60, dtype=bool)), draws)
    assert found.sources == 3 and {interval.basis for interval in found.intervals} == {"pictures", "count"}


def test_positives_of_few_sources_are_not_made_many_by_the_negatives_of_others() -> None:
    sources = [str(k % 8) for k in range(80)]
    draws, every = bootstrap.draw(sources), np.ones(80, dtype=bool)
    scores, few = np.linspace(1, 0, 80), np.array([int(s) < 4 for s in sources])
    spread = np.arange(80) % 3 == 0
    for measure in (
        AveragePrecision(scores, few, every),
        F1(scores > 0.5, few, every),
        AreaUnderCurve(scores, few, ~few),
    ):
        found = bootstrap.estimate(measure, draws)
        assert found.sources == 4 and {interval.basis for interval in found.intervals} == {"pictures"}
    found = bootstrap.estimate(AveragePrecision(scores, spread, every), draws)
    assert found.sources == 8 and {interval.basis for interval in found.intervals} == {"pictures", "sources"}


def test_no_mistake_among_48_is_not_shown_as_certainty() -> None:
    draws = bootstrap.draw([""] * 48)
    found = bootstrap.estimate(Share(np.zeros(48, dtype=bool), np.ones(48, dtype=bool)), draws)
    assert found.value == 0 and found.shown is not None
    assert found.shown.basis == "count" and found.shown.low < 1e-9
    assert found.shown.high == pytest.approx(0.0741, abs=1e-4)
    truths = np.arange(48) < 20
    perfect = bootstrap.estimate(AreaUnderCurve(truths.astype(float), truths, ~truths), draws)
    assert perfect.value == 1 and perfect.shown is None  # resampling cannot tell how far from 1 it may be


def test_wilson() -> None:
    assert bootstrap.wilson(8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)  # as in Newcombe 1998's method 3


def test_the_same_seed_gives_the_same_interval() -> None:
    one, two = (bootstrap.draw(["a", "b", "c"] * 5, resamples=50) for _ in range(2))
    assert (one.by_pictures == two.by_pictures).all() and (one.by_sources == two.by_sources).all()
    assert one.by_pictures.sum(axis=1).tolist() == [15.0] * 50
