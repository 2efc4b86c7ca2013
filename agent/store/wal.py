"""Tells a damaged write-ahead log from one that merely ends in the middle of a transaction.

SQLite stops reading its log at the first frame whose checksum is wrong, without a word: right after a power cut,
wrong after a flipped byte, because whole transactions behind it would vanish unnoticed. A later frame that still
belongs to this log (same salts) and ends a transaction shows that more had been written.
Format: https://www.sqlite.org/fileformat2.html#the_write_ahead_log
"""

from __future__ import annotations

import struct
from pathlib import Path

_HEADER = struct.Struct(">IIIIIIII")
_FRAME = struct.Struct(">IIIIII")
_MAGIC = (0x377F0682, 0x377F0683)  # the last bit: checksums over big-endian words
_MASK = 0xFFFFFFFF


def has_damage(log: Path) -> bool:
    """True when the log lost something that had been written. A missing or empty log is sound."""
    try:
        data = log.read_bytes()
    except OSError:
        return False  # SQLite will say what is wrong with it
    if len(data) < _HEADER.size or not any(data[: _HEADER.size]):
        return False
    magic, _, page, _, salt1, salt2, sum1, sum2 = _HEADER.unpack_from(data)
    order = ">" if magic & 1 else "<"
    running = _checksum(data[:24], (0, 0), order)
    if magic not in _MAGIC or running != (sum1, sum2):
        return len(data) > _HEADER.size
    sound = True
    step = _FRAME.size + page
    for offset in range(_HEADER.size, len(data) - step + 1, step):
        _, size_after_commit, frame_salt1, frame_salt2, want1, want2 = _FRAME.unpack_from(data, offset)
        ours = (frame_salt1, frame_salt2) == (salt1, salt2)
        if sound:
            head = _checksum(data[offset : offset + 8], running, order)
            running = _checksum(data[offset + _FRAME.size : offset + step], head, order)
            sound = ours and running == (want1, want2)
        elif ours and size_after_commit:
            return True
    return False


def _checksum(data: bytes, start: tuple[int, int], order: str) -> tuple[int, int]:
    one, two = start
    words = struct.unpack(f"{order}{len(data) // 4}I", data)
    for index in range(0, len(words), 2):
        one = (one + words[index] + two) & _MASK
        two = (two + words[index + 1] + one) & _MASK
    return one, two
