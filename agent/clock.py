"""The two clocks. Wall time only labels windows and documents; durations come from monotonic time."""

from __future__ import annotations

import sys
import threading
import time
from typing import Protocol


class Clock(Protocol):
    """What tells the time. Tests hand in one that is moved by hand."""

    def wall(self) -> float:
        """Seconds since 1970, UTC, as the machine believes; may jump."""
        ...

    def monotonic(self) -> float:
        """Seconds since some fixed point; never goes back, and goes on while the machine sleeps."""
        ...

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Until `event` is set or `seconds` of this clock have passed; whether it is set."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def wall(self) -> float:
        """Seconds since 1970, UTC."""
        return time.time()

    def monotonic(self) -> float:
        """See `monotonic` below."""
        return monotonic()

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Until `event` is set or `seconds` have passed."""
        return event.wait(seconds)


def monotonic() -> float:
    """Seconds that never go back and include sleep, so that a suspended laptop shows as a gap.

    On Linux and macOS Python's own monotonic clock stands still during sleep; CLOCK_BOOTTIME and macOS'
    CLOCK_MONOTONIC do not. On Windows it includes sleep.
    """
    if sys.platform == "linux":
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    if sys.platform == "darwin":
        return time.clock_gettime(time.CLOCK_MONOTONIC)
    return time.monotonic()
