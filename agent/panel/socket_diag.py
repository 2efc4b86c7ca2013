"""Whose one loopback connection is, asked of Linux by its two ends (sock_diag(7)): some microseconds, however many there are.

The numbers are those of linux/netlink.h, linux/sock_diag.h and linux/inet_diag.h.
"""

from __future__ import annotations

import errno
import socket
import struct
import sys

from agent.panel.peer import Peer

_SOCK_DIAG = 4
_BY_FAMILY = 20
_ERROR = 2
_REQUEST = 1
_HEADER = struct.Struct("=IHHII")
"""Length, type, flags, number, sender."""
_WANTED = struct.Struct("=BBBxI")
"""Family, protocol, extensions, states."""
_ENDS = struct.Struct("!HH16s16s4x8s")
"""Both ports, both addresses, no interface, no cookie."""
_FOUND = struct.Struct("=BBxx48x12xII")
"""Family, state, the ends, timers and queues, user, inode."""
_ANY_STATE = 0xFFFFFFFF
_NO_COOKIE = b"\xff" * 8
_OPEN = {1, 4, 5, 8}
"""Established, or half of it closed; as in peer.py."""
_PATIENCE = 0.05
"""Seconds; the kernel answers before the question returns."""


def diagnose(port: int, server: int) -> int | Peer | None:
    """The user who holds the end `127.0.0.1:port` of a connection to `127.0.0.1:server`; None where it cannot be asked."""
    if not sys.platform.startswith("linux"):
        return None
    loopback = socket.inet_aton("127.0.0.1").ljust(16, b"\0")
    question = _WANTED.pack(socket.AF_INET, socket.IPPROTO_TCP, 0, _ANY_STATE)
    question += _ENDS.pack(port, server, loopback, loopback, _NO_COOKIE)
    head = _HEADER.pack(_HEADER.size + len(question), _BY_FAMILY, _REQUEST, 1, 0)
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _SOCK_DIAG) as kernel:
            kernel.settimeout(_PATIENCE)
            kernel.sendto(head + question, (0, 0))
            return parse(kernel.recv(4096))
    except OSError:  # forbidden here, or not built in
        return None


def parse(answer: bytes) -> int | Peer | None:
    """What the kernel's answer says."""
    if len(answer) < _HEADER.size + 4:
        return None
    kind, rest = _HEADER.unpack_from(answer)[1], answer[_HEADER.size :]
    if kind == _ERROR:
        (code,) = struct.unpack_from("=i", rest)
        return Peer.GONE if code == -errno.ENOENT else None
    if kind != _BY_FAMILY or len(rest) < _FOUND.size:
        return None
    _, state, uid, inode = _FOUND.unpack_from(rest)
    return int(uid) if state in _OPEN and inode else Peer.GONE
