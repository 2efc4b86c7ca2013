"""Holds the promise that the reasons shown are the reasons: for any look, the facts speak for the verdict that the judge
reached and for no other, and no number shown contradicts the limit beside it.
"""

from __future__ import annotations

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.attention.baseline import Baseline
from agent.attention.explain import SENTENCES, STATE_WORDS, Code, Explanation, Fact, Kind, explain, outlines
from agent.attention.judge import JudgeState, step
from agent.attention.observation import Box, Face, Lens, Observation, Person, Phone, State
from agent.attention.rules import Rules

RULES = Rules(interval=1.0)
BODY = Person((100.0, 60.0, 540.0, 480.0), 0.8)
FACE_BOX: Box = (240.0, 80.0, 400.0, 280.0)


def look(
    yaw: float | None = 0.0,
    pitch: float | None = 0.0,
    *,
    phones: tuple[Phone, ...] = (),
    persons: tuple[Person, ...] = (BODY,),
    faces: tuple[Face, ...] | None = None,
    lens: Lens = Lens.CLEAR,
) -> Observation:
    found = (Face(FACE_BOX, 0.93, yaw, pitch),) if faces is None else faces
    return Observation(0.0, (640, 480), lens, found, phones, persons)


def told(observation: Observation, times: int = 1, before: JudgeState | None = None) -> Explanation:
    state = before or JudgeState()
    start = state.at or 0.0
    for i in range(times):
        state, _ = step(state, observation, start + i + 1.0, RULES)
    return explain(observation, state, RULES, start + times)


def codes(explanation: Explanation) -> list[Code]:
    return [fact.code for fact in explanation.facts]


def held(chance: float) -> Phone:
    return Phone((300.0, 300.0, 340.0, 380.0), chance)


def test_the_examples_a_person_reads() -> None:
    away = [fact.sentence() for fact in told(look(31.0), times=5).facts]
    assert away == [
        "The head is turned 31 degrees from your usual pose: beyond 25 means looking away.",
        "A face is found (score 0.93).",
        "No phone is found.",
        "The state: looking away, for 4 s now.",
    ]
    phone = told(look(phones=(held(0.71),)), times=5)
    assert phone.state is State.ON_PHONE
    assert phone.facts[0].sentence() == (
        "A phone (chance 0.71) lies within reach of the nearest person: from 0.40 on that means on the phone."
    )


@pytest.mark.parametrize(
    ("seen", "first"),
    [
        (look(), Code.FACING),
        (look(pitch=-20.0), Code.BOWED),
        (look(None, None), Code.POSE_UNSOLVED),
        (look(faces=()), Code.BODY_ONLY),
        (look(faces=(), persons=()), Code.NOBODY),
        (look(lens=Lens.DARK, faces=()), Code.DARK),
        (look(lens=Lens.COVERED, faces=()), Code.COVERED),
        (look(lens=Lens.BLURRED, faces=()), Code.BLURRED),
        (look(phones=(held(0.9),)), Code.PHONE_HELD),
    ],
)
def test_the_weightiest_reason_comes_first(seen: Observation, first: Code) -> None:
    assert codes(told(seen))[0] is first


def test_what_does_not_count_is_named_with_why() -> None:
    assert Code.PHONE_DOUBTFUL in codes(told(look(phones=(held(0.3),))))
    assert Code.PHONE_OUT_OF_REACH in codes(told(look(phones=(Phone((0.0, 0.0, 30.0, 50.0), 0.9),))))
    second = Face((420.0, 80.0, 500.0, 200.0), 0.8, 0.0, 0.0)
    assert Code.MORE_FACES in codes(told(look(faces=(*look().faces, second))))
    far = told(look(faces=(Face((0.0, 0.0, 20.0, 25.0), 0.7, 0.0, 0.0),), persons=()))
    assert codes(far)[:2] == [Code.NOBODY, Code.FACE_FAR]
    assert "3% of the picture wide: below 5%" in far.facts[1].sentence()


def test_a_single_look_that_disagrees_is_said_to_be_one() -> None:
    at_screen, _ = JudgeState(), None
    for i in range(5):
        at_screen, _ = step(at_screen, look(), float(i), RULES)
    turned = told(look(40.0), before=at_screen)
    assert (turned.state, turned.seen) == (State.AT_SCREEN, State.LOOKING_AWAY)
    assert turned.facts[-1].sentence().startswith("This look alone says: looking away. The state stays “at the screen”")


