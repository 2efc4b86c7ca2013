"""One suite for every face driver: what `FaceDetector` promises, and that both drivers see the same faces."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from agent.attention.judge import judge_still
from agent.attention.observation import State
from agent.attention.rules import Rules
from agent.camera.base import Frame
from agent.detect.assemble import assemble
from agent.detect.base import FaceDetector
from agent.detect.face_mediapipe import MediaPipeFaces
from agent.detect.face_onnx import OnnxFaces, merge, overlap
from agent.detect.faces import Candidate, reduced
from agent.sources import FACE_ENGINES
from tests.real.pictures import REPOSITORY, SAMPLE

Pixels = npt.NDArray[np.uint8]
Driver = MediaPipeFaces | OnnxFaces
DRIVERS: tuple[type[Driver], ...] = (MediaPipeFaces, OnnxFaces)


@pytest.fixture(scope="module", params=DRIVERS, ids=lambda driver: driver.__name__)
def driver(request: pytest.FixtureRequest) -> Iterator[FaceDetector]:
    opened = request.param()
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def both() -> Iterator[tuple[MediaPipeFaces, OnnxFaces]]:
    pair = MediaPipeFaces(), OnnxFaces()
    yield pair
    for one in pair:
        one.close()


@pytest.fixture(scope="module")
def clip() -> dict[int, Pixels]:
    """Every twentieth second of the sample clip."""
    video = cv2.VideoCapture(str(SAMPLE))
    found = {}
    second = 0
    while video.grab():
        if second % 20 == 0:
            found[second] = video.retrieve()[1].astype(np.uint8)
        second += 1
    video.release()
    return found


@pytest.fixture(scope="module")
def portrait(clip: dict[int, Pixels]) -> Pixels:
    """One person in front of the camera, 640x480."""
    return clip[100]


def boxes(driver: FaceDetector, pixels: Pixels) -> npt.NDArray[np.float64]:
    return np.array([face.box for face in driver.detect(Frame(pixels, 0.0))]).reshape(-1, 4)


def test_a_face_is_found_where_it_is_with_its_pose(driver: FaceDetector, portrait: Pixels) -> None:
    (face,) = driver.detect(Frame(portrait, 0.0))
    x1, y1, x2, y2 = face.box
    assert x1 < 320 < x2 and y1 < 225 < y2
    assert 0.5 <= face.score <= 1.0
    assert face.yaw is not None and abs(face.yaw) < 15
    assert face.pitch is not None and abs(face.pitch) < 15


def test_the_nearest_face_comes_first(driver: FaceDetector, portrait: Pixels) -> None:
    canvas = np.full((480, 960, 3), 180, np.uint8)
    canvas[120:480, :480] = cv2.resize(portrait, (480, 360))
    canvas[:, 320:] = portrait
    found = boxes(driver, canvas)
    assert len(found) == 2
    areas = (found[:, 2] - found[:, 0]) * (found[:, 3] - found[:, 1])
    assert areas[0] > areas[1]
    assert found[0, 0] > found[1, 0]


def test_a_box_ends_where_the_frame_does(driver: FaceDetector, portrait: Pixels) -> None:
    x1, y1, x2, y2 = boxes(driver, portrait)[0].astype(int)
    for cut in (portrait[:, (3 * x1 + x2) // 4 :], portrait[(5 * y1 + y2) // 6 :], portrait[:, : (x1 + 3 * x2) // 4]):
        height, width = cut.shape[:2]
        for left, top, right, bottom in boxes(driver, np.ascontiguousarray(cut)):
            assert 0 <= left < right <= width and 0 <= top < bottom <= height


@pytest.mark.parametrize(("width", "height"), [(960, 480), (480, 960), (1920, 1080), (640, 700), (2560, 640)])
def test_the_shape_of_the_frame_does_not_move_the_face(
    driver: FaceDetector, portrait: Pixels, width: int, height: int
) -> None:
    """The same person in a frame of another shape, the rest of it grey: upright, wide, larger than is looked at."""
    inner = portrait if width >= 640 else np.ascontiguousarray(portrait[:, 80:560])
    rows, columns = inner.shape[:2]
    left, top = (width - columns) // 2, (height - rows) // 2
    canvas = np.full((height, width, 3), 127, np.uint8)
    canvas[top : top + rows, left : left + columns] = inner
    shift = [left - (640 - columns) // 2, top] * 2
    (plain,) = boxes(driver, portrait)
    (moved,) = boxes(driver, canvas)
    assert moved - shift == pytest.approx(plain, abs=0.2 * (plain[2] - plain[0]))


@pytest.mark.parametrize("shape", [(1, 1), (1, 3000), (3000, 1), (15, 15), (15, 640), (17, 17), (17, 3000), (3000, 17)])
def test_tiny_and_thin_pictures_hold_no_face(driver: FaceDetector, shape: tuple[int, int]) -> None:
    noise = np.random.default_rng(3).integers(0, 256, (*shape, 3), np.uint8)
    assert driver.detect(Frame(noise, 0.0)) == ()


@pytest.mark.parametrize("cell", [1, 4, 16, 64])
def test_noise_holds_no_face(driver: FaceDetector, cell: int) -> None:
    for seed in range(3):
        small = np.random.default_rng(seed).integers(0, 256, (480 // cell, 640 // cell, 3), np.uint8)
        noise = cv2.resize(small, (640, 480), interpolation=cv2.INTER_NEAREST)
        assert driver.detect(Frame(noise.astype(np.uint8), 0.0)) == ()


@pytest.mark.parametrize("level", [0, 127, 255])
def test_an_even_picture_holds_no_face(driver: FaceDetector, level: int) -> None:
    assert driver.detect(Frame(np.full((480, 640, 3), level, np.uint8), 0.0)) == ()


def test_a_face_is_a_face_in_grey(driver: FaceDetector, portrait: Pixels) -> None:
    grey = cv2.cvtColor(cv2.cvtColor(portrait, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR).astype(np.uint8)
    (plain,) = boxes(driver, portrait)
    (found,) = boxes(driver, grey)
    assert found == pytest.approx(plain, abs=0.05 * (plain[2] - plain[0]))


def test_a_part_of_a_larger_array_is_a_picture_too(driver: FaceDetector, portrait: Pixels) -> None:
    """A camera's buffer may have gaps between its rows."""
    wide = np.zeros((480, 800, 3), np.uint8)
    wide[:, 80:720] = portrait
    assert driver.detect(Frame(wide[:, 80:720], 0.0)) == driver.detect(Frame(portrait, 0.0))


