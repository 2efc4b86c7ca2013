"""Which figures are computed over which pictures: the whole evaluation as a list of lines.

A line has a key (stable, for comparing runs), words for people, a measure, and which way is better. A line whose
pictures the set does not label is left out. "Called" a state means the agent's own verdict on the picture alone, with
the neutral pose straight ahead; measures over scores look at all thresholds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from agent.detect.overlap import overlap
from evaluation.labels import NOT_IN_USE, Picture
from evaluation.measures import (
    F1,
    AreaUnderCurve,
    AveragePrecision,
    BestF1,
    Bools,
    Floats,
    Mean,
    Measure,
    Ranking,
    RecallAtPrecision,
    Share,
)
from evaluation.run import Scored, Thresholds

SAME_PLACE = 0.5
"""Intersection over union from which a found box is the labelled one."""
WANTED_PRECISIONS = (0.95, 1.0)

Better = Literal["higher", "lower"]


@dataclass(frozen=True, slots=True)
class Line:
    """One figure. `section` is the table it belongs to."""

    section: str
    key: str
    words: str
    measure: Measure
    better: Better = "higher"


class Facts:
    """The scored pictures as columns, truth beside what was said; every attribute has one entry per picture."""

    def __init__(self, scored: Sequence[Scored], thresholds: Thresholds) -> None:
        """`thresholds` are those of the judge that said it."""
        self.scored = scored
        self.thresholds = thresholds
        self.score: Floats = np.array([s.said.phone_score for s in scored])
        self.away: Floats = np.array([_or_nan(s.said.away_score(thresholds)) for s in scored])
        self.ms: Floats = np.array([s.said.looking_ms for s in scored])
        self.pose: Bools = ~np.isnan(self.away)
        self.found_face: Bools = self.where(lambda s: bool(s.said.faces))
        self.judgeable: Bools = self.true(lambda p: p.judgeable)
        self.phone: Bools = self.true(lambda p: p.phone_in_use is True)
        self.empty: Bools = self.true(lambda p: p.phone_in_use is False)
        self.visible: Bools = self.judgeable & self.true(lambda p: p.phone is True)
        self.lying: Bools = self.visible & self.true(lambda p: p.use in NOT_IN_USE)
        self.lookalike: Bools = self.empty & self.true(lambda p: bool(p.lookalike))
        self.said_phone: Bools = self.says("on_phone")

    def where(self, test: Callable[[Scored], bool]) -> Bools:
        """The pictures of which `test` holds."""
        return np.array([test(s) for s in self.scored], dtype=bool)

    def true(self, test: Callable[[Picture], bool]) -> Bools:
        """The pictures whose label passes `test`."""
        return self.where(lambda s: test(s.picture))

    def says(self, *states: str) -> Bools:
        """The pictures called one of these states."""
        return self.where(lambda s: s.said.state in states)


def lines(facts: Facts) -> list[Line]:
    """All figures the labels allow, in the order of the report."""
    every = (
        *_faces(facts),
        *_looking(facts),
        *_lens(facts),
        *_phones(facts),
        *_states(facts),
        *_time(facts),
        *_groups(facts),
    )
    return [line for line in every if line.measure.counted.any()]


def _faces(facts: Facts) -> Iterator[Line]:
    seen = facts.judgeable & facts.true(lambda p: p.face is True)
    yield Line("main", "faces.recall", "faces found", Share(facts.found_face, seen))
    unseen = facts.true(lambda p: p.face is False)
    words = "false faces, in pictures without one"
    yield Line("main", "faces.false", words, Share(facts.found_face, unseen), "lower")


def _looking(facts: Facts) -> Iterator[Line]:
    away, screen = pose_truth(facts)
    curve = AreaUnderCurve(facts.away, away, screen)
    if away.any() and screen.any():
        yield Line("main", "away.auc", "away or screen by the head's pose, AUC", curve)
    turned = np.nan_to_num(facts.away) > 1
    yield Line("main", "away.caught", "away caught at the judge's angles, face found", Share(turned, away))
    yield Line("main", "away.flagged", "screen beyond the judge's angles, face found", Share(turned, screen), "lower")
    free_away = facts.empty & facts.true(lambda p: p.looking == "away")
    free_screen = facts.empty & facts.true(lambda p: p.looking == "screen")
    yield Line(
        "main", "away.state", "away, no phone: called looking_away", Share(facts.says("looking_away"), free_away)
    )
    other = Share(~facts.says("at_screen"), free_screen)
    yield Line("main", "screen.other", "screen, no phone: called anything else", other, "lower")
    aside = Share(~facts.says("at_screen", "on_phone"), free_screen)
    yield Line("main", "screen.other_than_phone", "the same, false phones aside", aside, "lower")
    headless = (facts.empty | facts.lying) & facts.true(lambda p: p.face is False and bool(p.people))
    words = "somebody, no face, no phone in use: called looking_away"
    yield Line("main", "away.no_face", words, Share(facts.says("looking_away"), headless))


def pose_truth(facts: Facts) -> tuple[Bools, Bools]:
    """Pictures of one person labelled away, and labelled screen, in which a face with a pose was found."""
    one = facts.judgeable & facts.pose & facts.true(lambda p: p.face is True and p.people in (None, 1))
    return one & facts.true(lambda p: p.looking == "away"), one & facts.true(lambda p: p.looking == "screen")


def _lens(facts: Facts) -> Iterator[Line]:
    labelled = facts.true(lambda p: p.lens is not None)
    right = facts.where(lambda s: s.said.lens == s.picture.lens)
    yield Line("main", "lens.right", "lens condition right", Share(right, labelled))


def _phones(facts: Facts) -> Iterator[Line]:
    if facts.phone.any() and facts.empty.any():  # precision and recall need both
        every = facts.phone | facts.empty
        yield from _phone_lines("phones", facts, facts.phone, every)
        plain = every & ~facts.lookalike
        if facts.lookalike.any() and (facts.empty & plain).any():
            yield from _phone_lines("phones_plain", facts, facts.phone, plain)
    if (facts.visible & ~facts.phone).any() and facts.empty.any():
        yield from _phone_lines("phones_visible", facts, facts.visible, facts.visible | facts.empty)
    yield Line(
        "main", "phones.in_hand", "phone in hand: called on_phone", Share(facts.said_phone, _used(facts, "in_hand"))
    )
    yield Line(
        "main", "phones.at_ear", "phone at the ear: called on_phone", Share(facts.said_phone, _used(facts, "at_ear"))
    )
    bare = facts.true(lambda p: p.face is True and p.people in (None, 1)) & facts.empty & ~facts.lookalike
    words = "one person, nothing like a phone: called on_phone"
    yield Line("main", "phones.false_on_people", words, Share(facts.said_phone, bare), "lower")
    words = "phone that only lies there: called on_phone"
    yield Line("main", "phones.lying", words, Share(facts.said_phone, facts.lying), "lower")
    boxed = facts.phone & facts.true(lambda p: bool(p.boxes))
    yield Line("main", "phones.in_place", "best phone box in place", Share(facts.where(_in_place), boxed))


def _phone_lines(section: str, facts: Facts, truths: Bools, counted: Bools) -> Iterator[Line]:
    ranking = (facts.score, truths, counted)
    yield Line(section, f"{section}.ap", "average precision", AveragePrecision(*ranking))
    yield Line(section, f"{section}.best_f1", "best F1 of any threshold", BestF1(*ranking))
    for wanted in WANTED_PRECISIONS:
        words = f"recall at precision {wanted:.2f}"
        yield Line(section, f"{section}.recall_at_{100 * wanted:.0f}", words, RecallAtPrecision(*ranking, wanted))
    taken = facts.said_phone
    yield Line(section, f"{section}.precision", "called on_phone: precision", Share(truths, counted & taken))
    yield Line(section, f"{section}.recall", "called on_phone: recall", Share(taken, counted & truths))
    yield Line(section, f"{section}.f1", "called on_phone: F1", F1(taken, truths, counted))
    alarms = Share(taken, counted & facts.empty)
    yield Line(section, f"{section}.false", "called on_phone without one", alarms, "lower")


def _states(facts: Facts) -> Iterator[Line]:
    labelled = facts.true(lambda p: p.state is not None)
    right = facts.where(lambda s: s.said.state == s.picture.state)
    yield Line("main", "states.right", "state right, where the labels name one", Share(right, labelled))


def _time(facts: Facts) -> Iterator[Line]:
    spent = Mean(facts.ms, facts.ms > 0)
    yield Line("time", "time.looking", "mean ms a picture, reading aside", spent, "lower")


def _groups(facts: Facts) -> Iterator[Line]:
    """Per kind of picture and per source: phones found where there are any, false ones elsewhere."""
    kinds = [s.picture.kind for s in facts.scored]
    for kind in sorted(set(kinds)):
        of_kind = np.array([k == kind for k in kinds])
        shows = of_kind & facts.phone
        yield Line("kinds", f"kind.{kind}.found", f"{kind}: phone found", Share(facts.said_phone, shows))
        false = Share(facts.said_phone, of_kind & (facts.empty | facts.lying))
        yield Line("kinds", f"kind.{kind}.false", f"{kind}: false phones", false, "lower")
    sources = [s.picture.source for s in facts.scored]
    for source in sorted(set(sources)):
        of_source = np.array([s == source for s in sources])
        faces = Share(facts.found_face, of_source & facts.judgeable & facts.true(lambda p: p.face is True))
        yield Line("sources", f"source.{source}.faces", f"{source}: faces found", faces)
        found = Share(facts.said_phone, of_source & facts.phone)
        yield Line("sources", f"source.{source}.found", f"{source}: phones found", found)
        false = Share(facts.said_phone, of_source & facts.empty)
        yield Line("sources", f"source.{source}.false", f"{source}: false phones", false, "lower")


def phone_ranking(facts: Facts, *, plain: bool) -> Ranking:
    """What the precision-recall curve is drawn from, `plain` without look-alikes."""
    counted = facts.phone | facts.empty
    return Ranking(facts.score, facts.phone, counted & ~facts.lookalike if plain else counted)


def confusion(pairs: Iterable[tuple[str | None, str]]) -> dict[str, dict[str, int]]:
    """Counts of what was said for each truth; a truth of None is left out."""
    table: dict[str, dict[str, int]] = {}
    for truth, said in pairs:
        if truth is not None:
            row = table.setdefault(truth, {})
            row[said] = row.get(said, 0) + 1
    return dict(sorted(table.items()))


def _used(facts: Facts, use: str) -> Bools:
    return facts.phone & facts.true(lambda p: p.use == use)


def _in_place(s: Scored) -> bool:
    best = s.said.best_box
    return best is not None and any(overlap(best, box) >= SAME_PLACE for box in s.picture.boxes)


def _or_nan(number: float | None) -> float:
    return float("nan") if number is None else number
