"""Two runs over the same pictures: what changed, with a paired bootstrap. Pure but for reading the earlier file.

Both runs are scored on the pictures they share, against today's labels, each with its own judge's thresholds; every
resample draws the same pictures for both, so what is common to them (hard pictures) cancels out.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from agent.errors import FramekeepError, UsageError
from evaluation import markdown, plan
from evaluation.bootstrap import Draws, Interval, draw, resampled, sources_of
from evaluation.measures import value
from evaluation.plan import Facts, Line
from evaluation.results import FORMAT
from evaluation.run import Said, Scored, Thresholds


@dataclass(frozen=True, slots=True)
class Change:
    """One figure before and now. `interval` is of the difference; None where resampling never changed it."""

    section: str
    key: str
    words: str
    before: float
    now: float
    interval: Interval | None
    better: str

    @property
    def verdict(self) -> str:
        """better, worse, or that it could be chance: the interval holds 0. Times are not judged: a busy machine is
        slower, and resampling pictures knows nothing of that.
        """
        if self.section == "time":
            return "as busy as the machine was"
        if self.now == self.before and self.interval is None:
            return "same"
        if self.interval is not None and self.interval.low <= 0 <= self.interval.high:
            return "could be chance"
        return "better" if (self.now > self.before) == (self.better == "higher") else "worse"


@dataclass(frozen=True, slots=True)
class Comparison:
    """All changes over the `pictures` both judged; `fixed` and `broken` are files whose state became right, wrong."""

    pictures: int
    changes: tuple[Change, ...]
    fixed: tuple[str, ...]
    broken: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """For the results file."""
        changes = [{**asdict(change), "verdict": change.verdict} for change in self.changes]
        return {**asdict(self), "changes": changes}


def load(file: Path) -> tuple[dict[str, Said], Thresholds]:
    """What an earlier run's results file says of each picture, and its judge's thresholds. Raises UsageError."""
    try:
        earlier = json.loads(file.read_text(encoding="utf-8"))
        if earlier["format"] != FORMAT:
            raise ValueError(f"format {earlier['format']}, not {FORMAT}")
        judge = Thresholds(**{name: float(number) for name, number in earlier["judge"].items()})
        return {str(result["file"]): Said.from_json(result) for result in earlier["results"]}, judge
    except (OSError, ValueError, KeyError, TypeError, FramekeepError) as error:
        raise UsageError(
            f"{file} is not a results file of this evaluation ({error}); make one with --json FILE and name it."
        ) from error


def compare(facts: Facts, before: dict[str, Said], judge: Thresholds, resamples: int) -> Comparison:
    """What changed since an earlier run. Raises UsageError when they share no picture."""
    now = [s for s in facts.scored if s.picture.file in before]
    if not now:
        raise UsageError("The baseline judged none of these pictures; compare runs over the same folder.")
    then = [Scored(s.picture, before[s.picture.file]) for s in now]
    draws = draw([s.picture.source for s in now], resamples)
    old = {line.key: line for line in plan.lines(Facts(then, judge))}
    pairs = [(old[line.key], line) for line in plan.lines(Facts(now, facts.thresholds)) if line.key in old]
    changes = tuple(filter(None, (_change(was, line, draws) for was, line in pairs)))
    fixed, broken = (tuple(_turned(a, b)) for a, b in ((then, now), (now, then)))
    return Comparison(len(now), changes, fixed, broken)


def text(comparison: Comparison, baseline: str) -> str:
    """As Markdown: the changes that matter to a reader, per-source and per-kind ones only where they moved."""
    shown = [c for c in comparison.changes if c.verdict != "same" or not c.key.startswith(("kind.", "source."))]
    rows = [
        (_full_words(c), markdown.number(c.before), markdown.number(c.now), _difference(c), c.verdict) for c in shown
    ]
    lines = [
        f"Against `{baseline}`, over the {comparison.pictures} pictures both judged; the interval is of the difference, "
        "the same pictures drawn for both.",
        markdown.table(("measure", "before", "now", "difference", "verdict"), rows),
        f"State right now and wrong before: {len(comparison.fixed)}; the other way round: {len(comparison.broken)}.",
    ]
    return "\n\n".join(lines) + "\n"


def _change(was: Line, line: Line, draws: Draws) -> Change | None:
    before, now = value(was.measure), value(line.measure)
    if before is None or now is None:
        return None
    by_pictures, by_sources = (
        line.measure.of(weights) - was.measure.of(weights) for weights in (draws.by_pictures, draws.by_sources)
    )
    sources = min(sources_of(m, draws) for m in (was.measure, line.measure))
    widest = max(resampled(by_pictures, by_sources, sources), key=lambda interval: interval.width, default=None)
    interval = widest if widest is not None and (widest.width > 0 or not np.isclose(widest.low, 0)) else None
    return Change(line.section, line.key, line.words, before, now, interval, line.better)


def _turned(wrong: Sequence[Scored], right: Sequence[Scored]) -> list[str]:
    return [
        b.picture.file for a, b in zip(wrong, right, strict=True) if a.said.state != a.picture.state == b.said.state
    ]


def _full_words(change: Change) -> str:
    which = markdown.PHONES.get(change.section)
    return f"{change.words} ({which})" if which else change.words


def _difference(change: Change) -> str:
    plain = f"{change.now - change.before:+.2f}"
    if change.interval is None:
        return plain
    return f"{plain} ({change.interval.low:+.2f} to {change.interval.high:+.2f}{markdown.BASIS[change.interval.basis]})"
