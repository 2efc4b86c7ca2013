"""Promise: from the first measurement on, nobody comes into a team by one person's word, however the words are ordered."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_service.approval import (
    DECISIONS,
    LAPSE_SECONDS,
    Administrator,
    Asked,
    Ruling,
    Undecidable,
    at_once,
    decide,
    nobody_else,
    state_of,
)

ALICE, BERT, ALIAS = Administrator("a", "alice"), Administrator("b"), Administrator("c", "alice")
EVERYBODY = (ALICE, BERT, ALIAS)
ASKED = Asked("person_add", "p", "t", ALICE, asked_at=1000, measured=True)


def ruling(by, decision="approve", *, asked=ASKED, now=1001, administrators=EVERYBODY):
    return decide(asked, by, decision, now, administrators)


def decided(decision="approved", by="b"):
    return Asked("person_add", "p", "t", ALICE, 1000, measured=True, decision=decision, decided_by=by)


def test_another_administrator_agrees_or_refuses():
    assert ruling(BERT) == Ruling("approved", new=True)
    assert ruling(BERT, "refuse") == Ruling("refused", new=True)


@pytest.mark.parametrize("by", [ALICE, ALIAS], ids=["the same account", "another account of the same person"])
def test_nobody_agrees_with_themselves_but_may_take_it_back(by):
    with pytest.raises(Undecidable, match="own_request"):
        ruling(by)
    assert ruling(by, "refuse").state == "refused"


def test_the_same_word_again_is_the_same_answer_and_another_word_comes_too_late():
    assert ruling(BERT, asked=decided()) == Ruling("approved", new=False)
    for by, decision in ((BERT, "refuse"), (Administrator("d"), "approve"), (ALICE, "refuse")):
        with pytest.raises(Undecidable, match="already_decided"):
            ruling(by, decision, asked=decided())


def test_after_two_weeks_it_is_void():
    assert ruling(BERT, now=1000 + LAPSE_SECONDS - 1).new
    assert state_of(ASKED, 1000 + LAPSE_SECONDS) == "lapsed"
    with pytest.raises(Undecidable, match="lapsed"):
        ruling(BERT, now=1000 + LAPSE_SECONDS)


def test_what_somebody_asked_who_is_no_administrator_any_more_can_only_be_refused():
    with pytest.raises(Undecidable, match="asker_left"):
        ruling(BERT, administrators=(BERT,))
    assert ruling(BERT, "refuse", administrators=(BERT,)).state == "refused"


def test_one_is_enough_only_before_anything_is_measured():
    assert at_once(measured=False) and not at_once(measured=True)


def test_a_single_administrator_and_their_aliases_have_nobody_to_agree():
    assert nobody_else(ALICE, (ALICE, ALIAS)) and not nobody_else(ALICE, EVERYBODY)
    assert nobody_else(None, ()) and not nobody_else(None, (ALICE,))


@given(
    st.lists(st.tuples(st.sampled_from(EVERYBODY), st.sampled_from(DECISIONS), st.integers(0, LAPSE_SECONDS * 2))),
    st.sampled_from(EVERYBODY),
)
def test_in_any_order_of_words_an_approval_has_two_people_behind_it(words, asker):
    asked = Asked("person_move", "p", "t", asker, 0, measured=True)
    for by, decision, now in sorted(words, key=lambda word: word[2]):
        try:
            result = decide(asked, by, decision, now, EVERYBODY)
        except Undecidable:
            continue
        assert not (result.new and asked.decision), "decided twice"
        asked = Asked("person_move", "p", "t", asker, 0, True, result.state, by.id)
    if asked.decision == "approved":
        behind = {one.id: one.behind for one in EVERYBODY}
        assert behind[asked.decided_by] != asker.behind
