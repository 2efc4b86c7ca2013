"""Long lists come page by page: `limit` rows, and `next` to ask for those behind them.

A page ends at a row, not at a count, so rows that come or go meanwhile neither repeat nor vanish. The cursor is opaque:
it holds the sort key of a page's last row, which that page showed anyway, and is good only for the list it came from.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import quote, urlencode

from sync_service.http import Answer, Parameter, Refused, Request, Schema, refusal

DEFAULT_ROWS = 100
MOST_ROWS = 1000
_LONGEST_CURSOR = 1400
"""A name of 200 characters outside ASCII, and an id."""
_LARGEST = 2**53 - 1

Row = TypeVar("Row")

Key = tuple[int | str, ...]
"""What a list is sorted by, unique within it."""

NEXT: Schema = {"anyOf": [{"type": "string"}, {"type": "null"}], "description": "Ask again with `after` set to it."}
"""The `next` field of an answer that comes in pages; null on the last one."""


def page_parameters(default: int = DEFAULT_ROWS, most: int = MOST_ROWS) -> tuple[Parameter, Parameter]:
    """`limit` and `after`, for `Endpoint.query`."""
    return (
        Parameter(
            "limit",
            f"Most rows of one answer; {default} when left out.",
            {"type": "integer", "minimum": 1, "maximum": most},
        ),
        Parameter(
            "after", "Only rows behind an earlier page: its `next`.", {"type": "string", "maxLength": _LONGEST_CURSOR}
        ),
    )


@dataclass(frozen=True, slots=True)
class Page:
    """Ask the database for `limit + 1` rows behind `after` (None: from the beginning)."""

    limit: int
    after: Key | None = None


def asked_page(
    request: Request, *kinds: type[int] | type[str], default: int = DEFAULT_ROWS, most: int = MOST_ROWS
) -> Page:
    """The page asked for, of a list whose sort key has these kinds. Raises Refused (400) for anything else."""
    text = request.query.get("limit", str(default))
    if not (text.isascii() and text.isdigit() and len(text) <= 9 and 1 <= int(text) <= most):
        raise Refused(refusal(400, "malformed", message=f"Give `limit` as a whole number from 1 to {most}."))
    after = read_cursor(request.query["after"], *kinds) if "after" in request.query else None
    return Page(int(text), after)


def page_of(request: Request, name: str, rows: Sequence[Row], page: Page, key: Callable[[Row], Key]) -> Answer:
    """`{name: rows, "next": cursor or null}`, with a Link header (RFC 8288) to the page behind it. `rows` were asked for
    with one more than the page's limit; `key` is a row's sort key. Use `shown` to change rows first.
    """
    kept, cursor = shown(rows, page, key)
    return Answer(200, {name: kept, "next": cursor}, link_to_next(request, cursor))


def shown(rows: Sequence[Row], page: Page, key: Callable[[Row], Key]) -> tuple[list[Row], str | None]:
    """The page's rows out of at most `limit + 1`, and the cursor behind them, None when there is nothing more."""
    kept = list(rows[: page.limit])
    return kept, cursor_of(key(kept[-1])) if len(rows) > len(kept) else None


def link_to_next(request: Request, cursor: str | None) -> dict[str, str]:
    """The Link header of a page, for answers made by hand; nothing on the last page."""
    if cursor is None:
        return {}
    query = urlencode({**request.query, "after": cursor})
    return {"Link": f'<{quote(request.path)}?{query}>; rel="next"'}


def cursor_of(key: Key) -> str:
    """The key as text without meaning to anybody else."""
    return (
        base64.urlsafe_b64encode(json.dumps(key, separators=(",", ":"), ensure_ascii=False).encode())
        .decode()
        .rstrip("=")
    )


def read_cursor(text: str, *kinds: type[int] | type[str]) -> Key:
    """The key in a cursor. Raises Refused (400) when it was not made for a key of these kinds."""
    try:
        if len(text) > _LONGEST_CURSOR or not text.isascii():
            raise ValueError
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        key = json.loads(raw)
        if not isinstance(key, list) or [type(part) for part in key] != list(kinds):
            raise ValueError
        if cursor_of(tuple(key)) != text:  # one key, one cursor
            raise ValueError
        if any(abs(part) > _LARGEST if isinstance(part, int) else b"\0" in part.encode() for part in key):
            raise ValueError
    except (ValueError, binascii.Error, RecursionError):
        message = "Give `after` exactly as an earlier answer of this list gave it in `next`."
        raise Refused(refusal(400, "malformed", message=message)) from None
    return tuple(key)
