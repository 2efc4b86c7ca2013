"""Read one picture from a file, without trusting it and without needing the memory of an 8K photograph."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from agent.errors import UnreadableSource

if TYPE_CHECKING:
    from agent.camera.base import Pixels

MAX_BYTES = 256 * 1024 * 1024
MAX_PIXELS = 400_000_000
"""A decoder asked for more than this is being attacked or mistaken."""
MAX_WHOLE_PIXELS = 64_000_000
"""The same for a file that no decoder can read at a fraction of its size, as only plain JPEG can be: these pixels are
in memory at once, three bytes each."""
LARGE = 2600
"""Long side up to which a picture is decoded as it is. No detector looks at more than 640 pixels."""

_REDUCED = ((8, cv2.IMREAD_REDUCED_COLOR_8), (4, cv2.IMREAD_REDUCED_COLOR_4), (2, cv2.IMREAD_REDUCED_COLOR_2))
_JPEG_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_PLAIN = frozenset({0xC0, 0xC1})


def read_still(path: str) -> tuple[Pixels, tuple[int, int]]:
    """The picture (BGR, turned upright) and the size (width, height) it is stored in.

    A picture with a long side over `LARGE` is decoded at a half, a quarter or an eighth of its size, so the
    pixels may be fewer than the size says. Raises UnreadableSource naming the file and what is wrong with it.
    """
    try:
        with Path(path).open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise UnreadableSource(f"{path} cannot be read ({error.strerror}).") from error
    if not data:
        raise UnreadableSource(f"{path} is empty (zero bytes), so there is no picture in it.")
    if len(data) > MAX_BYTES:
        raise UnreadableSource(f"{path} is larger than {MAX_BYTES // 2**20} MB, too large for a picture.")
    size = stored_size(data)
    if size is not None and size[0] * size[1] > (MAX_PIXELS if _shrinks(data) else MAX_WHOLE_PIXELS):
        raise UnreadableSource(f"{path} claims {size[0]} x {size[1]} pixels, too many for a picture.")
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), _how(size))
    except (cv2.error, MemoryError) as error:
        raise UnreadableSource(f"{path} is damaged or not a picture.") from error
    if pixels is None or pixels.size == 0:
        raise UnreadableSource(f"{path} is damaged or not a picture.")
    height, width = pixels.shape[:2]
    if size is None:
        size = width, height
    elif (size[0] > size[1]) != (width > height) and size[0] != size[1]:
        size = size[1], size[0]  # stored lying, turned upright by its EXIF orientation
    return pixels.astype(np.uint8, copy=False), size


def stored_size(data: bytes) -> tuple[int, int] | None:
    """Width and height from the header of a JPEG or PNG file; None for other formats or a broken header."""
    if data[:8] == b"\x89PNG\r\n\x1a\n" and data[12:16] == b"IHDR" and len(data) >= 24:
        width, height = struct.unpack(">II", data[16:24])
        return (width, height) if width and height else None
    frame = _jpeg_frame(data)
    if frame is None:
        return None
    height, width = struct.unpack(">HH", data[frame + 5 : frame + 9])
    return (width, height) if width and height else None


def _shrinks(data: bytes) -> bool:
    """Whether it is decoded at a fraction of its size: JPEG, unless progressive, of which all coefficients are kept."""
    frame = _jpeg_frame(data)
    return frame is not None and data[frame + 1] in _JPEG_PLAIN


def _jpeg_frame(data: bytes) -> int | None:
    """Where the segment begins that says a JPEG file's kind and size; None for other formats or a broken header."""
    if data[:2] != b"\xff\xd8":
        return None
    at = 2
    while at + 9 <= len(data):
        if data[at] != 0xFF:
            return None
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if marker in _JPEG_SIZES:
            return at
        if marker == 0xFF:  # padding before a marker
            at += 1
        elif marker == 0x01 or 0xD0 <= marker <= 0xD7:  # markers without a length
            at += 2
        else:
            at += 2 + length
    return None


def _how(size: tuple[int, int] | None) -> int:
    if size is not None:
        for factor, flag in _REDUCED:
            if max(size) // factor >= LARGE / 2 and max(size) > LARGE:
                return flag
    return cv2.IMREAD_COLOR
