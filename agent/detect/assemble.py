"""The detectors put together: the one place that knows which parts a look is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.detect.lens import check_lens
from agent.detect.look import Looker
from agent.detect.phone_onnx import NanoDetPhones
from agent.detect.phone_verifier import PhoneVerifier
from agent.detect.second_look import SecondLook

if TYPE_CHECKING:
    from agent.detect.base import FaceDetector


def assemble(face_engine: str) -> Looker:
    """A looker with every model loaded. `face_engine` is a name of `agent.sources.FACE_ENGINES`.

    Raises `agent.detect.assets.ModelError`.
    """
    objects = NanoDetPhones()
    return Looker(face_detector(face_engine), objects, check_lens, SecondLook(objects, PhoneVerifier()))


def face_detector(engine: str) -> FaceDetector:
    """The engine by its name; the other's library is not even imported. Raises `agent.detect.assets.ModelError`."""
    if engine == "onnx":
        from agent.detect.face_onnx import OnnxFaces

        return OnnxFaces()
    from agent.detect.face_mediapipe import MediaPipeFaces

    return MediaPipeFaces()
