"""Requests the device signs for itself: what is kept about me, who read it, correct it, erase it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.clock import Clock
from agent.errors import FramekeepError
from agent.identity import Identity
from agent.outbox.delivery import Failure, Reply
from agent.outbox.link import MAX_ANSWER, Link, ServiceUnreachable
from agent.wire.token import make_token


class ServiceRefused(FramekeepError):
    """The service did not do it. `code` is its stable word for the reason ("" when it gave none)."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


def signed_reply(
    method: str,
    path: str,
    *,
    link: Link,
    identity: Identity,
    key: Ed25519PrivateKey,
    clock: Clock,
    query: Mapping[str, str] | None = None,
    body: bytes = b"",
    most: int = MAX_ANSWER,
) -> Reply:
    """One request with this device's token, which names the body's hash; `body` is JSON, empty for none. The answer has
    at most `most` bytes. Raises ServiceUnreachable when nobody answered.
    """
    now = int(clock.wall())
    token = make_token(key, audience=identity.endpoint, method=method, path=path, body=body, now=now)
    headers = {"Authorization": f"Bearer {token}", **({"Content-Type": "application/json"} if body else {})}
    answer = link.request(method, path, query=query, body=body or None, headers=headers, most=most)
    if answer is None or isinstance(answer, Failure):
        raise ServiceUnreachable("The service cannot be reached: check the network and try again.")
    return answer


def signed_request(
    method: str, path: str, *, link: Link, identity: Identity, key: Ed25519PrivateKey, clock: Clock
) -> tuple[int, dict[str, Any]]:
    """As `signed_reply`, without a body. Returns status and the JSON object answered. Raises ServiceUnreachable also when
    somebody else than the service answered.
    """
    reply = signed_reply(method, path, link=link, identity=identity, key=key, clock=clock)
    return reply.status, read_object(reply)


def read_object(reply: Reply) -> dict[str, Any]:
    """The JSON object of an answer. Raises ServiceUnreachable when it is none: then the service did not write it."""
    try:
        value = json.loads(reply.body)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise ServiceUnreachable("Something else than the service answered: log in to the network first.")
    return value


def refused(status: int, value: Mapping[str, Any]) -> ServiceRefused:
    """The error for an answer that is not the one hoped for."""
    code = value.get("error")
    code = code if isinstance(code, str) else ""
    sentence = _BY_CODE.get(code) or _BY_STATUS.get(status)
    return ServiceRefused(sentence or _UNKNOWN, code)


_UNKNOWN = (
    "The service refused this for a reason this Framekeep does not know: try again later, or ask your administrator."
)
_NOT_OFFERED = "The service does not offer this: one of the two needs an update, ask your administrator."

_BY_CODE = {
    "from_after_to": "The first day comes after the last one: exchange them.",
    "range_too_long": "That is too many days at once: ask for at most 35 days, as long as the service keeps them.",
    "whole_quarter_hours_of_one_day_only": "A correction is about whole quarter hours of one day: begin and end it at a"
    " quarter hour, before midnight.",
    "not_in_the_future": "A correction is about time that has begun: wait until then.",
    "too_old": "It is too long ago: measurements are kept for 35 days, and so corrected only that long.",
    "too_many": "There are 100 corrections of that day already: more are not kept, so make one that covers more time.",
    "too_large": "It is too long for the service: shorten the note.",
    "malformed": "The service does not understand this request: one of the two needs an update, ask your administrator.",
    "nothing_to_cancel": "There is no erasure to cancel.",
    "too_late": "The erasure has begun already and cannot be cancelled any more.",
    "not_found": _NOT_OFFERED,
    "method_not_allowed": _NOT_OFFERED,
    "unavailable": "The service cannot answer just now, through no fault of yours: try again in a few minutes.",
    "internal_error": "Something is wrong in the service, through no fault of yours: tell your administrator.",
}
_BY_STATUS = {
    401: "The service does not recognise this laptop: check its clock, or enrol again.",
    403: "The service has revoked this laptop: ask your administrator for a new code.",
    503: _BY_CODE["unavailable"],
}
