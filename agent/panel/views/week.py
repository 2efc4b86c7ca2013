"""A week as seven bars on one scale, and which week comes before and after. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from agent.attention.schedule import Hours
from agent.attention.window import OpenWindow
from agent.panel.language import Speech
from agent.panel.views.day import DayView, day_view
from agent.wire.summary import STATES, Window

EARLIEST = date(2001, 1, 1)
"""A Monday long before anything was measured; far enough from where dates and the system's clock begin."""
_WEEK = re.compile(r"(\d{4})-W(\d{2})")


@dataclass(frozen=True, slots=True)
class WeekBar:
    """A piece of a day's bar, in per cent of the longest day."""

    state: str
    x: str
    width: str


@dataclass(frozen=True, slots=True)
class WeekDay:
    """One day of the week: its address ("2025-11-24"), its label, its bar and its times in words; `ahead` when it has
    not begun.
    """

    iso: str
    label: str
    bars: tuple[WeekBar, ...]
    times: tuple[str, ...]
    observed: str
    ahead: bool


@dataclass(frozen=True, slots=True)
class WeekView:
    """Seven days, Monday first, and the sums. `before` and `after` are addresses ("2025-W47"; "" past this week)."""

    title: str
    days: tuple[WeekDay, ...]
    totals: tuple[str, ...]
    observed: str
    before: str
    after: str


def parse_week(text: str, today: date) -> date:
    """The Monday of the week in `text` ("2025-W47"), of today's week for anything else, what is yet to come or before
    EARLIEST.
    """
    this = today - timedelta(days=today.weekday())
    match = _WEEK.fullmatch(text)
    if match is None:
        return this
    try:
        asked = date.fromisocalendar(int(match[1]), int(match[2]), 1)
    except ValueError:
        return this
    return asked if EARLIEST <= asked < this else this


def parse_day(text: str, today: date) -> date:
    """The day in `text` ("2025-11-24"), today for anything else, what is yet to come or before EARLIEST."""
    try:
        asked = date.fromisoformat(text)
    except ValueError:
        return today
    return asked if EARLIEST <= asked < today else today


def week_name(monday: date) -> str:
    """The address of the week that begins on `monday`."""
    year, week, _ = monday.isocalendar()
    return f"{year}-W{week:02d}"


def week_view(
    say: Speech,
    monday: date,
    windows: Mapping[date, Sequence[Window]],
    *,
    open_window: OpenWindow | None = None,
    now: float,
    hours: Iterable[Hours] | None = None,
) -> WeekView:
    """The week from `monday`; `windows` by local day. A past day without any window has no record: Framekeep did not run, or
    what it kept is forgotten.
    """
    plan = None if hours is None else tuple(hours)
    today = say.local(now).date()
    dates = [monday + timedelta(days=i) for i in range(7)]
    views = {
        day: day_view(say, day, windows.get(day, ()), open_window=open_window, now=now, hours=plan)
        for day in dates
        if day == today or (day < today and windows.get(day))
    }
    longest = max((sum(t.seconds for t in view.totals) for view in views.values()), default=0.0) or 1.0
    totals = dict.fromkeys(STATES, 0.0)
    for view in views.values():
        for total in view.totals:
            totals[total.state] += total.seconds
    this = today - timedelta(days=today.weekday())
    return WeekView(
        title=f"{say.short_day(monday)} – {say.short_day(dates[-1])}",
        days=tuple(_day(say, day, views.get(day), longest, ahead=day > today) for day in dates),
        totals=tuple(say.duration(totals[state]) for state in STATES),
        observed=say.duration(sum(totals.values()) - totals["not_observed"]),
        before=week_name(monday - timedelta(days=7)),
        after=week_name(monday + timedelta(days=7)) if monday < this else "",
    )


def _day(say: Speech, day: date, view: DayView | None, longest: float, *, ahead: bool) -> WeekDay:
    if view is None:
        return WeekDay(day.isoformat(), say.short_day(day), (), ("–",) * len(STATES), "–", ahead)
    bars: list[WeekBar] = []
    at = 0.0
    for total in view.totals:
        if total.seconds:
            bars.append(WeekBar(total.state, f"{100 * at / longest:.3f}", f"{100 * total.seconds / longest:.3f}"))
            at += total.seconds
    times = tuple(total.time if total.seconds else "–" for total in view.totals)
    return WeekDay(day.isoformat(), say.short_day(day), tuple(bars), times, view.observed, ahead=False)
