"""The trained verifier as an ONNX file: normalisations folded in, weights as 8-bit integers, no trainer's traces.

Written by hand, not by PyTorch's exporter: the graph is a dozen kinds of nodes and its bytes depend on the weights
alone. The weights are turned back into floats when the model is loaded (one scale an output channel), and the sums
are taken in floats: on cuts of this size integers are no faster, and cost accuracy.
"""

from __future__ import annotations

from typing import cast

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import torch
from network import Block, Lower, SameConv, Upper
from onnx import TensorProto, helper, numpy_helper
from torch import nn

Floats = npt.NDArray[np.float32]
LIMIT = 127
EXACT, ROUNDED = 1e-3, 1.0
"""How far the odds of any cut may be from PyTorch's, with the weights as floats and as 8-bit integers."""


def to_onnx(lower: Lower, upper: Upper, side: int, *, rounded: bool = True) -> onnx.ModelProto:
    """Both halves for cuts of `side` x `side`: input "cuts" N x 3 x side x side, output "odds" N. Without `rounded` the
    weights stay floats.
    """
    graph = _Graph(rounded)
    x = graph.convolution("stem", "cuts", lower._conv_stem, lower._bn0, relu=True, side=side)
    side_now = -(-side // 2)
    for number, module in enumerate([*lower._blocks, *upper._blocks]):
        block = cast(Block, module)
        name, source = f"block{number}", x
        if block.expands:
            x = graph.convolution(f"{name}/expand", x, block._expand_conv, block._bn0, relu=True, side=side_now)
        x = graph.convolution(f"{name}/depthwise", x, block._depthwise_conv, block._bn1, relu=True, side=side_now)
        side_now = -(-side_now // block._depthwise_conv.stride[0])
        x = graph.convolution(f"{name}/project", x, block._project_conv, block._bn2, relu=False, side=side_now)
        if block.residual:
            x = graph.add("Add", [source, x], f"{name}/sum")
    mean, peak = graph.add("GlobalAveragePool", [x], "mean"), graph.add("GlobalMaxPool", [x], "peak")
    pooled = graph.add("Flatten", [graph.add("Concat", [mean, peak], "both", axis=1)], "pooled")
    weight, bias = _head(upper)
    product = graph.add("MatMul", [pooled, graph.constant("head/weight", weight)], "product")
    column = graph.add("Add", [product, graph.constant("head/bias", bias)], "column")
    graph.add("Squeeze", [column, graph.constant("last", np.array([1]), np.int64)], "odds")
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "verifier",
            [helper.make_tensor_value_info("cuts", TensorProto.FLOAT, ["n", 3, side, side])],
            [helper.make_tensor_value_info("odds", TensorProto.FLOAT, ["n"])],
            graph.constants,
        ),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def check(lower: Lower, upper: Upper, cuts: Floats) -> tuple[float, float]:
    """How far the file's odds of these cuts (N x 3 x side x side) are from PyTorch's at most: with the weights as floats,
    where nothing but the order of sums may differ, and rounded as they are shipped. Raises ValueError when it is too far.
    """
    with torch.no_grad():
        wanted = upper(lower(torch.from_numpy(cuts))).numpy()
    apart = []
    for rounded, most in ((False, EXACT), (True, ROUNDED)):
        data = to_onnx(lower, upper, cuts.shape[-1], rounded=rounded).SerializeToString()
        session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
        apart.append(float(np.abs(session.run(["odds"], {"cuts": cuts})[0] - wanted).max()))
        if apart[-1] > most:
            raise ValueError(
                f"the written file's odds are {apart[-1]:.3f} from the trained network's, not within {most}"
            )
    return apart[0], apart[1]


class _Graph:
    def __init__(self, rounded: bool) -> None:
        self._rounded = rounded
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, name: str, value: npt.NDArray[np.generic], kind: type = np.float32) -> str:
        if all(constant.name != name for constant in self.constants):
            self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value, kind), name))
        return name

    def add(self, kind: str, inputs: list[str], name: str, **attributes: object) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [name], name=name, **attributes))
        return name

    def weight(self, name: str, value: Floats) -> str:
        """The weight as integers, and the node that turns it back; or as it is."""
        if not self._rounded:
            return self.constant(name, value)
        peak = np.abs(value).reshape(len(value), -1).max(axis=1)
        scale = np.where(peak > 0, peak / LIMIT, 1.0).astype(np.float32)
        integers = np.rint(value / scale.reshape(-1, 1, 1, 1))
        # Not DequantizeLinear: that one the runtime would do again at every look. A cast and a product it does once.
        floats = self.add("Cast", [self.constant(f"{name}/integers", integers, np.int8)], f"{name}/floats", to=1)
        return self.add("Mul", [floats, self.constant(f"{name}/scale", scale.reshape(-1, 1, 1, 1))], name)

    def convolution(self, name: str, x: str, conv: SameConv, norm: nn.Module, relu: bool, side: int) -> str:
        weight, bias = folded(conv, cast(nn.BatchNorm2d, norm))
        kernel, stride = conv.kernel_size[0], conv.stride[0]
        total = max((-(-side // stride) - 1) * stride + kernel - side, 0)
        pads = [total // 2] * 2 + [total - total // 2] * 2
        inputs = [x, self.weight(f"{name}/weight", weight), self.constant(f"{name}/bias", bias)]
        self.add("Conv", inputs, name, strides=[stride] * 2, pads=pads, group=conv.groups, kernel_shape=[kernel] * 2)
        if not relu:
            return name
        limits = [self.constant("zero", np.array(0.0)), self.constant("six", np.array(6.0))]
        return self.add("Clip", [name, *limits], f"{name}/relu6")


def folded(conv: SameConv, norm: nn.BatchNorm2d) -> tuple[Floats, Floats]:
    """Weight and bias of the one convolution that does what `conv` followed by `norm` does."""
    scale, shift = _affine(norm)
    weight = conv.weight.detach().double().numpy() * scale[:, None, None, None]
    return weight.astype(np.float32), shift.astype(np.float32)


def _head(upper: Upper) -> tuple[Floats, Floats]:
    """Weight (2C x 1) and bias (1) of the head with its normalisation folded in."""
    scale, shift = _affine(upper.norm)
    weight = upper.head.weight.detach().double().numpy()[0]
    bias = float(upper.head.bias.detach()) + float(weight @ shift)
    return (weight * scale)[:, None].astype(np.float32), np.array([bias], np.float32)


def _affine(norm: nn.BatchNorm1d | nn.BatchNorm2d) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """What a normalisation does in use: x * scale + shift."""
    mean, variance = norm.running_mean, norm.running_var
    if mean is None or variance is None:
        raise ValueError("the normalisation kept no statistics")
    scale = norm.weight.detach().double() / (variance.double() + norm.eps).sqrt()
    return scale.numpy(), (norm.bias.detach().double() - mean.double() * scale).numpy()
