"""The wire does not drift: every released version's vectors open, verify and are refused as they were.

Suite 1 is also opened by a second, independent reading of RFC 9180, so the vectors are not only what our own code says.
"""

from __future__ import annotations

import hmac
import json
import struct
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from agent.wire import documents, enrolment, envelope, ids, seal, strict, summary, token
from agent.wire.errors import BadSignature, CannotOpen, WireError

FOLDER = Path(__file__).parent / "vectors"
VECTORS: dict[str, Any] = json.loads((FOLDER / "v1.json").read_text())
ORG = VECTORS["organisation"]
KEYS = {k["suite"]: seal.SealKey(k["suite"], bytes.fromhex(k["private"])) for k in VECTORS["seal_keys"]}


def public(name: str) -> bytes:
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(VECTORS["private_keys"][name]))
    return key.public_key().public_bytes_raw()


@pytest.mark.parametrize("vector", VECTORS["envelopes"], ids=lambda v: f"suite{v['suite']}-{v['windows']}")
def test_envelope_verifies_and_opens(vector: dict[str, Any]) -> None:
    body = vector["body"].encode()
    parsed = envelope.parse_body(body)
    assert envelope.format_body(parsed) == body
    assert envelope.header_of(ORG, parsed).hex() == vector["header"]
    assert len(bytes.fromhex(vector["header"])) == envelope.HEADER_BYTES
    seal.verify(parsed, org=ORG, device_public=public("device"))
    opened = seal.open_sealed(parsed, org=ORG, key=KEYS[vector["suite"]])
    assert summary.readable(opened).decode() == vector["plaintext"]
    assert len(summary.encode(opened)) == vector["padded"]


def _labeled(suite: bytes, label: bytes, data: bytes) -> bytes:
    return b"HPKE-v1" + suite + label + data


def _expand(key: bytes, suite: bytes, label: bytes, info: bytes, length: int) -> bytes:
    out = block = b""
    counter = 1
    while len(out) < length:
        message = block + struct.pack(">H", length) + _labeled(suite, label, info) + bytes([counter])
        block = hmac.digest(key, message, "sha256")
        out, counter = out + block, counter + 1
    return out[:length]


def test_suite_one_is_rfc_9180_base_mode() -> None:
    """DHKEM(X25519, HKDF-SHA256) 0x0020, HKDF-SHA256 0x0001, AES-256-GCM 0x0002, written from the RFC."""
    vector = next(v for v in VECTORS["envelopes"] if v["suite"] == 1)
    parsed = envelope.parse_body(vector["body"].encode())
    encapsulated, sealed = parsed.sealed[:32], parsed.sealed[32:]
    private = X25519PrivateKey.from_private_bytes(KEYS[1].raw)
    shared = private.exchange(X25519PublicKey.from_public_bytes(encapsulated))
    kem = b"KEM" + struct.pack(">H", 0x0020)
    prk = hmac.digest(bytes(32), _labeled(kem, b"eae_prk", shared), "sha256")
    secret = _expand(prk, kem, b"shared_secret", encapsulated + private.public_key().public_bytes_raw(), 32)
    suite = b"HPKE" + struct.pack(">HHH", 0x0020, 0x0001, 0x0002)
    info = b"framekeep/v1/seal\0" + bytes.fromhex(vector["header"])
    context = b"\0" + b"".join(
        hmac.digest(bytes(32), _labeled(suite, label, value), "sha256")
        for label, value in ((b"psk_id_hash", b""), (b"info_hash", info))
    )
    schedule = hmac.digest(secret, _labeled(suite, b"secret", b""), "sha256")
    key = _expand(schedule, suite, b"key", context, 32)
    nonce = _expand(schedule, suite, b"base_nonce", context, 12)
    assert AESGCM(key).decrypt(nonce, sealed, b"").rstrip(b" ").decode() == vector["plaintext"]


@pytest.mark.parametrize("case", VECTORS["refused_bodies"], ids=lambda c: c["name"])
def test_body_is_refused(case: dict[str, str]) -> None:
    with pytest.raises(WireError) as refusal:
        envelope.parse_body(case["body"].encode())
    assert refusal.value.code == case["code"]


