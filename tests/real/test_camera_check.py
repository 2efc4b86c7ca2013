"""Holds the promises of the camera check with the real eyes process: an ordinary look can carry no pixel, a picture comes
only through a channel that is open, shows what was looked at, and is kept by neither process nor written anywhere.
"""

from __future__ import annotations

import io
import json
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import cv2
import numpy as np
import pytest

from agent import eyes as child
from agent.attention.baseline import Origin
from agent.attention.calibration import NotNeutral, Obstacle
from agent.attention.observation import State
from agent.attention.schedule import Availability
from agent.check import CameraCheck, CheckPicture, Neutral, NoPicture
from agent.clock import SystemClock
from agent.consent import Participation
from agent.control import ControlWatch, pause, resume
from agent.errors import EyesError
from agent.eyes_channel import LEASE_SECONDS, MOST_BYTES, WIDTH
from agent.eyes_link import LOOK_FIELDS, Eyes
from agent.pipeline import Pipeline, Plan
from agent.recorder import Recorder
from agent.sources import Source
from agent.store import Store
from tests.real.pictures import SAMPLE, noise, scenes_of_the_sample, write_video

pytestmark = pytest.mark.timeout(60)

KEY = bytes(range(32))
LONGEST_LOOK = 4096
"""Bytes of the longest answer to a look at the sample; the smallest picture of it takes five times that."""


@pytest.fixture(scope="module")
def eyes() -> Iterator[Eyes]:
    """One process for all tests that leave it well."""
    with Eyes() as process:
        yield process


def sample(every: float = 1.0, *, realtime: bool = False) -> Source:
    return Source(files=(str(SAMPLE),), every=every, realtime=realtime)


def leaves(value: object) -> Iterator[object]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner)
    else:
        yield value


# The eyes process.


def test_an_ordinary_look_can_carry_no_pixel(eyes: Eyes) -> None:
    eyes.open(sample(every=20.0))
    eyes.lease("open", 3.0)  # even while the channel is open
    seen = 0
    while not (answer := eyes._ask({"cmd": "look", "timeout": 5.0, "lease": "open"}, 10.0)).get("end"):
        assert set(answer) == LOOK_FIELDS
        assert len(json.dumps(answer)) < LONGEST_LOOK
        words = {leaf for leaf in leaves(answer) if isinstance(leaf, str)}
        assert words <= {"clear", "dark", "covered", "blurred", str(SAMPLE)}
        seen += 1
    assert seen > 25


def test_an_answer_with_a_field_too_many_is_no_look() -> None:
    look = {
        "observation": {"at": 0, "size": [4, 3], "lens": "clear", "faces": [], "phones": []},
        "frame": 0,
        "source": "camera 0",
        "still": False,
        "spacing": None,
        "stages": {},
    }

    def answer(**more: str) -> Eyes:
        line = json.dumps({"id": 1, **look, **more})
        return Eyes(command=[sys.executable, "-c", f"input(); print({line!r}, flush=True); input()"])

    for extra, fine in (({}, True), ({"jpeg": "/9j/"}, False)):
        process = answer(**extra)
        got = process.look(10.0)
        assert (got.observation is not None) is fine and (got.error is None) is fine
        process.kill()


def test_no_picture_leaves_unless_the_channel_is_open(eyes: Eyes) -> None:
    def refused(lease: str) -> None:
        look, jpeg = eyes.picture(lease, 5.0)
        assert isinstance(look.error, EyesError) and "not open" in str(look.error) and jpeg == b""

    eyes.open(sample())
    refused("a")
    eyes.lease("a", 0.5)
    assert eyes.picture("a", 10.0)[1]
    refused("b")
    refused("")
    time.sleep(0.5)
    refused("a")
    eyes.lease("a", 3600.0)
    eyes.open(sample())
    refused("a")
    assert eyes.look(5.0).observation is not None


def test_the_picture_is_the_very_one_that_was_looked_at(eyes: Eyes) -> None:
    eyes.open(sample(every=100.0))
    plain = [eyes.look(10.0).observation for _ in range(4)]
    eyes.open(sample(every=100.0))
    scenes = scenes_of_the_sample(0, 100, 200, 300)
    for second, (expected, scene) in zip(scenes, zip(plain, scenes.values(), strict=True), strict=True):
        eyes.lease("a", LEASE_SECONDS)
        look, jpeg = eyes.picture("a", 10.0)
        assert look.observation == expected, f"at {second} s"
        shown = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
        assert shown is not None and shown.shape == scene.shape
        assert np.abs(shown.astype(float) - scene).mean() < 4  # not drawn into, only compressed
        assert b"Exif" not in jpeg and len(jpeg) <= MOST_BYTES


