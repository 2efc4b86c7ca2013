"""Clips whose seconds per state are known, drawn at random from labelled pictures. Pure: the pools and a random
generator are arguments.

A clip is about one source of pictures (one person, one place) that shows somebody at the screen, and takes from it all
states it has. The others come from one other source each; LOOKING_AWAY then from one that shows nobody at the screen,
since another camera sees another neutral pose. Every look of a stretch shows another of its pictures: harder than
life, where two looks a second apart resemble each other. The clips are of these kinds:

- cuts: short stretches, one state after another.
- flicker: the same, and every second look is one of the doubtful quarter of its pictures: the lowest phone scores
  among those with a phone, the highest among those without.
- odd looks: longer stretches in which one look in twenty shows a picture of another state (none
  where the lens sees nothing). The truth stays.
- long: stretches of ten minutes.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from agent.attention.observation import Observation, State
from agent.errors import UsageError
from composing.library import Picture, Pools

SHARES = {State.AT_SCREEN: 5, State.LOOKING_AWAY: 3, State.ON_PHONE: 3, State.ABSENT: 2, State.UNKNOWN: 1}
"""How often a stretch is in a state, relative to the others."""
KINDS = ("cuts", "flicker", "odd looks", "long")
ODD = 0.05


@dataclass(frozen=True, slots=True)
class Stretch:
    """`state` from `start` to `end`, seconds of the clip."""

    start: float
    end: float
    state: State


@dataclass(frozen=True, slots=True)
class Clip:
    """What is true when, and what is seen at each look (`observation.at` is the clip's time)."""

    kind: str
    every: float
    truth: tuple[Stretch, ...]
    looks: tuple[tuple[Observation, Picture], ...]

    @property
    def length(self) -> float:
        """Seconds."""
        return self.truth[-1].end


def durations(kind: str, every: float) -> tuple[float, float]:
    """Shortest and longest stretch of this kind, in seconds: six looks at least, since two make a state."""
    if kind == "long":
        return 600.0, 600.0
    shortest, longest = (60.0, 300.0) if kind == "odd looks" else (15.0, 90.0)
    return max(shortest, 6 * every), max(longest, 30 * every)


def compose(pools: Pools, kind: str, every: float, length: float, rng: random.Random) -> Clip:
    """One clip of at least `length` seconds, looked at every `every` seconds. Raises UsageError where the pictures do not
    show enough to make one of.
    """
    if State.AT_SCREEN not in pools or len(pools) < 2:
        shown = ", ".join(pools) or "no state at all"
        raise UsageError(f"A clip needs pictures of somebody at the screen and of another state; these show {shown}.")
    material = _cast(pools, rng)
    truth = _script(list(material), kind, every, length, rng)
    looks = []
    at, index = rng.uniform(0, every), 0
    while at < truth[-1].end:
        stretch = next(s for s in truth if s.end > at)
        picture = _pick(material, stretch.state, kind, index, rng)
        looks.append((replace(picture.observation, at=at), picture))
        at, index = at + every, index + 1
    return Clip(kind, every, truth, tuple(looks))


def _cast(pools: Pools, rng: random.Random) -> dict[State, list[Picture]]:
    main = _drawn(pools[State.AT_SCREEN], sorted(pools[State.AT_SCREEN]), rng)
    cast = {}
    for state, by_source in pools.items():
        strangers = sorted(set(by_source) - set(pools[State.AT_SCREEN]))
        choices = strangers if strangers and state is State.LOOKING_AWAY else sorted(by_source)
        cast[state] = by_source[main] if main in by_source else by_source[_drawn(by_source, choices, rng)]
    return cast


def _drawn(by_source: dict[str, list[Picture]], choices: list[str], rng: random.Random) -> str:
    """One of these sources, the oftener the more pictures it has: so every picture has the same chance."""
    (source,) = rng.choices(choices, [len(by_source[choice]) for choice in choices])
    return source


def _script(states: list[State], kind: str, every: float, length: float, rng: random.Random) -> tuple[Stretch, ...]:
    shortest, longest = durations(kind, every)
    truth: list[Stretch] = []
    at = 0.0
    while at < length:
        others = [state for state in states if not truth or state is not truth[-1].state]
        (state,) = rng.choices(others, [SHARES[s] for s in others])
        end = at + rng.uniform(shortest, longest)
        truth.append(Stretch(at, end, state))
        at = end
    return tuple(truth)


def _pick(material: dict[State, list[Picture]], state: State, kind: str, index: int, rng: random.Random) -> Picture:
    if kind == "odd looks" and state is not State.UNKNOWN and rng.random() < ODD:
        state = rng.choice([other for other in material if other is not state])
    pictures = material[state]
    if kind == "flicker" and index % 2:
        ranked = sorted(pictures, key=lambda p: p.observation.phone_score, reverse=state is not State.ON_PHONE)
        pictures = ranked[: -(-len(ranked) // 4)]
    return rng.choice(pictures)
