"""What the agent's own detector proposes on every picture of the pool: the verifier learns on what it will be asked.

More than that: every picture is looked at closer round its face, doubtful or not, and of two proposals that are the same
the surer stays, so that there is more to learn from.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from pool import Picture, pixels

from agent.attention.observation import Phone
from agent.camera.base import Frame
from agent.detect.face_onnx import OnnxFaces
from agent.detect.overlap import overlap
from agent.detect.phone_onnx import NanoDetPhones
from agent.detect.second_look import SAME, around


def propose(pictures: Iterable[Picture]) -> dict[str, tuple[Phone, ...]]:
    """The phone candidates of each picture by its name, best first, of both passes."""
    faces, objects = OnnxFaces(), NanoDetPhones()
    result = {}
    for picture in pictures:
        frame = Frame(np.ascontiguousarray(pixels(picture)), 0.0)
        seen, (_, phones) = faces.detect(frame), objects.detect(frame)
        region = around(seen[0].box, *frame.pixels.shape[1::-1]) if seen else None
        if region is not None:
            x1, y1, x2, y2 = region
            _, found = objects.detect(replace(frame, pixels=frame.pixels[y1:y2, x1:x2]))
            moved = (
                Phone((b[0] + x1, b[1] + y1, b[2] + x1, b[3] + y1), s) for b, s in ((p.box, p.score) for p in found)
            )
            phones = _without_doubles([*phones, *moved])
        result[picture.name] = phones
    return result


def _without_doubles(phones: list[Phone]) -> tuple[Phone, ...]:
    kept: list[Phone] = []
    for phone in sorted(phones, key=lambda phone: -phone.score):
        if all(overlap(phone.box, other.box) < SAME for other in kept):
            kept.append(phone)
    return tuple(kept)
