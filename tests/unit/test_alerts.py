"""Promise: alerts speak of the service, of laptops as a number and of whole teams, never of one person; each is found by
its facts alone, does not flicker, and what concerns laptops is judged once a day.
"""

from __future__ import annotations

import dataclasses
import re
import typing
from datetime import date, timedelta

import pytest

from sync_service import alerts
from sync_service.alerts import (
    RULES,
    ChannelState,
    Facts,
    HeardOn,
    Setting,
    TeamShare,
    findings,
    older,
    resolved_words,
    to_raise,
    to_resolve,
    working_days_silent,
)

WEEK = frozenset({1, 2, 3, 4, 5})
FRIDAY = date(2026, 11, 13)
TEAM = "a" * 32


def share(percent, days=5):
    return TeamShare(TEAM, "Support", percent, days, date(2026, 11, 9), FRIDAY)


BAD = Facts(
    work_days=WEEK,
    heard=[HeardOn(date(2026, 11, 9), FRIDAY, 1), HeardOn(FRIDAY, FRIDAY, 9)],
    versions={"0.9.4": 2, "1.0.0": 8},
    shares=[share(40)],
    opener_waits=900,
    quarantined=10,
    days_left={"keyset": 29, "policy": 300, "seal key": 13},
    channels=[ChannelState("c" * 32, "webhook", 5, False)],
)
GOOD = Facts(
    work_days=WEEK,
    heard=[HeardOn(FRIDAY, FRIDAY, 10)],
    versions={"1.0.3": 10},
    shares=[share(10)],
    days_left={"keyset": 300, "policy": 300, "seal key": 40},
    channels=[ChannelState("c" * 32, "webhook", 0, False)],
)


def keys(facts, settings=None, already=(), version="1.0.0"):
    return [one.key for one in findings(facts, settings or {}, already, version=version)]


def test_every_rule_fires_on_its_facts_and_none_where_all_is_well():
    assert keys(BAD) == [
        ("agents_outdated", ""),
        ("devices_silent", ""),
        ("could_not_tell", TEAM),
        ("opener_behind", ""),
        ("quarantine_growing", ""),
        ("documents_running_out", "keyset"),
        ("documents_running_out", "seal key"),
        ("channel_failing", "c" * 32),
    ]
    assert {rule for rule, _ in keys(BAD)} == set(RULES), "a rule that nothing can raise is none"
    assert keys(GOOD) == keys(Facts()) == []


def fields_of(kind, seen=()):
    """(dotted name, type) of everything in a dataclass, and in those within it."""
    for field in dataclasses.fields(kind):
        hint = typing.get_type_hints(kind, vars(alerts))[field.name]
        yield field.name, hint
        for inner in [hint, *typing.get_args(hint)]:
            if dataclasses.is_dataclass(inner) and inner not in seen:
                yield from fields_of(inner, (*seen, inner))


def test_no_rule_could_be_about_one_person():
    """What a rule is given holds no person and no laptop, what it finds has no field for one, and its sentences name a
    number, a team, a document or a channel and nothing else.
    """
    given = {name for name, _ in fields_of(Facts)}
    assert given.isdisjoint({"person", "people", "device", "devices", "name_of", "reader"})
    assert given == {
        "work_days", "heard", "versions", "shares", "opener_waits", "quarantined", "days_left", "channels",
        "day", "today", "laptops", "team", "name", "percent", "days", "first", "last", "id", "kind", "attempts", "gave_up",
    }, "a new fact: say here that it is about no single person"  # fmt: skip
    assert {name for name, _ in fields_of(alerts.Finding)} == {"rule", "subject", "message", "team", "first", "last"}
    for name, rule in RULES.items():
        assert rule.about in ("service", "documents", "channel", "laptops", "team"), name
        named = set(re.findall(r"\{(\w+)\}", rule.told + rule.over))
        assert named <= {"n", "at_least", "of", "team", "what"}, name
        assert not re.search(r"employee|person |who |someone|mood|productiv|engag|focus|lazy", rule.told + rule.over), (
            name
        )
        assert rule.daily == (rule.about in ("laptops", "team")), "what concerns people at work is told by day"
    assert {one.subject for one in findings(BAD, {}, (), version="1.0.0")} == {"", TEAM, "keyset", "seal key", "c" * 32}


@pytest.mark.parametrize(
    ("last", "today", "days"),
    [
        (date(2026, 11, 9), date(2026, 11, 13), 3),  # Monday to Friday: Tuesday, Wednesday, Thursday
        (date(2026, 11, 10), date(2026, 11, 13), 2),
        (date(2026, 11, 12), date(2026, 11, 17), 2),  # Friday and Monday; a weekend is no working day
        (date(2026, 11, 13), date(2026, 11, 13), 0),
        (date(2026, 11, 14), date(2026, 11, 13), 0),  # its clock, or another zone
    ],
)
def test_silence_is_counted_in_whole_working_days(last, today, days):
    assert working_days_silent(last, today, WEEK) == days


