"""Reading a TensorFlow.js graph model: its nodes, their order, its constants."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Node = dict[str, Any]


class ConversionError(Exception):
    """The graph holds something this converter does not know."""


@dataclass(frozen=True)
class Step:
    """One operation of the source graph: its node, its name and the names of its inputs."""

    node: Node
    name: str
    inputs: list[str]

    def text(self, attribute: str) -> str:
        """A text attribute."""
        return base64.b64decode(self.node["attr"][attribute]["s"]).decode()

    def ints(self, attribute: str) -> list[int]:
        """A list of integers; empty when the node has no such attribute."""
        return [int(i) for i in self.node["attr"].get(attribute, {}).get("list", {}).get("i", ())]


def read_weights(manifest: list[dict[str, Any]], blob: bytes) -> dict[str, Array]:
    """The constants of a model: `manifest` is its `weightsManifest`, `blob` its weight files joined.

    Numbers stored as float16 come back as float32, integers as int64. Raises ConversionError when the
    blob's length does not match.
    """
    weights: dict[str, Array] = {}
    offset = 0
    for group in manifest:
        for entry in group["weights"]:
            quantised = entry.get("quantization", {})
            if "scale" in quantised:
                raise ConversionError(f"{entry['name']} is stored as scaled integers")
            kind = np.dtype(quantised.get("dtype", entry["dtype"]))
            count = int(np.prod(entry["shape"], dtype=np.int64))
            values = np.frombuffer(blob, kind, count, offset).reshape(entry["shape"])
            offset += count * kind.itemsize
            weights[entry["name"]] = values.astype(np.float32 if kind.kind == "f" else np.int64)
    if offset != len(blob):
        raise ConversionError(f"the weights fill {offset} of {len(blob)} bytes")
    return weights


def in_order(by_name: dict[str, Node], outputs: Sequence[str]) -> list[str]:
    """What `outputs` need, inputs first, in an order that depends on the graph alone."""
    order: dict[str, None] = {}
    stack = [(name, False) for name in reversed(outputs)]
    while stack:
        name, expanded = stack.pop()
        if name in order:
            continue
        if expanded:
            order[name] = None
            continue
        stack.append((name, True))
        inputs = [i.lstrip("^").split(":")[0] for i in by_name[name].get("input", ())]
        stack.extend((i, False) for i in reversed(inputs))
    return list(order)


def fold(op: str, values: list[Array]) -> Array:
    """Operations on constants alone: the shapes of the reshapes are written this way."""
    if op in ("Add", "AddV2"):
        return np.asarray(values[0] + values[1])
    if op == "SparseToDense":
        indices, shape, entries, default = values
        dense = np.full([int(n) for n in np.atleast_1d(shape)], default, np.int64)
        if entries.size:
            dense[tuple(indices.T)] = entries
        return dense
    if op == "Identity":
        return values[0]
    raise ConversionError(f"operation {op} on constants is not known to this converter")


def key(name: str) -> str:
    """A tensor's name as this package writes it: without the mark of a control input or of a first output."""
    name = name.lstrip("^")
    return name[:-2] if name.endswith(":0") else name
