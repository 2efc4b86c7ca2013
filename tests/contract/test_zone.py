"""Promise: local times are right on both sides of a change of the clocks, by the system's own rules, in tray and panel."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from agent.panel.language import Speech
from agent.tray.pauses import tomorrow
from agent.zone import local_zone

pytestmark = pytest.mark.skipif(not hasattr(time, "tzset"), reason="the zone cannot be set here")
BERLIN = ZoneInfo("Europe/Berlin")
HOURS_OF_A_YEAR = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=30 * each) for each in range(2 * 365 * 24)]


@pytest.fixture
def live_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    yield lambda name: monkeypatch.setenv("TZ", name)
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("name", ["Europe/Berlin", "America/St_Johns", "Asia/Kolkata", "UTC"])
def test_every_moment_of_a_year_is_what_the_zone_database_says(live_in: Callable[[str], None], name: str) -> None:
    live_in(name)
    ours, theirs = local_zone(), ZoneInfo(name)
    for moment in HOURS_OF_A_YEAR:
        local, expected = moment.astimezone(ours), moment.astimezone(theirs)
        assert local.replace(tzinfo=None) == expected.replace(tzinfo=None) and local.fold == expected.fold
        assert (local.utcoffset(), local.tzname()) == (expected.utcoffset(), expected.tzname())
        assert local.timestamp() == moment.timestamp(), "and back"


def test_a_zone_that_is_set_meanwhile_is_taken_up(live_in: Callable[[str], None]) -> None:
    live_in("UTC")
    assert datetime.fromtimestamp(0, local_zone()).hour == 0
    live_in("Asia/Tokyo")
    assert datetime.fromtimestamp(0, local_zone()).hour == 9


def test_until_tomorrow_is_six_o_clock_after_a_change_of_the_clocks_too(live_in: Callable[[str], None]) -> None:
    live_in("Europe/Berlin")
    for day, morning in (("2026-03-28", "2026-03-29"), ("2026-10-24", "2026-10-25")):
        now = datetime.fromisoformat(f"{day} 15:00").replace(tzinfo=BERLIN).timestamp()
        six = datetime.fromisoformat(f"{morning} 06:00").replace(tzinfo=BERLIN).timestamp()
        assert tomorrow(now, hours=None, zone=local_zone()) == six
        say = Speech("de", local_zone())
        assert say.clock(six) == "06:00" and say.moment(six, now).endswith(" 06:00")