def test_every_single_flipped_bit_of_the_signed_bytes_is_noticed() -> None:
    vector = VECTORS["envelopes"][0]
    good = envelope.parse_body(vector["body"].encode())
    for position in range(0, len(good.sealed) * 8, 37):
        sealed = bytearray(good.sealed)
        sealed[position // 8] ^= 1 << position % 8
        bad = envelope.Envelope(good.id, good.device, good.created, good.key, good.suite, bytes(sealed), good.sig)
        with pytest.raises(BadSignature):
            seal.verify(bad, org=ORG, device_public=public("device"))
        with pytest.raises(CannotOpen):
            seal.open_sealed(bad, org=ORG, key=KEYS[1])


def test_header_is_bound_to_organisation_time_and_id() -> None:
    good = envelope.parse_body(VECTORS["envelopes"][0]["body"].encode())
    other = envelope.Envelope(good.id, good.device, good.created + 1, good.key, good.suite, good.sealed, good.sig)
    for bad, org in ((other, ORG), (good, "00" * 16)):
        with pytest.raises(BadSignature):
            seal.verify(bad, org=org, device_public=public("device"))
        with pytest.raises(CannotOpen):
            seal.open_sealed(bad, org=org, key=KEYS[1])


@pytest.mark.parametrize("raw", VECTORS["small_order_keys"])
def test_small_order_and_second_spellings_of_keys_are_refused(raw: str) -> None:
    with pytest.raises(WireError):
        ids.check_ed25519_public(bytes.fromhex(raw))


def test_documents() -> None:
    keyset_document = VECTORS["keyset"].encode()
    payload = documents.verify_document(keyset_document, "keyset", signers=[public("root")], org=ORG)
    keyset = documents.Keyset.from_payload(payload)
    assert keyset.to_payload() == payload
    assert keyset.seal_key(keyset.issued) == KEYS[1].public
    assert keyset.seal_key(keyset.seal_keys[0].seal_until) is None
    policy_document = VECTORS["policy"].encode()
    payload = documents.verify_document(policy_document, "policy", signers=keyset.policy_signers, org=ORG)
    assert documents.Policy.from_payload(payload).id == "p-7"
    for document, kind, signers, org in (
        (policy_document, "policy", [public("root")], ORG),
        (policy_document, "keyset", keyset.policy_signers, ORG),
        (policy_document, "policy", keyset.policy_signers, "00" * 16),
        (keyset_document, "policy", [public("root")], ORG),
    ):
        with pytest.raises(BadSignature):
            documents.verify_document(document, kind, signers=signers, org=org)
    with pytest.raises(BadSignature):
        documents.verify_document(policy_document, "policy", signers=keyset.policy_signers, org=ORG, required=2)


def test_one_key_signing_twice_counts_once() -> None:
    document = json.loads(VECTORS["policy"])
    document["sigs"] *= 2
    with pytest.raises(BadSignature):
        documents.verify_document(
            strict.canonical(document), "policy", signers=[public("policy_signer")], org=ORG, required=2
        )


def test_enrolment() -> None:
    vector = VECTORS["enrolment"]
    code = enrolment.EnrolmentCode.parse(vector["code"])
    assert str(code) == vector["code"]
    assert enrolment.EnrolmentCode.parse(f"  {vector['code'].lower().replace('-', ' ')} ") == code
    assert (code.code_id, code.secret_hash.hex()) == (vector["code_id"], vector["secret_hash"])
    request = enrolment.EnrolRequest.parse(vector["request"])
    request.check(org=ORG, secret_hash=code.secret_hash)
    for org, secret_hash in (("00" * 16, code.secret_hash), (ORG, bytes(32))):
        with pytest.raises(BadSignature):
            request.check(org=org, secret_hash=secret_hash)
    proof = enrolment.enrol_proof(secret_hash=code.secret_hash, org=ORG, device_public=public("device"))
    assert proof.hex() == vector["proof"]


def test_every_single_mistyped_letter_of_a_code_is_noticed() -> None:
    text = VECTORS["enrolment"]["code"]
    for position in range(4, len(text)):
        if text[position] != "-":
            wrong = text[:position] + ("A" if text[position] != "A" else "B") + text[position + 1 :]
            with pytest.raises(WireError):
                enrolment.EnrolmentCode.parse(wrong)


def test_token() -> None:
    vector = VECTORS["token"]
    request = {
        "device_public": lambda device: public("device") if device == VECTORS["device"] else None,
        "audience": "https://sync.example.org",
        "method": "POST",
        "path": "/v1/me/erasure",
        "body": b"{}",
        "now": vector["now"],
    }
    assert token.read_token(vector["jwt"], **request).device == VECTORS["device"]
    for change in (
        {"audience": "https://other.example.org"},
        {"method": "DELETE"},
        {"path": "/v1/me/export"},
        {"body": b"{} "},
        {"now": vector["now"] + 121},
        {"now": vector["now"] - 61},
        {"device_public": lambda device: None},
        {"device_public": lambda device: public("root")},
    ):
        with pytest.raises(BadSignature):
            token.read_token(vector["jwt"], **{**request, **change})
    head, claims, signature = vector["jwt"].split(".")
    for forged in (
        "",
        "a.b.c",
        f"{head}.{claims}.",
        f"{claims}.{claims}.{signature}",
        f"{head}.{claims}.{signature[::-1]}",
    ):
        with pytest.raises(BadSignature):
            token.read_token(forged, **request)
