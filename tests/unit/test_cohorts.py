"""Promise: who is counted where is fixed by month; readers and people reported by name are counted nowhere."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from sync_service.blocks import Rollup
from sync_service.cohorts import EVERY_TEAM, Correction, Membership, apply_corrections, freeze, month_begins, teams_in

OCT, NOV, DEC = date(2026, 10, 1), date(2026, 11, 1), date(2026, 12, 1)
MEMBERS = [Membership("ada", "red", OCT), Membership("ada", "blue", DEC), Membership("bob", "red", NOV)]


def frozen(team, month, readers=None, individual=False):
    return freeze(team, month, MEMBERS, readers or {}, individual_reports=individual)


def test_a_membership_holds_from_its_month_until_the_next_one():
    assert teams_in(OCT, MEMBERS) == {"ada": "red"}
    assert teams_in(NOV, MEMBERS) == {"ada": "red", "bob": "red"}
    assert teams_in(DEC, MEMBERS) == {"ada": "blue", "bob": "red"}


def test_who_may_read_a_team_is_not_counted_in_it():
    assert frozen("red", NOV) == {"ada", "bob"}
    assert frozen("red", NOV, {"ada": {"red"}}) == {"bob"}
    assert frozen("red", NOV, {"ada": {"blue"}}) == {"ada", "bob"}
    assert frozen("red", NOV, {"bob": {EVERY_TEAM}}) == {"ada"}


def test_with_individual_reports_nobody_is_counted():
    assert frozen("red", NOV, individual=True) == frozenset()


def test_a_month_begins_where_the_last_one_ended_everywhere():
    tokyo, angeles = ZoneInfo("Asia/Tokyo"), ZoneInfo("America/Los_Angeles")
    assert month_begins(NOV, tokyo, []) == datetime(2026, 10, 31, 15, tzinfo=UTC).timestamp()
    assert month_begins(NOV, tokyo, [angeles]) == datetime(2026, 11, 1, 7, tzinfo=UTC).timestamp()
    assert month_begins(NOV, angeles, [tokyo]) == month_begins(NOV, angeles, [])


def test_a_correction_relabels_what_was_observed_and_adds_nothing():
    people = {"ada": {0: Rollup(100, 0, 0, 500, 0), 900: Rollup(0, 0, 0, 900, 0)}, "bob": {0: Rollup(1, 2, 3, 4, 5)}}
    words = [Correction("ada", 0, 2700, "at_screen"), Correction("ada", 900, 1800, "not_observed")]
    after, changed = apply_corrections(people, [*words, Correction("nobody", 0, 900, "absent")])
    assert after == {"ada": {0: Rollup(600, 0, 0, 0, 0)}, "bob": people["bob"]}
    assert changed == {("ada", 0), ("ada", 900)}
    assert people["ada"][900] == Rollup(0, 0, 0, 900, 0), "the measurement itself stays"