def test_the_usual_pose_is_the_learned_one() -> None:
    state = JudgeState(baseline=Baseline(minutes=((30.0, 0.0),) * 15))
    assert codes(told(look(31.0), before=state))[0] is Code.FACING
    assert told(look(0.0), before=state).facts[0].values["degrees"] == 30


angles = st.none() | st.floats(-90, 90) | st.sampled_from([24.999, 25.0, 25.001, -15.0, -15.001])
boxes = st.tuples(st.floats(0, 600), st.floats(0, 440), st.floats(1, 640), st.floats(1, 480)).map(
    lambda b: (b[0], b[1], min(640.0, b[0] + b[2]), min(480.0, b[1] + b[3]))
)
scores = st.floats(0, 1) | st.sampled_from([0.4, 0.549, 0.5499999, 0.55, 0.58])
anything = st.builds(
    Observation,
    at=st.just(0.0),
    size=st.just((640, 480)),
    lens=st.sampled_from([Lens.CLEAR] * 4 + [Lens.DARK]),
    faces=st.lists(st.builds(Face, boxes, scores, angles, angles), max_size=3).map(tuple),
    phones=st.lists(st.builds(Phone, boxes, scores), max_size=3).map(tuple),
    persons=st.lists(st.builds(Person, boxes, scores), max_size=3).map(tuple),
)


@settings(max_examples=300)
@given(st.lists(anything, min_size=1, max_size=8))
def test_the_facts_speak_for_the_verdict_and_nothing_else(seen: list[Observation]) -> None:
    state = JudgeState()
    for i, observation in enumerate(seen):
        before = state.state
        state, _ = step(state, observation, i + 1.0, RULES)
        told = explain(observation, state, RULES, i + 1.0)
        assert {fact.says for fact in told.facts if fact.says} == {told.seen}
        if state.looks and state.state is before:  # else the newest look was weighed under another state
            assert told.seen is state.looks[-1].raw(RULES, state.state)
        for fact in told.facts:
            assert "{" not in fact.sentence()
            consistent(fact)
        for outline in outlines(observation, RULES):
            assert 0 <= outline.left <= 1 and outline.left + outline.width <= 1.0001


def consistent(fact: Fact) -> None:
    values = {name: float(value) for name, value in fact.values.items() if not isinstance(value, State)}
    match fact.code:
        case Code.TURNED | Code.BOWED:
            assert values["degrees"] > values["limit"]
        case Code.FACING:
            assert values["turned"] <= values["turned_limit"] and values["bowed"] <= values["bowed_limit"]
        case Code.PHONE_HELD:
            assert values["chance"] >= values["limit"]
        case Code.PHONE_DOUBTFUL | Code.FACE_FAR:
            assert values.get("chance", values.get("share")) < values["limit"]  # type: ignore[operator]  # one of both


def test_what_is_drawn_says_what_counts() -> None:
    weak, weaker = held(0.3), held(0.2)
    drawn = outlines(look(phones=(held(0.7), Phone((0.0, 0.0, 30.0, 50.0), 0.9), weak, weaker)), RULES)
    assert [(o.kind, o.counts) for o in drawn] == [
        (Kind.PERSON, True),
        (Kind.FACE, True),
        (Kind.PHONE, True),
        (Kind.PHONE, False),
    ]
    assert [o.score for o in outlines(look(phones=(weak, weaker)), RULES) if o.kind is Kind.PHONE] == [0.3]
    assert (drawn[1].left, drawn[1].top, drawn[1].width) == (0.375, pytest.approx(80 / 480), 0.25)


def test_every_code_and_state_has_words_and_translations_may_name_the_same_gaps() -> None:
    assert set(SENTENCES) == set(Code) and set(STATE_WORDS) == set(State)
    fact = Fact(Code.PHONE_HELD, {"chance": 0.71, "limit": 0.55})
    german = fact.sentence(
        lambda _: "Wahrscheinlichkeit {chance}, ab {limit}", lambda v, d: f"{v:.{d}f}".replace(".", ",")
    )
    assert german == "Wahrscheinlichkeit 0,71, ab 0,55"
    for text in SENTENCES.values():
        assert all(name is None or name.isidentifier() for _, name, _, _ in string.Formatter().parse(text))
