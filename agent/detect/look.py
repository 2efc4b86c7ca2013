"""One look: a frame in, an observation out, and how long each stage took.

A cascade: each stage is only asked where its answer can still change what is said, the cheap ones first.

1. *lens*: what a dark, covered or blurred picture shows is unknown whatever the networks say, so they are not asked.
2. *still*: where nothing moved since a look that was beyond doubt, that look's readings hold (`_Seen`).
3. *face*, *objects*: the two networks over the whole picture.
4. *closer*: the phone detector once more around the face, where its best candidate is doubtful.
5. *verify*: the verifier on the best candidates, where there is any worth the name.

What each stage saves and costs is in models/README.md.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import cv2

from agent.attention.observation import Face, Lens, Observation, Person, middle_in
from agent.detect.stillness import Mosaic, mosaic, moved

if TYPE_CHECKING:
    from agent.camera.base import Frame
    from agent.detect.base import FaceDetector, LensCheck, ObjectDetector
    from agent.detect.second_look import SecondLook

DOUBTFUL_FACE = 0.65
"""A face that scores less is only believed on a person. Of the 16 labelled pictures with such a face beside nobody, 13
show a plate, a phone's screen, a cupboard or a car's dashboard."""
MOST_REPEATS = 4
"""Looks in a row that may repeat an earlier one's readings."""
CALM_TURN = 5.0
"""Degrees two readings of a head that rests may differ: what the pose estimate wavers by."""
NO_PHONE = 0.1
"""Chance of a phone below which a reading is beyond doubt."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """What is kept from one look to the next: the picture's mosaic, the readings, whether the look before read the
    same (one odd reading must not be repeated), and how often they were repeated.
    """

    tiles: Mosaic
    readings: Observation
    calm: bool = False
    repeats: int = 0

    def holds(self, tiles: Mosaic, size: tuple[int, int]) -> bool:
        """Whether the readings can stand for a new picture as well."""
        same = size == self.readings.size and not moved(self.tiles, tiles)
        return same and self.calm and self.repeats < MOST_REPEATS


class Looker:
    """Asks stage after stage. Of a frame it keeps its readings and a mosaic of 300 brightnesses, until a look reads anew:
    at once when something moved, else after `MOST_REPEATS` repeats; or until `forget`.
    """

    def __init__(self, face: FaceDetector, objects: ObjectDetector, lens: LensCheck, second: SecondLook) -> None:
        """The parts are owned from here on: `close` closes them."""
        cv2.setNumThreads(1)  # a laptop's other cores belong to its user
        self._face, self._objects, self._lens, self._second = face, objects, lens, second
        self._seen: _Seen | None = None

    def observe(self, frame: Frame) -> tuple[Observation, dict[str, float]]:
        """What is in this frame, and milliseconds per stage (see the top of this file; only those that ran)."""
        height, width = frame.pixels.shape[:2]
        stages = _Stages()
        lens = self._lens(frame)
        stages.lap("lens")
        if lens is not Lens.CLEAR:
            self._seen = None
            return Observation(frame.at, (width, height), lens), stages.spent
        tiles = mosaic(frame.pixels)
        before = self._seen
        if before is not None and before.holds(tiles, (width, height)):
            self._seen = replace(before, repeats=before.repeats + 1)
            stages.lap("still")
            return replace(before.readings, at=frame.at), stages.spent
        stages.lap("still")
        readings = self._look(frame, lens, stages)
        calm = before is not None and alike(before.readings, readings)
        self._seen = _Seen(tiles, readings, calm)
        return readings, stages.spent

    def forget(self) -> None:
        """The source ends: nothing of it is kept, nor counts for the next one."""
        self._seen = None

    def close(self) -> None:
        """Free the models."""
        self._face.close()
        self._objects.close()
        self._second.close()

    def _look(self, frame: Frame, lens: Lens, stages: _Stages) -> Observation:
        height, width = frame.pixels.shape[:2]
        faces = self._face.detect(frame)
        stages.lap("face")
        persons, phones = self._objects.detect(frame)
        stages.lap("objects")
        faces = on_persons(faces, persons)
        phones = self._second.look_again(frame, faces, phones, stages.lap)
        return Observation(frame.at, (width, height), lens, faces, phones, persons)


def on_persons(faces: tuple[Face, ...], persons: tuple[Person, ...]) -> tuple[Face, ...]:
    """The faces without those that are doubtful and whose middle lies on no person."""

    def on_somebody(face: Face) -> bool:
        return any(middle_in(face.box, person.box) for person in persons)

    return tuple(face for face in faces if face.score >= DOUBTFUL_FACE or on_somebody(face))


def alike(one: Observation, other: Observation) -> bool:
    """Whether two readings say the same beyond doubt: no phone, and a head that rests or nobody at all."""
    if max(one.phone_score, other.phone_score) >= NO_PHONE or bool(one.faces) is not bool(other.faces):
        return False
    if not one.faces:
        return not one.persons and not other.persons
    a, b = one.faces[0], other.faces[0]
    if a.yaw is None or a.pitch is None or b.yaw is None or b.pitch is None:
        return False
    return abs(a.yaw - b.yaw) < CALM_TURN and abs(a.pitch - b.pitch) < CALM_TURN


class _Stages:
    """A stopwatch with laps."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}
        self._started = time.perf_counter()

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.spent[name] = (now - self._started) * 1000.0
        self._started = now
