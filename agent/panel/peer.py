"""Whose process is at the other end of a loopback connection, where the operating system tells.

Linux lists both ends of it with their users in /proc/net/tcp and tcp6. Elsewhere the answer is UNKNOWN, and the cookie
alone decides: another user cannot have it.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Collection, Mapping
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


def peer_uids(ports: Collection[int], server: int, *, tables: tuple[Path, ...] = TABLES) -> Mapping[int, int | Peer]:
    """For each of `ports` the user who holds the end `127.0.0.1:port` of a connection to `127.0.0.1:server`. Each table is
    read once at most, however many are asked for.
    """
    if not sys.platform.startswith("linux"):
        return dict.fromkeys(ports, Peer.UNKNOWN)
    found: dict[int, int] = {}
    readable = False
    for table in tables:
        try:
            text = table.read_text(encoding="ascii")
        except (OSError, UnicodeDecodeError):
            continue
        readable = True
        found = {**find_uids(text, server), **found}
        if all(port in found for port in ports):
            break
    return {port: found.get(port, Peer.GONE if readable else Peer.UNKNOWN) for port in ports}


def find_uids(table: str, server: int) -> Mapping[int, int]:
    """The clients' ports and users in a table of the form of /proc/net/tcp. Sockets no process holds any more have inode 0
    and are left out, because their user reads as root's.
    """
    ends = {f"{address}:{server:04X}": f"{address}:" for address in _LOOPBACK}
    found: dict[int, int] = {}
    mark = f":{server:04X} "
    for line in table.splitlines()[1:]:
        if mark not in line:  # most lines of a large table, without taking them apart
            continue
        fields = line.split(None, 10)
        if len(fields) < 10 or fields[3] not in _ESTABLISHED or fields[9] == "0":
            continue
        client = ends.get(fields[2])
        if client is not None and fields[1].startswith(client):
            found.setdefault(int(fields[1][len(client) :], 16), int(fields[7]))
    return found


def _kernel(packed: bytes) -> str:
    """An address as the kernel prints it: 32-bit words of network order, read in the machine's own."""
    words = (packed[at : at + 4] for at in range(0, len(packed), 4))
    return "".join(f"{int.from_bytes(word, sys.byteorder):08X}" for word in words)


_LOOPBACK = (
    _kernel(socket.inet_pton(socket.AF_INET, "127.0.0.1")),
    _kernel(socket.inet_pton(socket.AF_INET6, "::ffff:127.0.0.1")),
)
