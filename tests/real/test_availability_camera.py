"""Holds the promise that a camera another program wants is free at once, found by what the processes really have open,
and that finding it costs nothing while nothing happens. Files stand in for the devices; the processes are real.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

if sys.platform != "linux":
    pytest.skip("/proc and inotify are Linux's", allow_module_level=True)

from agent.attention.schedule import Availability
from agent.availability.linux import camera, holders, shutter
from agent.availability.linux.battery import read_battery
from agent.availability.linux.devices import cameras
from agent.availability.linux.signals import LinuxSignals
from agent.availability.linux.watch import Places
from agent.availability.settle import Signal

HOLD = "import sys, time; held = open(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
CALM = 1.5
"""Instead of three seconds, so that the tests take less."""
BUDGET = 0.0005
"""Share of a processor the signals may take."""


class Program:
    """Another program that has a device open."""

    def __init__(self, device: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(device)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None and self.process.stdout.readline() == "open\n"

    def end(self) -> None:
        self.process.communicate("")


@pytest.fixture
def dev(tmp_path: Path) -> Path:
    dev = tmp_path / "dev"
    dev.mkdir()
    (dev / "video0").touch()
    (dev / "null").touch()
    return dev


class Shutter:
    """A camera's shutter, moved by hand; opens the device as the real one does."""

    def __init__(self) -> None:
        self.closed: bool | None = False
        self.none = False
        self.asked = 0

    def __call__(self, device: Path) -> bool | None:
        self.asked += 1
        os.close(os.open(device, os.O_RDWR))
        if self.none:
            raise shutter.NoShutter(device)
        return self.closed


@pytest.fixture
def places(dev: Path, tmp_path: Path) -> Places:
    return Places(dev=dev, udev=tmp_path / "udev", supplies=tmp_path / "supplies", read_shutter=Shutter())


@pytest.fixture
def stranger(monkeypatch: pytest.MonkeyPatch) -> None:
    """The programs a test starts are its children, which would be ours: look from a process that is nobody's parent."""
    monkeypatch.setattr("agent.availability.linux.watch.os.getpid", lambda: 2**30)


@pytest.fixture
def signals(places: Places) -> Iterator[LinuxSignals]:
    signals = LinuxSignals(lambda: True, lambda: "0", None, lambda: False, places=places, lid=False, calm=CALM)
    signals.start()
    yield signals
    signals.close()


def until(signals: LinuxSignals, wanted: Callable[[Availability], bool], within: float) -> float:
    began = time.monotonic()
    while time.monotonic() - began < within:
        if wanted(signals.read()):
            return time.monotonic() - began
        time.sleep(0.01)
    pytest.fail(f"still {signals.read()} after {within} s")


@pytest.mark.usefixtures("stranger")
def test_another_programs_open_is_seen_in_a_moment_and_its_end_after_a_calm(signals: LinuxSignals, dev: Path) -> None:
    time.sleep(0.2)
    assert signals.read() == Availability()
    began = time.monotonic()
    program = Program(dev / "video0")
    until(signals, lambda now: now.in_call, 1.0)
    assert time.monotonic() - began < 1.0
    program.end()
    assert until(signals, lambda now: not now.in_call, CALM + 1.5) > CALM - 0.5


@pytest.mark.usefixtures("stranger")
def test_a_killed_program_holds_nothing(signals: LinuxSignals, dev: Path) -> None:
    program = Program(dev / "video0")
    until(signals, lambda now: now.in_call, 1.0)
    program.process.kill()
    program.process.communicate()
    until(signals, lambda now: not now.in_call, CALM + 1.5)


@pytest.mark.usefixtures("stranger")
def test_a_camera_plugged_in_later_is_watched_too(signals: LinuxSignals, dev: Path) -> None:
    time.sleep(0.2)
    (dev / "video2").touch()
    time.sleep(0.2)
    program = Program(dev / "video2")
    until(signals, lambda now: now.in_call, 1.0)
    program.end()


