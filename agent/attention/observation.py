"""What the detectors read from one frame, and the states that can be concluded from it.

These are the only facts that ever leave the eyes process. There is no field for landmarks, crops,
embeddings or emotion, and the pipe's format (`to_json`) has no place to put one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Box = tuple[float, float, float, float]
"""x1, y1, x2, y2 in pixels of the source frame."""


def middle_in(box: Box, other: Box) -> bool:
    """Whether the middle of `box` lies in `other` or on its edge."""
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    return other[0] <= x <= other[2] and other[1] <= y <= other[3]


def area(box: Box) -> float:
    """Square pixels."""
    return (box[2] - box[0]) * (box[3] - box[1])


class Lens(StrEnum):
    """Whether the picture can be judged at all."""

    CLEAR = "clear"
    DARK = "dark"
    COVERED = "covered"
    BLURRED = "blurred"


class State(StrEnum):
    """The attention states. Only what a bystander could see; never mood, identity or engagement."""

    AT_SCREEN = "at_screen"
    LOOKING_AWAY = "looking_away"
    ON_PHONE = "on_phone"
    ABSENT = "absent"
    UNKNOWN = "unknown"
    """Could not tell: dark, covered, blurred, or the camera was lost."""
    NOT_OBSERVED = "not_observed"
    """Nobody looked: paused, outside hours, locked, in a call, asleep, or a gap. No reason is kept with it."""


@dataclass(frozen=True, slots=True)
class Face:
    """One face. `yaw` and `pitch` are degrees in the camera's frame (yaw > 0: turned to the picture's right;
    pitch > 0: looking up), or None where the pose could not be solved.
    """

    box: Box
    score: float
    yaw: float | None = None
    pitch: float | None = None


@dataclass(frozen=True, slots=True)
class Phone:
    """One phone candidate with the detector's score, 0 to 1."""

    box: Box
    score: float


@dataclass(frozen=True, slots=True)
class Person:
    """One person's body, or what of it is in view, with the detector's score, 0 to 1. A box, nothing more."""

    box: Box
    score: float


@dataclass(frozen=True, slots=True)
class Observation:
    """One look at the camera. `at` is seconds on a monotonic clock (the clip's own clock in replay);
    `size` is (width, height) of the frame in pixels; faces and persons come nearest (largest box) first.
    """

    at: float
    size: tuple[int, int]
    lens: Lens
    faces: tuple[Face, ...] = ()
    phones: tuple[Phone, ...] = ()
    persons: tuple[Person, ...] = ()

    @property
    def phone_score(self) -> float:
        """The best phone candidate's score, 0.0 when there is none."""
        return max((phone.score for phone in self.phones), default=0.0)

    def to_json(self) -> dict[str, Any]:
        """The form it takes on the pipe between the eyes process and its parent."""
        return {
            "at": self.at,
            "size": list(self.size),
            "lens": self.lens.value,
            "faces": [{"box": list(f.box), "score": f.score, "yaw": f.yaw, "pitch": f.pitch} for f in self.faces],
            "phones": [{"box": list(p.box), "score": p.score} for p in self.phones],
            "persons": [{"box": list(p.box), "score": p.score} for p in self.persons],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Observation:
        """The reverse of `to_json`; without "persons" there are none. Raises KeyError, TypeError or ValueError on
        anything else.
        """
        return cls(
            at=float(data["at"]),
            size=(int(data["size"][0]), int(data["size"][1])),
            lens=Lens(data["lens"]),
            faces=tuple(Face(_box(f["box"]), float(f["score"]), f["yaw"], f["pitch"]) for f in data["faces"]),
            phones=tuple(Phone(_box(p["box"]), float(p["score"])) for p in data["phones"]),
            persons=tuple(Person(_box(p["box"]), float(p["score"])) for p in data.get("persons", ())),
        )


def _box(values: list[float]) -> Box:
    x1, y1, x2, y2 = (float(v) for v in values)
    return x1, y1, x2, y2
