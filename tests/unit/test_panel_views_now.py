"""Promise: what the panel says about now cannot be read two ways: the last look is told with its phone, confidence claims no
more than is known, an hour the clock shows twice has two names, and a form never offers time to come.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from agent.attention import meter
from agent.attention.baseline import Origin
from agent.attention.explain import explain
from agent.attention.meter import Meter
from agent.attention.observation import Lens, Observation, Phone
from agent.attention.rules import Rules
from agent.check import Neutral
from agent.errors import FramekeepError, StoreError, UsageError
from agent.outbox.link import ServiceUnreachable
from agent.outbox.signed import refused
from agent.panel.language import Speech
from agent.panel.pages.contest import usual_stretch
from agent.panel.statuses import status_of
from agent.panel.views.check import neutral_words
from agent.panel.views.day import bounds, day_view
from agent.panel.views.notice import notice
from agent.panel.views.why import Why, why
from agent.wire.summary import Window
from tests.builders import NOW, Organisation
from tests.panel_scenes import LOOK, TURNED

SAY = Speech("en", UTC)
RULES = Rules(interval=10.0)
ON_PHONE = replace(LOOK, phones=(Phone((300, 330, 360, 420), 0.9),))
"""A face turned to the screen, and a phone in the hand."""
DARK = replace(LOOK, lens=Lens.DARK)


def told(*looks: Observation, newest: bool = False) -> Why:
    carried = Meter()
    for number, look in enumerate(looks):
        at = 1000.0 + 10 * number
        carried, _ = meter.look(carried, replace(look, at=at), at, NOW + 10.0 * number, RULES)
    now = NOW + 10.0 * len(looks)
    latest = (now, explain(TURNED, carried.judge, RULES, 1000.0 + 10 * len(looks))) if newest else None
    said = why(SAY, carried, latest, RULES, now=now)
    assert said is not None
    return said


def test_the_last_look_is_told_with_its_phone() -> None:
    said = told(*[ON_PHONE] * 5)
    assert (said.key, "high" in said.firmness) == ("on_phone", True)
    assert "saw a mobile phone in somebody's hand" in said.signals[0]
    assert not any("turned to the screen" in signal for signal in said.signals)


def test_the_last_look_and_its_reasons_are_one_look() -> None:
    said = told(LOOK, LOOK, LOOK, newest=True)
    assert "saw a head turned or bowed away" in said.signals[0]
    assert any("This look alone says: looking away" in signal for signal in said.signals)


def test_one_dark_picture_claims_no_confidence() -> None:
    said = told(LOOK, LOOK, LOOK, DARK)
    assert said.key == "unknown" and "Confidence" not in said.firmness


@pytest.mark.parametrize(
    ("zone", "day", "labels"),
    [
        ("Europe/Berlin", date(2026, 10, 25), ("01:00\u00a0CEST–02:00\u00a0CEST", "02:00\u00a0CEST–02:00\u00a0CET")),
        ("Europe/Berlin", date(2026, 3, 29), ("00:00–01:00", "01:00\u00a0CET–03:00\u00a0CEST")),
        ("America/New_York", date(2026, 11, 1), ("01:00\u00a0EDT–01:00\u00a0EST", "01:00\u00a0EST–02:00\u00a0EST")),
    ],
)
def test_an_hour_the_clock_shows_twice_has_two_names(zone: str, day: date, labels: tuple[str, str]) -> None:
    say = Speech("en", ZoneInfo(zone))
    start, end = bounds(day, say.zone)
    view = day_view(say, day, [Window(at, at_screen=300) for at in range(start, end, 300)], now=end + 86400)
    shown = [row.label for row in view.hours]
    assert set(labels) <= set(shown) and len(set(shown)) == len(shown)


@pytest.mark.parametrize(
    ("now", "day", "stretch"),
    [
        ("2025-11-27T14:22", None, (date(2025, 11, 27), 13 * 60 + 15, 14 * 60 + 15)),
        ("2025-11-27T00:40", None, (date(2025, 11, 27), 0, 30)),
        ("2025-11-27T00:04", None, (date(2025, 11, 26), 23 * 60, 24 * 60)),
        ("2025-11-27T08:05", date(2025, 11, 27), (date(2025, 11, 27), 7 * 60, 8 * 60)),
        ("2025-11-27T08:05", date(2025, 11, 25), (date(2025, 11, 25), 9 * 60, 10 * 60)),
    ],
)
def test_what_can_be_contested_at_first_is_over(now: str, day: date | None, stretch: tuple[date, int, int]) -> None:
    assert usual_stretch(datetime.fromisoformat(now), day) == stretch


def test_one_degree_is_one() -> None:
    assert "1 degree to the side" in neutral_words(SAY, Neutral(0.8, -7.0, Origin.CHOSEN))
    assert "2 degrees to the side, 7 up" in neutral_words(SAY, Neutral(-2.2, -7.0, Origin.LEARNED))


def test_the_notice_says_whether_its_message_is_an_example() -> None:
    policy = Organisation().policy_value()
    for sent, sentence in (("", "This is an example of a whole message"), ("14:02", "sent last (14:02)")):
        (part,) = [each for each in notice(SAY, policy, (), sent=sent) if each.key == "sent"]
        assert sentence in part.paragraphs[-1]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (UsageError("x"), 400),
        (refused(400, {"error": "too_old"}), 400),
        (ServiceUnreachable("x"), 503),
        (refused(503, {"error": "unavailable"}), 503),
        (refused(500, {"error": "internal_error"}), 502),
        (refused(403, {}), 502),
        (StoreError("x"), 500),
    ],
)
def test_a_status_says_whose_fault_it_is(error: FramekeepError, status: int) -> None:
    assert status_of(error) == status
