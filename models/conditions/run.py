"""Measure what the labels do not name: glasses, masks, head coverings, skin tones, light, cameras, company.

    make eval-conditions                             # the tables of models/README.md's "Conditions", as Markdown
    make eval-conditions ARGS="--face onnx"          # with the other engine
    make eval-conditions ARGS="--update-readme"      # put the tables into models/README.md
    make eval-conditions ARGS="--sheet FOLDER"       # draw some of the drawn conditions, to see that they are plausible

Looks at the pictures of models/conditions.csv in ../shared (or $FRAMEKEEP_SHARED) and draws conditions into some of
them, in memory. About two minutes.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "models"))

from evaluation import places, readme, sheet  # noqa: E402 - found by the line above

from agent.errors import FramekeepError, UsageError  # noqa: E402
from agent.sources import FACE_ENGINES  # noqa: E402
from conditions import report  # noqa: E402 - found by the line above


def main(arguments: list[str]) -> int:
    """Look, count, print. Answers the exit code."""
    shared = Path(os.environ.get("FRAMEKEEP_SHARED", REPOSITORY.parent / "shared"))
    parser = argparse.ArgumentParser(prog="make eval-conditions", description="Measure conditions no label names.")
    parser.add_argument("--face", choices=FACE_ENGINES, default=FACE_ENGINES[0], help="the engine that finds faces")
    parser.add_argument("--sheet", type=Path, metavar="FOLDER", help="also draw a sheet there; it shows the pictures")
    parser.add_argument("--update-readme", action="store_true", help="put the tables into models/README.md")
    chosen = parser.parse_args(arguments)
    try:
        if chosen.update_readme and chosen.face != FACE_ENGINES[0]:
            raise UsageError("models/README.md takes the figures of the agent's default engine only.")
        if chosen.sheet is not None:
            sheet.refuse_inside(chosen.sheet, shared)
            places.check_folder(chosen.sheet)
        text = report.measure(shared, chosen.face, chosen.sheet)
        places.say(f"{text}\n")
        if chosen.update_readme:
            readme.update(text, report.BEGIN, report.END)
    except FramekeepError as error:
        print(f"eval-conditions: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
