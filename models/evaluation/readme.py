"""Puts the tables of `make eval` into models/README.md, between two markers."""

from __future__ import annotations

from pathlib import Path

from agent.errors import UsageError

FILE = Path(__file__).resolve().parents[1] / "README.md"
BEGIN = "<!-- begin: written by make eval ARGS=--update-readme -->"
END = "<!-- end: written by make eval -->"


def replaced(page: str, tables: str) -> str:
    """`page` with everything between the markers replaced. Raises UsageError when the markers are not there once."""
    head, begin, rest = page.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end or BEGIN in rest or END in tail:
        raise UsageError(f"{FILE.name} must hold the lines {BEGIN!r} and {END!r} once each; put them back.")
    return f"{head}{BEGIN}\n\n{tables.strip()}\n\n{END}{tail}"


def block(page: str) -> str:
    """What stands between the markers."""
    return page.partition(BEGIN)[2].partition(END)[0].strip()


def update(tables: str) -> None:
    """Write the tables into the file."""
    FILE.write_text(replaced(FILE.read_text(encoding="utf-8"), tables), encoding="utf-8")
