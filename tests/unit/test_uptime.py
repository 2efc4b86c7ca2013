"""Promise: a day is called complete only when laptops had the time to deliver after the service was away."""

from __future__ import annotations

from sync_service.uptime import Uptime

HOUR = 3600


def test_absence_is_what_lies_between_two_stretches():
    uptime = Uptime([(100, 200), (300, 400), (350, 380), (500, 600)])
    assert uptime.away(0, 1000) == 200
    assert uptime.away(250, 520) == 150 and uptime.away(250, 260) == 10
    assert Uptime([]).away(0, 1000) == 0, "nothing is known of an absence"


def test_a_short_absence_is_caught_up_and_a_long_one_takes_three_days_of_presence():
    short = Uptime([(0, 10 * HOUR), (14 * HOUR, 24 * HOUR)])
    assert short.caught_up(0, 24 * HOUR)
    back = 70 * HOUR
    assert not Uptime([(-50 * HOUR, -HOUR), (back, back)]).caught_up(0, back)
    for present in range(1, 100):
        now = back + present * HOUR
        assert Uptime([(-50 * HOUR, -HOUR), (back, now)]).caught_up(0, now) is (present >= 72)
