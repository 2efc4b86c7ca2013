"""How right are the judge's seconds? Clips composed from labelled pictures, through the real detectors and the judge.

    .venv/bin/python models/compose_clips.py [FOLDER] [--clips N] [--seed N] [--plots FOLDER] [--suggest] [--json FILE]
                                             [--update-readme]

FOLDER (default ../shared/eval, or $FRAMEKEEP_SHARED/eval) holds `labels.csv`, the pictures and `clips/`. Every picture
is looked at once; the clips are drawn from those looks (composing/clips.py says how). Prints, as Markdown, how far the
seconds of the worst state are off as a share of the clip's length, and which seconds they are; `--suggest` searches for
better phone thresholds over time; `--plots` draws some clips, truth above judgement, without any picture in them;
`--update-readme` puts the table into models/README.md. `make eval-seconds ARGS=...` calls it.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from composing.clips import KINDS, Clip, compose
from composing.library import Picture, load, pools
from composing.score import ALLOWED, Spread, confusion, error, judged, spread
from composing.thresholds import search
from evaluation import places, readme

from agent.attention.judge import judge_still
from agent.attention.observation import State
from agent.attention.rules import Rules
from agent.errors import FramekeepError, UsageError

CLIPS, SEED = 40, 5
"""Of the published table."""
LENGTHS = {1.0: 1800.0, 10.0: 7200.0}
"""Seconds of a clip by sampling interval."""
SHOWN = 0.003
"""A mix-up is named from this share of the time on."""
SUGGESTIONS = 5
MOST_CLIPS = 0.9
"""Share of clips within `ALLOWED` below which a row counts as not reached, and is set in bold."""
LEGEND = (
    "Worst state off: the seconds by which the state that is most wrong is too long or too short, as a share of the clip's "
    f"length. 95 % of clips: nineteen clips in twenty are no worse. Within {ALLOWED:.0%}: the share of clips whose worst "
    "state is that close, bold below nine in ten. Mixed up: true state as judged state, as a share of the time looked at; "
    "two errors that cancel each other are here and not in the other columns."
)
BEGIN = "<!-- begin: written by models/compose_clips.py --update-readme -->"
END = "<!-- end: written by models/compose_clips.py -->"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: which pictures, sampling interval, kind of clip, its errors and the seconds mixed up."""

    pictures: str
    every: float
    kind: str
    errors: Spread
    mixed_up: dict[str, float]


def main(arguments: list[str]) -> int:
    """Look, compose, judge, print. Answers the exit code: 0, 1 when the pictures could not be looked at, 2 when the request
    or the folder is wrong.
    """
    shared = os.environ.get("FRAMEKEEP_SHARED", Path(__file__).resolve().parents[2] / "shared")
    parser = argparse.ArgumentParser(description="Score the judge's seconds on composed clips.")
    parser.add_argument("folder", nargs="?", type=Path, default=Path(shared) / "eval")
    parser.add_argument("--clips", type=_clips, default=CLIPS, help=f"clips per line of the table (default {CLIPS})")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--plots", type=Path, metavar="FOLDER", help="draw two clips of each kind")
    parser.add_argument("--suggest", action="store_true", help="search for phone thresholds (a minute or two)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the numbers")
    parser.add_argument("--update-readme", action="store_true", help="put the table into models/README.md")
    options = parser.parse_args(arguments)
    try:
        if options.update_readme:
            readme.refuse_other_than(Path(shared) / "eval", options.folder)
            if (options.clips, options.seed) != (CLIPS, SEED):
                raise UsageError("models/README.md takes the default number of clips and the default seed only.")
        places.check_file(options.json)
        places.check_folder(options.plots)
        measure(options)
    except FramekeepError as wrong:
        print(f"clips: {wrong}", file=sys.stderr)
        return wrong.exit_code
    return 0


def measure(options: argparse.Namespace) -> None:
    """Everything that was asked for. Raises FramekeepError."""
    chosen = choices(load(options.folder), Rules())
    clips = {
        (name, every, kind): draw_clips(members, kind, every, options.clips, options.seed)
        for name, members in chosen.items()
        for every in LENGTHS
        for kind in KINDS
    }
    rows = [row(name, every, kind, drawn) for (name, every, kind), drawn in clips.items()]
    text = table(rows, {name: len(members) for name, members in chosen.items()})
    places.say(f"{text}\n\n{LEGEND}\n")
    if options.update_readme:
        readme.update(f"{options.clips} clips a row.\n\n{text}\n\n{LEGEND}", BEGIN, END)
    if options.plots:
        plot((drawn[:2] for (name, _, _), drawn in clips.items() if name == "all"), options.plots)
    found = (
        suggest([c for (name, *_), drawn in clips.items() if name != "read right" for c in drawn[:4]])
        if options.suggest
        else []
    )
    if options.json:
        places.write(options.json, json.dumps([_plain(r) for r in rows] + found, indent=1) + "\n")


