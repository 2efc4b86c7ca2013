"""Promise: documents only ever move forward, only the right keys may sign them, and what has expired stops the
camera and says so.
"""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.acceptance import Roots, accept_keyset, accept_policy, read_roots
from agent.errors import PolicyError
from agent.policy import locks, standing
from agent.store.rows import StoredDocument
from agent.wire.documents import Policy
from agent.wire.errors import Malformed
from agent.wire.strict import to_b64
from tests.builders import DAY, NOW, Organisation

ORG = Organisation()
ROOTS = Roots(ORG.id, ORG.root_public)


def held(document: bytes, seq: int) -> StoredDocument:
    return StoredDocument(seq, document, "")


def test_a_keyset_moves_forward_only() -> None:
    before = held(ORG.keyset(5), 5)
    assert accept_keyset(ORG.keyset(6), roots=ROOTS, held=before).seq == 6
    assert accept_keyset(ORG.keyset(5), roots=ROOTS, held=before).seq == 5
    with pytest.raises(PolicyError, match="seen before"):
        accept_keyset(ORG.keyset(4), roots=ROOTS, held=before)
    with pytest.raises(PolicyError, match="another keyset"):
        accept_keyset(ORG.keyset(5, endpoint="https://sync.example.org"), roots=ROOTS, held=before)


def test_min_suite_only_rises() -> None:
    before = held(ORG.keyset(1, min_suite=2), 1)
    with pytest.raises(PolicyError, match="suite 1"):
        accept_keyset(ORG.keyset(2, min_suite=1), roots=ROOTS, held=before)
    assert accept_keyset(ORG.keyset(2, min_suite=2), roots=ROOTS, held=before).min_suite == 2


def test_only_the_root_signs_keysets_and_only_listed_signers_policies() -> None:
    stranger = Ed25519PrivateKey.generate()
    keyset = accept_keyset(ORG.keyset(), roots=ROOTS, held=None)
    for by in (stranger, ORG.signer):
        with pytest.raises(PolicyError, match="refused"):
            accept_keyset(ORG.keyset(by=by), roots=ROOTS, held=None)
    for by in (stranger, ORG.root):
        with pytest.raises(PolicyError, match="refused"):
            accept_policy(ORG.policy(by=by), roots=ROOTS, keyset=keyset)
    assert accept_policy(ORG.policy(), roots=ROOTS, keyset=keyset).id == "p-1"


def test_a_policy_moves_forward_only() -> None:
    keyset = accept_keyset(ORG.keyset(), roots=ROOTS, held=None)
    before = held(ORG.policy(3), 3)
    with pytest.raises(PolicyError, match="seen before"):
        accept_policy(ORG.policy(2), roots=ROOTS, keyset=keyset, held=[before])
    with pytest.raises(PolicyError, match="another policy"):
        accept_policy(ORG.policy(3, interval_seconds=60), roots=ROOTS, keyset=keyset, held=[before])


def test_a_document_of_another_kind_or_organisation_is_refused() -> None:
    other = Organisation()
    keyset = accept_keyset(ORG.keyset(), roots=ROOTS, held=None)
    for document in (ORG.policy(), other.keyset(), b"", b"{}", b"\xff", ORG.keyset()[:-9]):
        with pytest.raises(PolicyError):
            accept_keyset(document, roots=ROOTS, held=None)
    with pytest.raises(PolicyError):
        accept_policy(ORG.keyset(), roots=ROOTS, keyset=keyset)


def answer(*roots: bytes) -> bytes:
    return json.dumps({"roots": [to_b64(raw) for raw in roots], "keyset": json.loads(ORG.keyset())}).encode()


def test_the_root_must_hash_to_the_organisation() -> None:
    roots, document = read_roots(answer(ORG.root_public), ORG.id)
    assert roots == ROOTS and accept_keyset(document, roots=roots, held=None)
    with pytest.raises(PolicyError, match="not the organisation"):
        read_roots(answer(Organisation().root_public), ORG.id)
    with pytest.raises(PolicyError, match="no signed change"):
        read_roots(answer(ORG.root_public, Organisation().root_public), ORG.id)
    for garbage in (b"", b"<html>", b"{}", b'{"roots":[],"keyset":{}}', b'{"roots":5,"keyset":{}}'):
        with pytest.raises(PolicyError):
            read_roots(garbage, ORG.id)


def test_standing() -> None:
    keyset = accept_keyset(ORG.keyset(), roots=ROOTS, held=None)
    policy = accept_policy(ORG.policy(), roots=ROOTS, keyset=keyset)
    good = standing(keyset, policy, now=NOW)
    assert good.may_look and good.policy == policy and good.seal_key == ORG.seal_keys[0].public
    for now, given_keyset, given_policy, word in (
        (NOW, None, policy, "keyset is missing"),
        (NOW, keyset, None, "policy is missing"),
        (NOW + 61 * DAY, keyset, policy, "no key"),
        (NOW + 91 * DAY, keyset, policy, "keyset has expired"),
    ):
        found = standing(given_keyset, given_policy, now=now)
        assert not found.may_look and word in found.reason
    short = accept_policy(ORG.policy(not_after=NOW + 5), roots=ROOTS, keyset=keyset)
    expired = standing(keyset, short, now=NOW + 5)
    assert "policy has expired" in expired.reason and expired.seal_key, "what was measured may still be sealed"
    assert "revoked" in standing(keyset, policy, now=NOW, revoked=True).reason


def test_what_the_policy_locks() -> None:
    keyset = accept_keyset(ORG.keyset(), roots=ROOTS, held=None)
    policy = accept_policy(ORG.policy(interval_seconds=30), roots=ROOTS, keyset=keyset)
    assert locks(keyset, policy) == {"server": ORG.endpoint, "interval_seconds": 30}


def test_whether_one_may_quit_has_one_form_for_each_meaning() -> None:
    free = Organisation().policy_value()
    bound = replace(free, may_quit=False)
    assert "may_quit" not in free.to_payload() and bound.to_payload()["may_quit"] is False
    for policy in (free, bound):
        assert Policy.from_payload(policy.to_payload()) == policy
    for wrong in (True, 0, None, "no"):
        with pytest.raises(Malformed):
            Policy.from_payload({**free.to_payload(), "may_quit": wrong})
