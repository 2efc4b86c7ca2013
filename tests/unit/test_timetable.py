"""Promise: days, months and release times are the team's own, right on days of 23 and 25 hours."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.wire.documents import WorkHours
from sync_service.timetable import (
    SLOT_SECONDS,
    Timing,
    days_between,
    instant,
    local_day,
    month_of,
    next_month,
    work_slots,
)

ALL_DAY = (WorkHours((1, 2, 3, 4, 5, 6, 7), 0, 1440),)
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", date(2026, 3, 29), 23),
        ("Europe/Berlin", date(2026, 10, 25), 25),
        ("America/Havana", date(2026, 3, 8), 23),  # midnight does not exist
        ("America/Havana", date(2026, 11, 1), 25),  # midnight comes twice
        ("Australia/Lord_Howe", date(2026, 4, 5), 24.5),  # half an hour
        ("Asia/Kathmandu", date(2026, 11, 2), 24),  # +05:45
        ("Pacific/Kiritimati", date(2026, 11, 2), 24),  # +14
        ("Etc/GMT+12", date(2026, 11, 2), 24),  # -12
    ],
)
def test_a_day_has_the_hours_it_really_has(zone, day, hours):
    slots = work_slots(day, ZoneInfo(zone), ALL_DAY)
    assert len(slots) * SLOT_SECONDS == hours * 3600
    assert slots == tuple(range(slots[0], slots[-1] + 1, SLOT_SECONDS))


@settings(max_examples=60, deadline=None)
@given(
    day=st.dates(date(2026, 1, 1), date(2029, 12, 31)),
    zone=st.sampled_from(
        ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Africa/Casablanca"]
    ),
)
def test_every_quarter_hour_belongs_to_exactly_one_day(day, zone):
    place = ZoneInfo(zone)
    days = [work_slots(day + timedelta(days=n), place, ALL_DAY) for n in range(3)]
    joined = [slot for slots in days for slot in slots]
    assert joined == list(range(joined[0], joined[-1] + 1, SLOT_SECONDS))
    assert all(local_day(slot, place) == day + timedelta(days=n) for n, slots in enumerate(days) for slot in slots)


def test_quarter_hours_that_stick_out_of_the_work_hours_are_left_out():
    slots = work_slots(date(2026, 11, 2), BERLIN, (WorkHours((1,), 9 * 60 + 10, 10 * 60 + 10),))
    assert [datetime.fromtimestamp(s, BERLIN).strftime("%H:%M") for s in slots] == ["09:15", "09:30", "09:45"]


def test_slots_before_a_months_change_of_zone_are_left_out():
    all_slots = work_slots(date(2026, 11, 1), BERLIN, ALL_DAY)
    assert work_slots(date(2026, 11, 1), BERLIN, ALL_DAY, not_before=all_slots[4]) == all_slots[4:]


def test_numbers_are_fixed_at_midnight_and_shown_at_six_two_days_later_by_the_teams_clock():
    timing, day = Timing(), date(2026, 10, 24)  # the clocks go back in between
    assert datetime.fromtimestamp(timing.fixed_at(day, BERLIN), BERLIN).isoformat() == "2026-10-26T00:00:00+01:00"
    assert datetime.fromtimestamp(timing.shown_at(day, BERLIN), BERLIN).isoformat() == "2026-10-26T06:00:00+01:00"
    assert Timing.without_delay().fixed_at(day, BERLIN) == instant(date(2026, 10, 25), 0, BERLIN)


def test_nothing_is_shown_before_it_is_fixed_nor_fixed_before_the_day_is_over():
    with pytest.raises(ValueError, match="no earlier"):
        Timing(fixed_days=0)
    with pytest.raises(ValueError, match="no earlier"):
        Timing(fixed_days=2, shown_days=1)


def test_a_skipped_wall_time_is_read_with_the_offset_from_before():
    assert instant(date(2026, 3, 29), 150, BERLIN) == instant(date(2026, 3, 29), 210, BERLIN)


def test_months():
    assert month_of(date(2026, 12, 31)) == date(2026, 12, 1)
    assert next_month(date(2026, 12, 1)) == date(2027, 1, 1)
    assert next_month(date(2027, 1, 1)) == date(2027, 2, 1)
    assert len(list(days_between(date(2026, 2, 27), date(2026, 3, 1)))) == 3
