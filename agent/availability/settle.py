"""Signals that flap must not make the camera light blink. Pure: time is an argument.

One rests at once, since a camera wanted elsewhere must be free at once and a locked screen is nobody's business; one
goes on only after `CALM_SECONDS` in which the reason did not come back. So the light goes off at most once in that time
whatever a signal does, and after waking the camera has a moment to be found again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

CALM_SECONDS = 3.0
"""How long a reason must be gone before somebody looks again."""


class Signal(StrEnum):
    """One thing the system can tell; the value is the field of `Availability`."""

    LOCKED = "locked"
    ASLEEP = "asleep"
    IN_CALL = "in_call"
    LID_CLOSED = "lid_closed"
    SHUTTER_CLOSED = "shutter_closed"
    ON_BATTERY = "on_battery"


@dataclass(frozen=True, slots=True)
class Settled:
    """The signals in force, with the monotonic seconds at which each was last seen."""

    seen: Mapping[Signal, float] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def signals(self) -> frozenset[Signal]:
        """What is in force."""
        return frozenset(self.seen)


def settle(before: Settled, raw: frozenset[Signal], now: float, calm: float = CALM_SECONDS) -> Settled:
    """What is in force at `now` (monotonic seconds), given what was before and what the system says.

    A time before that of an earlier call counts as no time passed.
    """
    lasting = {signal: at for signal, at in before.seen.items() if now - at < calm}
    return Settled(MappingProxyType({**lasting, **dict.fromkeys(raw, now)}))
