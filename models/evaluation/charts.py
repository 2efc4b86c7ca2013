"""Draws the report as PNG files: curves with their bootstrap bands, scores per kind of picture, confusions.

Colours are told apart by people who see fewer of them (Okabe and Ito), and no colour stands alone: shapes, line
styles or words say the same. No chart holds a pixel of a picture.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from evaluation.labels import Picture
from evaluation.markdown import figure as figure_text
from evaluation.plan import Facts
from evaluation.reliability import draw_reliability

INK, QUIET, LINE = "#1D2730", "#66727D", "#DDE3E8"
BLUE, ORANGE = "#0072B2", "#D55E00"
STYLE: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "text.color": INK,
    "axes.edgecolor": QUIET,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": LINE,
    "grid.linewidth": 0.8,
    "axes.axisbelow": True,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "figure.facecolor": "white",
    "savefig.dpi": 150,
}

Report = dict[str, Any]
LOOKS: dict[str, dict[str, Any]] = {
    "a phone is there": {"color": BLUE, "marker": "o"},
    "no phone": {"color": ORANGE, "marker": "^"},
    "not to be judged": {"color": QUIET, "marker": "s"},
}
LETTERS = "s: whole sources resampled, n: Wilson's"


def draw_all(report: Report, facts: Facts, folder: Path) -> list[Path]:
    """Every chart the labels allow; answers their files. Raises OSError when one cannot be written."""
    charts: list[tuple[str, bool, Callable[[], Figure]]] = [
        ("phone_precision_recall", "phones" in report["curves"], lambda: precision_recall(report)),
        ("phone_scores", True, lambda: strip_plot(facts)),
        ("phone_reliability", "phones" in report["curves"], lambda: reliability(facts)),
        ("phones_by_kind", True, lambda: by_kind(report)),
        ("away_roc", "away" in report["curves"], lambda: receiver_operating(report)),
        ("states", bool(report["states"]), lambda: confusion(report["states"])),
    ]
    files = []
    for name, wanted, make in charts:
        if wanted:
            with plt.rc_context(STYLE):
                made = make()
                made.savefig(folder / f"{name}.png")
                plt.close(made)
            files.append(folder / f"{name}.png")
    return files


def precision_recall(report: Report) -> Figure:
    """Precision over recall, all pictures and those without look-alikes, and where the judge stands on each."""
    figure, axes = _square("Phones: precision and recall", report, "phones.ap")
    _equal_f1(axes)
    for name, colour, style, words in (
        ("phones", ORANGE, "-", "all pictures"),
        ("phones_plain", BLUE, "--", "without look-alikes"),
    ):
        curve = report["curves"].get(name)
        if curve is None:
            continue
        measures = report["measures"]
        band, recall, precision = curve["band"], curve["recall"], curve["precision"]
        axes.fill_between(band["at"], band["low"], band["high"], color=colour, alpha=0.13, linewidth=0)
        words = f"{words}: average precision {figure_text(measures[f'{name}.ap'])}"
        axes.plot(recall, precision, color=colour, linestyle=style, linewidth=2, label=words)
        said = [measures.get(f"{name}.{key}") for key in ("recall", "precision", "f1")]
        if all(m is not None and m["value"] is not None for m in said):
            x, y, f1 = (m["value"] for m in said if m)
            marker = "o" if name == "phones" else "D"
            label = f"the judge there: precision {y:.2f}, recall {x:.2f}, F1 {f1:.2f}"
            axes.plot(x, y, marker, color=colour, markersize=10, markeredgecolor="white", label=label, zorder=5)
    axes.set_xlabel("recall: of the phones in use, the share found")
    axes.set_ylabel("precision: of those said to be phones, the share that are")
    _legend_below(figure, axes)
    return figure


def receiver_operating(report: Report) -> Figure:
    """Away caught over screen flagged, at every angle, and at the judge's."""
    figure, axes = _square("Away or at the screen, by the head's pose", report, "away.auc")
    curve, measures = report["curves"]["away"], report["measures"]
    band = curve["band"]
    axes.plot([0, 1], [0, 1], color=QUIET, linewidth=1, linestyle=":")
    axes.text(0.71, 0.66, "chance", color=QUIET, fontsize=9, rotation=45, ha="center", va="center")
    axes.fill_between(band["at"], band["low"], band["high"], color=BLUE, alpha=0.13, linewidth=0)
    x, y = [0.0, *curve["false"]], [0.0, *curve["true"]]
    words = f"area under the curve {figure_text(measures['away.auc'])}"
    axes.plot(x, y, color=BLUE, linewidth=2, label=words, drawstyle="steps-post")
    caught, flagged = measures["away.caught"]["value"], measures["away.flagged"]["value"]
    label = f"the judge's angles: {caught:.2f} of away caught, {flagged:.2f} of screen flagged"
    axes.plot(flagged, caught, "o", color=ORANGE, markersize=10, markeredgecolor="white", label=label, zorder=5)
    axes.set_xlabel("of the pictures labelled screen, the share taken for away")
    axes.set_ylabel("of the pictures labelled away, the share caught")
    _legend_below(figure, axes)
    return figure


