"""JSON without its surprises: one way to write a value, and refusal of every other way.

Two programs that read the same bytes must never see two different things, so duplicate keys, floats,
non-canonical base64 and unexpected fields are refused rather than tolerated.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

from agent.wire.errors import Malformed, TooLarge

MAX_INTEGER = 2**53 - 1
"""Largest integer every JSON reader keeps exactly (RFC 8259, section 6)."""

MAX_DEPTH = 8
"""How deep objects and lists may nest: twice what any format here needs."""

_HEX_ID = re.compile(r"[0-9a-f]{32}")


def canonical(value: Any) -> bytes:
    """The one encoding of a value: sorted keys, no spaces, ASCII. Floats and non-string keys are refused."""
    _refuse_floats(value)
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode("ascii")


def strict_json(data: bytes, max_bytes: int) -> Any:
    """Parse UTF-8 JSON of at most `max_bytes` bytes.

    Raises TooLarge above the limit, Malformed for duplicate keys, floats, NaN, integers beyond 2**53 - 1, halves of
    surrogate pairs (no text has them), nesting deeper than MAX_DEPTH, or anything that is not JSON.
    """
    if len(data) > max_bytes:
        raise TooLarge(f"{len(data)} bytes, at most {max_bytes} are allowed")
    try:
        value = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_unique_keys,
            parse_float=_no_number,
            parse_constant=_no_number,
            parse_int=_integer,
        )
        _refuse_deep(value, MAX_DEPTH)
        if b"\\u" in data:  # only an escape can write half a pair
            json.dumps(value, ensure_ascii=False).encode("utf-8")
        return value
    except Malformed:
        raise
    except (ValueError, RecursionError) as error:
        raise Malformed(f"not JSON: {type(error).__name__}") from None


def exact_fields(value: Any, fields: Iterable[str]) -> Mapping[str, Any]:
    """`value` as a mapping with exactly these fields; Malformed otherwise."""
    wanted = set(fields)
    if not isinstance(value, dict) or set(value) != wanted:
        raise Malformed(f"expected an object with exactly the fields {', '.join(sorted(wanted))}")
    return value


def integer(value: Any, low: int, high: int, name: str) -> int:
    """`value` as an int between `low` and `high` inclusive; booleans are not integers."""
    if type(value) is not int or not low <= value <= high:
        raise Malformed(f"{name} must be an integer from {low} to {high}")
    return value


def text(value: Any, pattern: re.Pattern[str], name: str) -> str:
    """`value` as a string that matches `pattern` as a whole."""
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise Malformed(f"{name} must match {pattern.pattern}")
    return value


def hex_id(value: Any, name: str) -> str:
    """`value` as a 16-byte id in 32 lowercase hex digits."""
    return text(value, _HEX_ID, name)


def to_b64(data: bytes) -> str:
    """Standard base64 with padding (RFC 4648, section 4)."""
    return base64.b64encode(data).decode("ascii")


def from_b64(value: Any, name: str, length: int | None = None) -> bytes:
    """The bytes of canonical base64, exactly `length` of them where given; Malformed otherwise."""
    if not isinstance(value, str):
        raise Malformed(f"{name} must be a base64 string")
    try:
        data = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise Malformed(f"{name} is not base64") from None
    if to_b64(data) != value:
        raise Malformed(f"{name} is not canonical base64")
    if length is not None and len(data) != length:
        raise Malformed(f"{name} must be {length} bytes")
    return data


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise Malformed("an object names a field twice")
    return result


def _no_number(literal: str) -> NoReturn:
    raise Malformed(f"only integers are numbers here, not {literal[:20]}")


def _integer(literal: str) -> int:
    if len(literal) > 17 or not -MAX_INTEGER <= (value := int(literal)) <= MAX_INTEGER or literal == "-0":
        raise Malformed("an integer is out of range")
    return value


def _refuse_deep(value: Any, depth: int) -> None:
    if isinstance(value, dict | list):
        if depth == 0:
            raise Malformed(f"objects and lists nest at most {MAX_DEPTH} deep here")
        for item in value.values() if isinstance(value, dict) else value:
            _refuse_deep(item, depth - 1)


def _refuse_floats(value: Any) -> None:
    if type(value) is int or type(value) is str:  # nearly every value there is: the opener reads thousands a second
        return
    if isinstance(value, float):
        raise Malformed("only integers are numbers here")
    if isinstance(value, Mapping):
        for key, item in value.items():
            if not isinstance(key, str):
                raise Malformed("only strings are field names")
            _refuse_floats(item)
    elif isinstance(value, list | tuple):
        for item in value:
            _refuse_floats(item)
