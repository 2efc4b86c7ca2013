"""Writes the vectors of the documents that came after the first release of wire version 1: agreement, root documents, a
policy with a date of its own, a keyset with a council's key. Run once; a released file is never written again.

python -m tests.contract.make_document_vectors tests/contract/vectors/v1_documents.json
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from agent.wire import documents, ids, seal
from agent.wire.agreement import Agreement
from agent.wire.documents import sign_document
from agent.wire.roots import RootLink
from tests.contract.make_vectors import ORIGIN, private, public

YEAR = 365 * 86400


def refused_payloads(good: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Payloads every reader must refuse, well signed as they may be."""
    agreement, policy, root = good["agreement"], good["policy"], good["root"]
    cases = [
        ("agreement", "a second check", {**agreement, "second_check_allowed": True}),
        ("agreement", "k below five", {**agreement, "k_at_least": 4}),
        ("agreement", "an interval of four seconds", {**agreement, "interval_at_least": 4}),
        ("agreement", "a number for a yes", {**agreement, "individual_reports_allowed": 1}),
        ("agreement", "no hours", {**agreement, "work_hours": []}),
        ("agreement", "a policy's id", {**agreement, "id": "p-1"}),
        ("agreement", "effective written although it is issued", {**agreement, "effective": agreement["issued"]}),
        ("agreement", "effective before it was issued", {**agreement, "effective": agreement["issued"] - 1}),
        ("agreement", "effective only when it has ended", {**agreement, "effective": agreement["not_after"]}),
        ("agreement", "an unknown field", {**agreement, "note": "x"}),
        ("agreement", "a missing field", {k: v for k, v in agreement.items() if k != "k_at_least"}),
        ("policy", "effective written although it is issued", {**policy, "effective": policy["issued"]}),
        ("policy", "effective as true", {**policy, "effective": True}),
        ("policy", "effective only when it has ended", {**policy, "effective": policy["not_after"]}),
        ("root", "the same key twice", {**root, "new": root["old"]}),
        ("root", "a key of small order", {**root, "new": "AQ" + "A" * 41 + "="}),
        ("root", "a missing key", {k: v for k, v in root.items() if k != "old"}),
    ]
    return [{"type": kind, "name": name, "payload": payload} for kind, name, payload in cases]


def make() -> dict[str, object]:
    root, signer, council, second, third = private(1), private(2), private(6), private(7), private(8)
    org = ids.organisation_id(public(root))
    entry = documents.SealKeyEntry(seal.SealKey(1, bytes([4]) * 32).public, ORIGIN + 30 * 86400, ORIGIN + 90 * 86400)
    widest = documents.WorkHours((1, 2, 3, 4, 5), 480, 1080)
    hours = documents.WorkHours((1, 2, 3, 4, 5), 540, 1050)
    keyset = documents.Keyset(
        org,
        2,
        ORIGIN,
        ORIGIN + YEAR,
        "https://sync.example.org",
        (entry,),
        (public(signer),),
        council=public(council),
    )
    agreement = Agreement(org, 1, ORIGIN, ORIGIN + 5 * YEAR, "a-1", (widest,), k_at_least=6, interval_at_least=10)
    later = replace(agreement, seq=2, id="a-2", k_at_least=8, effective=ORIGIN + 7 * 86400)
    policy = documents.Policy(org, 8, ORIGIN, ORIGIN + YEAR, "p-8", (hours,), agreement=agreement.digest, k=6)
    coming = replace(policy, seq=9, id="p-9", k=8, agreement=later.digest, effective=ORIGIN + 7 * 86400)
    links = [
        RootLink(org, 1, ORIGIN, ORIGIN + YEAR, public(root), public(second)),
        RootLink(org, 2, ORIGIN + 60, ORIGIN + YEAR, public(second), public(third)),
    ]
    return {
        "version": 1,
        "private_keys": {
            name: f"{number:02x}" * 32
            for name, number in (("root", 1), ("policy_signer", 2), ("council", 6), ("root_2", 7), ("root_3", 8))
        },
        "organisation": org,
        "keyset": sign_document("keyset", keyset.to_payload(), [root]).decode(),
        "keyset_of_root_3": sign_document("keyset", replace(keyset, seq=3).to_payload(), [third]).decode(),
        "keyset_without_council": sign_document(
            "keyset", replace(keyset, seq=4, council=None).to_payload(), [third, council]
        ).decode(),
        "agreement": sign_document("agreement", agreement.to_payload(), [root, council]).decode(),
        "agreement_digest": agreement.digest,
        "coming_agreement": sign_document("agreement", later.to_payload(), [third, council]).decode(),
        "policy": sign_document("policy", policy.to_payload(), [signer]).decode(),
        "coming_policy": sign_document("policy", coming.to_payload(), [signer]).decode(),
        "links": [
            sign_document("root", links[0].to_payload(), [root, second]).decode(),
            sign_document("root", links[1].to_payload(), [second, third]).decode(),
        ],
        "roots": [public(key).hex() for key in (root, second, third)],
        "exceeding": [
            {"policy": {"k": 5}, "beyond": ["k"]},
            {"policy": {"individual_reports": True}, "beyond": ["individual_reports"]},
            {"policy": {"interval_seconds": 9}, "beyond": ["interval_seconds"]},
            {"policy": {"agreement": ""}, "beyond": ["agreement"]},
            {
                "policy": {"work_hours": [{"days": [1, 6], "from": 540, "to": 600}], "k": 5},
                "beyond": ["k", "work_hours"],
            },
            {"policy": {"work_hours": [{"days": [1], "from": 479, "to": 600}]}, "beyond": ["work_hours"]},
            {"policy": {"work_hours": [{"days": [1, 2, 3, 4, 5], "from": 480, "to": 1080}]}, "beyond": []},
        ],
        "refused_payloads": refused_payloads(
            {
                "agreement": agreement.to_payload(),
                "policy": policy.to_payload(),
                "root": links[0].to_payload(),
            }
        ),
    }


if __name__ == "__main__":
    target = Path(sys.argv[1])
    if target.exists():
        sys.exit(f"{target} exists; released vectors are never written again")
    target.write_text(json.dumps(make(), indent=1) + "\n")
