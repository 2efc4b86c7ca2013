"""The one loop: look, judge, count, commit; or rest, and say why.

    observation -> meter (judge, clock, windows) -> recorder (store) -> next look

A second thread, the watchman, notices five times a second what forbids looking and ends the eyes process on the spot, so
that the camera is released in well under a second even while a look hangs in a driver.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import tzinfo
from typing import Any

from agent.attention import meter
from agent.attention.baseline import Baseline, Pose
from agent.attention.hours import common
from agent.attention.observation import State
from agent.attention.rules import SENSITIVITY, Rules
from agent.attention.schedule import Availability, Look, Reason, Rest, next_look
from agent.check import CameraCheck
from agent.clock import Clock
from agent.consent import Participation
from agent.control import ControlWatch, Pause
from agent.errors import FramekeepError, UnreadableSource
from agent.eyes_link import Eyes
from agent.policy import Standing
from agent.recorder import Recorder
from agent.sources import Source
from agent.status import AgentState, Report
from agent.watchman import Watchman
from agent.wire.documents import Policy, WorkHours
from agent.zone import local_zone

REST_SECONDS = 20.0
"""How often a resting agent lets its windows know that time passed."""
LOOK_SECONDS = 5.0
"""How long a camera may take for one picture before it counts as lost."""
REOPEN_SECONDS = (1.0, 2.0, 5.0, 15.0, 60.0)
"""Waits before opening a lost camera again; the last one repeats."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Plan:
    """What the pipeline measures and when. `replay`: a recording, which is looked at whatever the hours are.
    `interval` is the seconds between looks where no policy says so. `hours` are the employee's own, within the policy's
    (empty: the policy's); `angles` the yaw and pitch in degrees beyond which a head is turned away.
    """

    source: Source
    replay: bool
    interval: float
    key_store: str = ""
    problems: tuple[str, ...] = ()
    hours: tuple[WorkHours, ...] = ()
    angles: tuple[float, float] = SENSITIVITY["normal"]


