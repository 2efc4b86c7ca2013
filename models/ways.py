"""The agent's own look at a picture without a past, with and without each step of its second look at phones.

What the phones of a picture come to is asked of the parts the agent is made of, joined as `agent/detect/look.py` joins
them, and judged as the judge does: a face that lies on nobody is none, and a phone counts where somebody holds it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from agent.attention.observation import Lens, Observation, Phone
from agent.attention.rules import Rules
from agent.attention.verdict import held_phone
from agent.camera.base import Frame
from agent.detect.base import FaceDetector
from agent.detect.lens import check_lens
from agent.detect.look import on_persons
from agent.detect.phone_onnx import NanoDetPhones
from agent.detect.second_look import SecondLook, Verifier, chance, worth_a_closer_look

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Chances:
    """The chance of a held phone on one picture: by the detector's first pass alone, with the closer look, with the
    verifier, and with both as the agent does it. 0.0 where the lens sees nothing.
    """

    detector: float = 0.0
    closer: float = 0.0
    verified: float = 0.0
    both: float = 0.0


class Ways:
    """The parts, loaded once. Owns them: close it."""

    def __init__(self, faces: FaceDetector, verifier: Verifier) -> None:
        """Raises ModelError."""
        self._faces, self._objects = faces, NanoDetPhones()
        self._second = SecondLook(self._objects, verifier)
        self._rules = Rules()

    def look(self, pixels: Pixels) -> Chances:
        """Every way of looking at this picture (height x width x 3, blue green red)."""
        frame = Frame(np.ascontiguousarray(pixels), 0.0)
        height, width = pixels.shape[:2]
        if check_lens(frame) is not Lens.CLEAR:
            return Chances()
        persons, phones = self._objects.detect(frame)
        faces = on_persons(self._faces.detect(frame), persons)
        region = worth_a_closer_look(faces, phones, width, height)
        more = phones if region is None else self._second.closer(frame, region, phones)

        def held(candidates: tuple[Phone, ...]) -> float:
            return held_phone(Observation(0.0, (width, height), Lens.CLEAR, faces, candidates, persons), self._rules)

        return Chances(
            detector=held(_unverified(phones)),
            closer=held(_unverified(more)),
            verified=held(self._second.verified(frame, phones)),
            both=held(self._second.verified(frame, more)),
        )

    def close(self) -> None:
        """Free the models."""
        self._faces.close()
        self._objects.close()
        self._second.close()


def _unverified(phones: tuple[Phone, ...]) -> tuple[Phone, ...]:
    return tuple(Phone(phone.box, chance(phone.score)) for phone in phones)
