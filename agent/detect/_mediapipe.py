"""MediaPipe's face detector task, imported without the rest of MediaPipe.

`import mediapipe` runs every task's module, which draws in matplotlib, sounddevice and PIL: 37 MB and 0.3 s
more, for drawing and microphones this agent has no use for. Here the packages on the way to the one module we
need are put in place as plain namespaces, so that their `__init__` files do not run. Whoever needs all of
MediaPipe in the same process imports it before this module.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

_SKIPPED = ("mediapipe", "mediapipe.tasks.python", "mediapipe.tasks.python.vision")


def _stand_in_packages() -> None:
    if "mediapipe" in sys.modules:
        return
    spec = importlib.util.find_spec("mediapipe")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("mediapipe is not installed; install Framekeep again", name="mediapipe")
    root = Path(spec.submodule_search_locations[0]).parent
    for name in _SKIPPED:
        module = ModuleType(name)
        module.__path__ = [str(root.joinpath(*name.split(".")))]
        sys.modules[name] = module


_stand_in_packages()

from mediapipe.tasks.python.core.base_options import BaseOptions  # noqa: E402  after the stand-ins
from mediapipe.tasks.python.vision.core.image import Image, ImageFormat  # noqa: E402
from mediapipe.tasks.python.vision.face_detector import FaceDetector, FaceDetectorOptions  # noqa: E402

__all__ = ["BaseOptions", "FaceDetector", "FaceDetectorOptions", "Image", "ImageFormat"]
