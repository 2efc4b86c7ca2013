"""Square cuts of a picture, as the phone verifier sees them. Training uses this very file, so that both see the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from agent.attention.observation import Box
    from agent.camera.base import Pixels

CONTEXT = 1.7
"""Side of the cut per longer side of the box: the fingers round a phone tell as much as the phone."""
SMALLEST = 12.0
"""Pixels. Smaller boxes are taken to be this large, or their cut would be a smear of a few pixels."""
GREY = 114
"""What lies outside the picture."""


def square_crop(pixels: Pixels, box: Box, size: int, context: float = CONTEXT) -> Pixels:
    """The square around `box`, `context` times its longer side, scaled to `size` x `size` x 3.

    Shrinking averages, so that a small phone in a large picture does not flicker; what the picture does not show is
    grey.
    """
    x1, y1, x2, y2 = box
    side = max(1, round(max(x2 - x1, y2 - y1, SMALLEST) * context))
    left, top = round((x1 + x2 - side) / 2), round((y1 + y2 - side) / 2)
    height, width = pixels.shape[:2]
    cut = max(0, left), max(0, top), min(width, left + side), min(height, top + side)
    result = np.full((size, size, 3), GREY, np.uint8)
    if cut[0] >= cut[2] or cut[1] >= cut[3]:
        return result
    factor = size / side
    fitted = max(1, round((cut[2] - cut[0]) * factor)), max(1, round((cut[3] - cut[1]) * factor))
    x, y = min(size - fitted[0], round((cut[0] - left) * factor)), min(size - fitted[1], round((cut[1] - top) * factor))
    method = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    result[y : y + fitted[1], x : x + fitted[0]] = cv2.resize(
        pixels[cut[1] : cut[3], cut[0] : cut[2]], fitted, interpolation=method
    )
    return result
