"""A device's token becomes a device, or an answer that says no."""

from __future__ import annotations

import re
from collections.abc import Callable

import jwt

from agent.wire.errors import BadSignature
from agent.wire.token import read_token
from sync_service.http import Refused, Request
from sync_service.ingest import NOT_AUTHENTICATED, REVOKED
from sync_service.keyset import CurrentKeyset
from sync_service.ports import Device, DeviceRegistry

_HEX_ID = re.compile(r"[0-9a-f]{32}")


class DeviceGate:
    """Checks tokens against the registry; the audience is the endpoint in the organisation's own keyset."""

    def __init__(self, registry: DeviceRegistry, keysets: CurrentKeyset, *, clock: Callable[[], int]) -> None:
        self._registry, self._keysets, self._clock = registry, keysets, clock

    def device(self, request: Request) -> Device:
        """Who is asking. Raises Refused (401 for every fault, 403 when revoked) or Unavailable. The token of anything
        but a GET is spent by this.
        """
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        device = self._registry.find(_claimed_device(token)) if scheme.lower() == "bearer" else None
        keyset = self._keysets.get(device.org) if device else None
        if device is None or keyset is None:
            raise Refused(NOT_AUTHENTICATED)
        now = self._clock()
        try:
            read = read_token(
                token,
                device_public=lambda name: device.public if name == device.id else None,
                audience=keyset.endpoint,
                method=request.method,
                path=request.path,
                body=request.body,
                now=now,
            )
        except BadSignature:
            raise Refused(NOT_AUTHENTICATED) from None
        if device.revoked:
            raise Refused(REVOKED)
        if request.method != "GET" and not self._registry.spend_token(device.id, read.jti, expires=read.exp, now=now):
            raise Refused(NOT_AUTHENTICATED)
        request.admitted("")
        return device


def _claimed_device(token: str) -> str:
    """The device a token says it is from; nothing of it is believed before its signature is checked."""
    try:
        name = str(jwt.get_unverified_header(token).get("kid", ""))
        return name if _HEX_ID.fullmatch(name) else ""
    except (jwt.PyJWTError, ValueError):
        return ""
