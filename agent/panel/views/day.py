"""A day as a ribbon and as sums. Pure.

Time that no window speaks about and that is over counts as not observed, as it does everywhere else; time to come
counts as nothing. A day is cut at local midnights, so it has 23 or 25 hours when the clocks change.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from itertools import groupby

from agent.attention.schedule import Hours
from agent.attention.window import OpenWindow
from agent.panel.language import Speech
from agent.panel.views.states import STATE_NAMES
from agent.wire.summary import STATES, WINDOW_SECONDS, Window

RIBBON_HEIGHT = 72
"""Height of a full column of the ribbon in CSS pixels."""
_HOUR = 3600
_USUAL = (8, 18)
"""Hours shown of a day on which nothing says which hours matter."""
_LEAST_HOURS = 6


@dataclass(frozen=True, slots=True)
class Slice:
    """Up to five minutes from `start` (epoch seconds) over `length` seconds: seconds per state in the order of STATES."""

    start: int
    length: int
    seconds: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Bar:
    """A rectangle of the ribbon: `x` and `width` in per cent of it, `y` and `height` in pixels."""

    state: str
    x: str
    width: str
    y: str
    height: str


@dataclass(frozen=True, slots=True)
class Tick:
    """A label of the axis at `x` per cent. `rank` 1 shows always, 2 and 3 only where there is room."""

    x: str
    label: str
    rank: int


@dataclass(frozen=True, slots=True)
class Total:
    """A state's part: seconds, in words, and as a share of all that is shown."""

    state: str
    seconds: float
    time: str
    share: str


@dataclass(frozen=True, slots=True)
class HourRow:
    """One hour of the table that says the same as the ribbon: its label and the minutes per state in words."""

    label: str
    minutes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DayView:
    """All there is to show of one day. `summary` says it in one sentence for whoever does not see the ribbon; `observed`
    is the time with a verdict, in words; `now_x` is where now is, None on other days; `empty` when nobody ever looked.
    """

    day: date
    title: str
    start: str
    end: str
    bars: tuple[Bar, ...]
    ticks: tuple[Tick, ...]
    totals: tuple[Total, ...]
    hours: tuple[HourRow, ...]
    observed: str
    now_x: str | None
    ahead_x: str | None
    summary: str
    empty: bool


def bounds(day: date, zone: tzinfo) -> tuple[int, int]:
    """The day's local midnights, epoch seconds."""
    first = datetime.combine(day, time(), zone)
    after = datetime.combine(day + timedelta(days=1), time(), zone)
    return int(first.timestamp()), int(after.timestamp())


