"""Which phone thresholds over time make the seconds right most often. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import mean

from agent.attention.rules import Rules
from composing.clips import Clip
from composing.score import error, judged

SUSTAINED = tuple(n / 100 for n in range(20, 85, 5))
LEAVE_SHARES = (1.0, 0.85, 0.7, 0.55)
"""`phone_leave`, and `phone_minimum` with it, as shares of `phone_sustained`."""


@dataclass(frozen=True, slots=True)
class Setting:
    """Two thresholds, the mean error of the clips under them, and that of their neighbours in the grid, themselves
    included: a lonely good value is luck.
    """

    sustained: float
    leave: float
    error: float
    around: float


def search(clips: Sequence[Clip], rules: Rules) -> list[Setting]:
    """All settings of the grid, best neighbourhood first."""
    errors = {
        (i, j): mean(_error(clip, with_thresholds(rules, sustained, sustained * share)) for clip in clips)
        for i, sustained in enumerate(SUSTAINED)
        for j, share in enumerate(LEAVE_SHARES)
    }
    settings = []
    for (i, j), own in errors.items():
        near = [errors[at] for at in ((i - 1, j), (i, j), (i + 1, j), (i, j - 1), (i, j + 1)) if at in errors]
        settings.append(Setting(SUSTAINED[i], SUSTAINED[i] * LEAVE_SHARES[j], own, mean(near)))
    return sorted(settings, key=lambda setting: setting.around)


def with_thresholds(rules: Rules, sustained: float, leave: float) -> Rules:
    """These rules with other phone thresholds over time."""
    highest = max(rules.phone_threshold, sustained)
    return replace(rules, phone_sustained=sustained, phone_leave=leave, phone_minimum=leave, phone_threshold=highest)


def _error(clip: Clip, rules: Rules) -> float:
    looks = [observation for observation, _ in clip.looks]
    return error(clip, judged(looks, replace(rules, interval=clip.every), clip.length))
