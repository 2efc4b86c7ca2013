"""Holds the promise that monotonic time decides and wall time only labels: clocks set ten years off, suspend that
the monotonic clock does not count, restarts. Totals are never negative and never more than the time that passed.
"""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.attention import meter as m
from agent.attention.meter import ClockMap, Meter
from agent.attention.observation import Face, Lens, Observation, State
from agent.attention.rules import Rules
from agent.wire.summary import STATES, Window

T0 = 1_763_760_000.0
RULES = Rules(interval=5.0)
AT_SCREEN = Observation(0.0, (640, 480), Lens.CLEAR, (Face((0, 0, 99, 99), 0.9, 0.0, 0.0),))
DECADE = 10 * 365 * 86_400.0


class Laptop:
    """A laptop with two clocks, looking every five seconds."""

    def __init__(self) -> None:
        self.mono, self.wall, self.meter = 1000.0, T0, Meter()
        self.out: list[Window] = []

    def look(self, times: int = 1) -> None:
        for _ in range(times):
            self.meter, done = m.look(self.meter, AT_SCREEN, self.mono, self.wall, RULES)
            self.out += done
            self.mono += 5
            self.wall += 5

    def finish(self) -> dict[str, int]:
        self.meter, done = m.finish(self.meter, RULES)
        self.out += done
        return {state: sum(w.seconds[state] for w in self.out) for state in STATES}


def test_an_hour_at_the_screen() -> None:
    laptop = Laptop()
    laptop.look(720)
    assert laptop.finish()["at_screen"] == 3600
    assert len(laptop.out) == 12 and {w.frames for w in laptop.out} == {60}


def test_suspend_that_the_monotonic_clock_does_not_count() -> None:
    laptop = Laptop()
    laptop.look(60)
    laptop.wall += 12 * 3600
    laptop.look(60)
    totals = laptop.finish()
    assert totals["at_screen"] == 595  # the five seconds before the suspend are not credited
    assert [w.start for w in laptop.out] == [T0, T0 + 12 * 3600 + 300]


def test_suspend_that_the_monotonic_clock_counts() -> None:
    laptop = Laptop()
    laptop.look(60)
    laptop.mono += 12 * 3600
    laptop.wall += 12 * 3600
    laptop.look(60)
    assert laptop.finish()["at_screen"] == 595
    assert [w.start for w in laptop.out] == [T0, T0 + 43_200, T0 + 43_500]


def test_a_clock_ten_years_off_and_back() -> None:
    laptop = Laptop()
    laptop.look(90)
    laptop.wall += DECADE
    laptop.look(60)
    laptop.wall -= DECADE
    laptop.look(90)
    totals = laptop.finish()
    lost = laptop.meter.tally.dropped_ms / 1000
    assert totals["at_screen"] + lost == 240 * 5 - 10
    assert lost <= 300
    assert len({w.start for w in laptop.out}) == len(laptop.out)


def test_a_clock_set_back_an_hour_never_reopens_a_window() -> None:
    laptop = Laptop()
    laptop.look(720)
    laptop.wall -= 3600
    laptop.look(720)
    laptop.finish()
    assert [w.start for w in laptop.out] == [T0 + 300 * i for i in range(12)]
    assert laptop.meter.tally.dropped_windows == 12


def test_corrections_within_tolerance_change_nothing() -> None:
    laptop = Laptop()
    laptop.look(30)
    laptop.wall += 1.5
    laptop.look(30)
    assert laptop.finish()["at_screen"] == 300


def test_a_restart_loses_at_most_the_last_look() -> None:
    laptop = Laptop()
    laptop.look(30)
    saved = json.loads(json.dumps(laptop.meter.to_json()))
    laptop.mono, laptop.wall = 3.0, laptop.wall + 20  # the laptop was restarted
    laptop.meter, done = m.resume(Meter.from_json(saved), laptop.mono, laptop.wall, RULES)
    laptop.out += done
    laptop.look(30)
    totals = laptop.finish()
    assert totals["at_screen"] == 295
    assert [w.start for w in laptop.out] == [T0, T0 + 300]


def test_a_restart_after_the_end_of_the_window_closes_it() -> None:
    laptop = Laptop()
    laptop.look(30)
    laptop.meter, done = m.resume(laptop.meter, 3.0, T0 + 4000, RULES)
    assert [(w.start, w.at_screen) for w in done] == [(T0, 145)]


def test_the_neutral_pose_survives_a_restart() -> None:
    laptop = Laptop()
    laptop.look(200)
    learned = laptop.meter.judge.baseline
    assert learned.minutes
    resumed, _ = m.resume(laptop.meter, 0.0, T0, RULES)
    assert resumed.judge.baseline == learned


def test_pause_is_not_observed_and_windows_go_on() -> None:
    laptop = Laptop()
    laptop.look(30)
    for _ in range(30):
        laptop.meter, done = m.rest(laptop.meter, laptop.mono, laptop.wall, RULES)
        laptop.out += done
        laptop.mono, laptop.wall = laptop.mono + 60, laptop.wall + 60
    assert [w.start for w in laptop.out] == [T0 + 300 * i for i in range(6)]
    assert laptop.out[0].at_screen == 150 and {w.not_observed for w in laptop.out[1:]} == {300}


def test_clock_map() -> None:
    clock = ClockMap(100.0, T0)
    assert clock.label(160.0) == T0 + 60
    assert clock.jump(160.0, T0 + 61.9) == 0.0
    assert clock.jump(160.0, T0) == -60.0


step = st.tuples(
    st.sampled_from(["look", "look", "look", "tick", "rest", "lost", "restart"]),
    st.floats(0.1, 400.0),
    st.sampled_from([0.0] * 12 + [1.0, -1.0, 3600.0, -3600.0, 43_200.0, DECADE, -DECADE]),
)


@settings(max_examples=150)
@given(st.lists(step, max_size=40))
def test_totals_are_never_more_than_the_time_that_passed(script: list[tuple[str, float, float]]) -> None:
    meter, out = Meter(), []
    mono, wall, began = 50.0, T0, 50.0
    for what, later, jump in script:
        mono, wall = mono + later, wall + later + jump
        if what == "restart":
            meter = Meter.from_json(json.loads(json.dumps(meter.to_json())))
            meter, done = m.resume(meter, mono, wall, RULES)
        elif what == "rest":
            meter, done = m.rest(meter, mono, wall, RULES)
        elif what == "lost":
            meter, done = m.lost(meter, mono, wall, RULES)
        else:
            meter, done = m.look(meter, AT_SCREEN if what == "look" else None, mono, wall, RULES)
        out += done
    meter, done = m.finish(meter, RULES)
    out += done
    assert len({w.start for w in out}) == len(out)
    assert all(sum(w.seconds.values()) == 300 for w in out)
    observed = sum(300 - w.not_observed for w in out)
    assert observed <= mono - began + RULES.interval + len(out)
    assert sum(w.seconds[State.ON_PHONE] for w in out) == 0