def slices(windows: Iterable[Window], open_window: OpenWindow | None, *, start: int, end: int) -> tuple[Slice, ...]:
    """What [start, end) consists of, in order and without holes: closed windows, the open one as far as it is known,
    and not observed in between. `end` is never later than now.
    """
    known = {w.start: Slice(w.start, WINDOW_SECONDS, tuple(map(float, w.seconds.values()))) for w in windows}
    if open_window is not None and open_window.start not in known:
        told = tuple(open_window.seconds[state] for state in STATES)
        length = max(1, open_window.covered_until // 1000 - open_window.start)
        known[open_window.start] = Slice(open_window.start, length, _filled(told, length))
    found: list[Slice] = []
    at = start
    for each in sorted(known.values(), key=lambda s: s.start):
        if each.start < start or each.start >= end:
            continue
        if each.start > at:
            found.append(_nothing(at, each.start - at))
        found.append(each)
        at = each.start + each.length
    if at < end:
        found.append(_nothing(at, end - at))
    return tuple(found)


def sums(parts: Iterable[Slice]) -> dict[str, float]:
    """Seconds per state."""
    totals = dict.fromkeys(STATES, 0.0)
    for part in parts:
        for state, seconds in zip(STATES, part.seconds, strict=True):
            totals[state] += seconds
    return totals


def day_view(
    say: Speech,
    day: date,
    windows: Sequence[Window],
    *,
    open_window: OpenWindow | None = None,
    now: float,
    hours: Iterable[Hours] | None = None,
) -> DayView:
    """The view of `day`. `windows` are those of the day, `hours` the agreed ones (None: at any time)."""
    midnight, after = bounds(day, say.zone)
    today = midnight <= now < after
    opened = open_window if open_window is not None and midnight <= open_window.start < after else None
    until = min(after, int(now)) if today else after
    begin, stop = _range(windows, opened, hours, midnight, after, say, now=until if today else None)
    shown = slices(windows, opened, start=begin, end=max(begin, min(stop, until)))
    totals = sums(shown)
    whole = sum(totals.values())
    observed = whole - totals["not_observed"]
    empty = observed <= 0
    x = _Scale(begin, stop)
    told = tuple(
        Total(state, totals[state], say.duration(totals[state]), say.percent(totals[state] / whole if whole else 0.0))
        for state in STATES
    )
    return DayView(
        day=day,
        title=say.day(day),
        start=say.clock(begin),
        end=say.clock(stop if until <= begin else min(stop, until)),
        bars=tuple(_bars(shown, x)),
        ticks=_ticks(say, begin, stop, x),
        totals=told,
        hours=_hour_rows(say, shown, begin),
        observed=say.duration(observed),
        now_x=x(now) if today and begin <= now <= stop else None,
        ahead_x=x(until) if today and begin <= until < stop else None,
        summary=_in_words(say, told, empty),
        empty=empty,
    )


class _Scale:
    """Moments to per cent of the shown stretch."""

    def __init__(self, start: int, end: int) -> None:
        self._start, self._length = start, max(1, end - start)

    def __call__(self, at: float) -> str:
        return f"{100 * (at - self._start) / self._length:.3f}"

    def width(self, seconds: float) -> str:
        return f"{100 * seconds / self._length:.3f}"


def _range(
    windows: Sequence[Window],
    opened: OpenWindow | None,
    hours: Iterable[Hours] | None,
    midnight: int,
    after: int,
    say: Speech,
    *,
    now: int | None,
) -> tuple[int, int]:
    """Full hours around the agreed hours and everything anybody looked at; six hours at least. On a day without agreed
    hours `now` is among them (None: another day).
    """
    seen = [(w.start, w.end) for w in windows if w.not_observed < WINDOW_SECONDS]
    if opened is not None and any(opened.seconds[state] for state in STATES if state != "not_observed"):
        seen.append((opened.start, opened.start + WINDOW_SECONDS))
    weekday = say.local(midnight).isoweekday()
    agreed = [each for each in hours or () if weekday in each.days and each.end_minute - each.start_minute < 1440]
    for each in agreed:
        seen.append((_local(midnight, each.start_minute, say), _local(midnight, each.end_minute, say)))
    if now is not None and not agreed:
        seen.append((now, now + 1))
    if not seen:
        seen = [(_local(midnight, 60 * _USUAL[0], say), _local(midnight, 60 * _USUAL[1], say))]
    first, last = min(start for start, _ in seen) - midnight, max(end for _, end in seen) - midnight
    begin = midnight + max(0, first) // _HOUR * _HOUR  # by the local clock, also in zones half an hour off
    stop = min(after, max(midnight + -(-last // _HOUR) * _HOUR, begin + _LEAST_HOURS * _HOUR))
    return max(midnight, min(begin, stop - _LEAST_HOURS * _HOUR)), stop


def _local(midnight: int, minute: int, say: Speech) -> int:
    """The moment a minute of the local day stands for, whatever the clocks do that day."""
    day = say.local(midnight).date() + timedelta(days=minute // 1440)
    return int(datetime.combine(day, time(minute % 1440 // 60, minute % 60), say.zone).timestamp())


def _nothing(start: int, length: int) -> Slice:
    return Slice(start, length, (0.0,) * (len(STATES) - 1) + (float(length),))


def _filled(seconds: tuple[float, ...], length: float) -> tuple[float, ...]:
    """With what nobody spoke about as not observed."""
    rest = max(0.0, length - sum(seconds))
    return (*seconds[:-1], seconds[-1] + rest)


def _bars(parts: Iterable[Slice], x: _Scale) -> Iterable[Bar]:
    """The columns, each a stack of its states; neighbours that are alike become one."""
    shares = [(part, tuple(round(s / part.length, 3) for s in part.seconds)) for part in parts]
    for mix, run in groupby(shares, key=lambda pair: pair[1]):
        columns = [part for part, _ in run]
        start, length = columns[0].start, sum(part.length for part in columns)
        base = float(RIBBON_HEIGHT)
        for state, share in zip(STATES, mix, strict=True):
            if share > 0:
                height = share * RIBBON_HEIGHT
                base -= height
                yield Bar(state, x(start), x.width(length), f"{max(0.0, base):.2f}", f"{height:.2f}")


def _ticks(say: Speech, begin: int, stop: int, x: _Scale) -> tuple[Tick, ...]:
    found = []
    count = (stop - begin) // _HOUR
    for i in range(count + 1):
        hour = begin + i * _HOUR
        rank = 1 if i % (3 if count <= 14 else 6) == 0 else 2 if count <= 14 or i % 3 == 0 else 3
        found.append(Tick(x(hour), say.hour(hour), rank))
    return tuple(found)


def _hour_rows(say: Speech, parts: Iterable[Slice], begin: int) -> tuple[HourRow, ...]:
    rows: dict[int, list[float]] = {}
    for part in parts:
        for start, share in _by_hour(part, begin):
            row = rows.setdefault(start, [0.0] * len(STATES))
            for i, seconds in enumerate(part.seconds):
                row[i] += seconds * share
    return tuple(
        HourRow(say.span(hour, hour + _HOUR), tuple(say.duration(s) if s else "–" for s in row))
        for hour, row in sorted(rows.items())
    )


def _by_hour(part: Slice, begin: int) -> Iterable[tuple[int, float]]:
    """The hours a slice lies in, with its share in each."""
    at, end = part.start, part.start + part.length
    while at < end:
        hour = begin + (at - begin) // _HOUR * _HOUR
        until = min(end, hour + _HOUR)
        yield hour, (until - at) / part.length
        at = until


def _in_words(say: Speech, totals: Sequence[Total], empty: bool) -> str:
    from_states: Mapping[str, str] = {total.state: total.time for total in totals if total.seconds >= 1}
    if empty:
        return say.gettext("Nothing was observed on this day.")
    return "; ".join(say.labelled(say.gettext(STATE_NAMES[state]), time) for state, time in from_states.items())
