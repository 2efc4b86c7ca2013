"""Holds the promise that the seconds per state are right within 3 % of a recording's length, on clips composed from
labelled pictures: with the real detectors and the judge, and through `framekeep analyze` on real video files.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from agent.attention.judge import Interval, judge_still
from agent.attention.observation import State
from agent.attention.rules import Rules
from agent.attention.verdict import held_phone

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "models"))

from compose_clips import choices, draw_clips
from composing import video
from composing.clips import Clip, compose
from composing.library import Picture, load, pools
from composing.score import ALLOWED, error, judged, spread

pytestmark = [pytest.mark.shared, pytest.mark.timeout(240)]

REPOSITORY = Path(__file__).resolve().parents[2]
CLIPS = 20
FLOORS = [
    ("no objects", "cuts", 0.65),
    ("no objects", "odd looks", 0.4),
    ("no objects", "long", 0.6),
    ("all", "cuts", 0.1),
    ("all", "long", 0.25),
]
MARGIN = 1.25
"""Scores move when a picture is fitted into a video: the phones and bodies used there are so far from the thresholds."""


@pytest.fixture(scope="module")
def pictures(shared_dir: Path) -> dict[str, list[Picture]]:
    return choices(load(shared_dir / "eval"), Rules())


def errors(members: list[Picture], kind: str, every: float) -> list[float]:
    rules = Rules(interval=every)
    clips = draw_clips(members, kind, every, CLIPS, seed=1)
    return [error(clip, judged([look for look, _ in clip.looks], rules, clip.length)) for clip in clips]


@pytest.mark.parametrize("every", [1.0, 10.0])
@pytest.mark.parametrize("kind", ["cuts", "odd looks", "long"])
def test_where_the_detectors_read_the_pictures_right_the_seconds_are(
    pictures: dict[str, list[Picture]], kind: str, every: float
) -> None:
    found = spread(errors(pictures["read right"], kind, every))
    assert found.median <= ALLOWED / 2
    assert found.within >= 0.9


def test_flicker_between_doubtful_looks_changes_little(pictures: dict[str, list[Picture]]) -> None:
    assert spread(errors(pictures["read right"], "flicker", 1.0)).within >= 0.8


def test_the_seconds_of_an_office_are_right_in_most_clips(pictures: dict[str, list[Picture]]) -> None:
    """With the pictures the detectors read wrong, too: nearly all of these are phones not seen."""
    assert spread(errors(pictures["no objects"], "long", 1.0)).median <= ALLOWED
    assert spread(errors(pictures["no objects"], "cuts", 1.0)).median <= ALLOWED


def test_without_phones_they_are_right_in_nearly_all(pictures: dict[str, list[Picture]]) -> None:
    members = [p for p in pictures["no objects"] if p.state is not State.ON_PHONE]
    assert spread(errors(members, "cuts", 1.0)).within >= 0.8


@pytest.mark.parametrize(("name", "kind", "floor"), FLOORS)
def test_one_look_in_ten_seconds_gets_no_worse(
    pictures: dict[str, list[Picture]], name: str, kind: str, floor: float
) -> None:
    """The interval as shipped. These fall short of nine clips in ten (models/README.md): the floors are what is reached."""
    assert spread(errors(pictures[name], kind, 10.0)).within >= floor


@pytest.mark.parametrize(
    ("kind", "every", "length", "repeat"), [("cuts", 1.0, 360.0, 1), ("odd looks", 10.0, 3600.0, 2)]
)
def test_a_video_file_through_analyze(
    pictures: dict[str, list[Picture]], tmp_path: Path, kind: str, every: float, length: float, repeat: int
) -> None:
    sure = [p for p in pictures["read right"] if clear_cut(p, Rules())]
    clip = compose(pools(sure), kind, every, length, random.Random(2))
    video.write(clip, tmp_path / "clip.avi", repeat)
    assert error(clip, analyzed(tmp_path / "clip.avi", clip)) <= ALLOWED


def clear_cut(picture: Picture, rules: Rules) -> bool:
    score = held_phone(picture.observation, rules)
    fewer_bodies = replace(rules, person_score=MARGIN * rules.person_score)
    if judge_still(picture.observation, fewer_bodies) is not judge_still(picture.observation, rules):
        return False
    return score >= MARGIN * rules.phone_sustained or score <= rules.phone_minimum / MARGIN


def analyzed(path: Path, clip: Clip) -> list[Interval]:
    """What `framekeep analyze` says of this file; the video begins with the clip's first look."""
    command = [sys.executable, "-m", "agent.cli", "analyze", "--json", "--every", str(clip.every), str(path)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(lines) == len(clip.looks)
    began = clip.looks[0][0].at
    ends = [*(began + line["time"] for line in lines[1:]), clip.length]
    return [Interval(began + line["time"], end, State(line["state"]), 1) for line, end in zip(lines, ends, strict=True)]
