"""The real detectors on real pictures: what they find, which way angles point, what odd pictures do, and that
nothing of a frame stays behind in them.
"""

from __future__ import annotations

import csv
import gc
import subprocess
import sys
import weakref
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from agent.attention.observation import Face, Lens, Observation
from agent.camera.base import Frame
from agent.detect.assemble import assemble
from agent.detect.head_pose import HEAD, head_pose
from agent.detect.look import Looker
from tests.real.pictures import scenes_of_the_sample

Pixels = npt.NDArray[np.uint8]
WORK, PHONE, RIGHT, EMPTY, COVERED, DARK, BLURRED, LEFT = 100, 170, 270, 350, 450, 468, 482, 545
"""Seconds of the sample clip in the middle of its scenes."""


@pytest.fixture(scope="module")
def looker() -> Iterator[Looker]:
    looker = assemble("mediapipe")
    yield looker
    looker.close()


@pytest.fixture(scope="module")
def scenes() -> dict[int, Pixels]:
    return scenes_of_the_sample(WORK, PHONE, RIGHT, EMPTY, COVERED, DARK, BLURRED, LEFT)


def see(looker: Looker, pixels: Pixels) -> Observation:
    looker.forget()
    return looker.observe(Frame(pixels, 0.0))[0]


def only_face(observation: Observation) -> Face:
    (face,) = observation.faces
    return face


def angles(face: Face) -> tuple[float, float]:
    assert face.yaw is not None
    assert face.pitch is not None
    return face.yaw, face.pitch


def turned_head(yaw: float, pitch: float) -> npt.NDArray[np.float64]:
    """Where the six keypoints of a head 60 cm away fall in a 640x480 picture (pinhole, no detector)."""
    y, p = np.radians(yaw), np.radians(pitch)
    about_y = np.array([[np.cos(y), 0, -np.sin(y)], [0, 1, 0], [np.sin(y), 0, np.cos(y)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(p), np.sin(p)], [0, -np.sin(p), np.cos(p)]])
    points = HEAD @ (about_y @ about_x).T + [0, 0, 60]
    return np.stack([points[:, 0] / points[:, 2] * 640 + 320, points[:, 1] / points[:, 2] * 640 + 240], axis=1)


@pytest.mark.parametrize(("yaw", "pitch"), [(0, 0), (30, 0), (-30, 0), (0, 20), (0, -20), (25, -15)])
def test_angles_come_back_from_an_ideal_head(yaw: float, pitch: float) -> None:
    """Yaw > 0: the nose points to the picture's right; pitch > 0: it points up."""
    points = turned_head(yaw, pitch)
    if yaw:
        assert (points[2, 0] > 320) == (yaw > 0)
    if pitch:
        level = turned_head(yaw, 0)
        assert (points[2, 1] < level[2, 1]) == (pitch > 0)
    assert head_pose(points, 640, 480) == pytest.approx((yaw, pitch), abs=0.5)


def test_keypoints_that_are_no_head_have_no_pose() -> None:
    assert head_pose(np.full((6, 2), np.nan), 640, 480) is None


def test_a_face_at_work_looks_at_the_screen(looker: Looker, scenes: dict[int, Pixels]) -> None:
    observation = see(looker, scenes[WORK])
    assert observation.lens is Lens.CLEAR
    assert observation.size == (640, 480)
    face = only_face(observation)
    x1, y1, x2, y2 = face.box
    assert x1 < 320 < x2
    assert y1 < 225 < y2
    yaw, pitch = angles(face)
    assert abs(yaw) < 15
    assert abs(pitch) < 15
    assert observation.phone_score < 0.3


def test_a_turned_head_has_the_sign_of_its_turn(looker: Looker, scenes: dict[int, Pixels]) -> None:
    right, left = (angles(only_face(see(looker, scenes[second])))[0] for second in (RIGHT, LEFT))
    assert right > 20
    assert left < -20


def test_a_mirrored_picture_mirrors_the_yaw(looker: Looker, scenes: dict[int, Pixels]) -> None:
    mirrored = np.ascontiguousarray(scenes[RIGHT][:, ::-1])
    assert angles(only_face(see(looker, mirrored)))[0] < -20


def test_a_phone_is_found_where_it_is(looker: Looker, scenes: dict[int, Pixels]) -> None:
    best = see(looker, scenes[PHONE]).phones[0]
    assert best.score > 0.5
    x1, y1, x2, y2 = best.box
    assert (x1, y1, x2, y2) == pytest.approx((161, 290, 239, 450), abs=20)


def test_scores_fall_and_boxes_stay_inside(looker: Looker, scenes: dict[int, Pixels]) -> None:
    for pixels in scenes.values():
        observation = see(looker, pixels)
        phones, persons = observation.phones, observation.persons
        assert [p.score for p in phones] == sorted((p.score for p in phones), reverse=True)
        areas = [(p.box[2] - p.box[0]) * (p.box[3] - p.box[1]) for p in persons]
        assert areas == sorted(areas, reverse=True)
        for x1, y1, x2, y2 in (p.box for p in (*phones, *persons)):
            assert 0 <= x1 <= x2 <= 640
            assert 0 <= y1 <= y2 <= 480


