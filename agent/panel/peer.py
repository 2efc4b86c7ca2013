"""Whose process is at the other end of a loopback connection, where the operating system tells.

Linux lists both ends of it with their users in /proc/net/tcp and tcp6. Elsewhere the answer is UNKNOWN, and the cookie
alone decides: another user cannot have it.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from enum import Enum
from pathlib import Path

TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_ESTABLISHED = {"01", "04", "05", "08"}
"""States in which the other end is open still: established, or half of it closed."""


class Peer(Enum):
    """The answer without a user's number."""

    UNKNOWN = "unknown"
    """This system does not tell."""
    GONE = "gone"
    """It tells, and there is no such connection: whoever made it has closed it."""


def peer_uid(port: int, server: int, *, tables: tuple[Path, ...] = TABLES) -> int | Peer:
    """The user who holds the end `127.0.0.1:port` of a connection to `127.0.0.1:server`."""
    if not sys.platform.startswith("linux"):
        return Peer.UNKNOWN
    readable = False
    for table in tables:
        try:
            text = table.read_text(encoding="ascii")
        except (OSError, UnicodeDecodeError):
            continue
        readable = True
        for uid in find_uid(text, port, server):
            return uid
    return Peer.GONE if readable else Peer.UNKNOWN


def find_uid(table: str, port: int, server: int) -> Iterator[int]:
    """The users in a table of the form of /proc/net/tcp. Sockets no process holds any more have inode 0 and are left
    out, because their user reads as root's.
    """
    wanted = {(_hex(address, port), _hex(address, server)) for address in _LOOPBACK}
    for line in table.splitlines()[1:]:
        fields = line.split()
        if len(fields) > 9 and (fields[1], fields[2]) in wanted and fields[3] in _ESTABLISHED and fields[9] != "0":
            yield int(fields[7])


def _hex(address: str, port: int) -> str:
    return f"{address}:{port:04X}"


def _kernel(packed: bytes) -> str:
    """An address as the kernel prints it: 32-bit words of network order, read in the machine's own."""
    words = (packed[at : at + 4] for at in range(0, len(packed), 4))
    return "".join(f"{int.from_bytes(word, sys.byteorder):08X}" for word in words)


_LOOPBACK = (
    _kernel(socket.inet_pton(socket.AF_INET, "127.0.0.1")),
    _kernel(socket.inet_pton(socket.AF_INET6, "::ffff:127.0.0.1")),
)
