"""What every signed document has in common: the signatures around it and the first fields of its payload.

A document is `{"payload": base64, "sigs": [{"key", "sig"}]}`. The signature covers T(doc) + type + 0x00 + the exact
payload bytes and is checked before the payload is parsed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from agent.wire.errors import BadSignature, Malformed, UnsupportedVersion
from agent.wire.ids import check_ed25519_public, signer_id, tag
from agent.wire.strict import MAX_INTEGER, canonical, exact_fields, from_b64, hex_id, integer, strict_json, to_b64

VERSION = 1
MAX_DOCUMENT = 64 * 1024
MAX_SIGNATURES = 8
KINDS = ("keyset", "policy", "agreement", "root")
"""The types of document there are."""
COMMON = ("v", "type", "org", "seq", "issued", "not_after")
"""The fields every payload has."""


def sign_document(kind: str, payload: Mapping[str, Any], keys: Sequence[Ed25519PrivateKey]) -> bytes:
    """The document of type `kind` around `payload`, signed by every key of `keys`."""
    return add_signatures(unsigned(payload), kind, keys)


def unsigned(payload: Mapping[str, Any]) -> bytes:
    """A draft: the form of a document around `payload`, with no signature yet."""
    return canonical({"payload": to_b64(canonical(payload)), "sigs": []})


def add_signatures(document: bytes, kind: str, keys: Sequence[Ed25519PrivateKey]) -> bytes:
    """A draft or document of type `kind` with the signatures of `keys` behind those it has; the payload stays byte for
    byte. A key that has signed already signs anew. Raises Malformed.
    """
    body, signatures = open_document(document)
    kept = {signature["key"]: signature for signature in signatures}
    for key in keys:
        name = signer_id(key.public_key().public_bytes_raw())
        kept[name] = {"key": name, "sig": to_b64(key.sign(_signed_bytes(kind, body)))}
    return canonical({"payload": to_b64(body), "sigs": list(kept.values())})


def open_document(document: bytes) -> tuple[bytes, list[Mapping[str, Any]]]:
    """The payload's bytes and the signatures `{"key", "sig"}` around them, none of which is verified. Raises Malformed."""
    fields = exact_fields(strict_json(document, MAX_DOCUMENT), ("payload", "sigs"))
    if not isinstance(fields["sigs"], list) or len(fields["sigs"]) > MAX_SIGNATURES:
        raise Malformed(f"a document carries 1 to {MAX_SIGNATURES} signatures")
    signatures = [exact_fields(entry, ("key", "sig")) for entry in fields["sigs"]]
    return from_b64(fields["payload"], "payload"), signatures


def claimed(document: bytes) -> Mapping[str, Any]:
    """What a document says of itself, of which nothing may be believed yet. Raises Malformed."""
    payload = strict_json(open_document(document)[0], MAX_DOCUMENT)
    if not isinstance(payload, dict) or payload.get("type") not in KINDS:
        raise Malformed(f"the payload is none of a {', '.join(KINDS)}")
    return payload


def payload_digest(payload: Mapping[str, Any]) -> str:
    """SHA-256 of a payload's exact bytes, 64 hex digits: what a policy names its agreement by."""
    return hashlib.sha256(canonical(payload)).hexdigest()


def verify_document(
    document: bytes, kind: str, *, signers: Iterable[bytes], org: str, required: int = 1
) -> Mapping[str, Any]:
    """The payload of a document of type `kind` that at least `required` distinct keys of `signers`
    (raw Ed25519 public keys) have signed for organisation `org`.

    Raises BadSignature, Malformed or UnsupportedVersion. Time and sequence are the caller's to judge.
    """
    body, signatures = open_document(document)
    known = {signer_id(raw): check_ed25519_public(raw) for raw in signers}
    if not signatures:
        raise Malformed(f"a document carries 1 to {MAX_SIGNATURES} signatures")
    valid = set()
    for signature in signatures:
        name = hex_id(signature["key"], "key")
        raw = from_b64(signature["sig"], "sig", 64)
        if name in known and _is_valid(known[name], raw, _signed_bytes(kind, body)):
            valid.add(name)
    if len(valid) < required:
        raise BadSignature(f"this {kind} is not signed by a key that may sign it")
    payload = strict_json(body, MAX_DOCUMENT)
    if isinstance(payload, dict) and type(payload.get("v")) is int and payload["v"] != VERSION:
        raise UnsupportedVersion(f"{kind} version {payload['v']}")
    if canonical(payload) != body:
        raise Malformed(f"the {kind}'s payload is not in its canonical form")
    if not isinstance(payload, dict) or payload.get("type") != kind or payload.get("org") != org:
        raise BadSignature(f"this is not a {kind} of this organisation")
    return payload


def common(kind: str, org: str, seq: int, issued: int, not_after: int) -> dict[str, Any]:
    """The first fields of a payload."""
    return {"v": VERSION, "type": kind, "org": org, "seq": seq, "issued": issued, "not_after": not_after}


def check_common(org: Any, seq: Any, issued: Any, not_after: Any) -> None:
    """Raise Malformed unless these are what every document has: `not_after` lies behind `issued` (epoch seconds)."""
    hex_id(org, "org")
    integer(seq, 1, MAX_INTEGER, "seq")
    integer(not_after, integer(issued, 0, MAX_INTEGER, "issued") + 1, MAX_INTEGER, "not_after")


def read_begin(payload: Mapping[str, Any]) -> int:
    """From when on a payload applies: `effective`, which is left out where it equals `issued`. Raises Malformed."""
    issued = integer(payload.get("issued"), 0, MAX_INTEGER, "issued")
    if "effective" not in payload:
        return issued
    return integer(payload["effective"], issued + 1, MAX_INTEGER, "effective")  # one form for one meaning


def check_begin(effective: Any, issued: int, not_after: int) -> int:
    """`effective` (epoch seconds; None: `issued`) if it lies in [issued, not_after), else Malformed."""
    return issued if effective is None else integer(effective, issued, not_after - 1, "effective")


def begin_field(effective: int, issued: int) -> dict[str, int]:
    """How `effective` stands in a payload: left out where it equals `issued`."""
    return {} if effective == issued else {"effective": effective}


def _signed_bytes(kind: str, body: bytes) -> bytes:
    return tag("doc") + kind.encode("ascii") + b"\0" + body


def _is_valid(public: bytes, signature: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except InvalidSignature:
        return False
    return True
