"""Requests the device signs for itself: what is kept about me, who read it, erase it."""

from __future__ import annotations

import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.clock import Clock
from agent.errors import FramekeepError
from agent.identity import Identity
from agent.outbox.delivery import Failure, Reply
from agent.outbox.link import Link, ServiceUnreachable
from agent.wire.token import make_token


def signed_request(
    method: str, path: str, *, link: Link, identity: Identity, key: Ed25519PrivateKey, clock: Clock
) -> tuple[int, dict[str, Any]]:
    """One request with this device's token, without a body. Returns status and the JSON object answered.

    Raises ServiceUnreachable when nobody, or somebody else than the service, answered.
    """
    token = make_token(key, audience=identity.endpoint, method=method, path=path, now=int(clock.wall()))
    answer = link.request(method, path, headers={"Authorization": f"Bearer {token}"})
    if answer is None or isinstance(answer, Failure):
        raise ServiceUnreachable("The service cannot be reached: check the network and try again.")
    return answer.status, _object(answer)


def refused(status: int, value: dict[str, Any]) -> FramekeepError:
    """The error for an answer that is not the one hoped for."""
    if status == 401:
        return FramekeepError("The service does not recognise this laptop: check its clock, or enrol again.")
    if status == 403:
        return FramekeepError("The service has revoked this laptop: ask your administrator for a new code.")
    return FramekeepError(f"The service could not do it (answer {status} {value.get('error', '')}): try again later.")


def _object(reply: Reply) -> dict[str, Any]:
    try:
        value = json.loads(reply.body)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise ServiceUnreachable("Something else than the service answered: log in to the network first.")
    return value
