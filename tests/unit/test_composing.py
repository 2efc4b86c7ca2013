"""Holds the promise that a folder of which no clip can be made is told so in a sentence."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "models"))

from compose_clips import main
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


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--json", "/nowhere/x.json"], "cannot be written"),
        (["--update-readme", "--clips", "3"], "default number of clips"),
        (["--update-readme", "somewhere"], "publishes the figures"),
        (["nowhere"], "has no labels.csv"),
    ],
)
def test_a_wrong_request_is_one_sentence(arguments: list[str], word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert word in said and said.startswith("clips: ") and said.count("\n") == 1


@pytest.mark.parametrize("count", ["0", "-1", "1", "many"])
def test_fewer_than_two_clips_have_no_spread(count: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--clips", count])
    assert "--clips" in capsys.readouterr().err
