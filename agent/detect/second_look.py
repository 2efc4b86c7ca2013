"""The second look at phones: where the detector is in doubt, look closer, then ask the verifier.

Theory. The detector learned phones from a hundred thousand everyday pictures and is seldom wrong about what is plainly
a phone; the verifier learned from few pictures what the detector takes for one. Each sees errors the other makes, so
their evidence is added as logarithms of odds:

    evidence = DETECTOR * ln(score / EVEN) + VERIFIER * odds        chance = 1 / (1 + exp(-evidence))

Below `DOUBT` the judge would not look at the chance whatever the verifier said, so nothing more is asked and the chance
is the detector's alone. From `SURE` on the verifier alone could no longer talk it down to less than an even chance.
Between the two the detector looks again, closer, at the part of the picture around the nearest face: a phone in the
hand or at the ear of somebody who sits back gets twice the pixels there. Both passes waver by as much as a third when
a picture moves by a pixel, so where they mark the same thing the mean of their evidence counts; the better of the two
would mostly be the one that erred upwards (models/README.md has the figures).
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from agent.attention.observation import Box, Face, Phone
from agent.attention.rules import Rules
from agent.detect.overlap import overlap

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent.camera.base import Frame, Pixels
    from agent.detect.base import ObjectDetector


def _odds(chance: float) -> float:
    return math.log(chance / (1.0 - chance))


DETECTOR, EVEN, VERIFIER = 3.0, 0.25, 0.3
"""Weights of the two, and the detector's score that is worth nothing either way."""
LIMIT = 5.0
"""How far the verifier's odds count: a network that saw few pictures is too sure of itself. Of the places the detector
marks in the labelled pictures and the training pool, one in a thousand gets more."""
DOUBT = EVEN * math.exp((_odds(Rules().phone_minimum) - VERIFIER * LIMIT) / DETECTOR)
"""The detector's score, 0.13, that the verifier's best word lifts to the least chance the judge looks at."""
SURE = EVEN * math.exp((_odds(Rules().phone_threshold) + VERIFIER * LIMIT) / DETECTOR)
"""And the score, 0.41, that its worst word leaves at the chance the judge takes for a phone."""
MOST = 3
"""Candidates the verifier sees; the rest keep the detector's word against them."""
REACH = 5.2
"""Width of the part looked at again, in widths of the face: both shoulders and the hands before the chest."""
ASPECT = 320 / 416
"""Its height per width: the detector's input."""
SAME = 0.5
"""Intersection over union from which two candidates are the same thing."""


Region = tuple[int, int, int, int]
"""Left, top, right, bottom of a part of a picture, whole pixels."""


class Verifier(Protocol):
    """Tells phones from look-alikes on a cut of the picture."""

    def odds(self, pixels: Pixels, boxes: Sequence[Box]) -> list[float]:
        """Per box the logarithm of the odds that it shows a phone."""
        ...

    def close(self) -> None:
        """Free the model."""
        ...


class SecondLook:
    """Turns the detector's phones into phones with a chance. Keeps nothing of a frame."""

    def __init__(self, objects: ObjectDetector, verifier: Verifier) -> None:
        """`objects` stays its owner's; the verifier is closed here."""
        self._objects, self._verifier = objects, verifier

    def look_again(
        self,
        frame: Frame,
        faces: tuple[Face, ...],
        phones: tuple[Phone, ...],
        done: Callable[[str], None] = lambda _stage: None,
    ) -> tuple[Phone, ...]:
        """The detector's `phones` with their chances, best first, each step taken where it can matter; `faces` nearest
        first. `done` is told of every step that was: closer, verify.
        """
        height, width = frame.pixels.shape[:2]
        region = worth_a_closer_look(faces, phones, width, height)
        if region is not None:
            phones = self.closer(frame, region, phones)
            done("closer")
        worth = worth_verifying(phones)
        phones = self.verified(frame, phones)
        if worth:
            done("verify")
        return phones

    def closer(self, frame: Frame, region: Region, phones: tuple[Phone, ...]) -> tuple[Phone, ...]:
        """`phones` and what the detector finds in that part of the picture; two that are the same become one."""
        x1, y1, x2, y2 = region
        part = replace(frame, pixels=frame.pixels[y1:y2, x1:x2], source_size=None)
        _, found = self._objects.detect(part)
        moved = (Phone(_shifted(phone.box, x1, y1), phone.score) for phone in found)
        return averaged(phones, tuple(moved))

    def verified(self, frame: Frame, phones: tuple[Phone, ...]) -> tuple[Phone, ...]:
        """The same phones, their scores now chances, best first."""
        asked = [phone for phone in phones if phone.score >= DOUBT][:MOST]
        odds = self._verifier.odds(frame.pixels, [phone.box for phone in asked]) if asked else []
        judged = [Phone(phone.box, chance(phone.score, odd)) for phone, odd in zip(asked, odds, strict=True)]
        rest = [Phone(phone.box, min(chance(phone.score), chance(DOUBT))) for phone in phones[len(asked) :]]
        return tuple(sorted(judged + rest, key=lambda phone: -phone.score))

    def close(self) -> None:
        """Free the verifier's model."""
        self._verifier.close()


def chance(score: float, odds: float = 0.0) -> float:
    """The chance of a phone, 0 to 1, from the detector's score and the verifier's odds (see the top of this file)."""
    return 1.0 / (
        1.0 + math.exp(-(DETECTOR * math.log(max(score, 1e-6) / EVEN) + VERIFIER * max(-LIMIT, min(LIMIT, odds))))
    )


def worth_verifying(phones: tuple[Phone, ...]) -> bool:
    """Whether the verifier's word could change what is said of these candidates (best first)."""
    return bool(phones) and phones[0].score >= DOUBT


def worth_a_closer_look(faces: tuple[Face, ...], phones: tuple[Phone, ...], width: int, height: int) -> Region | None:
    """The part of the picture in which a closer look could change what is said of these candidates, if any."""
    if not faces or not worth_verifying(phones) or phones[0].score >= SURE:
        return None
    return around(faces[0].box, width, height)


def around(face: Box, width: int, height: int) -> Region | None:
    """The part of a picture to look at again, whole pixels; None where it is no closer than the picture itself."""
    x1, y1, x2, y2 = face
    across = REACH * (x2 - x1)
    down = across * ASPECT
    x, y = (x1 + x2) / 2, (y1 + y2) / 2
    left, top = max(0, int(x - across / 2)), max(0, int(y - down / 2))
    right, bottom = min(width, int(x + across / 2)), min(height, int(y + down / 2))
    too_thin = right - left < 16 or bottom - top < 16
    if too_thin or max((right - left) / width, (bottom - top) / height) > 0.9:
        return None
    return left, top, right, bottom


def averaged(one: Sequence[Phone], other: Sequence[Phone]) -> tuple[Phone, ...]:
    """Two passes as one, best first: what both marked with the mean of their evidence, which is the geometric mean of
    the scores, at the place of the surer one; what only one marked as it is.
    """
    left = list(other)
    result = []
    for phone in one:
        same = max(left, key=lambda candidate: overlap(phone.box, candidate.box), default=None)
        if same is None or overlap(phone.box, same.box) < SAME:
            result.append(phone)
            continue
        left.remove(same)
        surer = max(phone, same, key=lambda candidate: candidate.score)
        result.append(Phone(surer.box, math.sqrt(phone.score * same.score)))
    return tuple(sorted([*result, *left], key=lambda phone: -phone.score))


def _shifted(box: Box, x: float, y: float) -> Box:
    return box[0] + x, box[1] + y, box[2] + x, box[3] + y
