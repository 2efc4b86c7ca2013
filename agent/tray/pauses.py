"""How long the tray's pauses last. Pure: time, zone and work hours are arguments."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, time, timedelta, tzinfo

from agent.attention.schedule import Hours, within

PAUSE_MINUTES = (15, 30, 60)
MORNING = 6
"""The hour at which a pause until tomorrow ends when no work begins tomorrow."""


def tomorrow(now: float, *, hours: Iterable[Hours] | None, zone: tzinfo) -> float:
    """When a pause "until tomorrow" that is asked for at `now` ends (epoch seconds): when work first begins on the next
    local day, else at 06:00. Work that goes on over midnight does not begin there. `hours` None: no work hours are set.
    """
    day = datetime.fromtimestamp(now, zone).date() + timedelta(days=1)
    plan = tuple(hours or ())
    starts = sorted(entry.start_minute for entry in plan if day.isoweekday() in entry.days)
    for minute in starts:
        at = datetime.combine(day, time(minute // 60, minute % 60), zone).timestamp()
        if not within(plan, at - 60, zone):
            return at
    return datetime.combine(day, time(MORNING), zone).timestamp()
