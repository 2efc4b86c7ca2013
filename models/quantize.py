"""Static 8-bit quantisation of an ONNX graph from stored activation ranges, with numpy alone.

Theory. A float tensor x is replaced by q = round(x / scale) + zero, so x is about scale * (q - zero).
Activations are uint8 with one scale a tensor, taken from the smallest and largest value seen on the
calibration pictures (`ranges`). Weights are int8, symmetric, one scale an output channel. Biases are int32
with scale = activation scale * weight scale, as integer convolutions need. We only insert
QuantizeLinear / DequantizeLinear pairs; ONNX Runtime fuses them into integer kernels when it loads the model.

Weights use 7 bits (-64 to 63): on processors without VNNI, ONNX Runtime's AVX2 kernel adds two products
uint8 x int8 in 16 bits and saturates when 255 * |w1| + 255 * |w2| passes 32767. With |w| <= 64 that cannot
happen, so every laptop computes the same numbers.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

Ranges = Mapping[str, tuple[float, float]]

WEIGHT_LIMIT = 64
QUANTISED_OPS = ("Conv", "LeakyRelu", "MaxPool", "Concat")
"""Operations whose inputs and outputs become integers. The few additions and resizes stay in floats."""


@dataclass
class _Quantiser:
    ranges: Ranges
    values: dict[str, npt.NDArray[np.float32]]
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)
    scales: dict[str, float] = field(default_factory=dict)

    def store(self, name: str, value: npt.NDArray[np.generic]) -> str:
        self.constants.append(numpy_helper.from_array(np.asarray(value, order="C"), name))
        return name

    def activation(self, name: str) -> str:
        """The name of the tensor after a round trip through uint8."""
        result = f"{name}/dq"
        if name in self.scales:
            return result
        scale, zero = activation_parameters(*self.ranges[name])
        self.scales[name] = scale
        parameters = [
            self.store(f"{name}/scale", np.array(scale, np.float32)),
            self.store(f"{name}/zero", np.array(zero, np.uint8)),
        ]
        quantised = f"{name}/q"
        self.nodes.append(helper.make_node("QuantizeLinear", [name, *parameters], [quantised], name=quantised))
        self.nodes.append(helper.make_node("DequantizeLinear", [quantised, *parameters], [result], name=result))
        return result

    def convolution(self, node: onnx.NodeProto) -> onnx.NodeProto:
        """The same convolution on dequantised integers."""
        source, weight, *bias = node.input
        inputs = [self.activation(source)]
        scales, integers = weight_parameters(self.values[weight])
        names = [self.store(f"{weight}/q", integers), self.store(f"{weight}/scale", scales)]
        names.append(self.store(f"{weight}/zero", np.zeros(len(scales), np.int8)))
        inputs.append(self.dequantise(weight, names, axis=0))
        for name in bias:
            scale = (np.float32(self.scales[source]) * scales).astype(np.float32)
            rounded = np.rint(self.values[name].astype(np.float64) / scale.astype(np.float64)).astype(np.int32)
            names = [self.store(f"{name}/q", rounded), self.store(f"{name}/scale", scale)]
            names.append(self.store(f"{name}/zero", np.zeros(len(scale), np.int32)))
            inputs.append(self.dequantise(name, names, axis=0))
        copy = onnx.NodeProto()
        copy.CopyFrom(node)
        del copy.input[:]
        copy.input.extend(inputs)
        return copy

    def dequantise(self, name: str, inputs: list[str], axis: int) -> str:
        result = f"{name}/dq"
        self.nodes.append(helper.make_node("DequantizeLinear", inputs, [result], name=result, axis=axis))
        return result


def activation_parameters(low: float, high: float) -> tuple[float, int]:
    """Scale and zero point of a uint8 tensor that spans `low` to `high`; zero is always exact."""
    low, high = min(low, 0.0), max(high, 0.0)
    scale = float(np.float32((high - low) / 255.0)) or 1.0
    return scale, int(np.clip(np.rint(-low / scale), 0, 255))


def weight_parameters(weight: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int8]]:
    """Scales (one an output channel, the first axis) and the int8 weights."""
    peak = np.abs(weight).reshape(len(weight), -1).max(axis=1)
    scales = np.where(peak > 0, peak / (WEIGHT_LIMIT - 1), 1.0).astype(np.float32)
    shaped = scales.reshape(-1, *[1] * (weight.ndim - 1)).astype(np.float64)
    return scales, np.rint(weight.astype(np.float64) / shaped).astype(np.int8)


def tensors_to_observe(model: onnx.ModelProto, stay_float: Collection[str]) -> list[str]:
    """The tensors whose ranges `quantise` needs, in the graph's order. `stay_float` names nodes to leave alone."""
    constants = {tensor.name for tensor in model.graph.initializer}
    names: dict[str, None] = {}
    for node in model.graph.node:
        if node.op_type in QUANTISED_OPS and node.name not in stay_float:
            for name in [*node.input, *node.output]:
                if name and name not in constants:
                    names[name] = None
    return list(names)


def quantise(model: onnx.ModelProto, ranges: Ranges, stay_float: Collection[str]) -> onnx.ModelProto:
    """The quantised copy of `model`. Raises KeyError naming the tensor when a range is missing."""
    values = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    wanted = set(tensors_to_observe(model, stay_float))
    # A maximum of integers needs no rescaling when it keeps its input's scale; otherwise it is taken in floats.
    pools = {node.output[0]: node.input[0] for node in model.graph.node if node.op_type == "MaxPool"}
    work = _Quantiser({name: ranges[pools.get(name, name)] for name in wanted}, values)
    kept: set[str] = set()
    for node in model.graph.node:
        if node.op_type == "Conv" and node.name not in stay_float:
            copy = work.convolution(node)
        else:
            copy = onnx.NodeProto()
            copy.CopyFrom(node)
            for position, name in enumerate(node.input):
                if name in wanted:
                    copy.input[position] = work.activation(name)
            kept.update(name for name in copy.input if name in values)
        work.nodes.append(copy)
    constants = [t for t in model.graph.initializer if t.name in kept] + work.constants
    graph = helper.make_graph(work.nodes, model.graph.name, model.graph.input, model.graph.output, constants)
    result = helper.make_model(graph, opset_imports=model.opset_import, ir_version=model.ir_version)
    result.producer_name = model.producer_name
    onnx.checker.check_model(result, full_check=True)
    return result
