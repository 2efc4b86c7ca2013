"""When to look, and why not. Pure: the wall time, the time zone and a random number are arguments.

The reason for resting is for the employee's own panel; off the laptop all of them are the same NOT_OBSERVED.

Work hours are read on the local clock, as people do: on the day the clocks go forward the hour that does not
exist is simply missing, on the day they go back the hour that comes twice counts twice. Looks come at random
moments around the sampling interval, so that nobody can learn when not to be looking, and never so late that two
looks are a gap (judge.py, part 4).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, tzinfo
from enum import StrEnum
from typing import Protocol

JITTER = 0.25
"""A look comes up to this share of the interval earlier or later."""

_MINUTE = 60
_DAY = 1440
_HORIZON_MINUTES = 15 * _DAY


class Hours(Protocol):
    """Work hours as the policy states them: ISO weekdays 1 (Monday) to 7, minutes of the local day 0 to 1440.

    `end_minute` is not included and lies after `start_minute`: hours over midnight are two entries.
    """

    @property
    def days(self) -> tuple[int, ...]:
        """ISO weekdays on which these hours begin."""
        ...

    @property
    def start_minute(self) -> int:
        """First minute of the local day."""
        ...

    @property
    def end_minute(self) -> int:
        """First minute after the hours."""
        ...


class Reason(StrEnum):
    """Why nobody looks. Known on this laptop only."""

    PAUSED = "paused"
    LOCKED = "locked"
    """The screen is locked, or somebody else's screen is in front."""
    ASLEEP = "asleep"
    """The laptop goes to sleep, sleeps, or has just woken."""
    IN_CALL = "in_call"
    """Another program uses a camera."""
    LID_CLOSED = "lid_closed"
    SHUTTER_CLOSED = "shutter_closed"
    """The camera's own shutter or switch is closed."""
    ON_BATTERY = "on_battery"
    OUTSIDE_HOURS = "outside_hours"


@dataclass(frozen=True, slots=True)
class Availability:
    """What the operating system says about the laptop right now. Any of it is a reason to rest.

    What the system does not tell is False: not known is no reason to rest. `on_battery` is for a laptop whose rule is
    to rest then; where there is no such rule it stays False.
    """

    locked: bool = False
    asleep: bool = False
    in_call: bool = False
    lid_closed: bool = False
    shutter_closed: bool = False
    on_battery: bool = False

    @property
    def reason(self) -> Reason | None:
        """The reason to name to a person where there are several; None when somebody may look."""
        found = (
            (self.locked, Reason.LOCKED),
            (self.asleep, Reason.ASLEEP),
            (self.in_call, Reason.IN_CALL),
            (self.lid_closed, Reason.LID_CLOSED),
            (self.shutter_closed, Reason.SHUTTER_CLOSED),
            (self.on_battery, Reason.ON_BATTERY),
        )
        return next((reason for holds, reason in found if holds), None)


@dataclass(frozen=True, slots=True)
class Look:
    """Look at wall time `at` (epoch seconds; now, if it is not later than now)."""

    at: float


@dataclass(frozen=True, slots=True)
class Rest:
    """Do not look. `until` is the wall time at which this reason ends by itself, None when nobody knows."""

    reason: Reason
    until: float | None = None


def next_look(
    now: float,
    *,
    last_look: float | None,
    interval: float,
    random: float,
    hours: Iterable[Hours] | None,
    zone: tzinfo,
    paused_until: float | None = None,
    available: Availability | None = None,
) -> Look | Rest:
    """When to look next, or why not.

    `now` and `last_look` are epoch seconds (`last_look` None: none yet), `random` is in [0, 1), `hours` None means
    at any time (replay; an empty collection means never). `paused_until` may be infinite. A `last_look` in the
    future, after the clock was set back, counts as none.
    """
    reason = (available or Availability()).reason
    if paused_until is not None and now < paused_until:
        return Rest(Reason.PAUSED, paused_until if paused_until != float("inf") else None)
    if reason is not None:
        return Rest(reason)
    plan = None if hours is None else tuple(hours)
    if plan is not None and not within(plan, now, zone):
        return Rest(Reason.OUTSIDE_HOURS, next_opening(plan, now, zone))
    if last_look is None or last_look > now:
        return Look(now)
    return Look(max(now, last_look + interval * (1 + JITTER * (2 * random - 1))))


def within(hours: Iterable[Hours], at: float, zone: tzinfo) -> bool:
    """Whether the local clock shows a time inside the work hours."""
    local = datetime.fromtimestamp(at, zone)
    day, minute = local.isoweekday(), local.hour * 60 + local.minute
    return any(day in h.days and h.start_minute <= minute < h.end_minute for h in hours)


def next_opening(hours: Iterable[Hours], after: float, zone: tzinfo) -> float | None:
    """The next full minute inside the work hours (epoch seconds), None when there is none within 15 days.

    It simply walks the minutes: the one way that is right on every day of clock change, and some 20 ms at worst.
    """
    plan = tuple(hours)
    if not plan:
        return None
    first = (int(after) // _MINUTE + 1) * _MINUTE
    for at in range(first, first + _HORIZON_MINUTES * _MINUTE, _MINUTE):
        if within(plan, at, zone):
            return float(at)
    return None
