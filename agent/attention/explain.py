"""Why the judge says what it says, as facts with numbers that a page puts into words. Pure.

A `Fact` is a code and values; `Fact.sentence` fills an English template, or a translated one. Facts only restate what
verdict.py and judge.py decide by, with the very thresholds in force: `says` is the state a fact speaks for, and the
facts of one look never speak for another state than its own verdict (a test holds that for any look).

Nothing here is stored or sent: the newest `Explanation` replaces the one before in memory (agent/check.py).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from agent.attention import verdict
from agent.attention.baseline import Baseline
from agent.attention.judge import JudgeState
from agent.attention.observation import Face, Lens, Observation, State
from agent.attention.rules import Rules

WORTH_NAMING = 0.1
"""Chance of a phone below which a candidate is not worth a word; what look.py calls beyond doubt."""


class Code(StrEnum):
    """What a fact is about."""

    DARK = "dark"
    COVERED = "covered"
    BLURRED = "blurred"
    FACE = "face"
    FACE_FAR = "face_far"
    MORE_FACES = "more_faces"
    POSE_UNSOLVED = "pose_unsolved"
    TURNED = "turned"
    BOWED = "bowed"
    FACING = "facing"
    BODY_ONLY = "body_only"
    NOBODY = "nobody"
    PHONE_HELD = "phone_held"
    PHONE_DOUBTFUL = "phone_doubtful"
    PHONE_OUT_OF_REACH = "phone_out_of_reach"
    NO_PHONE = "no_phone"
    SETTLED = "settled"
    UNSETTLED = "unsettled"


SENTENCES: Mapping[Code, str] = {
    Code.DARK: "The picture is too dark to tell anything from it.",
    Code.COVERED: "The camera seems to be covered, so nothing can be told from the picture.",
    Code.BLURRED: "The picture is too blurred to tell anything from it.",
    Code.FACE: "A face is found (score {score}).",
    Code.FACE_FAR: "A face is found (score {score}), but it is only {share}% of the picture wide: below {limit}% it is"
    " somebody in the background.",
    Code.MORE_FACES: "{count} faces are near; only the nearest one counts.",
    Code.POSE_UNSOLVED: "Which way the face is turned could not be told.",
    Code.TURNED: "The head is turned {degrees} degrees from your usual pose: beyond {limit} means looking away.",
    Code.BOWED: "The head is bowed {degrees} degrees from your usual pose: beyond {limit} means looking away.",
    Code.FACING: "The head is turned {turned} and bowed {bowed} degrees from your usual pose: up to {turned_limit} and"
    " {bowed_limit} means at the screen.",
    Code.BODY_ONLY: "Somebody is near (score {score}) whose face is not in view: that means looking away.",
    Code.NOBODY: "Nobody is found near the camera.",
    Code.PHONE_HELD: "A phone (chance {chance}) lies within reach of the nearest person: from {limit} on that means on the"
    " phone.",
    Code.PHONE_DOUBTFUL: "What may be a phone (chance {chance}) lies within reach of the nearest person: below {limit} it"
    " does not count.",
    Code.PHONE_OUT_OF_REACH: "A phone (chance {chance}) lies out of reach of the nearest person, so it does not count.",
    Code.NO_PHONE: "No phone is found.",
    Code.SETTLED: "The state: {state}, for {seconds} s now.",
    Code.UNSETTLED: "This look alone says: {seen}. The state stays “{state}” until further looks agree: one look is never"
    " enough to change it.",
}
"""English, the source of the translations; the gaps are named as in `Fact.values`."""

STATE_WORDS: Mapping[State, str] = {
    State.AT_SCREEN: "at the screen",
    State.LOOKING_AWAY: "looking away",
    State.ON_PHONE: "on the phone",
    State.ABSENT: "away from the laptop",
    State.UNKNOWN: "could not tell",
    State.NOT_OBSERVED: "not observed",
}
"""English, inside a sentence."""

DECIMALS: Mapping[str, int] = {"score": 2, "chance": 2}
"""How many decimals a value is shown with; the others have none, but the limit of a chance."""


@dataclass(frozen=True, slots=True)
class Fact:
    """`says` is the state this fact speaks for, None where it only adds to the picture. Values are already rounded so
    that no number contradicts the limit beside it.
    """

    code: Code
    values: Mapping[str, float | State] = field(default_factory=dict)
    says: State | None = None

    def sentence(
        self,
        translate: Callable[[str], str] = str,
        number: Callable[[float, int], str] = lambda value, decimals: f"{value:.{decimals}f}",
    ) -> str:
        """In words. `translate` gets a text of SENTENCES or STATE_WORDS; `number` a value and its decimals."""
        filled = {
            name: translate(STATE_WORDS[value]) if isinstance(value, State) else self._number(name, value, number)
            for name, value in self.values.items()
        }
        return translate(SENTENCES[self.code]).format(**filled)

    def _number(self, name: str, value: float, number: Callable[[float, int], str]) -> str:
        phone = name == "limit" and "chance" in self.values
        return number(value, 2 if phone else DECIMALS.get(name, 0))


@dataclass(frozen=True, slots=True)
class Explanation:
    """`state` is what is shown, for `seconds` (None while nothing is settled); `seen` what the newest look says alone;
    `facts` why, the weightiest first.
    """

    state: State
    seen: State
    seconds: float | None
    facts: tuple[Fact, ...]


class Kind(StrEnum):
    """What an outline is drawn around."""

    FACE = "face"
    PERSON = "person"
    PHONE = "phone"


@dataclass(frozen=True, slots=True)
class Outline:
    """A box to draw over the picture. Left, top, width and height are shares of the picture, 0 to 1; `score` is the
    detector's, for a phone the chance; `counts` whether the judge heeds it.
    """

    kind: Kind
    left: float
    top: float
    width: float
    height: float
    score: float
    counts: bool


def explain(observation: Observation, judged: JudgeState, rules: Rules, now: float) -> Explanation:
    """Why the state is what it is after `observation`. `judged` is the judge's memory, `now` on the judge's clock."""
    alone = look_alone(observation, judged, rules)
    settled = judged.since is not None and judged.shown is judged.state
    seconds = max(0.0, now - judged.since) if settled and judged.since is not None else None
    facts = _about_look(observation, judged, rules, alone)
    if alone is not judged.shown and judged.shown is not State.NOT_OBSERVED:
        facts += (Fact(Code.UNSETTLED, {"seen": alone, "state": judged.shown}),)
    elif seconds is not None:
        facts += (Fact(Code.SETTLED, {"state": judged.shown, "seconds": math.floor(seconds)}),)
    return Explanation(judged.shown, alone, seconds, facts)


def look_alone(observation: Observation, judged: JudgeState, rules: Rules) -> State:
    """The look's own verdict, phones included (judge.py, part 1)."""
    seen = verdict.seen(observation, rules, judged.baseline)
    held = verdict.held_phone(observation, rules) >= _enough(judged, rules)
    return State.ON_PHONE if held and seen is not State.UNKNOWN else seen


