"""Signed documents: the keyset (what to seal to, who signs policies) and the policy (what is measured and when).

What is signed and how is `signing.py`'s; the agreement and the root's successors are `agreement.py` and `roots.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from agent.wire.errors import Malformed
from agent.wire.ids import check_ed25519_public
from agent.wire.seal import SealPublicKey
from agent.wire.signing import (
    COMMON,
    MAX_DOCUMENT,
    begin_field,
    check_begin,
    check_common,
    common,
    read_begin,
    sign_document,
    verify_document,
)
from agent.wire.strict import MAX_INTEGER, exact_fields, from_b64, integer, text, to_b64

__all__ = [
    "MAX_DOCUMENT",
    "Keyset",
    "Policy",
    "SealKeyEntry",
    "WorkHours",
    "check_endpoint",
    "sign_document",
    "verify_document",
]

SEAL_USES = ("summaries",)
"""What a seal key may be used for. (The second check will add its own.)"""
MINUTES_A_DAY = 1440

_POLICY_ID = re.compile(r"p-[0-9]{1,9}")
_AGREEMENT = re.compile(r"[0-9a-f]{64}|")


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
        check_common(self.org, self.seq, self.issued, self.not_after)
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
            **common("keyset", self.org, self.seq, self.issued, self.not_after),
            "endpoint": self.endpoint,
            "min_suite": self.min_suite,
            "seal_keys": [entry.to_dict() for entry in self.seal_keys],
            "policy_signers": [to_b64(raw) for raw in self.policy_signers],
            "council": to_b64(self.council) if self.council else None,
        }

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> Keyset:
        """The keyset in a verified payload. Raises Malformed."""
        names = (*COMMON, "endpoint", "min_suite", "seal_keys", "policy_signers", "council")
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


def read_work_hours(value: Any) -> tuple[WorkHours, ...]:
    """The work hours of a payload's list. Raises Malformed."""
    if not isinstance(value, list):
        raise Malformed("work_hours must be a list")
    return tuple(WorkHours.from_dict(hours) for hours in value)


@dataclass(frozen=True, slots=True)
class Policy:
    """What the organisation set, signed by one of the keyset's policy signers: its public id (`p-7`), the hash of
    the agreement it rests on (64 hex digits, or "" where there is none), seconds between looks, work hours in the
    laptop's local time, whether managers may see one person's summary, k, the fewest people a team number may stand on,
    whether the employee may end the program (pausing nobody can forbid), and from when on it applies (epoch seconds; None
    is read as `issued`). Raises Malformed.
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
    effective: int | None = None

    @property
    def begins(self) -> int:
        """From when on it applies, epoch seconds."""
        return self.issued if self.effective is None else self.effective

    def __post_init__(self) -> None:
        check_common(self.org, self.seq, self.issued, self.not_after)
        if check_begin(self.effective, self.issued, self.not_after) == self.issued:
            object.__setattr__(self, "effective", None)  # one form for one meaning
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
            **common("policy", self.org, self.seq, self.issued, self.not_after),
            "id": self.id,
            "agreement": self.agreement,
            "interval_seconds": self.interval_seconds,
            "work_hours": [hours.to_dict() for hours in self.work_hours],
            "individual_reports": self.individual_reports,
            "k": self.k,
            **({} if self.may_quit else {"may_quit": False}),
            **begin_field(self.begins, self.issued),
        }

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> Policy:
        """The policy in a verified payload. Raises Malformed."""
        names = (*COMMON, "id", "agreement", "interval_seconds", "work_hours", "individual_reports", "k")
        if payload.get("may_quit") is True:
            raise Malformed("may_quit is left out where it is true")  # one form for one meaning
        fields = exact_fields(payload, (*names, *(name for name in ("may_quit", "effective") if name in payload)))
        return cls(
            org=fields["org"],
            seq=fields["seq"],
            issued=fields["issued"],
            not_after=fields["not_after"],
            id=fields["id"],
            work_hours=read_work_hours(fields["work_hours"]),
            agreement=fields["agreement"],
            interval_seconds=fields["interval_seconds"],
            individual_reports=fields["individual_reports"],
            k=fields["k"],
            may_quit=fields.get("may_quit", True),
            effective=read_begin(payload),
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
