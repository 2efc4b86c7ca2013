"""PURE. What a signed document says, line by line, for whoever is about to sign it or asks what was signed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from agent.wire.agreement import Agreement
from agent.wire.documents import Keyset, Policy
from agent.wire.ids import signer_id
from agent.wire.roots import RootLink
from agent.wire.signing import claimed, open_document
from sync_service.policy_text import agreement_terms, hours_all

SIGNERS = {
    "keyset": "the root key; the works council as well where its key changes or goes",
    "policy": "one of the keys that the keyset lists for policies",
    "agreement": "the root key and the works council's key",
    "root": "the root key that goes and the one that comes",
}
"""Whose signatures a document of each type needs."""


def in_words(document: bytes) -> list[str]:
    """The lines for a draft or document; its signatures are named, not checked. Raises WireError."""
    payload = claimed(document)
    body, signatures = open_document(document)
    by = ", ".join(str(signature["key"]) for signature in signatures) or "nobody yet"
    return [
        f"{payload['type']} {payload['seq']} of organisation {payload['org']}",
        *_CONTENT[payload["type"]](payload),
        f"issued {day(payload['issued'])}, holds until {day(payload['not_after'])}",
        f"needs the signature of {SIGNERS[payload['type']]}",
        f"signed by {by}",
        f"SHA-256 of what is signed: {hashlib.sha256(body).hexdigest()}",
    ]


def day(at: int) -> str:
    """An instant as people who sign read it."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _keyset(payload: Mapping[str, Any]) -> list[str]:
    keyset = Keyset.from_payload(payload)
    return [
        f"laptops send to {keyset.endpoint} and nowhere else",
        *(
            f"seal key {entry.key.id}, suite {entry.key.suite}: sealed to until {day(entry.seal_until)}, opens until"
            f" {day(entry.open_until)}"
            for entry in keyset.seal_keys
        ),
        f"lowest suite: {keyset.min_suite}",
        *(f"may sign policies: {signer_id(raw)}" for raw in keyset.policy_signers),
        f"works council's key: {signer_id(keyset.council)}; every policy must keep within an agreement"
        if keyset.council
        else "works council's key: none; nothing limits the policies but themselves",
    ]


def _policy(payload: Mapping[str, Any]) -> list[str]:
    policy = Policy.from_payload(payload)
    return [
        f"policy {policy.id}, applies from {day(policy.begins)}",
        f"laptops look in these hours: {hours_all(policy.work_hours)}",
        f"they look every {policy.interval_seconds} seconds",
        f"a team number stands on at least {policy.k} people",
        "managers may see the summary of one person"
        if policy.individual_reports
        else "managers see no summary of one person",
        "employees may end the program" if policy.may_quit else "employees may pause the program and not end it",
        f"rests on the agreement {policy.agreement}" if policy.agreement else "rests on no agreement",
    ]


def _agreement(payload: Mapping[str, Any]) -> list[str]:
    agreement = Agreement.from_payload(payload)
    limits = agreement_terms(agreement)
    return [
        f"agreement {agreement.id}, applies from {day(agreement.begins)}",
        f"at most in these hours: {limits['widest_hours']}",
        f"at most every {agreement.interval_at_least} seconds",
        f"no team number on fewer than {agreement.k_at_least} people",
        "managers may be shown the summary of one person, where a policy allows it"
        if agreement.individual_reports_allowed
        else "managers are never shown the summary of one person",
        "no picture is ever checked elsewhere",
        f"policies name it by {agreement.digest}",
    ]


def _root(payload: Mapping[str, Any]) -> list[str]:
    link = RootLink.from_payload(payload)
    return [
        f"the root key {signer_id(link.old)} goes",
        f"the root key {signer_id(link.new)} comes and signs from then on",
        f"it is change number {link.seq} of this organisation's root",
    ]


_CONTENT = {"keyset": _keyset, "policy": _policy, "agreement": _agreement, "root": _root}
