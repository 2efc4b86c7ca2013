"""The cascade with the real detectors: what can be left out is left out, and nothing that matters is."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "models"))

import gates
from ways import Ways

from agent.attention.rules import Rules
from agent.attention.verdict import held_phone
from agent.camera.base import Frame
from agent.detect.assemble import assemble
from agent.detect.face_onnx import OnnxFaces
from agent.detect.look import MOST_REPEATS, Looker
from agent.detect.phone_verifier import PhoneVerifier
from agent.eyes import Eyes
from agent.sources import Source
from tests.real.pictures import SAMPLE, scenes_of_the_sample

Pixels = npt.NDArray[np.uint8]
WORK, PHONE, EMPTY, DARK, BLURRED = 100, 170, 350, 468, 482
"""Seconds of the sample clip in the middle of its scenes."""


@pytest.fixture(scope="module")
def loaded() -> Iterator[Looker]:
    looker = assemble("onnx")
    yield looker
    looker.close()


@pytest.fixture
def looker(loaded: Looker) -> Looker:
    loaded.forget()
    return loaded


@pytest.fixture(scope="module")
def scenes() -> dict[int, Pixels]:
    return scenes_of_the_sample(WORK, PHONE, EMPTY, DARK, BLURRED)


def stages(looker: Looker, pixels: Pixels, at: float = 0.0) -> set[str]:
    return set(looker.observe(Frame(pixels, at))[1])


@pytest.mark.parametrize("second", [DARK, BLURRED])
def test_what_cannot_be_judged_costs_the_lens_check_alone(
    looker: Looker, scenes: dict[int, Pixels], second: int
) -> None:
    assert stages(looker, scenes[second]) == {"lens"}


def test_a_still_picture_is_repeated_only_after_two_looks_that_agree(looker: Looker, scenes: dict[int, Pixels]) -> None:
    looks = [stages(looker, scenes[WORK], float(i)) for i in range(3 + MOST_REPEATS)]
    fresh = ["face" in look for look in looks]
    assert fresh == [True, True, *[False] * MOST_REPEATS, True]


def test_a_repeated_reading_carries_its_own_time(looker: Looker, scenes: dict[int, Pixels]) -> None:
    readings = [looker.observe(Frame(scenes[WORK], float(i)))[0] for i in range(4)]
    assert [reading.at for reading in readings] == [0.0, 1.0, 2.0, 3.0]
    assert readings[3].faces == readings[1].faces


def test_a_phone_is_looked_at_every_time(looker: Looker, scenes: dict[int, Pixels]) -> None:
    """An odd reading repeated four times would be steady evidence."""
    assert all("objects" in stages(looker, scenes[PHONE], float(i)) for i in range(6))


def test_whatever_appears_is_looked_at_at_once(looker: Looker, scenes: dict[int, Pixels]) -> None:
    for i in range(3):
        stages(looker, scenes[WORK], float(i))
    assert "face" in stages(looker, scenes[EMPTY], 4.0)
    for i in range(3):
        stages(looker, scenes[WORK], float(i))
    hand = scenes[WORK].copy()
    hand[400:440, 300:330] = 20
    assert "face" in stages(looker, hand, 4.0)


def test_a_phone_is_verified(looker: Looker, scenes: dict[int, Pixels]) -> None:
    assert "verify" in stages(looker, scenes[PHONE])


def test_released_eyes_remember_nothing_of_what_they_saw() -> None:
    eyes = Eyes("none")
    eyes.open(Source(files=(str(SAMPLE),), every=1.0), "onnx")
    for _ in range(2):
        eyes.look(10.0)
    assert eyes._looker is not None and eyes._looker._seen is not None
    eyes.close()
    assert eyes._looker._seen is None


@pytest.mark.parametrize("second", [WORK, PHONE, EMPTY, DARK])
def test_what_the_model_card_measures_is_what_the_agent_does(
    looker: Looker, scenes: dict[int, Pixels], second: int
) -> None:
    ways = Ways(OnnxFaces(), PhoneVerifier())
    observation, _ = looker.observe(Frame(scenes[second], 0.0))
    assert ways.look(scenes[second]).both == pytest.approx(held_phone(observation, Rules()))
    ways.close()


def test_another_source_starts_afresh(looker: Looker, scenes: dict[int, Pixels]) -> None:
    for i in range(3):
        stages(looker, scenes[WORK], float(i))
    looker.forget()
    assert "face" in stages(looker, scenes[WORK], 4.0)


def test_every_second_of_a_recording_is_the_first_of_some_run_at_one_look_in_ten_seconds() -> None:
    times = [[at for at, _ in gates.frames(SAMPLE, 10.0, float(first))] for first in (0, 7)]
    assert times[0][:2] == [0.0, 10.0] and times[1][:2] == [7.0, 17.0] and len(times[0]) == len(times[1]) == 62
    (_, plain), *_ = gates.frames(SAMPLE, 10.0, 7.0)
    assert (plain == scenes_of_the_sample(7)[7]).all()


def test_the_share_of_a_core_is_the_processor_time_of_a_look_by_the_interval() -> None:
    spent = gates.Spent(every=10.0, processor=0.06)
    for _ in range(3):
        spent.add({"lens": 1.0, "objects": 12.0})
    assert "| share of a core, the picture at hand | | **0.20%** | |" in gates.costs("made up", spent)


@pytest.mark.parametrize(
    ("table", "word"),
    [
        (None, "has no labels.csv"),
        ("file,source,category,face_visible\n1.png,a,facing,1\n", "has no column 'phone_visible'"),
        ("file,source,category,phone_visible,face_visible\n1.png,a,facing,0,1\n", "cannot be read as a picture"),
        ("file,source,category,phone_visible,face_visible\n1.png,a,dark,-1,-1\n", "name a folder with both"),
    ],
)
def test_a_folder_that_shows_nothing_about_the_stages_is_one_sentence(
    tmp_path: Path, table: str | None, word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if table is not None:
        (tmp_path / "labels.csv").write_text(table)
        (tmp_path / "1.png").touch()
    assert gates.main([str(tmp_path), "--face", "onnx"]) in (1, 2)
    said = capsys.readouterr().err
    assert word in said and said.startswith("gates: ") and said.count("\n") == 1
    assert gates.main([str(tmp_path), "--update-readme"]) == 2
