"""Draws states over time as ribbons, into a PNG file. A process of its own: `python -m agent.plot FILE.png`.

Standard input is a JSON list of ribbons {"name", "still", "spans": [[start, end, state], ...]}: seconds and words,
nothing else. Every recording has its own time axis; pictures, which have no time, are a grid of tiles in order.
Colours are told apart by people who see fewer of them (Okabe and Ito), and the two states without a person's doing
are grey, one of them hatched; wide enough stretches carry the state's name.
"""

from __future__ import annotations

import json
import math
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.patches import FancyBboxPatch, Rectangle

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STATES = {
    "at_screen": ("at the screen", "#0072B2"),
    "looking_away": ("looking away", "#E69F00"),
    "on_phone": ("on the phone", "#CC4C77"),
    "absent": ("absent", "#B9C6D2"),
    "unknown": ("could not tell", "#5B6670"),
    "not_observed": ("not observed", "#FFFFFF"),
}
INK, QUIET, LINE = "#1D2730", "#66727D", "#DDE3E8"
WIDTH_INCHES, HEAD_INCHES, RIBBON_INCHES = 11.0, 1.15, 0.98
MAX_RIBBONS, MAX_TILE_ROWS, TILES_PER_ROW = 24, 40, 40
ROUND_SECONDS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)

Ribbon = dict[str, Any]


def draw(ribbons: list[Ribbon], file: Path, title: str = "What was seen") -> None:
    """One picture of all ribbons. Raises OSError when the file cannot be written."""
    videos = [r for r in ribbons if not r["still"]]
    stills = [span for r in ribbons if r["still"] for span in r["spans"]]
    tiles = stills[: TILES_PER_ROW * MAX_TILE_ROWS]
    parts: list[tuple[float, Callable[[Axes], None]]] = [
        (RIBBON_INCHES, partial(_ribbon, ribbon=video)) for video in videos[:MAX_RIBBONS]
    ]
    if tiles:
        parts.append((0.24 * math.ceil(len(tiles) / TILES_PER_ROW) + 0.75, partial(_tiles, spans=tiles)))
    plt.rcParams.update({"font.family": "DejaVu Sans", "font.size": 10, "text.color": INK, "hatch.linewidth": 0.6})
    height = HEAD_INCHES + sum(inches for inches, _ in parts) + 0.2
    figure = plt.figure(figsize=(WIDTH_INCHES, height), dpi=160, facecolor="white")
    left_out = len(videos) - MAX_RIBBONS, len(stills) - len(tiles)
    _heading(figure, title, ribbons, height, sum(max(n, 0) for n in left_out))
    top = height - HEAD_INCHES
    for inches, part in parts:
        part(figure.add_axes((0.05, (top - inches) / height, 0.9, inches / height)))
        top -= inches
    figure.savefig(file, format="png")
    plt.close(figure)


def _heading(figure: Figure, words: str, ribbons: list[Ribbon], height: float, left_out: int) -> None:
    title, legend = 1 - 0.42 / height, 1 - 0.86 / height
    figure.text(0.05, title, words, fontsize=17, fontweight="bold", va="center")
    videos = [r for r in ribbons if not r["still"]]
    length = sum(end - start for r in videos for start, end, _ in r["spans"])
    stills = sum(len(r["spans"]) for r in ribbons if r["still"])
    note = [f"{_count(len(videos), 'recording')} ({_clock(length)})"] if videos else []
    note += [_count(stills, "picture")] if stills else []
    note += [f"{left_out} not drawn"] if left_out else []
    figure.text(0.95, title, ", ".join(note), fontsize=10, color=QUIET, ha="right", va="center")
    x = 0.05
    for state, (words, _) in STATES.items():
        if any(state == other for r in ribbons for _, _, other in r["spans"]):
            swatch = Rectangle((x, legend - 0.07 / height), 0.0128, 0.14 / height, transform=figure.transFigure)
            swatch.set(**{"linewidth": 0, **_look(state)})
            figure.add_artist(swatch)
            label = figure.text(x + 0.018, legend, words, fontsize=9.5, va="center_baseline")
            box = label.get_window_extent()
            x = box.x1 / figure.bbox.width + 0.024


