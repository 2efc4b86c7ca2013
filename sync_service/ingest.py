"""What becomes of a posted envelope: a decision from its bytes, the registry and the keyset, then a durable copy.

Nothing is decrypted here and nothing measured is seen. The answers and their order follow the wire format: until a
device has shown that it is one of ours, every fault has the same answer and takes the same work.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.wire.envelope import MAX_BODY, Envelope, parse_body
from agent.wire.errors import BadSignature, TooLarge, WireError
from agent.wire.ids import device_id
from agent.wire.seal import verify
from sync_service.errors import Unavailable
from sync_service.http import Answer as Answer
from sync_service.http import refusal as refusal
from sync_service.keyset import OpenKey
from sync_service.ports import DeviceRegistry, Inbox
from sync_service.quota import Quota

CLOCK_TOLERANCE_SECONDS = 600
"""How far in the future an envelope may claim to have been sealed; the opener allows windows as much."""
KEY_MARGIN_SECONDS = 3600
"""An envelope is accepted only while its key opens for at least this long: the opener needs a moment."""

# A key pair nobody holds: verifying against it costs what verifying against a registered key costs.
_DUMMY_PUBLIC = (
    Ed25519PrivateKey.from_private_bytes(b"framekeep: verify against nobody").public_key().public_bytes_raw()
)
_DUMMY_DEVICE = device_id(_DUMMY_PUBLIC)
_DUMMY_ORG = "0" * 32


NOT_AUTHENTICATED = refusal(401, "not_authenticated")
"""One answer for an unknown device, a wrong signature and a wrong clock."""
REVOKED = refusal(403, "revoked")
TOO_LARGE = refusal(413, "too_large")


@dataclass(frozen=True, slots=True)
class Accepted:
    """The device is ours and the envelope is whole: keep `body` for organisation `org`, then answer 202."""

    org: str
    envelope: Envelope


class KeyDirectory(Protocol):
    """Which seal keys an organisation's newest keyset allows."""

    def open_key(self, org: str, key: str) -> OpenKey | None:
        """None when the keyset does not allow this key (any more). Raises Unavailable."""
        ...


def decide(body: bytes, *, registry: DeviceRegistry, keys: KeyDirectory, now: int) -> Accepted | Answer:
    """Accept or answer, at `now` (epoch seconds). Raises Unavailable when the registry cannot be asked."""
    if len(body) > MAX_BODY:
        return TOO_LARGE
    try:
        envelope = parse_body(body)
    except TooLarge:
        return TOO_LARGE
    except WireError as error:
        return refusal(400, error.code)
    device = registry.find(envelope.device)
    if device is None:
        _verify_nobody(envelope)
        return NOT_AUTHENTICATED
    try:
        verify(envelope, org=device.org, device_public=device.public)
    except BadSignature:
        return NOT_AUTHENTICATED
    if envelope.created > now + CLOCK_TOLERANCE_SECONDS:
        return NOT_AUTHENTICATED
    if device.revoked:
        return REVOKED
    key = keys.open_key(device.org, envelope.key)
    if key is None or key.suite != envelope.suite or now + KEY_MARGIN_SECONDS > key.open_until:
        return refusal(400, "key_unknown")
    return Accepted(device.org, envelope)


def post_envelope(
    body: bytes,
    *,
    registry: DeviceRegistry,
    keys: KeyDirectory,
    inbox: Inbox,
    clock: Callable[[], int],
    quota: Quota | None = None,
) -> Answer:
    """`POST /v1/envelopes`: 202 with the envelope's id only once it would survive a power cut. Without a `quota` a
    device may send any number.
    """
    now = clock()
    try:
        outcome = decide(body, registry=registry, keys=keys, now=now)
        if isinstance(outcome, Answer):
            return outcome
        if quota and (wait := quota.take(outcome.envelope.device, len(body), now=now)):
            return refusal(429, "too_many", retry_after=wait)
        inbox.put(outcome.org, body, received=now)
    except Unavailable as error:
        return refusal(503, "unavailable", retry_after=error.retry_after)
    return Answer(202, {"id": str(outcome.envelope.id)})


def _verify_nobody(envelope: Envelope) -> None:
    """Spend the time a real check takes, so that the answer's delay does not tell who is enrolled."""
    nobody = Envelope(
        id=envelope.id,
        device=_DUMMY_DEVICE,
        created=envelope.created,
        key=envelope.key,
        suite=envelope.suite,
        sealed=envelope.sealed,
        sig=envelope.sig,
    )
    try:
        verify(nobody, org=_DUMMY_ORG, device_public=_DUMMY_PUBLIC)
    except BadSignature:
        return
