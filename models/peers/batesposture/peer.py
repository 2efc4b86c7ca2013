"""BatesPosture's detector with its default settings: MediaPipe Pose, posture score, and what it draws on the frame.

The tray icon, the dashboard and the camera thread around it are not started: they need a screen and a camera.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from child import Look, serve


def load() -> Look:
    """The detector as its application makes it."""
    from batesposture.ml.pose_detector import PoseDetector  # type: ignore[import-not-found]  # only in its environment
    from batesposture.services.settings_service import SettingsService  # type: ignore[import-not-found]  # only in its environment

    detector = PoseDetector(SettingsService())
    return lambda picture: int(detector.process_frame(picture)[2] is not None)


if __name__ == "__main__":
    serve(load)
