"""Self-certifying ids: whoever looks up a key hashes it again and compares."""

from __future__ import annotations

import hashlib

from agent.wire.errors import Malformed

ID_BYTES = 16

_P = 2**255 - 19
_SMALL_ORDER_Y = frozenset(
    {
        0,  # order 4
        1,  # order 1
        _P - 1,  # order 2
        # order 8, both signs of x (the curve's torsion subgroup, RFC 7748 twist of edwards25519)
        int.from_bytes(bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"),
        int.from_bytes(bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"), "little"),
    }
)


def tag(name: str) -> bytes:
    """T(name): the domain separator in front of everything hashed, signed or sealed."""
    return b"framekeep/v1/" + name.encode("ascii") + b"\0"


def make_id(name: str, data: bytes) -> str:
    """ID(name, data): the first 16 bytes of SHA-256(T(name) + data) as 32 lowercase hex digits."""
    return hashlib.sha256(tag(name) + data).digest()[:ID_BYTES].hex()


def organisation_id(root_public: bytes) -> str:
    """The organisation's id: that of its first root public key (32 raw Ed25519 bytes)."""
    return make_id("root", root_public)


def device_id(device_public: bytes) -> str:
    """The id of a device: that of its Ed25519 public key (32 raw bytes)."""
    return make_id("device", device_public)


def signer_id(public: bytes) -> str:
    """The id under which a document names the key that signed it (32 raw Ed25519 bytes)."""
    return make_id("signer", public)


def key_id(suite: int, public: bytes) -> str:
    """The id of a seal key: that of its suite byte and public key."""
    return make_id("seal-key", bytes([suite]) + public)


def check_ed25519_public(raw: bytes) -> bytes:
    """`raw` if it is an acceptable Ed25519 public key, else Malformed.

    A key of small order accepts signatures nobody made, and the library does not refuse it; a y coordinate
    of 2**255 - 19 or more is a second spelling of another key, which would give one key two ids.
    """
    if len(raw) != 32:
        raise Malformed("an Ed25519 public key is 32 bytes")
    y = int.from_bytes(raw, "little") & (2**255 - 1)
    if y >= _P or y in _SMALL_ORDER_Y:
        raise Malformed("this Ed25519 public key is not acceptable: it is of small order or not canonical")
    return raw
