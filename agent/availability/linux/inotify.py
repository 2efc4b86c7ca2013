"""The kernel says when a file is opened or closed: inotify(7), by ctypes. Costs nothing while nothing happens."""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

_CLOSE_WRITE, _CLOSE_NOWRITE, _OPEN = 0x08, 0x10, 0x20
_ATTRIB, _CREATE, _DELETE = 0x04, 0x100, 0x200
_ONLYDIR, _NONBLOCK, _CLOEXEC = 0x01000000, os.O_NONBLOCK, os.O_CLOEXEC
"""Of sys/inotify.h."""
_BYTES = 65536
_HEAD = struct.Struct("=iIII")


@dataclass(frozen=True, slots=True)
class Event:
    """One thing the kernel told: which watch (-1: events were lost), what happened (_OPEN ...), and in a folder the name
    of the file.
    """

    watch: int
    mask: int
    name: str = ""


def parse_events(data: bytes) -> list[Event]:
    """From what is read of an inotify file: inotify_event structures with padded names (inotify(7))."""
    events, at = [], 0
    while at + _HEAD.size <= len(data):
        watch, mask, _, length = _HEAD.unpack_from(data, at)
        at += _HEAD.size
        events.append(Event(watch, mask, os.fsdecode(data[at : at + length].rstrip(b"\0"))))
        at += length
    return events


def is_one_visit(events: Sequence[Event]) -> bool:
    """Whether all that happened is that one file was opened once and closed again."""
    return (
        len(events) == 2
        and events[0].watch == events[1].watch >= 0
        and events[0].mask == _OPEN
        and events[1].mask in (_CLOSE_WRITE, _CLOSE_NOWRITE)
    )


class Inotify:
    """Watches device files for opening and closing, and their folder for devices that come and go."""

    def __init__(self, folder: Path) -> None:
        """Raises OSError when the kernel has no inotify, or the user no instance of it left."""
        self._libc = ctypes.CDLL(None, use_errno=True)
        self.fd = self._libc.inotify_init1(_NONBLOCK | _CLOEXEC)
        if self.fd < 0:
            raise _error(folder)
        self._watched: dict[Path, int] = {}
        try:
            self._add(folder, _CREATE | _DELETE | _ATTRIB | _ONLYDIR)
        except OSError:
            self.close()
            raise

    def watch(self, files: Iterable[Path]) -> bool:
        """Watch exactly these files from now on. Whether all of them can be watched."""
        wanted, complete = set(files), True
        for gone in set(self._watched) - wanted:
            self._libc.inotify_rm_watch(self.fd, self._watched.pop(gone))
        for file in wanted:  # a file that came back under its name is another one: adding again is harmless
            try:
                self._watched[file] = self._add(file, _OPEN | _CLOSE_WRITE | _CLOSE_NOWRITE)
            except OSError:
                complete = False
        return complete

    def drain(self) -> list[Event]:
        """What has been told since the last call; never waits."""
        try:
            return parse_events(os.read(self.fd, _BYTES))
        except BlockingIOError:
            return []

    def close(self) -> None:
        """Watch no more. Safe to call twice."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def _add(self, path: Path, mask: int) -> int:
        watch = self._libc.inotify_add_watch(self.fd, os.fsencode(path), ctypes.c_uint32(mask))
        if watch < 0:
            raise _error(path)
        return int(watch)


def _error(path: Path) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number), str(path))
