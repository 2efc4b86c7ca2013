"""MediaPipe's legacy pipelines as their own webcam examples call them: `peer.py face_detection` or `face_mesh`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from child import Look, serve


def face_detection() -> Look:
    """BlazeFace, full range: boxes and six keypoints."""
    import mediapipe

    return _processing(mediapipe.solutions.face_detection.FaceDetection(model_selection=1), "detections")


def face_mesh() -> Look:
    """468 landmarks of one face, followed from picture to picture."""
    import mediapipe

    return _processing(mediapipe.solutions.face_mesh.FaceMesh(), "multi_face_landmarks")


def _processing(solution: Any, found: str) -> Look:
    import cv2

    return lambda picture: len(getattr(solution.process(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)), found) or ())


if __name__ == "__main__":
    serve({"face_detection": face_detection, "face_mesh": face_mesh}[sys.argv[1]])
