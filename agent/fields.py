"""Fields of an answer read as what they must be. Pure; anything else raises TypeError or ValueError."""

from __future__ import annotations

from datetime import date, datetime


def read_text(value: object) -> str:
    """A text."""
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def maybe_text(value: object) -> str | None:
    """A text or None."""
    return None if value is None else read_text(value)


def read_integer(value: object) -> int:
    """An integer; a boolean is none."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError("not an integer")
    return value


def read_day(value: object) -> date:
    """A day written as 2026-11-22."""
    return date.fromisoformat(read_text(value))


def maybe_day(value: object) -> date | None:
    """A day or None."""
    return None if value is None else read_day(value)


def maybe_time(value: object) -> datetime | None:
    """An instant with its offset, written as 2026-11-22T09:00:00+01:00, or None."""
    return None if value is None else datetime.fromisoformat(read_text(value))