def test_frames_of_changing_shape_do_not_disturb_each_other(driver: FaceDetector, portrait: Pixels) -> None:
    alone = driver.detect(Frame(portrait, 0.0))
    driver.detect(Frame(np.ascontiguousarray(portrait[:, 100:500]), 0.0))
    assert driver.detect(Frame(portrait, 0.0)) == alone


def test_closing_one_detector_leaves_another_alone(driver: FaceDetector, portrait: Pixels) -> None:
    before = driver.detect(Frame(portrait, 0.0))
    type(driver)().close()
    assert driver.detect(Frame(portrait, 0.0)) == before


def assert_same(pair: tuple[MediaPipeFaces, OnnxFaces], pixels: Pixels, name: str) -> int:
    """The same faces: as many, keypoints within 1 % of the face's width, scores within .01; how many there were.

    MediaPipe gives boxes in whole pixels of the picture it looked at, without the fractions, and a corner left of
    or above the picture as 0 with the full width and height; so ours are written that way before they are compared.
    """
    frame = Frame(pixels, 0.0)
    theirs, ours = (one._candidates(frame) for one in pair)
    assert len(ours) == len(theirs), name
    looked = reduced(pixels)
    factor = pixels.shape[1] / looked.shape[1]
    for one in theirs:
        same = min(ours, key=lambda other: float(np.abs(other.points - one.points).max()))
        ours.remove(same)
        width = one.box[2] - one.box[0]
        assert np.abs(same.points - one.points).max() <= 0.01 * width, name
        assert same.score == pytest.approx(one.score, abs=0.01), name
        given = [side / factor for side in (*one.box[:2], width, one.box[3] - one.box[1])]
        assert as_mediapipe(same, factor, looked) == pytest.approx(given, abs=max(1.0, 0.01 * width / factor)), name
    return len(theirs)


