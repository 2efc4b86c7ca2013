"""When to seal, how much, which envelope to send next, and when it is time for what recurs. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agent.outbox.delivery import MAX_RETRY_AFTER_SECONDS, REFUSED_SECONDS, later
from agent.store.rows import EnvelopeRow
from agent.wire.summary import MAX_WINDOWS, WINDOW_SECONDS

SEAL_WINDOWS = 3
"""Windows in an envelope when all is well: 15 minutes, the grain of the service's rollups."""
JITTER_SECONDS = float(WINDOW_SECONDS)
"""Spreads a fleet's posts over five minutes; less than a window, so that an envelope holds exactly three."""
LABEL_AHEAD_SECONDS = 2 * WINDOW_SECONDS
"""A window labelled further in the future than this came from a wrong clock; it is not waited for."""
POISON_AFTER = 5
"""Failures of its own after which an envelope lets those behind it pass."""
LONGEST_WAIT_SECONDS = MAX_RETRY_AFTER_SECONDS + REFUSED_SECONDS
"""Nothing is ever postponed for longer; a later date comes from a clock that was ahead."""


def seal_at(oldest: int, device: str) -> float:
    """When (epoch seconds) the envelope that begins with the window `oldest` is sealed. It depends on that start and
    the device only: not on what was measured, nor on when the agent was restarted. So what is sent, and when, looks
    the same during a pause, and a restart does not put it off.
    """
    digest = hashlib.sha256(f"framekeep/seal-at/{device}/{oldest}".encode("ascii")).digest()
    jitter = int.from_bytes(digest[:4], "big") / 2**32 * JITTER_SECONDS
    return oldest + SEAL_WINDOWS * WINDOW_SECONDS + jitter


def seal_due(starts: Sequence[int], *, device: str, now: float) -> int:
    """How many of the unsealed windows (their starts, ascending) to seal now, 0 for none. Normally three; after a
    long time in which nothing could be sealed, up to a whole day at once.
    """
    if not starts:
        return 0
    oldest = starts[0]
    if now < seal_at(oldest, device) and oldest <= now + LABEL_AHEAD_SECONDS:
        return 0
    return SEAL_WINDOWS if len(starts) <= 2 * SEAL_WINDOWS else min(len(starts), MAX_WINDOWS)


def is_due(row: EnvelopeRow, now: float) -> bool:
    """Whether an envelope may be sent now. A next attempt impossibly far away was set while the clock was ahead."""
    return row.next_try <= now or row.next_try > now + LONGEST_WAIT_SECONDS


def pick(queue: Sequence[EnvelopeRow], faults: Mapping[int, int], now: float) -> EnvelopeRow | None:
    """The envelope to send now: the oldest. One that has to wait holds up the rest, so that everything arrives in
    order, unless it failed POISON_AFTER times by its own fault (`faults` by number): then the next may go.
    """
    for row in queue:
        if is_due(row, now):
            return row
        if faults.get(row.seq, 0) < POISON_AFTER:
            return None
    return None


@dataclass
class Timer:
    """Something done every `period` seconds, jittered, with backoff while it fails; next at `at` (epoch seconds)."""

    period: float
    at: float = 0.0
    failures: int = 0

    def due(self, now: float) -> bool:
        """Whether it is time."""
        return now >= self.at or self.at > now + 2 * self.period  # the clock went back

    def done(self, now: float, chance: float, *, ok: bool) -> None:
        """It was tried at `now`; `chance` is a random number in [0, 1)."""
        self.failures = 0 if ok else self.failures + 1
        self.at = now + self.period * (0.75 + chance / 2) if ok else later(self.failures, chance, now)
