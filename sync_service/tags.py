"""Entity tags: whoever still has the answer is told so instead of being sent it again.

The handler has run by then, so a read that ends in 304 is in the access log like any other.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

from sync_service.http import Answer, Request


def tag_of(content: bytes) -> str:
    """The strong entity tag of a body, quotes included: the first 128 bits of its SHA-256."""
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def matches(if_none_match: str, tag: str) -> bool:
    """Whether an If-None-Match header names this tag; weak ones compare equal (RFC 9110, 13.1.2)."""
    named = [one.strip().removeprefix("W/") for one in if_none_match.split(",")]
    return tag in named or named == ["*"]


def tagged(request: Request, answer: Answer) -> Answer:
    """The answer with the tag of its body, or 304 when the caller has this very body. Anything but 200 and what has a
    tag already stays as it is.
    """
    if answer.status != 200 or "ETag" in answer.headers:
        return answer
    tag = tag_of(answer.content)
    headers = {**answer.headers, "ETag": tag}
    if not matches(request.headers.get("if-none-match", ""), tag):
        return replace(answer, headers=headers)
    kept = {name: value for name, value in headers.items() if name not in ("Content-Type", "Content-Disposition")}
    return Answer(304, b"", kept)


def with_tag(request: Request, body: bytes) -> Answer:
    """200 with a tag, for a body that caches may keep if they ask every time whether it changed; or 304."""
    return tagged(request, Answer(200, body, {"Cache-Control": "no-cache"}))