def test_who_works_two_days_a_week_is_not_silent_for_want_of_the_others():
    assert working_days_silent(date(2026, 11, 2), date(2026, 11, 13), {1, 2}) == 3
    assert working_days_silent(date(2026, 11, 2), date(2027, 11, 13), set()) == 0, "no work hours, no silence"


@pytest.mark.parametrize(
    ("version", "than", "yes"),
    [
        ("0.9.9", "1.0", True), ("1.0.0", "1.0", False), ("1.0", "1.0.0", False), ("1.9.0", "1.10", True),
        ("1.0.0-rc1", "1.0", False), ("2", "1.10", False), ("dev", "1.0", False),
    ],
)  # fmt: skip
def test_versions_compare_by_their_numbers(version, than, yes):
    assert older(version, than) is yes


def test_corrections_of_the_same_release_are_not_outdated_unless_the_organisation_says_so():
    facts = Facts(versions={"1.4.0": 1})
    assert keys(facts, version="1.4.7") == []
    assert keys(facts, {"agents_outdated": Setting(oldest_agent="1.4.2")}, version="1.4.7") != []
    assert keys(facts, version="1.5.0") != []


def test_an_alert_stays_until_it_is_clearly_over():
    for waits, already, still in ((899, False, False), (900, False, True), (675, True, True), (674, True, False)):
        open_now = [("opener_behind", "")] if already else []
        assert bool(keys(Facts(opener_waits=waits), already=open_now)) is still
    one = [("devices_silent", "")]
    assert keys(GOOD, already=one) == [], "a threshold of one ends at none"


def test_a_share_needs_three_days_and_is_asked_of_each_team_by_itself():
    other = dataclasses.replace(share(60), team="b" * 32, name="Sales")
    assert keys(Facts(shares=[share(90, days=2)])) == []
    assert keys(Facts(shares=[share(35), other]), already=[("could_not_tell", "b" * 32)]) == [
        ("could_not_tell", "b" * 32)
    ]
    (found,) = findings(Facts(shares=[other]), {}, (), version="1.0.0")
    assert (found.team, found.first, found.last) == ("b" * 32, date(2026, 11, 9), FRIDAY)
    assert "60" not in found.message, "the number itself is for those who may read it"


def test_a_channel_that_failed_is_open_until_something_arrives():
    def state(attempts, gave_up):
        return Facts(channels=[ChannelState("c", "email", attempts, gave_up)])

    already = [("channel_failing", "c")]
    assert keys(state(4, False)) == [] and keys(state(1, False), already=already) == already
    assert keys(state(0, True)) == already and keys(state(0, False), already=already) == []


def test_settings_change_what_raises_and_switch_off():
    assert keys(GOOD, {"could_not_tell": Setting(at_least=10)}) == [("could_not_tell", TEAM)]
    assert keys(BAD, {rule: Setting(enabled=False) for rule in RULES}) == []
    assert "switched off" in resolved_words("opener_behind", Setting(enabled=False))


def test_what_concerns_laptops_waits_for_the_daily_look():
    found = findings(BAD, {}, (), version="1.0.0")
    now, daily = to_raise(found, (), daily=False), to_raise(found, (), daily=True)
    assert {one.rule for one in daily} - {one.rule for one in now} == {
        "agents_outdated",
        "devices_silent",
        "could_not_tell",
    }
    already = [("devices_silent", ""), ("opener_behind", ""), ("a_rule_of_last_year", "")]
    assert to_resolve([], already, daily=False) == already[1:] and to_resolve([], already, daily=True) == already
    assert to_raise(found, [one.key for one in found], daily=True) == [], "raised once"
    assert to_resolve(found, [one.key for one in found], daily=True) == []


def test_every_sentence_can_be_said():
    for one in findings(BAD, {}, (), version="1.0.0"):
        assert one.message[0].isalnum() and one.message.endswith(".") and "{" not in one.message
    for rule in [*RULES, "a_rule_of_last_year"]:
        words = resolved_words(rule, Setting(), team="Support", what="keyset")
        assert words.endswith(".") and "{" not in words


def test_days_off_make_nobody_silent_before_the_third_working_day():
    """Every pair of days over four weeks: silence begins exactly with the third whole working day."""
    start = date(2026, 11, 2)
    for first in range(28):
        last = start + timedelta(days=first)
        for ahead in range(15):
            today = last + timedelta(days=ahead)
            between = [last + timedelta(days=n) for n in range(1, ahead)]
            expected = sum(day.weekday() < 5 for day in between) >= 3
            facts = Facts(work_days=WEEK, heard=[HeardOn(last, today, 1)])
            assert (keys(facts) == [("devices_silent", "")]) is expected
