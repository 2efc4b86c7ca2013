"""A sheet of the worst mistakes: the pictures themselves, what is true, what was said, and the boxes.

It shows people, so it may lie neither in the repository nor among the labelled pictures: it is made to be looked at
and deleted.
"""

from __future__ import annotations

from pathlib import Path

import cv2
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from agent.errors import UsageError
from evaluation.charts import INK, QUIET, STYLE
from evaluation.labels import Box
from evaluation.mistakes import worst
from evaluation.plan import Facts
from evaluation.run import Scored

REPOSITORY = Path(__file__).resolve().parents[2]
ACROSS = 6
TILE_INCHES, CAPTION_INCHES, TITLE_INCHES, HEAD_INCHES, MARGIN_INCHES = 2.3, 0.62, 0.5, 1.0, 0.3
TRUTH, PHONE, FACE = "#009E73", "#E69F00", "#56B4E9"
LEAST_SCORE_DRAWN = 0.1


def refuse_inside(place: Path, labelled: Path) -> None:
    """Raises UsageError when the sheet's folder lies in the repository, in the labelled folder, or in any other."""
    for forbidden, words in ((REPOSITORY, "the repository"), (labelled.resolve(), "the labelled folder")):
        if place.resolve().is_relative_to(forbidden):
            raise UsageError(
                f"The sheet of mistakes shows people, so it is not written into {words} ({place}); name a folder "
                "elsewhere with --sheet, or none for a temporary one."
            )
    above = next((each for each in (place.resolve(), *place.resolve().parents) if (each / "labels.csv").exists()), None)
    if above is not None:
        raise UsageError(
            f"The sheet of mistakes shows people, so it is not written among the labelled pictures of {above}; name a "
            "folder elsewhere with --sheet, or none for a temporary one."
        )


def draw(facts: Facts, folder: Path, file: Path) -> list[Path]:
    """Draw the sheet; answers its file, or nothing when there was no mistake. Raises OSError."""
    kinds = worst(tuple(facts.scored), facts.thresholds, ACROSS)
    if not kinds:
        return []
    row = TITLE_INCHES + TILE_INCHES * 0.75 + CAPTION_INCHES
    width = 2 * MARGIN_INCHES + ACROSS * TILE_INCHES
    height = HEAD_INCHES + len(kinds) * row + MARGIN_INCHES
    with plt.rc_context({**STYLE, "axes.grid": False}):
        figure = plt.figure(figsize=(width, height))
        _heading(figure, width, height)
        top = height - HEAD_INCHES
        for title, count, members in kinds:
            shown = "" if count <= len(members) else f", {len(members)} shown"
            x, y = MARGIN_INCHES / width, (top - TITLE_INCHES * 0.62) / height
            figure.text(x, y, f"{title}: {count}{shown}", fontsize=12, fontweight="bold", va="center")
            for column, s in enumerate(members):
                left = MARGIN_INCHES + column * TILE_INCHES
                bottom = top - TITLE_INCHES - TILE_INCHES * 0.75
                place = (left / width, bottom / height, (TILE_INCHES - 0.12) / width, TILE_INCHES * 0.75 / height)
                _tile(figure.add_axes(place), s, folder)
            top -= row
        figure.savefig(file, dpi=110)
        plt.close(figure)
    return [file]


def _heading(figure: Figure, width: float, height: float) -> None:
    x = MARGIN_INCHES / width
    figure.text(x, 1 - 0.36 / height, "The worst mistakes", fontsize=17, fontweight="bold", va="center")
    legend = ((TRUTH, "-", "labelled phone"), (PHONE, "-", "phone found, with its score"), (FACE, "--", "face found"))
    for number, (colour, style, words) in enumerate(legend):
        left = (MARGIN_INCHES + 2.6 * number) / width
        y = 1 - 0.75 / height
        swatch = Rectangle((left, y - 0.07 / height), 0.22 / width, 0.14 / height, transform=figure.transFigure)
        swatch.set(facecolor="none", edgecolor=colour, linestyle=style, linewidth=2)
        figure.add_artist(swatch)
        figure.text(left + 0.3 / width, y, words, fontsize=10, va="center_baseline")


def _tile(axes: Axes, s: Scored, folder: Path) -> None:
    pixels = cv2.imread(str(folder / s.picture.file))
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    axes.set_anchor("NW")
    if pixels is not None:
        axes.imshow(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), aspect="equal", interpolation="antialiased")
        axes.set_xlim(-0.5, pixels.shape[1] - 0.5)
        axes.set_ylim(pixels.shape[0] - 0.5, -0.5)
    for box in s.picture.boxes:
        _box(axes, box, TRUTH, "-")
    for face in s.said.faces:
        x1, y1, x2, y2 = face["box"]
        _box(axes, (x1, y1, x2, y2), FACE, "--")
    if s.said.best_box is not None and s.said.phone_score >= LEAST_SCORE_DRAWN:
        _box(axes, s.said.best_box, PHONE, "-", f"{s.said.phone_score:.2f}")
    figure = axes.get_figure()
    if not isinstance(figure, Figure):
        raise AssertionError("a tile belongs to the sheet")
    at = axes.get_position(original=True)
    step = 0.165 / figure.get_figheight()
    for number, (text, colour) in enumerate(
        (
            (f"true: {_truth(s)} ({_short(s.picture.kind)})", INK),
            (f"said: {_short(s.said.state)}, phone {s.said.phone_score:.2f}", INK),
            (Path(s.picture.file).name, QUIET),
        )
    ):
        figure.text(at.x0, at.y0 - step * (number + 0.7), text, fontsize=7.6, color=colour, va="center")


def _box(axes: Axes, box: Box, colour: str, style: str, words: str = "") -> None:
    x1, y1, x2, y2 = box
    axes.add_patch(Rectangle((x1, y1), x2 - x1, y2 - y1, fill=False, edgecolor="black", linewidth=3, alpha=0.45))
    axes.add_patch(Rectangle((x1, y1), x2 - x1, y2 - y1, fill=False, edgecolor=colour, linewidth=1.7, linestyle=style))
    if words:
        room = y1 > 0.1 * axes.get_ylim()[0]  # above the box, or inside it at the picture's upper edge
        label = axes.text(
            x1, max(y1, 0), words, fontsize=7, va="bottom" if room else "top", color="black", clip_on=True
        )
        label.set_bbox({"facecolor": colour, "edgecolor": "none", "pad": 1.2})


def _truth(s: Scored) -> str:
    if s.picture.state is not None:
        return _short(s.picture.state)
    return {True: "phone not in use", False: "no phone", None: "not labelled"}[s.picture.phone]


def _short(text: str) -> str:
    plain = text.replace("_", " ")
    return plain if len(plain) <= 20 else plain[:19] + "…"
