"""PURE. What an alert looks like on its way out: the body, its signature, when to try again.

At least once: a message that was sent but not noted as sent before a crash is sent again, byte for byte and under the
same id (`Framekeep-Delivery`, and the mail's Message-ID). A receiver that keeps the ids of the last day has each once.

A receiver checks a webhook like this: split `Framekeep-Signature: t=TIME,v1=HEX` at the comma, refuse a TIME more than
five minutes off, and compare HEX in constant time with the HMAC-SHA256, keyed with the channel's secret as it was shown
(its characters, not what they might encode), of `TIME`, a full stop and the body as it came.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Event = Literal["raised", "resolved", "test"]

SIGNATURE_HEADER = "Framekeep-Signature"
ID_HEADER = "Framekeep-Delivery"

FIRST_WAIT_SECONDS = 30
LONGEST_WAIT_SECONDS = 2 * 3600
GIVE_UP_SECONDS = 24 * 3600
"""What could not be delivered for a day is news no more."""


@dataclass(frozen=True, slots=True)
class Telling:
    """What there is to tell of one alert. Days are ISO dates; `team_name` where it is about a team."""

    alert: str | None
    event: Event
    rule: str
    about: str
    message: str
    organisation: str
    organisation_name: str
    team: str | None = None
    team_name: str | None = None
    raised_on: str | None = None
    resolved_on: str | None = None


def body_of(delivery: str, telling: Telling) -> str:
    """The JSON that is kept, signed and sent; a mail is written from it too. `delivery` is the idempotency id."""
    return json.dumps(
        {
            "v": 1,
            "id": delivery,
            "event": telling.event,
            "organisation": {"id": telling.organisation, "name": telling.organisation_name},
            "alert": {
                "id": telling.alert,
                "rule": telling.rule,
                "about": telling.about,
                "message": telling.message,
                "team": {"id": telling.team, "name": telling.team_name} if telling.team else None,
                "raised_on": telling.raised_on,
                "resolved_on": telling.resolved_on,
            },
        },
        ensure_ascii=False,
        separators=(",", ":"),
        sort_keys=True,
    )


def mail_of(body: str) -> tuple[str, str]:
    """Subject and text of the mail that says what `body` says."""
    told: Mapping[str, Any] = json.loads(body)
    alert, organisation = told["alert"], told["organisation"]
    words = {"raised": "alert", "resolved": "resolved", "test": "test"}[told["event"]]
    subject = f"[Framekeep] {words}: {alert['rule'].replace('_', ' ')} ({organisation['name']})"
    lines = [alert["message"], ""]
    if alert["raised_on"]:
        lines.append(f"Raised on {alert['raised_on']}.")
    if alert["resolved_on"]:
        lines.append(f"Resolved on {alert['resolved_on']}.")
    lines += ["", "Alerts are about the service, laptops as a number, or whole teams; never about one person."]
    return " ".join(subject.split()), "\n".join(lines) + "\n"


def signature(secret: str, at: int, body: bytes) -> str:
    """The value of SIGNATURE_HEADER for a body sent at `at` (epoch seconds)."""
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


def next_attempt(attempts: int, *, now: int, created: int, chance: float, retry_after: int | None = None) -> int | None:
    """When to try again after `attempts` (1 or more) in vain; None: give up. `chance` is from [0, 1). Waits double from
    FIRST_WAIT_SECONDS to LONGEST_WAIT_SECONDS, shortened by up to half so that many do not come at once; what the
    receiver asks for is waited at least, within the day.
    """
    wait = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2 ** min(attempts - 1, 20))
    at = now + max(round(wait * (0.5 + chance / 2)), min(retry_after or 0, GIVE_UP_SECONDS // 4))
    return at if at <= created + GIVE_UP_SECONDS else None
