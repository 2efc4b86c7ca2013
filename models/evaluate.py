"""Score the agent on a labelled folder, by running the real `framekeep analyze --json` over it.

    make eval                                           # ../shared/eval, or $FRAMEKEEP_SHARED/eval
    make eval ARGS="FOLDER --only category=facing"      # any labelled folder, or part of it
    make eval ARGS="--json before.json"                 # keep the numbers ...
    make eval ARGS="--baseline before.json"             # ... and judge a change against them
    make eval ARGS="--analyze-args='--face onnx'"       # options for `framekeep analyze`

What the folder must hold is in models/README.md. Prints Markdown; charts and a sheet of the worst mistakes go to a
fresh temporary folder unless others are named.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import sys
from pathlib import Path

from evaluation import charts, compare, labels, markdown, places, readme, results, sheet
from evaluation.bootstrap import RESAMPLES, draw
from evaluation.plan import Facts
from evaluation.run import Thresholds, run_agent

from agent.attention.rules import Rules
from agent.errors import FramekeepError, UsageError


def main(arguments: list[str]) -> int:
    """Run, score, print. Answers the exit code: 0, 1 when something failed, 2 when the request or the folder is wrong."""
    try:
        return _evaluate(_parser().parse_args(arguments))
    except FramekeepError as error:
        print(f"eval: {error}", file=sys.stderr)
        return error.exit_code


def _published() -> Path:
    """The labelled set whose figures models/README.md publishes."""
    return Path(os.environ.get("FRAMEKEEP_SHARED", Path(__file__).resolve().parents[2] / "shared")) / "eval"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make eval", description="Score the agent on a labelled folder.")
    add = parser.add_argument
    add("folder", nargs="?", type=Path, default=_published(), help="holds labels.csv and the pictures")
    add(
        "--only", action="append", default=[], metavar="COLUMN=VALUE", help="score only these pictures; may be repeated"
    )
    add(
        "--json",
        type=Path,
        metavar="FILE",
        help="also write all numbers, and what was said of each picture; - prints only that",
    )
    add("--baseline", type=Path, metavar="FILE", help="compare with the --json FILE of an earlier run")
    add("--plots", type=Path, metavar="FOLDER", help="where the charts go (default: a fresh temporary folder)")
    add(
        "--sheet", type=Path, metavar="FOLDER", help="where the sheet of the worst mistakes goes; it shows the pictures"
    )
    add("--no-drawing", action="store_true", help="neither charts nor sheet")
    add("--analyze-args", default="", metavar="ARGS", help="options handed on to `framekeep analyze`, in quotes")
    add("--resamples", type=_resamples, default=RESAMPLES, metavar="N", help=f"for the intervals (default {RESAMPLES})")
    add("--update-readme", action="store_true", help="put the tables into models/README.md")
    return parser


def _evaluate(options: argparse.Namespace) -> int:
    if options.sheet is not None:
        sheet.refuse_inside(options.sheet, options.folder)
    if options.update_readme:
        if options.only or options.analyze_args:
            raise UsageError("models/README.md takes the figures of a whole folder and of the agent's defaults only.")
        readme.refuse_other_than(_published(), options.folder)
    earlier = compare.load(options.baseline) if options.baseline else None
    places.check_file(options.json)
    places.check_folder(options.plots)
    labelled = labels.read(options.folder, options.only)
    outcome = run_agent(labelled, shlex.split(options.analyze_args))
    facts = Facts(outcome.scored, Thresholds.of(Rules()))
    report = results.report(labelled, outcome, facts, draw([s.picture.source for s in facts.scored], options.resamples))
    text = markdown.text(report)
    if earlier:
        changes = compare.compare(facts, *earlier, options.resamples)
        report["comparison"] = {"baseline": options.baseline.name, **changes.to_json()}
        text += "\n" + compare.text(changes, options.baseline.name)
    _write(report, text, options.json)
    if options.update_readme and not outcome.missing:
        readme.update(markdown.text(report))
    if not options.no_drawing:
        _draw(report, facts, labelled.folder, options)
    if outcome.missing:
        print(
            f"eval: {len(outcome.missing)} of {len(labelled.pictures)} pictures were not judged (see above).",
            file=sys.stderr,
        )
    return 1 if outcome.missing else 0


def _write(report: results.Report, text: str, file: Path | None) -> None:
    if str(file) == "-":
        places.say(json.dumps(report) + "\n")
        return
    if file is not None:  # first, so that what cannot be printed is not lost
        places.write(file, json.dumps(report) + "\n")
    places.say(text)


def _draw(report: results.Report, facts: Facts, folder: Path, options: argparse.Namespace) -> None:
    """Charts and sheet, each into the folder named for it or both into a fresh one, which does not outlive an error. Paths
    go to standard error.
    """
    named: list[Path | None] = [options.plots, options.sheet]
    fresh = [places.fresh()] if None in named else []
    plots, pictures = (place if place is not None else fresh[0] for place in named)
    done = False
    try:
        sheet.refuse_inside(pictures, folder)  # a temporary folder can lie anywhere
        for place in (plots, pictures):
            place.mkdir(parents=True, exist_ok=True)
        drawn = charts.draw_all(report, facts, plots)
        drawn += sheet.draw(facts, folder, pictures / "worst_mistakes.png")
        done = True
    except OSError as error:
        raise FramekeepError(f"The charts cannot be written ({error}); name other folders.") from error
    finally:
        for place in fresh if not done else []:
            shutil.rmtree(place, ignore_errors=True)
    for file in drawn:
        print(f"drawn: {file}", file=sys.stderr)


def _resamples(text: str) -> int:
    number = int(text)
    if number < 100:
        raise argparse.ArgumentTypeError("at least 100")
    return number


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
