"""Which pose to take for neutral after the employee held it for some seconds, or why none. Pure.

Asked for in the camera check: sit as you usually do and look at the middle of the screen. About five seconds of looks
give some twenty poses; their median becomes the neutral pose (baseline.py). What is refused, and why:

- looks on which the face or its pose was missing, if they are more than a few: the rest could be anything;
- a second face near enough to be somebody at this laptop: it is not clear whose pose it would be;
- poses that waver more than a calm minute may (BASELINE_CALM), so that a glance aside is never learned;
- a median beyond BASELINE_LIMIT: there the pose is a guess, and the camera should be moved instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from agent.attention.baseline import BASELINE_CALM, BASELINE_LIMIT, Pose, middle, reachable
from agent.attention.observation import Lens, Observation
from agent.attention.rules import Rules
from agent.attention.verdict import near_faces

CALIBRATION_SECONDS = 5.0
"""How long the pose is held."""
LEAST_LOOKS = 5
"""Fewer looks than this are no evidence, however slow the machine is."""
MOST_MISSES = 0.25
"""Share of the looks on which no pose could be read (a blink of the detector) that is still fine."""


class Obstacle(StrEnum):
    """Why no neutral pose can be taken."""

    TOO_FEW = "too_few"
    UNREADABLE = "unreadable"
    NO_FACE = "no_face"
    SEVERAL_FACES = "several_faces"
    MOVED = "moved"
    TURNED_TOO_FAR = "turned_too_far"


SENTENCES = {
    Obstacle.TOO_FEW: "The camera gave too few pictures in this time; try again.",
    Obstacle.UNREADABLE: "The picture is too dark, covered or blurred to find a pose in; make some light, then try again.",
    Obstacle.NO_FACE: "No face was found near the camera for most of the time; sit as you usually do, then try again.",
    Obstacle.SEVERAL_FACES: "More than one face is near the camera, so it is not clear whose pose to keep; try again alone.",
    Obstacle.MOVED: "The head moved too much; look at the middle of the screen for five seconds and try again.",
    Obstacle.TURNED_TOO_FAR: "The head is turned too far from the camera (at most {yaw} degrees to a side and {pitch} up"
    " or down); move the camera nearer to the screen, then try again.",
}
"""One English sentence each, the source of the translations."""


@dataclass(frozen=True, slots=True)
class NotNeutral:
    """Why there is no pose."""

    obstacle: Obstacle

    @property
    def sentence(self) -> str:
        """In English, for a person."""
        return SENTENCES[self.obstacle].format(**self.values)

    @property
    def values(self) -> dict[str, int]:
        """What fills the gaps of the sentence in SENTENCES, in any language."""
        return {"yaw": round(BASELINE_LIMIT[0]), "pitch": round(BASELINE_LIMIT[1])}


def neutral_pose(looks: Sequence[Observation], rules: Rules) -> Pose | NotNeutral:
    """The neutral pose (yaw, pitch in degrees) that these looks of some seconds agree on, or why there is none."""
    if len(looks) < LEAST_LOOKS:
        return NotNeutral(Obstacle.TOO_FEW)
    fine = (1 - MOST_MISSES) * len(looks)
    if sum(look.lens is Lens.CLEAR for look in looks) < fine:
        return NotNeutral(Obstacle.UNREADABLE)
    near = [near_faces(look, rules) for look in looks]
    if sum(len(faces) > 1 for faces in near) > MOST_MISSES * len(looks):
        return NotNeutral(Obstacle.SEVERAL_FACES)
    poses = [(f[0].yaw, f[0].pitch) for f in near if f and f[0].yaw is not None and f[0].pitch is not None]
    if len(poses) < fine:
        return NotNeutral(Obstacle.NO_FACE)
    pose, waver = middle(poses)
    if waver > BASELINE_CALM:
        return NotNeutral(Obstacle.MOVED)
    return pose if reachable(pose) else NotNeutral(Obstacle.TURNED_TOO_FAR)
