"""Holds the promise that only what can be a face is reported as one, nearest first and inside the picture."""

from __future__ import annotations

import numpy as np
import pytest

from agent.detect.faces import FACE_SCORE, Candidate, plausible, reduced, to_faces

FRONTAL = np.array([(-20, -15), (20, -15), (0, 5), (0, 27), (-45, -8), (45, -8)], np.float64)
"""Keypoints of a face that looks at the camera, about the middle of a box 100 wide."""


def candidate(
    x: float = 320, y: float = 240, size: float = 100, lean: float = 0, score: float = 0.9, closed: float = 1.0
) -> Candidate:
    """A face about (x, y), leaning by `lean` degrees, the distance from eyes to mouth multiplied by `closed`."""
    turn = np.radians(lean)
    rotation = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    points = (FRONTAL * [1, closed]) @ rotation * size / 100 + [x, y]
    return Candidate((x - size / 2, y - size / 2, x + size / 2, y + size / 2), score, points)


def test_the_nearest_face_comes_first_and_ends_where_the_picture_does() -> None:
    near, far = candidate(x=20, size=120), candidate(x=400, size=60)
    first, second = to_faces([far, near], 640, 480)
    assert first.box == (0.0, 180.0, 80.0, 300.0)
    assert second.box == (370.0, 210.0, 430.0, 270.0)
    assert first.yaw is not None and second.pitch is not None


def test_a_candidate_outside_the_picture_is_no_face() -> None:
    assert to_faces([candidate(x=-200)], 640, 480) == ()


@pytest.mark.parametrize(("score", "expected"), [(FACE_SCORE, True), (FACE_SCORE - 0.01, False)])
def test_the_network_must_be_sure_enough(score: float, expected: bool) -> None:
    assert plausible(candidate(score=score)) is expected


@pytest.mark.parametrize("lean", [-60, -30, 0, 30, 60])
@pytest.mark.parametrize("size", [20, 100, 500])
def test_a_leaning_head_is_a_face_at_any_size(lean: float, size: float) -> None:
    assert plausible(candidate(lean=lean, size=size))


@pytest.mark.parametrize("lean", [75, 100, 180, -100])
def test_a_mouth_beside_or_above_the_eyes_is_no_face(lean: float) -> None:
    assert not plausible(candidate(lean=lean))


def test_a_mouth_at_the_eyes_is_no_face() -> None:
    assert plausible(candidate(closed=0.8))
    assert not plausible(candidate(closed=0.6))


def test_keypoints_that_are_no_numbers_are_no_face() -> None:
    assert not plausible(Candidate((0, 0, 10, 10), 0.9, np.full((6, 2), np.nan)))


def test_only_large_pictures_are_made_smaller() -> None:
    small, large = np.zeros((480, 640, 3), np.uint8), np.zeros((1080, 1920, 3), np.uint8)
    assert reduced(small) is small
    assert reduced(large).shape == (360, 640, 3)
