"""The pictures every program is measured on: frames of recordings, stored without compression."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2

from agent.errors import UnreadableSource

A_SECOND = 10
"""Frames of a recording's second: what follows a face from frame to frame can do so."""
MOST = 120
"""Frames of one recording; of a longer one, as many as that, evenly spread."""


def extract(clips: Sequence[Path], folder: Path) -> list[str]:
    """Frames of the clips, in order, as BMP files in `folder`; their names. Raises UnreadableSource."""
    names: list[str] = []
    for clip in clips:
        capture = cv2.VideoCapture(str(clip))
        count, rate = int(capture.get(cv2.CAP_PROP_FRAME_COUNT)), capture.get(cv2.CAP_PROP_FPS)
        wanted = chosen(count, rate)
        for index in range(count):
            if not capture.grab():
                break
            if index in wanted:
                name = f"{len(names):04}.bmp"
                ok, pixels = capture.retrieve()
                if not ok or not cv2.imwrite(str(folder / name), pixels):
                    raise UnreadableSource(f"{clip} is damaged, or {folder} is full.")
                names.append(name)
        capture.release()
        if not wanted:
            raise UnreadableSource(f"{clip} cannot be read as a video.")
    return names


def chosen(count: int, rate: float) -> set[int]:
    """Which of `count` frames, `rate` of them a second, are taken."""
    step = max(1.0, rate / A_SECOND, count / MOST)
    return {int(number * step) for number in range(int(count / step)) if number * step < count}
