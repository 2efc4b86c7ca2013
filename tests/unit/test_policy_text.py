"""Promise: work hours are read as they are written, and a policy's changes are said line by line."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.wire.documents import Policy, WorkHours
from sync_service.drafting import Ground, ground
from sync_service.policy_text import changes, differences, hours_text, parse_hours


@pytest.mark.parametrize(
    ("written", "hours"),
    [
        ("mon-fri 09:00-17:30", WorkHours((1, 2, 3, 4, 5), 540, 1050)),
        ("sun 00:00-24:00", WorkHours((7,), 0, 1440)),
        ("mon,wed-thu 22:00-23:15", WorkHours((1, 3, 4), 1320, 1395)),
    ],
)
def test_hours_are_read_and_told_alike(written, hours):
    assert parse_hours(written) == hours and hours_text(hours) == written


@pytest.mark.parametrize(
    "written",
    [
        "",
        "mon",
        "mon 9-17",
        "mon 09:60-10:00",
        "mon 09:00-24:15",
        "mon 17:00-09:00",
        "may 09:00-17:00",
        "mon- 09:00-17:00",
        "-mon 09:00-10:00",
        "mon,,tue 09:00-10:00",
        "fri-mon 09:00-17:00",
        "mon-tue-wed 09:00-10:00",
    ],
)
def test_anything_else_is_refused(written):
    with pytest.raises(ValueError, match=r".*"):
        parse_hours(written)


def test_only_what_differs_is_a_change():
    org, hours = "0" * 32, (parse_hours("mon-fri 09:00-17:30"),)
    old = Policy(org=org, seq=1, issued=0, not_after=9, id="p-1", work_hours=hours)
    new = Policy(org=org, seq=2, issued=5, not_after=19, id="p-2", work_hours=hours, k=7, individual_reports=True)
    assert changes(old, old) == []
    assert changes(old, new) == ["k: 5 -> 7", "individual_reports: off -> on"]
    later = replace(new, effective=86_400, not_after=99_999)
    gone = "p-2, which was to begin on 1970-01-02 at 00:00 UTC, falls away."
    assert changes(old, replace(old, interval_seconds=30), later) == ["interval: 10 s -> 30 s", gone]


def test_a_difference_says_in_words_what_changes_and_whether_more_is_seen():
    org, hours = "0" * 32, (parse_hours("mon-fri 09:00-17:30"),)
    old = Policy(org=org, seq=1, issued=0, not_after=9, id="p-1", work_hours=hours)
    wide = replace(old, k=6, work_hours=(parse_hours("mon-sat 09:00-17:30"),), interval_seconds=5, may_quit=False)
    found = {change.term: change for change in differences(old, wide)}
    assert {term: change.widens for term, change in found.items()} == {
        "hours": True,
        "interval": True,
        "k": False,
        "quit": True,
    }
    assert found["k"].text == "A team number stands on at least 6 people; it was at least 5."
    assert [change.widens for change in differences(wide, old)] == [False, False, True, False]
    named = replace(old, individual_reports=True, agreement="ab" * 32)
    assert [(change.term, change.widens) for change in differences(old, named)] == [
        ("individual_reports", True),
        ("agreement", None),
    ]
    assert differences(old, old) == []
    assert [
        (one.text, one.widens)
        for one in differences(old, old, replace(named, id="p-2", effective=90_000, not_after=99_999))
    ] == [("p-2, which was to begin on 1970-01-02 at 01:00 UTC, falls away.", None)]


def test_a_new_policy_stands_on_the_one_in_force_and_ends_the_one_to_come():
    org, hours = "0" * 32, (parse_hours("mon-fri 09:00-17:30"),)
    old = Policy(org=org, seq=1, issued=0, not_after=900, id="p-1", work_hours=hours)
    later = replace(old, seq=2, id="p-2", issued=10, effective=500)
    assert ground([], 20) is None
    assert ground([old], 20) == Ground(old, None, 1)
    assert ground([old, later], 20) == Ground(old, later, 2)
    assert ground([old, later], 500) == Ground(later, None, 2)
    over = replace(old, seq=3, id="p-3", issued=20)
    assert ground([old, later, over], 600) == Ground(over, None, 3), "what it withdrew never applies"
    assert ground([replace(old, effective=300)], 20) == Ground(
        replace(old, effective=300), replace(old, effective=300), 1
    )
