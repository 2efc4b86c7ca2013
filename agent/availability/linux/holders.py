"""Which other programs have a camera open: the open files of this user's processes, in /proc.

A program of another user is not seen, nor one that hides its files even from its own user. The open of a camera is
told by the kernel the moment it happens (inotify.py), so this runs only then.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

PROC = "/proc"
MEDIA_SERVERS = frozenset({"pipewire", "wireplumber", "pipewire-media-"})
"""Names (at most 15 letters, as the kernel keeps them) of programs that open cameras for others, and some versions of
which keep every camera open all the time."""


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that has a camera open, as its file number `fd`."""

    pid: int
    fd: int
    name: str = ""


def find_holders(devices: Collection[Path], ours: int, proc: str = PROC) -> tuple[Holder, ...]:
    """Who has one of `devices` open, the process `ours` and its descendants left out. Never raises.

    Costs a system call for each open file of the user, some milliseconds on a busy desktop.
    """
    known = {key for device in devices if (key := _identity(str(device)))}
    names = {device.name for device in devices}
    if not known:
        return ()
    found: list[Holder] = []
    for pid in _processes(proc):
        fds = _open_as(f"{proc}/{pid}/fd", names, known)
        if fds and not _descends(pid, ours, proc):
            found += [Holder(pid, fd, _name(pid, proc)) for fd in fds]
    return tuple(found)


def still_held(holders: Iterable[Holder], devices: Collection[Path], proc: str = PROC) -> bool:
    """Whether any of these still has a camera open as the same file. Microseconds."""
    names, known = {device.name for device in devices}, {key for each in devices if (key := _identity(str(each)))}
    return any(_is_device(f"{proc}/{each.pid}/fd/{each.fd}", names, known) for each in holders)


def _processes(proc: str) -> list[int]:
    try:
        return [int(entry.name) for entry in os.scandir(proc) if entry.name.isdecimal()]
    except OSError:
        return []


def _open_as(folder: str, names: Collection[str], known: Collection[tuple[int, int]]) -> list[int]:
    try:
        return [int(each.name) for each in os.scandir(folder) if _is_device(each.path, names, known)]
    except OSError:  # gone meanwhile, or not ours to see
        return []


def _is_device(link: str, names: Collection[str], known: Collection[tuple[int, int]]) -> bool:
    """Whether an open file is one of the devices: by its name first, which is cheap, then by what it is."""
    try:
        target = os.readlink(link)  # noqa: PTH115  ten thousands of them: a Path for each takes three times as long
    except OSError:
        return False
    return target.rpartition("/")[2] in names and _identity(link) in known


def _identity(path: str) -> tuple[int, int] | None:
    """What a path stands for, the same through any link: a device's number, or a file's."""
    try:
        status = os.stat(path)  # noqa: PTH116  as above
    except OSError:
        return None
    return (-1, status.st_rdev) if stat.S_ISCHR(status.st_mode) else (status.st_dev, status.st_ino)


def _descends(pid: int, ancestor: int, proc: str) -> bool:
    for _ in range(64):
        if pid == ancestor:
            return True
        if pid <= 1:
            return False
        pid = _parent(pid, proc)
    return False


def _parent(pid: int, proc: str) -> int:
    try:
        return parent_in(Path(f"{proc}/{pid}/stat").read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return 0


def parent_in(text: str) -> int:
    """The parent's process id in a process's `stat` (proc_pid_stat(5)); the name before it may hold anything, spaces
    and brackets too. 0 when the text is nothing of the kind.
    """
    words = text.rpartition(")")[2].split()
    return int(words[1]) if len(words) > 1 and words[1].isdecimal() else 0


def _name(pid: int, proc: str) -> str:
    try:
        return Path(f"{proc}/{pid}/comm").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
