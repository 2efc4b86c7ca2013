"""The section "Conditions" of the model card: everything looked at once, one Markdown table a theme."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from evaluation import labels
from evaluation.markdown import table

from agent.errors import UsageError
from conditions import attributes, draw, groups, sweeps
from conditions.looking import Eye, Pixels, open_picture

BEGIN = "<!-- begin: written by make eval-conditions ARGS=--update-readme -->"
END = "<!-- end: written by make eval-conditions -->"

DRAWN = (
    *("an eighth of the light", "a bright window behind", "light from one side", "face 7 % of the width"),
    *("a mask", "sunglasses", "company (black: no room)"),
)
"""The columns of the sheet."""
TILE = 240, 180
"""Width and height of a tile of the sheet, pixels."""


def measure(shared: Path, face_engine: str, sheet: Path | None) -> str:
    """Every table. `sheet` is a folder for a picture of the drawn conditions. Raises FramekeepError."""
    labelled = attributes.load(shared)
    eye = Eye(face_engine)
    judged = [(known, eye.see(open_picture(known.path))) for known in labelled]
    screen, away = (sweeps.bases(eye, labelled, looking) for looking in ("screen", "away"))
    empty = _empty(shared)
    compared = sum(len(list(groups.comparisons(judged, attribute))) for attribute in groups.THEMES)
    parts = [_heading(labelled, compared)]
    for attribute, (title, _) in groups.THEMES.items():
        parts.append(table((title, *groups.HEAD), groups.rows(judged, attribute)))
        parts += groups.differences(judged, attribute)
    sources = len({base.labelled.picture.source for base in screen})
    parts.append(f"Drawn into {len(screen)} pictures of {sources} sources of people who look at the screen:")
    parts.append(table(("light", *sweeps.STEP_HEAD), list(sweeps.light(eye, screen))))
    parts.append(table(("distance", *sweeps.STEP_HEAD), list(sweeps.distance(eye, screen))))
    parts.append(table(("worn", *sweeps.WORN_HEAD), list(sweeps.worn(eye, screen, away))))
    parts.append(
        table(("a second face; the nearest is", *sweeps.COMPANY_HEAD), list(sweeps.company(eye, screen, away)))
    )
    users = sweeps.users(eye, labelled)
    parts.append(table(("another's phone", *sweeps.NEIGHBOUR_HEAD), list(sweeps.neighbours(eye, screen, users))))
    parts.append(
        table(("nobody there, in the background", *sweeps.PASSING_HEAD), list(sweeps.passing(eye, empty, screen)))
    )
    if sheet is not None:
        drawn = _sheet(screen[:: max(1, len(screen) // 8)], away)
        if not cv2.imwrite(str(sheet / "conditions.png"), drawn):
            raise UsageError(f"The sheet cannot be written into {sheet}; name another folder.")
    eye.close()
    return "\n\n".join(parts)


def _heading(labelled: Sequence[attributes.Labelled], compared: int) -> str:
    drawn = Counter(known.visible["drawn"] for known in labelled)
    return (
        f"{len(labelled)} pictures: {drawn['all']} of the evaluation set, {drawn['random']} drawn by lot from the pool, "
        f"{drawn['sought']} sought there for a rare attribute. Shares with 95 % intervals, the widest as above. "
        f"{compared} differences are looked at, each at 95 %: one or two would be called more than chance if there were none."
    )


def _empty(shared: Path) -> list[Pixels]:
    """The evaluation set's pictures of rooms with nobody in them."""
    pictures = labels.read(shared / "eval", ["category=no_person"]).pictures
    return [open_picture(shared / "eval" / picture.file) for picture in pictures]


def _sheet(chosen: Sequence[sweeps.Base], others: Sequence[sweeps.Base]) -> Pixels:
    """Some pictures as rows, the drawn conditions as columns with their names above."""
    rows = [np.hstack([_caption(name) for name in DRAWN])]
    for base in chosen:
        pixels, face, points = base.pixels, base.face, base.points
        beside = sweeps.beside(base, others[0], 0.7)
        drawn = [
            draw.darkened(pixels, 3),
            draw.backlit(pixels, face, 1.5, 2),
            draw.lit_from_the_side(pixels, face, 4),
            draw.far_away(pixels, face, 0.07),
            draw.masked(pixels, points, sweeps.CLOTHS["light blue"]),
            draw.with_sunglasses(pixels, points),
            np.zeros_like(pixels) if beside is None else beside,
        ]
        rows.append(np.hstack([fitted(one) for one in drawn]))
    return np.vstack(rows).astype(np.uint8)


def fitted(pixels: Pixels) -> Pixels:
    """The whole picture in the middle of a tile, as wide and high as it is to itself."""
    height, width = pixels.shape[:2]
    factor = min(TILE[0] / width, TILE[1] / height)
    size = max(1, round(width * factor)), max(1, round(height * factor))
    tile = np.zeros((TILE[1], TILE[0], 3), np.uint8)
    left, top = (TILE[0] - size[0]) // 2, (TILE[1] - size[1]) // 2
    tile[top : top + size[1], left : left + size[0]] = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return tile


def _caption(words: str) -> Pixels:
    band = np.full((28, TILE[0], 3), 255, np.uint8)
    cv2.putText(band, words, (4, 19), cv2.FONT_HERSHEY_SIMPLEX, 0.48, (40, 40, 40), 1, cv2.LINE_AA)
    return band
