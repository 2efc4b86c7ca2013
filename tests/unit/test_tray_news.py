"""Holds the promise of moderation: three things are told, each once, none twice in a short time, and nothing is told that
is not so.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC

from hypothesis import given
from hypothesis import strategies as st

from agent.tray.news import GAP_SECONDS, Facts, Told, news, no_icon
from agent.tray.words import PlainEnglish
from tests.tray_status import NOW

WORDS = PlainEnglish(UTC)
DAY = 86_400.0


class Days:
    """Time as the agent sees it: facts change, `pass_` lets it look every minute and collects what it tells."""

    def __init__(self, facts: Facts, told: Told | None = None) -> None:
        self.facts = self.before = facts
        self.told = told or Told(policy=facts.policy)
        self.now = NOW

    def pass_(self, seconds: float = 60, *, step: float = 60, **changes: object) -> list[str]:
        self.facts = replace(self.facts, **changes)  # type: ignore[arg-type]  the fields of Facts
        keys = []
        end = self.now + seconds
        while self.now < end:
            self.now = min(self.now + step, end)
            due, self.told = news(self.before, self.facts, self.told, now=self.now, words=WORDS)
            self.before = self.facts
            keys += [notice.key for notice in due]
        return keys


def measuring() -> Days:
    return Days(Facts(measuring=True, policy="p-1", last_delivery=int(NOW) - 60))


def test_nothing_happens_and_nothing_is_told() -> None:
    assert measuring().pass_(2 * DAY, step=120) == []


def test_a_pause_that_ended_by_itself_is_told_once_measuring_goes_on() -> None:
    days = measuring()
    assert days.pass_(paused=True, paused_until=int(days.now) + 900, measuring=False) == []
    assert days.pass_(840) == []
    assert days.pass_(120, paused=False, paused_until=None) == [], "nothing is looked at yet"
    assert days.pass_(measuring=True) == ["resumed"]
    assert days.pass_(3600) == []


def test_a_pause_somebody_ended_is_not_told() -> None:
    days = measuring()
    days.pass_(paused=True, paused_until=int(days.now) + 900, measuring=False)
    assert days.pass_(600, paused=False, paused_until=None, measuring=True) == []
    days.pass_(paused=True, paused_until=None, measuring=False)
    assert days.pass_(600, paused=False, measuring=True) == []


def test_short_pauses_in_a_row_are_told_once() -> None:
    days, keys = measuring(), []
    for _ in range(4):
        keys += days.pass_(60, paused=True, paused_until=int(days.now) + 60, measuring=False)
        keys += days.pass_(60, paused=False, paused_until=None, measuring=True)
    assert keys == ["resumed"]


def test_delivery_that_fails_for_a_day_is_told_once_and_again_only_after_it_had_worked() -> None:
    days = measuring()
    assert days.pass_(DAY - 600, waiting_since=int(days.now)) == []
    assert days.pass_(1800) == ["failing"]
    assert days.pass_(6 * DAY, step=240) == []
    days.pass_(3600, waiting_since=None, last_delivery=int(days.now))
    assert days.pass_(DAY + 1200, waiting_since=int(days.now)) == ["failing"]


def test_what_waited_over_a_weekend_gets_its_time_to_leave() -> None:
    days = measuring()
    days.pass_(60, waiting_since=int(days.now))
    days.now += 2.5 * DAY  # asleep
    assert days.pass_(600) == []
    assert days.pass_(60, waiting_since=None, last_delivery=int(days.now)) == []
    fresh = Days(replace(days.facts, waiting_since=int(NOW - 3 * DAY), last_delivery=int(NOW - 3 * DAY)))
    assert fresh.pass_(600) == [], "an agent that has just started"
    assert fresh.pass_(600) == ["failing"], "but not for ever"


def test_a_slow_delivery_is_not_a_failing_one() -> None:
    days = measuring()
    days.pass_(60, waiting_since=int(NOW - 2 * DAY))
    for _ in range(100):  # something old always waits, and something is always delivered
        assert days.pass_(900, last_delivery=int(days.now)) == []


def test_a_changed_policy_is_told_once() -> None:
    days = measuring()
    assert days.pass_(600, policy="p-2") == ["policy"]
    assert days.pass_(3 * DAY, step=240) == []


def test_policies_that_follow_each_other_are_one_notice_and_later_the_last_of_them() -> None:
    days = measuring()
    assert days.pass_(policy="p-2") == ["policy"]
    assert days.pass_(policy="p-3") == [] and days.pass_(policy="p-4") == []
    assert days.pass_(GAP_SECONDS["policy"]) == ["policy"]
    assert days.pass_(DAY) == []


def test_the_policy_one_enrolled_with_is_no_change_but_one_that_came_meanwhile_is() -> None:
    assert Days(Facts(measuring=True)).pass_(600, policy="p-1") == []
    assert Days(Facts(policy="p-2"), Told(policy="p-1")).pass_(600) == ["policy"]


def test_a_policy_that_cannot_be_read_for_a_while_is_no_change() -> None:
    days = measuring()
    assert days.pass_(600, policy=None) == []
    assert days.pass_(600, policy="p-1") == []


@given(
    st.lists(
        st.tuples(
            st.floats(1, 4000),
            st.booleans(),
            st.one_of(st.none(), st.integers(-100_000, 4000)),
            st.booleans(),
            st.one_of(st.none(), st.integers(-200_000, 0)),
            st.sampled_from([None, "p-1", "p-2"]),
        ),
        max_size=60,
    )
)
def test_whatever_happens_no_kind_is_told_twice_in_a_short_time(
    steps: list[tuple[float, bool, int | None, bool, int | None, str | None]],
) -> None:
    before, told, now, last = Facts(), Told(), NOW, dict[str, float]()
    for wait, paused, until, looks, waiting, policy in steps:
        now += wait
        present = Facts(
            paused,
            int(now) + until if paused and until else None,
            looks,
            int(now) + waiting if waiting else None,
            None,
            policy,
        )
        due, told = news(before, present, told, now=now, words=WORDS)
        before = present
        for notice in due:
            assert now - last.get(notice.key, 0) >= GAP_SECONDS[notice.key]
            last[notice.key] = now


def test_the_missing_icon_is_urgent_and_offers_the_panel() -> None:
    notice = no_icon(WORDS)
    assert notice.urgent and notice.actions