def outlines(observation: Observation, rules: Rules) -> tuple[Outline, ...]:
    """What to draw over the picture: bodies first, then faces, then phones; of those that cannot count only the best, and
    that if it is worth a word.
    """
    near, held = verdict.near_face(observation, rules), verdict.held_phone
    width, height = observation.size

    def outline(kind: Kind, box: tuple[float, ...], score: float, counts: bool) -> Outline:
        x1, y1, x2, y2 = box
        return Outline(kind, x1 / width, y1 / height, (x2 - x1) / width, (y2 - y1) / height, score, counts)

    persons = (p for p in observation.persons if p.score >= rules.person_score)
    best = observation.phone_score
    phones = (p for p in observation.phones if p.score >= rules.phone_minimum or WORTH_NAMING <= p.score == best)
    return (
        *(
            outline(Kind.PERSON, p.box, p.score, verdict.near_body(replace(observation, persons=(p,)), rules))
            for p in persons
        ),
        *(outline(Kind.FACE, f.box, f.score, f is near) for f in observation.faces),
        *(
            outline(Kind.PHONE, p.box, p.score, held(replace(observation, phones=(p,)), rules) >= rules.phone_minimum)
            for p in phones
        ),
    )


def _enough(judged: JudgeState, rules: Rules) -> float:
    """The phone's chance that one look needs; less while the state is ON_PHONE already."""
    return rules.phone_minimum if judged.state is State.ON_PHONE else rules.phone_sustained


