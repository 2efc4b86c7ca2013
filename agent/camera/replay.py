"""Files as a camera: videos and pictures, one after another, on their own clock.

Two ways to play:

- as fast as possible (`realtime` off): one frame every `every` seconds of the clip's own clock, skipped frames
  are grabbed but not decoded into a picture; pictures are `every` apart.
- in real time: a read returns the frame that is due by the wall, and None once the last file is over. What to
  show afterwards is the pipeline's business.

A file that cannot be read raises UnreadableSource once, with its name, and the next read goes on with the next
file. A video that breaks off early gives what is readable and then says so in the same way.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np

from agent.camera.base import Frame
from agent.camera.still import read_still
from agent.errors import UnreadableSource
from agent.sources import kind

EARLY_END = 0.95
"""A video with fewer frames than this share of what its header says was cut off."""
FALLBACK_FPS = 25.0


class Replay:
    """Implements `Camera` over files. `at` of a frame counts from the beginning of the first file."""

    def __init__(
        self,
        files: Sequence[str],
        every: float = 1.0,
        realtime: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Nothing is opened yet. `clock` is what real time means."""
        self._files = list(files)
        self._every = every
        self._clock = clock if realtime else None
        self._began: float | None = None
        self._next = 0
        self._offset = 0.0
        self._clip: _Video | _Still | None = None

    @property
    def still(self) -> bool:
        """Whether the file being read is a single picture."""
        return isinstance(self._clip, _Still)

    @property
    def ended_at(self) -> float:
        """Seconds from the beginning of the first file to the end of the last one that was played out."""
        return self._offset

    @property
    def spacing(self) -> float:
        """Seconds between two looks at the file being read: `every`, but never closer than its own frames."""
        return max(self._every, self._clip.frame_time) if isinstance(self._clip, _Video) else self._every

    def read(self, timeout: float) -> Frame | None:  # noqa: ARG002 - files answer at once
        """The next frame, or the one that is due; None at the end. Files answer at once; `timeout` is not used."""
        due = None
        if self._clock is not None:
            now = self._clock()
            self._began = now if self._began is None else self._began
            due = now - self._began
        while True:
            if self._clip is None:
                if self._next >= len(self._files):
                    return None
                path, self._next = self._files[self._next], self._next + 1
                self._clip = _open(path, self._every)
            try:
                frame = self._clip.read(None if due is None else due - self._offset)
            except UnreadableSource:
                self._end_of_file()
                raise
            if frame is not None:
                size = frame.source_size
                return Frame(frame.pixels, frame.at + self._offset, frame.index, frame.source, size)
            self._end_of_file()

    def close(self) -> None:
        """Release the open file. Safe to call twice."""
        if self._clip is not None:
            self._clip.close()
        self._clip, self._next = None, len(self._files)

    def _end_of_file(self) -> None:
        if self._clip is not None:
            self._offset += self._clip.length
            self._clip.close()
            self._clip = None


def _open(path: str, every: float) -> _Video | _Still:
    return _Video(path, every) if _is_video(path) else _Still(path, every)


def _is_video(path: str) -> bool:
    named = kind(Path(path))
    return named == "video" or (named is None and not cv2.haveImageReader(path))


class _Still:
    """A picture, shown for `every` seconds."""

    def __init__(self, path: str, every: float) -> None:
        self.length = every
        self._path, self._shown = path, False

    def read(self, due: float | None) -> Frame | None:
        """The picture; None once it was shown, or when it is no longer due."""
        if self._shown if due is None else due >= self.length:
            return None
        self._shown = True
        pixels, size = read_still(self._path)
        return Frame(pixels, 0.0, 0, self._path, size)

    def close(self) -> None:
        """Nothing is held."""


class _Video:
    """A video read forward only."""

    def __init__(self, path: str, every: float) -> None:
        self._path, self._every = path, every
        self._capture = _capture(path)
        fps = self._capture.get(cv2.CAP_PROP_FPS)
        self.frame_time = 1.0 / (fps if 0.1 <= fps <= 1000 else FALLBACK_FPS)
        expected = self._capture.get(cv2.CAP_PROP_FRAME_COUNT)
        self._expected = int(expected) if math.isfinite(expected) and 0 < expected < 1e9 else 0
        self._grabbed = 0
        self._at = -self.frame_time
        self._target = 0.0

    @property
    def length(self) -> float:
        """Seconds of the clip so far, to the end of its last frame."""
        return self._at + self.frame_time

    def read(self, due: float | None) -> Frame | None:
        """The next frame at or after the next look (or the moment that is due); None at the end."""
        target = self._target if due is None else due
        # Half a frame early is nearer to the moment than half a frame late.
        while self._at < target - self.frame_time / 2 or self._grabbed == 0:
            if not self._grab():
                self._check_whole()
                return None
        try:
            ok, pixels = self._capture.retrieve()
        except cv2.error as error:
            raise UnreadableSource(f"{self._path} is damaged at {self._at:.1f} s; the rest is left out.") from error
        if not ok or pixels is None:
            raise UnreadableSource(f"{self._path} is damaged at {self._at:.1f} s; the rest is left out.")
        while self._target <= self._at + self.frame_time / 2:
            self._target += self._every
        return Frame(_three_channels(pixels), max(0.0, self._at), self._grabbed - 1, self._path)

    def close(self) -> None:
        """Release the file."""
        self._capture.release()

    def _grab(self) -> bool:
        if not self._capture.grab():
            return False
        by_count = self._grabbed * self.frame_time
        by_stamp = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000.0
        self._grabbed += 1
        # Some containers carry no time stamps, or ones that stand still: then frames are counted.
        self._at = by_stamp if math.isfinite(by_stamp) and by_stamp > self._at else max(by_count, self._at)
        return True

    def _check_whole(self) -> None:
        if self._grabbed == 0:
            raise UnreadableSource(f"{self._path} is damaged: not one frame of it can be read.")
        if self._grabbed < EARLY_END * self._expected - 2:
            raise UnreadableSource(
                f"{self._path} breaks off after {self._grabbed} of {self._expected} frames; "
                "what was readable has been used."
            )


def _capture(path: str) -> cv2.VideoCapture:
    file = Path(path)
    try:
        size = file.stat().st_size
        with file.open("rb"):
            pass
    except OSError as error:
        raise UnreadableSource(f"{path} cannot be read ({error.strerror}).") from error
    if size == 0:
        raise UnreadableSource(f"{path} is empty (zero bytes), so there is nothing to see in it.")
    # One decoding thread: as fast as needed, and a third of the memory.
    capture = cv2.VideoCapture(str(file.absolute()), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
    if not capture.isOpened():
        capture.release()
        raise UnreadableSource(f"{path} is damaged, cut off, or not a video or picture.")
    return capture


def _three_channels(pixels: np.ndarray) -> np.ndarray:
    if pixels.ndim == 2:
        return cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR)
    return pixels if pixels.shape[2] == 3 else cv2.cvtColor(pixels, cv2.COLOR_BGRA2BGR)
