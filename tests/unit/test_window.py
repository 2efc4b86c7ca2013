"""Holds the promise that a window's states sum to exactly 300 s, whatever the intervals and the wall clock do:
nothing negative, nothing over, nothing counted twice, long absences do not flood.
"""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.attention.judge import Interval
from agent.attention.observation import State
from agent.attention.window import MAX_RANGES, OpenWindow, Tally, add, close
from agent.wire.summary import Window

T0 = 1_763_760_000  # a multiple of 300


def fill(*intervals: Interval, tally: Tally | None = None) -> tuple[Tally, list[Window]]:
    tally, out = tally or Tally(), []
    for interval in intervals:
        tally, done = add(tally, interval)
        out += done
    return tally, out


def test_a_window_closes_at_its_end() -> None:
    tally, out = fill(
        Interval(T0 + 10, T0 + 200.25, State.AT_SCREEN, 3), Interval(T0 + 200.25, T0 + 301, State.ABSENT, 1)
    )
    assert out == [Window(T0, at_screen=190, absent=100, not_observed=10, frames=4)]
    assert tally.open == OpenWindow(T0 + 300, (0, 0, 0, 1000, 0, 0), 0, (T0 + 301) * 1000)


def test_rounding_goes_to_the_largest_remainder() -> None:
    window = OpenWindow(T0, (100_400, 99_700, 99_900, 0, 0, 0)).close()
    assert (window.at_screen, window.looking_away, window.on_phone, window.not_observed) == (100, 100, 100, 0)


def test_twelve_hours_of_suspend_touch_two_windows() -> None:
    begin = T0 + 120.0
    tally, out = fill(
        Interval(T0, begin, State.AT_SCREEN, 60),
        Interval(begin, begin + 43_200, State.NOT_OBSERVED, 1),
        Interval(begin + 43_200, begin + 43_500, State.AT_SCREEN, 30),
    )
    assert [w.start for w in out] == [T0, T0 + 43_200]
    assert (out[0].at_screen, out[0].not_observed) == (120, 180)
    assert (out[1].at_screen, out[1].not_observed) == (180, 120)
    assert tally.open is not None and tally.open.start == T0 + 43_500


def test_resting_with_ticks_emits_every_window() -> None:
    ticks = [Interval(T0 + 60.0 * i, T0 + 60.0 * (i + 1), State.NOT_OBSERVED) for i in range(50)]
    _, out = fill(*ticks)
    assert [w.start for w in out] == [T0 + 300 * i for i in range(10)]
    assert {w.not_observed for w in out} == {300}


def test_nothing_enters_a_closed_window() -> None:
    tally, out = fill(Interval(T0, T0 + 300, State.AT_SCREEN), Interval(T0 + 100, T0 + 310, State.ON_PHONE))
    assert [w.start for w in out] == [T0]
    assert tally.dropped_ms == 200_000 and tally.dropped_windows == 1
    assert tally.open is not None and tally.open.seconds["on_phone"] == 10


def test_unobserved_time_that_is_dropped_is_no_loss() -> None:
    tally, _ = fill(Interval(T0, T0 + 300, State.AT_SCREEN), Interval(T0 + 100, T0 + 300, State.NOT_OBSERVED))
    assert tally.dropped_windows == 0


def test_a_clock_ten_years_ahead_does_not_stop_measuring_for_ten_years() -> None:
    decade = 10 * 365 * 86_400
    tally, out = fill(
        Interval(T0, T0 + 100, State.AT_SCREEN),
        Interval(T0 + decade, T0 + decade + 600, State.AT_SCREEN),
        Interval(T0 + 300, T0 + 900, State.AT_SCREEN),
        Interval(T0 - decade, T0 - decade + 300, State.AT_SCREEN),
    )
    starts = [w.start for w in out]
    assert starts == [T0, T0 + decade, T0 + decade + 300, T0 + 300, T0 + 600, T0 - decade]
    assert tally.dropped_ms == 0


def test_what_an_earlier_process_closed_stays_closed() -> None:
    tally, out = fill(Interval(T0, T0 + 900, State.ABSENT), tally=Tally.knowing([T0, T0 + 600]))
    assert [w.start for w in out] == [T0 + 300]
    assert tally.dropped_windows == 2


def test_a_clock_before_1970_is_dropped() -> None:
    assert fill(Interval(-1000.0, -900.0, State.ABSENT)) == (Tally(), [])


def test_closing_early_and_only_when_due() -> None:
    tally, _ = fill(Interval(T0, T0 + 100, State.ABSENT))
    assert close(tally, before=T0 + 299.9) == (tally, ())
    closed, out = close(tally)
    assert [w.absent for w in out] == [100] and closed.open is None and closed.is_closed(T0)
    assert close(tally, before=T0 + 300) == (closed, out)


def test_a_broken_checkpoint_is_refused() -> None:
    data = fill(Interval(T0, T0 + 100, State.ABSENT))[0].to_json()
    data["open"]["millis"][0] = 250_000
    with pytest.raises(ValueError, match="at most 300 s"):
        Tally.from_json(data)


def test_an_interval_cannot_end_before_it_starts() -> None:
    with pytest.raises(ValueError, match="cannot end"):
        add(Tally(), Interval(T0 + 1, T0, State.ABSENT))


anywhere = st.tuples(st.floats(-2000, 4000), st.floats(0, 2500), st.sampled_from(list(State)), st.integers(0, 1))


@given(st.lists(anywhere, max_size=60))
def test_every_window_is_whole_and_comes_once(script: list[tuple[float, float, State, int]]) -> None:
    tally, out, told = Tally(), [], 0.0
    for offset, length, state, frames in script:
        interval = Interval(T0 + offset, T0 + offset + length, state, frames)
        tally, done = add(tally, interval)
        out += done
        told += length if state is not State.NOT_OBSERVED else 0
        assert Tally.from_json(json.loads(json.dumps(tally.to_json()))) == tally
        assert len(tally.closed) <= MAX_RANGES
    tally, done = close(tally)
    out += done
    assert len({w.start for w in out}) == len(out)
    for w in out:
        assert sum(w.seconds.values()) == 300 and min(w.seconds.values()) >= 0
    observed = sum(300 - w.not_observed for w in out)
    assert abs(observed + tally.dropped_ms / 1000 - told) <= len(out) * 3 + 1


@given(st.lists(st.tuples(st.integers(1, 200_000), st.sampled_from(list(State))), min_size=1, max_size=80))
def test_consecutive_intervals_lose_nothing(script: list[tuple[int, State]]) -> None:
    tally, out, at = Tally(), [], T0 * 1000
    for length, state in script:
        tally, done = add(tally, Interval(at / 1000, (at + length) / 1000, state, 1))
        out += done
        at += length
    assert tally.dropped_ms == 0
    starts = [w.start for w in out]
    assert starts == list(range(T0, T0 + 300 * len(starts), 300))
    last = tally.open.frames if tally.open else 0
    assert sum(w.frames for w in out) + last == len(script)
