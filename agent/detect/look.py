"""One look: a frame in, an observation out, and how long each stage took."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import cv2

from agent.attention.observation import Face, Lens, Observation, Person, Phone

if TYPE_CHECKING:
    from agent.camera.base import Frame
    from agent.detect.base import FaceDetector, LensCheck, ObjectDetector

NOTHING_TO_SEE = (Lens.DARK, Lens.COVERED)
"""Conditions under which the detectors are not asked: what they would find is noise."""


class Looker:
    """Asks the lens check first, then the detectors. Keeps nothing of a frame."""

    def __init__(self, face: FaceDetector, objects: ObjectDetector, lens: LensCheck) -> None:
        """The parts are owned from here on: `close` closes them."""
        cv2.setNumThreads(1)  # a laptop's other cores belong to its user
        self._face, self._objects, self._lens = face, objects, lens

    def observe(self, frame: Frame) -> tuple[Observation, dict[str, float]]:
        """What is in this frame, and milliseconds per stage ("lens", "face", "phone"; only those that ran)."""
        height, width = frame.pixels.shape[:2]
        faces: tuple[Face, ...] = ()
        persons: tuple[Person, ...] = ()
        phones: tuple[Phone, ...] = ()
        stages: dict[str, float] = {}
        started = time.perf_counter()
        lens = self._lens(frame)
        started = _lap(stages, "lens", started)
        if lens not in NOTHING_TO_SEE:
            faces = self._face.detect(frame)
            started = _lap(stages, "face", started)
            persons, phones = self._objects.detect(frame)
            _lap(stages, "phone", started)
        return Observation(frame.at, (width, height), lens, faces, phones, persons), stages

    def close(self) -> None:
        """Free the models."""
        self._face.close()
        self._objects.close()


def _lap(stages: dict[str, float], name: str, started: float) -> float:
    now = time.perf_counter()
    stages[name] = (now - started) * 1000.0
    return now
