"""Holds the promise that a pose chosen in the camera check counts at once, that a laptop turned later still wins it over,
that it can be taken back without a trace, and that only a pose everybody can hold for neutral is ever taken.
"""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.attention import meter as m
from agent.attention.baseline import BASELINE_LIMIT, BASELINE_MINUTES, Baseline, Origin, reachable
from agent.attention.calibration import Obstacle, neutral_pose
from agent.attention.meter import Meter
from agent.attention.observation import Face, Lens, Observation
from agent.attention.rules import Rules
from agent.wire.summary import STATES, Window

RULES = Rules(interval=5.0)
NEAR, FAR = (100.0, 100.0, 300.0, 340.0), (0.0, 0.0, 20.0, 25.0)


def face(yaw: float | None = 0.0, pitch: float | None = 0.0, box: tuple[float, float, float, float] = NEAR) -> Face:
    return Face(box, 0.9, yaw, pitch)


def looks(*faces: tuple[Face, ...], lens: Lens = Lens.CLEAR) -> list[Observation]:
    return [Observation(0.25 * i, (640, 480), lens, found) for i, found in enumerate(faces)]


def steady(yaw: float, pitch: float = 0.0, count: int = 20) -> list[Observation]:
    return looks(*[(face(yaw + i % 3 - 1, pitch),) for i in range(count)])


def minutes(baseline: Baseline, yaw: float, count: int) -> Baseline:
    for _ in range(count * 12):
        baseline = baseline.learn(yaw, 0.0, 5.0)
    return baseline


def test_a_chosen_pose_counts_at_once_whatever_was_learned() -> None:
    for before in (Baseline(), minutes(Baseline(), -20.0, 15)):
        chosen = before.calibrated((12.0, -5.0))
        assert (chosen.yaw, chosen.pitch, chosen.origin) == (12.0, -5.0, Origin.CHOSEN)


def test_minutes_learned_later_outweigh_a_chosen_pose_and_a_quarter_of_them_does_not() -> None:
    chosen = Baseline().calibrated((12.0, 0.0))
    assert minutes(chosen, -20.0, 4).yaw == 12.0
    moved = minutes(chosen, -20.0, 8)
    assert (moved.yaw, moved.origin) == (-20.0, Origin.LEARNED)
    assert minutes(chosen, -20.0, BASELINE_MINUTES).chosen is None


@given(st.lists(st.floats(-40, 40), max_size=20), st.lists(st.floats(-40, 40), max_size=20))
def test_taking_it_back_leaves_what_had_been_learned_without_it(before: list[float], after: list[float]) -> None:
    plain, chosen = Baseline(), Baseline()
    for yaw in before:
        plain, chosen = minutes(plain, yaw, 1), minutes(chosen, yaw, 1)
    chosen = chosen.calibrated((44.0, 10.0))
    for yaw in after:
        plain, chosen = minutes(plain, yaw, 1), minutes(chosen, yaw, 1)
    assert chosen.reset() == plain


def test_a_minute_of_restless_poses_after_a_calibration_teaches_nothing() -> None:
    chosen = Baseline().calibrated((12.0, 0.0))
    for i in range(60):
        chosen = chosen.learn(40.0 if i % 2 else -40.0, 0.0, 5.0)
    assert (chosen.chosen, chosen.later) == ((12.0, 0.0), 0)


def test_a_chosen_pose_survives_a_restart_and_an_older_checkpoint_has_none() -> None:
    chosen = minutes(Baseline(), 3.0, 2).calibrated((12.0, -5.0))
    assert Baseline.from_json(json.loads(json.dumps(chosen.to_json()))) == chosen
    older = {name: value for name, value in chosen.to_json().items() if name not in ("chosen", "later")}
    assert Baseline.from_json(older) == chosen.reset()
    with pytest.raises(ValueError, match="more minutes"):
        Baseline.from_json({**chosen.to_json(), "later": 3})


def test_the_meter_keeps_it_and_no_window_tells_of_it() -> None:
    meter = m.calibrate(Meter(), (-30.0, 5.0))
    turned = Observation(0.0, (640, 480), Lens.CLEAR, (face(-33.0, 4.0),))
    out: list[Window] = []
    for i in range(70):
        meter, done = m.look(meter, turned, 5.0 * i, 1_763_760_000.0 + 5 * i, RULES)
        out += done
    assert out[0].at_screen == 300 and set(out[0].seconds) == set(STATES)
    resumed = Meter.from_json(json.loads(json.dumps(meter.to_json())))
    assert resumed.judge.baseline.origin is Origin.CHOSEN
    assert m.forget(resumed).judge.baseline.yaw == -30.0
    assert m.calibrate(resumed, None).judge.baseline.origin is Origin.DEFAULT


def test_the_median_of_some_seconds_becomes_neutral() -> None:
    assert neutral_pose(steady(30.0, -8.0), RULES) == (30.0, -8.0)
    glance = [*steady(10.0, count=17), *looks(*[(face(60.0),)] * 3)]
    assert neutral_pose(glance, RULES) == (10.0, 0.0)


@pytest.mark.parametrize(
    ("seen", "obstacle"),
    [
        (steady(0.0, count=4), Obstacle.TOO_FEW),
        (looks(*[()] * 20), Obstacle.NO_FACE),
        (looks(*[(face(box=FAR),)] * 20), Obstacle.NO_FACE),
        (looks(*[(face(None, None),)] * 20), Obstacle.NO_FACE),
        (looks(*[(face(), face(box=(400.0, 100.0, 560.0, 300.0)))] * 20), Obstacle.SEVERAL_FACES),
        (looks(*[(face(float(yaw)),) for yaw in range(-30, 30, 3)]), Obstacle.MOVED),
        (looks(*[(face(0.0, float(pitch)),) for pitch in range(-30, 30, 3)]), Obstacle.MOVED),
        (steady(BASELINE_LIMIT[0] + 5), Obstacle.TURNED_TOO_FAR),
        (steady(0.0, -BASELINE_LIMIT[1] - 5), Obstacle.TURNED_TOO_FAR),
        (looks(*[()] * 20, lens=Lens.DARK), Obstacle.UNREADABLE),
    ],
)
def test_what_is_no_neutral_pose_is_refused_with_one_sentence(seen: list[Observation], obstacle: Obstacle) -> None:
    refused = neutral_pose(seen, RULES)
    assert not isinstance(refused, tuple) and refused.obstacle is obstacle
    assert refused.sentence.endswith(".") and "\n" not in refused.sentence and "{" not in refused.sentence


def test_somebody_in_the_background_does_not_hinder() -> None:
    assert neutral_pose(looks(*[(face(5.0), face(box=FAR))] * 20), RULES) == (5.0, 0.0)


@given(st.floats(-90, 90), st.floats(-90, 90))
def test_no_pose_beyond_the_limit_is_ever_neutral(yaw: float, pitch: float) -> None:
    if reachable((yaw, pitch)):
        assert Baseline().calibrated((yaw, pitch)).yaw == yaw
    else:
        with pytest.raises(ValueError, match="BASELINE_LIMIT"):
            Baseline().calibrated((yaw, pitch))
