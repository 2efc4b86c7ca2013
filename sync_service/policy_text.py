"""PURE. A policy as an administrator writes and reads it: work hours such as `mon-fri 09:00-17:30`, and what would change."""

from __future__ import annotations

import re

from agent.wire.documents import Policy, WorkHours

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOURS = re.compile(r"([a-z,-]+) ([0-2]\d):([0-5]\d)-([0-2]\d):([0-5]\d)")


def parse_hours(written: str) -> WorkHours:
    """Work hours from `DAYS HH:MM-HH:MM`, where DAYS is `mon`, `mon-fri` or `mon,wed-fri`; 24:00 is the day's end.

    Raises ValueError for anything else (WireError, one of them, for hours that are none).
    """
    match = _HOURS.fullmatch(written.strip().lower())
    if match is None:
        raise ValueError(written)
    days: set[int] = set()
    for part in match[1].split(","):
        first, _, last = part.partition("-")
        start, end = _DAYS.index(first) + 1, _DAYS.index(last or first) + 1
        if end < start or part.endswith("-"):
            raise ValueError(written)
        days.update(range(start, end + 1))
    minutes = [int(match[n]) * 60 + int(match[n + 1]) for n in (2, 4)]
    return WorkHours(tuple(sorted(days)), *minutes)


def hours_text(hours: WorkHours) -> str:
    """The hours as `parse_hours` reads them."""
    runs: list[list[int]] = []
    for day in hours.days:
        if runs and day == runs[-1][-1] + 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    days = ",".join(_DAYS[run[0] - 1] + (f"-{_DAYS[run[-1] - 1]}" if len(run) > 1 else "") for run in runs)
    return f"{days} {_clock(hours.start_minute)}-{_clock(hours.end_minute)}"


def terms(policy: Policy) -> dict[str, str]:
    """What a policy says, in words."""
    return {
        "hours": "; ".join(hours_text(hours) for hours in policy.work_hours),
        "interval": f"{policy.interval_seconds} s",
        "k": str(policy.k),
        "individual_reports": "on" if policy.individual_reports else "off",
        "quit": "on" if policy.may_quit else "off",
    }


def changes(old: Policy, new: Policy) -> list[str]:
    """One line `term: old -> new` for each term that differs."""
    before, after = terms(old), terms(new)
    return [f"{name}: {before[name]} -> {after[name]}" for name in before if before[name] != after[name]]


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"
