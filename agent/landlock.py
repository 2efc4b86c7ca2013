"""Landlock: a process of Linux 5.13 or later gives up, for itself and for good, what it needs no more.

Here: changing any file. What may still be written to are the cameras that exist when the wall goes up. Reading is
not limited, since recordings lie anywhere. With it go, as far as the kernel's version knows them, device controls,
TCP, and signals to processes outside; and the kernel lets no confined process look into one that is not.
"""

from __future__ import annotations

import ctypes
import glob
import os
import struct

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
"""System call numbers, the same on every architecture."""
_VERSION, _PATH_BENEATH = 1, 1
_PR_SET_NO_NEW_PRIVS = 38

_EXECUTE, _WRITE_FILE, _TRUNCATE, _IOCTL_DEV = 1 << 0, 1 << 1, 1 << 14, 1 << 15
_MAKE_AND_REMOVE = 0b1111_1111_1 << 4
"""REMOVE_DIR to MAKE_SYM (linux/landlock.h)."""
_REFER = 1 << 13
_TCP = 0b11
_ABSTRACT_SOCKETS_AND_SIGNALS = 0b11


def rights(version: int) -> tuple[int, int, int]:
    """What to take away in this version of the interface: file rights, network rights, scopes."""
    files = _EXECUTE | _WRITE_FILE | _MAKE_AND_REMOVE
    files |= _REFER if version >= 2 else 0
    files |= _TRUNCATE if version >= 3 else 0
    files |= _IOCTL_DEV if version >= 5 else 0
    return files, _TCP if version >= 4 else 0, _ABSTRACT_SOCKETS_AND_SIGNALS if version >= 6 else 0


def confine(writable: str = "/dev/video*") -> bool:
    """Confine the calling thread and those it starts; False where the kernel has no Landlock or refuses.

    `writable` is the pattern of what may still be opened to write.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _VERSION)
    if version < 1:
        return False
    files, network, scopes = rights(version)
    attributes = struct.pack("=QQQ", files, network, scopes)  # an older kernel takes a longer one that ends in zeros
    ruleset = libc.syscall(_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), 0)
    if ruleset < 0:
        return False
    try:
        for path in glob.glob(writable):  # noqa: PTH207 - a pattern from the root
            _allow(libc, ruleset, path, files & (_WRITE_FILE | _IOCTL_DEV))
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        return bool(libc.syscall(_RESTRICT_SELF, ruleset, 0) == 0)
    finally:
        os.close(ruleset)


def _allow(libc: ctypes.CDLL, ruleset: int, path: str, allowed: int) -> None:
    try:
        file = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:  # unplugged this moment
        return
    try:
        libc.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, struct.pack("=Qi", allowed, file), 0)
    finally:
        os.close(file)
