"""Faces and head pose: MediaPipe's full-range face detector, and six keypoints seen as a rigid head.

The detector gives a box and six keypoints (eyes, nose tip, mouth, ears). Fitting them to an average head
(`HEAD`) with a pinhole camera gives the way the face points. The keypoints live in `_pose` alone and are
dropped there: no landmark, crop or embedding leaves this module.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import numpy.typing as npt

from agent.attention.observation import Face
from agent.detect._mediapipe import BaseOptions, FaceDetector, FaceDetectorOptions, Image, ImageFormat
from agent.detect.assets import Model, load_model
from agent.detect.quiet import quiet_stderr

if TYPE_CHECKING:
    from agent.camera.base import Frame, Pixels

MIN_SCORE = 0.5
LONG_SIDE = 640
"""Larger pictures are averaged down first: the network looks at 192x192, and skipping pixels costs recall."""
SMALLEST = 16
"""Pixels. A picture thinner than this holds no face that could be judged."""

HEAD = np.array(
    [
        (-3.2, 2.66, 3.2),  # the person's right eye, left in the picture
        (3.2, 2.66, 3.2),
        (0.0, -1.13, 7.48),  # nose tip
        (0.0, -4.3, 5.0),  # mouth
        (-7.6, 1.2, -3.0),  # right ear
        (7.6, 1.2, -3.0),
    ]
) * [1.0, -1.0, -1.0]
"""The keypoints on an average head, centimetres, from MediaPipe's canonical face model (x right, y up, z towards
the camera), turned into OpenCV's camera frame (y down, z away)."""
FORWARD = np.array([0.0, 0.0, -1.0])
"""Where this head looks when it looks at the camera."""


class MediaPipeFaces:
    """Implements `FaceDetector`. One instance per thread; keeps nothing of a frame."""

    def __init__(self, model: Model | None = None) -> None:
        """Load and check the model. Raises `agent.detect.assets.ModelError`."""
        base = BaseOptions(model_asset_buffer=(model or load_model("face")).data)
        options = FaceDetectorOptions(base_options=base, min_detection_confidence=MIN_SCORE)
        with quiet_stderr():
            self._detector = FaceDetector.create_from_options(options)
            # The first look builds the inference plan and talks about it; better now than on a real frame.
            self._detector.detect(Image(image_format=ImageFormat.SRGB, data=np.zeros((64, 64, 3), np.uint8)))

    def detect(self, frame: Frame) -> tuple[Face, ...]:
        """Faces, nearest (largest box) first, boxes clipped to the frame."""
        height, width = frame.pixels.shape[:2]
        if min(height, width) < SMALLEST:
            return ()
        picture = _reduced(frame.pixels)
        result = self._detector.detect(Image(image_format=ImageFormat.SRGB, data=picture))
        factor = width / picture.shape[1]
        faces = [_face(detection, factor, width, height) for detection in result.detections]
        return tuple(sorted((face for face in faces if _area(face) > 0), key=_area, reverse=True))

    def close(self) -> None:
        """Free the model."""
        self._detector.close()


def head_pose(points: npt.NDArray[np.float64], width: int, height: int) -> tuple[float, float] | None:
    """Yaw and pitch in degrees from the six keypoints (6x2, pixels) in a picture of this size, or None.

    The camera's focal length is taken to be the picture's width (a field of view of 53 degrees), which is near
    enough for every laptop webcam: the sign and the order of the angles do not depend on it.
    """
    camera = np.array([[width, 0, width / 2], [0, width, height / 2], [0, 0, 1]], np.float64)
    try:
        solved, rotation, _ = cv2.solvePnP(HEAD, points, camera, None, flags=cv2.SOLVEPNP_SQPNP)
    except cv2.error:  # keypoints on one spot, or not finite
        return None
    if not solved or not np.isfinite(rotation).all():
        return None
    x, y, z = cv2.Rodrigues(rotation)[0] @ FORWARD
    yaw, pitch = math.degrees(math.atan2(x, -z)), math.degrees(math.asin(max(-1.0, min(1.0, -y))))
    return yaw, pitch


def _face(detection: Any, factor: float, width: int, height: int) -> Face:
    """One detection in the source picture's pixels; `factor` is source pixels per pixel looked at."""
    box, score = detection.bounding_box, detection.categories[0].score
    x1, y1 = box.origin_x * factor, box.origin_y * factor
    x2, y2 = x1 + box.width * factor, y1 + box.height * factor
    points = np.array([(p.x * width, p.y * height) for p in detection.keypoints], np.float64)
    yaw, pitch = head_pose(points, width, height) or (None, None)
    clipped = (_clip(x1, width), _clip(y1, height), _clip(x2, width), _clip(y2, height))
    return Face(clipped, float(score), yaw, pitch)


def _reduced(pixels: Pixels) -> Pixels:
    """The picture in RGB, its long side at most LONG_SIDE."""
    height, width = pixels.shape[:2]
    factor = LONG_SIDE / max(height, width)
    if factor < 1:
        size = max(1, round(width * factor)), max(1, round(height * factor))
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)


def _clip(value: float, limit: int) -> float:
    return max(0.0, min(float(limit), float(value)))


def _area(face: Face) -> float:
    x1, y1, x2, y2 = face.box
    return (x2 - x1) * (y2 - y1)
