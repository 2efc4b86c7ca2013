"""The verifier: is what the phone detector marked really a phone? Our own small network on a cut of the picture.

EfficientNet-Lite0, cut short and trained on phones in hand and at the ear against what is taken for them: empty hands
at the face, cups, cigarettes, steering wheels (models/train, card in models/README.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from agent.detect.assets import Model, load_model
from agent.detect.crop import square_crop
from agent.detect.onnx_session import open_session

if TYPE_CHECKING:
    from agent.attention.observation import Box
    from agent.camera.base import Pixels

Floats = npt.NDArray[np.float32]

SIDE = 112
"""Height and width of a cut, as the network was trained."""
MEAN, SCALE = 127.0, 128.0
"""Per channel, red green blue: what the network's published weights were trained with."""


class PhoneVerifier:
    """One instance per thread; keeps nothing of a picture."""

    def __init__(self, model: Model | None = None) -> None:
        """Load and check the model. Raises `agent.detect.assets.ModelError`."""
        self._session = open_session((model or load_model("phone_verifier")).data)

    def odds(self, pixels: Pixels, boxes: Sequence[Box]) -> list[float]:
        """Per box the logarithm of the odds that it shows a phone: 0 is even, below it is none."""
        cuts = [prepare(square_crop(pixels, box, SIDE)) for box in boxes]
        # One by one: a batch is no faster on one thread, and would need more memory at once.
        return [float(self._session.run(["odds"], {"cuts": cut})[0][0]) for cut in cuts]

    def close(self) -> None:
        """Free the model."""
        del self._session


def prepare(cut: Pixels) -> Floats:
    """The network's input: 1 x 3 x height x width, red green blue, about -1 to 1."""
    planes = cut[:, :, ::-1].transpose(2, 0, 1)[None]
    return np.ascontiguousarray((planes.astype(np.float32) - np.float32(MEAN)) / np.float32(SCALE))
