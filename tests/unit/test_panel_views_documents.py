"""Promise: the panel says in plain words what was agreed, what comes, whose keys speak, and every change of a key."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC

from agent.acceptance import Roots
from agent.key_changes import KeyChange, What
from agent.panel.language import LANGUAGES, Speech
from agent.panel.views.documents import (
    agreement_facts,
    coming_facts,
    fingerprint,
    key_lines,
    keyset_facts,
    policy_facts,
)
from agent.wire.ids import signer_id
from tests.builders import DAY, NOW, Organisation

ORG = Organisation()
SAY = Speech("en", UTC)


def test_the_agreement_says_every_limit() -> None:
    agreement = ORG.agreement_value(2, k_at_least=7, interval_at_least=15)
    said = dict(agreement_facts(SAY, agreement, NOW))
    assert said["Number"] == "a-2" and said["Its fingerprint"] == agreement.digest
    assert said["Smallest group any number may ever rest on"] == "7 people"
    assert said["Least time between two looks"] == "about 15 seconds"
    assert said["Reports by name"] == said["Pictures checked elsewhere"] == "not allowed"
    allowed = replace(agreement, individual_reports_allowed=True)
    assert dict(agreement_facts(SAY, allowed, NOW))["Reports by name"] == "allowed"


def test_of_a_coming_policy_only_what_changes_is_said() -> None:
    policy = ORG.policy_value(1)
    coming = replace(policy, seq=2, id="p-2", k=9, interval_seconds=30, effective=NOW + DAY)
    assert coming_facts(SAY, policy, coming, NOW) == (
        ("Time between two looks", "about 30 seconds"),
        ("Smallest group a number may rest on", "9 people"),
    )
    assert coming_facts(SAY, policy, replace(policy, seq=2, id="p-2", effective=NOW + DAY), NOW) == ()
    began = dict(policy_facts(SAY, coming, NOW))["In force since"]
    assert began == SAY.moment(NOW + DAY, NOW), "the day it applies from, not the one it was issued on"


def test_fingerprints_are_told_in_groups() -> None:
    keyset = replace(ORG.keyset_value(), council=ORG.council_public)
    said = dict(keyset_facts(SAY, keyset, NOW, Roots(ORG.id, ORG.root_public)))
    assert said["Works council's key"].replace(" ", "") == signer_id(ORG.council_public)
    assert said["Root key"].replace(" ", "") == signer_id(ORG.root_public)
    assert dict(keyset_facts(SAY, ORG.keyset_value(), NOW))["Works council's key"] == "none"
    assert fingerprint("abcd" * 8) == " ".join(["abcd"] * 8)


def test_every_change_of_a_key_is_told_in_every_language_newest_first() -> None:
    changes = [KeyChange(NOW - n, what, f"{n:032x}") for n, what in enumerate(reversed(What))]
    for language in LANGUAGES:
        lines = key_lines(Speech(language, UTC), changes, NOW)
        assert len({text for _, text in lines}) == len(What)
        assert all(fingerprint(change.key) in text for change, (_, text) in zip(reversed(changes), lines, strict=True))
