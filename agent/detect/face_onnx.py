"""Faces with ONNX Runtime: the network of `face_mediapipe`, without MediaPipe's runtime around it.

What MediaPipe does before and after its network is done here as it does it, so that both drivers find the same
faces (`tests/contract/test_faces.py`): the picture into the middle of a black square, one anchor for each of 48x48
cells, and faces that overlap averaged by their scores. The numbers are those of MediaPipe's graph, in
`mediapipe/modules/face_detection/face_detection_full_range.pbtxt` and `face_detection.pbtxt`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from agent.attention.observation import Face
from agent.detect.assets import Model, load_model
from agent.detect.faces import MIN_SCORE, SMALLEST, Candidate, reduced, to_faces
from agent.detect.head_pose import Points
from agent.detect.onnx_session import open_session

if TYPE_CHECKING:
    from agent.camera.base import Frame, Pixels

Floats = npt.NDArray[np.float32]
Maps = tuple[npt.NDArray[np.int16], npt.NDArray[np.uint16]]

SIDE = 192
"""Height and width of the network's input; its numbers are pixels of it."""
CELL = 4
"""Pixels of the input from one anchor to the next."""
VALUES = 16
"""Per cell: the box's centre and size, and six keypoints, all as (x, y)."""
CLIP = 100.0
"""Logits beyond this are cut off before they become scores."""
OVERLAP = 0.3
"""Intersection over union above which two candidates are the same face."""


class OnnxFaces:
    """Implements `FaceDetector`. One instance per thread; keeps nothing of a frame."""

    def __init__(self, model: Model | None = None) -> None:
        """Load and check the model. Raises `agent.detect.assets.ModelError`."""
        self._session = open_session((model or load_model("face_onnx")).data)
        self._anchors = _anchors()
        self._shape, self._maps = (0, 0), _square_maps(1, 1)

    def detect(self, frame: Frame) -> tuple[Face, ...]:
        """Faces, nearest (largest box) first, boxes clipped to the frame."""
        height, width = frame.pixels.shape[:2]
        return to_faces(self._candidates(frame), width, height)

    def close(self) -> None:
        """Free the model."""
        del self._session

    def _candidates(self, frame: Frame) -> list[Candidate]:
        height, width = frame.pixels.shape[:2]
        if min(height, width) < SMALLEST:
            return []
        picture = reduced(frame.pixels)
        rows, columns = picture.shape[:2]
        if self._shape != (rows, columns):
            self._shape, self._maps = (rows, columns), _square_maps(rows, columns)
        square = cv2.remap(picture, *self._maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
        scores, boxes = self._session.run(
            ["scores", "boxes"], {"image": normalise(square.astype(np.uint8, copy=False))}
        )
        # From the square around the picture to the picture, from there to the frame.
        longest = max(rows, columns)
        scale = longest / SIDE * np.array([width / columns, height / rows])
        origin = (longest - np.array([columns, rows])) / 2 * np.array([width / columns, height / rows])
        candidates = []
        for corners, score, points in merge(*decode(scores[0], boxes[0], self._anchors)):
            (x1, y1), (x2, y2) = (corners.reshape(2, 2) * scale - origin).tolist()
            candidates.append(Candidate((x1, y1, x2, y2), score, points * scale - origin))
        return candidates


def nearest_keypoints(detector: OnnxFaces, frame: Frame) -> Points | None:
    """Eyes, nose, mouth and ears of the nearest face (6x2 pixels), None without one.

    For tools that draw on pictures (models/conditions). Nothing that the agent runs may ask: keypoints end in faces.py.
    """
    nearest = max(detector._candidates(frame), key=lambda face: face.box[2] - face.box[0], default=None)
    return None if nearest is None else nearest.points


def normalise(square: Pixels) -> Floats:
    """1x3x192x192 float32, red green blue, -1 to 1, from a square picture in blue green red."""
    result = np.empty((1, 3, *square.shape[:2]), np.float32)
    for channel in range(3):
        plane = result[0, channel]
        np.multiply(square[:, :, 2 - channel], np.float32(2 / 255), out=plane)
        plane -= np.float32(1)
    return result


def decode(logits: Floats, values: Floats, anchors: Floats) -> tuple[Floats, Floats, Floats]:
    """Corners (Nx4: x1, y1, x2, y2), scores (N) and keypoints (Nx6x2) of the cells that see a face, best first, in
    pixels of the network's input.

    `values` are, per cell, the box's centre and size and the keypoints, x before y, from the cell's anchor.
    """
    scores = 1 / (1 + np.exp(-np.clip(logits.astype(np.float64), -CLIP, CLIP)))
    found = np.flatnonzero(scores >= MIN_SCORE)
    found = found[np.argsort(-scores[found], kind="stable")]
    pairs = values[found].reshape(len(found), VALUES // 2, 2)
    centres, sizes, points = pairs[:, 0] + anchors[found], pairs[:, 1], pairs[:, 2:] + anchors[found, None]
    corners = np.concatenate([centres - sizes / 2, centres + sizes / 2], axis=1)
    real = (sizes >= 0).all(axis=1)  # also false where a number is none
    return corners[real], scores[found][real].astype(np.float32), points[real]


def merge(corners: Floats, scores: Floats, points: Floats) -> list[tuple[npt.NDArray[np.float64], float, Points]]:
    """Weighted non-maximum suppression: candidates (best first) that overlap the best one become one face, their
    corners and keypoints averaged by score, its score the best one's; then the same with what is left.
    """
    faces = []
    rest = np.arange(len(scores))
    while len(rest):
        same = overlap(corners[rest[0]], corners[rest]) > OVERLAP
        same[0] = True  # a box without an area overlaps nothing, not even itself
        group = rest[same]
        weights = scores[group].astype(np.float64) / scores[group].sum(dtype=np.float64)
        merged = np.einsum("n,nkc->kc", weights, points[group])
        faces.append((weights @ corners[group], float(scores[rest[0]]), merged))
        rest = rest[~same]
    return faces


def overlap(box: Floats, others: Floats) -> Floats:
    """Intersection over union of one box (x1, y1, x2, y2) with each of the others (Nx4)."""
    sides = np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])
    shared = np.clip(sides, 0, None).prod(axis=1)
    union = (box[2:] - box[:2]).prod() + (others[:, 2:] - others[:, :2]).prod(axis=1) - shared
    shares: Floats = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return shares


def _anchors() -> Floats:
    """The centre (x, y) of every cell, row by row, in pixels of the input. An anchor's size is the whole input."""
    y, x = np.mgrid[0 : SIDE // CELL, 0 : SIDE // CELL]
    return ((np.stack([x.ravel(), y.ravel()], axis=1) + 0.5) * CELL).astype(np.float32)


def _square_maps(rows: int, columns: int) -> Maps:
    """Where each pixel of the network's input is in a picture of this size: the picture fills the middle of a square.

    MediaPipe's OpenCV rounds these places to 1/32 of a pixel, newer ones do not; the integer form of the maps does.
    Pixel corners, not centres, fall together at the square's origin, as MediaPipe has it.
    """
    longest = max(rows, columns)
    steps = np.arange(SIDE) * (longest / SIDE)
    x, y = (np.float32(steps - (longest - length) / 2) for length in (columns, rows))
    return cv2.convertMaps(*np.meshgrid(x, y), cv2.CV_16SC2)  # type: ignore[return-value]  # typed as any array
