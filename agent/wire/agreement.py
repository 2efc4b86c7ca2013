"""The agreement: what managers may ever see, signed by the organisation's root and by its works council.

A keyset that names a council's key makes an agreement obligatory: no policy holds that does not name the agreement in
force (by the SHA-256 of its payload) and keep within it. Service and agents ask the same function, `exceeds`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agent.wire.documents import Policy, WorkHours, read_work_hours
from agent.wire.errors import BadSignature, Malformed
from agent.wire.signing import (
    COMMON,
    begin_field,
    check_begin,
    check_common,
    common,
    payload_digest,
    read_begin,
    verify_document,
)
from agent.wire.strict import exact_fields, integer, text

_ID = re.compile(r"a-[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class Agreement:
    """The limits every policy keeps: the fewest people a team number may stand on, whether policies may allow reports
    about one person, the fewest seconds between two looks, and the widest work hours. `second_check_allowed` is
    reserved and false. It applies from `effective` on (epoch seconds; None is read as `issued`). Raises Malformed.
    """

    org: str
    seq: int
    issued: int
    not_after: int
    id: str
    work_hours: tuple[WorkHours, ...]
    k_at_least: int = 5
    individual_reports_allowed: bool = False
    interval_at_least: int = 5
    second_check_allowed: bool = False
    effective: int | None = None

    @property
    def begins(self) -> int:
        """From when on it applies, epoch seconds."""
        return self.issued if self.effective is None else self.effective

    @property
    def digest(self) -> str:
        """SHA-256 of the payload, 64 hex digits: how policies name it."""
        return payload_digest(self.to_payload())

    def __post_init__(self) -> None:
        check_common(self.org, self.seq, self.issued, self.not_after)
        if check_begin(self.effective, self.issued, self.not_after) == self.issued:
            object.__setattr__(self, "effective", None)  # one form for one meaning
        text(self.id, _ID, "id")
        integer(self.k_at_least, 5, 1000, "k_at_least")
        integer(self.interval_at_least, 5, 60, "interval_at_least")
        if not isinstance(self.individual_reports_allowed, bool):
            raise Malformed("individual_reports_allowed is true or false")
        if self.second_check_allowed is not False:
            raise Malformed("second_check_allowed is reserved and false")
        if not self.work_hours:
            raise Malformed("an agreement names the widest work hours")

    def to_payload(self) -> dict[str, Any]:
        """The payload to sign."""
        return {
            **common("agreement", self.org, self.seq, self.issued, self.not_after),
            "id": self.id,
            "k_at_least": self.k_at_least,
            "individual_reports_allowed": self.individual_reports_allowed,
            "interval_at_least": self.interval_at_least,
            "work_hours": [hours.to_dict() for hours in self.work_hours],
            "second_check_allowed": self.second_check_allowed,
            **begin_field(self.begins, self.issued),
        }

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> Agreement:
        """The agreement in a verified payload. Raises Malformed."""
        names = (
            *COMMON,
            *("id", "k_at_least", "individual_reports_allowed", "interval_at_least", "work_hours"),
            "second_check_allowed",
        )
        fields = exact_fields(payload, (*names, *(["effective"] if "effective" in payload else [])))
        return cls(
            org=fields["org"],
            seq=fields["seq"],
            issued=fields["issued"],
            not_after=fields["not_after"],
            id=fields["id"],
            work_hours=read_work_hours(fields["work_hours"]),
            k_at_least=fields["k_at_least"],
            individual_reports_allowed=fields["individual_reports_allowed"],
            interval_at_least=fields["interval_at_least"],
            second_check_allowed=fields["second_check_allowed"],
            effective=read_begin(payload),
        )


def verify_agreement(document: bytes, *, roots: Iterable[bytes], council: bytes, org: str) -> Agreement:
    """The agreement in a document that one of the organisation's roots, present or replaced, and the council have
    signed (raw Ed25519 keys). A replaced root may stand there: its successor needs no new agreement, and without the
    council it could sign none. Raises WireError.
    """
    keys = set(roots)
    if council in keys:
        raise BadSignature("the works council's key is one of the organisation's own: an agreement needs two parties")
    verify_document(document, "agreement", signers=keys, org=org)
    return Agreement.from_payload(verify_document(document, "agreement", signers=[council], org=org))


def exceeds(policy: Policy, agreement: Agreement) -> tuple[str, ...]:
    """In which of its terms a policy goes beyond an agreement, by the names of the policy's fields: `agreement` where it
    names another one, `k`, `individual_reports`, `interval_seconds`, `work_hours`. Empty: it keeps within it.
    """
    beyond = {
        "agreement": policy.agreement != agreement.digest,
        "k": policy.k < agreement.k_at_least,
        "individual_reports": policy.individual_reports and not agreement.individual_reports_allowed,
        "interval_seconds": policy.interval_seconds < agreement.interval_at_least,
        "work_hours": not _within(policy.work_hours, agreement.work_hours),
    }
    return tuple(name for name, found in beyond.items() if found)


def _within(hours: Sequence[WorkHours], widest: Sequence[WorkHours]) -> bool:
    """Whether every minute of `hours` is one of `widest`, where stretches may overlap or touch."""
    return all(
        any(first <= part.start_minute and part.end_minute <= last for first, last in _stretches(widest, day))
        for part in hours
        for day in part.days
    )


def _stretches(hours: Sequence[WorkHours], day: int) -> list[tuple[int, int]]:
    """The minutes of one weekday, touching stretches joined."""
    joined: list[tuple[int, int]] = []
    for first, last in sorted((part.start_minute, part.end_minute) for part in hours if day in part.days):
        if joined and first <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
        else:
            joined.append((first, last))
    return joined