def test_our_own_eyes_are_no_other_program(signals: LinuxSignals, dev: Path) -> None:
    """Children of this process, however deep; else the agent would end its own eyes again and again."""
    time.sleep(0.2)
    program = Program(dev / "video0")
    wrapped = subprocess.Popen(
        ["/bin/sh", "-c", f'"{sys.executable}" -c "{HOLD}" "{dev}/video0"; true'],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert wrapped.stdout is not None and wrapped.stdout.readline() == "open\n"
    for _ in range(26):
        assert signals.read() == Availability()
        time.sleep(0.05)
    assert {holder.pid for holder in holders.find_holders([dev / "video0"], 2**30)} >= {program.process.pid}
    wrapped.communicate("")
    program.end()


def test_other_files_of_the_name_are_no_cameras(dev: Path, tmp_path: Path) -> None:
    (tmp_path / "video0").touch()
    program = Program(tmp_path / "video0")
    assert holders.find_holders([dev / "video0"], 2**30) == ()
    (dev / "by-name").symlink_to(dev / "video0")
    through_a_link = Program(dev / "by-name")
    found = holders.find_holders([dev / "video0"], 2**30)
    assert [holder.pid for holder in found] == [through_a_link.process.pid]
    assert holders.still_held(found, [dev / "video0"])
    program.end()
    through_a_link.end()
    assert not holders.still_held(found, [dev / "video0"])


def test_a_real_device_is_known_by_its_number(tmp_path: Path) -> None:
    """Nodes of the same number are one device, wherever they lie; /dev/null stands in for a camera."""
    (tmp_path / "null").symlink_to("/dev/null")
    program = Program(Path("/dev/null"))
    assert program.process.pid in {holder.pid for holder in holders.find_holders([tmp_path / "null"], 2**30)}
    program.end()


def test_a_media_server_that_only_keeps_the_camera_is_asked_about(dev: Path, tmp_path: Path) -> None:
    """Its name is what tells it: the program is really called so here."""
    server = tmp_path / "pipewire"
    server.symlink_to("/bin/sleep")
    with (dev / "video0").open() as device:
        process = subprocess.Popen([str(server), "30"], stdin=device)
    found = holders.find_holders([dev / "video0"], os.getpid() + 2**30)
    process.kill()
    process.wait()
    theirs = [holder for holder in found if holder.pid == process.pid]
    assert [holder.name for holder in theirs] == ["pipewire"]
    assert camera.only_kept(theirs)
    assert camera.in_use(theirs, True) and not camera.in_use(theirs, False) and camera.in_use(theirs, None)


def test_the_shutter_is_followed_while_the_eyes_have_the_camera_open(places: Places) -> None:
    answer = places.read_shutter
    assert isinstance(answer, Shutter)
    answer.closed = True
    signals = LinuxSignals(lambda: False, lambda: "0", None, lambda: True, places=places, lid=False, calm=CALM)
    signals.start()
    until(signals, lambda now: now == Availability(shutter_closed=True), 1.0)
    answer.closed = False
    until(signals, lambda now: now == Availability(), 3.5 + CALM)
    signals.close()


def test_the_shutter_that_counts_is_that_of_the_camera_chosen_now(
    places: Places, dev: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.availability.linux.watch.SHUTTER_SECONDS", 0.2)
    (dev / "video2").touch()
    chosen = ["0"]
    closed = {"video0": True, "video2": False, "video4": None}
    asked: list[str] = []

    def read(device: Path) -> bool | None:
        asked.append(device.name)
        if (answer := closed[device.name]) is None:
            raise shutter.NoShutter(device)
        return answer

    moved = replace(places, read_shutter=read)
    signals = LinuxSignals(lambda: False, lambda: chosen[0], None, lambda: False, places=moved, lid=False, calm=0.1)
    signals.start()
    until(signals, lambda now: now.shutter_closed, 1.0)
    chosen[0] = "2"
    until(signals, lambda now: not now.shutter_closed, 1.0)
    chosen[0] = "4"
    until(signals, lambda _: not {row.signal: row.works for row in signals.describe()}[Signal.SHUTTER_CLOSED], 1.0)
    chosen[0] = "0"
    until(signals, lambda now: now.shutter_closed, 1.0)
    signals.close()
    assert asked.count("video4") == 1 and asked.count("video2") == 1, "a camera nobody looks through is asked once"


def test_the_lid_counts_only_while_the_camera_chosen_now_is_built_into_it(places: Places, tmp_path: Path) -> None:
    chosen = ["0"]
    classes = tmp_path / "video4linux"
    for name, removable in (("video0", "fixed"), ("video2", "removable")):
        usb = tmp_path / "usb" / name
        (usb / "interface").mkdir(parents=True)
        (usb / "removable").write_text(removable)
        (classes / name).mkdir(parents=True)
        (classes / name / "device").symlink_to(usb / "interface")
        (places.dev / name).touch()
    put = replace(places, classes=classes)
    signals = LinuxSignals(lambda: False, lambda: chosen[0], None, lambda: False, places=put, lid=True)
    assert not signals.stands_beside()
    chosen[0] = "2"
    assert signals.stands_beside()
    signals.close()


@pytest.mark.usefixtures("stranger")
def test_an_error_of_our_own_takes_the_words_back_and_everything_is_watched_again(
    places: Places, dev: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.availability.linux.watch.RETRY_SECONDS", 0.5)
    monkeypatch.setattr("agent.availability.linux.watch.SHUTTER_SECONDS", 0.1)
    wrong: list[str] = []

    def read(device: Path) -> bool | None:
        if wrong:
            raise KeyError(wrong.pop())
        return False

    fragile = replace(places, read_shutter=read)
    signals = LinuxSignals(lambda: False, lambda: "0", None, lambda: True, places=fragile, lid=False, calm=0.1)
    signals.start()
    program = Program(dev / "video0")
    until(signals, lambda now: now.in_call, 1.0)
    wrong.append("what nobody expected")
    until(signals, lambda now: not now.in_call, 1.0)
    works = {row.signal: row.works for row in signals.describe()}
    assert not works[Signal.IN_CALL] and not works[Signal.SHUTTER_CLOSED], "nobody watches, and it says so"
    until(signals, lambda now: now.in_call, 2.0)
    program.end()
    signals.close()


def test_a_camera_nobody_looks_through_is_not_woken_to_ask_for_its_shutter(places: Places, dev: Path) -> None:
    answer = places.read_shutter
    assert isinstance(answer, Shutter)
    signals = LinuxSignals(lambda: False, lambda: "0", None, lambda: False, places=places, lid=False, calm=CALM)
    signals.start()
    time.sleep(3.5)
    signals.close()
    assert answer.asked == 1


def test_a_file_that_is_no_camera_has_no_shutter(dev: Path) -> None:
    with pytest.raises(shutter.NoShutter):
        shutter.read_shutter(dev / "video0")
    with pytest.raises(shutter.NoShutter):
        shutter.read_shutter(Path("/dev/null"))
    with pytest.raises(shutter.NoShutter):
        shutter.read_shutter(dev / "video9")


def test_the_battery_is_read_from_the_kernels_files(signals: LinuxSignals, places: Places) -> None:
    mains, battery = places.supplies / "AC", places.supplies / "BAT0"
    for folder, kind in ((mains, "Mains"), (battery, "Battery")):
        folder.mkdir(parents=True)
        (folder / "type").write_text(f"{kind}\n")
    (battery / "status").write_text("Discharging\n")
    assert read_battery(places.supplies) is True
    (mains / "online").write_text("0\n")
    assert read_battery(places.supplies) is True
    until(signals, lambda now: now.on_battery, 6.0)
    (mains / "online").write_text("1\n")
    assert read_battery(places.supplies) is False
    assert read_battery(places.dev) is None


def test_only_files_of_cameras_are_watched(dev: Path, tmp_path: Path) -> None:
    (dev / "video10").touch()
    (dev / "videodev").touch()
    assert cameras(dev, tmp_path) == [dev / "video0", dev / "video10"]
    assert cameras(tmp_path / "none", tmp_path) == []


def test_listening_costs_next_to_nothing(places: Places) -> None:
    """The thread over some seconds, and the watchman's five readings a second; in a process of its own. The watchman
    wakes anyway, so his waking is not in this figure, nor are the buses.
    """
    code = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from agent.availability.linux.signals import LinuxSignals\n"
        "from agent.availability.linux.watch import Places\n"
        "places = Places(dev=Path(sys.argv[1]))\n"
        "signals = LinuxSignals(lambda: False, lambda: '0', None, lambda: True, places=places, lid=False)\n"
        "signals.start(); time.sleep(1)\n"
        "used = time.process_time(); time.sleep(5.5); thread = (time.process_time() - used) / 5.5\n"
        "used = time.process_time()\n"
        "for _ in range(1000): signals.read()\n"
        "print(thread, 5 * (time.process_time() - used) / 1000)\n"
    )
    answer = subprocess.run([sys.executable, "-c", code, str(places.dev)], capture_output=True, text=True, check=True)
    thread, reading = (float(word) for word in answer.stdout.split())
    assert thread + reading < BUDGET, f"thread {thread}, reading {reading}"


def test_what_works_is_said(signals: LinuxSignals) -> None:
    time.sleep(0.3)
    known = {each.signal: each for each in signals.describe()}
    assert list(known) == list(Signal)
    assert known[Signal.IN_CALL].works and known[Signal.SHUTTER_CLOSED].works
    assert not known[Signal.LOCKED].works and not known[Signal.ON_BATTERY].works
    assert all(each.how for each in known.values())
