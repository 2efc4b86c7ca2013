"""Puts the parts together: scored pictures in, one JSON-ready report out. Pure functions."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from evaluation import curves, plan
from evaluation.bootstrap import SEED, Draws, Estimate, estimate
from evaluation.labels import LabelledSet
from evaluation.plan import Facts
from evaluation.run import Outcome

FORMAT = 1
"""The version of the results file; one that cannot be compared with has another."""

Report = dict[str, Any]


def report(labelled: LabelledSet, outcome: Outcome, facts: Facts, draws: Draws) -> Report:
    """All figures, tables and curves, and per picture what was said (for comparing another run with this one)."""
    found = curves.all_curves(facts, draws)
    return {
        "format": FORMAT,
        "folder": labelled.folder.resolve().name,
        "pictures": len(facts.scored),
        "sources": len({s.picture.source for s in facts.scored}),
        "not_judged": list(outcome.missing),
        "not_labelled": list(labelled.not_labelled),
        "notes": list(notes(labelled, facts)),
        "judge": {
            "phone": facts.thresholds.phone,
            "yaw_away": facts.thresholds.yaw_away,
            "pitch_down": facts.thresholds.pitch_down,
        },
        "bootstrap": {"resamples": len(draws.by_pictures), "seed": SEED},
        "measures": {
            line.key: {
                "section": line.section,
                "words": line.words,
                "better": line.better,
                **estimate_json(estimate(line.measure, draws)),
            }
            for line in plan.lines(facts)
        },
        "best_f1_threshold": {
            name: curves.best_f1_threshold(curve) for name, curve in found.items() if name.startswith("phones")
        },
        "thresholds": curves.at_thresholds(facts) if "phones" in found else [],
        "kinds": kinds(facts),
        "lens": plan.confusion((s.picture.lens, s.said.lens) for s in facts.scored),
        "states": plan.confusion((s.picture.state, s.said.state) for s in facts.scored),
        "time": times(outcome),
        "curves": found,
        "results": [{"file": s.picture.file, **s.said.to_json()} for s in facts.scored],
    }


def notes(labelled: LabelledSet, facts: Facts) -> Iterator[str]:
    """What a reader must know of this set: figures that are kind, and figures that are missing and why."""
    if labelled.learned:
        yield (
            f"The phone verifier may have learned from {labelled.learned} of these pictures, so the phone figures are kind: "
            "what it makes of strangers is in models/README.md."
        )
    if facts.phone.any() != facts.empty.any():
        lacking = "without a phone" if facts.phone.any() else "of a phone in use"
        yield f"No precision, recall or curve of phones: the set has no picture {lacking}."


def estimate_json(found: Estimate) -> dict[str, Any]:
    """An estimate as JSON: the shown interval, and each by its basis."""
    shown = found.shown
    return {
        "value": found.value,
        "low": shown.low if shown else None,
        "high": shown.high if shown else None,
        "basis": shown.basis if shown else None,
        "pictures": found.pictures,
        "sources": found.sources,
        "intervals": {interval.basis: [interval.low, interval.high] for interval in found.intervals},
    }


def kinds(facts: Facts) -> dict[str, dict[str, Any]]:
    """Per kind of picture: how many, whether they show a phone, faces found, called on_phone, the scores' quartiles."""
    groups: dict[str, list[int]] = defaultdict(list)
    for index, s in enumerate(facts.scored):
        groups[s.picture.kind].append(index)
    return {
        kind: {
            "pictures": len(members),
            "with_phone": sum(facts.scored[i].picture.phone is True for i in members),
            "faces_found": int(facts.found_face[members].sum()),
            "called_on_phone": int(facts.said_phone[members].sum()),
            "quartiles": _quartiles([float(facts.score[i]) for i in members]),
        }
        for kind, members in sorted(groups.items())
    }


def times(outcome: Outcome) -> dict[str, Any]:
    """Milliseconds a picture. `stages` are the agent's own clock per stage, `looking` all but reading the file."""
    warm = [outcome.scored[i].said.ms for i in outcome.warm]
    looking = [outcome.scored[i].said.looking_ms for i in outcome.warm if outcome.scored[i].said.ms]
    stages: dict[str, list[float]] = defaultdict(list)
    for each in warm:
        for stage, ms in each.items():
            stages[stage].append(ms)
    return {
        "looking": _spread(looking),
        "stages": {stage: {**_spread(spent), "ran": len(spent) / len(warm)} for stage, spent in stages.items()},
        "with_reading": _spread(outcome.between),
        "cpu_with_start": 1000.0 * outcome.cpu_seconds / len(outcome.scored) if outcome.cpu_seconds else None,
    }


def _spread(values: Sequence[float]) -> dict[str, float]:
    if not values:
        return {}
    return {"mean": statistics.fmean(values), "median": statistics.median(values), "worst": max(values)}


def _quartiles(scores: Sequence[float]) -> list[float]:
    cut = statistics.quantiles(scores, n=4, method="inclusive") if len(scores) > 1 else list(scores) * 3
    return [round(q, 3) for q in cut]
