"""What this process holds in memory, and giving back what only its start needed.

Loading OpenCV and ONNX Runtime runs through tens of megabytes of their code once: registering, optimising graphs. The
pages stay mapped, and count as this process's memory, until the system runs short. `release_code` unmaps them at once.
They stay in the system's file cache, so what is needed after all comes back without reading the disk. Building the
networks also leaves freed memory behind that the C library keeps for later; `release_freed` hands it back, 12 MB here.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterable, Iterator

_MAPPING = re.compile(r"([0-9a-f]+)-([0-9a-f]+) r-xp \S+ \S+ [1-9]\d*\s+/")
"""A line of /proc/PID/smaps that begins a private mapping of a file's code, not writable."""
_ANY_MAPPING = re.compile(r"[0-9a-f]+-[0-9a-f]+ ")
_MADV_DONTNEED = 4


def proportional_set_size() -> int | None:
    """Bytes of memory this process accounts for, shared pages divided; None where the system does not tell.

    Asked of the process itself: since it cannot be dumped, nobody else of this user may read it.
    """
    try:
        with open("/proc/self/smaps_rollup", encoding="ascii") as file:  # noqa: PTH123 - pathlib is no help here
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith("Pss:"))
    except (OSError, StopIteration):
        return None


def release_code() -> int:
    """Unmap the pages of library code that are as they are on disk. Returns how many bytes were asked to go; 0 where
    the system is not Linux. Takes some milliseconds; the next look takes some more, once.
    """
    try:
        with open("/proc/self/smaps", encoding="utf-8", errors="replace") as file:  # noqa: PTH123 - as above
            ranges = list(untouched_code(file))
    except OSError:
        return 0
    libc = ctypes.CDLL(None)
    for start, end in ranges:
        # A refusal leaves that mapping as it is.
        libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), _MADV_DONTNEED)
    return sum(end - start for start, end in ranges)


def release_freed() -> bool:
    """Hand memory that was freed back to the system. Returns whether there was any; never, where the C library is not
    GNU's: others have no such call.
    """
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):  # no such function; or, on Windows, no such way to ask
        return False
    return bool(trim(ctypes.c_size_t(0)))


def untouched_code(smaps: Iterable[str]) -> Iterator[tuple[int, int]]:
    """First and last address of each mapping of code of which no page was changed (those would be lost)."""
    current: tuple[int, int] | None = None
    for line in smaps:
        if _ANY_MAPPING.match(line):
            found = _MAPPING.match(line)
            current = (int(found[1], 16), int(found[2], 16)) if found else None
        elif current is not None and line.startswith("Private_Dirty:") and int(line.split()[1]) > 0:
            current = None
        elif current is not None and line.startswith("VmFlags:"):  # a mapping's last line
            yield current
            current = None
