"""Promise: a day's ribbon and sums hide nothing: what nobody looked at is not observed, what could not be told stays so, and
the seconds shown sum to the time that has passed, on days of 23 and 25 hours too.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from agent.attention.window import OpenWindow
from agent.panel.language import Speech
from agent.panel.views.day import RIBBON_HEIGHT, DayView, bounds, day_view, slices, sums
from agent.panel.views.week import parse_day, parse_week, week_name, week_view
from agent.wire.documents import WorkHours
from agent.wire.summary import STATES, Window

DAY = date(2025, 11, 27)
NINE = int(datetime(2025, 11, 27, 9, tzinfo=UTC).timestamp())
HOURS = (WorkHours((1, 2, 3, 4, 5), 9 * 60, 17 * 60),)
SAY = Speech("en", UTC)


def seconds(view: DayView) -> dict[str, float]:
    return {total.state: total.seconds for total in view.totals}


def test_time_without_a_window_is_not_observed() -> None:
    windows = [Window(NINE + 3600, at_screen=300, frames=30)]
    view = day_view(SAY, DAY, windows, now=NINE + 2 * 3600, hours=HOURS)
    assert seconds(view)["not_observed"] == 2 * 3600 - 300
    assert seconds(view)["at_screen"] == 300
    assert sum(seconds(view).values()) == 2 * 3600, "what passed, no more"
    assert view.observed == "5\u00a0min"


def test_time_to_come_counts_as_nothing() -> None:
    view = day_view(SAY, DAY, [], now=NINE + 1800, hours=HOURS)
    assert sum(seconds(view).values()) == 1800
    assert (view.start, view.end) == ("09:00", "09:30")
    assert view.now_x is not None and float(view.now_x) == pytest.approx(100 * 1800 / (8 * 3600), abs=0.01)
    assert view.empty and view.summary == "Nothing was observed on this day."


def test_another_day_is_shown_whole_and_has_no_now() -> None:
    view = day_view(SAY, DAY, [], now=NINE + 10 * 86400, hours=HOURS)
    assert view.now_x is None and view.ahead_x is None
    assert sum(seconds(view).values()) == 8 * 3600


def test_the_open_window_counts_as_far_as_it_is_known() -> None:
    opened = OpenWindow(NINE, (60_000, 0, 0, 0, 20_000, 0), 8, (NINE + 100) * 1000)
    view = day_view(SAY, DAY, [], open_window=opened, now=NINE + 110, hours=HOURS)
    shown = seconds(view)
    assert (shown["at_screen"], shown["unknown"]) == (60, 20)
    assert shown["not_observed"] == 20 + 10, "20 s nobody spoke about and 10 s since"


def test_a_window_that_was_closed_meanwhile_is_counted_once() -> None:
    opened = OpenWindow(NINE, (60_000, 0, 0, 0, 0, 0), 8, (NINE + 60) * 1000)
    parts = slices([Window(NINE, at_screen=300)], opened, start=NINE, end=NINE + 300)
    assert sums(parts)["at_screen"] == 300 and len(parts) == 1


def test_columns_are_stacked_to_the_full_height_and_cover_the_time_that_passed() -> None:
    windows = [
        Window(NINE, at_screen=150, on_phone=100, unknown=50),
        Window(NINE + 300, at_screen=150, on_phone=100, unknown=50),
        Window(NINE + 600, absent=300),
    ]
    view = day_view(SAY, DAY, windows, now=NINE + 900, hours=HOURS)
    columns: dict[str, float] = {}
    for bar in view.bars:
        columns[bar.x] = columns.get(bar.x, 0) + float(bar.height)
        assert float(bar.y) + float(bar.height) <= RIBBON_HEIGHT + 0.02
    assert len(columns) == 2, "neighbours that are alike are one"
    assert all(height == pytest.approx(RIBBON_HEIGHT, abs=0.05) for height in columns.values())
    widths = {bar.x: float(bar.width) for bar in view.bars}
    assert sum(widths.values()) == pytest.approx(float(view.ahead_x or 0), abs=0.01)


def test_work_outside_the_agreed_hours_is_shown_too() -> None:
    early = Window(NINE - 2 * 3600, at_screen=300)
    view = day_view(SAY, DAY, [early], now=NINE + 3600, hours=HOURS)
    assert view.start == "07:00" and seconds(view)["at_screen"] == 300


def test_a_look_in_the_evening_does_not_stretch_an_agreed_day() -> None:
    view = day_view(SAY, DAY, [Window(NINE, at_screen=300)], now=NINE + 13 * 3600, hours=HOURS)
    assert (view.start, view.end) == ("09:00", "17:00") and view.now_x is None
    assert seconds(view)["not_observed"] == 8 * 3600 - 300


def test_before_the_agreed_hours_there_is_nothing_to_count() -> None:
    view = day_view(SAY, DAY, [], now=NINE - 3 * 3600, hours=HOURS)
    assert (view.start, view.end) == ("09:00", "17:00") and sum(seconds(view).values()) == 0


def test_without_agreed_hours_now_is_on_the_ribbon() -> None:
    for hour in (5, 23):
        view = day_view(SAY, DAY, [], now=NINE + (hour - 9) * 3600 + 600)
        assert view.now_x is not None and view.start <= f"{hour:02d}:10"


def test_rows_of_hours_say_the_same_as_the_totals() -> None:
    windows = [Window(NINE + 300 * n, at_screen=200, absent=100) for n in range(20)]
    view = day_view(SAY, DAY, windows, now=NINE + 2 * 3600, hours=HOURS)
    assert [row.label for row in view.hours] == ["09:00–10:00", "10:00–11:00"]
    assert view.hours[0].minutes[0] == "40\u00a0min"


@pytest.mark.parametrize(("day", "hours"), [(date(2025, 3, 30), 23), (date(2025, 10, 26), 25), (DAY, 24)])
def test_a_day_has_as_many_hours_as_it_has(day: date, hours: int) -> None:
    zone = ZoneInfo("Europe/Berlin")
    start, end = bounds(day, zone)
    assert end - start == hours * 3600
    all_day = [Window(at, at_screen=300) for at in range(start, end, 300)]
    view = day_view(Speech("de", zone), day, all_day, now=end + 86400)
    assert seconds(view)["at_screen"] == hours * 3600


def test_ticks_stand_at_full_hours_of_the_local_clock() -> None:
    say = Speech("en", ZoneInfo("Asia/Kolkata"))
    view = day_view(say, DAY, [], now=NINE, hours=HOURS)
    assert (view.start, view.ticks[0].label, view.ticks[-1].label) == ("09:00", "9", "17")


def test_the_week_begins_on_monday_and_sums_what_passed() -> None:
    monday = date(2025, 11, 24)
    windows = {DAY: [Window(NINE, at_screen=300)], monday: [Window(NINE - 3 * 86400, absent=300)]}
    week = week_view(SAY, monday, windows, now=NINE + 3600, hours=HOURS)
    assert [day.iso for day in week.days] == [(monday + timedelta(days=n)).isoformat() for n in range(7)]
    assert [day.ahead for day in week.days] == [False] * 4 + [True] * 3
    assert week.totals[STATES.index("at_screen")] == "5\u00a0min"
    assert week.observed == "10\u00a0min"
    assert week.days[1].times == ("–",) * 6, "no record is not the same as not observed"
    assert (week.before, week.after) == ("2025-W47", "")
    for day in week.days[:4]:
        assert sum(float(bar.width) for bar in day.bars) <= 100.01


@pytest.mark.parametrize("text", ["", "2025", "2025-W99", "9999-W01", "2025-W49", "<script>"])
def test_a_week_nobody_can_mean_is_this_one(text: str) -> None:
    assert week_name(parse_week(text, DAY)) == "2025-W48"


def test_a_past_week_is_found() -> None:
    assert parse_week("2025-W01", DAY) == date(2024, 12, 30)


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago"])
@pytest.mark.parametrize(("day", "week"), [("0001-01-01", "0001-W01"), ("9999-12-31", "9999-W52"), ("x", "2025-W99")])
def test_days_no_clock_shows_are_today(day: str, week: str, zone: str) -> None:
    assert parse_day(day, DAY) == DAY
    assert week_name(parse_week(week, DAY)) == "2025-W48"
    assert parse_day("2001-01-01", DAY) == date(2001, 1, 1)
    for first in (parse_day("2001-01-01", DAY), parse_week("2001-W01", DAY)):
        start, end = bounds(first, ZoneInfo(zone))
        assert end - start == 86400
