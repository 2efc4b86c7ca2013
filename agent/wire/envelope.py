"""The envelope: the body of `POST /v1/envelopes`, and the header both sides rebuild from it."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from uuid import UUID

from agent.wire.errors import Malformed, UnsupportedVersion
from agent.wire.strict import MAX_INTEGER, canonical, exact_fields, from_b64, hex_id, integer, strict_json, to_b64

VERSION = 1
MAX_BODY = 64 * 1024
"""Most bytes of a posted body."""
SUITES = (1, 2)
"""1: X25519, HKDF-SHA256, AES-256-GCM. 2: ML-KEM-768 with X25519, the same KDF and AEAD."""
HEADER_BYTES = 74

_FIELDS = ("v", "id", "device", "created", "key", "suite", "sealed", "sig")
_HEADER = struct.Struct(">BB16s16s16s16sQ")


@dataclass(frozen=True, slots=True)
class Envelope:
    """Summaries sealed for the organisation and signed by the device. `device` and `key` are ids (32 hex digits),
    `created` is epoch seconds, `sig` is 64 bytes. Raises Malformed or UnsupportedVersion.
    """

    id: UUID
    device: str
    created: int
    key: str
    suite: int
    sealed: bytes
    sig: bytes

    def __post_init__(self) -> None:
        hex_id(self.device, "device")
        hex_id(self.key, "key")
        integer(self.created, 0, MAX_INTEGER, "created")
        if integer(self.suite, 0, 255, "suite") not in SUITES:
            raise UnsupportedVersion(f"suite {self.suite}")
        if len(self.sig) != 64:
            raise Malformed("a signature is 64 bytes")
        if not self.sealed:
            raise Malformed("nothing is sealed")


def header(org: str, *, device: str, key: str, suite: int, envelope_id: UUID, created: int) -> bytes:
    """H: the 74 bytes, never sent, that bind an envelope to its organisation, device, key and time."""
    return _HEADER.pack(
        VERSION, suite, bytes.fromhex(org), bytes.fromhex(device), bytes.fromhex(key), envelope_id.bytes, created
    )


def header_of(org: str, envelope: Envelope) -> bytes:
    """H of an envelope received for organisation `org`."""
    return header(
        org,
        device=envelope.device,
        key=envelope.key,
        suite=envelope.suite,
        envelope_id=envelope.id,
        created=envelope.created,
    )


def format_body(envelope: Envelope) -> bytes:
    """The bytes that are posted."""
    return canonical(
        {
            "v": VERSION,
            "id": str(envelope.id),
            "device": envelope.device,
            "created": envelope.created,
            "key": envelope.key,
            "suite": envelope.suite,
            "sealed": to_b64(envelope.sealed),
            "sig": to_b64(envelope.sig),
        }
    )


def parse_body(data: bytes) -> Envelope:
    """The envelope in a posted body. Raises TooLarge, UnsupportedVersion or Malformed."""
    value = strict_json(data, MAX_BODY)
    if isinstance(value, dict) and type(value.get("v")) is int and value["v"] != VERSION:
        raise UnsupportedVersion(f"envelope version {value['v']}")
    fields = exact_fields(value, _FIELDS)
    integer(fields["v"], VERSION, VERSION, "v")
    return Envelope(
        id=_uuid(fields["id"]),
        device=fields["device"],
        created=fields["created"],
        key=fields["key"],
        suite=fields["suite"],
        sealed=from_b64(fields["sealed"], "sealed"),
        sig=from_b64(fields["sig"], "sig", 64),
    )


def _uuid(value: object) -> UUID:
    if isinstance(value, str) and len(value) == 36:
        try:
            parsed = UUID(value)
        except ValueError:
            raise Malformed("id is not a UUID") from None
        if str(parsed) == value:
            return parsed
    raise Malformed("id must be a UUID in lower case with hyphens")
