"""What every detector can do. A detector reads a frame and returns plain numbers; the frame is not kept."""

from __future__ import annotations

from typing import Protocol

from agent.attention.observation import Face, Lens, Person, Phone
from agent.camera.base import Frame


class FaceDetector(Protocol):
    """Finds faces and their head pose."""

    def detect(self, frame: Frame) -> tuple[Face, ...]:
        """Faces, nearest (largest box) first, boxes clipped to the frame."""
        ...

    def close(self) -> None:
        """Free the model."""
        ...


class ObjectDetector(Protocol):
    """Finds persons and mobile phones, which one network sees in one go."""

    def detect(self, frame: Frame) -> tuple[tuple[Person, ...], tuple[Phone, ...]]:
        """Persons, nearest (largest box) first, and phone candidates, best first; boxes clipped to the frame."""
        ...

    def close(self) -> None:
        """Free the model."""
        ...


class LensCheck(Protocol):
    """Tells whether the picture can be judged."""

    def __call__(self, frame: Frame) -> Lens:
        """The lens condition of this frame."""
        ...