@pytest.mark.parametrize(("width", "height"), [(3840, 2160), (1080, 1920), (1, 1), (640, 480)])
def test_a_picture_is_small_whatever_the_camera_gives(eyes: Eyes, tmp_path: Path, width: int, height: int) -> None:
    if (width, height) == (640, 480):  # what compresses worst
        name = str(tmp_path / "worst.png")
        cv2.imwrite(name, np.random.default_rng(7).integers(0, 255, (height, width, 3), np.uint8))
    else:
        name = noise(tmp_path / "picture.png", width, height)
    eyes.open(Source(files=(name,)))
    eyes.lease("a", LEASE_SECONDS)
    look, jpeg = eyes.picture("a", 10.0)
    shown = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert look.observation is not None and look.observation.size == (width, height)
    assert shown is not None and len(jpeg) <= MOST_BYTES and max(shown.shape[:2]) <= WIDTH
    assert shown.shape[1] / shown.shape[0] == pytest.approx(width / height, rel=0.01)


def test_the_eyes_keep_nothing_of_a_picture() -> None:
    """Traced inside: what a picture leaves behind is no more than what a look leaves behind."""
    process = child.Eyes("no walls in a test")

    def served(command: dict[str, Any]) -> int:
        pipe = io.BytesIO()
        child._serve(process, {"id": 1, **command}, pipe)
        return len(pipe.getvalue())

    def held() -> int:
        return tracemalloc.get_traced_memory()[0]

    assert served({"cmd": "open", "source": sample(every=2.0).to_json(), "face": "mediapipe"})
    for command in ("look", "lease", "picture", "look"):  # whatever is loaded on first use
        served({"cmd": command, "timeout": 5.0, "lease": "a", "seconds": 3.0})
    tracemalloc.start()
    try:
        served({"cmd": "look", "timeout": 5.0})
        before = held()
        for _ in range(4):
            assert served({"cmd": "picture", "lease": "a", "timeout": 5.0}) > 10_000
            assert held() - before < 5_000
        served({"cmd": "look", "timeout": 5.0})
        assert held() - before < 5_000
    finally:
        tracemalloc.stop()
        process.close()


# The whole way: eyes, pipeline, store, hand-over.


class Laptop:
    """A pipeline with the real eyes, store and clock, measuring a clip in real time."""

    def __init__(self, folder: Path, source: Source, interval: float) -> None:
        self.store = Store(folder / "store.sqlite", KEY)
        self.path, self.clock, self.check, self.opened = folder / "store.sqlite", SystemClock(), CameraCheck(), []
        self.recorder = Recorder(self.store, models="abcd1234")
        self.pipeline = Pipeline(
            lambda: Plan(source, replay=True, interval=interval),
            recorder=self.recorder,
            clock=self.clock,
            watch=lambda: ControlWatch(self.path),
            participation=lambda: Participation.ACCEPTED,
            unseen=lambda: "",
            standing=lambda: None,
            policy_held=lambda: None,
            availability=Availability,
            chance=lambda: 0.0,
            zone=lambda: ZoneInfo("UTC"),
            open_eyes=self.open_eyes,
            check=self.check,
        )

    def open_eyes(self, source: Source) -> Eyes:
        self.opened.append(Eyes(source))
        return self.opened[-1]

    @contextmanager
    def running(self) -> Iterator[Laptop]:
        stop = threading.Event()
        thread = threading.Thread(target=self.pipeline.run, args=(stop,))
        thread.start()
        try:
            self.wait_for(lambda: self.check.latest is not None)
            yield self
        finally:
            stop.set()
            thread.join()
            self.store.close()

    @staticmethod
    def wait_for(what: Callable[[], object], seconds: float = 20.0) -> None:
        give_up = time.monotonic() + seconds
        while not what():
            assert time.monotonic() < give_up
            time.sleep(0.02)


def pictures(laptop: Laptop, seconds: float) -> list[CheckPicture]:
    got, until = [], time.monotonic() + seconds
    while time.monotonic() < until:
        picture = laptop.check.picture()
        assert isinstance(picture, CheckPicture)
        got.append(picture)
    return got


