"""The bundled clip, looked at by the real detectors and judged by the real judge, shows the states it was made for.

Nothing is arranged: if a model or a rule changes what the clip looks like to the agent, this test says so.
"""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

import cv2
import numpy as np
import pytest

from agent.attention import judge
from agent.attention.judge import Interval, JudgeState
from agent.attention.observation import State
from agent.attention.rules import Rules
from agent.camera.base import Frame
from agent.detect.assemble import assemble

CLIP = Path(__file__).resolve().parents[2] / "agent" / "sample" / "sample.mp4"
EXPECTED = [
    (150, State.AT_SCREEN),
    (190, State.ON_PHONE),
    (250, State.AT_SCREEN),
    (290, State.LOOKING_AWAY),
    (320, State.AT_SCREEN),
    (380, State.ABSENT),
    (440, State.AT_SCREEN),
    (490, State.UNKNOWN),
    (530, State.AT_SCREEN),
    (560, State.LOOKING_AWAY),
    (590, State.ON_PHONE),
    (620, State.AT_SCREEN),
]
"""Until which second of the clip which state is expected."""
TOLERANCE = 5.0


@pytest.fixture(scope="module")
def intervals() -> list[Interval]:
    looker = assemble("mediapipe")
    video, rules, state = cv2.VideoCapture(str(CLIP)), Rules(), JudgeState()
    rate = video.get(cv2.CAP_PROP_FPS)
    found: list[Interval] = []
    index = 0
    while True:
        read, pixels = video.read()
        if not read:
            break
        at = index / rate
        observation, _ = looker.observe(Frame(pixels.astype(np.uint8), at))
        state, more = judge.step(state, observation, at, rules)
        found += more
        index += 1
    video.release()
    looker.close()
    return [*found, *judge.finish(state, rules)[1]]


def test_the_clip_is_small_and_long_enough_for_a_whole_window() -> None:
    assert CLIP.stat().st_size < 1_500_000
    assert EXPECTED[-1][0] >= 2 * 300


def test_every_second_is_in_the_expected_state(intervals: list[Interval]) -> None:
    runs = [(state, list(run)[-1].end) for state, run in groupby(intervals, key=lambda interval: interval.state)]
    assert [state for state, _ in runs] == [state for _, state in EXPECTED]
    assert [end for _, end in runs] == pytest.approx([end for end, _ in EXPECTED], abs=TOLERANCE)


def test_every_state_a_camera_can_show_appears(intervals: list[Interval]) -> None:
    assert {interval.state for interval in intervals} == set(State) - {State.NOT_OBSERVED}
