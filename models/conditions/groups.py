"""Error rates per group of real pictures: one table a theme, from what is visible and what the agent said."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from evaluation.bootstrap import Estimate, draw, estimate, resampled, sources_of, wilson
from evaluation.measures import Bools, Share

from agent.attention.observation import State
from conditions.attributes import Labelled
from conditions.looking import Seen

THEMES = {
    "glasses": ("glasses", {"none": "no glasses", "clear": "glasses", "sun": "sunglasses"}),
    "mouth": ("mouth and nose", {"free": "free", "hand": "hand, cup or phone before it", "mask": "mask"}),
    "head": ("head", {"none": "bare", "hat": "hat or cap", "scarf": "scarf or turban", "hood": "hood"}),
    "skin": ("apparent skin tone", {"lighter": "lighter", "middle": "middle", "darker": "darker"}),
    "light": ("light", {"even": "even", "backlit": "backlit", "dim": "dim"}),
    "camera": ("seen from", {"front": "the front", "side": "the side", "below": "below"}),
    "face": ("face", {"visible": "both eyes show", "profile": "in profile", "hidden": "mostly hidden"}),
    "people": ("people", {"1": "one", "2": "several"}),
}
"""Attributes of the table, what they are called, and the values that get a row."""
FEW = 10
"""Pictures below which a share says nothing."""

Judged = tuple[Labelled, Seen]
Row = tuple[str, ...]
HEAD = (
    "pictures (sources)",
    "a face found",
    "at the screen, called away",
    "false phones, wallets aside",
    "phones in use found",
)


def rows(judged: Sequence[Judged], attribute: str) -> list[Row]:
    """One row per value of the attribute: its words, its counts, and the figures of `HEAD`."""
    draws = draw([labelled.picture.source for labelled, _ in judged])
    table = []
    for value, words in THEMES[attribute][1].items():
        group = _group(judged, attribute, value)
        sources = {known.picture.source for (known, _), member in zip(judged, group, strict=True) if member}
        shares = _shares(judged, attribute, value)
        cells = [_cell(estimate(share, draws), _count(share)[0]) for share in shares]
        table.append((words, f"{int(group.sum())} ({len(sources)})", *cells))
    return table


def differences(judged: Sequence[Judged], attribute: str) -> list[str]:
    """In a sentence each: the figures in which a group differs from the first one by more than chance, where the
    intervals of the difference by resampled pictures, resampled sources and Newcombe's are all without zero. Or one
    sentence: that there is none, and how large one must have been to show.
    """
    draws = draw([labelled.picture.source for labelled, _ in judged])
    words = THEMES[attribute][1]
    first = next(iter(words.values()))
    said: list[str] = []
    needed: list[tuple[float, str]] = []
    for name, group, one, two in comparisons(judged, attribute):
        sources = min(sources_of(share, draws) for share in (one, two))
        by_pictures, by_sources = (two.of(w) - one.of(w) for w in (draws.by_pictures, draws.by_sources))
        intervals = [(i.low, i.high) for i in resampled(by_pictures, by_sources, sources)]
        intervals.append(newcombe(*_count(two), *_count(one)))
        if all(low > 0 or high < 0 for low, high in intervals):
            apart = [f"{hits / counted:.2f}" for hits, counted in (_count(two), _count(one))]
            said.append(f"{name}: {words[group]} {apart[0]}, {first} {apart[1]}")
        needed.append((least_shown(_count(two)[1], *_count(one)), f"{name}, {words[group]}"))
    if said:
        return [f"More apart than chance explains: {'; '.join(said)}."]
    if not needed:
        return ["Too few to compare."]
    sizes = "from {:.2f} ({})".format(*min(needed)) + " to {:.2f} ({})".format(*max(needed))
    return [
        f"No difference beyond chance in {len(needed)} comparisons. A difference shows {sizes} on, a smaller one not."
    ]


def comparisons(judged: Sequence[Judged], attribute: str) -> Iterator[tuple[str, str, Share, Share]]:
    """Figure, group, the share of the first group and of this one, wherever both have pictures enough."""
    first, *others = THEMES[attribute][1]
    base = _shares(judged, attribute, first)
    for group in others:
        for name, one, two in zip(HEAD[1:], base, _shares(judged, attribute, group), strict=True):
            if min(one.counted.sum(), two.counted.sum()) >= FEW:
                yield name, group, one, two


def least_shown(whole: int, other_part: int, other_whole: int) -> float:
    """The smallest difference, up or down, of a share of `whole` pictures from `other_part` of `other_whole` that
    Newcombe's interval tells from none; 1.0 where none would show.
    """
    apart = []
    for part in range(whole + 1):
        low, high = newcombe(part, whole, other_part, other_whole)
        if low > 0 or high < 0:
            apart.append(abs(part / whole - other_part / other_whole))
    return min(apart, default=1.0)


def newcombe(part: int, whole: int, other_part: int, other_whole: int) -> tuple[float, float]:
    """Newcombe's 95 % interval of the difference of two shares, the first less the second; for 34 of 34, too."""
    one, two = part / whole, other_part / other_whole
    (low, high), (other_low, other_high) = wilson(part, whole), wilson(other_part, other_whole)
    down = math.hypot(one - low, other_high - two)
    up = math.hypot(high - one, two - other_low)
    return one - two - down, one - two + up


def _count(share: Share) -> tuple[int, int]:
    return int((share.hits & share.counted).sum()), int(share.counted.sum())


def _group(judged: Sequence[Judged], attribute: str, value: str) -> Bools:
    return _where(judged, lambda known, _: known.visible[attribute] == value)


def _where(judged: Sequence[Judged], test: Callable[[Labelled, Seen], bool]) -> Bools:
    return np.array([test(labelled, seen) for labelled, seen in judged])


def _shares(judged: Sequence[Judged], attribute: str, value: str) -> list[Share]:
    """The figures of `HEAD` after the first, for one group."""
    group = _group(judged, attribute, value)
    found = _where(judged, lambda _, seen: seen.face is not None)
    shown = _where(judged, lambda known, _: attribute == "face" or known.visible["face"] != "hidden")
    away = _where(judged, lambda _, seen: seen.away)
    screen = _where(judged, lambda known, _: known.picture.looking == "screen" and known.picture.people == 1)
    said = _where(judged, lambda _, seen: seen.state is State.ON_PHONE)
    free = _where(judged, lambda known, _: known.unseen and known.picture.phone is False and not _wallet(known))
    used = _where(judged, lambda known, _: known.unseen and known.picture.use in ("in_hand", "at_ear"))
    return [
        Share(found, group & shown),
        Share(away, group & screen),
        Share(said, group & free),
        Share(said, group & used),
    ]


def _wallet(known: Labelled) -> bool:
    return known.picture.lookalike == "wallet"


def _cell(measured: Estimate, hits: int) -> str:
    if not measured.pictures:
        return "-"
    if measured.pictures < FEW:
        return f"{hits} of {measured.pictures}: too few"
    shown = measured.shown
    span = f" ({shown.low:.2f} to {shown.high:.2f})" if shown else ""
    return f"{measured.value:.2f}{span} of {measured.pictures}"