def _ribbon(axes: Axes, ribbon: Ribbon) -> None:
    """One recording over its own time: a bar one unit high, its name above, its clock below."""
    spans = _merged(ribbon["spans"])
    end_of_all = spans[-1][1]
    for start, end, state in spans:
        axes.add_patch(
            Rectangle((start, 0), end - start, 1, **{"edgecolor": "white", "linewidth": 0.8, **_look(state)})
        )
        words = STATES[state][0]
        if (end - start) / end_of_all * WIDTH_INCHES * 0.9 > 0.07 * len(words) + 0.08:
            colour = INK if state in ("absent", "not_observed", "looking_away") else "white"
            axes.text((start + end) / 2, 0.48, words, fontsize=8.5, color=colour, ha="center", va="center")
    axes.text(0, 1.18, Path(ribbon["name"]).name, fontsize=10, fontweight="bold", va="bottom")
    axes.text(end_of_all, 1.18, _totals(spans), fontsize=8.5, va="bottom", ha="right", color=QUIET)
    axes.set_xlim(0, end_of_all)
    axes.set_ylim(-0.75, 1.95)
    for at in _ticks(end_of_all):
        axes.plot([at, at], [-0.12, -0.02], color=QUIET, linewidth=0.7, clip_on=False)
        side = "left" if at == 0 else "center"
        axes.text(at, -0.2, _clock(at), fontsize=8, color=QUIET, va="top", ha=side)
    axes.axis("off")


def _ticks(length: float) -> list[float]:
    """About eight round times from the beginning on."""
    step = next((s for s in ROUND_SECONDS if length / s <= 9), ROUND_SECONDS[-1])
    return [k * step for k in range(min(int(length / step), 40) + 1)]


def _tiles(axes: Axes, spans: list[list[Any]]) -> None:
    for i, (_, _, state) in enumerate(spans):
        x, y = i % TILES_PER_ROW, -(i // TILES_PER_ROW)
        look = {"edgecolor": "none", **_look(state)}
        axes.add_patch(FancyBboxPatch((x + 0.06, y - 0.44), 0.88, 0.88, "round,pad=0,rounding_size=0.12", **look))
    rows = math.ceil(len(spans) / TILES_PER_ROW)
    counts = {s: sum(1 for span in spans if span[2] == s) for s in STATES}
    words = "     ".join(f"{STATES[s][0]} {n}" for s, n in counts.items() if n)
    axes.text(0.06, 0.8, "Pictures, each judged alone, in order", fontsize=10, fontweight="bold", va="bottom")
    axes.text(TILES_PER_ROW - 0.06, 0.8, words, fontsize=8.5, color=QUIET, ha="right", va="bottom")
    axes.set_xlim(0, TILES_PER_ROW)
    axes.set_ylim(-rows + 0.4, 2.5)
    axes.axis("off")


def _look(state: str) -> dict[str, Any]:
    colour = STATES[state][1]
    if state == "not_observed":
        return {"facecolor": colour, "edgecolor": LINE, "hatch": "////"}
    return {"facecolor": colour}


def _merged(spans: list[list[Any]]) -> list[list[Any]]:
    """Neighbours of one state as one span, and what nobody spoke about as not observed."""
    merged: list[list[Any]] = []
    for start, end, state in spans:
        if merged and start > merged[-1][1] + 1e-6:
            merged.append([merged[-1][1], start, "not_observed"])
        if merged and merged[-1][2] == state:
            merged[-1][1] = end
        else:
            merged.append([start, end, state])
    return merged


def _totals(spans: list[list[Any]]) -> str:
    seconds = {s: sum(end - start for start, end, state in spans if state == s) for s in STATES}
    return "     ".join(f"{STATES[s][0]} {_clock(t)}" for s, t in seconds.items() if t >= 0.5)


def _count(n: int, thing: str) -> str:
    return f"{n} {thing}" + ("" if n == 1 else "s")


def _clock(seconds: float) -> str:
    whole = round(seconds)
    hours, minutes = whole // 3600, whole // 60 % 60
    return f"{hours}:{minutes:02d}:{whole % 60:02d}" if hours else f"{minutes}:{whole % 60:02d}"


def main(argv: list[str] | None = None) -> int:
    """Read ribbons from standard input and draw them into the named file."""
    (file,) = sys.argv[1:] if argv is None else argv
    try:
        draw(json.load(sys.stdin), Path(file))
    except OSError as error:
        sys.stderr.write(f"{error.strerror or error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
