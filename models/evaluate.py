"""Score the agent on a labelled folder, by running the real `framekeep analyze --json` over it.

    python models/evaluate.py [FOLDER] [--json]        # default ../shared/eval, or $FRAMEKEEP_SHARED/eval

FOLDER holds `labels.csv` with the columns file, category, phone_visible, face_visible (1, 0 or -1 for not
judged), people, looking (screen, away, unknown) and phone_box ("x1 y1 x2 y2", ';' between boxes). Every picture is
judged alone. Where a label does not say what is true, the picture is left out of that measure.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import statistics
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from metrics import (
    area_under_curve,
    at_threshold,
    average_precision,
    overlap,
    precision_recall,
    recall_at_precision,
    share,
)
from report import print_report

from agent.attention.rules import Rules

LENS_CATEGORIES = ("dark", "covered", "blurred")
WANTED_PRECISION = 0.95
SAME_PLACE = 0.5
"""Intersection over union from which a found box is the labelled one."""
BATCH = 500
"""Pictures per run of `analyze`: command lines have a limit."""


@dataclass(frozen=True, slots=True)
class Scored:
    """One picture: its label and what the agent said."""

    label: dict[str, str]
    said: dict[str, Any]

    @property
    def clear(self) -> bool:
        """Whether the picture is meant to be judgeable."""
        return self.label["category"] not in LENS_CATEGORIES

    @property
    def expected_state(self) -> str | None:
        """What the label says the state is; None where it does not say (eyes alone move, a body without a face)."""
        if not self.clear:
            return "unknown"
        if self.label["phone_visible"] == "1":
            return "on_phone"
        if self.label["people"] == "0":
            return "absent"
        if self.label["face_visible"] == "1":
            return {"screen": "at_screen", "away": "looking_away"}.get(self.label["looking"])
        return None


def main(arguments: list[str]) -> int:
    """Run, score, print. Answers the exit code: 0, or 1 when a picture could not be judged."""
    shared = os.environ.get("FRAMEKEEP_SHARED", Path(__file__).resolve().parents[2] / "shared")
    parser = argparse.ArgumentParser(description="Score the agent on a labelled folder.")
    parser.add_argument("folder", nargs="?", type=Path, default=Path(shared) / "eval")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of tables")
    options = parser.parse_args(arguments)
    try:
        with (options.folder / "labels.csv").open(newline="") as handle:
            labels = list(csv.DictReader(handle))
        scored, milliseconds = run_agent(options.folder, labels)
    except OSError as error:
        print(f"eval: {error}; name a folder with labels.csv and the pictures", file=sys.stderr)
        return 1
    report = evaluate(scored, milliseconds)
    if options.json:
        print(json.dumps(report, indent=1))
    else:
        print_report(report)
    missing = len(labels) - len(scored)
    if missing:
        print(f"eval: {missing} of {len(labels)} labelled pictures were not judged (see above)", file=sys.stderr)
    return 1 if missing else 0


def run_agent(folder: Path, labels: list[dict[str, str]]) -> tuple[list[Scored], float | None]:
    """What `analyze` says about every labelled picture, and milliseconds a picture (reading included)."""
    command = [str(Path(sys.executable).with_name("framekeep")), "analyze", "--json"]
    by_file = {str(folder / label["file"]): label for label in labels}
    scored: list[Scored] = []
    spent, steps = 0.0, 0
    files = list(by_file)
    for start in range(0, len(files), BATCH):
        with subprocess.Popen([*command, *files[start : start + BATCH]], stdout=subprocess.PIPE, text=True) as process:
            last: float | None = None
            for line in process.stdout or ():
                now = time.perf_counter()
                if last is not None:  # the first line also waits for the detectors to load
                    spent, steps = spent + now - last, steps + 1
                last = now
                said = json.loads(line)
                scored.append(Scored(by_file[said["source"]], said))
    return scored, 1000 * spent / steps if steps else None


def evaluate(scored: Sequence[Scored], milliseconds: float | None) -> dict[str, Any]:
    """All measures as one JSON-ready object."""
    rules = Rules()
    return {
        "pictures": len(scored),
        "milliseconds": milliseconds,
        "faces": faces(scored),
        "looking": looking(scored, rules),
        "lens": lens(scored),
        "phones": phones(scored, rules),
        "categories": categories(scored),
        "states": states(scored),
    }


def faces(scored: Sequence[Scored]) -> dict[str, Any]:
    """How many visible faces are found, and in how many pictures without one something is taken for a face."""
    seen = [bool(s.said["faces"]) for s in scored if s.clear and s.label["face_visible"] == "1"]
    unseen = [bool(s.said["faces"]) for s in scored if s.clear and s.label["face_visible"] == "0"]
    return {
        "with_face": len(seen),
        "recall": share(sum(seen), len(seen)),
        "without_face": len(unseen),
        "false_alarms": share(sum(unseen), len(unseen)),
    }


def looking(scored: Sequence[Scored], rules: Rules) -> dict[str, Any]:
    """Screen against away from the head's pose; one person, face found, neutral pose straight ahead."""
    angles: dict[str, list[float]] = {"screen": [], "away": []}
    without_pose = 0
    for s in scored:
        label = s.label
        if label["face_visible"] != "1" or label["looking"] not in angles or label["category"] == "two_people":
            continue
        face = s.said["faces"][0] if s.said["faces"] else None
        if face is None or face["yaw"] is None:
            without_pose += 1
            continue
        # 1 is the judge's threshold on either angle.
        angles[label["looking"]].append(max(abs(face["yaw"]) / rules.yaw_away, -face["pitch"] / rules.pitch_down))
    return {
        "screen": len(angles["screen"]),
        "away": len(angles["away"]),
        "no_pose": without_pose,
        "auc": area_under_curve(angles["away"], angles["screen"]),
        "away_caught": share(sum(a > 1 for a in angles["away"]), len(angles["away"])),
        "screen_flagged": share(sum(a > 1 for a in angles["screen"]), len(angles["screen"])),
    }