def as_mediapipe(candidate: Candidate, factor: float, picture: Pixels) -> list[float]:
    x1, y1, x2, y2 = (side / factor for side in candidate.box)
    height, width = picture.shape[:2]
    limits = (width, height, width, height)
    return [max(0, min(int(side), most)) for side, most in zip((x1, y1, x2 - x1, y2 - y1), limits, strict=True)]


def test_both_drivers_see_the_same_in_the_sample_clip(
    both: tuple[MediaPipeFaces, OnnxFaces], clip: dict[int, Pixels]
) -> None:
    assert sum(assert_same(both, pixels, f"second {second}") for second, pixels in clip.items()) > 15


@pytest.mark.parametrize("size", [(640, 360), (360, 640), (1280, 720), (1001, 777), (333, 222)])
def test_both_drivers_see_the_same_at_any_size(
    both: tuple[MediaPipeFaces, OnnxFaces], portrait: Pixels, size: tuple[int, int]
) -> None:
    assert assert_same(both, cv2.resize(portrait, size).astype(np.uint8), str(size)) == 1


@pytest.mark.shared
def test_both_drivers_see_the_same_in_every_labelled_picture(
    both: tuple[MediaPipeFaces, OnnxFaces], shared_dir: Path
) -> None:
    with (shared_dir / "eval" / "labels.csv").open(newline="") as handle:
        files = [row["file"] for row in csv.DictReader(handle)]
    pictures = {file: cv2.imread(str(shared_dir / "eval" / file)).astype(np.uint8) for file in files}
    assert sum(assert_same(both, pixels, file) for file, pixels in pictures.items()) > 140


@pytest.mark.shared
def test_with_either_driver_the_agent_says_the_same(shared_dir: Path) -> None:
    """Boxes may differ by a pixel, and the closer look begins at the box: a state may change, but hardly ever one does,
    and neither makes a phone of somebody who holds nothing.
    """
    with (shared_dir / "eval" / "labels.csv").open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    said = {}
    for engine in FACE_ENGINES:
        looker = assemble(engine)
        said[engine] = []
        for row in rows:
            looker.forget()
            pixels = cv2.imread(str(shared_dir / "eval" / row["file"])).astype(np.uint8)
            said[engine].append(judge_still(looker.observe(Frame(pixels, 0.0))[0], Rules()))
        looker.close()
        empty = ("facing", "away")
        assert not [
            row["file"]
            for row, state in zip(rows, said[engine], strict=True)
            if row["category"] in empty and row["people"] == "1" and state is State.ON_PHONE
        ]
    one, other = said.values()
    assert sum(a is not b for a, b in zip(one, other, strict=True)) <= 2


def test_nothing_the_agent_runs_asks_for_keypoints() -> None:
    asking = [path.name for path in (REPOSITORY / "agent").rglob("*.py") if "nearest_keypoints" in path.read_text()]
    assert asking == ["face_onnx.py"]


def test_overlapping_candidates_become_one_face_by_their_scores() -> None:
    corners = np.array([[0, 0, 10, 10], [2, 0, 12, 10], [40, 40, 50, 50]], np.float32)
    points = np.repeat(corners[:, None, :2], 6, axis=1)
    (first, score, keypoints), (second, _, _) = merge(corners, np.array([0.9, 0.6, 0.7], np.float32), points)
    assert first == pytest.approx([0.8, 0, 10.8, 10], abs=1e-6)
    assert score == pytest.approx(0.9)
    assert keypoints == pytest.approx(np.full((6, 2), [0.8, 0.0]), abs=1e-6)
    assert second == pytest.approx([40, 40, 50, 50])


def test_a_box_without_an_area_overlaps_nothing_and_is_merged_all_the_same() -> None:
    empty = np.zeros((2, 4), np.float32)
    assert overlap(empty[0], empty).tolist() == [0.0, 0.0]
    assert len(merge(empty, np.array([0.9, 0.8], np.float32), np.zeros((2, 6, 2), np.float32))) == 2
