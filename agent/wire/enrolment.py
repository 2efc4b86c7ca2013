"""Enrolment: a one-time code ties a laptop to an organisation. The code's secret never travels.

The code carries the fingerprint of the organisation's root key, so a laptop recognises the right organisation
before it sends anything, and a code mailed to the wrong server is useless there.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from agent.wire.errors import BadSignature, Malformed, UnsupportedVersion
from agent.wire.ids import check_ed25519_public, make_id, organisation_id, tag
from agent.wire.strict import exact_fields, from_b64, hex_id, integer, to_b64

VERSION = 1
LIFETIME_SECONDS = 72 * 3600
"""A code is good for 72 hours and one device."""
PREFIX = "FK1-"

_FIELDS = ("v", "code", "device_key", "mac", "pop")


@dataclass(frozen=True, slots=True)
class EnrolmentCode:
    """`secret` is 16 random bytes, `fingerprint` the 16 bytes of the root key's id. Raises Malformed.

    `str(code)` is what a person types: FK1- and fourteen groups of four letters and digits.
    """

    secret: bytes = field(repr=False)
    fingerprint: bytes

    def __post_init__(self) -> None:
        if len(self.secret) != 16 or len(self.fingerprint) != 16:
            raise Malformed("an enrolment code holds 16 bytes of secret and 16 of fingerprint")

    @classmethod
    def new(cls, root_public: bytes) -> EnrolmentCode:
        """A fresh code for the organisation whose root public key (32 raw bytes) this is."""
        return cls(secrets.token_bytes(16), bytes.fromhex(organisation_id(root_public)))

    @classmethod
    def parse(cls, typed: str) -> EnrolmentCode:
        """The code a person typed: case, spaces and hyphens do not matter. Raises Malformed, naming a typing error."""
        letters = "".join(typed.upper().split()).replace("-", "")
        if not letters.startswith("FK1"):
            raise Malformed("this is not an enrolment code: it begins with FK1-; copy it again from the invitation")
        try:
            raw = base64.b32decode(letters[3:])
        except ValueError:
            raise Malformed(
                "this enrolment code is incomplete or mistyped; copy it again from the invitation"
            ) from None
        if len(raw) != 35 or raw[0] != 1 or not hmac.compare_digest(_check_bytes(raw[:-2]), raw[-2:]):
            raise Malformed("this enrolment code is mistyped; copy it again from the invitation")
        return cls(raw[1:17], raw[17:33])

    def __str__(self) -> str:
        raw = b"\x01" + self.secret + self.fingerprint
        letters = base64.b32encode(raw + _check_bytes(raw)).decode("ascii")
        return PREFIX + "-".join(letters[i : i + 4] for i in range(0, len(letters), 4))

    @property
    def code_id(self) -> str:
        """How both sides name the code without showing it."""
        return make_id("code", self.secret)

    @property
    def secret_hash(self) -> bytes:
        """What the service keeps instead of the secret (32 bytes); the key of `mac` and `proof`."""
        return hashlib.sha256(tag("code-secret") + self.secret).digest()


def enrol_request(code: EnrolmentCode, org: str, device_key: Ed25519PrivateKey) -> dict[str, Any]:
    """The body of `POST /v1/devices`: `mac` shows that the sender knows the code, `pop` that it holds the key."""
    public = device_key.public_key().public_bytes_raw()
    return {
        "v": VERSION,
        "code": code.code_id,
        "device_key": to_b64(public),
        "mac": to_b64(_mac(code.secret_hash, org, public)),
        "pop": to_b64(device_key.sign(_pop_bytes(org, code.code_id, public))),
    }


@dataclass(frozen=True, slots=True)
class EnrolRequest:
    """A well-formed request whose proofs have not been checked yet."""

    code_id: str
    device_public: bytes
    mac: bytes
    pop: bytes

    @classmethod
    def parse(cls, body: Any) -> EnrolRequest:
        """From the parsed JSON body. Raises Malformed or UnsupportedVersion, also for an unacceptable key."""
        if isinstance(body, dict) and type(body.get("v")) is int and body["v"] != VERSION:
            raise UnsupportedVersion(f"enrolment version {body['v']}")
        fields = exact_fields(body, _FIELDS)
        integer(fields["v"], VERSION, VERSION, "v")
        return cls(
            code_id=hex_id(fields["code"], "code"),
            device_public=check_ed25519_public(from_b64(fields["device_key"], "device_key", 32)),
            mac=from_b64(fields["mac"], "mac", 32),
            pop=from_b64(fields["pop"], "pop", 64),
        )

    def check(self, *, org: str, secret_hash: bytes) -> None:
        """Both proofs, for organisation `org` and the stored hash of the code's secret. Raises BadSignature."""
        if not hmac.compare_digest(self.mac, _mac(secret_hash, org, self.device_public)):
            raise BadSignature("the sender does not know this code")
        try:
            public = Ed25519PublicKey.from_public_bytes(self.device_public)
            public.verify(self.pop, _pop_bytes(org, self.code_id, self.device_public))
        except InvalidSignature:
            raise BadSignature("the sender does not hold this device key") from None


def enrol_proof(*, secret_hash: bytes, org: str, device_public: bytes) -> bytes:
    """The service's own proof that it knows the code (32 bytes): the answer comes from the right organisation."""
    return hmac.digest(secret_hash, tag("enrol-proof") + bytes.fromhex(org) + device_public, "sha256")


def check_answer(answer: Any, *, code: EnrolmentCode, org: str, device_public: bytes) -> Mapping[str, Any]:
    """The answer `{device, org, keyset, policy, proof}` if its proof is right; the documents inside are still to be
    verified. Raises Malformed or BadSignature.
    """
    fields = exact_fields(answer, ("device", "org", "keyset", "policy", "proof"))
    proof = enrol_proof(secret_hash=code.secret_hash, org=org, device_public=device_public)
    if not hmac.compare_digest(from_b64(fields["proof"], "proof", 32), proof):
        raise BadSignature("the answer does not come from the organisation that issued this code")
    if fields["org"] != org or fields["device"] != make_id("device", device_public):
        raise BadSignature("the answer is for another organisation or device")
    return fields


def _check_bytes(raw: bytes) -> bytes:
    return hashlib.sha256(tag("code-check") + raw).digest()[:2]


def _mac(secret_hash: bytes, org: str, device_public: bytes) -> bytes:
    return hmac.digest(secret_hash, tag("enrol-mac") + bytes.fromhex(org) + device_public, "sha256")


def _pop_bytes(org: str, code_id: str, device_public: bytes) -> bytes:
    return tag("enrol-pop") + bytes.fromhex(org) + bytes.fromhex(code_id) + device_public
