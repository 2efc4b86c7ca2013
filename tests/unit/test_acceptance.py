"""Promise: agents follow the organisation's roots by signed links only, hold every policy against the agreement, let no
council's key be taken away without the council, and never go back: of all four types of document.
"""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.acceptance import (
    Roots,
    accept_agreement,
    accept_keyset,
    accept_policy,
    accept_roots,
    read_roots,
    roots_from,
)
from agent.errors import PolicyError
from agent.key_changes import MOST, KeyChange, What, key_changes, read_changes, write_changes
from agent.policy import Papers, standing
from agent.store.rows import StoredDocument
from agent.wire.agreement import Agreement
from agent.wire.documents import Keyset, Policy, WorkHours, sign_document
from agent.wire.ids import signer_id
from agent.wire.roots import RootLink
from agent.wire.strict import to_b64
from tests.builders import ALWAYS, DAY, NOW, Organisation

ORG = Organisation()
COUNCIL, SECOND, THIRD = (Ed25519PrivateKey.generate() for _ in range(3))
FIRST = Roots(ORG.id, ORG.root_public)


def public(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes_raw()


def held(document: bytes, seq: int) -> StoredDocument:
    return StoredDocument(seq, document, "")


def link(seq: int, old: Ed25519PrivateKey, new: Ed25519PrivateKey, *by: Ed25519PrivateKey) -> bytes:
    payload = RootLink(ORG.id, seq, NOW, NOW + DAY, public(old), public(new)).to_payload()
    return sign_document("root", payload, by or (old, new))


LINKS = (link(1, ORG.root, SECOND), link(2, SECOND, THIRD))


def agreement_value(seq: int = 1, **changes: object) -> Agreement:
    return replace(Agreement(ORG.id, seq, NOW - 60, NOW + 900 * DAY, f"a-{seq}", ALWAYS), **changes)  # type: ignore[arg-type]  # by name


def agreement(seq: int = 1, by: tuple[Ed25519PrivateKey, ...] = (ORG.root, COUNCIL), **changes: object) -> bytes:
    return sign_document("agreement", agreement_value(seq, **changes).to_payload(), by)


def with_council() -> Keyset:
    return accept_keyset(ORG.keyset(council=public(COUNCIL)), roots=FIRST, held=None)


def answer(keyset: bytes, roots: tuple[Ed25519PrivateKey, ...], links: tuple[bytes, ...]) -> bytes:
    told = {"roots": [to_b64(public(key)) for key in roots], "keyset": json.loads(keyset)}
    return json.dumps({**told, "links": [json.loads(each) for each in links]} if links else told).encode()


def test_a_new_root_is_followed_and_signs_from_then_on() -> None:
    keyset = ORG.keyset(2, by=THIRD)
    roots, document = read_roots(answer(keyset, (ORG.root, SECOND, THIRD), LINKS), ORG.id)
    assert roots.root == public(THIRD) and roots.earlier == (ORG.root_public, public(SECOND))
    before = held(ORG.keyset(1), 1)
    assert accept_keyset(document, roots=accept_roots(roots, held=FIRST), held=before).seq == 2
    for by in (ORG.root, SECOND):
        with pytest.raises(PolicyError, match="refused"):
            accept_keyset(ORG.keyset(2, by=by), roots=roots, held=before)


@pytest.mark.parametrize(
    ("roots", "links"),
    [
        ((ORG.root, SECOND), ()),
        ((ORG.root, THIRD), LINKS[:1]),
        ((ORG.root,), LINKS[:1]),
        ((ORG.root, SECOND, THIRD), LINKS[::-1]),
        ((ORG.root, SECOND), (link(1, ORG.root, SECOND, ORG.root),)),
        ((ORG.root, SECOND), (link(1, ORG.root, SECOND, SECOND),)),
        ((ORG.root, SECOND), (link(1, ORG.root, SECOND, SECOND, THIRD),)),
        ((ORG.root, SECOND), (link(2, ORG.root, SECOND),)),
    ],
)
def test_a_root_nobody_led_to_is_refused(roots: tuple[Ed25519PrivateKey, ...], links: tuple[bytes, ...]) -> None:
    with pytest.raises(PolicyError):
        read_roots(answer(ORG.keyset(2, by=roots[-1]), roots, links), ORG.id)


def test_roots_never_go_back_nor_aside() -> None:
    newest = roots_from(ORG.id, ORG.root_public, LINKS)
    assert accept_roots(newest, held=newest) == newest
    with pytest.raises(PolicyError, match="replaced before"):
        accept_roots(roots_from(ORG.id, ORG.root_public, LINKS[:1]), held=newest)
    aside = roots_from(ORG.id, ORG.root_public, (link(1, ORG.root, THIRD),))
    with pytest.raises(PolicyError, match="another root"):
        accept_roots(aside, held=newest)


def test_the_same_change_of_the_root_may_not_be_another_one() -> None:
    """Two changes under one number lead to two different keys: the one seen first stands."""
    seen = roots_from(ORG.id, ORG.root_public, LINKS[:1])
    other = roots_from(ORG.id, ORG.root_public, (link(1, ORG.root, THIRD),))
    with pytest.raises(PolicyError, match="the first stands"):
        accept_roots(other, held=seen)


def test_an_agreement_moves_forward_only_and_needs_both() -> None:
    roots, council = FIRST, public(COUNCIL)
    before = [held(agreement(3), 3)]
    assert accept_agreement(agreement(4), roots=roots, council=council, held=before).id == "a-4"
    assert accept_agreement(agreement(3, by=(COUNCIL, ORG.root)), roots=roots, council=council, held=before).seq == 3
    with pytest.raises(PolicyError, match="seen before"):
        accept_agreement(agreement(2), roots=roots, council=council, held=before)
    with pytest.raises(PolicyError, match="another agreement"):
        accept_agreement(agreement(3, k_at_least=9), roots=roots, council=council, held=before)
    with pytest.raises(PolicyError, match="another agreement"):
        accept_agreement(
            agreement(5, k_at_least=9), roots=roots, council=council, held=[*before, held(agreement(5), 5)]
        )
    for by in ((ORG.root,), (COUNCIL,), (ORG.signer, COUNCIL), (ORG.root, ORG.signer)):
        with pytest.raises(PolicyError, match="refused"):
            accept_agreement(agreement(1, by=by), roots=roots, council=council)


def test_an_agreement_outlives_the_root_that_signed_it() -> None:
    later = roots_from(ORG.id, ORG.root_public, LINKS)
    assert accept_agreement(agreement(1), roots=later, council=public(COUNCIL)).id == "a-1"
    assert accept_agreement(agreement(1, by=(THIRD, COUNCIL)), roots=later, council=public(COUNCIL)).id == "a-1"


def test_the_councils_key_is_not_taken_away_without_the_council() -> None:
    other = Ed25519PrivateKey.generate()
    before = held(ORG.keyset(1, council=public(COUNCIL)), 1)
    for council in (None, public(other)):
        value = replace(ORG.keyset_value(2), council=council).to_payload()
        for by in ([ORG.root], [ORG.root, other]):
            with pytest.raises(PolicyError, match="without the council's own signature"):
                accept_keyset(sign_document("keyset", value, by), roots=FIRST, held=before)
        agreed = sign_document("keyset", value, [ORG.root, COUNCIL])
        assert accept_keyset(agreed, roots=FIRST, held=before).council == council
    assert accept_keyset(ORG.keyset(2, council=public(COUNCIL)), roots=FIRST, held=before).seq == 2
    assert accept_keyset(ORG.keyset(2, council=public(COUNCIL)), roots=FIRST, held=held(ORG.keyset(1), 1)).council


def test_a_policy_beyond_the_agreement_is_refused_by_every_term() -> None:
    keyset = with_council()
    office = (WorkHours((1, 2, 3), 480, 780), WorkHours((1, 2, 3), 780, 1080))
    agreed = agreement_value(k_at_least=7, interval_at_least=15, work_hours=office)
    good = {
        "agreement": agreed.digest,
        "k": 7,
        "interval_seconds": 15,
        "work_hours": (WorkHours((1, 3), 500, 1080),),
    }
    assert accept_policy(ORG.policy(2, **good), roots=FIRST, keyset=keyset, agreements=[agreed]).k == 7
    for change in (
        {"k": 6},
        {"interval_seconds": 14},
        {"individual_reports": True},
        {"agreement": ""},
        {"agreement": agreement_value(2).digest},
        {"work_hours": (WorkHours((1, 3), 479, 1080),)},
        {"work_hours": (WorkHours((4,), 500, 600),)},
        {"work_hours": (*good["work_hours"], WorkHours((1,), 1079, 1081))},
    ):
        document = ORG.policy(2, **{**good, **change})
        with pytest.raises(PolicyError, match="goes beyond"):
            accept_policy(document, roots=FIRST, keyset=keyset, agreements=[agreed])
        free = accept_keyset(ORG.keyset(), roots=FIRST, held=None)
        assert accept_policy(document, roots=FIRST, keyset=free, agreements=[agreed]), "no council, no agreement"


def test_a_policy_is_held_against_the_agreement_of_its_first_day() -> None:
    keyset, soon = with_council(), NOW + 7 * DAY
    now, later = agreement_value(1), agreement_value(2, k_at_least=9, effective=soon)
    strict = {"k": 9, "agreement": later.digest, "effective": soon}
    assert accept_policy(ORG.policy(2, **strict), roots=FIRST, keyset=keyset, agreements=[now, later])
    for change in ({"effective": soon - 1}, {"effective": None}, {"agreement": now.digest}, {"k": 8}):
        with pytest.raises(PolicyError, match="goes beyond"):
            accept_policy(ORG.policy(2, **{**strict, **change}), roots=FIRST, keyset=keyset, agreements=[now, later])


def test_nothing_is_measured_without_or_beyond_an_agreement() -> None:
    keyset, agreed = with_council(), agreement_value()
    policy = ORG.policy_value(1, agreement=agreed.digest)
    assert standing(keyset, policy, now=NOW, agreement=agreed).may_look
    for given, now, word in (
        (None, NOW, "agreement with the works council is missing"),
        (agreement_value(effective=NOW + 5), NOW, "missing"),
        (replace(agreed, not_after=NOW), NOW, "has expired"),
        (agreement_value(2), NOW, "goes beyond"),
    ):
        found = standing(keyset, policy, now=now, agreement=given)
        assert not found.may_look and word in found.reason and found.seal_key, "what was measured may still be sealed"
    free = accept_keyset(ORG.keyset(), roots=FIRST, held=None)
    assert standing(free, ORG.policy_value(1), now=NOW).may_look


def test_a_policy_applies_from_its_date_on_and_is_shown_before() -> None:
    keyset = accept_keyset(ORG.keyset(), roots=FIRST, held=None)
    old, new = ORG.policy_value(1), ORG.policy_value(2, interval_seconds=30, effective=NOW + DAY)
    papers = Papers(FIRST, keyset, (), (old, new))
    for now, in_force, to_come in ((NOW, old, new), (NOW + DAY - 1, old, new), (NOW + DAY, new, None)):
        assert papers.policy(now) == in_force and papers.coming_policy(now) == to_come
    alone = Papers(FIRST, keyset, (), (new,))
    assert alone.policy(NOW) == new and alone.coming_policy(NOW) is None
    assert "yet to begin" in standing(keyset, new, now=NOW).reason
    assert standing(keyset, new, now=NOW + DAY).may_look


def test_a_clock_that_is_behind_keeps_no_policy_from_applying_that_applies_at_once() -> None:
    keyset, agreed = with_council(), agreement_value()
    policy = ORG.policy_value(1, agreement=agreed.digest)
    papers = Papers(FIRST, keyset, (agreed,), (policy,))
    long_ago = NOW - 20 * DAY
    assert papers.policy(long_ago) == policy and papers.agreement(long_ago) == agreed
    assert papers.coming_policy(long_ago) is None
    assert standing(keyset, policy, now=long_ago, agreement=agreed).may_look
    later = ORG.policy_value(2, agreement=agreed.digest, effective=NOW + DAY)
    both = replace(papers, policies=(policy, later))
    assert both.policy(long_ago) == policy and both.coming_policy(long_ago) == later


def test_what_had_not_begun_when_its_successor_came_never_begins() -> None:
    policies = (
        ORG.policy_value(1),
        ORG.policy_value(2, effective=NOW + 5 * DAY),
        replace(ORG.policy_value(3), issued=NOW + DAY, effective=NOW + 9 * DAY),
    )
    papers = Papers(FIRST, None, (), policies)
    found = [papers.policy(NOW + days * DAY) for days in (0, 4, 6, 8, 9)]
    assert [policy.id if policy else "" for policy in found] == ["p-1", "p-1", "p-1", "p-1", "p-3"]


def test_policies_without_a_date_are_the_bytes_they_were() -> None:
    policy = ORG.policy_value(1)
    assert "effective" not in policy.to_payload() and policy.begins == policy.issued
    assert replace(policy, effective=policy.issued) == policy == Policy.from_payload(policy.to_payload())


def test_every_change_of_a_key_is_seen() -> None:
    other = Organisation()
    old, new = ORG.keyset_value(1), replace(ORG.keyset_value(2), council=public(COUNCIL))
    new = replace(new, policy_signers=(public(THIRD),), seal_keys=(*new.seal_keys, *other.keyset_value().seal_keys))
    after = roots_from(ORG.id, ORG.root_public, LINKS[:1])
    found = key_changes((FIRST, old), (after, new), NOW + 0.5)
    assert [(change.what, change.key) for change in found] == [
        (What.ROOT, signer_id(public(SECOND))),
        (What.COUNCIL, signer_id(public(COUNCIL))),
        (What.SIGNER, signer_id(public(THIRD))),
        (What.SIGNER_GONE, signer_id(public(ORG.signer))),
        (What.SEAL_KEY, other.seal_keys[0].public.id),
    ]
    assert key_changes((after, new), (after, new), NOW) == () == key_changes((FIRST, None), (FIRST, old), NOW)
    gone = key_changes((after, new), (after, replace(new, council=None)), NOW)
    assert [change.what for change in gone] == [What.COUNCIL_GONE]
    many = [KeyChange(n, What.SEAL_KEY, "ab" * 16) for n in range(MOST + 5)]
    assert read_changes(write_changes(many)) == tuple(many[5:])
    lasting = [KeyChange(n, what, "ab" * 16) for n, what in enumerate(What) if what is not What.SEAL_KEY]
    kept = read_changes(write_changes([*lasting, *many]))
    assert kept == (*lasting, *many[5:]), "no run of seal keys hides that a council or a root was replaced"
    assert read_changes(b'[{"at":1,"what":"of_a_later_version","key":"x"}]') == ()
