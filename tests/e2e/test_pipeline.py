"""The live loop with everything real but the camera: promises 4 (disk full), 6 (clock), 7 (could not tell), 10 (pause).

The eyes are played, since no machine has a camera that fails on cue; store, meter, control and clock map are the real
ones, and the clock is moved by hand.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from agent import app
from agent.attention.hours import parse_hours
from agent.attention.observation import Face, Lens, Observation
from agent.attention.schedule import Availability
from agent.consent import NOTICE_VERSION, Acknowledgement, Decision, Participation
from agent.control import ControlWatch, pause
from agent.errors import CameraLost, EyesError, StoreError, UnreadableSource
from agent.eyes_link import Look
from agent.pipeline import Pipeline, Plan
from agent.policy import Standing
from agent.recorder import Recorder
from agent.sources import Source
from agent.status import AgentState, Report
from agent.store import Store
from agent.store.database import Meta
from agent.wire.summary import Window
from tests.builders import ALWAYS, NOW, ManualClock, Organisation

KEY = bytes(range(32))
CAMERA = Source(device="0")
PRESENT = Look(Observation(0.0, (640, 480), Lens.CLEAR, (Face((200, 100, 400, 300), 0.9, 0.0, 0.0),)))
COVERED = Look(Observation(0.0, (640, 480), Lens.COVERED))


class PlayedEyes:
    """Answers every look from a script; closing is counted."""

    def __init__(self, script: Callable[[], Look]) -> None:
        self.script = script
        self.alive = True
        self.closed = 0

    def look(self, timeout: float) -> Look:
        return self.script()

    def close(self) -> None:
        self.alive = False
        self.closed += 1

    kill = close


class FullDisk(Store):
    """A store whose disk is full whenever `full` says so; all else is the real one."""

    full: Callable[[], bool] = staticmethod(lambda: False)

    def commit(self, *arguments: Any, **named: Any) -> int:
        if self.full():
            raise StoreError("The disk is full: free some space.")
        return super().commit(*arguments, **named)


class Stage:
    """A pipeline whose clock only moves when it waits, so that hours pass in milliseconds."""

    def __init__(
        self, folder: Path, script: Callable[[], Look], *, plan: Plan | None = None, before: str | None = None
    ) -> None:
        self.store = FullDisk(folder / "store.sqlite", KEY)
        self.clock = ManualClock(NOW)
        self.stop = threading.Event()
        self.eyes: list[PlayedEyes] = []
        self.reports: list[Report] = []
        self.closed: list[Window] = []
        self.script = script
        self.standing: Standing | None = Standing("", Organisation().policy_value(), None)
        self.until = NOW + 3600.0
        self.available = Availability()
        self.plan = plan or Plan(CAMERA, replay=False, interval=10.0)
        self.answer, self.hidden = Participation.ACCEPTED, ""
        self.recorder = Recorder(self.store, models="abcd1234", on_closed=self.closed.append)
        self.pipeline = Pipeline(
            lambda: self.plan,
            recorder=self.recorder,
            clock=self.clock,
            watch=lambda: ControlWatch(folder / "store.sqlite", clock=self.clock.wall),
            participation=lambda: self.answer,
            unseen=lambda: self.hidden,
            standing=lambda: self.standing,
            policy_held=lambda: "p-1" if self.standing else None,
            policy_before=before,
            availability=lambda: self.available,
            chance=lambda: 0.5,
            open_eyes=self.open_eyes,  # type: ignore[arg-type]  # the played part has the real one's methods
            zone=lambda: ZoneInfo("UTC"),
            on_report=self.on_report,
        )

    def open_eyes(self, source: Source) -> PlayedEyes:
        self.eyes.append(PlayedEyes(self.script))
        return self.eyes[-1]

    def on_report(self, report: Report) -> None:
        self.reports.append(report)
        if self.clock.wall() >= self.until:
            self.stop.set()

    def run(self) -> Stage:
        self.pipeline.run(self.stop)
        return self

    @property
    def states(self) -> list[AgentState]:
        """The states it went through, each once in a row."""
        seen: list[AgentState] = []
        for report in self.reports:
            if not seen or seen[-1] is not report.state:
                seen.append(report.state)
        return seen

    def seconds(self, state: str) -> int:
        return sum(window.seconds[state] for window in self.closed)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Callable[..., Stage]]:
    made: list[Stage] = []

    def build(script: Callable[[], Look] = lambda: PRESENT, **options: Any) -> Stage:
        made.append(Stage(tmp_path, script, **options))
        return made[-1]

    yield build
    for each in made:
        each.store.close()


def test_an_hour_of_work_is_twelve_windows_of_work(stage: Callable[..., Stage]) -> None:
    done = stage().run()
    assert [window.start for window in done.closed] == [NOW + 300 * i for i in range(len(done.closed))]
    assert len(done.closed) == 12
    assert done.seconds("at_screen") >= 12 * 300 - 30
    assert done.states[-2:] == [AgentState.WATCHING, AgentState.NOT_RUNNING]
    assert done.eyes[-1].closed == 1, "the camera is released at the end"
    assert done.store.unsealed() == [window.start for window in done.closed]


def test_a_covered_lens_is_unknown_not_absent(stage: Callable[..., Stage]) -> None:
    done = stage(lambda: COVERED).run()
    assert done.seconds("absent") == 0
    assert done.seconds("unknown") >= 12 * 300 - 30


def test_a_lost_camera_is_unknown_and_opened_again(stage: Callable[..., Stage]) -> None:
    looks = iter([PRESENT] * 20 + [Look(error=CameraLost("The camera does not answer."))] * 5 + [PRESENT] * 400)
    done = stage(lambda: next(looks)).run()
    assert AgentState.BLIND in done.states
    assert done.states[-2] is AgentState.WATCHING
    assert len(done.eyes) == 6, "after each failure the eyes are made anew"
    assert done.seconds("unknown") > 0
    assert done.seconds("absent") == 0


def test_eyes_that_die_are_replaced(stage: Callable[..., Stage]) -> None:
    looks = iter([PRESENT] * 20 + [Look(error=EyesError("The eyes process ended by itself."))] + [PRESENT] * 400)
    done = stage(lambda: next(looks)).run()
    assert len(done.eyes) == 2
    assert len(done.closed) == 12


def test_one_bad_file_does_not_start_a_list_again(stage: Callable[..., Stage]) -> None:
    looks = iter([PRESENT, Look(error=UnreadableSource("b.jpg cannot be read.")), PRESENT, Look(end=True)])
    plan = Plan(Source(files=("a.jpg", "b.jpg", "c.jpg"), realtime=True), replay=True, interval=10.0)
    done = stage(lambda: next(looks), plan=plan)
    done.standing = None
    done.run()
    assert len(done.eyes) == 1
    assert done.pipeline.observations == 2
    assert done.states[-2:] == [AgentState.RESTING, AgentState.NOT_RUNNING], "it stays up when the recording is over"
    assert done.store.unsealed() == [], "not enrolled: what was measured stays here"


def test_nobody_looks_without_a_policy_and_the_reason_is_said(stage: Callable[..., Stage]) -> None:
    done = stage()
    done.standing = Standing("The organisation's policy has expired: nothing is measured.")
    done.run()
    assert done.eyes == []
    assert AgentState.BLOCKED in done.states
    assert any("expired" in problem for report in done.reports for problem in report.problems)
    assert done.seconds("not_observed") == 300 * len(done.closed) > 0


def test_outside_hours_locked_and_in_a_call_nobody_looks_and_all_look_the_same(stage: Callable[..., Stage]) -> None:
    done = stage()
    done.available = Availability(in_call=True)
    done.run()
    assert done.eyes == []
    assert AgentState.RESTING in done.states
    assert done.seconds("not_observed") == 300 * len(done.closed) > 0


def test_a_pause_set_before_the_start_holds(stage: Callable[..., Stage], tmp_path: Path) -> None:
    done = stage()
    pause(tmp_path / "store.sqlite", now=NOW, seconds=1800)
    done.run()
    assert AgentState.PAUSED in done.states
    assert 1700 <= done.seconds("not_observed") <= 1900
    assert done.seconds("at_screen") >= 1600


def test_what_was_measured_before_enrolling_is_never_sent(stage: Callable[..., Stage], tmp_path: Path) -> None:
    """Also not the part of the window that was open when the laptop joined an organisation."""
    plan = Plan(Source(files=("a.mp4",), realtime=True), replay=True, interval=10.0)
    alone = stage(lambda: COVERED, plan=plan)
    alone.standing = None
    alone.until = NOW + 450.0
    alone.run()
    alone.store.close()
    joined = Stage(tmp_path, lambda: PRESENT, plan=plan)
    joined.clock.advance(480)
    joined.until = NOW + 1300.0
    joined.run()
    sent = {stored.window.start: stored.window for stored in joined.store.windows(0, 2**40) if not stored.local}
    joined.store.close()
    assert set(sent) == {NOW + 300, NOW + 600, NOW + 900}
    assert all(window.unknown == 0 for window in sent.values())
    assert sent[NOW + 300].not_observed >= 170
    assert sent[NOW + 300].at_screen >= 100


def test_a_restart_while_enrolled_keeps_the_open_window(stage: Callable[..., Stage], tmp_path: Path) -> None:
    first = stage(lambda: COVERED)
    first.until = NOW + 450.0
    first.run()
    first.store.close()
    second = Stage(tmp_path, lambda: PRESENT, before="p-1")
    second.clock.advance(460)
    second.until = NOW + 650.0
    second.run()
    kept = {stored.window.start: stored.window for stored in second.store.windows(0, 2**40)}
    second.store.close()
    assert kept[NOW + 300].unknown >= 130
    assert kept[NOW + 300].at_screen >= 120


def test_a_suspended_laptop_measured_nothing_meanwhile(stage: Callable[..., Stage]) -> None:
    looks = 0

    def script() -> Look:
        nonlocal looks
        looks += 1
        if looks == 100:
            done.clock.advance(12 * 3600)
        return PRESENT

    done = stage(script)
    done.until = NOW + 14 * 3600
    done.run()
    assert done.seconds("at_screen") <= 2.2 * 3600
    assert len(done.closed) < 40, "the night is not sent as a hundred windows"


@pytest.mark.parametrize("years", [10, -10])
def test_a_clock_set_ten_years_off_and_back_never_counts_a_window_twice(
    stage: Callable[..., Stage], years: int
) -> None:
    looks = 0

    def script() -> Look:
        nonlocal looks
        looks += 1
        if looks == 60:
            done.clock.set_wall(done.clock.wall() + years * 31_556_952)
        if looks == 90:
            done.clock.set_wall(done.clock.wall() - years * 31_556_952)
        if looks == 400:
            done.stop.set()
        return PRESENT

    done = stage(script)
    done.until = float("inf")
    done.run()
    starts = [window.start for window in done.closed]
    assert len(set(starts)) == len(starts)
    assert done.seconds("at_screen") <= 400 * 10 + 30
    assert len(starts) <= 20


def test_while_the_store_cannot_be_written_windows_wait_and_nothing_is_lost(stage: Callable[..., Stage]) -> None:
    done = stage()
    done.store.full = lambda: NOW + 600 < done.clock.wall() < NOW + 2400
    done.run()
    assert any("disk is full" in problem for report in done.reports for problem in report.problems)
    kept = [stored.window.start for stored in done.store.windows(0, 2**40)]
    assert kept == [NOW + 300 * i for i in range(12)]
    assert done.store.lost() == 0
    assert not done.reports[-1].problems


def test_after_more_than_a_day_without_a_disk_the_oldest_windows_are_lost_and_counted(
    stage: Callable[..., Stage],
) -> None:
    done = stage()
    end = NOW + 300 * 300
    done.store.full = lambda: done.clock.wall() < end
    done.until = float(end + 900)
    done.standing = Standing("", Organisation().policy_value(work_hours=ALWAYS), None)
    done.run()
    kept = [stored.window.start for stored in done.store.windows(0, 2**40)]
    assert len(kept) + done.store.lost() >= 300
    assert done.store.lost() > 0
    assert kept[-1] >= end - 300


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (Participation.DECLINED, AgentState.NOT_PARTICIPATING),
        (Participation.UNDECIDED, AgentState.UNDECIDED),
        (Participation.OUTDATED, AgentState.UNDECIDED),
    ],
)
def test_who_has_not_accepted_is_not_measured_and_not_even_counted_as_unobserved(
    stage: Callable[..., Stage], answer: Participation, state: AgentState
) -> None:
    done = stage()
    done.answer = answer
    done.run()
    assert done.eyes == []
    assert done.states[-2:] == [state, AgentState.NOT_RUNNING]
    assert done.closed == [] and done.store.windows(0, 2**40) == []


def test_withdrawing_drops_the_open_window_and_coming_back_begins_anew(
    stage: Callable[..., Stage], tmp_path: Path
) -> None:
    first = stage(lambda: COVERED)
    first.until = NOW + 450.0
    first.run()
    first.store.close()
    for answer, begin in ((Participation.DECLINED, 500), (Participation.ACCEPTED, 90_000)):
        later = Stage(tmp_path, lambda: PRESENT, before="p-1")
        later.clock.advance(begin)
        later.until = NOW + begin + 700.0
        later.answer = answer
        later.run()
        kept = [stored.window for stored in later.store.windows(0, 2**40)]
        later.store.close()
        if answer is Participation.DECLINED:
            assert [window.start for window in kept] == [NOW]
    assert [window.start - NOW for window in kept] == [0, 90_000, 90_300], "the day in between was never recorded"
    assert all(window.unknown == 0 for window in kept[1:]), "what was open at the refusal is gone"


def test_nobody_looks_while_nobody_could_see_it(stage: Callable[..., Stage]) -> None:
    done = stage()
    done.hidden = "No place on this desktop shows the icon."
    done.run()
    assert done.eyes == []
    assert any(done.hidden in report.problems for report in done.reports if report.state is AgentState.BLOCKED)
    assert done.seconds("not_observed") == 300 * len(done.closed) > 0


def test_own_hours_narrow_the_policys(stage: Callable[..., Stage]) -> None:
    done = stage(plan=Plan(CAMERA, replay=False, interval=10.0, hours=parse_hours("Mon 09:40-10:00")))
    done.run()
    assert done.seconds("at_screen") == pytest.approx(1200, abs=30), "of the hour from 09:20 only those minutes"
    resting = next(report for report in done.reports if report.state is AgentState.RESTING)
    assert (resting.reason, resting.until) == ("outside_hours", NOW + 1200)


def test_the_report_says_what_is_seen_now_and_since_when(stage: Callable[..., Stage]) -> None:
    done = stage().run()
    watching = [report for report in done.reports if report.state is AgentState.WATCHING][-1]
    assert (watching.attention, watching.attention_since) == ("at_screen", pytest.approx(NOW, abs=30))
    assert done.reports[-1].attention == "", "nothing is claimed once it stopped"


def test_the_camera_is_said_to_open_before_it_does(stage: Callable[..., Stage]) -> None:
    done = stage()
    said: list[AgentState] = []
    opens = done.open_eyes
    done.pipeline._open_eyes = lambda source: (said.append(done.reports[-1].state), opens(source))[1]  # type: ignore[assignment,return-value]  # as above
    done.run()
    assert said == [AgentState.OPENING]


def test_a_watchman_that_dies_takes_the_eyes_and_the_agent_with_it(stage: Callable[..., Stage]) -> None:
    done = stage()
    asked = iter([False])
    done.pipeline.resting = lambda: next(asked)  # type: ignore[method-assign]  # then StopIteration: a defect
    done.until = NOW + 10 * 86400.0  # longer than the watchman takes to look again
    with pytest.raises(StopIteration):
        done.run()
    assert done.eyes[-1].closed >= 1 and done.stop.is_set()


def test_a_refusal_that_cannot_be_read_is_no_acceptance(stage: Callable[..., Stage]) -> None:
    done = stage()
    done.store.acknowledge(Acknowledgement(NOTICE_VERSION, "en", Decision.DECLINED, NOW))
    assert app._participation(done.store, must_ask=False) is Participation.DECLINED
    with done.store._db.write() as connection:
        connection.execute("UPDATE meta SET sealed=zeroblob(60) WHERE id=?", (int(Meta.ANSWERS),))
    assert app._participation(done.store, must_ask=False) is Participation.UNDECIDED
