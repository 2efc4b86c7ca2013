"""Puts tables that a command measured into models/README.md, between two markers: by default those of `make eval`."""

from __future__ import annotations

from pathlib import Path

from agent.errors import UsageError

FILE = Path(__file__).resolve().parents[1] / "README.md"
BEGIN = "<!-- begin: written by make eval ARGS=--update-readme -->"
END = "<!-- end: written by make eval -->"


def replaced(page: str, tables: str, first: str = BEGIN, last: str = END) -> str:
    """`page` with everything between the markers replaced. Raises UsageError when the markers are not there once."""
    head, begin, rest = page.partition(first)
    _, end, tail = rest.partition(last)
    if not begin or not end or first in rest or last in tail:
        raise UsageError(f"{FILE.name} must hold the lines {first!r} and {last!r} once each; put them back.")
    return f"{head}{first}\n\n{tables.strip()}\n\n{last}{tail}"


def block(page: str) -> str:
    """What stands between the markers."""
    return page.partition(BEGIN)[2].partition(END)[0].strip()


def update(tables: str, first: str = BEGIN, last: str = END) -> None:
    """Write the tables into the file."""
    FILE.write_text(replaced(FILE.read_text(encoding="utf-8"), tables, first, last), encoding="utf-8")


def refuse_other_than(published: Path, folder: Path) -> None:
    """Raises UsageError when `folder` is not the labelled set whose figures the page publishes."""
    if folder.resolve() != published.resolve():
        raise UsageError(
            f"{FILE.name} publishes the figures of {published.name} beside the checkout; run it without naming "
            f"{folder}, or without --update-readme."
        )