class Pipeline:
    """Runs until the stop event is set. The parts are handed in; nothing here opens a file or a socket."""

    def __init__(
        self,
        plan: Callable[[], Plan],
        *,
        recorder: Recorder,
        clock: Clock,
        watch: Callable[[], ControlWatch],
        participation: Callable[[], Participation],
        unseen: Callable[[], str],
        standing: Callable[[], Standing | None],
        policy_held: Callable[[], str | None],
        policy_before: str | None = None,
        availability: Callable[[], Availability],
        chance: Callable[[], float],
        open_eyes: Callable[[Source], Eyes] = Eyes,
        zone: Callable[[], tzinfo] | None = None,
        on_report: Callable[[Report], None] | None = None,
        on_request: Callable[[ControlWatch], None] | None = None,
        check: CameraCheck | None = None,
    ) -> None:
        """`plan` is asked before every look, because settings change. `participation` says what the employee answered,
        `unseen` why nobody could see that this works ("" while the indicator shows); `availability` what the system
        says. `on_request` is told when another process wrote to the store.
        """
        self._plans = plan
        self._plan = plan()
        self._recorder = recorder
        self._clock = clock
        self._participation = participation
        self._unseen = unseen
        self._standing = standing
        self._policy_held = policy_held
        self._policy_before = policy_before
        self._availability = availability
        self._chance = chance
        self._open_eyes = open_eyes
        self._zone = zone or local_zone
        self._on_report = on_report
        self._eyes: Eyes | None = None
        self._watchman = Watchman(watch, self, clock=clock, on_change=self._changed, on_request=on_request)
        self._wake = threading.Event()
        self._check = check or CameraCheck(clock)
        self._check.bind(self._wake.set)
        self._report = Report(AgentState.STARTING, int(clock.wall()), int(clock.wall()), key_store=self._plan.key_store)
        self._policy: str | None = None
        self._rules = Rules(interval=self._plan.interval)
        self._why: Rest | None = None
        self._last_look: float | None = None
        self._draw = chance()
        self._failures = 0
        self._ended = False
        self.observations = 0
        """How many looks gave an observation."""

    def run(self, stop: threading.Event) -> None:
        """Measure until `stop` is set, then release the camera and commit what is open."""
        self._watchman.look_once()
        watchman = threading.Thread(target=self._watchman.stand, args=(stop,), name="watchman", daemon=True)
        watchman.start()
        mono, wall = self._clock.monotonic(), self._clock.wall()
        earlier = self._recorder.load(now=wall)
        # Before anything is closed: a window that an earlier process began belongs to the organisation too, unless it
        # was begun before there was one.
        self._policy = self._policy_held()
        if self._policy is not None and self._policy_before is None:
            earlier = meter.forget(earlier)
        self._keep(meter.resume(earlier, mono, wall, self._rules), AgentState.STARTING)
        try:
            while not stop.is_set():
                self._turn(stop)
        finally:
            self._close_eyes()
            self._tell(meter.rest, AgentState.NOT_RUNNING)
            watchman.join(2.0)
        if self._watchman.failure is not None:
            raise self._watchman.failure

    @property
    def pause(self) -> Pause:
        """The pause the watchman saw last."""
        return self._watchman.seen.pause

    @property
    def looking(self) -> bool:
        """Whether our own eyes may hold a camera."""
        return self._eyes is not None

    # What the watchman asks (watchman.Signals).

    def participation(self) -> Participation:
        """What the employee answered."""
        return self._participation()

    def unseen(self) -> str:
        """Why nobody could see that this program works."""
        return self._unseen()

    def resting(self) -> bool:
        """Whether the system says to rest. A recording is looked at whatever the laptop does."""
        return not self._plan.replay and self._availability() != Availability()

    def _turn(self, stop: threading.Event) -> None:
        """One decision: look now, wait for the next look, or rest."""
        self._replan()
        self._check.change(self._calibrate)
        seen = self._watchman.seen
        if seen.participation is not Participation.ACCEPTED:
            self._abstain(seen.participation, stop)
            return
        standing = self._standing()
        policy = standing.policy if standing else None
        self._policy = self._policy_held() or self._policy
        self._set_rules(policy)
        blocked = "" if standing is None or standing.may_look else standing.reason
        if blocked or seen.unseen:
            self._rest(AgentState.BLOCKED, tuple(filter(None, (blocked, seen.unseen))), stop)
            return
        decision = next_look(
            wall := self._clock.wall(),
            last_look=self._last_look,
            interval=self._rules.interval,
            random=self._draw,
            hours=None if self._plan.replay or policy is None else self._hours(policy),
            zone=self._zone(),
            paused_until=self._paused_until(),
            available=Availability() if self._plan.replay else self._availability(),
        )
        match decision:
            case Rest(reason=Reason.PAUSED):
                self._rest(AgentState.PAUSED, (), stop, decision)
            case Rest():
                self._rest(AgentState.RESTING, (), stop, decision)
            case Look() if self._ended:
                self._rest(AgentState.RESTING, ("The recording is over.",), stop)
            case Look(at=at):
                asked = self._check.delay()
                early = asked is not None and asked < at - wall
                self._wait(asked if asked is not None and early else at - wall, stop)
                if not stop.is_set() and self._may_look() and (early or self._clock.wall() >= self._earliest(at)):
                    self._look(stop, counts=not early)

    def _earliest(self, at: float) -> float:
        """From when on a look counts that is planned for `at`: the camera check ends waits, but makes none count early."""
        return at if self._check.delay() is not None else at - 0.5

    def _look(self, stop: threading.Event, *, counts: bool = True) -> None:
        """Look once. One that does not count is for the camera check alone; one that counts serves it as well."""
        if counts:
            self._last_look = self._clock.wall()
            self._draw = self._chance()
        try:
            if self._eyes is None:
                # Said before it is so: from here on the camera's light may be on.
                self._keep((self._recorder.meter, ()), AgentState.OPENING)
                self._eyes = self._open_eyes(self._plan.source)
                if not self._may_look():  # the watchman may have looked for eyes to end just before these opened
                    self._close_eyes()
                    return
            lease = self._check.lease()
            if lease is None:
                look, jpeg = self._eyes.look(LOOK_SECONDS), b""
            else:
                self._eyes.lease(lease.name, lease.seconds)
                look, jpeg = self._eyes.picture(lease.name, LOOK_SECONDS)
        except FramekeepError as error:
            if self._may_look():  # else the watchman ended the eyes
                self._fail(error)
            return
        if look.end:
            self._ended = True
            self._close_eyes()
        elif look.error is not None:
            if self._may_look() and not stop.is_set():  # else the watchman ended the eyes
                self._fail(look.error)
        elif look.observation is not None:
            self._failures = 0
            observation = look.observation
            mono, wall = self._clock.monotonic(), self._clock.wall()
            if counts:
                self.observations += 1
                self._keep(meter.look(self._recorder.meter, observation, mono, wall, self._rules), AgentState.WATCHING)
            self._check.serve(observation, jpeg, self._recorder.meter.judge, self._rules, wall=wall)

    def _fail(self, error: FramekeepError) -> None:
        """The camera or the eyes failed: the time is unknown, and they are opened again after a while."""
        log.warning("%s", error)
        if isinstance(error, UnreadableSource) and self._eyes is not None and self._eyes.alive:
            self._tell(meter.lost, AgentState.BLIND, (str(error),))
            return  # one bad file of several: the next look goes on with the next
        self._close_eyes()
        self._tell(meter.lost, AgentState.BLIND, (str(error),))
        wait = REOPEN_SECONDS[min(self._failures, len(REOPEN_SECONDS) - 1)]
        self._failures += 1
        if self._plan.replay and self._failures > len(REOPEN_SECONDS):
            self._ended = True  # a recording does not get better by waiting
        until = self._clock.monotonic() + wait
        while (left := until - self._clock.monotonic()) > 0 and not self._clock.wait(
            self._wake, min(left, self._rules.interval)
        ):
            self._tell(meter.lost, AgentState.BLIND, (str(error),))

    def _rest(
        self, state: AgentState, problems: tuple[str, ...], stop: threading.Event, why: Rest | None = None
    ) -> None:
        self._close_eyes()
        self._last_look = None  # after a rest the first look comes at once: nobody should wonder whether it goes on
        self._why = why
        self._tell(meter.rest, state, problems)
        self._wait(REST_SECONDS, stop)
        self._why = None

    def _abstain(self, answer: Participation, stop: threading.Event) -> None:
        """The employee has not accepted the notice: no look, no window, not even an empty one. The window that was open
        when they withdrew is dropped: it was not finished, and nobody but them may ever hear of it.
        """
        self._close_eyes()
        self._last_look = None
        state = AgentState.NOT_PARTICIPATING if answer is Participation.DECLINED else AgentState.UNDECIDED
        self._keep((meter.forget(self._recorder.meter), ()), state)
        self._wait(REST_SECONDS, stop)

    def _tell(self, event: Callable[..., meter.Metered], state: AgentState, problems: tuple[str, ...] = ()) -> None:
        mono, wall = self._clock.monotonic(), self._clock.wall()
        self._keep(event(self._recorder.meter, mono, wall, self._rules), state, problems)

    def _keep(self, metered: meter.Metered, state: AgentState, problems: tuple[str, ...] = ()) -> None:
        now = int(self._clock.wall())
        since = self._report.since if self._report.state is state else now
        trouble = (self._recorder.problem,) if self._recorder.problem else ()
        self._report = replace(
            self._report,
            state=state,
            since=since,
            updated=now,
            camera=self._plan.source.name if self._eyes is not None else "",
            policy=self._policy,
            problems=(*self._plan.problems, *problems, *trouble),
            reason=self._why.reason.value if self._why else "",
            until=int(self._why.until) if self._why and self._why.until is not None else None,
            participation=self._watchman.seen.participation.value,
            **self._shown(metered[0], state),
        )
        self._check.stand(state, self._report.reason, problems)
        self._recorder.keep(metered, policy=self._policy, report=self._report)
        if self._on_report is not None:
            self._on_report(self._report)

    def _calibrate(self, pose: Pose | None) -> Baseline:
        """Go by this neutral pose from now on (None: by the learned one), and commit that."""
        self._keep((meter.calibrate(self._recorder.meter, pose), ()), self._report.state)
        return self._recorder.meter.judge.baseline

    def _wait(self, seconds: float, stop: threading.Event) -> None:
        """Until the time is over, or the watchman says that something changed."""
        if seconds > 0 and not stop.is_set():
            self._clock.wait(self._wake, seconds)
        self._wake.clear()

    def _shown(self, measured: meter.Meter, state: AgentState) -> dict[str, Any]:
        """The attention state for the employee's own eyes, and since when."""
        shown = measured.judge.shown
        if state not in (AgentState.WATCHING, AgentState.BLIND) or shown is State.NOT_OBSERVED:
            return {"attention": "", "attention_since": None}
        since = measured.since if shown is measured.judge.state else None
        return {"attention": shown.value, "attention_since": None if since is None else int(since)}

    def _replan(self) -> None:
        """Take up settings that changed since the last look."""
        before, self._plan = self._plan, self._plans()
        if self._plan.source != before.source:
            self._close_eyes()
            self._failures, self._ended = 0, False

    def _set_rules(self, policy: Policy | None) -> None:
        decided = policy is not None and not self._plan.replay
        yaw, pitch = self._plan.angles
        rules = replace(
            self._rules,
            interval=float(policy.interval_seconds) if policy is not None and decided else self._plan.interval,
            yaw_away=yaw,
            pitch_down=pitch,
        )
        if rules != self._rules:
            self._rules = rules

    def _hours(self, policy: Policy) -> tuple[WorkHours, ...]:
        return common(policy.work_hours, self._plan.hours) if self._plan.hours else policy.work_hours

    def _close_eyes(self) -> None:
        eyes, self._eyes = self._eyes, None
        if eyes is not None:
            eyes.close()

    def _may_look(self) -> bool:
        return self._watchman.seen.may_look(self._clock.wall())

    def _paused_until(self) -> float | None:
        pause = self._watchman.seen.pause
        if not pause.paused:
            return None
        return float("inf") if pause.until is None else float(pause.until)

    def _changed(self, may_look: bool) -> None:
        """From the watchman's thread."""
        eyes = self._eyes
        if not may_look and eyes is not None:
            eyes.kill()
        self._wake.set()
