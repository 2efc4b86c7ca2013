"""The training pool: its labels, which of its pictures may shape what we ship, and its pictures in memory."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from agent.errors import UsageError

Box = tuple[float, float, float, float]
Pixels = npt.NDArray[np.uint8]

COLUMNS = ("file", "source", "licence", "phone_visible", "use", "lookalike", "phone_box", "note")
"""What a training pool's labels.csv must have."""
FREE = ("CC BY 4.0", "MIT", "Public Domain")
"""What the `licence` column must say of the pictures themselves, word for word, for weights to be shipped."""
STATED = " (stated in data.yaml)"
"""Where it was said may follow ..."""
REMARKS = ("stock photographs",)
"""... and then, after a semicolon, one of these. Anything else may be a restriction: such pictures take no part."""
LEFT_OUT = ("aitkherimed1228/Yolov10_project",)
"""Sources whose people, rooms and things are also in the labelled evaluation pictures: its figures would lie."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One labelled picture. `use`: in_hand, at_ear, closeup, on_desk or none; boxes in pixels."""

    path: Path
    source: str
    free: bool
    phone: bool
    use: str
    lookalike: str
    boxes: tuple[Box, ...]
    stock: bool
    """It looks like a stock photograph or a film still, whatever its uploader says of its licence."""

    @property
    def name(self) -> str:
        """The file's name, which is unique in the pool."""
        return self.path.name


def read_pool(folder: Path, everything: bool) -> list[Picture]:
    """The pictures of `labels.csv`; without `everything` only those whose licence allows weights to be shipped.

    Raises OSError when there is no such list, UsageError when it is not a training pool's.
    """
    with (folder / "labels.csv").open(newline="", encoding="utf-8-sig") as handle:
        reader = csv.DictReader(handle)
        lacking = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
        if lacking:
            raise UsageError(
                f"{folder / 'labels.csv'} has no column {lacking[0]!r}; name the folder of a training pool."
            )
        rows = [row for row in reader if row["source"] not in LEFT_OUT]
    pictures = [
        Picture(
            path=folder / row["file"],
            source=row["source"],
            free=may_ship(row["licence"]),
            phone=row["phone_visible"] == "1",
            use=row["use"],
            lookalike=row["lookalike"],
            boxes=tuple(_box(text) for text in row["phone_box"].split(";") if text),
            stock="stock" in f"{row['licence']} {row['note']}",
        )
        for row in rows
    ]
    return [picture for picture in pictures if everything or picture.free]


def may_ship(licence: str) -> bool:
    """Whether weights trained on pictures with this entry in the `licence` column may be shipped."""
    named, *remarks = (part.strip() for part in licence.split(";"))
    return named.removesuffix(STATED) in FREE and all(remark in REMARKS for remark in remarks)


@cache
def pixels(picture: Picture) -> Pixels:
    """The picture, blue green red; kept in memory, since every pass over the pool needs it."""
    image = cv2.imread(str(picture.path))
    if image is None:
        raise OSError(f"{picture.path} cannot be read as a picture")
    return image.astype(np.uint8, copy=False)


def _box(text: str) -> Box:
    x1, y1, x2, y2 = (float(number) for number in text.split())
    return x1, y1, x2, y2
