"""What an answer means for an envelope. Pure: the answer, the attempts so far, a random number and the time go in,
an Outcome comes out.

    202 that echoes the id                         accepted
    400 malformed, unsupported_version; 413        set aside (only in the service's own words: JSON with that error)
    400 key_unknown                                seal again after fetching the keyset
    401 and sealed while the clock was ahead       seal again with the clock as it is now
    401 otherwise                                  again, slowly; a wrong clock is explained from the Date header
    403 revoked                                    stop
    408, 425, 429, 503; no answer at all           again, later; Retry-After is honoured
    any other 5xx                                  again, later; may be this envelope's own fault
    another 2xx, 3xx, 4xx                          again, later: somebody else than the service answered

Everything that is not plainly final is tried again: what is thrown away is gone, what waits costs a few bytes.
Backoff is exponential with full jitter (Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from enum import StrEnum
from uuid import UUID

BASE_SECONDS = 5.0
MAX_BACKOFF_SECONDS = 15 * 60.0
MIN_SECONDS = 1.0
MAX_RETRY_AFTER_SECONDS = 6 * 3600.0
"""A longer Retry-After is cut: a wrong header must not silence a laptop for good."""
REFUSED_SECONDS = 3600.0
"""Between attempts while the service does not recognise us: only a person can change that."""
CLOCK_TOLERANCE_SECONDS = 300.0
"""From here on a difference to the service's clock is called a wrong clock."""
SEALED_AHEAD_SECONDS = 300.0
"""An envelope dated this far in the future was sealed while the clock was ahead (the service tolerates 600)."""


class FailureKind(StrEnum):
    """Why there is no answer."""

    REFUSED = "refused"
    NAME = "name"
    TIMEOUT = "timeout"
    TLS = "tls"
    PROXY = "proxy"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Failure:
    """No answer came."""

    kind: FailureKind


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: status, headers by lower-case name, at most a few KiB of body."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class Action(StrEnum):
    """What to do with the envelope."""

    ACCEPTED = "accepted"
    RETRY = "retry"
    RESEAL = "reseal"
    SET_ASIDE = "set_aside"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class Outcome:
    """`reason` is one sentence for a person ("" when accepted); `at` (epoch seconds) is when to try again;
    `own_fault` says that this envelope, rather than the connection, may be the trouble.
    """

    action: Action
    reason: str = ""
    at: float = 0.0
    own_fault: bool = False


_FAILURES = {
    FailureKind.REFUSED: "The sync service does not accept connections; it is tried again by itself.",
    FailureKind.NAME: "The sync service's name cannot be resolved: this laptop may be offline.",
    FailureKind.TIMEOUT: "The sync service did not answer in time; it is tried again by itself.",
    FailureKind.TLS: "The sync service's certificate was not accepted: check this laptop's clock, then ask your"
    " administrator; a network that opens encrypted traffic is refused on purpose.",
    FailureKind.PROXY: "The proxy in the configuration does not answer or wants a password.",
    FailureKind.BROKEN: "The connection broke before the answer was complete; it is tried again by itself.",
}
_FINAL = {
    (400, "malformed"): "The service says that this envelope is malformed; please report it, it is kept here.",
    (
        400,
        "unsupported_version",
    ): "The service does not know this version of envelopes: one of the two needs an update.",
    (413, "too_large"): "The service says that this envelope is too large; please report it, it is kept here.",
}


def decide(
    answer: Reply | Failure, *, envelope: UUID, created: int, attempts: int, chance: float, now: float
) -> Outcome:
    """What becomes of `envelope` (sealed at `created`, refused `attempts` times before) after `answer`.
    `chance` is a random number in [0, 1), `now` epoch seconds.
    """
    if isinstance(answer, Reply):
        if answer.status == 202 and text_field(answer, "id") == str(envelope):
            return Outcome(Action.ACCEPTED)
        verdict = (answer.status, text_field(answer, "error"))
        if verdict in _FINAL:
            return Outcome(Action.SET_ASIDE, _FINAL[verdict[0], str(verdict[1])], own_fault=True)
        if verdict == (400, "key_unknown"):
            return Outcome(Action.RESEAL, "The key it was sealed to has ended; it is sealed again.")
        if verdict == (401, "not_authenticated") and created > now + SEALED_AHEAD_SECONDS:
            return Outcome(Action.RESEAL, "It was sealed while the clock was ahead; it is sealed again.")
    return try_again(answer, attempts=attempts, chance=chance, now=now)


