"""How far the judge's seconds are from the true ones. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median, quantiles

from agent.attention import judge
from agent.attention.judge import Interval, JudgeState
from agent.attention.observation import Observation, State
from agent.attention.rules import Rules
from composing.clips import Clip, Stretch

ALLOWED = 0.03
"""Share of a clip's length by which the seconds of any state may be wrong."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Errors of many clips: the middle one, the one that 95 % do not exceed, and the share within `ALLOWED`."""

    median: float
    high: float
    within: float


def judged(looks: Iterable[Observation], rules: Rules, length: float) -> list[Interval]:
    """What the judge makes of these looks, to the end of the clip."""
    state = JudgeState()
    intervals: list[Interval] = []
    for observation in looks:
        state, more = judge.step(state, observation, observation.at, rules)
        intervals += more
    return [*intervals, *judge.finish(state, rules, now=length)[1]]


def seconds(intervals: Iterable[Interval | Stretch]) -> Counter[State]:
    """Seconds per state."""
    total: Counter[State] = Counter()
    for interval in intervals:
        total[interval.state] += interval.end - interval.start  # type: ignore[assignment]  # a Counter of floats
    return total


def error(clip: Clip, intervals: Sequence[Interval]) -> float:
    """The worst state's seconds off, as a share of the time that was looked at."""
    true, said = seconds(_from(clip.truth, intervals[0].start)), seconds(intervals)
    return max(abs(said[state] - true[state]) for state in State) / (clip.length - intervals[0].start)


def confusion(clip: Clip, intervals: Sequence[Interval]) -> Counter[tuple[State, State]]:
    """Seconds per (true, judged)."""
    table: Counter[tuple[State, State]] = Counter()
    for stretch in clip.truth:
        for interval in intervals:
            shared = min(stretch.end, interval.end) - max(stretch.start, interval.start)
            if shared > 0:
                table[stretch.state, interval.state] += shared  # type: ignore[assignment]  # a Counter of floats
    return table


def spread(errors: Sequence[float]) -> Spread:
    """The distribution of at least two clips' errors."""
    within = sum(e <= ALLOWED for e in errors) / len(errors)
    return Spread(median(errors), quantiles(errors, n=20, method="inclusive")[-1], within)


def _from(truth: Iterable[Stretch], start: float) -> list[Stretch]:
    """The truth after `start`, the first look: nobody looked before."""
    return [Stretch(max(s.start, start), s.end, s.state) for s in truth if s.end > start]
