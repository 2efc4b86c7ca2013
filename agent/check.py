"""The camera check: what the employee's own panel may see of the camera, and why the state is what it is.

Two threads meet here. The panel's asks and waits; the pipeline's, which owns the eyes, serves. The panel sees:

- `CameraCheck.latest`: the newest `Reading` (numbers and reasons, no picture), for the page that says why. It is one
  reference, replaced at every look and empty whenever nobody looks; it is never stored and never sent.
- `CameraCheck.picture()`: waits for the next look and answers it with its JPEG, or with one sentence why there is none.
  Every request asks for one picture: no request, no picture. Their channel out of the eyes (eyes_channel.py) shuts
  LEASE_SECONDS after the last one. Call it again as soon as the last answer is shown; looks are made at most every
  SPACING seconds. A page that shows picture and boxes by two requests draws the boxes of `latest` (same `number`).
- `CameraCheck.calibrate()` and `reset_neutral()`: the neutral pose; see attention/calibration.py.

A picture is handed to whoever waits for it and to nobody else; nothing here keeps one. All sentences are English, the
source of the translations; `NoPicture.why` and `NotNeutral.obstacle` are codes for whoever wants other words.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from agent.attention.baseline import Baseline, Origin, Pose
from agent.attention.calibration import CALIBRATION_SECONDS, NotNeutral, neutral_pose
from agent.attention.explain import Explanation, Fact, Outline, explain, outlines
from agent.attention.judge import JudgeState
from agent.attention.observation import Observation, State
from agent.attention.rules import Rules
from agent.clock import Clock, SystemClock
from agent.eyes_channel import LEASE_SECONDS
from agent.status import AgentState

SPACING = 0.25
"""Seconds between two looks for the check, at least: lively enough to move into place before, and no load."""
WAIT_SECONDS = 2.0
"""How long a request waits for the pipeline."""
LATE = "late"
"""The code where the camera did not answer in time."""

SENTENCES = {
    LATE: "The camera gave no picture within two seconds; it may still be starting.",
    "paused": "Framekeep is paused, so there is no picture: resume it to see the camera.",
    "locked": "The screen is locked or not in front, so nothing is looked at.",
    "asleep": "The laptop sleeps or has just woken, so nothing is looked at for a moment.",
    "in_call": "Another program uses the camera, so Framekeep leaves it alone: end the call to see a picture.",
    "lid_closed": "The lid is closed, so nothing is looked at.",
    "shutter_closed": "The camera's shutter is closed: open it to see a picture.",
    "on_battery": "The laptop runs on battery, on which nothing is looked at here: plug it in to see a picture.",
    "outside_hours": "It is outside the work hours, so the camera stays off.",
    "resting": "Nothing is looked at just now.",
    "blind": "The camera cannot be used just now.",
    "blocked": "The camera may not be used just now.",
    "undecided": "You have not answered the notice yet, so the camera stays off.",
    "not_participating": "You do not take part, so the camera stays off.",
    "not_enrolled": "This laptop belongs to no organisation yet, so the camera stays off.",
    "not_running": "Framekeep does not run, so there is no picture: start it.",
}
"""Why there is no picture, by reason (schedule.Reason) or else by state (status.AgentState)."""


@dataclass(frozen=True, slots=True)
class Neutral:
    """The neutral pose in force, in degrees, and where it comes from."""

    yaw: float
    pitch: float
    origin: Origin


@dataclass(frozen=True, slots=True)
class Reading:
    """One look in numbers. `number` counts looks from 1 while the agent runs, `at` is epoch seconds; `outlines` are for
    drawing over the picture; `interval` is how many seconds apart the looks that count are.
    """

    number: int
    at: float
    observation: Observation
    explanation: Explanation
    outlines: tuple[Outline, ...]
    neutral: Neutral
    interval: float


@dataclass(frozen=True, slots=True)
class CheckPicture:
    """A picture and what was read from that very picture."""

    jpeg: bytes = field(repr=False)
    reading: Reading

    @property
    def observation(self) -> Observation:
        """What the detectors saw; boxes in pixels of `observation.size`, which the JPEG may be smaller than."""
        return self.reading.observation

    @property
    def state(self) -> State:
        """The attention state shown now; one look alone never changes it (`reading.explanation.seen` is its own)."""
        return self.reading.explanation.state

    @property
    def words(self) -> tuple[Fact, ...]:
        """The reasons; `Fact.sentence` puts one into words."""
        return self.reading.explanation.facts

    @property
    def at(self) -> float:
        """When the look was made, epoch seconds."""
        return self.reading.at


@dataclass(frozen=True, slots=True)
class NoPicture:
    """Why there is none: a key of SENTENCES, and one sentence for a person, sometimes more exact than that key's."""

    why: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Lease:
    """The channel's name and for how many seconds it is to be open."""

    name: str
    seconds: float


class _Asked:
    """One request that waits."""

    def __init__(self, *, pixels: bool) -> None:
        self.pixels = pixels
        self.answer: tuple[Reading, bytes] | NoPicture | None = None


class _Change:
    """A neutral pose that waits to be taken over; None for the learned one."""

    def __init__(self, pose: Pose | None) -> None:
        self.pose = pose
        self.done = False


