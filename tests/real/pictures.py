"""Pictures and videos for tests, made on the spot."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

REPOSITORY = Path(__file__).resolve().parents[2]
SAMPLE = REPOSITORY / "agent" / "sample" / "sample.mp4"
"""The bundled clip; it passes through several states."""


def noise(path: Path, width: int, height: int) -> str:
    """A picture of coarse noise, so that it is neither covered nor blurred and compresses well."""
    small = np.random.default_rng(7).integers(0, 255, ((height + 15) // 16, (width + 15) // 16, 3), np.uint8)
    pixels = cv2.resize(small, (width, height), interpolation=cv2.INTER_NEAREST)
    assert cv2.imwrite(str(path), pixels)
    return str(path)


def write_video(path: Path, frames: int, fps: float, width: int = 160, height: int = 120) -> str:
    """A video of moving noise; the codec goes by the suffix."""
    codec = "mp4v" if path.suffix == ".mp4" else "MJPG"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), fps, (width, height))
    assert writer.isOpened()
    random = np.random.default_rng(7)
    for _ in range(frames):
        small = random.integers(0, 255, (height // 8, width // 8, 3), np.uint8)
        writer.write(cv2.resize(small, (width, height), interpolation=cv2.INTER_NEAREST))
    writer.release()
    return str(path)


def scenes_of_the_sample(*seconds: int) -> dict[int, npt.NDArray[np.uint8]]:
    """The bundled clip's frame at each of these seconds; it has one a second."""
    video, second = cv2.VideoCapture(str(SAMPLE)), 0
    found: dict[int, npt.NDArray[np.uint8]] = {}
    while video.grab():
        if second in seconds:
            found[second] = video.retrieve()[1].astype(np.uint8)
        second += 1
    video.release()
    assert set(found) == set(seconds)
    return found
