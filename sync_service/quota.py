"""How much one device may send. Pure but for its memory: time is an argument.

A stolen laptop's key signs whatever its thief likes; without a limit it would fill the inbox for everybody. The limit
is far above what an honest laptop needs: one that was away for 30 days has 8,640 windows in 30 envelopes or more, and
even one envelope a window would be through within eight hours.
"""

from __future__ import annotations

import math
import threading

HOUR = 3600
ENVELOPES_AN_HOUR = 1200
BYTES_AN_HOUR = 32 << 20
_MOST_REMEMBERED = 20_000


class Quota:
    """A bucket of envelopes and one of bytes for each device; both run empty evenly, within an hour. Threads may share
    it. It is forgotten with the process: an allowance, not an account.
    """

    def __init__(self, *, envelopes: int = ENVELOPES_AN_HOUR, size: int = BYTES_AN_HOUR) -> None:
        self._rates = (envelopes / HOUR, size / HOUR)
        self._used: dict[str, tuple[int, float, float]] = {}
        self._lock = threading.Lock()

    def take(self, device: str, size: int, *, now: int) -> int:
        """Take room for one envelope of `size` bytes. 0: it fits; else how many seconds to wait (nothing is taken)."""
        with self._lock:
            since, *used = self._used.get(device, (now, 0.0, 0.0))
            passed = max(0, now - since)
            wanted = [
                max(0.0, full - passed * rate) + more
                for full, rate, more in zip(used, self._rates, (1, size), strict=True)
            ]
            wait = max((full / rate - HOUR for full, rate in zip(wanted, self._rates, strict=True)), default=0.0)
            if wait > 0:
                return math.ceil(wait)
            if len(self._used) >= _MOST_REMEMBERED:
                self._used = {one: state for one, state in self._used.items() if now - state[0] < HOUR}
            self._used[device] = (now, wanted[0], wanted[1])
            return 0
