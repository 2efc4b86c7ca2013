"""Faces with MediaPipe's runtime and its full-range face detector."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from agent.attention.observation import Face
from agent.detect._mediapipe import BaseOptions, FaceDetector, FaceDetectorOptions, Image, ImageFormat
from agent.detect.assets import Model, load_model
from agent.detect.faces import MIN_SCORE, SMALLEST, Candidate, reduced, to_faces
from agent.detect.quiet import quiet_stderr

if TYPE_CHECKING:
    from agent.camera.base import Frame


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
        return to_faces(self._candidates(frame), width, height)

    def close(self) -> None:
        """Free the model."""
        self._detector.close()

    def _candidates(self, frame: Frame) -> list[Candidate]:
        """MediaPipe gives boxes in whole pixels and shifts one that begins left of or above the picture into it."""
        height, width = frame.pixels.shape[:2]
        if min(height, width) < SMALLEST:
            return []
        picture = cv2.cvtColor(reduced(frame.pixels), cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)
        factor = width / picture.shape[1]
        found = []
        for detection in self._detector.detect(Image(image_format=ImageFormat.SRGB, data=picture)).detections:
            box = detection.bounding_box
            x1, y1 = box.origin_x * factor, box.origin_y * factor
            corners = (x1, y1, x1 + box.width * factor, y1 + box.height * factor)
            points = np.array([(p.x * width, p.y * height) for p in detection.keypoints], np.float64)
            found.append(Candidate(corners, float(detection.categories[0].score), points))
        return found
