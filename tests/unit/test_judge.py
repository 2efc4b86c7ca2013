"""Holds the promise that states are evidence over time: flicker changes nothing, a confirmed change counts from
where it began, "could not tell" and gaps are states of their own, and a camera at the side is not looking away.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.attention import judge
from agent.attention.baseline import Baseline
from agent.attention.judge import Interval, JudgeState, judge_still, step
from agent.attention.observation import Box, Face, Lens, Observation, Person, Phone, State
from agent.attention.rules import Rules

RULES = Rules()
BOX = (200.0, 100.0, 360.0, 300.0)
WEAK = (RULES.phone_minimum + RULES.phone_sustained) / 2
BODY = (120.0, 60.0, 460.0, 480.0)


def seen(yaw: float | None = 0.0, pitch: float | None = 0.0, *, phone: float = 0.0, lens: Lens = Lens.CLEAR,
         face: bool = True, body: bool | None = None) -> Observation:  # fmt: skip
    faces = (Face(BOX, 0.9, yaw, pitch),) if face else ()
    phones = (Phone(BOX, phone),) if phone else ()
    persons = (Person(BODY, 0.8),) if (face if body is None else body) else ()
    return Observation(0.0, (640, 480), lens, faces, phones, persons)


LOOKS = {
    "s": seen(),  # at the screen
    "l": seen(yaw=60.0),  # looking away, left
    "d": seen(pitch=-40.0),  # looking down
    "p": seen(phone=0.9),  # a clear phone
    "w": seen(phone=WEAK),  # a weak phone: over the minimum, never enough to begin
    "x": seen(yaw=60.0, phone=WEAK),  # turned away from something that is a little like a phone
    "a": seen(face=False),  # nobody
    "n": seen(face=False, body=True),  # somebody without a visible face
    "q": seen(face=False, body=True, phone=0.9),
    "t": seen(face=False, phone=0.9),  # a phone on the table
    "c": seen(lens=Lens.COVERED),
    "k": seen(lens=Lens.DARK, face=False),
    "b": seen(lens=Lens.BLURRED),
}
NAMES = {"s": State.AT_SCREEN, "l": State.LOOKING_AWAY, "d": State.LOOKING_AWAY, "p": State.ON_PHONE,
         "a": State.ABSENT, "c": State.UNKNOWN, "k": State.UNKNOWN, "-": State.NOT_OBSERVED}  # fmt: skip


def play(script: str, rules: Rules = RULES, every: float = 1.0) -> list[Interval]:
    """One look per letter; a dash is a moment nobody looked and nobody said so."""
    state, out = JudgeState(), []
    for i, letter in enumerate(script):
        if letter != "-":
            state, intervals = step(state, LOOKS[letter], i * every, rules)
            out += intervals
    _, intervals = judge.finish(state, rules)
    return out + list(intervals)


def spelled(script: str, rules: Rules = RULES, every: float = 1.0) -> str:
    letters = {State.AT_SCREEN: "s", State.LOOKING_AWAY: "l", State.ON_PHONE: "p", State.ABSENT: "a",
               State.UNKNOWN: "c", State.NOT_OBSERVED: "-"}  # fmt: skip
    return "".join(letters[i.state] * round((i.end - i.start) / every) for i in play(script, rules, every))


def seconds(intervals: Iterable[Interval]) -> dict[State, float]:
    total: dict[State, float] = defaultdict(float)
    for interval in intervals:
        total[interval.state] += interval.end - interval.start
    return dict(total)


@pytest.mark.parametrize(
    ("looks", "judged"),
    [
        ("ssssssssss", "ssssssssss"),
        ("ssssllllll", "ssssllllll"),  # confirmed late, counted from where it began
        ("ssssllssss", "ssssssssss"),  # a glance is not looking away
        ("sssslsllll", "ssssssllll"),  # the run that wins counts from its own beginning
        ("ssssaaaaaaaass", "ssssaaaaaaaass"),
        ("ssssaassss", "ssssssssss"),  # a detector that misses a face twice
        ("sssspppppp", "sssspppppp"),
        ("sssspsssss", "ssssssssss"),  # one false phone
        ("sssspspppppp", "sssspppppppp"),  # a phone missed once is still one phone
        ("pppppspsppsspp", "pppppppppppppp"),
        ("ppppppssssssss", "ppppppssssssss"),
        ("wwwwwwwwwwww", "ssssssssssss"),  # weak scores for ever are no phone
        ("ssssxxxxxx", "ssssllllll"),  # and hide nothing
        ("sssscsssss", "sssscsssss"),  # doubt is UNKNOWN at once and for its own time
        ("ssssccccssss", "ssssccccssss"),  # a covered lens is not absence
        ("ssssnnnnnnaaaaaaaa", "ssssllllllaaaaaaaa"),  # who turns round is not gone
        ("ssssqqqqqq", "sssspppppp"),
        ("pppppptttttttt", "ppppppaaaaaaaa"),  # a phone nobody holds
        ("kkkkkkkk", "cccccccc"),
        ("sssslcllll", "ssssscllll"),  # evidence before the doubt was not enough
        ("lssss", "sssss"),  # the first settled state takes what came before it
        ("aaaaaaaalllllllldddd", "aaaaaaaallllllllllll"),
        ("ssss----ssss", "sss-----ssss"),  # a gap swallows the last look before it
        ("l", "l"),
        ("p", "p"),
        ("", ""),
    ],
)
def test_evidence_over_time(looks: str, judged: str) -> None:
    assert spelled(looks) == judged


def test_two_looks_at_least_however_rarely_we_look() -> None:
    rules = Rules(interval=30.0)
    assert spelled("ssslsss", rules, 30.0) == "sssssss"
    assert spelled("ssslllls", rules, 30.0)[:7] == "sssllll"
    assert spelled("ssspppps", rules, 30.0)[:7] == "ssspppp"


def test_an_undecided_stretch_is_decided_in_bounded_time() -> None:
    state, handed_out = JudgeState(), 0.0
    for i, letter in enumerate("ssss" + "lasl" * 20):
        state, intervals = step(state, LOOKS[letter], float(i), RULES)
        handed_out = intervals[-1].end if intervals else handed_out
        assert i - handed_out <= RULES.settle_within + 1


def test_pause_and_camera_loss() -> None:
    state, out = step(JudgeState(), LOOKS["s"], 0.0, RULES)
    state, more = step(state, LOOKS["s"], 1.0, RULES)
    out += more
    state, more = judge.unobserved(state, 1.4, RULES)
    out += more
    assert state.shown is State.NOT_OBSERVED
    for now in (30.0, 90.0):
        state, more = judge.unobserved(state, now, RULES)
        out += more
    state, more = judge.lost(state, 91.0, RULES)
    out += more
    state, more = judge.lost(state, 92.0, RULES)
    out += more
    assert state.shown is State.UNKNOWN
    state, more = step(state, LOOKS["s"], 93.0, RULES)
    out += more
    assert seconds(out) == pytest.approx({State.AT_SCREEN: 1.4, State.NOT_OBSERVED: 89.6, State.UNKNOWN: 2.0})


def test_a_lost_camera_during_sleep_is_not_observed() -> None:
    state, _ = judge.lost(JudgeState(), 0.0, RULES)
    _, out = judge.lost(state, 43200.0, RULES)
    assert seconds(out) == {State.NOT_OBSERVED: 43200.0}


def test_time_passing_without_a_look_reveals_the_gap() -> None:
    state, _ = step(JudgeState(), LOOKS["s"], 0.0, RULES)
    state, out = step(state, None, 2.0, RULES)
    assert out == ()
    state, out = step(state, None, 2.5, RULES)
    assert [i.state for i in out] == [State.NOT_OBSERVED] and state.state is State.NOT_OBSERVED


def test_since_is_where_the_evidence_began() -> None:
    state = JudgeState()
    for i, letter in enumerate("ssssssllllll"):
        state, _ = step(state, LOOKS[letter], float(i), RULES)
    assert (state.state, state.since) == (State.LOOKING_AWAY, 6.0)


def test_a_camera_at_the_side_is_not_looking_away() -> None:
    aside = seen(yaw=35.0)
    state, out = JudgeState(), []
    for i in range(600):
        state, intervals = step(state, aside, float(i), RULES)
        out += intervals
    assert out[10].state is State.LOOKING_AWAY  # nothing is known of this person yet
    assert out[-1].state is State.AT_SCREEN
    assert state.baseline.yaw == pytest.approx(35.0)
    for i in range(600, 640):
        state, intervals = step(state, seen(yaw=-10.0), float(i), RULES)
    assert state.state is State.LOOKING_AWAY


def test_quarter_of_an_hour_with_a_colleague_does_not_move_a_learned_pose() -> None:
    baseline = Baseline()
    for _ in range(15 * 60):
        baseline = baseline.learn(2.0, -4.0, 1.0)
    for _ in range(7 * 60):
        baseline = baseline.learn(40.0, -4.0, 1.0)
    assert (baseline.yaw, baseline.pitch) == (2.0, -4.0)


def test_restless_minutes_and_phones_teach_nothing() -> None:
    baseline = Baseline()
    for i in range(3000):
        baseline = baseline.learn(40.0 if i % 10 < 5 else -40.0, 0.0, 1.0)
    assert baseline.minutes == ()
    state = JudgeState()
    for i in range(600):
        state, _ = step(state, seen(pitch=-30.0, phone=0.9), float(i), RULES)
    assert state.baseline == Baseline()


def test_a_still_is_judged_alone() -> None:
    assert {name: judge_still(LOOKS[name], RULES) for name in "sldpack"} == {name: NAMES[name] for name in "sldpack"}
    assert judge_still(LOOKS["w"], RULES) is State.AT_SCREEN
    assert judge_still(seen(yaw=None), RULES) is State.UNKNOWN
    assert judge_still(seen(yaw=35.0), RULES, Baseline(minutes=((35.0, 0.0),) * 15)) is State.AT_SCREEN


@pytest.mark.parametrize(
    ("box", "score", "state"),
    [
        (BODY, 0.8, State.LOOKING_AWAY),
        (BODY, 0.2, State.ABSENT),  # hardly a person
        ((0.0, 0.0, 128.0, 480.0), 0.9, State.ABSENT),  # somebody passes
        ((0.0, 380.0, 640.0, 480.0), 0.9, State.ABSENT),  # an arm
    ],
)
def test_a_body_counts_where_it_is_near(box: Box, score: float, state: State) -> None:
    observation = Observation(0.0, (640, 480), Lens.CLEAR, (), (), (Person((0, 0, 9, 9), 0.9), Person(box, score)))
    assert judge_still(observation, RULES) is state


@pytest.mark.parametrize(
    ("box", "state"),
    [
        ((250.0, 300.0, 300.0, 380.0), State.ON_PHONE),
        ((470.0, 300.0, 510.0, 380.0), State.ON_PHONE),  # a hand reaches a little out of the body's box
        ((560.0, 400.0, 630.0, 440.0), State.AT_SCREEN),  # on the desk beside
    ],
)
def test_a_phone_is_used_where_it_lies_on_somebody(box: Box, state: State) -> None:
    persons = (Person(BODY, 0.8), Person((540.0, 390.0, 640.0, 450.0), 0.2))
    looked = Observation(0.0, (640, 480), Lens.CLEAR, (Face(BOX, 0.9, 0.0, 0.0),), (Phone(box, 0.9),), persons)
    assert judge_still(looked, RULES) is state
    assert judge_still(replace(looked, faces=(), persons=()), RULES) is State.ABSENT


def test_somebody_elses_phone_is_nothing_to_us() -> None:
    beside = Person((470.0, 100.0, 640.0, 480.0), 0.9)
    theirs = Phone((560.0, 300.0, 600.0, 380.0), 0.9)
    faces = (Face(BOX, 0.9, 0.0, 0.0), Face((520.0, 120.0, 600.0, 220.0), 0.9, 0.0, 0.0))
    looked = Observation(0.0, (640, 480), Lens.CLEAR, faces, (theirs,), (Person(BODY, 0.8), beside))
    assert judge_still(looked, RULES) is State.AT_SCREEN
    assert judge_still(replace(looked, faces=(), persons=(beside,)), RULES) is State.ABSENT
    ours = replace(looked, phones=(theirs, Phone((300.0, 300.0, 340.0, 380.0), 0.8)))
    assert judge_still(ours, RULES) is State.ON_PHONE
    without_a_face = replace(looked, faces=())
    assert judge_still(without_a_face, RULES) is State.LOOKING_AWAY
    assert judge_still(replace(without_a_face, phones=ours.phones), RULES) is State.ON_PHONE


def test_a_face_across_the_room_is_nobody_and_the_nearest_counts() -> None:
    far, near = Face((600.0, 90.0, 625.0, 120.0), 0.9, 0.0, 0.0), Face(BOX, 0.9, 60.0, 0.0)
    assert judge_still(Observation(0.0, (640, 480), Lens.CLEAR, (far,)), RULES) is State.ABSENT
    assert judge_still(Observation(0.0, (640, 480), Lens.CLEAR, (near, far)), RULES) is State.LOOKING_AWAY
    back = Observation(0.0, (640, 480), Lens.CLEAR, (far,), (), (Person(BODY, 0.8),))
    assert judge_still(back, RULES) is State.LOOKING_AWAY


def test_impossible_rules_are_refused() -> None:
    with pytest.raises(ValueError, match="interval"):
        Rules(interval=0)
    with pytest.raises(ValueError, match="minimum <= leave <= sustained"):
        Rules(phone_sustained=0.2, phone_leave=0.5)


events = st.lists(
    st.tuples(st.sampled_from([*LOOKS, "tick", "rest", "lost", "gap"]), st.floats(0.01, 7.0)), max_size=60
)


@given(events, st.sampled_from([0.5, 1.0, 3.0]))
def test_intervals_tile_the_time_whatever_happens(script: list[tuple[str, float]], interval: float) -> None:
    rules = Rules(interval=interval)
    state, out, now, began, frames = JudgeState(), [], 100.0, None, 0
    for what, later in script:
        now += later
        if what == "tick":
            state, intervals = step(state, None, now, rules)
        elif what == "rest":
            state, intervals = judge.unobserved(state, now, rules)
        elif what == "lost":
            state, intervals = judge.lost(state, now, rules)
        elif what == "gap":
            state, intervals = judge.gap(state, now, rules)
        else:
            state, intervals = step(state, LOOKS[what], now, rules)
            frames += 1
        began = now if began is None else began
        out += intervals
        assert JudgeState.from_json(json.loads(json.dumps(state.to_json()))) == state
        held_back = now - (out[-1].end if out else began)
        assert held_back <= max(rules.settle_within, 4 * interval) + 2 * interval + 1e-9
    _, intervals = judge.finish(state, rules, now=now + 0.5)
    out += intervals
    assert all(i.end > i.start for i in out)
    assert all(a.end == b.start for a, b in pairwise(out))
    assert sum(i.frames for i in out) == frames
    if began is not None:
        assert out[0].start == began and out[-1].end == now + 0.5
    for i in out:
        if i.end - i.start > rules.gap + 1e-9:
            assert i.state is State.NOT_OBSERVED


@given(st.lists(st.sampled_from(list(LOOKS)), min_size=1, max_size=80))
def test_doubt_is_never_credited_to_a_state_nor_a_state_to_doubt(script: list[str]) -> None:
    out = play("".join(script))
    assert [i.state is State.UNKNOWN for i in out] == [name in "ckb" for name in script]


def test_time_that_goes_back_is_ignored() -> None:
    state, _ = step(JudgeState(), LOOKS["s"], 10.0, RULES)
    assert step(state, LOOKS["l"], 9.0, RULES) == (state, ())
    assert step(state, LOOKS["l"], 10.0, RULES) == (state, ())


@pytest.mark.parametrize("every", [1.0, 10.0])
def test_phones_seen_before_a_long_break_of_the_lens_say_nothing_after_it(every: float) -> None:
    """An hour behind a shutter later, one odd look is one odd look."""
    rules = Rules(interval=every)
    before = "pppppp" + "k" * 3600
    assert spelled(before + "pssssss", rules, every)[len(before) :] == "sssssss"


def test_phones_seen_before_a_hand_passed_the_lens_still_count() -> None:
    assert spelled("pppppkpppp") == "pppppcpppp"


def test_a_checkpoint_whose_scores_have_no_times_is_read_without_them() -> None:
    state, _ = step(JudgeState(), LOOKS["p"], 10.0, RULES)
    assert state.scores == (0.9,)
    older = {**state.to_json(), "scores": [0.9, 0.9, 1]}
    assert JudgeState.from_json(older).scores == ()
    with pytest.raises((TypeError, ValueError)):
        JudgeState.from_json({**older, "scores": ["0.9"]})