class CameraCheck:
    """See the top of this file. Everything may be called from any thread."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._news = threading.Condition()
        self._wake: Callable[[], None] = lambda: None
        self._refused: NoPicture | None = NoPicture("not_running", SENTENCES["not_running"])
        self._asked: list[_Asked] = []
        self._changes: list[_Change] = []
        self._lease = ""
        self._lease_until = 0.0
        self._served: float | None = None
        self._number = 0
        self._rules = Rules()
        self._neutral = Neutral(0.0, 0.0, Origin.DEFAULT)
        self._latest: Reading | None = None

    # The panel's side.

    @property
    def latest(self) -> Reading | None:
        """The newest look in numbers, None while nobody looks."""
        return self._latest

    @property
    def neutral(self) -> Neutral:
        """The neutral pose in force as of the last look or change."""
        return self._neutral

    @property
    def refused(self) -> NoPicture | None:
        """Why there would be no picture just now; None while there may be one."""
        return self._refused

    def picture(self, *, wait: float = WAIT_SECONDS) -> CheckPicture | NoPicture:
        """The next picture, waiting at most `wait` seconds (WAIT_SECONDS at most) for it; or why there is none."""
        answer = self._ask(pixels=True, wait=wait)
        return answer if isinstance(answer, NoPicture) else CheckPicture(answer[1], answer[0])

    def calibrate(self, *, seconds: float = CALIBRATION_SECONDS) -> Neutral | NotNeutral | NoPicture:
        """Watch for so many seconds how the head is held, and make that the neutral pose; or why it is none. Blocks for
        that long. It is kept with the open window on this laptop, encrypted, and never sent.
        """
        looks: list[Observation] = []
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            answer = self._ask(pixels=False, wait=WAIT_SECONDS)
            if isinstance(answer, NoPicture):
                return answer
            looks.append(answer[0].observation)
        pose = neutral_pose(looks, self._rules)
        return pose if isinstance(pose, NotNeutral) else self._change(pose)

    def reset_neutral(self) -> Neutral | NoPicture:
        """Go by the learned pose again, as if none had ever been chosen. Works while the agent rests, too."""
        return self._change(None)

    # The pipeline's side.

    def bind(self, wake: Callable[[], None]) -> None:
        """`wake` ends the pipeline's waiting; it may be called from any thread."""
        self._wake = wake

    def stand(self, state: AgentState, reason: str = "", problems: tuple[str, ...] = ()) -> None:
        """What the agent does now. While it does not look, `reason` (schedule.Reason) and `problems` say why, and whoever
        waits is told at once.
        """
        refused = None
        if state not in (AgentState.STARTING, AgentState.OPENING, AgentState.WATCHING):
            why = reason if reason in SENTENCES else state.value
            refused = NoPicture(why, " ".join(problems) or SENTENCES[why])
        with self._news:
            self._refused = refused
            if refused is not None:
                self._latest = None
                self._lease = ""
                for asked in self._asked:
                    asked.answer = refused
                self._asked.clear()
                self._news.notify_all()

    def delay(self) -> float | None:
        """In how many seconds a look is wanted; None if nobody waits for one."""
        now = self._clock.monotonic()
        with self._news:
            if not self._asked:
                return None
            return 0.0 if self._served is None else min(SPACING, max(0.0, self._served + SPACING - now))

    def lease(self) -> Lease | None:
        """The lease to look under if somebody waits for a picture."""
        now = self._clock.monotonic()
        with self._news:
            if not any(asked.pixels for asked in self._asked):
                return None
            return Lease(self._lease, min(LEASE_SECONDS, self._lease_until - now))

    def serve(self, observation: Observation, jpeg: bytes, judged: JudgeState, rules: Rules, *, wall: float) -> None:
        """A look was made; `jpeg` is b"" where nobody had asked for the picture. `judged` is the judge's memory as of the
        last look that counted, `wall` the epoch second.
        """
        now = self._clock.monotonic()
        neutral = _neutral(judged.baseline)
        told = explain(observation, judged, rules, now)
        with self._news:
            self._number += 1
            self._rules, self._neutral, self._served = rules, neutral, now
            drawn = outlines(observation, rules)
            reading = Reading(self._number, wall, observation, told, drawn, neutral, rules.interval)
            self._latest = reading
            for asked in self._asked:
                if jpeg or not asked.pixels:
                    asked.answer = reading, jpeg if asked.pixels else b""
            self._asked = [asked for asked in self._asked if asked.answer is None]
            self._news.notify_all()

    def change(self, take_over: Callable[[Pose | None], Baseline]) -> None:
        """Hand every neutral pose that waits to `take_over`, which commits it (None: the learned one) and returns the
        baseline in force.
        """
        with self._news:
            waiting, self._changes = self._changes, []
        for change in waiting:
            neutral = _neutral(take_over(change.pose))
            with self._news:
                self._neutral = neutral
                change.done = True
                self._news.notify_all()

    def _ask(self, *, pixels: bool, wait: float) -> tuple[Reading, bytes] | NoPicture:
        asked = _Asked(pixels=pixels)
        with self._news:
            if self._refused is not None:
                return self._refused
            if pixels:
                now = self._clock.monotonic()
                if not self._lease or now >= self._lease_until:
                    self._lease = secrets.token_hex(8)
                self._lease_until = now + LEASE_SECONDS
            self._asked.append(asked)
        self._wake()
        with self._news:
            self._news.wait_for(
                lambda: asked.answer is not None, timeout=min(wait, WAIT_SECONDS)
            )  # less than the lease
            if asked.answer is None:
                self._asked.remove(asked)
                return NoPicture(LATE, SENTENCES[LATE])
            return asked.answer

    def _change(self, pose: Pose | None) -> Neutral | NoPicture:
        change = _Change(pose)
        with self._news:
            if self._refused is not None and self._refused.why == AgentState.NOT_RUNNING.value:
                return self._refused
            self._changes.append(change)
        self._wake()
        with self._news:
            self._news.wait_for(lambda: change.done, timeout=WAIT_SECONDS)
            if change.done:
                return self._neutral
            if change in self._changes:
                self._changes.remove(change)
            return NoPicture(LATE, SENTENCES[LATE])


def _neutral(baseline: Baseline) -> Neutral:
    return Neutral(baseline.yaw, baseline.pitch, baseline.origin)
