"""Which figures the evaluation computes over which pictures, how it compares two runs, and how it puts both in words."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "models"))

from evaluation import compare, markdown, plan, readme, results
from evaluation.bootstrap import draw
from evaluation.curves import all_curves, at_thresholds
from evaluation.labels import LabelledSet, Picture
from evaluation.measures import value
from evaluation.mistakes import worst
from evaluation.plan import Facts
from evaluation.reliability import bins
from evaluation.run import Outcome, Said, Scored, Thresholds

from agent.errors import FramekeepError, UsageError

JUDGE = Thresholds(phone=0.5, yaw_away=20.0, pitch_down=15.0)
FACE = {"box": [0, 0, 10, 10], "score": 0.9, "yaw": 0.0, "pitch": 0.0}
PERSON = Picture(
    "", "a", phone=False, face=True, category="facing", lookalike="", people=1, looking="screen", lens="clear"
)
PHONE = replace(PERSON, phone=True, lookalike=None, use="in_hand")


def said(state: str, phone: float = 0.1, *, face: dict[str, Any] | None = FACE, lens: str = "clear") -> Said:
    return Said(
        lens=lens, state=state, phone_score=phone, faces=(face,) if face else (), ms={"camera": 9.0, "face": 3.0}
    )


def numbered(*pairs: tuple[Picture, Said]) -> tuple[Scored, ...]:
    return tuple(Scored(replace(p, file=f"{k}.jpg", source=f"s{k % 6}"), s) for k, (p, s) in enumerate(pairs))


def figures(*pairs: tuple[Picture, Said]) -> dict[str, tuple[float | None, int]]:
    lines = plan.lines(Facts(numbered(*pairs), JUDGE))
    return {line.key: (value(line.measure), int(line.measure.counted.sum())) for line in lines}


def test_away_counts_as_a_state_whether_or_not_a_face_was_found() -> None:
    away = replace(PERSON, looking="away")
    found = figures(
        (away, said("looking_away", face={**FACE, "yaw": 40.0})),
        (away, said("looking_away", face=None)),
        (away, said("absent", face=None)),
        (away, said("at_screen", face={**FACE, "yaw": 10.0})),
        (replace(PHONE, looking="away"), said("on_phone", 0.9)),  # has a phone: no case for looking away
        (PERSON, said("at_screen")),
        (PERSON, said("on_phone", 0.7)),
        (PERSON, said("looking_away", face={**FACE, "pitch": -30.0})),
        (PERSON, said("at_screen")),
    )
    assert found["away.state"] == (0.5, 4)
    assert found["screen.other"] == (0.5, 4)
    assert found["screen.other_than_phone"] == (0.25, 4)
    assert found["away.caught"] == (pytest.approx(1 / 3), 3)  # by pose: needs a face, the phone does not matter
    assert found["away.flagged"] == (0.25, 4)


def test_somebody_without_a_visible_face_is_looking_away_and_nobody_is_absent() -> None:
    headless = replace(PERSON, face=False, looking=None, category="no_face_desk")
    assert headless.state == "looking_away"
    assert replace(headless, people=0).state == "absent"
    assert replace(headless, people=None).state is None
    assert replace(PERSON, looking=None).state is None  # only the eyes move, say
    assert replace(PERSON, lens="dark").state == "unknown"
    assert figures((headless, said("looking_away", face=None)))["away.no_face"] == (1.0, 1)


def test_a_phone_that_lies_there_is_neither_a_phone_in_use_nor_an_empty_hand() -> None:
    lying = replace(PHONE, use="on_desk")
    found = figures(
        (PHONE, said("on_phone", 0.9)),
        (PHONE, said("at_screen", 0.3)),
        (PERSON, said("at_screen", 0.1)),
        (lying, said("on_phone", 0.95)),
        (lying, said("absent", 0.05)),
    )
    assert found["phones.lying"] == (0.5, 2)
    assert found["phones_visible.ap"] == (
        pytest.approx((3 + 4 / 5) / 4),
        5,
    )  # ranked: right, right, right, wrong, right
    assert found["phones.ap"] == (1.0, 3)
    assert found["phones.recall"] == (0.5, 2) and found["phones.precision"] == (1.0, 1)
    assert found["phones.in_hand"] == (0.5, 2)


def test_look_alikes_are_counted_with_and_without() -> None:
    wallet = replace(PERSON, lookalike="wallet")
    found = figures(
        (PHONE, said("on_phone", 0.6)),
        (wallet, said("on_phone", 0.9)),
        (wallet, said("at_screen", 0.2)),
        (PERSON, said("at_screen", 0.1)),
    )
    assert found["phones.ap"] == (0.5, 4) and found["phones_plain.ap"] == (1.0, 2)
    assert found["phones.precision"] == (0.5, 2) and found["phones_plain.precision"] == (1.0, 1)
    assert found["kind.wallet.false"] == (0.5, 2)
    assert found["phones.false_on_people"] == (0.0, 1)
    assert found["phones.recall_at_95"] == (0.0, 4) and found["phones_plain.recall_at_100"] == (1.0, 2)


def test_what_is_not_labelled_has_no_line() -> None:
    pool = Picture("", "a", phone=False, face=True, lookalike="")
    found = figures((pool, said("at_screen")), (replace(pool, phone=True, use="at_ear"), said("on_phone", 0.8)))
    assert "lens.right" not in found and not any(key.startswith(("away", "screen")) for key in found)
    assert found["phones.at_ear"] == (1.0, 1) and found["states.right"] == (1.0, 1)


def test_pictures_of_a_blind_lens_are_out_of_everything_but_lens_and_state() -> None:
    dark = Picture("", "a", phone=None, face=None, category="dark", lens="dark")
    found = figures((dark, said("unknown", face=None, lens="dark")), (PERSON, said("at_screen")))
    assert found["lens.right"] == (1.0, 2) and found["faces.recall"] == (1.0, 1) and found["states.right"] == (1.0, 2)
    # a covered lens shows no face, and one found there is a false one all the same
    covered = replace(PERSON, face=False, category="covered", lens="covered")
    assert figures((covered, said("at_screen")))["faces.false"] == (1.0, 1)


def test_time_leaves_reading_out() -> None:
    assert figures((PERSON, said("at_screen")))["time.looking"] == (3.0, 1)


def scene(better: bool) -> tuple[Scored, ...]:
    pairs = []
    for k in range(60):
        picture = PHONE if k % 2 else PERSON
        found = picture is PHONE and (better or k % 6 == 1)
        pairs.append((picture, said("on_phone" if found else "at_screen", 0.8 if found else 0.2)))
    return numbered(*pairs)


def test_a_change_is_judged_against_the_same_pictures() -> None:
    before = {s.picture.file: s.said for s in scene(False)}
    found = compare.compare(Facts(scene(True), JUDGE), before, JUDGE, resamples=300)
    recall = next(c for c in found.changes if c.key == "phones.recall")
    assert (recall.before, recall.now, recall.verdict) == (pytest.approx(1 / 3), 1.0, "better")
    assert recall.interval is not None and recall.interval.low > 0.3
    assert next(c for c in found.changes if c.key == "faces.recall").verdict == "same"
    assert next(c for c in found.changes if c.key == "time.looking").verdict == "as busy as the machine was"
    assert len(found.fixed) == 20 and found.broken == ()
    back = compare.compare(Facts(scene(False), JUDGE), {s.picture.file: s.said for s in scene(True)}, JUDGE, 300)
    assert next(c for c in back.changes if c.key == "phones.recall").verdict == "worse" and len(back.broken) == 20
    assert "| worse " in compare.text(back, "before.json")


def test_one_picture_more_could_be_chance() -> None:
    now = list(scene(False))
    before = {s.picture.file: s.said for s in now}
    now[3] = Scored(now[3].picture, said("on_phone", 0.8))
    found = compare.compare(Facts(now, JUDGE), before, JUDGE, resamples=300)
    assert next(c for c in found.changes if c.key == "phones.recall").verdict == "could be chance"


def test_only_pictures_of_both_runs_are_compared() -> None:
    now = scene(True)
    before = {s.picture.file: s.said for s in now[:10]}
    assert compare.compare(Facts(now, JUDGE), before, JUDGE, 100).pictures == 10
    with pytest.raises(UsageError, match="none of these pictures"):
        compare.compare(Facts(now, JUDGE), {}, JUDGE, 100)


def test_what_was_said_survives_the_results_file_and_a_lacking_field_is_named() -> None:
    one = said("on_phone", 0.8)
    assert Said.from_json(one.to_json()) == one
    line = one.to_json()
    del line["phone_score"]
    with pytest.raises(FramekeepError, match="phone_score"):
        Said.from_json(line)


def test_the_worst_mistakes_come_first_and_right_answers_never() -> None:
    scored = numbered(
        (PHONE, said("at_screen", 0.4)),
        (PHONE, said("at_screen", 0.1)),
        (PERSON, said("on_phone", 0.9)),
        (PERSON, said("at_screen")),
    )
    kinds = {title: (count, [s.picture.file for s in shown]) for title, count, shown in worst(scored, JUDGE, most=1)}
    assert list(kinds.values()) == [(2, ["1.jpg"]), (1, ["2.jpg"])]


def test_curves_end_where_everything_is_taken_and_their_bands_are_ordered() -> None:
    facts = Facts(scene(False), JUDGE)
    curve = all_curves(facts, draw([s.picture.source for s in facts.scored], 100))["phones"]
    assert curve["recall"][-1] == 1.0 and curve["precision"][-1] == 0.5
    assert all(low <= high for low, high in zip(curve["band"]["low"], curve["band"]["high"], strict=True))
    at_judge = next(row for row in at_thresholds(facts) if row["threshold"] == JUDGE.phone)
    assert (at_judge["precision"], at_judge["recall"]) == (1.0, pytest.approx(1 / 3))
    assert at_judge["f1"] == pytest.approx(0.5)


def test_every_picture_is_in_one_bin_of_the_scores() -> None:
    facts = Facts(scene(True), JUDGE)
    assert [(part, whole) for _, part, whole in bins(facts.score, facts.phone)] == [(0, 30), (30, 30)]
    few = bins(facts.score[:3], facts.phone[:3])
    assert sum(whole for _, _, whole in few) == 3


def test_the_report_is_made_of_tables_with_intervals() -> None:
    scored = scene(False)
    labelled = LabelledSet(Path("some"), tuple(s.picture for s in scored), ("lens condition",))
    facts = Facts(scored, JUDGE)
    outcome = Outcome(scored, missing=(), warm=(1, 2), between=(5.0, 7.0), cpu_seconds=1.2)
    report = results.report(labelled, outcome, facts, draw([s.picture.source for s in scored], 200))
    text = markdown.text(report)
    assert text.startswith("60 pictures of 6 sources in `some`.")
    assert "Not labelled in this set: lens condition." in text
    assert "| called on_phone: recall" in text and "0.33 (0." in text
    assert report["time"]["looking"] == {"mean": 3.0, "median": 3.0, "worst": 3.0}
    assert report["time"]["with_reading"]["worst"] == 7.0 and report["time"]["cpu_with_start"] == 20.0
    assert report["states"]["on_phone"] == {"on_phone": 10, "at_screen": 20}
    for block in text.split("\n\n"):
        if block.startswith("|"):
            assert len({line.count("|") for line in block.splitlines()}) == 1


def test_what_a_reader_must_know_of_a_set_is_said() -> None:
    phones = Facts(numbered((PHONE, said("on_phone", 0.9))), JUDGE)
    labelled = LabelledSet(Path("some"), (PHONE,), (), learned=3)
    kind, lacking = results.notes(labelled, phones)
    assert "may have learned from 3 of these pictures" in kind
    assert lacking.endswith("the set has no picture without a phone.")
    assert list(results.notes(LabelledSet(Path("some"), (), ()), Facts(scene(False), JUDGE))) == []


def test_equal_mistakes_are_not_shown_by_name() -> None:
    missed = tuple(
        Scored(replace(PHONE, file=f"{source}/{k}.jpg", source=source), said("at_screen", 0.0))
        for source in "ab"
        for k in range(6)
    )
    ((_, count, shown),) = worst(missed, JUDGE, 6)
    assert count == 12 and {s.picture.source for s in shown} == {"a", "b"}


def test_the_tables_replace_what_stood_between_the_markers() -> None:
    page = f"before\n{readme.BEGIN}\nold\n{readme.END}\nafter\n"
    once = readme.replaced(page, "| new |\n")
    assert readme.block(once) == "| new |" and once.startswith("before\n") and once.endswith("\nafter\n")
    assert readme.replaced(once, "| new |\n") == once
    with pytest.raises(UsageError, match="put them back"):
        readme.replaced("no markers", "| new |")
