"""The judge's thresholds, in one place and with their source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from agent.attention.observation import State

SENSITIVITY: Mapping[str, tuple[float, float]] = MappingProxyType(
    {"relaxed": (35.0, 20.0), "normal": (25.0, 15.0), "strict": (20.0, 12.0)}
)
"""What the employee may choose: degrees of yaw and of pitch beyond which a head is turned away. The middle is measured
(see Rules); the others are one step of a head to each side of it."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The judge's thresholds. Times in seconds, angles in degrees, scores 0 to 1.

    `interval` is the sampling interval: two of them make a gap. The numbers come from the labelled pictures beside the
    checkout (models/README.md).

    Angles: of the people without a phone there 10 of 11 who look away are past them and 2 of 61 who look at the screen;
    no yaw lies between 24 and 27 degrees, no pitch between -11 and -16. Turning both angles into one, or minding the
    face's score too, separates no better.

    A single picture says "phone" at `phone_threshold`: an even chance (detect/second_look.py). With either face engine
    nobody there without a phone reaches it (the highest are 0.48), but for those who hold wallets and the like up to
    the camera, of whom the set is full. Over time the median of some looks must reach `phone_sustained`; once it has,
    less keeps it (`phone_leave`). Among the neighbours on a grid these two make the seconds of composed clips right as
    often as any (models/compose_clips.py --suggest).

    Near is a share of the picture. A face of `face_near` of its width is about 3 m from a common laptop camera (53
    degrees wide), the smallest of a person at work there is .07. A body must fill `person_near` of the width and of the
    height: among the pictures without a found face somebody 2 m away (shoulders of .25) does not, and of those at hand
    236 of 241 (training pool) and 14 of 15 (desks seen from above) do; of the empty pictures none.

    A phone is held when its middle lies on the nearest person's body, whose box is grown by `phone_reach` of itself on
    each side: so do 39 of 39 phones in hand or close up and 1 of 10 on a desk there, and in the training pool 351 of
    361 in hand, 105 of 105 at the ear, 1 of 81 on a desk.
    """

    interval: float = 1.0
    phone_threshold: float = 0.5
    phone_sustained: float = 0.5
    phone_leave: float = 0.4
    phone_minimum: float = 0.4
    phone_memory: float = 5.0
    phone_reach: float = 0.1
    yaw_away: float = 25.0
    pitch_down: float = 15.0
    face_near: float = 0.05
    person_near: float = 0.3
    person_score: float = 0.3
    hold_at_screen: float = 1.0
    hold_looking_away: float = 3.0
    hold_absent: float = 5.0
    hold_after_phone: float = 3.0
    settle_within: float = 10.0

    def __post_init__(self) -> None:
        if not 0 < self.interval < float("inf"):
            raise ValueError(f"the sampling interval must be a positive number of seconds, not {self.interval}")
        if not 0 < self.phone_minimum <= self.phone_leave <= self.phone_sustained <= self.phone_threshold <= 1:
            raise ValueError("phone scores must satisfy 0 < minimum <= leave <= sustained <= threshold <= 1")

    @property
    def gap(self) -> float:
        """Longest time between two looks that is still observed."""
        return 2 * self.interval

    @property
    def phone_looks(self) -> int:
        """Over how many looks the median phone score runs: about `phone_memory` seconds, odd, 3 to 9."""
        return min(9, max(3, int(self.phone_memory / self.interval) | 1))

    def hold(self, state: State, after: State) -> float:
        """How long an unbroken run of looks must last before `state` is believed in place of `after`."""
        holds = {State.AT_SCREEN: self.hold_at_screen, State.LOOKING_AWAY: self.hold_looking_away}
        hold = holds.get(state, self.hold_absent)
        return max(hold, self.hold_after_phone) if after is State.ON_PHONE else hold
