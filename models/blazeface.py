"""The face detector's graph: MediaPipe's TensorFlow Lite file written as ONNX, without TensorFlow.

The file stores its weights as 16-bit floats, those of the 1x1 convolutions sparsely (30 % of them kept), and turns
both into 32-bit floats when it is loaded. The ONNX file keeps the very same 16-bit numbers, dense, and widens them
when it is loaded, so both files are one network. Channels come first here; the layers' padding nodes become
attributes of the convolutions behind them. An operation that is not in the table below is refused, never guessed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tflite import Array, Operation, Table, Tflite, TfliteError

OPSET, IR_VERSION = 18, 9
SIDE = 192
"""Height and width of the input."""
CELLS = 2304
"""48 x 48 cells of 4 pixels, row by row; each has one anchor at its centre."""
VALUES = 16
"""Box centre, width, height, and six keypoints (x, y), in input pixels from the cell's centre."""
RELU = 1
VALID, SAME = 1, 0


def face_model(data: bytes) -> onnx.ModelProto:
    """`image` 1x3x192x192 in, `scores` 1x2304 (logits) and `boxes` 1x2304x16 out.

    Raises TfliteError when the file is not the network this was written for.
    """
    source = Tflite(data)
    writer = _Writer(source)
    for operation in source.operations:
        writer.convert(operation)
    outputs = {}
    for tensor in source.outputs:
        values = source.shape(tensor)[-1]
        name, shape = ("scores", [1, CELLS]) if values == 1 else ("boxes", [1, CELLS, VALUES])
        writer.finish(tensor, name, shape)
        outputs[name] = helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, SIDE, SIDE])
    graph = helper.make_graph(
        writer.nodes, "framekeep", [image], [outputs["scores"], outputs["boxes"]], list(writer.constants.values())
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    model.producer_name = "framekeep models/build.py"
    onnx.checker.check_model(model, full_check=True)
    return model


class _Writer:
    """Walks the graph once. Tensors are named by their number in the source."""

    def __init__(self, source: Tflite) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, onnx.TensorProto] = {}
        self._source = source
        self._names = {source.inputs[0]: "image"}
        self._values: dict[int, Array] = {}
        self._pads: dict[int, tuple[int, list[int]]] = {}
        self._methods: dict[str, Callable[[Operation], None]] = {
            "ADD": self._add,
            "CONV_2D": self._convolution,
            "DEPTHWISE_CONV_2D": self._depthwise,
            "DEPTH_TO_SPACE": self._depth_to_space,
            "DEQUANTIZE": self._constant,
            "DENSIFY": self._constant,
            "PAD": self._pad,
            "RESHAPE": self._flatten,
            "RESIZE_BILINEAR": self._resize,
        }

    def convert(self, operation: Operation) -> None:
        """Write one operation."""
        self._methods[operation.name](operation)

    def finish(self, tensor: int, name: str, shape: list[int]) -> None:
        """Write `tensor` as the output `name`: channels last again, cells in one row."""
        last = self._emit("Transpose", [self._names[tensor]], f"{name}/last", perm=[0, 2, 3, 1])
        self._emit("Reshape", [last, self._store(f"{name}/shape", np.array(shape, np.int64))], name)

    # One method a source operation -------------------------------------------------------------------

    def _constant(self, operation: Operation) -> None:
        (given,), (made,) = operation.inputs, operation.outputs
        self._values[made] = self._value(given)

    def _pad(self, operation: Operation) -> None:
        amounts = self._value(operation.inputs[1]).tolist()
        if amounts[0] != [0, 0] or amounts[3] != [0, 0]:
            raise TfliteError("a padding of the batch or the channels")
        (top, bottom), (left, right) = amounts[1], amounts[2]
        self._pads[operation.outputs[0]] = (operation.inputs[0], [top, left, bottom, right])

    def _convolution(self, operation: Operation) -> None:
        """Weights are out, rows, columns, in."""
        options = _options(operation)
        weight = self._value(operation.inputs[1]).transpose(0, 3, 1, 2)
        strides = [options.integer(2), options.integer(1)]
        self._emit_convolution(operation, weight, strides, options.byte(0), options.byte(3), groups=1)

    def _depthwise(self, operation: Operation) -> None:
        """Weights are 1, rows, columns, channels."""
        options = _options(operation)
        if options.integer(3) != 1:
            raise TfliteError("a depthwise convolution with several filters a channel")
        weight = self._value(operation.inputs[1]).transpose(3, 0, 1, 2)
        strides = [options.integer(2), options.integer(1)]
        self._emit_convolution(operation, weight, strides, options.byte(0), options.byte(4), groups=weight.shape[0])

    def _emit_convolution(
        self, operation: Operation, weight: Array, strides: list[int], padding: int, activation: int, groups: int
    ) -> None:
        made = operation.outputs[0]
        source, pads = self._pads.get(operation.inputs[0], (operation.inputs[0], [0, 0, 0, 0]))
        rows, columns = weight.shape[2:]
        # The network pads in nodes of its own, so "same" may only stand where there is nothing to pad.
        if padding == SAME and (rows, columns, *strides) != (1, 1, 1, 1):
            raise TfliteError("a convolution that pads by itself")
        inputs = [
            self._names[source],
            self._weight(f"{made}/weight", weight),
            self._weight(f"{made}/bias", self._value(operation.inputs[2])),
        ]
        name = self._emit(
            "Conv", inputs, f"{made}/conv", kernel_shape=[rows, columns], strides=strides, pads=pads, group=groups
        )
        self._names[made] = self._activated(name, activation)

    def _add(self, operation: Operation) -> None:
        made = operation.outputs[0]
        name = self._emit("Add", [self._names[i] for i in operation.inputs], f"{made}/add")
        self._names[made] = self._activated(name, operation.options.byte(0) if operation.options else 0)

    def _resize(self, operation: Operation) -> None:
        options = operation.options
        corners, half_pixel = (options.byte(2), options.byte(3)) if options else (0, 0)
        if corners:
            raise TfliteError("a resize that aligns corners")
        height, width = self._source.shape(operation.inputs[0])[1:3]
        target = self._value(operation.inputs[1]).tolist()
        scales = np.array([1, 1, target[0] / height, target[1] / width], np.float32)
        made = operation.outputs[0]
        inputs = [self._names[operation.inputs[0]], "", self._store(f"{made}/scales", scales)]
        mode = "half_pixel" if half_pixel else "asymmetric"
        self._names[made] = self._emit(
            "Resize", inputs, f"{made}/resize", mode="linear", coordinate_transformation_mode=mode
        )

    def _depth_to_space(self, operation: Operation) -> None:
        made, size = operation.outputs[0], _options(operation).integer(0)
        inputs = [self._names[operation.inputs[0]]]
        self._names[made] = self._emit("DepthToSpace", inputs, f"{made}/space", blocksize=size, mode="DCR")

    def _flatten(self, operation: Operation) -> None:
        """The only reshapes put the cells in one row, which `finish` does."""
        made = operation.outputs[0]
        if made not in self._source.outputs or self._source.shape(made)[1] != CELLS:
            raise TfliteError("a reshape inside the network")
        self._names[made] = self._names[operation.inputs[0]]

    # Parts -----------------------------------------------------------------------------------------------

    def _value(self, tensor: int) -> Array:
        value = self._values.get(tensor)
        if value is None:
            value = self._source.constant(tensor)
        if value is None:
            raise TfliteError(f"tensor {tensor} should be a constant")
        return value

    def _activated(self, name: str, activation: int) -> str:
        if activation not in (0, RELU):
            raise TfliteError(f"activation {activation}")
        return self._emit("Relu", [name], f"{name}/relu") if activation else name

    def _weight(self, name: str, value: Array) -> str:
        if value.dtype != np.float16:
            raise TfliteError(f"weights of type {value.dtype}, expected 16-bit floats")
        return self._emit("Cast", [self._store(f"{name}/half", value)], name, to=TensorProto.FLOAT)

    def _store(self, name: str, value: Array) -> str:
        self.constants[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name

    def _emit(self, op: str, inputs: list[str], name: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(op, inputs, [name], name=name, **attributes))
        return name


def _options(operation: Operation) -> Table:
    if operation.options is None:
        raise TfliteError(f"{operation.name} without its options")
    return operation.options
