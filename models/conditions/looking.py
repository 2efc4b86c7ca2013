"""The real detectors and the real judge over pictures in memory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from agent.attention import verdict
from agent.attention.baseline import Baseline
from agent.attention.judge import judge_still
from agent.attention.observation import Face, Lens, Observation, State
from agent.attention.rules import Rules
from agent.camera.base import Frame
from agent.detect.assemble import assemble
from agent.detect.face_onnx import OnnxFaces, nearest_keypoints
from agent.errors import UnreadableSource

Pixels = npt.NDArray[np.uint8]
Points = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Seen:
    """What the agent makes of one picture without a past: `state`, and `apart` the same without regard to phones."""

    observation: Observation
    state: State
    apart: State

    @property
    def clear(self) -> bool:
        """Whether the lens check lets the picture be judged."""
        return self.observation.lens is Lens.CLEAR

    @property
    def face(self) -> Face | None:
        """The nearest face."""
        return self.observation.faces[0] if self.observation.faces else None

    @property
    def away(self) -> bool:
        """Called looking away, phones aside."""
        return self.apart is State.LOOKING_AWAY


class Eye:
    """Every detector, loaded once. Close it."""

    def __init__(self, face_engine: str) -> None:
        """`face_engine` is a name of `agent.sources.FACE_ENGINES`. Raises ModelError."""
        self._looker = assemble(face_engine)
        self._keypoints = OnnxFaces()
        self._rules = Rules()

    def see(self, pixels: Pixels) -> Seen:
        """The agent's verdict on this picture alone."""
        self._looker.forget()
        observation, _ = self._looker.observe(Frame(np.ascontiguousarray(pixels), 0.0))
        apart = verdict.seen(observation, self._rules, Baseline())
        return Seen(observation, judge_still(observation, self._rules), apart)

    def keypoints(self, pixels: Pixels) -> Points | None:
        """Eyes, nose, mouth and ears of the nearest face (6x2 pixels), to draw on it; None without a face."""
        return nearest_keypoints(self._keypoints, Frame(pixels, 0.0))

    def close(self) -> None:
        """Free the models."""
        self._looker.close()
        self._keypoints.close()


def open_picture(path: Path) -> Pixels:
    """The picture, blue green red. Raises UnreadableSource."""
    pixels = cv2.imread(str(path))
    if pixels is None:
        raise UnreadableSource(f"{path} cannot be read as a picture; fetch it again.")
    return pixels.astype(np.uint8, copy=False)
