"""The later documents of wire version 1 do not drift: what was signed once verifies, what was refused is refused."""

from __future__ import annotations

import json
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.wire.agreement import Agreement, exceeds, verify_agreement
from agent.wire.documents import Keyset, Policy, sign_document, verify_document
from agent.wire.errors import BadSignature, Malformed, WireError
from agent.wire.roots import RootLink, follow
from agent.wire.signing import add_signatures, claimed, unsigned

VECTORS: dict[str, Any] = json.loads((Path(__file__).parent / "vectors" / "v1_documents.json").read_text())
ORG = VECTORS["organisation"]
ROOTS = [bytes.fromhex(raw) for raw in VECTORS["roots"]]
LINKS = [link.encode() for link in VECTORS["links"]]
READERS = {"agreement": Agreement, "policy": Policy, "root": RootLink}


def private(name: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(VECTORS["private_keys"][name]))


def public(name: str) -> bytes:
    return private(name).public_key().public_bytes_raw()


def test_the_chain_of_roots_is_followed_in_order_only() -> None:
    assert follow(ORG, ROOTS[0], LINKS) == tuple(ROOTS)
    assert follow(ORG, ROOTS[0], LINKS[:1]) == tuple(ROOTS[:2])
    assert follow(ORG, ROOTS[0], []) == (ROOTS[0],)
    for first, links in ((ROOTS[0], LINKS[::-1]), (ROOTS[0], LINKS[1:]), (ROOTS[0], [LINKS[0]] * 2), (ROOTS[1], [])):
        with pytest.raises(BadSignature):
            follow(ORG, first, links)


@pytest.mark.parametrize("by", [["root"], ["root_2"], ["root", "council"], ["root_2", "council"], ["root", "root_3"]])
def test_a_new_root_needs_the_old_and_the_new_key(by: list[str]) -> None:
    document = sign_document("root", claimed(LINKS[0]), [private(name) for name in by])
    with pytest.raises(BadSignature):
        follow(ORG, ROOTS[0], [document])


def test_no_root_comes_back() -> None:
    """A way back to an old key would let whoever found it speak for the organisation again."""
    link = RootLink(ORG, 3, 1, 2, ROOTS[2], ROOTS[0])
    document = sign_document("root", link.to_payload(), [private("root_3"), private("root")])
    with pytest.raises(BadSignature):
        follow(ORG, ROOTS[0], [*LINKS, document])


def test_the_agreement_needs_a_root_and_the_council() -> None:
    document = VECTORS["agreement"].encode()
    agreement = verify_agreement(document, roots=ROOTS, council=public("council"), org=ORG)
    assert agreement.digest == VECTORS["agreement_digest"] and agreement.begins == agreement.issued
    later = verify_agreement(VECTORS["coming_agreement"].encode(), roots=ROOTS, council=public("council"), org=ORG)
    assert later.begins == later.issued + 7 * 86400
    for names in (["root"], ["council"], ["root", "root_2"], ["root", "policy_signer"]):
        signed = sign_document("agreement", agreement.to_payload(), [private(name) for name in names])
        with pytest.raises(BadSignature):
            verify_agreement(signed, roots=ROOTS, council=public("council"), org=ORG)
    with pytest.raises(BadSignature, match="two parties"):
        verify_agreement(document, roots=ROOTS, council=public("root"), org=ORG)
    with pytest.raises(BadSignature):
        verify_agreement(document, roots=ROOTS, council=public("council"), org="00" * 16)


def test_keysets_and_policies_read_as_they_were_written() -> None:
    keyset = Keyset.from_payload(verify_document(VECTORS["keyset"].encode(), "keyset", signers=[ROOTS[0]], org=ORG))
    assert keyset.council == public("council")
    for name in ("keyset_of_root_3", "keyset_without_council"):
        verify_document(VECTORS[name].encode(), "keyset", signers=[ROOTS[2]], org=ORG)
    verify_document(VECTORS["keyset_without_council"].encode(), "keyset", signers=[keyset.council or b""], org=ORG)
    for name, days in (("policy", 0), ("coming_policy", 7)):
        payload = verify_document(VECTORS[name].encode(), "policy", signers=keyset.policy_signers, org=ORG)
        policy = Policy.from_payload(payload)
        assert policy.to_payload() == payload and policy.begins == policy.issued + days * 86400


@pytest.mark.parametrize("case", VECTORS["exceeding"], ids=lambda case: ",".join(case["beyond"]) or "within")
def test_what_exceeds_the_agreement(case: dict[str, Any]) -> None:
    agreement = Agreement.from_payload(claimed(VECTORS["agreement"].encode()))
    policy = Policy.from_payload({**claimed(VECTORS["policy"].encode()), **case["policy"]})
    assert list(exceeds(policy, agreement)) == case["beyond"]


@pytest.mark.parametrize("case", VECTORS["refused_payloads"], ids=lambda case: f"{case['type']}: {case['name']}")
def test_payload_is_refused(case: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        READERS[case["type"]].from_payload(case["payload"])


def test_signatures_may_be_added_one_by_one_in_any_order() -> None:
    """The root's keeper and the council sign on machines of their own."""
    payload = claimed(VECTORS["agreement"].encode())
    for names in permutations(("root", "council")):
        document = unsigned(payload)
        for name in names:
            with pytest.raises(WireError):
                verify_agreement(document, roots=ROOTS, council=public("council"), org=ORG)
            document = add_signatures(document, "agreement", [private(name)])
        assert verify_agreement(document, roots=ROOTS, council=public("council"), org=ORG)
        assert add_signatures(document, "agreement", [private("root")]) == document
