"""A TensorFlow.js graph model written as ONNX, without TensorFlow.

The graphs we convert were ONNX once and became channels-last on the way to TensorFlow.js: every
convolution stands between two transposes. Here a tensor is an ONNX tensor seen through a permutation
(`View`), so those transposes cancel out while we walk the graph and no optimiser has to remove them
afterwards. Padding nodes are folded into the convolution or pooling behind them, bias additions into
the convolution before them. An operation that is not in the table below is refused, never guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tfjs import Array, ConversionError, Node, Step, fold, in_order, key

OPSET = 18
IR_VERSION = 9
CHANNELS_LAST = (0, 2, 3, 1)


@dataclass(frozen=True)
class View:
    """An ONNX tensor as the source graph sees it: axis i of the source is axis `order[i]` of `name`.

    `size` is height and width in the source graph (at its own input size), needed to turn a resize to a
    fixed size into a factor. `pads` are (before, after) in rows and columns not written into the graph yet.
    """

    name: str
    order: tuple[int, ...]
    size: tuple[int, int] = (0, 0)
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)
    """top, left, bottom, right"""
    pad_value: float = 0.0


@dataclass
class Converter:
    """Walks one graph. `weights` are the source's constants by node name; `input_size` is height, width."""

    nodes: list[Node]
    weights: dict[str, Array]
    input_size: tuple[int, int]
    onnx_nodes: list[onnx.NodeProto] = field(default_factory=list)
    initialisers: dict[str, onnx.TensorProto] = field(default_factory=dict)
    views: dict[str, View] = field(default_factory=dict)
    input_name: str = "image"

    def run(self, outputs: Sequence[str]) -> list[View]:
        """Convert everything `outputs` (names of source nodes) need; answers where to find them."""
        by_name = {node["name"]: node for node in self.nodes}
        for name in in_order(by_name, outputs):
            self._convert(by_name[name])
        return [self.views[name] for name in outputs]

    def emit(self, op: str, inputs: list[str], name: str, **attributes: Any) -> str:
        """Append one ONNX node with a single output called `name`."""
        self.onnx_nodes.append(helper.make_node(op, inputs, [name], name=name, **attributes))
        return name

    def constant(self, name: str, value: Array) -> str:
        """Store a constant under `name` (once)."""
        if name not in self.initialisers:
            self.initialisers[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name

    def plain(self, view: View, name: str) -> str:
        """The tensor as the source sees it, with a transpose only where the order differs."""
        _no_pads(view, name)
        if view.order == tuple(range(len(view.order))):
            return view.name
        return self.emit("Transpose", [view.name], name, perm=list(view.order))

    # One method a source operation -------------------------------------------------------------------

    def _convert(self, node: Node) -> None:
        op, name = node["op"], node["name"]
        if name in self.weights:
            return
        inputs = [key(i) for i in node.get("input", ())]
        if inputs and all(i in self.weights for i in inputs):
            self.weights[name] = fold(op, [self.weights[i] for i in inputs])
            return
        method = self._methods().get(op)
        if method is None:
            raise ConversionError(f"operation {op} of node {name} is not known to this converter")
        method(Step(node, name, inputs))

    def _methods(self) -> dict[str, Callable[[Step], None]]:
        return {
            "Placeholder": self._placeholder,
            "Identity": self._identity,
            "Transpose": self._transpose,
            "Pad": self._pad,
            "PadV2": self._pad,
            "Conv2D": self._convolution,
            "MaxPool": self._pool,
            "Add": self._add,
            "AddV2": self._add,
            "LeakyRelu": self._leaky,
            "Sigmoid": self._sigmoid,
            "ConcatV2": self._concat,
            "SplitV": self._split,
            "ResizeBilinear": self._resize,
            "Reshape": self._reshape,
        }

    def _placeholder(self, step: Step) -> None:
        shape = [int(d["size"]) for d in step.node["attr"]["shape"]["shape"]["dim"]]
        self.views[step.name] = View(self.input_name, (0, 1, 2, 3), size=(shape[2], shape[3]))

    def _identity(self, step: Step) -> None:
        self.views[step.name] = self.views[step.inputs[0]]

    def _transpose(self, step: Step) -> None:
        view = self.views[step.inputs[0]]
        order = tuple(view.order[int(axis)] for axis in self.weights[step.inputs[1]])
        self.views[step.name] = View(view.name, order, view.size, view.pads, view.pad_value)

    def _pad(self, step: Step) -> None:
        view = self.views[step.inputs[0]]
        by_axis = {view.order[i]: (int(a), int(b)) for i, (a, b) in enumerate(self.weights[step.inputs[1]])}
        if any(by_axis[axis] != (0, 0) for axis in (0, 1)):
            raise ConversionError(f"{step.name} pads the batch or the channels")
        (top, bottom), (left, right) = by_axis[2], by_axis[3]
        value = float(self.weights[step.inputs[2]]) if len(step.inputs) > 2 else 0.0
        _no_pads(view, step.name)
        self.views[step.name] = View(view.name, view.order, view.size, (top, left, bottom, right), value)

    def _convolution(self, step: Step) -> None:
        view, kernel = self.views[step.inputs[0]], self.weights[step.inputs[1]]  # rows, columns, in, out
        _require(view.order == CHANNELS_LAST, step.name, "reads channels last")
        _require(view.pad_value == 0.0, step.name, "pads with zero")
        _require(step.text("padding") == "VALID", step.name, "has its padding in a node of its own")
        _require(set(step.ints("dilations")) <= {1}, step.name, "is not dilated")
        stride = step.ints("strides")[1:3]
        weight = self.constant(f"{step.name}/weight", kernel.transpose(3, 2, 0, 1).astype(np.float32))
        rows, columns = kernel.shape[:2]
        self.emit(
            "Conv", [view.name, weight], step.name, kernel_shape=[rows, columns], strides=stride, pads=list(view.pads)
        )
        self.views[step.name] = View(step.name, CHANNELS_LAST, _reduced(view, (rows, columns), stride))

    def _pool(self, step: Step) -> None:
        view = self.views[step.inputs[0]]
        _require(view.order == CHANNELS_LAST, step.name, "reads channels last")
        # ONNX never counts the padding of a maximum, which is what padding with -infinity says.
        _require(view.pads == (0, 0, 0, 0) or view.pad_value < -1e30, step.name, "pads with minus infinity")
        _require(step.text("padding") == "VALID", step.name, "has its padding in a node of its own")
        kernel, stride = step.ints("ksize")[1:3], step.ints("strides")[1:3]
        self.emit("MaxPool", [view.name], step.name, kernel_shape=kernel, strides=stride, pads=list(view.pads))
        self.views[step.name] = View(step.name, CHANNELS_LAST, _reduced(view, (kernel[0], kernel[1]), stride))

    def _add(self, step: Step) -> None:
        constants = [i for i in step.inputs if i in self.weights]
        if constants:
            self._bias(step.name, next(i for i in step.inputs if i not in self.weights), self.weights[constants[0]])
            return
        left, right = (self.views[i] for i in step.inputs)
        _require(left.order == right.order, step.name, "adds two tensors of one order")
        for view in (left, right):
            _no_pads(view, step.name)
        self.emit("Add", [left.name, right.name], step.name)
        self.views[step.name] = View(step.name, left.order, left.size)

    def _bias(self, name: str, source: str, value: Array) -> None:
        view = self.views[source]
        producer = next(n for n in self.onnx_nodes if n.output[0] == view.name)
        _require(producer.op_type == "Conv" and len(producer.input) == 2, name, "is the bias of a convolution")
        _require(value.ndim == 1 and view.order[-1] == 1, name, "adds one number a channel")
        producer.input.append(self.constant(f"{producer.name}/bias", value.astype(np.float32)))
        self.views[name] = view

    def _leaky(self, step: Step) -> None:
        self._elementwise("LeakyRelu", step.name, step.inputs[0], alpha=float(step.node["attr"]["alpha"]["f"]))

    def _sigmoid(self, step: Step) -> None:
        self._elementwise("Sigmoid", step.name, step.inputs[0])

    def _elementwise(self, op: str, name: str, source: str, **attributes: float) -> None:
        view = self.views[source]
        _no_pads(view, name)
        self.emit(op, [view.name], name, **attributes)
        self.views[name] = View(name, view.order, view.size)

    def _concat(self, step: Step) -> None:
        views = [self.views[i] for i in step.inputs[:-1]]
        axis = int(self.weights[step.inputs[-1]]) % len(views[0].order)
        _require(len({view.order for view in views}) == 1, step.name, "joins tensors of one order")
        for view in views:
            _no_pads(view, step.name)
        self.emit("Concat", [view.name for view in views], step.name, axis=views[0].order[axis])
        self.views[step.name] = View(step.name, views[0].order, views[0].size)

    def _split(self, step: Step) -> None:
        view, sizes = self.views[step.inputs[0]], self.weights[step.inputs[1]].astype(np.int64)
        axis = int(self.weights[step.inputs[2]]) % len(view.order)
        parts = [step.name] + [f"{step.name}:{i}" for i in range(1, len(sizes))]
        lengths = self.constant(f"{step.name}/sizes", sizes)
        self.onnx_nodes.append(
            helper.make_node("Split", [view.name, lengths], parts, name=step.name, axis=view.order[axis])
        )
        for part in parts:
            self.views[part] = View(part, view.order, view.size)

    def _resize(self, step: Step) -> None:
        view, target = self.views[step.inputs[0]], self.weights[step.inputs[1]]
        _require(view.order == CHANNELS_LAST, step.name, "reads channels last")
        attributes = step.node["attr"]
        _require(not attributes["align_corners"]["b"], step.name, "does not align corners")
        half_pixel = attributes.get("half_pixel_centers", {}).get("b", False)
        factors = [1.0, 1.0, float(target[0]) / view.size[0], float(target[1]) / view.size[1]]
        scales = self.constant(f"{step.name}/scales", np.array(factors, np.float32))
        mode = "half_pixel" if half_pixel else "asymmetric"
        self.emit("Resize", [view.name, "", scales], step.name, mode="linear", coordinate_transformation_mode=mode)
        self.views[step.name] = View(step.name, CHANNELS_LAST, (int(target[0]), int(target[1])))

    def _reshape(self, step: Step) -> None:
        view, shape = self.views[step.inputs[0]], self.weights[step.inputs[1]].astype(np.int64)
        source = self.plain(view, f"{step.name}/plain")
        self.emit("Reshape", [source, self.constant(f"{step.name}/shape", shape)], step.name)
        self.views[step.name] = View(step.name, tuple(range(len(shape))))


def make_model(
    converter: Converter, outputs: Sequence[tuple[str, Sequence[int]]], channels: int = 3
) -> onnx.ModelProto:
    """Close the graph: `outputs` are names and shapes. The result is checked by ONNX itself."""
    shape = [1, channels, *converter.input_size]
    graph = helper.make_graph(
        converter.onnx_nodes,
        "framekeep",
        [helper.make_tensor_value_info(converter.input_name, TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, list(dims)) for name, dims in outputs],
        [converter.initialisers[name] for name in sorted(converter.initialisers)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    model.producer_name = "framekeep models/build.py"
    onnx.checker.check_model(model, full_check=True)
    return model


def _reduced(view: View, kernel: tuple[int, int], stride: list[int]) -> tuple[int, int]:
    top, left, bottom, right = view.pads
    rows = (view.size[0] + top + bottom - kernel[0]) // stride[0] + 1
    columns = (view.size[1] + left + right - kernel[1]) // stride[1] + 1
    return rows, columns


def _require(condition: bool, name: str, what: str) -> None:
    if not condition:
        raise ConversionError(f"node {name}: this converter expects that it {what}")


def _no_pads(view: View, name: str) -> None:
    _require(view.pads == (0, 0, 0, 0), name, "is not padded (only convolutions and pools are)")