def _about_look(observation: Observation, judged: JudgeState, rules: Rules, alone: State) -> tuple[Fact, ...]:
    unreadable = {Lens.DARK: Code.DARK, Lens.COVERED: Code.COVERED, Lens.BLURRED: Code.BLURRED}
    if observation.lens in unreadable:
        return (Fact(unreadable[observation.lens], says=State.UNKNOWN),)
    phone = _about_phone(observation, judged, rules)
    on_phone = alone is State.ON_PHONE
    who = _about_person(observation, judged.baseline, rules, decides=not on_phone)
    if alone is State.UNKNOWN:
        return who  # a phone changes nothing then
    return (phone, *who) if on_phone else (*who, phone)


def _about_person(observation: Observation, baseline: Baseline, rules: Rules, *, decides: bool) -> tuple[Fact, ...]:
    """Who is near and which way they look; `decides` is False where a phone decides instead."""

    def says(state: State) -> State | None:
        return state if decides else None

    face = verdict.near_face(observation, rules)
    if face is None:
        far = _about_far_faces(observation, rules)
        if verdict.near_body(observation, rules):
            score = max(p.score for p in observation.persons)
            return (Fact(Code.BODY_ONLY, {"score": _down(score)}, says(State.LOOKING_AWAY)), *far)
        return (Fact(Code.NOBODY, says=says(State.ABSENT)), *far)
    found: tuple[Fact, ...] = (Fact(Code.FACE, {"score": _down(face.score)}),)
    count = len(verdict.near_faces(observation, rules))
    if count > 1:
        found += (Fact(Code.MORE_FACES, {"count": count}),)
    if face.yaw is None or face.pitch is None:
        return (Fact(Code.POSE_UNSOLVED, says=State.UNKNOWN), *found)
    return (*_about_pose(face.yaw, face.pitch, baseline, rules, says), *found)


def _about_far_faces(observation: Observation, rules: Rules) -> tuple[Fact, ...]:
    if not observation.faces:
        return ()
    face: Face = observation.faces[0]
    share = 100 * (face.box[2] - face.box[0]) / observation.size[0]
    limit = math.ceil(100 * rules.face_near - 1e-9)
    return (Fact(Code.FACE_FAR, {"score": _down(face.score), "share": math.floor(share), "limit": limit}),)


def _about_pose(
    yaw: float, pitch: float, baseline: Baseline, rules: Rules, says: Callable[[State], State | None]
) -> tuple[Fact, ...]:
    turned, bowed = abs(yaw - baseline.yaw), baseline.pitch - pitch
    facts: list[Fact] = []
    for code, degrees, limit in ((Code.TURNED, turned, rules.yaw_away), (Code.BOWED, bowed, rules.pitch_down)):
        if degrees > limit:
            facts.append(Fact(code, {"degrees": math.ceil(degrees), "limit": limit}, says(State.LOOKING_AWAY)))
    if not facts:
        values = {
            "turned": math.floor(turned),
            "bowed": math.floor(max(0.0, bowed)),
            "turned_limit": rules.yaw_away,
            "bowed_limit": rules.pitch_down,
        }
        facts.append(Fact(Code.FACING, values, says(State.AT_SCREEN)))
    return tuple(facts)


def _about_phone(observation: Observation, judged: JudgeState, rules: Rules) -> Fact:
    held, limit = verdict.held_phone(observation, rules), _enough(judged, rules)
    if held >= limit:
        return Fact(Code.PHONE_HELD, {"chance": _down(held), "limit": limit}, State.ON_PHONE)
    if held >= WORTH_NAMING:
        return Fact(Code.PHONE_DOUBTFUL, {"chance": _down(held), "limit": limit})
    if observation.phone_score >= WORTH_NAMING:
        return Fact(Code.PHONE_OUT_OF_REACH, {"chance": _down(observation.phone_score)})
    return Fact(Code.NO_PHONE)


def _down(value: float) -> float:
    """Two decimals, never up: a chance just below a limit must not be shown as the limit."""
    return math.floor(value * 100 + 1e-9) / 100
