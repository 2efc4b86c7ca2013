"""Promise: a team's day becomes blocks exactly as the publish-once rule says, or is suppressed and says why."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.wire.documents import WorkHours
from sync_service.blocks import (
    NO_WORK_HOURS,
    SHARES,
    TOO_FEW_PEOPLE,
    Rollup,
    Rules,
    band,
    label,
    percent,
    team_day,
)
from sync_service.timetable import SLOT_SECONDS, work_slots

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = date(2026, 11, 2)
NINE_TO_FIVE = (WorkHours((1, 2, 3, 4, 5), 9 * 60, 17 * 60),)
RULES = Rules.for_policy(5)
AT_SCREEN = Rollup(900, 0, 0, 0, 0)
SLOTS = work_slots(MONDAY, BERLIN, NINE_TO_FIVE)


def present(slots, rollup=AT_SCREEN):
    return dict.fromkeys(slots, rollup)


def a_team(size, slots=SLOTS, rollup=AT_SCREEN):
    return {f"p{n}": present(slots, rollup) for n in range(size)}


def day_of(people, rules=RULES, day=MONDAY, hours=NINE_TO_FIVE):
    return team_day(BERLIN, day, hours, people, rules)


def test_a_block_closes_as_soon_as_k_people_were_observed_for_half_an_hour():
    result = day_of(a_team(5))
    assert len(result.blocks) == 16 and result.suppressed is None
    assert all(block.seconds == 1800 for block in result.blocks)
    assert result.blocks[0].start == SLOTS[0] and result.blocks[-1].end == SLOTS[-1] + SLOT_SECONDS


def test_the_fifth_person_sets_the_pace():
    people = a_team(5)
    people["p4"] = present(SLOTS[8:10])
    blocks = day_of(people).blocks
    assert len(blocks) == 1, "p4 was there once, so only one block can close"
    assert (blocks[0].start, blocks[0].end) == (SLOTS[0], SLOTS[-1] + SLOT_SECONDS), (
        "the remainder joins the last block"
    )
    assert blocks[0].contributors == frozenset(people)


def test_who_reaches_half_an_hour_only_in_the_remainder_counts_in_the_last_block():
    people = a_team(5, SLOTS[:3])
    people["late"] = present(SLOTS[-2:])
    (block,) = day_of(people).blocks
    assert "late" in block.contributors and block.people == "5-7"


def test_four_people_are_a_suppressed_day():
    assert day_of(a_team(4)).suppressed == TOO_FEW_PEOPLE
    assert day_of({}).suppressed == TOO_FEW_PEOPLE
    assert day_of(a_team(4)).blocks == ()


def test_29_minutes_are_not_enough_30_are():
    short = a_team(4) | {"p4": {SLOTS[0]: Rollup(900, 0, 0, 0, 0), SLOTS[1]: Rollup(840, 0, 0, 0, 0)}}
    assert day_of(short).suppressed == TOO_FEW_PEOPLE
    short["p4"][SLOTS[5]] = Rollup(0, 0, 0, 0, 60)
    assert len(day_of(short).blocks) == 1, "30 observed minutes; time that could not be told counts as observed"


def test_sunday_has_no_work_hours():
    assert day_of(a_team(9), day=date(2026, 11, 1)).suppressed == NO_WORK_HOURS


def test_everyone_weighs_the_same_however_long_they_worked():
    people = a_team(5, SLOTS[:2], Rollup(0, 0, 900, 0, 0))
    people["p0"] = present(SLOTS)  # eight hours at the screen, the others half an hour on the phone
    (block,) = day_of(people).blocks
    assert block.shares == {"at_screen": 20, "looking_away": 5, "on_phone": 80, "absent": 5, "unknown": 5}
    # (8 h + 4 x 0.5 h) / 5 / 8 h = 25 %
    assert block.coverage == 25


def test_time_outside_work_hours_counts_for_nothing():
    before = SLOTS[0] - 10 * SLOT_SECONDS
    people = {p: present(range(before, SLOTS[0], SLOT_SECONDS)) for p in a_team(6)}
    assert day_of(people).suppressed == TOO_FEW_PEOPLE


def test_a_lunch_break_between_work_hours_is_not_walked():
    hours = (WorkHours((1,), 9 * 60, 12 * 60), WorkHours((1,), 13 * 60, 17 * 60))
    assert len(work_slots(MONDAY, BERLIN, hours)) == 28
    people = a_team(5, [s for s in SLOTS if s not in work_slots(MONDAY, BERLIN, hours)])
    assert day_of(people, hours=hours).suppressed == TOO_FEW_PEOPLE


@pytest.mark.parametrize(
    ("part", "value", "text"),
    [
        ("0", 5, "5 or less"),
        ("7.4", 5, "5 or less"),
        ("7.5", 10, "10"),
        ("52.4", 50, "50"),
        ("52.5", 55, "55"),
        ("92.4", 90, "90"),
        ("92.5", 95, "95 or more"),
        ("100", 95, "95 or more"),
    ],
)
def test_percentages(part, value, text):
    assert percent(Fraction(part) / 100) == value
    assert label(value) == text


def test_bands_and_the_floor_of_k():
    assert [band(n) for n in (5, 7, 8, 11, 12, 400)] == ["5-7", "5-7", "8-11", "8-11", "12+", "12+"]
    with pytest.raises(ValueError, match="at least 5"):
        Rules.for_policy(4)


def test_who_contributed_is_not_printed():
    block = day_of(a_team(5)).blocks[0]
    assert "p0" not in repr(block)


quarter = st.tuples(*(st.integers(0, 180) for _ in SHARES)).map(lambda parts: Rollup(*parts))
teams = st.dictionaries(
    st.sampled_from([f"p{n}" for n in range(9)]), st.dictionaries(st.sampled_from(SLOTS), quarter, max_size=20)
)


@settings(max_examples=150, deadline=None)
@given(people=teams, k=st.integers(1, 6))
def test_blocks_are_disjoint_cover_the_day_and_rest_on_k_people(people, k):
    result = day_of(people, Rules(k=k))
    assert (result.suppressed is None) == bool(result.blocks)
    if result.blocks:
        assert result.blocks[0].start == SLOTS[0] and result.blocks[-1].end == SLOTS[-1] + SLOT_SECONDS
        assert sum(block.seconds for block in result.blocks) == len(SLOTS) * SLOT_SECONDS
    for one, following in zip(result.blocks, result.blocks[1:], strict=False):
        assert one.end == following.start
    for block in result.blocks:
        assert len(block.contributors) >= k
        assert set(block.shares) == set(SHARES)
        assert all(value % 5 == 0 and 5 <= value <= 95 for value in (*block.shares.values(), block.coverage))


@settings(max_examples=100, deadline=None)
@given(people=teams, data=st.data())
def test_order_and_names_of_people_do_not_matter(people, data):
    names = list(people)
    renamed = dict(zip(names, data.draw(st.permutations([f"other{n}" for n in range(len(names))])), strict=True))
    shuffled = {renamed[name]: people[name] for name in data.draw(st.permutations(names))}
    first, second = day_of(people, Rules(k=2)), day_of(shuffled, Rules(k=2))
    assert [(b.start, b.end, b.shares, b.coverage, b.people) for b in first.blocks] == [
        (b.start, b.end, b.shares, b.coverage, b.people) for b in second.blocks
    ]