def try_again(answer: Reply | Failure, *, attempts: int, chance: float, now: float) -> Outcome:
    """When to try again after an answer that is not about what was sent, or none: RETRY, or STOP when revoked."""
    if isinstance(answer, Failure):
        return Outcome(Action.RETRY, _FAILURES[answer.kind], later(attempts, chance, now))
    if is_revoked(answer):
        return Outcome(Action.STOP, "The service revoked this device: nothing more is measured or sent.")
    if (answer.status, text_field(answer, "error")) == (401, "not_authenticated"):
        at = now + REFUSED_SECONDS * (0.5 + chance)
        return Outcome(Action.RETRY, clock_trouble(answer, now) or _NOT_RECOGNISED, at)
    at = max(later(attempts, chance, now), _retry_after(answer, chance, now))
    if answer.status in (408, 425, 429, 503):
        return Outcome(Action.RETRY, f"The service asks to wait (answer {answer.status}).", at)
    if answer.status >= 500:
        return Outcome(Action.RETRY, f"The service failed (answer {answer.status}).", at, own_fault=True)
    return Outcome(
        Action.RETRY,
        f"Something between here and the service answered instead of it (answer {answer.status}): a network's log-in"
        " page or a proxy; log in to the network first.",
        at,
    )


def is_revoked(reply: Reply) -> bool:
    """Whether the service itself says that this device was revoked (a proxy's 403 says something else)."""
    return reply.status == 403 and text_field(reply, "error") == "revoked"


def later(attempts: int, chance: float, now: float) -> float:
    """The next attempt after `attempts` earlier ones: full jitter under a ceiling that doubles, in epoch seconds."""
    ceiling = min(MAX_BACKOFF_SECONDS, BASE_SECONDS * 2.0 ** min(attempts, 20))
    return now + max(MIN_SECONDS, chance * ceiling)


def clock_trouble(reply: Reply, now: float) -> str:
    """A sentence when the service's Date header says that this laptop's clock is wrong, else ""."""
    theirs = _http_date(reply.headers.get("date", ""))
    if theirs is None or abs(theirs - now) <= CLOCK_TOLERANCE_SECONDS:
        return ""
    minutes = round(abs(theirs - now) / 60)
    size = f"{minutes} minutes" if minutes < 120 else f"{round(minutes / 60)} hours"
    side = "behind" if theirs > now else "ahead"
    return f"This laptop's clock is {size} {side}, so the service does not trust it: set the clock; nothing is lost."


_NOT_RECOGNISED = "The service does not recognise this device: check the clock; if it is right, ask your administrator for a new code."


def _retry_after(reply: Reply, chance: float, now: float) -> float:
    """RFC 9110, section 10.2.3: seconds or a date. A little is added so that a fleet does not come back at once."""
    text = reply.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        wait = float(text[:12])
    elif (at := _http_date(text)) is not None:
        # Their date minus their own clock where they tell it, since ours may be wrong.
        wait = at - (_http_date(reply.headers.get("date", "")) or now)
    else:
        return 0.0
    wait = min(max(wait, 0.0), MAX_RETRY_AFTER_SECONDS)
    return now + wait + chance * min(60.0, 1.0 + wait / 10)


def _http_date(text: str) -> float | None:
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def text_field(reply: Reply, name: str) -> str | None:
    """A text field of a JSON object, None when the body is anything else: then the service did not write it."""
    try:
        value = json.loads(reply.body)
    except (ValueError, RecursionError):
        return None
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, str) else None
