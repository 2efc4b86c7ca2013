"""The phone detector's graph: NanoDet-g cut down to the two classes and the picture size we use."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from tfjs import Array, ConversionError, read_weights
from tfjs_to_onnx import Converter, make_model

PERSON, CELL_PHONE = 0, 67
"""Their numbers among the 80 COCO classes the network was trained on."""
KEEP = (PERSON, CELL_PHONE)
COCO_CLASSES = 80
DISTANCES = 44
"""Four sides, each a distribution over 0 to 10 strides (generalised focal loss)."""
SIZE = (320, 416)
"""Height and width of the input: a 4:3 webcam picture fits with little padding."""
STRIDES = (8, 16, 32)
SCORE_OUTPUTS = ("Identity", "Identity_1", "Identity_2")
DISTANCE_OUTPUTS = ("Identity_3", "Identity_4", "Identity_5")
STAY_FLOAT = (
    "PartitionedCall/convolution_29",
    "PartitionedCall/convolution_31",
    "PartitionedCall/convolution_33",
    "scores",
    "distances",
)
"""The last convolution of each head and what follows. One 8-bit scale for class logits and distances together
would cost more accuracy than this 1 % of the work costs time."""


def float_model(topology: dict[str, Any], blob: bytes) -> onnx.ModelProto:
    """The network in 32-bit floats: `image` 1x3x320x416 in, `scores` 1xNx2 and `distances` 1xNx44 out.

    N counts the cells of the three grids (strides 8, 16, 32), row by row. Scores are probabilities of
    person and cell phone; distances are logits in the order left, top, right, bottom.
    """
    weights = _only_our_classes(read_weights(topology["weightsManifest"], blob))
    converter = Converter(topology["modelTopology"]["node"], weights, SIZE)
    views = converter.run([*SCORE_OUTPUTS, *DISTANCE_OUTPUTS])
    cells = sum((SIZE[0] // stride) * (SIZE[1] // stride) for stride in STRIDES)
    outputs = []
    for name, columns, group in (("scores", len(KEEP), views[:3]), ("distances", DISTANCES, views[3:])):
        levels = [converter.plain(view, f"{name}/{stride}") for view, stride in zip(group, STRIDES, strict=True)]
        converter.emit("Concat", levels, name, axis=1)
        outputs.append((name, (1, cells, columns)))
    return make_model(converter, outputs)


def _only_our_classes(weights: dict[str, Array]) -> dict[str, Array]:
    """Drop the other 78 classes from the last layers, and from the constants that name their number."""
    channels = [*KEEP, *range(COCO_CLASSES, COCO_CLASSES + DISTANCES)]
    result, heads = {}, 0
    for name, value in weights.items():
        if value.ndim in (1, 4) and value.shape[-1] == COCO_CLASSES + DISTANCES:
            value = value[..., channels]
            heads += 1
        elif value.dtype == np.int64 and value.tolist() == [COCO_CLASSES, DISTANCES]:
            value = np.array([len(KEEP), DISTANCES])
        elif value.dtype == np.int64 and value.ndim == 1 and COCO_CLASSES in value.tolist():
            value = np.where(value == COCO_CLASSES, len(KEEP), value)
        result[name] = value
    if heads != 2 * len(STRIDES):
        raise ConversionError(f"expected {2 * len(STRIDES)} tensors with all classes, found {heads}")
    return result
