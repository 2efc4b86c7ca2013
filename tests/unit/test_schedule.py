"""Holds the promise that nobody looks outside the agreed hours, on days of clock change either, and that looks
come at random moments but never so late that they leave a gap.
"""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.attention.schedule import Availability, Look, Reason, Rest, next_look, next_opening, within
from agent.wire.documents import WorkHours
from agent.wire.errors import Malformed

BERLIN = ZoneInfo("Europe/Berlin")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")  # half an hour of daylight saving


OFFICE = (WorkHours((1, 2, 3, 4, 5), 9 * 60, 17 * 60),)
ALWAYS = tuple(range(1, 8))


def local(text: str, zone: ZoneInfo = BERLIN, fold: int = 0) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold).timestamp()


def ask(now: float, **given: object) -> Look | Rest:
    settings: dict[str, object] = {"last_look": None, "interval": 10.0, "random": 0.5, "hours": OFFICE, "zone": BERLIN}
    return next_look(now, **{**settings, **given})  # type: ignore[arg-type]  # settings of several types in one dict


def test_inside_the_hours_we_look_and_outside_we_rest_until_they_open() -> None:
    monday = local("2026-11-23T10:00")
    assert ask(monday) == Look(monday)
    assert ask(local("2026-11-23T17:00")) == Rest(Reason.OUTSIDE_HOURS, local("2026-11-24T09:00"))
    assert ask(local("2026-11-27T18:00")) == Rest(Reason.OUTSIDE_HOURS, local("2026-11-30T09:00"))
    assert ask(monday, hours=()) == Rest(Reason.OUTSIDE_HOURS, None)
    assert ask(local("2026-11-28T03:00"), hours=None) == Look(local("2026-11-28T03:00"))


def test_pause_comes_first_and_tells_its_end() -> None:
    now = local("2026-11-23T10:00")
    assert ask(now, paused_until=now + 60, available=Availability(locked=True)) == Rest(Reason.PAUSED, now + 60)
    assert ask(now, paused_until=float("inf")) == Rest(Reason.PAUSED, None)
    assert ask(now, paused_until=now) == Look(now)


def test_lock_sleep_call_lid_shutter_and_battery() -> None:
    now = local("2026-11-23T10:00")
    assert ask(now, available=Availability(locked=True, in_call=True)) == Rest(Reason.LOCKED)
    assert ask(now, available=Availability(asleep=True, lid_closed=True)) == Rest(Reason.ASLEEP)
    assert ask(now, available=Availability(in_call=True)) == Rest(Reason.IN_CALL)
    assert ask(now, available=Availability(lid_closed=True)) == Rest(Reason.LID_CLOSED)
    assert ask(now, available=Availability(shutter_closed=True)) == Rest(Reason.SHUTTER_CLOSED)
    assert ask(now, available=Availability(on_battery=True)) == Rest(Reason.ON_BATTERY)
    assert ask(now, available=Availability()) == Look(now)


@pytest.mark.parametrize("name", [field.name for field in fields(Availability)])
def test_whatever_the_system_says_is_a_reason_to_rest(name: str) -> None:
    """A signal added without a reason would be looked past."""
    reason = Availability(**{name: True}).reason
    assert reason is not None and reason.value == name
    assert ask(local("2026-11-23T10:00"), available=Availability(**{name: True})) == Rest(reason)


def test_a_night_shift_is_two_entries() -> None:
    nights = (WorkHours((5,), 22 * 60, 1440), WorkHours((6,), 0, 6 * 60))
    assert within(nights, local("2026-11-27T23:59"), BERLIN)
    assert within(nights, local("2026-11-28T05:59"), BERLIN)
    assert not within(nights, local("2026-11-28T06:00"), BERLIN)
    assert not within(nights, local("2026-11-27T05:00"), BERLIN)


def test_hours_the_policy_cannot_state_are_none() -> None:
    with pytest.raises(Malformed):
        WorkHours((5,), 22 * 60, 6 * 60)


def hours_in_day(hours: WorkHours, day: str, zone: ZoneInfo) -> float:
    noon = local(f"{day}T12:00", zone)
    minutes = range(int(noon) - 20 * 3600, int(noon) + 20 * 3600, 60)
    same_day = (t for t in minutes if datetime.fromtimestamp(t, zone).date().isoformat() == day)
    return sum(within((hours,), t, zone) for t in same_day) / 60


def test_days_of_23_and_25_hours() -> None:
    assert hours_in_day(WorkHours(ALWAYS, 0, 1440), "2026-03-29", BERLIN) == 23
    assert hours_in_day(WorkHours(ALWAYS, 0, 1440), "2026-10-25", BERLIN) == 25
    assert hours_in_day(WorkHours(ALWAYS, 60, 240), "2026-03-29", BERLIN) == 2
    assert hours_in_day(WorkHours(ALWAYS, 60, 240), "2026-10-25", BERLIN) == 4
    assert hours_in_day(WorkHours(ALWAYS, 0, 1440), "2026-04-05", LORD_HOWE) == 24.5


def test_hours_that_begin_in_the_hour_that_does_not_exist() -> None:
    early = (WorkHours(ALWAYS, 2 * 60 + 30, 5 * 60),)
    opening = next_opening(early, local("2026-03-29T01:00"), BERLIN)
    assert opening == datetime(2026, 3, 29, 1, 0, tzinfo=UTC).timestamp()  # 03:00 in Berlin, the first minute after


def test_hours_that_the_clock_change_swallows_whole_open_the_week_after() -> None:
    sundays = (WorkHours((7,), 2 * 60 + 10, 2 * 60 + 50),)
    assert next_opening(sundays, local("2026-03-22T04:00"), BERLIN) == local("2026-04-05T02:10")


def test_hours_inside_the_hour_that_comes_twice_open_twice() -> None:
    early = (WorkHours(ALWAYS, 2 * 60, 2 * 60 + 30),)
    first = local("2026-10-25T02:00")
    assert next_opening(early, local("2026-10-25T01:00"), BERLIN) == first
    assert next_opening(early, first + 45 * 60, BERLIN) == local("2026-10-25T02:00", fold=1) == first + 3600


def test_a_clock_set_back_does_not_delay_the_next_look() -> None:
    now = local("2026-11-23T10:00")
    assert ask(now, last_look=now + 3600) == Look(now)


@given(st.floats(1.7e9, 1.9e9), st.floats(0, 0.999999), st.floats(0.5, 300), st.floats(0, 700))
def test_looks_are_random_but_never_leave_a_gap(now: float, random: float, interval: float, ago: float) -> None:
    look = ask(now, hours=None, last_look=now - ago, interval=interval, random=random)
    assert isinstance(look, Look)
    assert look.at >= now
    assert look.at == now or 0.7 * interval <= look.at - (now - ago) <= 1.3 * interval < 2 * interval


@given(
    st.integers(1_766_000_000, 1_800_000_000),
    st.sets(st.integers(1, 7), min_size=1),
    st.tuples(st.integers(0, 1440), st.integers(0, 1440)).filter(lambda ends: ends[0] != ends[1]),
    st.sampled_from([BERLIN, LORD_HOWE, ZoneInfo("UTC"), ZoneInfo("America/St_Johns")]),
)
def test_the_opening_is_inside_and_the_minute_before_is_not(
    after: int, days: set[int], ends: tuple[int, int], zone: ZoneInfo
) -> None:
    hours = (WorkHours(tuple(sorted(days)), min(ends), max(ends)),)
    opening = next_opening(hours, float(after), zone)
    assert opening is not None
    assert opening > after and within(hours, opening, zone)
    assert opening - 60 <= after or not within(hours, opening - 60, zone)
