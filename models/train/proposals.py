"""What the agent's own detectors propose on every picture of the pool: the verifier learns on what it will be asked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from pool import Picture, Pixels, pixels

from agent.attention.observation import Box, Phone
from agent.camera.base import Frame
from agent.detect.face_onnx import OnnxFaces
from agent.detect.phone_onnx import NanoDetPhones
from agent.detect.second_look import SecondLook, around


class NoVerifier:
    """Stands where the verifier will be; it is not asked while proposals are made."""

    def odds(self, _pixels: Pixels, boxes: Sequence[Box]) -> list[float]:
        """Even odds for everything."""
        return [0.0 for _ in boxes]

    def close(self) -> None:
        """There is nothing to free."""


def propose(pictures: Iterable[Picture]) -> dict[str, tuple[Phone, ...]]:
    """The phone candidates of each picture by its name, best first, with the closer look round the face always taken."""
    faces, objects = OnnxFaces(), NanoDetPhones()
    second = SecondLook(objects, NoVerifier())
    result = {}
    for picture in pictures:
        frame = Frame(np.ascontiguousarray(pixels(picture)), 0.0)
        seen, (_, phones) = faces.detect(frame), objects.detect(frame)
        region = around(seen[0].box, *frame.pixels.shape[1::-1]) if seen else None
        result[picture.name] = second.closer(frame, region, phones) if region else phones
    return result
