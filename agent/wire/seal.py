"""Sealing for the organisation (HPKE, RFC 9180 base mode) and signing by the device (Ed25519, RFC 8032).

Suite numbers are ours and never change; the library's enumerations may. The header is bound in HPKE's `info`,
so a sealed text opens only under the very header it was made for; there is no other associated data.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal
from uuid import UUID

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)

from agent.wire.envelope import Envelope, header, header_of
from agent.wire.errors import BadSignature, CannotOpen, Malformed, UnsupportedVersion
from agent.wire.ids import device_id, key_id, tag
from agent.wire.summary import Summary, decode, encode

PublicHandle = X25519PublicKey | MLKEM768X25519PublicKey
PrivateHandle = X25519PrivateKey | MLKEM768X25519PrivateKey

_SUITES = {
    1: Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM),
    2: Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM),
}
_MLKEM_PUBLIC, _MLKEM_SEED = 1184, 64  # FIPS 203, section 8 and 7.1 (seed form d || z)
_PUBLIC_BYTES = {1: 32, 2: _MLKEM_PUBLIC + 32}
_PRIVATE_BYTES = {1: 32, 2: _MLKEM_SEED + 32}


@dataclass(frozen=True, slots=True)
class SealPublicKey:
    """What an agent seals to: suite 1 is 32 bytes of X25519, suite 2 ML-KEM-768 (1184) then X25519 (32).
    Raises Malformed or UnsupportedVersion.
    """

    suite: int
    raw: bytes

    def __post_init__(self) -> None:
        _check_length(self.suite, self.raw, _PUBLIC_BYTES)

    @property
    def id(self) -> str:
        """The key's id, 32 hex digits."""
        return key_id(self.suite, self.raw)


@dataclass(frozen=True, slots=True)
class SealKey:
    """The organisation's private half: suite 1 is 32 bytes of X25519, suite 2 the ML-KEM-768 seed (64) then
    X25519 (32). Only the opener holds one; it is never printed.
    """

    suite: int
    raw: bytes = field(repr=False)

    def __post_init__(self) -> None:
        _check_length(self.suite, self.raw, _PRIVATE_BYTES)

    @classmethod
    def generate(cls, suite: Literal[1, 2] = 1) -> SealKey:
        """A fresh key."""
        x25519 = X25519PrivateKey.generate().private_bytes_raw()
        return cls(suite, x25519 if suite == 1 else MLKEM768PrivateKey.generate().private_bytes_raw() + x25519)

    @property
    def public(self) -> SealPublicKey:
        """The half that is published in the keyset."""
        return _public_half(self.suite, self.raw)


def seal(
    summary: Summary,
    *,
    org: str,
    device_key: Ed25519PrivateKey,
    key: SealPublicKey,
    envelope_id: UUID,
    created: int,
) -> Envelope:
    """Seal `summary` for `key` of organisation `org` (32 hex digits) and sign it with the device's key.
    `created` is epoch seconds. The same windows may be sealed again under another id: the opener counts once.
    """
    device = device_id(device_key.public_key().public_bytes_raw())
    head = header(org, device=device, key=key.id, suite=key.suite, envelope_id=envelope_id, created=created)
    sealed = _SUITES[key.suite].encrypt(encode(summary), _public(key.suite, key.raw), info=tag("seal") + head)
    return Envelope(
        id=envelope_id,
        device=device,
        created=created,
        key=key.id,
        suite=key.suite,
        sealed=sealed,
        sig=device_key.sign(_signed_bytes(head, sealed)),
    )


def verify(envelope: Envelope, *, org: str, device_public: bytes) -> None:
    """Check that the device whose registered key is `device_public` made this envelope for `org`.
    Raises BadSignature, also when the key does not hash to the id in the envelope.
    """
    if device_id(device_public) != envelope.device:
        raise BadSignature("the registered key does not belong to this device id")
    try:
        _ed25519(device_public).verify(envelope.sig, _signed_bytes(header_of(org, envelope), envelope.sealed))
    except InvalidSignature:
        raise BadSignature("the envelope's signature is wrong") from None


def open_sealed(envelope: Envelope, *, org: str, key: SealKey) -> Summary:
    """The summary inside. Verify first: this proves only that somebody sealed it for this header.
    Raises CannotOpen, Malformed or UnsupportedVersion.
    """
    if (key.suite, key.public.id) != (envelope.suite, envelope.key):
        raise CannotOpen("this is not the key the envelope was sealed for")
    info = tag("seal") + header_of(org, envelope)
    try:
        plain = _SUITES[key.suite].decrypt(envelope.sealed, _private(key.suite, key.raw), info=info)
    except (InvalidTag, ValueError):
        raise CannotOpen("the sealed bytes do not open under this key and header") from None
    return decode(plain)


def _signed_bytes(head: bytes, sealed: bytes) -> bytes:
    return tag("sign") + head + len(sealed).to_bytes(4, "big") + sealed


def _check_length(suite: int, raw: bytes, lengths: dict[int, int]) -> None:
    if suite not in lengths:
        raise UnsupportedVersion(f"suite {suite}")
    if len(raw) != lengths[suite]:
        raise Malformed(f"a key of suite {suite} is {lengths[suite]} bytes")


# The caches below hold parsed keys because parsing costs as much as using them; the opener of a fleet sees the same
# few seal keys and the same devices over and over.


@lru_cache(maxsize=64)
def _public_half(suite: int, raw: bytes) -> SealPublicKey:
    if suite == 1:
        return SealPublicKey(1, X25519PrivateKey.from_private_bytes(raw).public_key().public_bytes_raw())
    mlkem = MLKEM768PrivateKey.from_seed_bytes(raw[:_MLKEM_SEED])
    x25519 = X25519PrivateKey.from_private_bytes(raw[_MLKEM_SEED:])
    return SealPublicKey(2, mlkem.public_key().public_bytes_raw() + x25519.public_key().public_bytes_raw())


@lru_cache(maxsize=4096)
def _ed25519(raw: bytes) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(raw)


@lru_cache(maxsize=64)
def _public(suite: int, raw: bytes) -> PublicHandle:
    if suite == 1:
        return X25519PublicKey.from_public_bytes(raw)
    return MLKEM768X25519PublicKey(
        MLKEM768PublicKey.from_public_bytes(raw[:_MLKEM_PUBLIC]),
        X25519PublicKey.from_public_bytes(raw[_MLKEM_PUBLIC:]),
    )


@lru_cache(maxsize=64)
def _private(suite: int, raw: bytes) -> PrivateHandle:
    if suite == 1:
        return X25519PrivateKey.from_private_bytes(raw)
    return MLKEM768X25519PrivateKey(
        MLKEM768PrivateKey.from_seed_bytes(raw[:_MLKEM_SEED]),
        X25519PrivateKey.from_private_bytes(raw[_MLKEM_SEED:]),
    )
