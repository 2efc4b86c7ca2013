"""The employee's own hours: within what the policy allows, and never beyond. Pure.

Written as a person would: `Mon-Fri 09:00-12:30, 13:30-17:00; Sat 10:00-12:00`. Days are English three-letter names
whatever the panel's language, because this is a line of a settings file; the panel shows it in words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from agent.wire.documents import WorkHours

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_PART = re.compile(r"\s*([a-z]{3}(?:\s*[-,]\s*[a-z]{3})*)\s+(.+?)\s*", re.IGNORECASE)
_SPAN = re.compile(r"\s*(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})\s*")


def parse_hours(text: str) -> tuple[WorkHours, ...]:
    """The hours a person wrote; () for "". Raises ValueError ("must be ...") for anything that is not of this form."""
    if not text.strip():
        return ()
    hours: list[WorkHours] = []
    for part in text.split(";"):
        match = _PART.fullmatch(part)
        if match is None:
            raise _wrong()
        days = _days(match[1])
        for span in match[2].split(","):
            start, end = _span(span)
            hours.append(WorkHours(days, start, end))
    return tuple(hours)


def format_hours(hours: Iterable[WorkHours]) -> str:
    """The reverse of `parse_hours`."""
    by_days: dict[tuple[int, ...], list[str]] = {}
    for each in hours:
        by_days.setdefault(each.days, []).append(f"{_clock(each.start_minute)}-{_clock(each.end_minute)}")
    return "; ".join(f"{_names(days)} {', '.join(spans)}" for days, spans in by_days.items())


def common(allowed: Iterable[WorkHours], own: Iterable[WorkHours]) -> tuple[WorkHours, ...]:
    """When both apply. An empty result means never: own hours may leave nothing."""
    mine = tuple(own)
    result = []
    for each in allowed:
        for other in mine:
            days = tuple(sorted(set(each.days) & set(other.days)))
            start, end = max(each.start_minute, other.start_minute), min(each.end_minute, other.end_minute)
            if days and start < end:
                result.append(WorkHours(days, start, end))
    return tuple(result)


def _days(text: str) -> tuple[int, ...]:
    found: set[int] = set()
    for piece in text.split(","):
        ends = [name.strip().lower() for name in piece.split("-")]
        if len(ends) > 2 or any(name not in DAYS for name in ends):
            raise _wrong()
        first, last = DAYS.index(ends[0]) + 1, DAYS.index(ends[-1]) + 1
        if last < first:
            raise _wrong()
        found.update(range(first, last + 1))
    return tuple(sorted(found))


def _span(text: str) -> tuple[int, int]:
    match = _SPAN.fullmatch(text)
    if match is None:
        raise _wrong()
    start, end = int(match[1]) * 60 + int(match[2]), int(match[3]) * 60 + int(match[4])
    if int(match[2]) > 59 or int(match[4]) > 59 or not start < end <= 1440:
        raise _wrong()
    return start, end


def _names(days: tuple[int, ...]) -> str:
    names = [DAYS[day - 1].capitalize() for day in days]
    if len(days) > 2 and days[-1] - days[0] == len(days) - 1:
        return f"{names[0]}-{names[-1]}"
    return ",".join(names)


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _wrong() -> ValueError:
    return ValueError('must be like "Mon-Fri 09:00-12:30, 13:30-17:00; Sat 10:00-12:00", or "" for the policy\'s hours')
