"""What is plainly visible in labelled pictures: glasses, masks, head coverings, skin tone, light, camera, company.

`models/conditions.csv` holds one line a picture: names, no pixels. `set` is the folder it lies in (eval or train),
`drawn` why it is here (all: the set's every picture of a person with a visible face; random: drawn by lot within its
source; sought: looked for among the rest, because it shows a rare attribute, before any detector saw it).
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from evaluation.labels import Picture, read
from pool import may_ship

from agent.errors import UsageError

FILE = Path(__file__).resolve().parents[1] / "conditions.csv"
ALLOWED = {
    "set": ("eval", "train"),
    "drawn": ("all", "random", "sought"),
    "face": ("visible", "profile", "hidden"),
    "glasses": ("none", "clear", "sun", "unknown"),
    "mouth": ("free", "hand", "mask", "unknown"),
    "head": ("none", "hat", "scarf", "hood", "headphones", "unknown"),
    "skin": ("lighter", "middle", "darker", "unknown"),
    "light": ("even", "backlit", "dim", "unknown"),
    "camera": ("front", "side", "below", "unknown"),
    "people": ("1", "2"),
}
"""Every column but file and source, and its values. `people` 2 means two or more."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """One picture: where it is, what its set's own labels say, and what is plainly visible.

    `unseen`: no phone model of ours was trained on it, so what is said of phones in it counts.
    """

    path: Path
    picture: Picture
    visible: dict[str, str]
    unseen: bool


def load(shared: Path, table: Path = FILE) -> list[Labelled]:
    """Every picture of the table, with the labels of its set below `shared`. Raises UsageError."""
    sets = {name: {p.file: p for p in read(shared / name).pictures} for name in ALLOWED["set"]}
    free = _trained_on(shared / "train" / "labels.csv")
    found = []
    for row in rows(table):
        picture = sets[row["set"]].get(row["file"])
        if picture is None:
            raise UsageError(f"{table.name} names {row['file']}, which {shared / row['set']} lacks; remove the line.")
        unseen = row["set"] == "eval" or row["file"] not in free
        found.append(Labelled(shared / row["set"] / row["file"], picture, row, unseen))
    return found


def rows(table: Path = FILE) -> list[dict[str, str]]:
    """The table as it is. Raises UsageError for an unknown value, a missing column or a picture named twice."""
    with table.open(newline="", encoding="utf-8") as handle:
        found = list(csv.DictReader(handle))
    for number, row in enumerate(found, 2):
        for column, values in ALLOWED.items():
            if row.get(column) not in values:
                raise UsageError(
                    f"{table.name} line {number}: {column} must be one of {', '.join(values)}, not {row.get(column)!r}."
                )
    names = [(row["set"], row["file"]) for row in found]
    if len(names) != len(set(names)):
        raise UsageError(f"{table.name} names a picture twice; leave one.")
    return found


def _trained_on(labels: Path) -> set[str]:
    """The pool's pictures the shipped verifier may have been trained on."""
    with labels.open(newline="", encoding="utf-8") as handle:
        return {row["file"] for row in csv.DictReader(handle) if may_ship(row["licence"])}
