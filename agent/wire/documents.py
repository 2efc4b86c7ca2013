"""Signed documents: the keyset (what to seal to, who signs policies) and the policy (what is measured and when).

A document is `{"payload": base64, "sigs": [{"key", "sig"}]}`. The signature covers T(doc) + type + 0x00 + the exact
payload bytes and is checked before the payload is parsed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from agent.wire.errors import BadSignature, Malformed, UnsupportedVersion
from agent.wire.ids import check_ed25519_public, signer_id, tag
from agent.wire.seal import SealPublicKey
from agent.wire.strict import (
    MAX_INTEGER,
    canonical,
    exact_fields,
    from_b64,
    hex_id,
    integer,
    strict_json,
    text,
    to_b64,
)

VERSION = 1
MAX_DOCUMENT = 64 * 1024
MAX_SIGNATURES = 8
SEAL_USES = ("summaries",)
"""What a seal key may be used for. (The second check will add its own.)"""
MINUTES_A_DAY = 1440

_COMMON = ("v", "type", "org", "seq", "issued", "not_after")
_POLICY_ID = re.compile(r"p-[0-9]{1,9}")
_AGREEMENT = re.compile(r"[0-9a-f]{64}|")


def sign_document(kind: str, payload: Mapping[str, Any], keys: Sequence[Ed25519PrivateKey]) -> bytes:
    """The document of type `kind` around `payload`, signed by every key of `keys`."""
    body = canonical(payload)
    signatures = [
        {"key": signer_id(key.public_key().public_bytes_raw()), "sig": to_b64(key.sign(_signed_bytes(kind, body)))}
        for key in keys
    ]
    return canonical({"payload": to_b64(body), "sigs": signatures})


def verify_document(
    document: bytes, kind: str, *, signers: Iterable[bytes], org: str, required: int = 1
) -> Mapping[str, Any]:
    """The payload of a document of type `kind` that at least `required` distinct keys of `signers`
    (raw Ed25519 public keys) have signed for organisation `org`.

    Raises BadSignature, Malformed or UnsupportedVersion. Time and sequence are the caller's to judge.
    """
    fields = exact_fields(strict_json(document, MAX_DOCUMENT), ("payload", "sigs"))
    body = from_b64(fields["payload"], "payload")
    known = {signer_id(raw): check_ed25519_public(raw) for raw in signers}
    if not isinstance(fields["sigs"], list) or not 1 <= len(fields["sigs"]) <= MAX_SIGNATURES:
        raise Malformed(f"a document carries 1 to {MAX_SIGNATURES} signatures")
    valid = set()
    for entry in fields["sigs"]:
        signature = exact_fields(entry, ("key", "sig"))
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


@dataclass(frozen=True, slots=True)
class SealKeyEntry:
    """One seal key of a keyset: seal to it until `seal_until`, it opens until `open_until` (epoch seconds)."""

    key: SealPublicKey
    seal_until: int
    open_until: int
    use: str = "summaries"

    def to_dict(self) -> dict[str, Any]:
        """As it stands in the payload."""
        return {
            "id": self.key.id,
            "suite": self.key.suite,
            "public": to_b64(self.key.raw),
            "use": self.use,
            "seal_until": self.seal_until,
            "open_until": self.open_until,
        }

    @classmethod
    def from_dict(cls, value: Any) -> SealKeyEntry:
        """The reverse of `to_dict`. Raises Malformed, also when the id is not the key's own."""
        fields = exact_fields(value, ("id", "suite", "public", "use", "seal_until", "open_until"))
        key = SealPublicKey(integer(fields["suite"], 1, 255, "suite"), from_b64(fields["public"], "public"))
        if key.id != fields["id"]:
            raise Malformed("a seal key's id is not the hash of the key")
        seal_until = integer(fields["seal_until"], 0, MAX_INTEGER, "seal_until")
        open_until = integer(fields["open_until"], seal_until, MAX_INTEGER, "open_until")
        if fields["use"] not in SEAL_USES:
            raise Malformed(f"a seal key's use is one of {', '.join(SEAL_USES)}")
        return cls(key, seal_until, open_until, fields["use"])