def test_an_empty_room_holds_nobody(looker: Looker, scenes: dict[int, Pixels]) -> None:
    observation = see(looker, scenes[EMPTY])
    assert observation.faces == ()
    assert observation.persons == ()
    assert observation.phone_score < 0.2


@pytest.mark.parametrize(("second", "lens"), [(COVERED, Lens.COVERED), (DARK, Lens.DARK), (BLURRED, Lens.BLURRED)])
def test_a_lens_that_cannot_see_says_so(looker: Looker, scenes: dict[int, Pixels], second: int, lens: Lens) -> None:
    assert see(looker, scenes[second]).lens is lens


def test_detectors_are_not_asked_about_a_picture_that_shows_nothing(looker: Looker, scenes: dict[int, Pixels]) -> None:
    for second in (COVERED, DARK, BLURRED):
        observation, stages = looker.observe(Frame(scenes[second], 0.0))
        assert set(stages) == {"lens"}
        assert observation.faces == observation.phones == observation.persons == ()
    looker.forget()
    assert {"lens", "still", "face", "objects"} <= set(looker.observe(Frame(scenes[WORK], 0.0))[1])


@pytest.mark.parametrize(
    "shape", [(1, 1), (1, 3000), (3000, 1), (15, 15), (17, 17), (320, 416), (1080, 1920), (1920, 1080)]
)
def test_a_picture_of_any_size_can_be_looked_at(looker: Looker, shape: tuple[int, int]) -> None:
    pixels = np.random.default_rng(3).integers(0, 256, (*shape, 3), np.uint8)
    assert see(looker, pixels).size == (shape[1], shape[0])


def test_an_8k_picture_gives_the_same_as_a_small_one(looker: Looker, scenes: dict[int, Pixels]) -> None:
    large = cv2.resize(scenes[PHONE], (7680, 5760), interpolation=cv2.INTER_LINEAR).astype(np.uint8)
    small, big = see(looker, scenes[PHONE]), see(looker, large)
    assert np.array(only_face(big).box) / 12 == pytest.approx(np.array(only_face(small).box), abs=8)
    assert big.phone_score == pytest.approx(small.phone_score, abs=0.2)


def test_two_faces_come_nearest_first(looker: Looker, scenes: dict[int, Pixels]) -> None:
    canvas = np.full((480, 960, 3), 180, np.uint8)
    canvas[:, :640] = scenes[WORK]
    canvas[120:480, 480:960] = cv2.resize(scenes[WORK], (480, 360))
    faces = see(looker, canvas).faces
    assert len(faces) == 2
    assert faces[0].box[0] < faces[1].box[0]
    areas = [(f.box[2] - f.box[0]) * (f.box[3] - f.box[1]) for f in faces]
    assert areas == sorted(areas, reverse=True)


def test_nothing_of_a_frame_is_kept(looker: Looker, scenes: dict[int, Pixels]) -> None:
    for second in (WORK, PHONE, DARK):
        pixels = scenes[second].copy()
        before, watched = pixels.copy(), weakref.ref(pixels)
        observation = see(looker, pixels)
        assert np.array_equal(pixels, before), "a detector drew on the frame"
        del pixels
        gc.collect()
        assert watched() is None, "a detector still holds the frame"
        assert observation.size == (640, 480)


def test_the_same_frame_is_always_seen_the_same(looker: Looker, scenes: dict[int, Pixels]) -> None:
    first = see(looker, scenes[PHONE])
    see(looker, scenes[LEFT])
    assert see(looker, scenes[PHONE]) == first


def test_loading_the_detectors_draws_in_no_plotting_or_sound() -> None:
    """MediaPipe's own package would: 37 MB and 0.3 s for nothing. Nor may start-up chatter reach the terminal."""
    code = (
        "import sys, agent.detect.phone_onnx as p, agent.detect.face_mediapipe as f;"
        "f.MediaPipeFaces(); p.NanoDetPhones();"
        "print(sorted({'matplotlib', 'sounddevice', 'PIL', 'jax', 'tensorflow'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
    assert result.stderr == ""


@pytest.mark.shared
def test_labelled_pictures_faces_phones_and_lenses(looker: Looker, shared_dir: Path) -> None:
    """Floors well under what models/README.md reports: a broken conversion or colour order falls through them."""
    with (shared_dir / "eval" / "labels.csv").open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    faces: list[bool] = []
    scores: dict[str, list[float]] = {"0": [], "1": []}
    for row in rows[::2]:
        observation = see(looker, cv2.imread(str(shared_dir / "eval" / row["file"])).astype(np.uint8))
        expected = row["category"] if row["category"] in ("dark", "covered", "blurred") else "clear"
        assert observation.lens.value == expected, row["file"]
        if row["face_visible"] == "1" and expected == "clear":
            faces.append(bool(observation.faces))
        if row["phone_visible"] in scores and expected == "clear" and row["category"] != "object_not_phone":
            scores[row["phone_visible"]].append(observation.phone_score)
    assert np.mean(faces) > 0.95
    pairs = [phone > other for phone in scores["1"] for other in scores["0"]]
    assert np.mean(pairs) > 0.85