def strip_plot(facts: Facts) -> Figure:
    """The phone score of every picture, one row a kind; the judge's threshold is the line."""
    kinds: dict[str, list[int]] = {}
    for index, s in enumerate(facts.scored):
        kinds.setdefault(s.picture.kind, []).append(index)
    rows = sorted(kinds, key=lambda kind: (not facts.scored[kinds[kind][0]].picture.phone, kind), reverse=True)
    figure, axes = plt.subplots(figsize=(10, 1.9 + 0.42 * len(rows)))
    random = np.random.default_rng(1)
    shown: set[str] = set()
    for y, kind in enumerate(rows):
        members = kinds[kind]
        truth = _truth(facts.scored[members[0]].picture)
        heights = y + random.uniform(-0.26, 0.26, len(members))
        label = None if truth in shown else truth
        shown.add(truth)
        axes.scatter(
            facts.score[members],
            heights,
            s=28,
            alpha=0.65,
            linewidths=0.5,
            edgecolors="white",
            label=label,
            **LOOKS[truth],
        )
    axes.axvline(facts.thresholds.phone, color=INK, linewidth=1.2, linestyle="--")
    axes.text(facts.thresholds.phone, len(rows) - 0.35, "  the judge's threshold", fontsize=9, va="bottom")
    axes.set_yticks(range(len(rows)), [f"{_plain(kind)} ({len(kinds[kind])})" for kind in rows])
    axes.set_ylim(-0.6, len(rows) + 0.1)
    axes.set_xlim(-0.01, 1.0)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)
    axes.set_xlabel("phone score of the picture")
    axes.set_title("Phone scores by what the picture shows", loc="left", fontsize=14, fontweight="bold", pad=26)
    axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=3, frameon=False, fontsize=9.5)
    figure.tight_layout()
    return figure


def by_kind(report: Report) -> Figure:
    """Share called on_phone per kind of picture, with its interval: right on one side, false on the other."""
    rows = []
    for key, measured in report["measures"].items():
        if key.startswith("kind.") and measured["value"] is not None:
            kind, _, what = key.removeprefix("kind.").rpartition(".")
            rows.append((what == "false", kind, measured))
    rows.sort(key=lambda row: (row[0], row[1]), reverse=True)
    figure, axes = plt.subplots(figsize=(10, 1.7 + 0.4 * len(rows)))
    for y, (false, _, measured) in enumerate(rows):
        colour, marker = (ORANGE, "^") if false else (BLUE, "o")
        if measured["low"] is not None:
            axes.plot([measured["low"], measured["high"]], [y, y], color=colour, linewidth=2.4, alpha=0.45)
        axes.plot(measured["value"], y, marker, color=colour, markersize=8, markeredgecolor="white")
        axes.text(1.03, y, figure_text(measured), va="center", fontsize=9, color=INK)
    names = [f"{_plain(kind)} ({measured['pictures']})" for _, kind, measured in rows]
    axes.set_yticks(range(len(rows)), names)
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.7, len(rows) - 0.3)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)
    axes.set_xlabel(f"share of the pictures called on_phone, with 95 % interval ({LETTERS})")
    axes.set_title("Called on_phone, by what the picture shows", loc="left", fontsize=14, fontweight="bold", pad=26)
    axes.plot([], [], "o", color=BLUE, label="a phone in use (more is better)")
    axes.plot([], [], "^", color=ORANGE, label="no phone in use (less is better)")
    axes.legend(loc="lower left", bbox_to_anchor=(-0.01, 1.0), ncols=2, frameon=False, fontsize=9.5)
    figure.tight_layout()
    return figure