@dataclass(frozen=True, slots=True)
class Keyset:
    """Signed by the organisation's root key, which stays offline: where to send (`endpoint`), what to seal to, the
    lowest suite allowed, who may sign policies (raw Ed25519 keys), and the works council's key where there is one.
    Times are epoch seconds. Raises Malformed.
    """

    org: str
    seq: int
    issued: int
    not_after: int
    endpoint: str
    seal_keys: tuple[SealKeyEntry, ...]
    policy_signers: tuple[bytes, ...]
    min_suite: int = 1
    council: bytes | None = None

    def __post_init__(self) -> None:
        _check_common(self.org, self.seq, self.issued, self.not_after)
        check_endpoint(self.endpoint)
        integer(self.min_suite, 1, 255, "min_suite")
        for raw in (*self.policy_signers, *((self.council,) if self.council else ())):
            check_ed25519_public(raw)

    def seal_key(self, now: int) -> SealPublicKey | None:
        """The key to seal to at `now`: the strongest allowed suite, then the longest valid; None if there is none."""
        usable = [e for e in self.seal_keys if now < e.seal_until and e.key.suite >= self.min_suite]
        best = max(usable, key=lambda entry: (entry.key.suite, entry.seal_until, entry.key.id), default=None)
        return best.key if best else None

    def to_payload(self) -> dict[str, Any]:
        """The payload to sign."""
        return {
            **_common("keyset", self.org, self.seq, self.issued, self.not_after),
            "endpoint": self.endpoint,
            "min_suite": self.min_suite,
            "seal_keys": [entry.to_dict() for entry in self.seal_keys],
            "policy_signers": [to_b64(raw) for raw in self.policy_signers],
            "council": to_b64(self.council) if self.council else None,
        }

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> Keyset:
        """The keyset in a verified payload. Raises Malformed."""
        names = (*_COMMON, "endpoint", "min_suite", "seal_keys", "policy_signers", "council")
        fields = exact_fields(payload, names)
        if not isinstance(fields["seal_keys"], list) or not isinstance(fields["policy_signers"], list):
            raise Malformed("seal_keys and policy_signers must be lists")
        return cls(
            org=fields["org"],
            seq=fields["seq"],
            issued=fields["issued"],
            not_after=fields["not_after"],
            endpoint=fields["endpoint"],
            seal_keys=tuple(SealKeyEntry.from_dict(entry) for entry in fields["seal_keys"]),
            policy_signers=tuple(from_b64(raw, "policy_signers", 32) for raw in fields["policy_signers"]),
            min_suite=fields["min_suite"],
            council=from_b64(fields["council"], "council", 32) if fields["council"] is not None else None,
        )


@dataclass(frozen=True, slots=True)
class WorkHours:
    """A stretch of local time on some weekdays (1 Monday to 7 Sunday), in minutes after midnight; the end is not
    part of it. Raises Malformed.
    """

    days: tuple[int, ...]
    start_minute: int
    end_minute: int

    def __post_init__(self) -> None:
        for day in self.days:
            integer(day, 1, 7, "days")
        if not self.days or list(self.days) != sorted(set(self.days)):
            raise Malformed("days must ascend, each once")
        integer(self.start_minute, 0, MINUTES_A_DAY - 1, "from")
        integer(self.end_minute, self.start_minute + 1, MINUTES_A_DAY, "to")

    def to_dict(self) -> dict[str, Any]:
        """As it stands in the payload."""
        return {"days": list(self.days), "from": self.start_minute, "to": self.end_minute}

    @classmethod
    def from_dict(cls, value: Any) -> WorkHours:
        """The reverse of `to_dict`. Raises Malformed."""
        fields = exact_fields(value, ("days", "from", "to"))
        if not isinstance(fields["days"], list):
            raise Malformed("days must be a list")
        return cls(tuple(fields["days"]), fields["from"], fields["to"])


