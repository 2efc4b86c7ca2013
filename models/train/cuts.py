"""The cuts the verifier is trained on: which places of a picture, whether they show a phone, and how they are varied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from pool import Box, Picture, Pixels, pixels

from agent.attention.observation import Phone
from agent.detect.crop import square_crop
from agent.detect.overlap import overlap
from agent.detect.phone_verifier import SIDE

IS_PHONE = 0.4
"""A proposal that overlaps a labelled phone this much shows that phone."""
BESIDE = 0.1
"""Share of a proposal that may lie on a labelled phone while it still counts as something else."""
UNLABELLED = 0.15
"""In a picture with phones, proposals with a higher score may be a phone nobody labelled: they are left out."""
PER_PICTURE = {"phone": 2, "proposal": 2, "nothing": 5, "beside": 2}
"""Cuts of each kind from one picture: labelled phones, proposals on them, proposals where no phone is, and beside one."""
MARGIN = 1.5
"""A cut is taken this much larger first, so that turning and shifting it uncovers no corners."""


@dataclass(frozen=True, slots=True)
class Cut:
    """One place of one picture."""

    picture: Picture
    box: Box
    phone: bool
    kind: str


def find_cuts(
    pictures: Sequence[Picture], proposals: Mapping[str, tuple[Phone, ...]], random: np.random.Generator
) -> list[Cut]:
    """Every picture's cuts, a random choice where there are more than `PER_PICTURE`."""
    result = []
    for picture in pictures:
        by_kind: dict[str, list[Cut]] = {}
        for cut in _all_cuts(picture, proposals[picture.name]):
            by_kind.setdefault(cut.kind, []).append(cut)
        for kind, cuts in sorted(by_kind.items()):
            chosen = random.permutation(len(cuts))[: PER_PICTURE[kind]]
            result += [cuts[i] for i in chosen]
    return result


def varied(cut: Cut, random: np.random.Generator) -> Pixels:
    """The cut at another size, place, angle, side, light, sharpness: SIDE x SIDE x 3."""
    large = square_crop(pixels(cut.picture), cut.box, round(SIDE * MARGIN), 1.7 * MARGIN)
    zoom, angle = float(np.exp(random.uniform(-0.3, 0.3))), random.uniform(-0.3, 0.3)
    shift = random.normal(size=2) * 0.08 * SIDE
    cosine, sine = np.cos(angle) * zoom, np.sin(angle) * zoom
    matrix = np.array([[cosine, -sine, 0.0], [sine, cosine, 0.0]])
    if random.random() < 0.5:
        matrix[0] *= -1
    matrix[:, 2] = SIDE / 2 + shift - matrix[:, :2] @ np.full(2, SIDE * MARGIN / 2)
    turned = cv2.warpAffine(large, matrix, (SIDE, SIDE), borderMode=cv2.BORDER_CONSTANT, borderValue=(114, 114, 114))
    return _other_light(turned.astype(np.float32), random)


def _all_cuts(picture: Picture, proposals: Sequence[Phone]) -> list[Cut]:
    if not picture.phone:
        return [Cut(picture, phone.box, phone=False, kind="nothing") for phone in proposals[:8]]
    cuts = [Cut(picture, box, phone=True, kind="phone") for box in picture.boxes]
    for proposal in proposals:
        best = max((overlap(proposal.box, box) for box in picture.boxes), default=0.0)
        if best > IS_PHONE:
            cuts.append(Cut(picture, proposal.box, phone=True, kind="proposal"))
        elif picture.boxes and proposal.score <= UNLABELLED and _beside(proposal.box, picture.boxes):
            cuts.append(Cut(picture, proposal.box, phone=False, kind="beside"))
    return cuts


def _beside(box: Box, others: Sequence[Box]) -> bool:
    area = (box[2] - box[0]) * (box[3] - box[1])
    for other in others:
        width = max(0.0, min(box[2], other[2]) - max(box[0], other[0]))
        height = max(0.0, min(box[3], other[3]) - max(box[1], other[1]))
        if width * height > BESIDE * area:
            return False
    return True


def _other_light(image: npt.NDArray[np.float32], random: np.random.Generator) -> Pixels:
    image = (image - 128) * random.uniform(0.7, 1.3) + 128 + random.uniform(-30, 30)
    image *= random.uniform(0.9, 1.1, 3)
    if random.random() < 0.2:
        image = np.repeat(image.mean(axis=2, keepdims=True), 3, axis=2)
    image = np.clip(image, 0, 255).astype(np.float32)
    if random.random() < 0.25:
        image = cv2.GaussianBlur(image, (0, 0), random.uniform(0.4, 1.6)).astype(np.float32)
    if random.random() < 0.3:
        image = image + random.normal(0, random.uniform(2, 10), image.shape).astype(np.float32)
    if random.random() < 0.3:
        small = int(SIDE * random.uniform(0.25, 0.7))
        image = cv2.resize(image, (small, small), interpolation=cv2.INTER_AREA).astype(np.float32)
        image = cv2.resize(image, (SIDE, SIDE)).astype(np.float32)
    return np.clip(image, 0, 255).astype(np.uint8)
