"""The evaluation's numbers as Markdown tables: for the terminal, and for models/README.md as they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def print_report(report: dict[str, Any]) -> None:
    """Print every table of `evaluate.evaluate`'s result."""
    face, look, phone = report["faces"], report["looking"], report["phones"]
    rows = [
        ("faces found", f"{_share(face['recall'])} of {face['with_face']}"),
        ("false face", f"{_share(face['false_alarms'])} of {face['without_face']} without one"),
        ("screen or away, AUC", _number(look["auc"])),
        ("away caught at the judge's angles", f"{_share(look['away_caught'])} of {look['away']}"),
        ("screen taken for away there", f"{_share(look['screen_flagged'])} of {look['screen']}"),
        ("no pose to judge", str(look["no_pose"])),
        ("phone, average precision", f"{_number(phone['average_precision'])} ({phone['with_phone']} with a phone, "
         f"{phone['without_phone']} without)"),
        ("phone recall at 95 % precision", f"{_share(phone['recall_at_95'])}, from score "
         f"{_number(phone['threshold_at_95'])}"),
        (f"phone at the judge's threshold {phone['threshold']}", f"precision {_share(phone['precision'])}, "
         f"recall {_share(phone['recall'])}"),
        ("best phone box in place", f"{_share(phone['best_box_in_place'])} of {phone['boxed']} with a labelled box"),
        ("time a picture", f"{_number(report['milliseconds'], 1)} ms, reading included"),
    ]  # fmt: skip
    print(f"{report['pictures']} pictures\n")
    _table(("measure", "value"), rows)
    print()
    _table(
        ("category", "pictures", "faces found", "said on_phone", "phone score, quartiles"),
        [
            (name, str(c["pictures"]), str(c["faces_found"]), str(c["said_on_phone"]), _quartiles(c))
            for name, c in report["categories"].items()
        ],
    )
    for title, key in (("lens: truth", "lens"), ("state: truth", "states")):
        print()
        _confusion(title, report[key])


def _confusion(title: str, table: dict[str, dict[str, int]]) -> None:
    columns = sorted({said for row in table.values() for said in row} | set(table))
    rows = [(truth, *(str(row.get(column, 0)) for column in columns)) for truth, row in table.items()]
    _table((title, *(f"said {column}" for column in columns)), rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    for row in (head, ["-" * width for width in widths], *rows):
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |")


def _quartiles(category: dict[str, Any]) -> str:
    return " / ".join(f"{q:.2f}" for q in category["phone_score_quartiles"])


def _share(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.0f} %"


def _number(value: float | None, digits: int = 2) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
