"""Has anything moved since the last look? A gate that saves the detectors a picture they have already seen.

The picture becomes a mosaic of 20 x 15 mean brightnesses; two pictures are the same while no tile differs by
`MOVED` or more, the change of the whole picture's brightness aside (a cloud, a camera that adapts its exposure).
The mosaic is all that is kept from one look to the next, in the eyes process alone; nobody can be recognised in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from agent.camera.base import Pixels

Mosaic = npt.NDArray[np.float32]
"""Mean brightness (0 to 255) of 15 x 20 tiles."""

COLUMNS, ROWS = 20, 15
MOVED = 8.0
"""Of 255. Somebody who sits still at a webcam changes no tile by more than 7 in a second."""


def mosaic(pixels: Pixels) -> Mosaic:
    """The picture's mosaic."""
    small = cv2.resize(pixels, (COLUMNS, ROWS), interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(small, cv2.COLOR_BGR2GRAY).astype(np.float32)


def moved(before: Mosaic, after: Mosaic) -> bool:
    """Whether any tile changed by `MOVED` or more, beyond what the whole picture did."""
    change = after - before
    return bool(np.abs(change - np.median(change)).max() >= MOVED)
