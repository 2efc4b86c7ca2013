"""Runs the real `framekeep analyze --json` over a labelled folder and reads what it says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agent.attention.rules import Rules
from agent.errors import FramekeepError
from evaluation.labels import Box, LabelledSet, Picture

BATCH = 500
"""Pictures per run of `analyze`: command lines have a limit."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Where the judge of this run draws its lines (agent/attention/rules.py): a score, and degrees."""

    phone: float
    yaw_away: float
    pitch_down: float

    @classmethod
    def of(cls, rules: Rules) -> Thresholds:
        """Those of the judge as installed."""
        return cls(rules.phone_threshold, rules.yaw_away, rules.pitch_down)


@dataclass(frozen=True, slots=True)
class Said:
    """What the agent said about one picture: the fields of its line that are scored. `ms` is per stage."""

    lens: str
    state: str
    phone_score: float
    faces: tuple[Mapping[str, Any], ...] = ()
    phones: tuple[Mapping[str, Any], ...] = ()
    ms: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def from_json(cls, line: Mapping[str, Any]) -> Said:
        """From a line of `analyze`, or a result stored by `to_json`. Raises FramekeepError when a field is missing."""
        try:
            phones = sorted(line["phones"], key=lambda phone: -float(phone["score"]))
            return cls(
                lens=str(line["lens"]),
                state=str(line["state"]),
                phone_score=float(line["phone_score"]),
                faces=tuple(line["faces"]),
                phones=tuple(phones),
                ms={str(stage): float(ms) for stage, ms in line.get("ms", {}).items()},
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise FramekeepError(
                f"What was said about a picture lacks a field or holds a wrong one ({error}); this evaluation and the "
                "agent are of different versions."
            ) from error

    def to_json(self) -> dict[str, Any]:
        """For the results file: no pixels, and of the phone candidates only the best."""
        return {
            "lens": self.lens,
            "state": self.state,
            "phone_score": self.phone_score,
            "faces": list(self.faces),
            "phones": list(self.phones[:1]),
            "ms": {stage: round(ms, 2) for stage, ms in self.ms.items()},
        }

    @property
    def best_box(self) -> Box | None:
        """Where the best phone candidate is."""
        if not self.phones:
            return None
        x1, y1, x2, y2 = (float(value) for value in self.phones[0]["box"])
        return x1, y1, x2, y2

    @property
    def looking_ms(self) -> float:
        """Milliseconds of all stages but reading the file; 0 where the line says nothing about time."""
        return sum(ms for stage, ms in self.ms.items() if stage != "camera")

    def away_score(self, thresholds: Thresholds) -> float | None:
        """How far the nearest face is turned away or bowed; above 1 the judge says away. None without a pose."""
        if not self.faces or self.faces[0]["yaw"] is None or self.faces[0]["pitch"] is None:
            return None
        face = self.faces[0]
        return max(abs(float(face["yaw"])) / thresholds.yaw_away, -float(face["pitch"]) / thresholds.pitch_down)


@dataclass(frozen=True, slots=True)
class Scored:
    """One picture: what is true and what was said."""

    picture: Picture
    said: Said


@dataclass(frozen=True, slots=True)
class Outcome:
    """One run: pictures in the order of the labels, those that could not be judged, and what it cost.

    `warm` are the indexes into `scored` whose times count (not the first of a process); `between` the milliseconds from
    one line to the next, decoding and pipe included; `cpu_seconds` of all processes, their start included.
    """

    scored: tuple[Scored, ...]
    missing: tuple[str, ...]
    warm: tuple[int, ...]
    between: tuple[float, ...]
    cpu_seconds: float | None


def run_agent(labelled: LabelledSet, options: Sequence[str] = ()) -> Outcome:
    """Have the agent judge every picture; `options` are handed to `analyze` as they are.

    What the agent complains about goes to standard error. Raises FramekeepError when it judges nothing at all.
    """
    by_file = {str(labelled.folder / picture.file): picture for picture in labelled.pictures}
    files = list(by_file)
    scored: list[Scored] = []
    warm: list[int] = []
    between: list[float] = []
    before = _children_cpu()
    code = 0
    for start in range(0, len(files), BATCH):
        command = [sys.executable, "-m", "agent.cli", "analyze", "--json", *options, *files[start : start + BATCH]]
        last: float | None = None
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            for line in process.stdout or ():
                now = time.perf_counter()
                if last is not None:
                    between.append(1000.0 * (now - last))
                    warm.append(len(scored))
                last = now
                answer = json.loads(line)
                scored.append(Scored(by_file[answer["source"]], Said.from_json(answer)))
        code = code or process.returncode
    if not scored:
        raise FramekeepError(f"`framekeep analyze` judged no picture (exit code {code}); its reason stands above.")
    judged = {s.picture.file for s in scored}
    missing = tuple(picture.file for picture in labelled.pictures if picture.file not in judged)
    after = _children_cpu()
    cpu = None if before is None or after is None else after - before
    return Outcome(tuple(scored), missing, tuple(warm), tuple(between), cpu)


def _children_cpu() -> float | None:
    times = os.times()
    spent = times.children_user + times.children_system
    return spent if sys.platform != "win32" else None  # Windows always says 0
