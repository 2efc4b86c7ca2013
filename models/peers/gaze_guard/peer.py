"""gaze-guard's detector: a Haar cascade, one face is attentive. Its controller opens camera 0 itself, so it is left out."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from child import Look, serve


def load() -> Look:
    """The detector as its controller makes it."""
    from gaze_guard.detector import FaceDetector  # type: ignore[import-not-found]  # only in its environment

    count: Look = FaceDetector().get_face_count
    return count


if __name__ == "__main__":
    serve(load)
