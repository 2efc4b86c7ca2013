"""Whether the phone score means what it says: in pictures scored about .6, is there a phone six times in ten?"""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from evaluation.bootstrap import wilson
from evaluation.measures import Bools, Floats

INK, QUIET, BLUE = "#1D2730", "#66727D", "#0072B2"
BINS = 10
FEWEST = 5
"""Pictures behind a point; neighbouring bins are joined until they have so many."""


def bins(scores: Floats, truths: Bools) -> list[tuple[float, int, int]]:
    """(mean score, with a phone, pictures) of ten equal stretches of the score, joined where they hold too few."""
    members: list[Bools] = []
    waiting = np.zeros(len(scores), dtype=bool)
    stretch = np.minimum((scores * BINS).astype(int), BINS - 1)
    for number in range(BINS):
        waiting |= stretch == number
        if waiting.sum() >= FEWEST:
            members.append(waiting)
            waiting = np.zeros(len(scores), dtype=bool)
    if members:
        members[-1] = members[-1] | waiting
    elif waiting.any():
        members.append(waiting)
    return [(float(scores[m].mean()), int(truths[m].sum()), int(m.sum())) for m in members]


def draw_reliability(axes: Axes, scores: Floats, truths: Bools, threshold: float) -> None:
    """Share of true phones over the score, with Wilson's intervals and the number of pictures behind each point."""
    points = bins(scores, truths)
    axes.plot([0, 1], [0, 1], color=QUIET, linewidth=1, linestyle=":")
    axes.text(0.21, 0.235, "as scored", color=QUIET, fontsize=9, rotation=45, ha="center", va="center")
    for score, part, whole in points:
        low, high = wilson(part, whole)
        axes.plot([score, score], [low, high], color=BLUE, linewidth=2.4, alpha=0.4)
        words, above = f"{part} of {whole}", high + 0.012
        if score > 0.15:  # to the left, off the rising line
            axes.text(score + 0.008, above, words, fontsize=8.5, color=INK, va="bottom", ha="right")
        else:
            axes.text(score, above, words, fontsize=8.5, color=INK, va="bottom", ha="center")
    axes.plot([p[0] for p in points], [p[1] / p[2] for p in points], "o-", color=BLUE, linewidth=1.5, markersize=8)
    axes.axvline(threshold, color=INK, linewidth=1.2, linestyle="--")
    axes.text(threshold, 1.07, " the judge's threshold", fontsize=9, va="bottom")
    axes.set_xlim(-0.015, 1.015)
    axes.set_ylim(-0.015, 1.06)
    axes.set_xlabel("phone score")
    axes.set_ylabel("share of the pictures with a phone in use")
    axes.set_title("What a phone score is worth in this set", loc="left", fontsize=14, fontweight="bold", pad=26)
