"""The picture of the camera check: small, without metadata, in memory only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2

from agent.eyes_channel import MOST_BYTES, WIDTH

if TYPE_CHECKING:
    from agent.camera.base import Pixels

QUALITIES = (75, 55, 35)
"""JPEG qualities, tried in this order until the picture is small enough; then it is halved. What a laptop camera shows
takes some 25 to 40 KB at the first."""


def to_jpeg(pixels: Pixels) -> bytes:
    """`pixels` (height x width x 3, BGR, uint8) as a JPEG: the longer side at most WIDTH, at most MOST_BYTES."""
    longest = WIDTH
    while True:
        small = _fitted(pixels, longest)
        for quality in QUALITIES:
            written, jpeg = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, quality])
            if written and len(jpeg) <= MOST_BYTES:
                return jpeg.tobytes()
        longest //= 2  # ends: a picture of 80 x 80 pixels of pure noise has less than 20 KB


def _fitted(pixels: Pixels, longest: int) -> Pixels:
    height, width = pixels.shape[:2]
    scale = longest / max(height, width)
    if scale >= 1:
        return pixels
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)  # type: ignore[return-value]  # uint8 in, uint8 out
