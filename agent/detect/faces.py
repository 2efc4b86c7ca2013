"""From what a face network proposes to the faces that are reported. Pure functions, the same for every driver.

The keypoints live in `Candidate` alone and are dropped here: no landmark, crop or embedding leaves this package.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import cv2
import numpy as np

from agent.attention.observation import Box, Face, area
from agent.detect.head_pose import EYES, MOUTH, Points, head_pose

if TYPE_CHECKING:
    from agent.camera.base import Pixels

MIN_SCORE = 0.5
"""What the network must say, 0 to 1, to have a candidate at all, and to count when overlapping ones are averaged."""
FACE_SCORE = 0.55
"""What it must say of a face. Its authors' own graph asks 0.6; but of the candidates between the two, in our labelled
and training pictures and on a person, 81 of 107 are faces (turned, bowed, dark, half hidden), and 48 of 78 below."""
EYES_TO_MOUTH = 0.3
"""Least distance from between the eyes to the mouth, in widths of the box. Of 1182 faces with a score above 0.8 none has
less than 0.36; what has is fingers, buttons, a mirror."""
MOUTH_BELOW_EYES = 0.15
"""How much of that must be downwards. People who lie on their side have 0.2; a hand held sideways has 0.07."""
LONG_SIDE = 640
"""Larger pictures are averaged down first: the network looks at 192x192, and skipping pixels costs recall."""
SMALLEST = 16
"""Pixels. A picture thinner than this holds no face that could be judged."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """What a network takes for a face: box (it may reach out of the picture), score and six keypoints, in pixels of
    the picture.
    """

    box: Box
    score: float
    points: Points = field(repr=False)


def to_faces(candidates: Iterable[Candidate], width: int, height: int) -> tuple[Face, ...]:
    """The faces among the candidates in a picture of this size: nearest (largest box) first, boxes clipped to it."""
    faces = [_face(candidate, width, height) for candidate in candidates if plausible(candidate)]
    return tuple(sorted((face for face in faces if area(face.box) > 0), key=lambda face: area(face.box), reverse=True))


def plausible(candidate: Candidate) -> bool:
    """Whether this can be a face: the network is sure enough, and eyes and mouth are where they can be in one."""
    x1, _, x2, _ = candidate.box
    across, down = candidate.points[MOUTH] - (candidate.points[EYES[0]] + candidate.points[EYES[1]]) / 2
    apart = math.hypot(across, down)
    enough = apart >= EYES_TO_MOUTH * (x2 - x1) and down >= MOUTH_BELOW_EYES * (x2 - x1)
    return candidate.score >= FACE_SCORE and bool(enough)


def reduced(pixels: Pixels) -> Pixels:
    """The picture, its long side at most LONG_SIDE; the very same array where it is small already."""
    height, width = pixels.shape[:2]
    factor = LONG_SIDE / max(height, width)
    if factor >= 1:
        return pixels
    size = max(1, round(width * factor)), max(1, round(height * factor))
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def _face(candidate: Candidate, width: int, height: int) -> Face:
    x1, y1, x2, y2 = candidate.box
    yaw, pitch = head_pose(candidate.points, width, height) or (None, None)
    return Face((_clip(x1, width), _clip(y1, height), _clip(x2, width), _clip(y2, height)), candidate.score, yaw, pitch)


def _clip(value: float, limit: int) -> float:
    return max(0.0, min(float(limit), float(value)))
