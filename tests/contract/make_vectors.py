"""Writes the wire vectors of one version. Run once per wire version; a released file is never written again.

python -m tests.contract.make_vectors tests/contract/vectors/v1.json
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.wire import documents, enrolment, envelope, ids, seal, summary, token

ORIGIN = 1763760000


def private(number: int) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)


def public(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes_raw()


def windows(count: int) -> tuple[summary.Window, ...]:
    return tuple(summary.Window(ORIGIN + 300 * i, 212, 20, 0, 48, 0, 20, 30) for i in range(count))


def refused_bodies(good: bytes) -> list[dict[str, str]]:
    """Bodies every reader must refuse, with the code of the refusal."""
    fields = json.loads(good)

    def changed(**other: object) -> str:
        return json.dumps({**fields, **other})

    text = good.decode()
    cases = [
        ("not JSON", "{", "malformed"),
        ("not an object", "[]", "malformed"),
        ("a duplicate field", text.replace('"v":1', '"v":1,"v":1'), "malformed"),
        ("an unknown field", changed(extra=1), "malformed"),
        ("a missing field", json.dumps({k: v for k, v in fields.items() if k != "sig"}), "malformed"),
        ("a boolean for an integer", changed(v=True), "malformed"),
        (
            "a float for an integer",
            text.replace(f'"created":{ORIGIN + 900}', f'"created":{ORIGIN + 900}.0'),
            "malformed",
        ),
        ("an exponent for an integer", text.replace(f'"created":{ORIGIN + 900}', '"created":1e9'), "malformed"),
        (
            "an integer beyond 2^53",
            text.replace(f'"created":{ORIGIN + 900}', '"created":9007199254740993'),
            "malformed",
        ),
        ("NaN", text.replace(f'"created":{ORIGIN + 900}', '"created":NaN'), "malformed"),
        ("a UUID in upper case", changed(id=fields["id"].upper()), "malformed"),
        ("a UUID without hyphens", changed(id=fields["id"].replace("-", "")), "malformed"),
        ("a device id of 31 digits", changed(device=fields["device"][:-1]), "malformed"),
        ("base64 with a line break", changed(sig=fields["sig"][:40] + "\n" + fields["sig"][40:]), "malformed"),
        ("base64 that is not canonical", changed(sig=fields["sig"][:-3] + "B=="), "malformed"),
        ("base64 without padding", changed(sig=fields["sig"].rstrip("=")), "malformed"),
        ("a signature of 63 bytes", changed(sig=fields["sig"][:84]), "malformed"),
        ("nothing sealed", changed(sealed=""), "malformed"),
        ("a newer version", changed(v=2), "unsupported_version"),
        ("an unknown suite", changed(suite=9), "unsupported_version"),
        ("more than 64 KiB", text + " " * 65536, "too_large"),
    ]
    return [{"name": name, "body": body, "code": code} for name, body, code in cases]


def make() -> dict[str, object]:
    root, signer, device = private(1), private(2), private(3)
    org = ids.organisation_id(public(root))
    sealing = {1: seal.SealKey(1, bytes([4]) * 32), 2: seal.SealKey(2, bytes([5]) * 64 + bytes([4]) * 32)}
    sealed = []
    for suite, count in ((1, 1), (1, 6), (2, 6), (1, 288)):
        content = summary.Summary(41, windows(count), 0, "1.0.0", "3f9c" * 8, "p-7")
        made = seal.seal(
            content,
            org=org,
            device_key=device,
            key=sealing[suite].public,
            envelope_id=UUID(int=0xABCDEF << 96 | count << 64 | suite),
            created=ORIGIN + 900,
        )
        sealed.append(
            {
                "suite": suite,
                "windows": count,
                "body": envelope.format_body(made).decode(),
                "header": envelope.header_of(org, made).hex(),
                "plaintext": summary.readable(content).decode(),
                "padded": len(summary.encode(content)),
            }
        )
    entry = documents.SealKeyEntry(sealing[1].public, ORIGIN + 2592000, ORIGIN + 7776000)
    keyset = documents.Keyset(
        org, 1, ORIGIN, ORIGIN + 31536000, "https://sync.example.org", (entry,), (public(signer),)
    )
    hours = documents.WorkHours((1, 2, 3, 4, 5), 540, 1050)
    policy = documents.Policy(org, 7, ORIGIN, ORIGIN + 31536000, "p-7", (hours,))
    code = enrolment.EnrolmentCode(bytes(range(16)), bytes.fromhex(org))
    return {
        "version": 1,
        "private_keys": {"root": "01" * 32, "policy_signer": "02" * 32, "device": "03" * 32},
        "organisation": org,
        "device": ids.device_id(public(device)),
        "seal_keys": [{"suite": s, "private": k.raw.hex(), "id": k.public.id} for s, k in sealing.items()],
        "envelopes": sealed,
        "refused_bodies": refused_bodies(sealed[0]["body"].encode()),  # type: ignore[attr-defined]  # a str, see above
        "small_order_keys": [
            "00" * 32,
            "01" + "00" * 31,
            "ec" + "ff" * 30 + "7f",
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
            "ee" + "ff" * 30 + "7f",
        ],
        "keyset": documents.sign_document("keyset", keyset.to_payload(), [root]).decode(),
        "policy": documents.sign_document("policy", policy.to_payload(), [signer]).decode(),
        "enrolment": {
            "code": str(code),
            "code_id": code.code_id,
            "secret_hash": code.secret_hash.hex(),
            "request": enrolment.enrol_request(code, org, device),
            "proof": enrolment.enrol_proof(secret_hash=code.secret_hash, org=org, device_public=public(device)).hex(),
        },
        "token": {
            "jwt": token.make_token(
                device,
                audience="https://sync.example.org",
                method="POST",
                path="/v1/me/erasure",
                body=b"{}",
                now=ORIGIN,
            ),
            "now": ORIGIN,
        },
    }


if __name__ == "__main__":
    target = Path(sys.argv[1])
    if target.exists():
        raise SystemExit(f"{target} exists: the vectors of a released version are never rewritten")
    target.write_text(json.dumps(make(), indent=1) + "\n")
