"""Holds the promise that the seconds are right, not only the looks: streams of scores drawn as a phone detector that
errs gives them, with single odd looks, a steady doubtful phone, and gaps between looks of one and of ten seconds.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from statistics import NormalDist, quantiles

import pytest

from agent.attention import judge
from agent.attention.judge import Interval, JudgeState
from agent.attention.observation import Face, Lens, Observation, Person, Phone, State
from agent.attention.rules import Rules

FACE, BODY, HAND = (200.0, 100.0, 360.0, 300.0), (120.0, 60.0, 460.0, 480.0), (300.0, 300.0, 360.0, 400.0)
SUSTAINED = Rules().phone_sustained
ALLOWED = 0.03

Script = list[tuple[float, State]]
"""Seconds and the true state, one stretch after another."""


def look(state: State, at: float, score: float, random_: random.Random) -> Observation:
    """What detectors report in this state, with a best phone of this score."""
    if state is State.UNKNOWN:
        return Observation(at, (640, 480), Lens.DARK)
    if state is State.ABSENT:
        return Observation(at, (640, 480), Lens.CLEAR)
    yaw = random_.gauss(60.0 if state is State.LOOKING_AWAY else 2.0, 6.0)
    face = Face(FACE, 0.9, yaw, random_.gauss(-4.0, 3.0))
    return Observation(at, (640, 480), Lens.CLEAR, (face,), (Phone(HAND, score),), (Person(BODY, 0.8),))


def drawn(high: float, low: float, random_: random.Random, found: float) -> float:
    """A Beta score on the wanted side of the threshold with probability `found`, spread widely."""
    share = random_.betavariate(2.0, 2.0)
    right = random_.random() < found
    return high * (1 - share) + share * SUSTAINED if right else low + share * (SUSTAINED - low) * 0.95


def score(state: State, random_: random.Random) -> float:
    """Nine of ten phones reach the threshold, one of fifty empty hands does."""
    if state is State.ON_PHONE:
        return drawn(0.95, 0.02, random_, 0.9)
    return drawn(0.95, 0.02, random_, 0.02)


def script(length: float, every: float, random_: random.Random) -> Script:
    states = (State.AT_SCREEN, State.LOOKING_AWAY, State.ON_PHONE, State.ABSENT, State.UNKNOWN)
    result: Script = []
    while sum(seconds for seconds, _ in result) < length:
        state = random_.choice([s for s in states if not result or s is not result[-1][1]])
        result.append((random_.uniform(max(15.0, 6 * every), max(120.0, 30 * every)), state))
    return result


def looks(truth: Script, every: float, random_: random.Random, odd: float) -> Iterator[Observation]:
    """Looks at the truth, `odd` of which show another state; two of those never follow each other."""
    at, start, was_odd = random_.uniform(0, every), 0.0, False
    for seconds, state in truth:
        while at < start + seconds:
            was_odd = not was_odd and random_.random() < odd
            shown = random_.choice([s for s in State if s not in (state, State.NOT_OBSERVED)]) if was_odd else state
            yield look(shown, at, score(shown, random_), random_)
            at += every
        start += seconds


def judged(observations: Iterator[Observation], rules: Rules, end: float) -> list[Interval]:
    state, out = JudgeState(), []
    for observation in observations:
        state, intervals = judge.step(state, observation, observation.at, rules)
        out += intervals
    return [*out, *judge.finish(state, rules, now=end)[1]]


def worst_state(every: float, length: float, seed: int, odd: float = 0.0) -> float:
    """The seconds of the worst state off, as a share of a random clip."""
    random_ = random.Random(seed)
    truth = script(length, every, random_)
    end = sum(seconds for seconds, _ in truth)
    intervals = judged(looks(truth, every, random_, odd), Rules(interval=every), end)
    assert sum(i.end - i.start for i in intervals) == pytest.approx(end - intervals[0].start)
    true = {s: sum(seconds for seconds, state in truth if state is s) for s in State}
    said = {s: sum(i.end - i.start for i in intervals if i.state is s) for s in State}
    return max(abs(true[s] - said[s]) for s in State) / end


@pytest.mark.parametrize("odd", [0.0, 0.04])
@pytest.mark.parametrize(("every", "length"), [(1.0, 1200.0), (10.0, 7200.0)])
def test_the_seconds_of_random_clips_are_right(every: float, length: float, odd: float) -> None:
    errors = [worst_state(every, length, seed, odd) for seed in range(20)]
    assert quantiles(errors, n=20, method="inclusive")[-1] <= ALLOWED


@pytest.mark.parametrize("every", [1.0, 10.0])
def test_single_odd_looks_never_make_a_phone(every: float) -> None:
    """However sure the detector is, with two ordinary looks between them."""
    random_ = random.Random(3)
    for away in (State.AT_SCREEN, State.LOOKING_AWAY):
        stream = (
            look(away, i * every, 0.999 if i % 3 == 2 else 0.9 * Rules().phone_leave * random_.random(), random_)
            for i in range(600)
        )
        said = {i.state for i in judged(stream, Rules(interval=every), 600 * every)}
        assert State.ON_PHONE not in said


@pytest.mark.parametrize("every", [1.0, 10.0])
@pytest.mark.parametrize("found", [0.75, 0.9])
def test_a_steady_doubtful_phone_is_one(every: float, found: float) -> None:
    """Scores around the threshold, in so many of the looks above it, for ten minutes."""
    shares = []
    middle = SUSTAINED - 0.1 * NormalDist().inv_cdf(1 - found)
    for seed in range(10):
        random_ = random.Random(seed)
        stream = (
            look(State.AT_SCREEN, i * every, max(0.0, random_.gauss(middle, 0.1)), random_)
            for i in range(int(600 / every))
        )
        intervals = judged(stream, Rules(interval=every), 600.0)
        shares.append(sum(i.end - i.start for i in intervals if i.state is State.ON_PHONE) / 600)
    assert sum(shares) / len(shares) >= 1 - ALLOWED


@pytest.mark.parametrize("every", [1.0, 10.0])
def test_a_steady_weak_likeness_is_none(every: float) -> None:
    """Nor does a hand that is a little like a phone become one in an hour."""
    random_ = random.Random(11)
    stream = (
        look(State.AT_SCREEN, i * every, max(0.0, random_.gauss(SUSTAINED / 2, SUSTAINED / 5)), random_)
        for i in range(int(3600 / every))
    )
    intervals = judged(stream, Rules(interval=every), 3600.0)
    assert sum(i.end - i.start for i in intervals if i.state is State.ON_PHONE) <= ALLOWED * 3600


@pytest.mark.parametrize("every", [1.0, 10.0])
def test_a_dark_look_costs_one_look_and_an_empty_chair_none(every: float) -> None:
    random_ = random.Random(5)
    odd = {20: State.UNKNOWN, 40: State.ABSENT, 60: State.LOOKING_AWAY}
    stream = (look(odd.get(i, State.AT_SCREEN), i * every, 0.05, random_) for i in range(100))
    intervals = judged(stream, Rules(interval=every), 100 * every)
    said = {s: sum(i.end - i.start for i in intervals if i.state is s) for s in State}
    assert (said[State.AT_SCREEN], said[State.UNKNOWN]) == pytest.approx((99 * every, every))