@dataclass(frozen=True, slots=True)
class Policy:
    """What the organisation set, signed by one of the keyset's policy signers: its public id (`p-7`), the hash of
    the agreement it rests on (64 hex digits, or "" where there is none), seconds between looks, work hours in the
    laptop's local time, whether managers may see one person's summary, k, the fewest people a team number may stand on,
    and whether the employee may end the program (pausing nobody can forbid). Raises Malformed.
    """

    org: str
    seq: int
    issued: int
    not_after: int
    id: str
    work_hours: tuple[WorkHours, ...]
    agreement: str = ""
    interval_seconds: int = 10
    individual_reports: bool = False
    k: int = 5
    may_quit: bool = True

    def __post_init__(self) -> None:
        _check_common(self.org, self.seq, self.issued, self.not_after)
        text(self.id, _POLICY_ID, "id")
        text(self.agreement, _AGREEMENT, "agreement")
        integer(self.interval_seconds, 5, 60, "interval_seconds")
        integer(self.k, 5, 1000, "k")
        if not isinstance(self.individual_reports, bool):
            raise Malformed("individual_reports is true or false")
        if not isinstance(self.may_quit, bool):
            raise Malformed("may_quit is true or false")
        if not self.work_hours:
            raise Malformed("a policy names its work hours")

    def to_payload(self) -> dict[str, Any]:
        """The payload to sign."""
        return {
            **_common("policy", self.org, self.seq, self.issued, self.not_after),
            "id": self.id,
            "agreement": self.agreement,
            "interval_seconds": self.interval_seconds,
            "work_hours": [hours.to_dict() for hours in self.work_hours],
            "individual_reports": self.individual_reports,
            "k": self.k,
            **({} if self.may_quit else {"may_quit": False}),
        }

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> Policy:
        """The policy in a verified payload. Raises Malformed."""
        names = (*_COMMON, "id", "agreement", "interval_seconds", "work_hours", "individual_reports", "k")
        if payload.get("may_quit") is True:
            raise Malformed("may_quit is left out where it is true")  # one form for one meaning
        fields = exact_fields(payload, (*names, *(["may_quit"] if "may_quit" in payload else [])))
        if not isinstance(fields["work_hours"], list):
            raise Malformed("work_hours must be a list")
        return cls(
            org=fields["org"],
            seq=fields["seq"],
            issued=fields["issued"],
            not_after=fields["not_after"],
            id=fields["id"],
            work_hours=tuple(WorkHours.from_dict(hours) for hours in fields["work_hours"]),
            agreement=fields["agreement"],
            interval_seconds=fields["interval_seconds"],
            individual_reports=fields["individual_reports"],
            k=fields["k"],
            may_quit=fields.get("may_quit", True),
        )


def check_endpoint(endpoint: Any) -> str:
    """`endpoint` if it is an https address (plain http only on loopback) without path, query or credentials."""
    if not isinstance(endpoint, str) or len(endpoint) > 255:
        raise Malformed("endpoint must be an address of at most 255 characters")
    try:
        parts = urlsplit(endpoint)
        loopback = parts.hostname in ("127.0.0.1", "::1", "localhost")
        valid = parts.scheme == "https" or (parts.scheme == "http" and loopback)
        valid = valid and bool(parts.hostname) and "@" not in parts.netloc and parts.port != 0
    except ValueError:
        valid = False
    if not valid or endpoint != f"{parts.scheme}://{parts.netloc}":
        raise Malformed("endpoint must be https://HOST[:PORT] (http only for this machine itself)")
    return endpoint


def _common(kind: str, org: str, seq: int, issued: int, not_after: int) -> dict[str, Any]:
    return {"v": VERSION, "type": kind, "org": org, "seq": seq, "issued": issued, "not_after": not_after}


def _check_common(org: Any, seq: Any, issued: Any, not_after: Any) -> None:
    hex_id(org, "org")
    integer(seq, 1, MAX_INTEGER, "seq")
    integer(not_after, integer(issued, 0, MAX_INTEGER, "issued") + 1, MAX_INTEGER, "not_after")


def _signed_bytes(kind: str, body: bytes) -> bytes:
    return tag("doc") + kind.encode("ascii") + b"\0" + body


def _is_valid(public: bytes, signature: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except InvalidSignature:
        return False
    return True
