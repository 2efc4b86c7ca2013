"""Reading a TensorFlow Lite model: its operations and its constants, also those stored sparsely.

The file is a FlatBuffer: tables whose fields are found by number. Only what our face detector's file holds is
read here; the numbers are those of `tensorflow/lite/schema/schema.fbs`. Whatever else a file may hold is refused.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

IDENTIFIER = b"TFL3"
OPERATIONS = {
    0: "ADD",
    3: "CONV_2D",
    4: "DEPTHWISE_CONV_2D",
    5: "DEPTH_TO_SPACE",
    6: "DEQUANTIZE",
    22: "RESHAPE",
    23: "RESIZE_BILINEAR",
    34: "PAD",
    124: "DENSIFY",
}
TYPES: dict[int, np.dtype[Any]] = {0: np.dtype("<f4"), 1: np.dtype("<f2"), 2: np.dtype("<i4")}
INDEX_TYPES: dict[int, np.dtype[Any]] = {1: np.dtype("<i4"), 2: np.dtype("<u2"), 3: np.dtype("u1")}
"""How the positions in a sparse tensor may be stored (union SparseIndexVector)."""
DENSE, SPARSE_CSR = 0, 1


class TfliteError(Exception):
    """The file holds something this reader does not know."""


class Table:
    """One FlatBuffer table at a place in the file; fields go by their number in the schema."""

    def __init__(self, data: bytes, place: int) -> None:
        self._data, self._place = data, place
        self._fields = place - self._read("<i", place)

    def byte(self, field: int) -> int:
        """A byte or an enumeration of one; 0 when absent."""
        place = self._field(field)
        return self._read("<b", place) if place else 0

    def integer(self, field: int) -> int:
        """A 32-bit integer; 0 when absent."""
        place = self._field(field)
        return self._read("<i", place) if place else 0

    def table(self, field: int) -> Table | None:
        """A table; None when absent."""
        place = self._field(field)
        return Table(self._data, place + self._read("<I", place)) if place else None

    def tables(self, field: int) -> list[Table]:
        """A vector of tables."""
        start, count = self._vector(field)
        places = [start + 4 * i for i in range(count)]
        return [Table(self._data, place + self._read("<I", place)) for place in places]

    def numbers(self, field: int, kind: npt.DTypeLike = "<i4") -> Array:
        """A vector of numbers, copied; empty when absent."""
        start, count = self._vector(field)
        return np.frombuffer(self._data, kind, count, start).copy()

    def text(self, field: int) -> str:
        """A text."""
        return self.numbers(field, "u1").tobytes().decode()

    def _vector(self, field: int) -> tuple[int, int]:
        place = self._field(field)
        if not place:
            return 0, 0
        place += self._read("<I", place)
        return place + 4, self._read("<I", place)

    def _field(self, number: int) -> int:
        entry = 4 + 2 * number
        if entry >= self._read("<H", self._fields):
            return 0
        offset = self._read("<H", self._fields + entry)
        return self._place + offset if offset else 0

    def _read(self, form: str, place: int) -> int:
        return int(struct.unpack_from(form, self._data, place)[0])


@dataclass(frozen=True)
class Operation:
    """One operation: its name, the numbers of its tensors, and its options (a table, or None)."""

    name: str
    inputs: list[int]
    outputs: list[int]
    options: Table | None


class Tflite:
    """A model of one graph. `inputs` and `outputs` are tensor numbers; `operations` come in an order that works."""

    def __init__(self, data: bytes) -> None:
        """Raises TfliteError for a file of another kind or with operations not listed here."""
        if data[4:8] != IDENTIFIER:
            raise TfliteError("this is not a TensorFlow Lite model")
        model = Table(data, struct.unpack_from("<I", data)[0])
        graphs = model.tables(2)
        if len(graphs) != 1:
            raise TfliteError(f"the model has {len(graphs)} graphs, not one")
        self._codes = [max(code.byte(0), code.integer(3)) for code in model.tables(1)]
        self._tensors, self._buffers = graphs[0].tables(0), model.tables(4)
        self._graph = graphs[0]
        self.inputs, self.outputs = graphs[0].numbers(1).tolist(), graphs[0].numbers(2).tolist()

    @cached_property
    def operations(self) -> list[Operation]:
        """All operations. Raises TfliteError at one that is not known."""
        found = []
        for operation in self._graph.tables(3):
            code = self._codes[operation.integer(0)]
            if code not in OPERATIONS:
                raise TfliteError(f"operation {code} is not known to this reader")
            inputs, outputs = operation.numbers(1).tolist(), operation.numbers(2).tolist()
            found.append(Operation(OPERATIONS[code], inputs, outputs, operation.table(4)))
        return found

    def shape(self, tensor: int) -> tuple[int, ...]:
        """A tensor's shape."""
        return tuple(self._tensors[tensor].numbers(0).tolist())

    def constant(self, tensor: int) -> Array | None:
        """A tensor's stored value, made dense where it is stored sparsely; None for a computed one."""
        table = self._tensors[tensor]
        buffer = self._buffers[table.integer(2)].numbers(0, "u1")
        if not buffer.size:
            return None
        kind = TYPES.get(table.byte(1))
        if kind is None:
            raise TfliteError(f"tensor {table.text(3)} has a type this reader does not know")
        sparsity = table.table(6)
        shape = self.shape(tensor)
        if sparsity is None:
            return buffer.view(kind).reshape(shape)
        return _dense(buffer, kind, shape, sparsity, table.text(3))


def _dense(buffer: Array, kind: np.dtype[Any], shape: tuple[int, ...], sparsity: Table, name: str) -> Array:
    """A tensor of rows whose last axis is compressed: per row where its entries start, per entry its column."""
    dimensions = sparsity.tables(2)
    plain = sparsity.numbers(0).tolist() == list(range(len(shape))) and not sparsity.numbers(1).size
    formats = [dimension.byte(0) for dimension in dimensions]
    if not plain or formats != [DENSE] * (len(shape) - 1) + [SPARSE_CSR]:
        raise TfliteError(f"tensor {name} is stored sparsely in a way this reader does not know")
    starts, columns = (_positions(dimensions[-1], field) for field in (2, 4))
    values = buffer[: columns.size * kind.itemsize].view(kind)
    rows = np.repeat(np.arange(starts.size - 1), np.diff(starts))
    dense = np.zeros((int(np.prod(shape[:-1])), shape[-1]), kind)
    dense[rows, columns] = values
    return dense.reshape(shape)


def _positions(dimension: Table, field: int) -> Array:
    """The union of index vectors whose kind is in `field` and whose table is in the next."""
    table = dimension.table(field + 1)
    kind = INDEX_TYPES.get(dimension.byte(field))
    if table is None or kind is None:
        raise TfliteError("a sparse tensor has no positions")
    return table.numbers(0, kind).astype(np.int64)
