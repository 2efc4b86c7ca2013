"""Persons and phones: NanoDet-g (two classes, int8, 320x416) on ONNX Runtime, one thread.

The network answers, for every cell of three grids, the probability of person and of cell phone, and four
distributions over the distance from the cell's centre to the box's sides (0 to 10 strides). Only cells whose
probability passes `FLOOR` (phone) or `PERSON_FLOOR` are decoded, all of a class at once.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from agent.attention.observation import Box, Person, Phone, area
from agent.detect.assets import Model, load_model
from agent.detect.onnx_session import open_session

if TYPE_CHECKING:
    from agent.camera.base import Frame, Pixels

Floats = npt.NDArray[np.float32]

SIZE = (320, 416)
"""Height and width of the network's input."""
STRIDES = (8, 16, 32)
BINS = 11
PERSON, CELL_PHONE = 0, 1
"""Their columns among the two classes."""
MEAN = (103.53, 116.28, 123.675)
STD = (57.375, 57.12, 58.395)
"""Per channel, blue green red, as the network was trained (ImageNet's, in 0 to 255)."""
FLOOR = 0.05
"""Candidates below this are noise: no setting of the judge looks at them."""
PERSON_FLOOR = 0.2
"""The same for persons, of whom a large one fills many cells."""
MOST = 20
OVERLAP = 0.5
"""Intersection over union above which the weaker of two candidates is the same thing."""


class NanoDetPhones:
    """Implements `ObjectDetector`. One instance per thread; keeps nothing of a frame."""

    def __init__(self, model: Model | None = None) -> None:
        """Load and check the model. Raises `agent.detect.assets.ModelError`."""
        self._session = open_session((model or load_model("phone")).data)
        self._centres, self._strides = _grid()

    def detect(self, frame: Frame) -> tuple[tuple[Person, ...], tuple[Phone, ...]]:
        """Persons, nearest (largest box) first, and phone candidates, best first; boxes clipped to the frame."""
        height, width = frame.pixels.shape[:2]
        image, factor = letterbox(frame.pixels, SIZE)
        scores, distances = self._session.run(["scores", "distances"], {"image": normalise(image)})
        decoded = partial(self._decode, distances=distances[0], factor=factor, width=width, height=height)
        persons = [Person(box, score) for box, score in decoded(scores[0, :, PERSON], PERSON_FLOOR)]
        phones = [Phone(box, score) for box, score in decoded(scores[0, :, CELL_PHONE], FLOOR)]
        return tuple(sorted(persons, key=lambda person: area(person.box), reverse=True)), tuple(phones)

    def close(self) -> None:
        """Free the model."""
        del self._session

    def _decode(
        self, scores: Floats, floor: float, distances: Floats, factor: float, width: int, height: int
    ) -> list[tuple[Box, float]]:
        """Boxes in the picture's pixels and scores, best first, of the cells above `floor`."""
        found = np.flatnonzero(scores > floor)
        if not len(found):
            return []
        logits = distances[found].reshape(len(found), 4, BINS)
        weights = np.exp(logits - logits.max(axis=2, keepdims=True))
        weights /= weights.sum(axis=2, keepdims=True)
        sides = (weights @ np.arange(BINS, dtype=np.float32)) * self._strides[found, None]
        centres = self._centres[found]
        boxes = np.concatenate([centres - sides[:, :2], centres + sides[:, 2:]], axis=1) / factor
        boxes = np.clip(boxes, 0, [width, height, width, height])
        rectangles = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)
        # Every candidate already passed the floor, so no second threshold here.
        kept = cv2.dnn.NMSBoxes(rectangles.tolist(), scores[found].tolist(), 0.0, OVERLAP)
        results = [(_box(boxes[i]), float(scores[found[i]])) for i in np.asarray(kept).reshape(-1)]
        return sorted(results, key=lambda result: -result[1])[:MOST]


def letterbox(pixels: Pixels, size: tuple[int, int]) -> tuple[Pixels, float]:
    """The picture scaled to fit `size` (height, width), in the top left corner of a black one; and the factor.

    Beyond a factor of two, averaging replaces interpolation: a small phone in a large picture would flicker.
    """
    height, width = pixels.shape[:2]
    factor = min(size[0] / height, size[1] / width)
    scaled = max(1, int(width * factor)), max(1, int(height * factor))
    method = cv2.INTER_AREA if factor < 0.5 else cv2.INTER_LINEAR
    result = np.zeros((*size, 3), np.uint8)
    result[: scaled[1], : scaled[0]] = cv2.resize(pixels, scaled, interpolation=method)
    return result, factor


def normalise(image: Pixels) -> Floats:
    """1 x 3 x height x width float32: (value - MEAN) / STD per channel."""
    result = np.empty((1, 3, *image.shape[:2]), np.float32)
    for channel, (mean, std) in enumerate(zip(MEAN, STD, strict=True)):
        plane = result[0, channel]
        np.multiply(image[:, :, channel], np.float32(1 / std), out=plane)
        plane -= np.float32(mean / std)
    return result


def _grid() -> tuple[Floats, Floats]:
    """Centre (x, y) and stride of every cell, in the order of the network's outputs."""
    centres, strides = [], []
    for stride in STRIDES:
        y, x = np.mgrid[0 : SIZE[0] // stride, 0 : SIZE[1] // stride]
        centres.append((np.stack([x.ravel(), y.ravel()], axis=1) + 0.5) * stride)
        strides.append(np.full(x.size, stride))
    return np.concatenate(centres).astype(np.float32), np.concatenate(strides).astype(np.float32)


def _box(values: npt.NDArray[np.floating]) -> Box:
    x1, y1, x2, y2 = (float(value) for value in values)
    return x1, y1, x2, y2
