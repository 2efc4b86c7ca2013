"""Several people in view: the nearest face counts, and nobody else changes anything.

The people are frames of the bundled clip, cut and set beside each other, so that any clone can hold this.
"""

from __future__ import annotations

import csv
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "models"))

from conditions import draw  # noqa: E402 - found by the line above
from conditions.looking import Eye, Seen  # noqa: E402

from agent.attention.observation import Box, Lens, State  # noqa: E402
from tests.real.pictures import scenes_of_the_sample  # noqa: E402

Pixels = npt.NDArray[np.uint8]
WORK, PHONE, RIGHT, EMPTY, LEFT = 100, 170, 270, 350, 545
"""Seconds of the bundled clip in the middle of its scenes."""


@pytest.fixture(scope="module")
def eye() -> Iterator[Eye]:
    eye = Eye("mediapipe")
    yield eye
    eye.close()


@pytest.fixture(scope="module")
def scenes() -> dict[int, Pixels]:
    return scenes_of_the_sample(WORK, PHONE, RIGHT, EMPTY, LEFT)


def face_of(seen: Seen) -> Box:
    assert seen.face is not None
    return seen.face.box


def joined(eye: Eye, nearest: Pixels, other: Pixels, size: float, x: float) -> Pixels:
    """`nearest` with the other's head, `size` times as large, at this share of the width."""
    return draw.pasted(nearest, *draw.head_of(other, face_of(eye.see(other))), size, (x, 0.3))


def side_by_side(nearest: Pixels, other: Pixels, size: float, *, left: bool) -> Pixels:
    """Both people in one wider picture, the other `size` times as large, before the same wall."""
    small = cv2.resize(other[:, 140:500], None, fx=size, fy=size, interpolation=cv2.INTER_AREA)
    wall = np.full((480 - small.shape[0], small.shape[1], 3), nearest[5, 300], np.uint8)
    second = np.vstack([wall, small])
    return np.hstack([second, nearest] if left else [nearest, second]).astype(np.uint8)


@pytest.mark.parametrize("nearest", [RIGHT, LEFT])
@pytest.mark.parametrize("x", [0.12, 0.88])
@pytest.mark.parametrize("size", [0.8, 0.6])
def test_a_smaller_face_at_the_screen_changes_nothing(
    eye: Eye, scenes: dict[int, Pixels], nearest: int, x: float, size: float
) -> None:
    alone = eye.see(scenes[nearest])
    together = eye.see(joined(eye, scenes[nearest], scenes[WORK], size, x))
    assert len(together.observation.faces) == 2, "the second face must be there to be ignored"
    assert together.state is alone.state is State.LOOKING_AWAY
    assert face_of(together) == pytest.approx(face_of(alone), abs=8)


@pytest.mark.parametrize("other", [RIGHT, LEFT])
@pytest.mark.parametrize("left", [False, True])
def test_a_smaller_face_that_looks_away_changes_nothing(
    eye: Eye, scenes: dict[int, Pixels], other: int, left: bool
) -> None:
    together = eye.see(side_by_side(scenes[WORK], scenes[other], 0.8, left=left))
    assert len(together.observation.faces) == 2, "the second face must be there to be ignored"
    assert together.state is State.AT_SCREEN and eye.see(scenes[other]).state is State.LOOKING_AWAY


@pytest.mark.parametrize("other", [RIGHT, LEFT])
def test_whoever_is_nearer_counts(eye: Eye, scenes: dict[int, Pixels], other: int) -> None:
    """The one who looks at the screen is now the larger of the two: the verdict is about that one."""
    together = eye.see(joined(eye, scenes[other], scenes[WORK], 1.4, 0.12 if other == RIGHT else 0.88))
    assert len(together.observation.faces) == 2
    assert together.state is State.AT_SCREEN and eye.see(scenes[other]).state is State.LOOKING_AWAY


@pytest.mark.parametrize("x", [0.2, 0.5, 0.8])
def test_a_passer_by_in_the_background_is_nobody(eye: Eye, scenes: dict[int, Pixels], x: float) -> None:
    """A face of 3 % of the picture's width, some five metres away, in a room with nobody at the desk."""
    left, _, right, _ = face_of(eye.see(scenes[WORK]))
    factor = 0.03 * 640 / (right - left)
    small = draw.head_of(scenes[WORK], face_of(eye.see(scenes[WORK])))
    assert eye.see(draw.pasted(scenes[EMPTY], *small, factor, (x, 0.4))).state is State.ABSENT


def test_a_passer_by_does_not_replace_who_sits_there(eye: Eye, scenes: dict[int, Pixels]) -> None:
    for second in (WORK, RIGHT, PHONE):
        passing = joined(eye, scenes[second], scenes[WORK], 0.25, 0.9)
        assert eye.see(passing).state is eye.see(scenes[second]).state


def test_a_face_is_found_until_the_lens_says_dark(eye: Eye, scenes: dict[int, Pixels]) -> None:
    """There is no light in which somebody at work is called absent: either the face is found, or nothing is claimed."""
    states = []
    for stops in np.arange(0, 8, 0.5):
        seen = eye.see(draw.darkened(scenes[WORK], float(stops)))
        assert seen.face is not None or seen.observation.lens is not Lens.CLEAR, f"{stops} stops"
        states.append(seen.state)
    assert states[0] is State.AT_SCREEN and states[-1] is State.UNKNOWN
    assert set(states) == {State.AT_SCREEN, State.UNKNOWN}


@pytest.mark.parametrize("worn", ["mask", "sunglasses"])
def test_a_mask_or_sunglasses_do_not_turn_a_head(eye: Eye, scenes: dict[int, Pixels], worn: str) -> None:
    pixels = scenes[WORK]
    points = eye.keypoints(pixels)
    assert points is not None
    drawn = draw.masked(pixels, points, (225, 200, 150)) if worn == "mask" else draw.with_sunglasses(pixels, points)
    assert np.abs(drawn.astype(int) - pixels).max() > 100, "something must have been drawn"
    assert eye.see(drawn).state is eye.see(pixels).state is State.AT_SCREEN


@pytest.mark.shared
def test_every_picture_of_the_table_is_labelled_beside_the_checkout(shared_dir: Path) -> None:
    from conditions import attributes

    for known in attributes.load(shared_dir):
        assert known.path.is_file()
        assert known.picture.source == known.visible["source"]


def test_the_table_holds_names_and_known_words_only() -> None:
    """No pixels, no paths outside the labelled folders, and nothing that names or describes a person further."""
    from conditions import attributes

    with attributes.FILE.open(newline="") as handle:
        columns = csv.DictReader(handle).fieldnames
    assert columns == ["set", "file", "source", *list(attributes.ALLOWED)[1:]]
    assert len(attributes.rows()) > 500


def test_a_damaged_table_is_named(tmp_path: Path) -> None:
    from conditions import attributes

    from agent.errors import UsageError

    lines = attributes.FILE.read_text().splitlines()
    for wrong, said in ((lines[1].replace(",all,", ",some,"), "line 2: drawn"), (lines[2], "twice")):
        table = tmp_path / "conditions.csv"
        table.write_text("\n".join([lines[0], wrong, *lines[2:]]))
        with pytest.raises(UsageError, match=said):
            attributes.rows(table)


def test_without_pictures_the_command_says_what_is_missing(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(REPOSITORY / "models" / "conditions" / "run.py")],
        env={"FRAMEKEEP_SHARED": str(tmp_path), "PATH": "", "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "has no labels.csv" in done.stderr and "Traceback" not in done.stderr
