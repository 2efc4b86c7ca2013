"""Reads `labels.csv` of a labelled folder into one shape, whichever of two column sets it has.

An evaluation set has `category` (and people, looking, note), a training pool has `use` and `lookalike`. What a set
does not label is None here and is left out of every measure that needs it; nothing is guessed.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pool import LEFT_OUT, may_ship

from agent.errors import UsageError

Box = tuple[float, float, float, float]
Row = dict[str, str]

REQUIRED = ("file", "source", "phone_visible", "face_visible")
LENS_CATEGORIES = ("dark", "covered", "blurred")
CATEGORIES = (
    *("phone_in_hand", "phone_at_ear", "phone_closeup", "object_not_phone"),
    *("facing", "away", "two_people", "no_person", "no_face_desk"),
    *LENS_CATEGORIES,
)
"""What the column `category` may say, and `USES` the column `use`: a misspelt one would be counted as something else."""
USES = ("in_hand", "at_ear", "closeup", "on_desk", "none", "")
USE_OF_CATEGORY = {"phone_in_hand": "in_hand", "phone_at_ear": "at_ear", "phone_closeup": "closeup"}
"""The evaluation set's names for what the training pool calls `use`; a phone elsewhere has no labelled use."""
DESK_CATEGORY, DESK_NOTE = "no_face_desk", "desk"
"""A torso at a desk: where the note says so, what phone there is lies on the desk (all ten were looked at)."""
OBJECT_CATEGORY = "object_not_phone"
OBJECTS = {
    "wallet": "wallet",
    "earbud": "earbuds",
    "book": "book",
    "cup": "cup",
    "paper": "paper",
    "remote": "remote",
    "glasses": "glasses",
    "headset": "headset",
    "hand": "hand",
}
"""Words of an `object_not_phone` picture's note, and the object they mean in the training pool's words."""
NOT_IN_USE = ("on_desk",)
"""Uses in which a phone is visible and nobody uses it: `on_phone` would be wrong."""


@dataclass(frozen=True, slots=True)
class Picture:
    """What is true of one picture; None where its set does not say.

    `use` is how a visible phone is used (None also where there is none), `lookalike` what object or gesture could be
    taken for one where no phone is ("" for none), `lens` the condition (clear, dark, covered, blurred), `boxes` the
    labelled phones in pixels.
    """

    file: str
    source: str
    phone: bool | None
    face: bool | None
    category: str | None = None
    use: str | None = None
    lookalike: str | None = None
    people: int | None = None
    looking: str | None = None
    lens: str | None = None
    boxes: tuple[Box, ...] = ()

    @property
    def judgeable(self) -> bool:
        """Whether the picture is meant to show what is in it; so it is where the set does not label the lens."""
        return self.lens in (None, "clear")

    @property
    def phone_in_use(self) -> bool | None:
        """Whether a phone is used; None where the labels do not say, and for a phone that merely lies there."""
        if not self.judgeable or (self.phone and self.use in (None, *NOT_IN_USE)):
            return None
        return self.phone

    @property
    def kind(self) -> str:
        """The picture's row in the tables: its use, its look-alike, its lens condition, or its category."""
        if not self.judgeable:
            return str(self.lens)
        if self.phone:
            return self.use or f"{self.category or 'nothing named'}, with phone"
        return self.lookalike or self.category or "nothing named"

    @property
    def state(self) -> str | None:
        """The state the agent should name, None where the labels do not decide it (only the eyes move, say)."""
        if not self.judgeable:
            return "unknown"
        if self.phone:
            if self.use is None:
                return None
            if self.use not in NOT_IN_USE:
                return "on_phone"
        if self.people == 0:
            return "absent"
        if self.face is False and self.people:
            return "looking_away"  # somebody is there and shows no face
        if self.face:
            return {"screen": "at_screen", "away": "looking_away"}.get(self.looking or "")
        return None


@dataclass(frozen=True, slots=True)
class LabelledSet:
    """A labelled folder. `not_labelled` names, in words, what it says nothing about; `learned` counts the pictures of a
    training pool from which the phone verifier may have learned.
    """

    folder: Path
    pictures: tuple[Picture, ...]
    not_labelled: tuple[str, ...]
    learned: int = 0


def read(folder: Path, only: Sequence[str] = ()) -> LabelledSet:
    """The folder's labels, in the order of the file.

    `only` are filters COLUMN=VALUE over the file's own columns; several values of one column are alternatives, several
    columns must all fit. Raises UsageError when the folder is not one this can score.
    """
    rows, columns = rows_of(folder, REQUIRED)
    if not {"category", "use"} & set(columns):
        raise UsageError(
            f"{folder / 'labels.csv'} has neither a column 'category' nor 'use', so nothing says what its pictures "
            "show; see models/README.md for its columns."
        )
    rows = _filtered(rows, columns, only)
    pictures = tuple(_picture(number, row) for number, row in rows)
    _all_there(folder, pictures)
    learned = sum(
        "use" in row and row["source"] not in LEFT_OUT and may_ship(row.get("licence", "")) for _, row in rows
    )
    return LabelledSet(folder, pictures, tuple(_not_labelled(pictures)), learned)


