"""The report as Markdown tables: for the terminal, and for models/README.md as they are. Strings in, strings out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

BASIS = {"pictures": "", "sources": " s", "count": " n"}
PHONES = {
    "phones": "in use",
    "phones_plain": "in use, without look-alikes",
    "phones_visible": "visible, in use or not",
}
BETWEEN = (
    "Value (95 % interval), the widest of: resampled pictures, whole sources resampled (s), Wilson's for a count (n)."
)

Measured = dict[str, Any]


def text(report: dict[str, Any]) -> str:
    """Every table of `results.report`."""
    parts = [_heading(report), _main(report), *_phones(report), _kinds(report), _sources(report)]
    parts += [_confusion("lens: truth", report["lens"]), _confusion("state: truth", report["states"]), _time(report)]
    return "\n\n".join(part for part in parts if part) + "\n"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """One Markdown table, its columns as wide as their widest cell; empty without rows."""
    if not rows:
        return ""
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    lines = (
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in (head, ["-" * width for width in widths], *rows)
    )
    return "\n".join(lines)


def figure(measured: Measured | None) -> str:
    """`0.90 (0.83 to 0.96)`, with a letter when the interval is not that of resampled pictures."""
    if measured is None or measured["value"] is None:
        return "-"
    if measured["low"] is None:
        return number(measured["value"])
    return f"{number(measured['value'])} ({number(measured['low'])} to {number(measured['high'])}{BASIS[measured['basis']]})"


def number(value: float | None, digits: int = 2) -> str:
    """With two digits, `-` for None."""
    return "-" if value is None else f"{value:.{digits}f}"


def _heading(report: dict[str, Any]) -> str:
    counted = f"{_count(report['pictures'], 'picture')} of {_count(report['sources'], 'source')}"
    lines = [f"{counted} in `{report['folder']}`. {BETWEEN}", *report["notes"]]
    if report["not_labelled"]:
        lines.append(f"Not labelled in this set: {', '.join(report['not_labelled'])}.")
    if report["not_judged"]:
        some, more = report["not_judged"][:3], len(report["not_judged"]) - 3
        names = ", ".join(some) + (f" and {more} more" if more > 0 else "")
        lines.append(f"Not judged, since the agent could not read them: {names}.")
    return "\n".join(lines)


def _count(count: int, thing: str) -> str:
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"


def _main(report: dict[str, Any]) -> str:
    chosen = [m for m in report["measures"].values() if m["section"] == "main"]
    return table(("measure", "value", "pictures"), [(m["words"], figure(m), str(m["pictures"])) for m in chosen])


def _phones(report: dict[str, Any]) -> Iterator[str]:
    """Phone measures, also without look-alikes and for every visible phone, and what other thresholds would give."""
    measures, best = report["measures"], report["best_f1_threshold"]
    rows = []
    for key, every in measures.items():
        if every["section"] == "phones":
            name = key.removeprefix("phones.")
            rows.append((every["words"], *(figure(measures.get(f"{section}.{name}")) for section in PHONES)))
    if rows:
        rows.insert(2, ("its threshold", *(number(best.get(section)) for section in PHONES)))
        head = (f"phone (judge's threshold {report['judge']['phone']})", *PHONES.values())
        yield table(head, rows)
    columns = ("threshold on one picture", "precision", "recall", "F1", "false on look-alikes", "false elsewhere")
    yield table(
        columns,
        [
            (
                number(t["threshold"]),
                number(t["precision"]),
                number(t["recall"]),
                number(t["f1"]),
                str(t["false_lookalikes"]),
                str(t["false_others"]),
            )
            for t in report["thresholds"]
        ],
    )


def _kinds(report: dict[str, Any]) -> str:
    """Phones in use first, then everything else; one row a kind."""
    measures = report["measures"]
    rows = []
    for kind, row in sorted(report["kinds"].items(), key=lambda item: (not item[1]["with_phone"], item[0])):
        rows.append(
            (
                kind.replace("_", " "),
                str(row["pictures"]),
                str(row["faces_found"]),
                str(row["called_on_phone"]),
                figure(measures.get(f"kind.{kind}.found")),
                figure(measures.get(f"kind.{kind}.false")),
                " / ".join(number(q) for q in row["quartiles"]),
            )
        )
    head = (
        "what it shows",
        "pictures",
        "faces found",
        "called on_phone",
        "phones found",
        "false phones",
        "score, quartiles",
    )
    return table(head, rows)


def _sources(report: dict[str, Any]) -> str:
    measures = report["measures"]
    keys = [key for key in measures if key.startswith("source.")]
    rows = []
    for source in dict.fromkeys(key.removeprefix("source.").rpartition(".")[0] for key in keys):
        found = [measures.get(f"source.{source}.{what}") for what in ("faces", "found", "false")]
        rows.append((source, *(f"{figure(m)} of {m['pictures']}" if m else "-" for m in found)))
    return table(("source", "faces found", "phones found", "false phones"), rows)


def _confusion(title: str, counts: dict[str, dict[str, int]]) -> str:
    columns = sorted({said for row in counts.values() for said in row} | set(counts))
    rows = [(truth, *(str(row.get(column, 0)) for column in columns)) for truth, row in counts.items()]
    return table((title, *(f"said {column}" for column in columns)), rows)


def _time(report: dict[str, Any]) -> str:
    time = report["time"]
    rows = [(f"{name}, in {100 * stage['ran']:.0f} % of pictures", stage) for name, stage in time["stages"].items()]
    rows.append(("all but reading the file", time["looking"]))
    rows.append(("from one answer to the next", time["with_reading"]))
    cells = [(name, *(number(t[k], 1) for k in ("mean", "median", "worst"))) for name, t in rows if t]
    lines = [table(("ms a picture", "mean", "median", "worst"), cells)]
    if time["cpu_with_start"] is not None:
        lines.append(f"CPU of all processes, their start included: {number(time['cpu_with_start'], 1)} ms a picture.")
    return "\n\n".join(filter(None, lines))
