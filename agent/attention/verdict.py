"""What one look says on its own, without a past (judge.py, part 1): who is near, which way they look, what they hold."""

from __future__ import annotations

from agent.attention.baseline import Baseline
from agent.attention.observation import Box, Face, Lens, Observation, Person, State, middle_in
from agent.attention.rules import Rules


def seen(observation: Observation, rules: Rules, baseline: Baseline) -> State:
    """The state without regard to phones."""
    if observation.lens is not Lens.CLEAR:
        return State.UNKNOWN
    face = near_face(observation, rules)
    if face is None:
        return State.LOOKING_AWAY if near_body(observation, rules) else State.ABSENT
    if face.yaw is None or face.pitch is None:
        return State.UNKNOWN
    turned = abs(face.yaw - baseline.yaw) > rules.yaw_away
    bowed = face.pitch - baseline.pitch < -rules.pitch_down
    return State.LOOKING_AWAY if turned or bowed else State.AT_SCREEN


def near_face(observation: Observation, rules: Rules) -> Face | None:
    """The nearest face, if it is near enough to be somebody at this laptop."""
    face = observation.faces[0] if observation.faces else None
    return face if face is not None and _is_near(face, observation, rules) else None


def near_faces(observation: Observation, rules: Rules) -> tuple[Face, ...]:
    """All faces that are near enough to be somebody at this laptop, nearest first."""
    return tuple(face for face in observation.faces if _is_near(face, observation, rules))


def held_phone(observation: Observation, rules: Rules) -> float:
    """The score of the best phone that lies on the nearest person's body, 0.0 if there is none or nobody is near.

    Somebody else's phone in the picture is none of this laptop's business.
    """
    face = near_face(observation, rules)
    if face is None and not near_body(observation, rules):
        return 0.0
    bodies = [_grown(person.box, rules.phone_reach) for person in _nearest(observation, face, rules)]
    return max((p.score for p in observation.phones if any(middle_in(p.box, body) for body in bodies)), default=0.0)


def _is_near(face: Face, observation: Observation, rules: Rules) -> bool:
    return face.box[2] - face.box[0] >= rules.face_near * observation.size[0]


def _nearest(observation: Observation, face: Face | None, rules: Rules) -> list[Person]:
    """The bodies the nearest face lies on (the network often draws one person twice), or else the largest."""
    persons = [person for person in observation.persons if person.score >= rules.person_score]
    theirs = [person for person in persons if face is not None and middle_in(face.box, person.box)]
    return theirs or persons[:1]


def near_body(observation: Observation, rules: Rules) -> bool:
    """Whether somebody's body fills so much of the picture both ways that it is at this laptop."""
    width, height = (rules.person_near * side for side in observation.size)
    return any(
        person.score >= rules.person_score
        and person.box[2] - person.box[0] >= width
        and person.box[3] - person.box[1] >= height
        for person in observation.persons
    )


def _grown(box: Box, share: float) -> Box:
    x1, y1, x2, y2 = box
    wider, higher = share * (x2 - x1), share * (y2 - y1)
    return x1 - wider, y1 - higher, x2 + wider, y2 + higher
