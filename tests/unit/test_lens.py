"""A lens is judged by three numbers alone: covered, dark and blurred are told apart, and doubt means clear."""

from __future__ import annotations

import numpy as np
import pytest

from agent.attention.observation import Lens
from agent.camera.base import Frame
from agent.detect.lens import check_lens, judge_lens, measure


@pytest.mark.parametrize(
    ("contrast", "brightness", "sharpness", "expected"),
    [
        (55.0, 120.0, 300.0, Lens.CLEAR),
        (34.0, 36.0, 245.0, Lens.CLEAR),
        (1.9, 12.0, 9.0, Lens.COVERED),
        (0.0, 0.0, 0.0, Lens.COVERED),
        (2.1, 66.0, 9.0, Lens.COVERED),
        (9.0, 90.0, 20.0, Lens.COVERED),
        (7.6, 17.7, 25.0, Lens.DARK),
        (25.0, 29.0, 90.0, Lens.DARK),
        (44.0, 186.0, 2.0, Lens.BLURRED),
    ],
)
def test_three_numbers_say_the_condition(contrast: float, brightness: float, sharpness: float, expected: Lens) -> None:
    assert judge_lens(contrast, brightness, sharpness) is expected


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(7).integers(0, 256, (height, width, 3), np.uint8)


def test_the_numbers_do_not_depend_on_the_camera_s_resolution() -> None:
    small = noise(60, 80)
    for factor in (4, 8, 24):
        large = np.repeat(np.repeat(small, factor, axis=0), factor, axis=1)
        contrast, brightness, _ = measure(large)
        assert contrast == pytest.approx(measure(np.repeat(np.repeat(small, 4, 0), 4, 1))[0], rel=0.02)
        assert brightness == pytest.approx(127, abs=3)


@pytest.mark.parametrize("shape", [(1, 1), (1, 4000), (3000, 1), (2, 2)])
def test_a_picture_of_any_shape_has_a_condition(shape: tuple[int, int]) -> None:
    assert check_lens(Frame(np.zeros((*shape, 3), np.uint8), 0.0)) is Lens.COVERED


def test_a_picture_is_left_as_it_was() -> None:
    pixels = noise(480, 640)
    before = pixels.copy()
    check_lens(Frame(pixels, 0.0))
    assert np.array_equal(pixels, before)
