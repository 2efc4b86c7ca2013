"""Holds the promise that a folder of which no clip can be made is told so in a sentence."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "models"))

from composing.clips import compose
from composing.library import Picture, pools

from agent.attention.observation import Lens, Observation, State
from agent.errors import UsageError


@pytest.mark.parametrize("states", [[], [State.AT_SCREEN], [State.ON_PHONE, State.ABSENT]])
def test_a_clip_needs_somebody_at_the_screen_and_another_state(states: list[State]) -> None:
    seen = Observation(0.0, (640, 480), Lens.CLEAR)
    pictures = [Picture(f"{i}", f"{i}", state, "here", False, seen) for i, state in enumerate(states * 5)]
    with pytest.raises(UsageError, match="needs pictures of somebody at the screen"):
        compose(pools(pictures), "cuts", 1.0, 60.0, random.Random(1))
