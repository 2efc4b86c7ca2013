"""Measure a recording as fast as it can be judged, on its own clock: what `demo` and `bench` run on."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from agent.attention import meter
from agent.attention.observation import Observation
from agent.attention.rules import Rules
from agent.eyes_link import Eyes, Look
from agent.recorder import Recorder
from agent.status import AgentState, Report
from agent.wire.summary import Window

LOOK_SECONDS = 30.0
"""How long one picture may take to decode and judge: a large one on a slow machine."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of it: closed windows, how many looks gave an observation, and what could not be read."""

    windows: tuple[Window, ...]
    observations: int
    problems: tuple[str, ...]


def measure(
    eyes: Eyes,
    recorder: Recorder,
    *,
    wall_start: float,
    rules: Rules,
    report: Report,
    on_look: Callable[[Look, Observation], None] | None = None,
    more: Callable[[], bool] = lambda: True,
    pace: float | None = None,
) -> Replayed:
    """Look until the source ends or `more` says no, and close the last window.

    A recording's own clock is labelled from `wall_start` (epoch seconds). With `pace` the source is a live camera that
    is looked at every so many seconds, on the machine's clock. Every closed window is committed before the next look.
    A file that cannot be read is a problem, not the end.
    """
    windows: tuple[Window, ...] = ()
    problems: list[str] = []
    observations = 0
    now = wall_start
    began = time.monotonic()
    while more():
        look = eyes.look(LOOK_SECONDS)
        if look.end:
            break
        if look.error is not None:
            problems.append(str(look.error))
            if not eyes.alive or pace is not None:
                break  # a live camera that failed does not come back by asking again at once
            continue
        if look.observation is None:
            continue
        observations += 1
        at = look.observation.at if pace is None else time.monotonic() - began
        now = wall_start + at
        rules = rules if look.spacing in (None, rules.interval) else replace(rules, interval=look.spacing)
        step = meter.look(recorder.meter, look.observation, at, now, rules)
        windows += recorder.keep(step, policy=report.policy, report=_at(report, now))
        if on_look is not None:
            on_look(look, look.observation)
        if pace is not None:
            time.sleep(max(0.0, observations * pace - (time.monotonic() - began)))
    final = recorder.keep(meter.finish(recorder.meter, rules), policy=report.policy, report=_at(report, now))
    return Replayed(windows + final, observations, tuple(problems))


def _at(report: Report, now: float) -> Report:
    return replace(report, state=AgentState.WATCHING, updated=int(now))