def confusion(counts: dict[str, dict[str, int]]) -> Figure:
    """Truth down, said across; the number of pictures, and the shade of its share in the row."""
    truths = list(counts)
    said = [*truths, *sorted({s for row in counts.values() for s in row} - set(truths))]
    numbers = np.array([[counts[truth].get(state, 0) for state in said] for truth in truths])
    shares = numbers / numbers.sum(axis=1, keepdims=True)
    figure, axes = plt.subplots(figsize=(2.6 + 1.25 * len(said), 2.2 + 0.85 * len(truths)))
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for (row, column), number in np.ndenumerate(numbers):
        if number:
            colour = "white" if shares[row, column] > 0.55 else INK
            bold = "bold" if truths[row] == said[column] else "normal"
            text = f"{number}\n{100 * shares[row, column]:.0f} %"
            axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=10.5, fontweight=bold)
    axes.set_xticks(range(len(said)), [_plain(state) for state in said])
    axes.set_yticks(range(len(truths)), [_plain(truth) for truth in truths])
    axes.set_xticks(np.arange(len(said) + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(len(truths) + 1) - 0.5, minor=True)
    axes.grid(visible=False)
    axes.grid(which="minor", color="white", linewidth=3)
    axes.tick_params(which="both", length=0)
    axes.spines[:].set_visible(False)
    axes.xaxis.tick_top()
    axes.xaxis.set_label_position("top")
    axes.set_xlabel("the agent said", labelpad=10, color=QUIET, loc="left")
    axes.set_ylabel("the label says", labelpad=10, color=QUIET, loc="top")
    axes.set_title("States, each picture judged alone", loc="left", fontsize=14, fontweight="bold", pad=16)
    figure.tight_layout()
    return figure


def reliability(facts: Facts) -> Figure:
    """Whether a score of .6 is right six times in ten."""
    figure, axes = plt.subplots(figsize=(7.2, 6.6))
    counted = facts.phone | facts.empty
    draw_reliability(axes, facts.score[counted], facts.phone[counted], facts.thresholds.phone)
    figure.tight_layout()
    return figure


def _square(title: str, report: Report, key: str) -> tuple[Figure, Axes]:
    figure, axes = plt.subplots(figsize=(7.6, 8.0))
    figure.subplots_adjust(left=0.11, right=0.91, top=0.89, bottom=0.22)
    figure.text(0.11, 0.957, title, fontsize=14, fontweight="bold", va="center")
    resamples = min(report["bootstrap"]["resamples"], 500)
    pictures = report["measures"][key]["pictures"]
    note = f"{pictures} pictures; bands: 95 % of {resamples} resamples of them; {LETTERS}"
    figure.text(0.11, 0.924, note, fontsize=9, color=QUIET, va="center")
    axes.set_xlim(-0.015, 1.015)
    axes.set_ylim(-0.015, 1.015)
    axes.set_xticks(np.linspace(0, 1, 6))
    axes.set_yticks(np.linspace(0, 1, 6))
    return figure, axes


def _equal_f1(axes: Axes) -> None:
    """Faint lines of equal F1, named at the right edge."""
    for f1 in (0.5, 0.6, 0.7, 0.8, 0.9):
        recall = np.linspace(f1 / (2 - f1) + 1e-6, 1, 200)
        axes.plot(recall, f1 * recall / (2 * recall - f1), color=QUIET, linewidth=0.7, linestyle=":")
        axes.text(1.012, f1 / (2 - f1), f"F1 {f1:.1f}", fontsize=8, color=QUIET, va="center", ha="left")


def _legend_below(figure: Figure, axes: Axes) -> None:
    handles, names = axes.get_legend_handles_labels()
    names = [textwrap.fill(name, 80) for name in names]
    figure.legend(handles, names, loc="upper left", bbox_to_anchor=(0.1, 0.155), frameon=False, fontsize=9.5)


def _truth(picture: Picture) -> str:
    if not picture.judgeable or picture.phone is None:
        return "not to be judged"
    return "a phone is there" if picture.phone else "no phone"


def _plain(name: str) -> str:
    return name.replace("_", " ")
