"""A camera through OpenCV, opened and read with a time limit.

Drivers hang: opening can take minutes, a read can last for ever. All calls into OpenCV happen on one worker
thread; whoever waits for it gives up in time and raises CameraLost. A hung driver cannot be stopped from inside,
so the thread is left behind and the parent kills the process.
"""

from __future__ import annotations

import queue
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

import cv2
import numpy as np

from agent.camera.base import Frame
from agent.errors import CameraError, CameraLost

if TYPE_CHECKING:
    from agent.camera.base import Pixels

T = TypeVar("T")

BACKENDS = {"linux": cv2.CAP_V4L2, "win32": cv2.CAP_DSHOW, "darwin": cv2.CAP_AVFOUNDATION}
"""Per operating system. On Windows not MSMF, which can take minutes to open."""
WIDTH, HEIGHT = 640, 480
WARM_UP_FRAMES = 5
"""The first frames after opening are dark or green while the camera finds its exposure."""
QUEUED_FRAMES = 5
"""Most frames a driver keeps for us: a look must show now, not some seconds ago."""
FRESH_SECONDS = 0.005
"""A grab that had to wait this long brought a frame made just now."""
OPEN_SECONDS = 10.0


class Capture(Protocol):
    """What is used of cv2.VideoCapture."""

    def isOpened(self) -> bool:
        """Whether the device could be opened."""
        ...

    def grab(self) -> bool:
        """Take the next frame without decoding it; False when there is none."""
        ...

    def read(self) -> tuple[bool, Pixels | None]:
        """Take and decode the next frame."""
        ...

    def release(self) -> None:
        """Give the device back."""
        ...


def open_capture(device: str) -> Capture:
    """The device (an index, or a path on Linux) at 640 x 480, not buffering where the driver can."""
    target: int | str = int(device) if device.isdecimal() else device
    settings = [cv2.CAP_PROP_FRAME_WIDTH, WIDTH, cv2.CAP_PROP_FRAME_HEIGHT, HEIGHT]
    capture = cv2.VideoCapture(target, BACKENDS.get(sys.platform, cv2.CAP_ANY), settings)
    if capture.isOpened():
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
    return capture  # type: ignore[return-value]  # cv2's stubs say MatLike where Pixels is what comes


class OpenCVCamera:
    """Implements `Camera` over a device."""

    def __init__(
        self,
        device: str,
        open_seconds: float = OPEN_SECONDS,
        opener: Callable[[str], Capture] = open_capture,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin to open the device, without waiting for it: the first read does.

        Raises CameraLost at once when there is plainly no such device.
        """
        check_exists(device)
        self._device, self._opener, self._clock = device, opener, clock
        self._give_up = clock() + open_seconds
        self._capture: Capture | None = None
        self._index = 0
        self._opened = False
        self._lost: CameraError | None = None
        self._worker = _Worker()
        self._opening = self._worker.start(self._open)

    def read(self, timeout: float) -> Frame | None:
        """A frame made now; waits at most `timeout` seconds, at the first read also for the device to open.

        Raises CameraLost when the device cannot be opened, stopped or hangs. That is final: close this camera and
        open another.
        """
        if self._lost is not None:
            raise self._lost
        try:
            if not self._opened:
                self._wait(self._opening, max(0.0, self._give_up - self._clock()), "did not open")
                self._opened = True
            pixels = self._wait(self._worker.start(self._read), timeout, "did not answer")
        except CameraError as error:
            self._lost = error
            raise
        frame = Frame(pixels, self._clock(), self._index, f"camera {self._device}")
        self._index += 1
        return frame

    def close(self) -> None:
        """Release the device, waiting half a second at most. Safe to call twice."""
        self._lost = self._lost or CameraLost(f"Camera {self._device} was closed.")
        self._worker.stop(self._release, 0.5)

    def _wait(self, job: Future[T], seconds: float, what: str) -> T:
        try:
            return job.result(seconds)
        except TimeoutError:
            raise CameraLost(
                f"Camera {self._device} {what} within {seconds:.0f} s; close other programs that use it, "
                "or unplug it and plug it in again."
            ) from None

    def _open(self) -> None:
        capture = self._opener(self._device)
        if not capture.isOpened():
            capture.release()
            raise CameraLost(
                f"Camera {self._device} cannot be opened; another program may be using it, or this one may not."
            )
        self._capture = capture
        for _ in range(WARM_UP_FRAMES):
            capture.grab()

    def _read(self) -> Pixels:
        capture = self._capture
        if capture is None:
            raise CameraLost(f"Camera {self._device} is not open.")
        for _ in range(QUEUED_FRAMES):
            began = time.perf_counter()
            if not capture.grab() or time.perf_counter() - began > FRESH_SECONDS:
                break
        ok, pixels = capture.read()
        if not ok or pixels is None or pixels.size == 0:
            raise CameraLost(f"Camera {self._device} stopped; it may be unplugged, shut, or in use elsewhere.")
        return pixels.astype(np.uint8, copy=False)

    def _release(self) -> None:
        if self._capture is not None:
            self._capture.release()
            self._capture = None


def check_exists(device: str) -> None:
    """Raise CameraLost when this device plainly does not exist. Only Linux can tell without opening it."""
    if not sys.platform.startswith("linux"):
        return
    path = Path(f"/dev/video{device}" if device.isdecimal() else device)
    if not path.exists():
        others = sorted(p.name.removeprefix("video") for p in Path("/dev").glob("video*"))
        there_is = f"there are {', '.join(others)}" if others else "there is none at all"
        raise CameraLost(f"This computer has no camera {device} ({there_is}); plug one in or choose another.")


class _Worker:
    """The one thread that talks to the driver. Not an executor: those wait for a hung thread at exit."""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="camera", daemon=True)
        self._thread.start()

    def start(self, work: Callable[[], T]) -> Future[T]:
        """Have `work` done after everything asked for before."""
        future: Future[T] = Future()

        def job() -> None:
            try:
                future.set_result(work())
            except CameraError as error:
                future.set_exception(error)
            except (cv2.error, OSError) as error:
                future.set_exception(CameraLost(f"The camera failed ({str(error).strip().splitlines()[0]})."))

        self._jobs.put(job)
        return future

    def stop(self, last: Callable[[], None], seconds: float) -> None:
        """Have `last` done and the thread end, waiting at most `seconds` for it."""
        if self._thread.is_alive():
            self.start(last)
            self._jobs.put(None)
            self._thread.join(seconds)

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()
