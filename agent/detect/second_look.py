"""The second look at phones: where the detector is in doubt, look closer, then ask the verifier.

Theory. The detector learned phones from a hundred thousand everyday pictures and is seldom wrong about what is plainly
a phone; the verifier learned from few pictures what the detector takes for one. Each sees errors the other makes, so
their evidence is added as logarithms of odds:

    evidence = DETECTOR * ln(score / EVEN) + VERIFIER * odds        chance = 1 / (1 + exp(-evidence))

What the detector leaves below `DOUBT` cannot reach an even chance whatever the verifier says, so nothing more is asked
and the chance is the detector's alone. The closer look runs the detector again on the part of the picture around the
nearest face: a phone in the hand or at the ear of somebody who sits back gets twice the pixels there. It is left out
where the detector is `SURE`: the verifier alone decides then.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from agent.attention.observation import Box, Face, Phone
from agent.detect.overlap import overlap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.camera.base import Frame, Pixels
    from agent.detect.base import ObjectDetector

DETECTOR, EVEN, VERIFIER = 3.0, 0.25, 0.3
"""Weights of the two, and the detector's score that is worth nothing either way."""
LIMIT = 6.0
"""How far the verifier's odds count: a network that saw few pictures is too sure of itself."""
DOUBT = 0.13
"""The detector's score from which a second look can matter."""
SURE = 0.5
"""And from which a closer look finds nothing better."""
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

    def closer(self, frame: Frame, region: Region, phones: tuple[Phone, ...]) -> tuple[Phone, ...]:
        """`phones` and what the detector finds in that part of the picture; the better of two that are the same."""
        x1, y1, x2, y2 = region
        part = replace(frame, pixels=frame.pixels[y1:y2, x1:x2], source_size=None)
        _, found = self._objects.detect(part)
        moved = (Phone(_shifted(phone.box, x1, y1), phone.score) for phone in found)
        return merge((*phones, *moved))

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


def merge(phones: Sequence[Phone]) -> tuple[Phone, ...]:
    """Best first, without those that lie on a better one."""
    kept: list[Phone] = []
    for phone in sorted(phones, key=lambda phone: -phone.score):
        if all(overlap(phone.box, other.box) < SAME for other in kept):
            kept.append(phone)
    return tuple(kept)


def _shifted(box: Box, x: float, y: float) -> Box:
    return box[0] + x, box[1] + y, box[2] + x, box[3] + y
