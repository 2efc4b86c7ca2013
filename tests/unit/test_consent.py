"""Holds the promise that only the present wording, accepted last, lets anything be captured."""

from __future__ import annotations

import itertools

import pytest

from agent.consent import Acknowledgement, Decision, Participation, participation

NEW, OLD = "2026-02-01", "2026-01-01"


def answered(*decisions: tuple[str, Decision]) -> Participation:
    return participation([Acknowledgement(v, "en", d, at) for at, (v, d) in enumerate(decisions)], version=NEW)


def test_nobody_answered_yet() -> None:
    assert answered() is Participation.UNDECIDED


def test_the_last_answer_counts() -> None:
    assert answered((NEW, Decision.ACCEPTED), (NEW, Decision.DECLINED)) is Participation.DECLINED
    assert answered((NEW, Decision.DECLINED), (NEW, Decision.ACCEPTED)) is Participation.ACCEPTED


def test_an_acceptance_is_for_its_wording_and_a_refusal_for_all() -> None:
    assert answered((OLD, Decision.ACCEPTED)) is Participation.OUTDATED
    assert answered((OLD, Decision.DECLINED)) is Participation.DECLINED


def test_nothing_else_lets_anything_be_captured() -> None:
    choices = list(itertools.product((OLD, NEW), Decision))
    for answers in itertools.chain.from_iterable(itertools.product(choices, repeat=n) for n in range(4)):
        expected = bool(answers) and answers[-1] == (NEW, Decision.ACCEPTED)
        assert (answered(*answers) is Participation.ACCEPTED) == expected


def test_answers_survive_being_written_down() -> None:
    answer = Acknowledgement(NEW, "fr", Decision.DECLINED, 1763760000)
    assert Acknowledgement.from_json(answer.to_json()) == answer
    with pytest.raises(ValueError):
        Acknowledgement.from_json({**answer.to_json(), "decision": "maybe"})
