"""Can this picture be judged at all? A pure function on brightness and sharpness.

The picture is made grey and small (long side 320), so that the numbers mean the same on every camera:

- covered: hardly any contrast (standard deviation <= 5 of 255; <= 10 where light comes through, since a dark
  room also has little contrast). A shutter, a sticker, a hand.
- dark: mean brightness <= 30 of 255. A person may be there, but the detectors miss too many.
- blurred: variance of the Laplacian <= 8. Steamed or badly out of focus; faces are still found, phones are not.

On the labelled pictures (models/README.md) covered lenses have a contrast of 1.4 to 2.8, dark rooms 7.6 and
more, judgeable pictures 34 and more; the darkest judgeable one has a brightness of 36; blurred ones have a
sharpness of 1.9 to 2.3, judgeable ones 40 and more. The thresholds err towards `clear`, so that a plain dim
room is judged and not thrown away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from agent.attention.observation import Lens

if TYPE_CHECKING:
    from agent.camera.base import Frame, Pixels

LONG_SIDE = 320
COVERED_CONTRAST = 5.0
COVERED_CONTRAST_LIT = 10.0
DARK_BRIGHTNESS = 30.0
BLURRED_SHARPNESS = 8.0


def check_lens(frame: Frame) -> Lens:
    """The lens condition of this frame. Implements `agent.detect.base.LensCheck`."""
    return judge_lens(*measure(frame.pixels))


def measure(pixels: Pixels) -> tuple[float, float, float]:
    """Contrast (standard deviation), brightness (mean) and sharpness (variance of the Laplacian) of a picture."""
    height, width = pixels.shape[:2]
    factor = min(1.0, LONG_SIDE / max(height, width))
    if factor < 1.0:
        size = max(1, round(width * factor)), max(1, round(height * factor))
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    grey = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)
    mean, deviation = cv2.meanStdDev(grey)
    sharpness = cv2.meanStdDev(cv2.Laplacian(grey, cv2.CV_32F))[1]
    return float(deviation[0, 0]), float(mean[0, 0]), float(sharpness[0, 0]) ** 2


def judge_lens(contrast: float, brightness: float, sharpness: float) -> Lens:
    """The condition these three numbers say; the thresholds' reasons are at the top of this file."""
    lit = brightness > DARK_BRIGHTNESS
    if contrast <= (COVERED_CONTRAST_LIT if lit else COVERED_CONTRAST):
        return Lens.COVERED
    if not lit:
        return Lens.DARK
    if sharpness <= BLURRED_SHARPNESS:
        return Lens.BLURRED
    return Lens.CLEAR