def choices(pictures: list[Picture], rules: Rules) -> dict[str, list[Picture]]:
    """Three sets of pictures: those the detectors read right one by one, whatever the state before (what is wrong then is
    the judge's doing), all without objects held up to the camera (an office), and all.
    """
    enough = replace(rules, phone_threshold=rules.phone_sustained)
    least = replace(enough, phone_sustained=rules.phone_minimum, phone_leave=rules.phone_minimum)
    least = replace(least, phone_threshold=rules.phone_minimum)
    return {
        "read right": [p for p in pictures if {judge_still(p.observation, r) for r in (enough, least)} == {p.state}],
        "no objects": [p for p in pictures if not p.hard],
        "all": pictures,
    }


def draw_clips(pictures: Iterable[Picture], kind: str, every: float, count: int, seed: int) -> list[Clip]:
    """`count` random clips; the same seed gives the same."""
    sorted_, rng = pools(pictures), random.Random(f"{seed} {kind} {every}")
    return [compose(sorted_, kind, every, LENGTHS[every], rng) for _ in range(count)]


def row(name: str, every: float, kind: str, clips: list[Clip]) -> Row:
    """Judge the clips."""
    rules = Rules(interval=every)
    errors, mixed = [], Counter[tuple[State, State]]()
    for clip in clips:
        intervals = judged([observation for observation, _ in clip.looks], rules, clip.length)
        errors.append(error(clip, intervals))
        mixed += confusion(clip, intervals)
    total = sum(mixed.values())
    wrong = {f"{a.value} as {b.value}": n / total for (a, b), n in mixed.most_common() if a is not b}
    return Row(name, every, kind, spread(errors), {words: n for words, n in wrong.items() if n >= SHOWN})


def table(rows: Iterable[Row], counts: dict[str, int]) -> str:
    """Markdown."""
    lines = [
        f"| pictures | a look every | clip | worst state off, median | 95 % of clips | within {ALLOWED:.0%} | mixed up |",
        "|---|---|---|---|---|---|---|",
    ]
    for r in rows:
        mixed = ", ".join(f"{words} {n:.1%}" for words, n in list(r.mixed_up.items())[:3]) or "-"
        lines.append(
            f"| {r.pictures} ({counts[r.pictures]}) | {r.every:.0f} s | {r.kind} | {r.errors.median:.1%} "
            f"| {r.errors.high:.1%} | {_within(r.errors.within)} | {mixed} |"
        )
    return "\n".join(lines)


def suggest(clips: list[Clip]) -> list[dict[str, Any]]:
    """Print and return the best settings of the grid."""
    rules = Rules()
    now = f"now sustained {rules.phone_sustained:.2f}, leave {rules.phone_leave:.2f}, minimum {rules.phone_minimum:.2f}"
    print(f"\nPhone thresholds over time ({now}), best neighbourhood of a grid over {len(clips)} clips:\n")
    print("| sustained | leave, minimum | mean error | with neighbours |\n|---|---|---|---|")
    best = search(clips, rules)[:SUGGESTIONS]
    for s in best:
        print(f"| {s.sustained:.2f} | {s.leave:.2f} | {s.error:.1%} | {s.around:.1%} |")
    return [{"suggestion": [s.sustained, s.leave], "error": s.error, "around": s.around} for s in best]


def plot(groups: Iterable[list[Clip]], folder: Path) -> None:
    """One picture per group of clips: the truth above what was judged."""
    from agent.plot import draw

    folder.mkdir(parents=True, exist_ok=True)
    for clips in groups:
        ribbons = []
        for number, clip in enumerate(clips, 1):
            intervals = judged([o for o, _ in clip.looks], replace(Rules(), interval=clip.every), clip.length)
            for name, spans in ((f"clip {number}: truth", clip.truth), (f"clip {number}: judged", intervals)):
                ribbons.append(
                    {"name": name, "still": False, "spans": [[s.start, s.end, s.state.value] for s in spans]}
                )
        path = folder / f"{clips[0].kind.replace(' ', '-')}-{clips[0].every:.0f}s.png"
        title = f"{clips[0].kind.capitalize()}, a look every {clips[0].every:.0f} s: truth above what was judged"
        try:
            draw(ribbons, path, title)
        except OSError as wrong:
            raise UsageError(
                f"The clips cannot be drawn in {folder} ({wrong.strerror}); name another folder."
            ) from wrong
        print(f"drawn: {path}", file=sys.stderr)


def _clips(text: str) -> int:
    number = int(text)
    if number < 2:
        raise argparse.ArgumentTypeError("at least 2: of fewer there is no spread")
    return number


def _within(share: float) -> str:
    return f"{share:.0%}" if share >= MOST_CLIPS else f"**{share:.0%}**"


def _plain(r: Row) -> dict[str, Any]:
    errors = {"median": r.errors.median, "high": r.errors.high, "within": r.errors.within}
    return {"pictures": r.pictures, "every": r.every, "kind": r.kind, **errors, "mixed_up": r.mixed_up}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
