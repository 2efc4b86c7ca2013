"""Promise: who is counted where is fixed by month; readers and people reported by name are counted nowhere."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from sync_service.blocks import Rollup
from sync_service.cohorts import (
    EVERY_TEAM,
    Act,
    Correction,
    Joining,
    Membership,
    active_days,
    apply_corrections,
    counting,
    freeze,
    memberships_of,
    month_begins,
    observed_by_day,
    standing,
    teams_in,
)

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


def test_once_something_is_measured_nobody_joins_a_team_by_one_persons_word():
    ada = MEMBERS[0]
    assert memberships_of([Act(ada, "alice")]) == ()
    assert memberships_of([Act(ada, "alice", "alice")]) == (), "the same person with a second account"
    assert memberships_of([Act(ada, "alice", "bert")]) == (ada,)
    assert memberships_of([Act(ada, "alice", measured=False)]) == (ada,), "nothing to isolate anybody in yet"
    assert memberships_of([Act(ada, "alice")], Joining(second_person=False)) == (ada,)


def test_whoever_is_new_counts_after_ten_active_days():
    days = [NOV + timedelta(days=n) for n in range(12)]
    seconds = {"ada": dict.fromkeys(days[:10], 1800), "bob": dict.fromkeys(days[:9], 9000), "eve": {days[0]: 10**6}}
    assert counting(seconds, days[9], seconds, {}) == frozenset()
    assert counting(seconds, days[10], seconds, {}) == {"ada"}
    seconds["bob"][days[9]] = 1799
    assert counting(seconds, days[11], seconds, {}) == {"ada"}, "a minute short is no active day"
    assert counting(["new"], days[0], {}, {}, Joining.at_once()) == {"new"}


def test_what_is_measured_on_the_day_itself_or_later_does_not_make_it_count():
    days = [NOV + timedelta(days=n) for n in range(20)]
    assert counting(["ada"], days[9], {"ada": dict.fromkeys(days, 3600)}, {}) == frozenset()


def test_who_began_to_count_goes_on_and_did_not_count_before():
    assert counting(["ada"], NOV, {}, {"ada": NOV}) == {"ada"}
    assert counting(["ada"], OCT, {}, {"ada": NOV}) == frozenset()


def test_observed_time_is_added_up_by_the_local_day():
    berlin = ZoneInfo("Europe/Berlin")
    midnight = int(datetime(2026, 11, 2, 23, tzinfo=UTC).timestamp())
    slots = {midnight - 900: Rollup(1, 2, 3, 4, 5), midnight: Rollup(900, 0, 0, 0, 0)}
    assert observed_by_day(slots, berlin) == {date(2026, 11, 2): 15, date(2026, 11, 3): 900}


def test_days_before_the_day_are_added_up():
    assert (
        active_days({NOV: 1800, NOV + timedelta(days=1): 1799, NOV + timedelta(days=2): 1800}, NOV + timedelta(days=2))
        == 1
    )


def test_how_a_member_stands_is_told_by_the_month():
    def told(since=OCT, reads=False, left_out=False, counts_since=None):
        return standing(NOV, since, reads=reads, left_out=left_out, counts_since=counts_since)

    assert told(since=DEC, counts_since=OCT) == ("joins", DEC)
    assert told(reads=True, left_out=True, counts_since=OCT) == ("reads", None)
    assert told(left_out=True, counts_since=OCT) == ("left_out", None)
    assert told() == ("not_yet", None)
    assert told(counts_since=date(2026, 11, 17)) == ("counted", NOV), "no day of anybody's"
    assert told(since=NOV, counts_since=date(2026, 3, 9)) == ("counted", NOV)
