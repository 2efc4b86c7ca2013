"""The verifier's network: EfficientNet-Lite0 cut short, with a small head of our own.

Architecture: Tan and Le, "EfficientNet" (2019) in the Lite variant of the TensorFlow TPU repository: no squeeze and
excitation, ReLU6 instead of swish. `Lower` keeps the published weights, learned on ImageNet, as they are: a few
thousand cuts would only spoil what a million pictures taught it, and its output can be computed once for all
trainings. `Upper`, the blocks above and the head, starts from the published weights too and is trained.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

STAGES = ((1, 3, 1, 1, 32, 16), (2, 3, 2, 6, 16, 24), (2, 5, 2, 6, 24, 40), (3, 3, 2, 6, 40, 80),
          (3, 5, 1, 6, 80, 112), (4, 5, 2, 6, 112, 192), (1, 3, 1, 6, 192, 320))  # fmt: skip
"""Blocks, kernel, stride of the first block, expansion, channels in, channels out."""
FROZEN, KEPT = 8, 13
"""Blocks of `Lower`, and of both. The remaining three would take the file past its 2 MB."""
NORM_EPSILON = 1e-3

Weights = Mapping[str, Tensor]


class SameConv(nn.Conv2d):
    """A convolution padded as TensorFlow's SAME does: where the padding is odd, the extra line is right and below."""

    def forward(self, x: Tensor) -> Tensor:
        """N x C x H x W in, H and W divided by the stride (rounded up) out."""
        kernel, stride = self.kernel_size[0], self.stride[0]
        pads = [max((-(-side // stride) - 1) * stride + kernel - side, 0) for side in x.shape[2:]]
        if any(pads):
            x = functional.pad(x, (pads[1] // 2, pads[1] - pads[1] // 2, pads[0] // 2, pads[0] - pads[0] // 2))
        return functional.conv2d(x, self.weight, self.bias, self.stride, 0, 1, self.groups)


class Block(nn.Module):
    """One inverted bottleneck. Submodules carry the names of the published weights."""

    def __init__(self, kernel: int, stride: int, expansion: int, channels: int, out: int) -> None:
        """A residual connection is there wherever the shape allows it."""
        super().__init__()
        middle = channels * expansion
        self.expands, self.residual = expansion != 1, stride == 1 and channels == out
        if self.expands:
            self._expand_conv = SameConv(channels, middle, 1, bias=False)
            self._bn0 = _norm(middle)
        self._depthwise_conv = SameConv(middle, middle, kernel, stride, groups=middle, bias=False)
        self._bn1 = _norm(middle)
        self._project_conv = SameConv(middle, out, 1, bias=False)
        self._bn2 = _norm(out)

    def forward(self, x: Tensor) -> Tensor:
        """N x C x H x W in and out."""
        y = functional.relu6(self._bn0(self._expand_conv(x))) if self.expands else x
        y = functional.relu6(self._bn1(self._depthwise_conv(y)))
        y = self._bn2(self._project_conv(y))
        return x + y if self.residual else cast(Tensor, y)


class Lower(nn.Module):
    """Cuts in (N x 3 x H x W, red green blue, about -1 to 1), 80 maps of a sixteenth of the side out. Not trained."""

    def __init__(self, published: Weights) -> None:
        """Raises ValueError when `published` lacks a weight."""
        super().__init__()
        self._conv_stem = SameConv(3, STAGES[0][4], 3, 2, bias=False)
        self._bn0 = _norm(STAGES[0][4])
        self._blocks = nn.ModuleList(_blocks()[:FROZEN])
        _load(self, published)
        self.eval().requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        """The maps."""
        x = functional.relu6(self._bn0(self._conv_stem(x)))
        for block in self._blocks:
            x = block(x)
        return x


class Upper(nn.Module):
    """Maps of `Lower` in, the logarithm of the odds that the cut shows a phone out (N)."""

    def __init__(self, published: Weights, dropout: float = 0.3) -> None:
        """Raises ValueError when `published` lacks a weight."""
        super().__init__()
        self._blocks = nn.ModuleList(_blocks()[FROZEN:KEPT])
        renamed = {
            f"_blocks.{i}.{name}": value for i in range(KEPT - FROZEN) for name, value in _of(published, i + FROZEN)
        }
        _load(self, renamed)
        channels = 2 * cast(Block, self._blocks[-1])._project_conv.out_channels
        self.norm = nn.BatchNorm1d(channels, momentum=0.02)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """The odds."""
        for block in self._blocks:
            x = block(x)
        pooled = torch.cat([x.mean((2, 3)), x.amax((2, 3))], 1)
        return cast(Tensor, self.head(self.dropout(self.norm(pooled))))[:, 0]


def _blocks() -> list[Block]:
    return [
        Block(kernel, stride if i == 0 else 1, expansion, channels if i == 0 else out, out)
        for count, kernel, stride, expansion, channels, out in STAGES
        for i in range(count)
    ]


def _of(published: Weights, block: int) -> list[tuple[str, Tensor]]:
    prefix = f"_blocks.{block}."
    return [(name.removeprefix(prefix), value) for name, value in published.items() if name.startswith(prefix)]


def _load(module: nn.Module, published: Weights) -> None:
    own = [name for name in module.state_dict() if name.startswith(("_conv", "_bn", "_blocks"))]
    missing = [name for name in own if name not in published]
    if missing:
        raise ValueError(f"the published weights lack {missing[:3]}")
    module.load_state_dict({name: published[name] for name in own}, strict=False)


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=NORM_EPSILON, momentum=0.01)