def rows_of(folder: Path, required: Sequence[str]) -> tuple[list[tuple[int, Row]], Sequence[str]]:
    """Every row of the folder's labels.csv with the number of its line, and the file's columns.

    Raises UsageError when there is no such file, or one of the columns `required` is not in it.
    """
    try:
        with (folder / "labels.csv").open(newline="", encoding="utf-8-sig") as handle:  # spreadsheets put a mark first
            reader = csv.DictReader(handle)
            rows = [(reader.line_num, {k: v or "" for k, v in row.items() if k}) for row in reader]
            columns = reader.fieldnames or ()
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(
            f"{folder} has no labels.csv that can be read ({type(error).__name__}); name a folder that holds one."
        ) from error
    for column in required:
        if column not in columns:
            raise UsageError(f"{folder / 'labels.csv'} has no column {column!r}; see models/README.md for its columns.")
    return rows, columns


def _filtered(rows: list[tuple[int, Row]], columns: Sequence[str], only: Sequence[str]) -> list[tuple[int, Row]]:
    wanted: dict[str, set[str]] = {}
    for condition in only:
        column, equals, value = condition.partition("=")
        if not equals or column not in columns:
            raise UsageError(f"--only takes COLUMN=VALUE with a column of labels.csv, not {condition!r}.")
        wanted.setdefault(column, set()).add(value)
    kept = [(n, row) for n, row in rows if all(row[column] in values for column, values in wanted.items())]
    if not kept:
        raise UsageError(f"No picture is left to score{' with ' + ' '.join(only) if only else ''}: check labels.csv.")
    return kept


def _picture(number: int, row: Row) -> Picture:
    category = _known(row, "category", CATEGORIES, number) or None
    _known(row, "use", USES, number)
    phone = _flag(row, "phone_visible", number)
    lens = None
    if category is not None:
        lens = category if category in LENS_CATEGORIES else "clear"
    return Picture(
        file=row["file"],
        source=row["source"],
        phone=phone,
        face=_flag(row, "face_visible", number),
        category=category,
        use=_use(row, category) if phone else None,
        lookalike=_lookalike(row, category) if phone is False else None,
        people=_people(row, number),
        looking=row.get("looking") if row.get("looking") in ("screen", "away") else None,
        lens=lens,
        boxes=_boxes(row, number),
    )


def _known(row: Row, column: str, words: Sequence[str], number: int) -> str:
    value = row.get(column, "")
    if value and value not in words:
        known = ", ".join(word for word in words if word)
        raise UsageError(f"labels.csv line {number}: {column} must be one of {known}, not {value!r}.")
    return value


def _use(row: Row, category: str | None) -> str | None:
    if row.get("use") not in (None, "", "none"):
        return row["use"]
    if category == DESK_CATEGORY and DESK_NOTE in row.get("note", ""):
        return "on_desk"
    return USE_OF_CATEGORY.get(category or "")


def _lookalike(row: Row, category: str | None) -> str | None:
    if "lookalike" in row:
        return "" if row["lookalike"] == "none" else row["lookalike"]
    if category != OBJECT_CATEGORY:
        return "" if category else None
    note = row.get("note", "")
    return next((name for word, name in OBJECTS.items() if word in note), "object, not named")


def _flag(row: Row, column: str, number: int) -> bool | None:
    try:
        return {"1": True, "0": False, "-1": None, "": None}[row[column]]
    except KeyError:
        raise UsageError(f"labels.csv line {number}: {column} must be 1, 0 or -1, not {row[column]!r}.") from None


def _people(row: Row, number: int) -> int | None:
    value = row.get("people") or "-1"
    if not value.lstrip("-").isdigit():
        raise UsageError(f"labels.csv line {number}: people must be a whole number or -1, not {value!r}.")
    return int(value) if int(value) >= 0 else None


def _boxes(row: Row, number: int) -> tuple[Box, ...]:
    boxes = []
    for text in filter(None, (row.get("phone_box") or "").split(";")):
        try:
            x1, y1, x2, y2 = (float(word) for word in text.split())
        except ValueError:
            raise UsageError(f"labels.csv line {number}: phone_box must be 'x1 y1 x2 y2', not {text!r}.") from None
        boxes.append((x1, y1, x2, y2))
    return tuple(boxes)


def _all_there(folder: Path, pictures: Sequence[Picture]) -> None:
    seen: set[str] = set()
    for picture in pictures:
        if picture.file in seen:
            raise UsageError(f"labels.csv names {picture.file} twice; leave one.")
        seen.add(picture.file)
        if not (folder / picture.file).resolve().is_relative_to(folder.resolve()):
            raise UsageError(f"labels.csv names {picture.file}, which is not below {folder}; move it there.")
    missing = [picture.file for picture in pictures if not (folder / picture.file).is_file()]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise UsageError(f"labels.csv names {missing[0]}{more}, missing in {folder}; fetch the pictures or their rows.")


def _not_labelled(pictures: Sequence[Picture]) -> Iterable[str]:
    if all(p.lens is None for p in pictures):
        yield "lens condition"
    if all(p.looking is None for p in pictures):
        yield "screen or away"
    if all(p.people is None for p in pictures):
        yield "number of people"
    if all(p.face is None for p in pictures):
        yield "faces"
    if all(p.phone is None for p in pictures):
        yield "phones"
    if not any(p.boxes for p in pictures):
        yield "where the phone is"
