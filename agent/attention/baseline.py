"""A person's neutral head pose, learned on the laptop and never sent (why and how: judge.py, part 5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from statistics import median
from typing import Any

BASELINE_MINUTES = 15
"""How many calm minutes are remembered."""
BASELINE_PRIOR = 6
"""Minutes of looking straight ahead that count as remembered at first, until real ones push them out: a new user who
bows over a letter for some minutes is not taught to be at the screen; one with the camera at the side is within ten.
"""
BASELINE_CALM = 8.0
"""Degrees of median absolute deviation up to which a minute is calm."""
BASELINE_LIMIT = (45.0, 15.0)
"""Largest neutral yaw and pitch. Beyond the first the face is in profile and its pose a guess; a head bowed further than
the second reads or writes on the desk, and however long it does, that is no screen."""

_MINUTE = 60.0
_SAMPLES = 12

Pose = tuple[float, float]
"""Yaw and pitch in degrees, as `agent.attention.observation.Face` has them."""


class Origin(StrEnum):
    """Where the neutral pose comes from."""

    DEFAULT = "default"
    """Straight ahead: too little was learned yet to move it."""
    LEARNED = "learned"
    CHOSEN = "chosen"
    """The employee held it in the camera check."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """`minutes` are the medians (yaw, pitch) of calm minutes, oldest first; `samples` and `seconds` belong to the
    minute being gathered, at most twelve poses, five seconds apart or more. Degrees and seconds.

    `chosen` is the pose of the last calibration and `later` how many calm minutes came after it. It counts as if it had
    been seen for all remembered minutes, so it holds at once, and a laptop that is turned afterwards still moves it
    within eight minutes of work. Learning goes on beside it: without it, all is as if it had never been chosen.
    """

    minutes: tuple[Pose, ...] = ()
    samples: tuple[Pose, ...] = ()
    seconds: float = 0.0
    chosen: Pose | None = None
    later: int = 0

    @property
    def yaw(self) -> float:
        """Neutral yaw in degrees, 0 while unlearned."""
        return self._neutral(0)

    @property
    def pitch(self) -> float:
        """Neutral pitch in degrees, 0 while unlearned."""
        return self._neutral(1)

    @property
    def origin(self) -> Origin:
        """What the neutral pose rests on, going by most of the minutes that count."""
        if self.chosen is not None:
            return Origin.CHOSEN if 2 * self.later < BASELINE_MINUTES else Origin.LEARNED
        return Origin.LEARNED if len(self.minutes) > BASELINE_PRIOR else Origin.DEFAULT

    def calibrated(self, pose: Pose) -> Baseline:
        """The baseline with `pose` chosen as the neutral one. Raises ValueError beyond BASELINE_LIMIT."""
        if not reachable(pose):
            raise ValueError("a neutral pose lies within BASELINE_LIMIT")
        return replace(self, chosen=pose, later=0)

    def reset(self) -> Baseline:
        """The baseline as it would be, had nobody ever calibrated it."""
        return replace(self, chosen=None, later=0)

    def _neutral(self, axis: int) -> float:
        prior, count = ((0.0, 0.0), BASELINE_PRIOR) if self.chosen is None else (self.chosen, BASELINE_MINUTES)
        learned = self.minutes if self.chosen is None else self.minutes[len(self.minutes) - self.later :]
        minutes = (*(prior,) * count, *learned)[-BASELINE_MINUTES:]
        limit = BASELINE_LIMIT[axis]
        return min(limit, max(-limit, median(minute[axis] for minute in minutes)))

    def learn(self, yaw: float, pitch: float, seconds: float) -> Baseline:
        """The baseline after a face was seen in this pose for `seconds` more."""
        total = self.seconds + seconds
        spacing = _MINUTE / _SAMPLES
        samples = self.samples
        if len(samples) < min(_SAMPLES, total // spacing):
            samples = (*samples, (yaw, pitch))
        if total < _MINUTE or len(samples) < 3:
            return replace(self, samples=samples, seconds=total)
        pose, waver = middle(samples)
        if waver > BASELINE_CALM or not reachable(pose):
            return replace(self, samples=(), seconds=0.0)
        minutes, later = (*self.minutes, pose)[-BASELINE_MINUTES:], self.later + 1
        if self.chosen is None or later >= BASELINE_MINUTES:  # nothing of what was chosen counts any more
            return Baseline(minutes)
        return Baseline(minutes, chosen=self.chosen, later=later)

    def to_json(self) -> dict[str, Any]:
        """The form of the local checkpoint."""
        return {
            "minutes": [list(m) for m in self.minutes],
            "samples": [list(s) for s in self.samples],
            "seconds": self.seconds,
            "chosen": self.chosen and list(self.chosen),
            "later": self.later,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Baseline:
        """The reverse of `to_json`; without "chosen" (a checkpoint of 1.0) nothing was. Raises KeyError, TypeError or
        ValueError on anything else.
        """
        minutes = tuple((float(y), float(p)) for y, p in data["minutes"])
        chosen, later = data.get("chosen"), int(data.get("later", 0))
        if not 0 <= later <= len(minutes):
            raise ValueError("more minutes after the calibration than there are")
        return cls(
            minutes=minutes,
            samples=tuple((float(y), float(p)) for y, p in data["samples"]),
            seconds=float(data["seconds"]),
            chosen=(float(chosen[0]), float(chosen[1])) if chosen is not None else None,
            later=later,
        )


def middle(poses: Sequence[Pose]) -> tuple[Pose, float]:
    """The median pose of at least one, and how far the poses waver about it: the larger of the two median absolute
    deviations, in degrees.
    """
    pose = (median(p[0] for p in poses), median(p[1] for p in poses))
    return pose, max(median(abs(p[axis] - pose[axis]) for p in poses) for axis in (0, 1))


def reachable(pose: Pose) -> bool:
    """Whether a pose may be neutral at all."""
    return all(abs(pose[axis]) <= BASELINE_LIMIT[axis] for axis in (0, 1))
