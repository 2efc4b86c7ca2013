"""Holds the promises of the camera check's two halves that need no camera: a picture leaves only under a lease that holds,
only for somebody who waits for it, and is kept by nobody; and whoever gets none is told why in a sentence, at once.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from agent.attention import meter as m
from agent.attention.baseline import Baseline, Origin, Pose
from agent.attention.calibration import NotNeutral, Obstacle
from agent.attention.meter import Meter
from agent.attention.observation import Face, Lens, Observation, State
from agent.attention.rules import Rules
from agent.attention.schedule import Reason
from agent.check import LATE, SENTENCES, SPACING, CameraCheck, CheckPicture, Neutral, NoPicture
from agent.errors import EyesError
from agent.eyes_channel import LEASE_SECONDS, MOST_BYTES, Channel, from_answer, to_text
from agent.status import AgentState
from tests.builders import ManualClock

RULES = Rules(interval=1.0)
JPEG = b"\xff\xd8\xff" + b"picture" * 1000
WALL = 1_763_760_000.0


def steady(i: int) -> Observation:
    return Observation(float(i), (640, 480), Lens.CLEAR, (Face((200, 100, 400, 300), 0.9, 20.0 + i % 2, -3.0),))


class PlayedPipeline:
    """Does what the real one does for the check, without a camera: woken by it, it looks and serves."""

    def __init__(self, check: CameraCheck, look: Callable[[int], Observation] = steady) -> None:
        self.check, self.look = check, look
        self.meter = Meter()
        self.leases: list[str] = []
        self.looks = 0
        self._wake, self._over = threading.Event(), threading.Event()
        check.bind(self._wake.set)

    def calibrate(self, pose: Pose | None) -> Baseline:
        self.meter = m.calibrate(self.meter, pose)
        return self.meter.judge.baseline

    def turn(self) -> None:
        self.check.change(self.calibrate)
        if self.check.delay() is not None:
            lease = self.check.lease()
            self.leases += [lease.name] if lease else []
            self.looks += 1
            observation = self.look(self.looks)
            if self.looks == 1:  # the others are for the check alone
                self.meter, _ = m.look(self.meter, observation, 1.0, WALL + 1, RULES)
            self.check.serve(observation, JPEG if lease else b"", self.meter.judge, RULES, wall=WALL + self.looks)

    @contextmanager
    def running(self) -> Iterator[PlayedPipeline]:
        def run() -> None:
            while not self._over.is_set():
                self._wake.wait(5.0)
                self._wake.clear()
                self.turn()

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield self
        finally:
            self._over.set()
            self._wake.set()
            thread.join()


@pytest.fixture
def check() -> CameraCheck:
    check = CameraCheck(ManualClock(WALL))
    check.stand(AgentState.WATCHING)
    return check


# The channel's rule, as the eyes know it.


def test_the_channel_is_shut_unless_it_was_opened_under_that_name_and_not_too_long_ago() -> None:
    channel = Channel()
    for lease, now in (("", 0.0), ("a", 0.0), (None, 0.0)):
        with pytest.raises(EyesError, match="not open"):
            channel.admit(lease, now)
    channel.open("a", 2.0, now=10.0)
    channel.admit("a", 11.9)
    for lease, now in (("b", 11.0), ("", 11.0), (None, 11.0), ("a", 12.0)):
        with pytest.raises(EyesError, match="not open"):
            channel.admit(lease, now)
    channel.open("b", 2.0, now=11.0)
    with pytest.raises(EyesError, match="not open"):
        channel.admit("a", 11.5)


def test_no_lease_lasts_longer_than_agreed_and_none_is_nameless() -> None:
    channel = Channel()
    assert channel.open("a", 3600.0, now=0.0) == LEASE_SECONDS
    with pytest.raises(EyesError):
        channel.admit("a", LEASE_SECONDS)
    assert channel.open("a", -1.0, now=0.0) == 0.0
    with pytest.raises(EyesError):
        channel.admit("a", 0.0)
    with pytest.raises(EyesError):
        channel.open("", 1.0, now=0.0)


def test_the_end_of_a_lease_is_noticed_once() -> None:
    channel = Channel()
    assert not channel.ran_out(0.0)
    channel.open("a", 2.0, now=0.0)
    assert [channel.ran_out(now) for now in (1.0, 2.0, 3.0)] == [False, True, False]
    channel.open("a", 2.0, now=0.0)
    channel.shut()
    assert not channel.ran_out(9.0)


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"jpeg": None},
        {"jpeg": "not base64!"},
        {"jpeg": to_text(b"\x89PNG")},
        {"jpeg": to_text(b"\xff\xd8\xff" + bytes(MOST_BYTES))},
    ],
)
def test_what_is_no_picture_is_not_handed_on(answer: dict[str, Any]) -> None:
    with pytest.raises(EyesError, match="not a picture"):
        from_answer(answer)


def test_a_picture_comes_through_the_pipe_as_it_was() -> None:
    assert from_answer({"jpeg": to_text(JPEG)}) == JPEG


# The hand-over.


def test_a_picture_comes_with_what_was_read_from_it(check: CameraCheck) -> None:
    with PlayedPipeline(check).running():
        first, second = check.picture(), check.picture()
    assert isinstance(first, CheckPicture) and isinstance(second, CheckPicture)
    assert first.jpeg == JPEG and first.observation == steady(1) and first.at == WALL + 1
    assert (first.state, second.reading.number) == (State.AT_SCREEN, 2)
    assert first.words and all(fact.sentence() for fact in first.words)
    assert check.latest == second.reading
    assert "picturepicture" not in repr(first)


def test_nobody_asks_nothing_is_taken(check: CameraCheck) -> None:
    assert check.delay() is None and check.lease() is None
    PlayedPipeline(check).turn()
    assert check.latest is None


def test_numbers_alone_need_no_lease(check: CameraCheck) -> None:
    with PlayedPipeline(check).running() as pipeline:
        check.calibrate(seconds=0.05)
    assert pipeline.looks > 0 and pipeline.leases == []


def test_a_lease_is_kept_while_the_page_asks_and_a_new_one_made_after_a_break() -> None:
    clock = ManualClock(WALL)
    check = CameraCheck(clock)
    check.stand(AgentState.WATCHING)
    with PlayedPipeline(check).running() as pipeline:
        for step in (0.0, LEASE_SECONDS - 0.1, LEASE_SECONDS + 0.1):
            clock.advance(step)
            assert isinstance(check.picture(), CheckPicture)
    one, same, other = pipeline.leases
    assert one == same != other


def test_looks_for_the_check_keep_their_distance() -> None:
    clock = ManualClock(WALL)
    check = CameraCheck(clock)
    check.stand(AgentState.WATCHING)
    pipeline = PlayedPipeline(check)
    delays: list[float | None] = []

    def serve() -> None:
        delays.append(check.delay())
        pipeline.turn()

    check.bind(serve)  # at once, in the asking thread
    for step in (0.0, 0.0, 0.1, 60.0):
        clock.advance(step)
        check.picture()
    assert delays == pytest.approx([0.0, SPACING, SPACING - 0.1, 0.0])


def test_nobody_answers(check: CameraCheck) -> None:
    late = check.picture(wait=0.02)
    assert late == NoPicture(LATE, SENTENCES[LATE])
    assert check.delay() is None and check.lease() is None


@pytest.mark.parametrize(
    "state", [s for s in AgentState if s not in (AgentState.WATCHING, AgentState.STARTING, AgentState.OPENING)]
)
def test_while_the_agent_does_not_look_a_sentence_says_why(check: CameraCheck, state: AgentState) -> None:
    check.stand(state)
    refused = check.picture()
    assert isinstance(refused, NoPicture) and refused.why == state.value
    assert refused.sentence.endswith(".") and check.calibrate() == refused == check.refused
    check.stand(state, problems=("The disk is full: free some space.",))
    assert check.picture() == NoPicture(state.value, "The disk is full: free some space.")


@pytest.mark.parametrize("reason", list(Reason))
def test_a_rest_is_named_by_its_reason(check: CameraCheck, reason: Reason) -> None:
    check.stand(AgentState.RESTING, reason.value)
    assert check.picture() == NoPicture(reason.value, SENTENCES[reason.value])


def test_without_an_agent_there_is_none() -> None:
    lonely = CameraCheck()
    for answer in (lonely.picture(), lonely.calibrate(), lonely.reset_neutral()):
        assert isinstance(answer, NoPicture) and answer.why == "not_running"


def test_a_pause_answers_who_waits_and_takes_the_reasons_away(check: CameraCheck) -> None:
    with PlayedPipeline(check).running():
        assert isinstance(check.picture(), CheckPicture)
    check.bind(lambda: check.stand(AgentState.PAUSED, Reason.PAUSED.value))
    assert check.picture() == NoPicture("paused", SENTENCES["paused"])
    assert check.latest is None and check.delay() is None


def test_a_picture_that_was_handed_over_is_kept_by_nobody(check: CameraCheck) -> None:
    with PlayedPipeline(check).running():
        picture = check.picture()
        assert isinstance(picture, CheckPicture) and any(held is JPEG for held in reachable(picture))
        assert not any(isinstance(held, bytes) and len(held) > 100 for held in reachable(check))


def reachable(root: object) -> Iterator[object]:
    """Everything an object of ours refers to, modules and classes left out."""
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        held = waiting.pop()
        if id(held) in seen or isinstance(held, type | type(gc) | type(reachable)):
            continue
        seen.add(id(held))
        yield held
        waiting += gc.get_referents(held)


# The neutral pose.


def test_a_held_pose_becomes_the_neutral_one_and_is_in_the_checkpoint(check: CameraCheck) -> None:
    with PlayedPipeline(check).running() as pipeline:
        chosen = check.calibrate(seconds=0.1)
        assert isinstance(chosen, Neutral) and chosen.origin is Origin.CHOSEN
        assert 20.0 <= chosen.yaw <= 21.0 and chosen.pitch == -3.0
        assert Meter.from_json(pipeline.meter.to_json()).judge.baseline.chosen == (chosen.yaw, chosen.pitch)
        picture = check.picture()
        assert isinstance(picture, CheckPicture) and picture.reading.neutral == chosen
        check.stand(AgentState.PAUSED)
        assert check.reset_neutral() == Neutral(0.0, 0.0, Origin.DEFAULT)


def test_no_face_no_neutral_pose(check: CameraCheck) -> None:
    empty = Observation(0.0, (640, 480), Lens.CLEAR)
    with PlayedPipeline(check, lambda _: empty).running() as pipeline:
        refused = check.calibrate(seconds=0.1)
    assert isinstance(refused, NotNeutral) and refused.obstacle is Obstacle.NO_FACE
    assert pipeline.meter.judge.baseline.origin is Origin.DEFAULT
