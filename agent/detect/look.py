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
DOUBTFUL_FACE = 0.65
"""A face that scores less is only believed on a person. Of the 16 labelled pictures with such a face beside nobody, 13
show a plate, a phone's screen, a cupboard or a car's dashboard."""


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
            faces = on_persons(faces, persons)
        return Observation(frame.at, (width, height), lens, faces, phones, persons), stages

    def close(self) -> None:
        """Free the models."""
        self._face.close()
        self._objects.close()


def on_persons(faces: tuple[Face, ...], persons: tuple[Person, ...]) -> tuple[Face, ...]:
    """The faces without those that are doubtful and whose middle lies on no person."""

    def on_somebody(face: Face) -> bool:
        x, y = (face.box[0] + face.box[2]) / 2, (face.box[1] + face.box[3]) / 2
        return any(p.box[0] <= x <= p.box[2] and p.box[1] <= y <= p.box[3] for p in persons)

    return tuple(face for face in faces if face.score >= DOUBTFUL_FACE or on_somebody(face))


def _lap(stages: dict[str, float], name: str, started: float) -> float:
    now = time.perf_counter()
    stages[name] = (now - started) * 1000.0
    return now
