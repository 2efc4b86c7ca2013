"""Judge, wall clock and windows as one value: what the pipeline carries from look to look, and checkpoints.

Monotonic time decides durations; wall time only labels them. A `ClockMap` says which wall time belongs to a
monotonic one. When the wall clock is more than two seconds from where it should be (set anew, corrected, or a
suspend that the monotonic clock did not count), everything up to now is labelled by the old map, the time since
the last look is a gap, and a new map begins. Local time zones and daylight saving play no part: windows are UTC.

Pure: both clocks are arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from agent.attention import judge, window
from agent.attention.baseline import Pose
from agent.attention.judge import Interval, JudgeState, Step
from agent.attention.observation import Observation
from agent.attention.rules import Rules
from agent.attention.window import Tally
from agent.wire.summary import Window

CLOCK_TOLERANCE = 2.0
"""Seconds the wall clock may be off its prediction before it counts as set anew."""


@dataclass(frozen=True, slots=True)
class ClockMap:
    """Wall time (epoch seconds) for monotonic times, anchored at one pair of readings."""

    mono: float
    wall: float

    def label(self, mono: float) -> float:
        """The wall time that belongs to `mono`."""
        return self.wall + (mono - self.mono)

    def jump(self, mono: float, wall: float) -> float:
        """Seconds by which the wall clock is ahead of its prediction; 0.0 within the tolerance."""
        off = wall - self.label(mono)
        return off if abs(off) > CLOCK_TOLERANCE else 0.0


@dataclass(frozen=True, slots=True)
class Meter:
    """Everything measured and not yet in a closed window. `clock` is None until the first look."""

    judge: JudgeState = field(default_factory=JudgeState)
    tally: Tally = field(default_factory=Tally)
    clock: ClockMap | None = None

    def to_json(self) -> dict[str, Any]:
        """The form of the local checkpoint. It holds the neutral pose: encrypted at rest, never sent."""
        clock = self.clock and [self.clock.mono, self.clock.wall]
        return {"v": 1, "judge": self.judge.to_json(), "tally": self.tally.to_json(), "clock": clock}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Meter:
        """The reverse of `to_json`. Raises KeyError, TypeError or ValueError on anything else."""
        if data["v"] != 1:
            raise ValueError(f"a checkpoint of version {data['v']!r} cannot be read by this version")
        clock = data["clock"]
        return cls(
            JudgeState.from_json(data["judge"]),
            Tally.from_json(data["tally"]),
            None if clock is None else ClockMap(float(clock[0]), float(clock[1])),
        )

    @property
    def since(self) -> float | None:
        """When the judge's confirmed state began (epoch seconds), as far as it is known."""
        since = self.judge.since
        return None if self.clock is None or since is None else self.clock.label(since)


Metered = tuple[Meter, tuple[Window, ...]]


def look(meter: Meter, observation: Observation | None, mono: float, wall: float, rules: Rules) -> Metered:
    """One observation at monotonic `mono`, while the wall clock shows `wall`; None only lets time pass."""
    return _tell(meter, mono, wall, rules, lambda state: judge.step(state, observation, mono, rules))


def rest(meter: Meter, mono: float, wall: float, rules: Rules) -> Metered:
    """Nobody looks from now on. While resting, call at least once a minute so that windows go on closing."""
    return _tell(meter, mono, wall, rules, lambda state: judge.unobserved(state, mono, rules))


def lost(meter: Meter, mono: float, wall: float, rules: Rules) -> Metered:
    """The camera is lost from now on. Call at each retry, at least every sampling interval."""
    return _tell(meter, mono, wall, rules, lambda state: judge.lost(state, mono, rules))


def finish(meter: Meter, rules: Rules, mono: float | None = None) -> Metered:
    """The end of a finite replay: the last look speaks until `mono`, the clip's end on the clock the looks were
    given in, or for one interval; the open window closes.
    """
    state, intervals = judge.finish(meter.judge, rules, now=mono)
    tally, done = _count(meter, intervals)
    tally, last = window.close(tally)
    return replace(meter, judge=state, tally=tally), done + last


def forget(meter: Meter) -> Meter:
    """Drop the open window and all evidence: it was measured before the laptop belonged to anybody, and nobody but its
    owner may ever hear of it. What is closed stays closed, and the neutral pose stays.
    """
    return Meter(JudgeState(baseline=meter.judge.baseline), replace(meter.tally, open=None), None)


def calibrate(meter: Meter, pose: Pose | None) -> Meter:
    """The meter whose neutral pose the employee chose; with None the learned one counts again. It is checkpointed like
    all of the meter, and no record that is sent has a field for it. Raises ValueError beyond BASELINE_LIMIT.
    """
    learned = meter.judge.baseline
    baseline = learned.reset() if pose is None else learned.calibrated(pose)
    return replace(meter, judge=replace(meter.judge, baseline=baseline))


def resume(meter: Meter, mono: float, wall: float, rules: Rules) -> Metered:
    """A checkpoint of an earlier process goes on: its unsettled time is counted as it stood, its last look, whose
    end nobody saw, is not; the time in between is not observed. Only the neutral pose lives on in the judge.
    """
    state, intervals = judge.finish(meter.judge, rules, now=meter.judge.at)
    tally, done = _count(meter, intervals)
    tally, ended = window.close(tally, before=wall)
    return Meter(state, tally, ClockMap(mono, wall)), done + ended


def _tell(meter: Meter, mono: float, wall: float, rules: Rules, event: Callable[[JudgeState], Step]) -> Metered:
    done: tuple[Window, ...] = ()
    if meter.clock is None:
        meter = replace(meter, clock=ClockMap(mono, wall))
    elif meter.clock.jump(mono, wall):
        state, intervals = judge.gap(meter.judge, mono, rules)
        tally, done = _count(meter, intervals)
        meter = Meter(state, tally, ClockMap(mono, wall))
    state, intervals = event(meter.judge)
    tally, more = _count(meter, intervals)
    return replace(meter, judge=state, tally=tally), done + more


def _count(meter: Meter, intervals: tuple[Interval, ...]) -> tuple[Tally, tuple[Window, ...]]:
    tally = meter.tally
    done: tuple[Window, ...] = ()
    for interval in intervals:
        if meter.clock is None:
            raise AssertionError("an interval has two ends, and the first of them set the clock")
        labelled = replace(interval, start=meter.clock.label(interval.start), end=meter.clock.label(interval.end))
        tally, closed = window.add(tally, labelled)
        done += closed
    return tally, done
