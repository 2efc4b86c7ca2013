"""What a process costs: its memory and its processor time, all processes below it counted."""

from __future__ import annotations

import psutil


def memory(pid: int) -> int:
    """Bytes of a process and all below it: proportional set size, resident size where the system does not tell.

    Raises psutil.NoSuchProcess when it ended.
    """
    return sum(_size(process) for process in _family(pid))


def cpu_seconds(pid: int) -> float:
    """Processor seconds of a process and all below it so far, in the system's ticks (10 ms on Linux).

    Raises psutil.NoSuchProcess when it ended.
    """
    return sum(times.user + times.system for times in (process.cpu_times() for process in _family(pid)))


def _family(pid: int) -> list[psutil.Process]:
    parent = psutil.Process(pid)
    return [parent, *parent.children(recursive=True)]


def _size(process: psutil.Process) -> int:
    try:
        full = process.memory_full_info()
    except psutil.AccessDenied:  # it closed its memory to others (sandbox.shield)
        return int(process.memory_info().rss)
    return int(getattr(full, "pss", full.rss))
