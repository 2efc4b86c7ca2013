"""Which of its forms an answer takes: JSON, or a table as CSV where the caller's Accept header prefers it."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from sync_service.http import Answer, Refused, Request, refusal

JSON = "application/json"
CSV = "text/csv"

_QUALITY = re.compile(r"(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)")


def preferred(accept: str | None, offered: Sequence[str]) -> str | None:
    """The offered media type the header likes best (RFC 9110, 12.5.1): the first of those offered when it likes several
    alike or there is no header, None when it likes none. What cannot be read in the header counts for nothing.
    """
    if accept is None or not accept.strip():
        return offered[0]
    ranges = [one for one in (_range(part) for part in accept.split(",")) if one is not None]
    liked = [(_quality(ranges, media), -place) for place, media in enumerate(offered)]
    quality, place = max(liked)
    return offered[-place] if quality > 0 else None


def chosen(request: Request, *offered: str) -> str:
    """As `preferred`, out of JSON and CSV when nothing is named. Raises Refused (406) when the caller likes none."""
    offered = offered or (JSON, CSV)
    media = preferred(request.headers.get("accept"), offered)
    if media is None:
        raise Refused(refusal(406, "not_acceptable", message=f"Ask for {' or '.join(offered)} in the Accept header."))
    return media


def csv_answer(columns: Sequence[str], rows: Iterable[Mapping[str, object]], *, name: str) -> Answer:
    """200 with a table to be saved as `name` (ASCII, without quotes): a line of column names, then a line a row (RFC
    4180). None is an empty field, a truth "yes" or "no", and no text is left that a spreadsheet would calculate.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(columns)
    writer.writerows([_cell(row.get(column)) for column in columns] for row in rows)
    headers = {
        "Content-Type": f"{CSV}; charset=utf-8",
        "Content-Disposition": f'attachment; filename="{name}"',
        "Vary": "Accept",
    }
    return Answer(200, out.getvalue().encode(), headers)


def _cell(value: object) -> str | int | float:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return value
    if isinstance(value, date):
        return value.isoformat()
    text = str(value)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _range(part: str) -> tuple[str, float] | None:
    """A media range and its quality; parameters of the type itself (charset, header) do not narrow it here."""
    media, *parameters = (piece.strip().lower() for piece in part.split(";"))
    if media.count("/") != 1:
        return None
    quality = next(
        (value.strip() for name, _, value in (p.partition("=") for p in parameters) if name.strip() == "q"), "1"
    )
    return (media, float(quality)) if _QUALITY.fullmatch(quality) else None


def _quality(ranges: Sequence[tuple[str, float]], media: str) -> float:
    """The quality of the most specific range that covers `media`; 0 when none does."""
    for pattern in (media, f"{media.partition('/')[0]}/*", "*/*"):
        found = [quality for named, quality in ranges if named == pattern]
        if found:
            return max(found)
    return 0.0