def lens(scored: Sequence[Scored]) -> dict[str, dict[str, int]]:
    """Counts of what was said for each true condition."""
    table: dict[str, Counter[str]] = defaultdict(Counter)
    for s in scored:
        table["clear" if s.clear else s.label["category"]][s.said["lens"]] += 1
    return {truth: dict(said) for truth, said in sorted(table.items())}


def phones(scored: Sequence[Scored], rules: Rules) -> dict[str, Any]:
    """Is there a phone in the picture, and is the best box where it is?"""
    judged = [s for s in scored if s.clear and s.label["phone_visible"] in ("0", "1")]
    scores = [float(s.said["phone_score"]) for s in judged]
    truths = [s.label["phone_visible"] == "1" for s in judged]
    curve = precision_recall(scores, truths)
    best = recall_at_precision(curve, WANTED_PRECISION)
    precision, recall = at_threshold(scores, truths, rules.phone_threshold)
    boxed = [s for s in judged if s.label["phone_box"]]
    return {
        "with_phone": sum(truths),
        "without_phone": len(truths) - sum(truths),
        "average_precision": average_precision(curve),
        "recall_at_95": best[0] if best else None,
        "threshold_at_95": best[1] if best else None,
        "threshold": rules.phone_threshold,
        "precision": precision,
        "recall": recall,
        "boxed": len(boxed),
        "best_box_in_place": share(sum(_in_place(s) for s in boxed), len(boxed)),
    }


def categories(scored: Sequence[Scored]) -> dict[str, dict[str, Any]]:
    """Per category: pictures, faces found, phones said, the phone scores' quartiles."""
    groups: dict[str, list[Scored]] = defaultdict(list)
    for s in scored:
        groups[s.label["category"]].append(s)
    return {name: _category(groups[name]) for name in sorted(groups)}


def states(scored: Sequence[Scored]) -> dict[str, dict[str, int]]:
    """Counts of what was said for each state the labels name."""
    table: dict[str, Counter[str]] = defaultdict(Counter)
    for s in scored:
        if s.expected_state is not None:
            table[s.expected_state][s.said["state"]] += 1
    return {truth: dict(said) for truth, said in sorted(table.items())}


def _category(group: list[Scored]) -> dict[str, Any]:
    scores = sorted(float(s.said["phone_score"]) for s in group)
    quartiles = statistics.quantiles(scores, n=4, method="inclusive") if len(scores) > 1 else scores * 3
    return {
        "pictures": len(group),
        "faces_found": sum(bool(s.said["faces"]) for s in group),
        "said_on_phone": sum(s.said["state"] == "on_phone" for s in group),
        "phone_score_quartiles": [round(q, 3) for q in quartiles],
    }


def _in_place(s: Scored) -> bool:
    if not s.said["phones"]:
        return False
    best = max(s.said["phones"], key=lambda phone: float(phone["score"]))["box"]
    labelled = [[float(n) for n in box.split()] for box in s.label["phone_box"].split(";")]
    return any(overlap(best, box) >= SAME_PLACE for box in labelled)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
