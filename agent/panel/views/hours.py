"""Agreed hours in words. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import time

from babel.dates import format_time

from agent.attention.schedule import Hours
from agent.panel.language import Speech


def hours_lines(say: Speech, hours: Iterable[Hours]) -> tuple[str, ...]:
    """One line for each set of days: "Mon–Fri, 09:00–12:30 and 13:30–17:00"."""
    by_days: dict[tuple[int, ...], list[str]] = {}
    for each in sorted(hours, key=lambda h: (h.days, h.start_minute)):
        span = f"{minute(say, each.start_minute)}–{minute(say, each.end_minute)}"
        by_days.setdefault(tuple(each.days), []).append(span)
    return tuple(f"{_days(say, days)}, {', '.join(spans)}" for days, spans in by_days.items())


def minute(say: Speech, of_day: int) -> str:
    """A minute of the local day as a time; the day's end is 24:00."""
    if of_day >= 1440:
        return "24:00"
    return format_time(time(of_day // 60, of_day % 60), "short", locale=say.locale)


def _days(say: Speech, days: Sequence[int]) -> str:
    """Runs of three and more days as first–last."""
    runs: list[list[int]] = []
    for day in days:
        if runs and day == runs[-1][-1] + 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    words = []
    for run in runs:
        names = [say.weekday(day) for day in run]
        words += [f"{names[0]}–{names[-1]}"] if len(run) > 2 else names
    return ", ".join(words)
