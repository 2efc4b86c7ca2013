"""Who may use the panel: one-time codes, the cookies they are exchanged for, and the tokens forms carry. Pure.

A code lives 60 seconds and opens once. What it opens lasts until nothing was asked for half an hour, or the server
stops. Only digests are kept, so what is compared is compared in constant time and cannot be read out of a dump. Times
are seconds of a clock that never goes back and counts sleep.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, replace

CODE_SECONDS = 60.0
"""How long a link may wait to be opened."""
IDLE_SECONDS = 30 * 60.0
"""How long what a link opened lasts without a request."""
MOST_CODES = 8
MOST_ENTRIES = 8
"""Beyond that the oldest ends: several browsers are usual, hundreds are not."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What one code opened: the digest of its cookie, the token its forms carry, when it was last used."""

    digest: bytes
    csrf: str
    used: float


@dataclass(frozen=True, slots=True)
class Access:
    """Codes not used yet (digest and end) and what is open. Oldest first."""

    codes: tuple[tuple[bytes, float], ...] = ()
    entries: tuple[Entry, ...] = ()


def issue(access: Access, code: str, now: float) -> Access:
    """A new code, good until `now` + CODE_SECONDS."""
    codes = (*_living(access, now).codes, (_digest(code), now + CODE_SECONDS))
    return replace(access, codes=codes[-MOST_CODES:])


def exchange(access: Access, code: str, *, cookie: str, csrf: str, now: float) -> tuple[Access, bool]:
    """Use up `code` and open an entry for `cookie` and `csrf` (both fresh and random). False, and nothing opened, when
    the code is unknown, used or too old.
    """
    access, digest = _living(access, now), _digest(code)
    rest = tuple(each for each in access.codes if not hmac.compare_digest(each[0], digest))
    if len(rest) == len(access.codes):
        return access, False
    entries = (*access.entries, Entry(_digest(cookie), csrf, now))
    return Access(rest, entries[-MOST_ENTRIES:]), True


def admit(access: Access, cookie: str, now: float) -> tuple[Access, Entry | None]:
    """The entry `cookie` belongs to, used at `now`; None for a cookie that is not ours or has ended."""
    access, digest, found = _living(access, now), _digest(cookie), None
    entries = []
    for entry in access.entries:
        if hmac.compare_digest(entry.digest, digest):
            found = entry = replace(entry, used=max(now, entry.used))
        entries.append(entry)
    return replace(access, entries=tuple(entries)), found


def carries_token(entry: Entry, token: str) -> bool:
    """Whether a form came from a page of this entry."""
    return hmac.compare_digest(_digest(entry.csrf), _digest(token))


def _living(access: Access, now: float) -> Access:
    return Access(
        tuple(each for each in access.codes if now < each[1]),
        tuple(entry for entry in access.entries if now < entry.used + IDLE_SECONDS),
    )


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