def test_the_live_view_is_lively_says_why_and_counts_nothing_twice(tmp_path: Path) -> None:
    with Laptop(tmp_path, sample(2.0, realtime=True), 2.0).running() as laptop:
        counted, began = laptop.pipeline.observations, time.monotonic()
        got = pictures(laptop, 5.0)
        spent = time.monotonic() - began
        looks = laptop.pipeline.observations - counted
        assert 1.5 * spent <= len(got) <= 4 * spent + looks + 2  # about four a second; fewer on a busy machine
        assert looks <= spent / (2.0 * 0.75) + 1  # the earliest a planned look may come
        assert all(a.reading.number < b.reading.number and a.at < b.at for a, b in pairwise(got))
        assert all(p.jpeg.startswith(b"\xff\xd8\xff") for p in got)
        assert got[-1].state is State.AT_SCREEN and got[-1].words[0].says is State.AT_SCREEN
        assert laptop.check.latest is not None and laptop.check.latest.number >= got[-1].reading.number
        asked = laptop.pipeline.observations
        time.sleep(2.5)
        assert laptop.pipeline.observations > asked  # and measuring goes on as ever
    for file in tmp_path.rglob("*"):
        stored = file.read_bytes()
        assert b"\xff\xd8\xff" not in stored and b"/9j/" not in stored


def test_the_agent_keeps_no_picture(tmp_path: Path) -> None:
    with Laptop(tmp_path, sample(1.0, realtime=True), 1.0).running() as laptop:
        pictures(laptop, 0.5)
        tracemalloc.start()
        try:
            for _ in range(3):
                assert isinstance(laptop.check.picture(), CheckPicture)
            time.sleep(0.2)  # the pipeline goes back to waiting
            largest = max((trace.size for trace in tracemalloc.take_snapshot().traces), default=0)
        finally:
            tracemalloc.stop()
    assert largest < 5_000  # a picture of the sample takes three times that and more


def test_a_pause_ends_the_live_view_at_once_and_a_resume_brings_it_back(tmp_path: Path) -> None:
    with Laptop(tmp_path, sample(1.0, realtime=True), 1.0).running() as laptop:
        pictures(laptop, 0.5)
        pause(laptop.path, now=time.time())
        began = time.monotonic()
        while isinstance(picture := laptop.check.picture(), CheckPicture):
            assert time.monotonic() - began < 1.0
        assert picture.why == "paused" and picture.sentence.endswith(".")
        assert time.monotonic() - began < 1.0 and laptop.check.latest is None
        laptop.wait_for(lambda: not laptop.opened[-1].alive, 1.0)
        resume(laptop.path, now=time.time())
        laptop.wait_for(lambda: isinstance(laptop.check.picture(), CheckPicture), 10.0)


def test_the_neutral_pose_is_calibrated_survives_a_restart_and_is_taken_back(tmp_path: Path) -> None:
    with Laptop(tmp_path, sample(1.0, realtime=True), 1.0).running() as laptop:
        began = time.monotonic()
        chosen = laptop.check.calibrate()
        assert 5.0 <= time.monotonic() - began < 8.0
        assert isinstance(chosen, Neutral) and chosen.origin is Origin.CHOSEN
        seen = laptop.check.latest
        assert seen is not None and seen.observation.faces[0].yaw == pytest.approx(chosen.yaw, abs=10.0)
    with Laptop(tmp_path, sample(1.0, realtime=True), 1.0).running() as again:
        assert again.check.neutral == chosen
        pause(again.path, now=time.time())
        again.wait_for(lambda: isinstance(again.check.picture(), NoPicture))
        assert again.check.reset_neutral() == Neutral(0.0, 0.0, Origin.DEFAULT)
        assert Recorder(again.store, models="abcd1234").load(now=time.time()).judge.baseline.chosen is None


def test_where_nobody_sits_no_neutral_pose_is_taken(tmp_path: Path) -> None:
    empty = write_video(tmp_path / "empty.avi", frames=80, fps=8, width=640, height=480)
    source = Source(files=(empty,), every=1.0, realtime=True)
    with Laptop(tmp_path, source, 1.0).running() as laptop:
        refused = laptop.check.calibrate(seconds=2.0)
        assert isinstance(refused, NotNeutral) and refused.obstacle in (Obstacle.NO_FACE, Obstacle.UNREADABLE)
        assert laptop.check.neutral.origin is Origin.DEFAULT


def test_after_the_recording_there_is_a_sentence(tmp_path: Path) -> None:
    short = write_video(tmp_path / "short.avi", frames=6, fps=4, width=320, height=240)
    with Laptop(tmp_path, Source(files=(short,), every=0.5, realtime=True), 0.5).running() as laptop:
        laptop.wait_for(lambda: isinstance(laptop.check.picture(), NoPicture), 10.0)
        assert laptop.check.picture() == NoPicture("resting", "The recording is over.")
