"""A person's neutral head pose, learned on the laptop and never sent (why and how: judge.py, part 5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Baseline:
    """`minutes` are the medians (yaw, pitch) of calm minutes, oldest first; `samples` and `seconds` belong to the
    minute being gathered, at most twelve poses, five seconds apart or more. Degrees and seconds.
    """

    minutes: tuple[Pose, ...] = ()
    samples: tuple[Pose, ...] = ()
    seconds: float = 0.0

    @property
    def yaw(self) -> float:
        """Neutral yaw in degrees, 0 while unlearned."""
        return self._neutral(0)

    @property
    def pitch(self) -> float:
        """Neutral pitch in degrees, 0 while unlearned."""
        return self._neutral(1)

    def _neutral(self, axis: int) -> float:
        minutes = (*((0.0, 0.0),) * BASELINE_PRIOR, *self.minutes)[-BASELINE_MINUTES:]
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
            return Baseline(self.minutes, samples, total)
        middle = (median(s[0] for s in samples), median(s[1] for s in samples))
        calm = all(median(abs(s[axis] - middle[axis]) for s in samples) <= BASELINE_CALM for axis in (0, 1))
        reachable = all(abs(middle[axis]) <= BASELINE_LIMIT[axis] for axis in (0, 1))
        minutes = (*self.minutes, middle)[-BASELINE_MINUTES:] if calm and reachable else self.minutes
        return Baseline(minutes)

    def to_json(self) -> dict[str, Any]:
        """The form of the local checkpoint."""
        return {
            "minutes": [list(m) for m in self.minutes],
            "samples": [list(s) for s in self.samples],
            "seconds": self.seconds,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Baseline:
        """The reverse of `to_json`. Raises KeyError, TypeError or ValueError on anything else."""
        return cls(
            minutes=tuple((float(y), float(p)) for y, p in data["minutes"]),
            samples=tuple((float(y), float(p)) for y, p in data["samples"]),
            seconds=float(data["seconds"]),
        )
