"""The frame, and what every camera can do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn, Protocol

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture in memory: `pixels` is height x width x 3, uint8, BGR; `at` is seconds on the camera's
    monotonic clock (the clip's own clock in replay); `index` counts the source's frames from 0;
    `source` names the device or file; `source_size` is (width, height) of the picture as it is stored, where it
    was decoded smaller. It cannot be printed, compared, pickled or copied out of the process.
    """

    pixels: Pixels = field(repr=False)
    at: float
    index: int = 0
    source: str = ""
    source_size: tuple[int, int] | None = None

    def __reduce__(self) -> NoReturn:
        raise TypeError("a frame never leaves the eyes process")

    def __getstate__(self) -> NoReturn:
        raise TypeError("a frame never leaves the eyes process")


class Camera(Protocol):
    """A source of frames: a device, a clip, a folder."""

    def read(self, timeout: float) -> Frame | None:
        """The next frame; None at the end of a finite source. Waits at most `timeout` seconds.

        Raises `agent.errors.CameraLost` when the device stopped or did not answer in time,
        `agent.errors.UnreadableSource` when a file cannot be read (the next call goes on with the next file).
        """
        ...

    def close(self) -> None:
        """Release the device. Safe to call twice."""
        ...
