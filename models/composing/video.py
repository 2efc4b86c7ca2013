"""A composed clip as a real video file, to be read by whatever reads videos."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from composing.clips import Clip
from composing.library import Picture

WIDTH, HEIGHT = 640, 480
Pixels = npt.NDArray[np.uint8]


def write(clip: Clip, path: Path, repeat: int = 1) -> None:
    """One frame per look (`repeat` of them), MJPEG; the first look is at the video's second 0.

    Raises OSError when a picture cannot be read or the file cannot be written.
    """
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), repeat / clip.every, (WIDTH, HEIGHT))
    if not writer.isOpened():
        raise OSError(f"{path} cannot be written")
    frames: dict[str, Pixels] = {}
    for _, picture in clip.looks:
        if picture.name not in frames:
            frames[picture.name] = _fitted(_pixels(picture))
        for _ in range(repeat):
            writer.write(frames[picture.name])
    writer.release()


def _pixels(picture: Picture) -> Pixels:
    second = picture.name.partition("@")[2]
    if not second:
        pixels = cv2.imread(picture.path)
    else:
        video = cv2.VideoCapture(picture.path)
        video.set(cv2.CAP_PROP_POS_MSEC, 1000.0 * float(second))
        pixels = video.read()[1]
        video.release()
    if pixels is None:
        raise OSError(f"{picture.name} cannot be read")
    return pixels.astype(np.uint8, copy=False)


def _fitted(pixels: Pixels) -> Pixels:
    """The whole picture in the middle of a frame; its edges go on to the frame's, so that a dark one stays dark."""
    height, width = pixels.shape[:2]
    factor = min(WIDTH / width, HEIGHT / height)
    size = max(1, round(width * factor)), max(1, round(height * factor))
    x, y = (WIDTH - size[0]) // 2, (HEIGHT - size[1]) // 2
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    below, right = HEIGHT - size[1] - y, WIDTH - size[0] - x
    return cv2.copyMakeBorder(small, y, below, x, right, cv2.BORDER_REPLICATE).astype(np.uint8, copy=False)
