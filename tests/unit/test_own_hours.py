"""Holds the promise that own hours are read as they were meant, and never reach beyond the policy's."""

from __future__ import annotations

from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.attention.hours import common, format_hours, parse_hours
from agent.attention.schedule import within
from agent.wire.documents import WorkHours

MONDAY = 1763942400  # 2025-11-24 00:00 UTC

span = st.tuples(st.integers(0, 1438), st.integers(1, 1440)).filter(lambda s: s[0] < s[1])
stretch = st.builds(
    lambda days, s: WorkHours(tuple(sorted(days)), *s), st.sets(st.integers(1, 7), min_size=1), span
)  # fmt: skip


def test_as_a_person_writes_it() -> None:
    weekdays = (1, 2, 3, 4, 5)
    assert parse_hours("Mon-Fri 09:00-12:30, 13:30-17:00; Sat 10:00-12:00") == (
        WorkHours(weekdays, 540, 750),
        WorkHours(weekdays, 810, 1020),
        WorkHours((6,), 600, 720),
    )
    assert parse_hours(" mon, wed-thu 9:00-24:00 ") == (WorkHours((1, 3, 4), 540, 1440),)
    assert parse_hours("") == ()


@pytest.mark.parametrize(
    "text", ["always", "Mon", "Mon 9-17", "Fri-Mon 09:00-17:00", "Mon 17:00-09:00", "Mon 09:60-10:00", "Mon 09:00-24:30", "Mon 09:00-10:00;"]
)  # fmt: skip
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="must be like"):
        parse_hours(text)


@given(st.lists(stretch, min_size=1, max_size=4))
def test_what_is_written_is_read_again(hours: list[WorkHours]) -> None:
    again = parse_hours(format_hours(hours))
    assert sorted((h.days, h.start_minute, h.end_minute) for h in again) == sorted(
        (h.days, h.start_minute, h.end_minute) for h in hours
    )


@given(st.lists(stretch, max_size=3), st.lists(stretch, max_size=3), st.integers(0, 7 * 1440 - 1))
def test_common_is_when_both_apply(allowed: list[WorkHours], own: list[WorkHours], minute: int) -> None:
    at = MONDAY + 60 * minute
    assert within(common(allowed, own), at, UTC) == (within(allowed, at, UTC) and within(own, at, UTC))
