"""Holds the promise that the camera is released when the screen is locked or another user's is in front, the laptop
goes to sleep or the lid is shut, within a second; and that a service that is missing or vanishes is no reason to rest.

A private bus, and logind's and a screen saver's part of it in a process of its own.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

if sys.platform != "linux":
    pytest.skip("D-Bus is Linux's", allow_module_level=True)

from agent.attention.schedule import Availability
from agent.availability.linux.logind import LID_SECONDS
from agent.availability.linux.signals import LinuxSignals
from agent.availability.linux.watch import Places
from agent.availability.settle import Signal
from agent.desktop_bus import Desktop
from agent.desktop_link import Bus
from tests.real.logind_stand_in import NAME

AT_ONCE = 1.0
CALM = 1.5
"""Instead of three seconds, so that the tests take less."""
AFTER_CALM = CALM + 1.0
REPOSITORY = Path(__file__).resolve().parents[2]


class Machine:
    """A private bus and who is on it."""

    def __init__(self, folder: Path) -> None:
        self.address = f"unix:path={folder}/bus"
        self.bus = subprocess.Popen(
            ["dbus-daemon", "--session", "--nofork", "--nopidfile", f"--address={self.address}", "--print-address=1"],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.bus.stdout is not None and self.bus.stdout.readline()
        self.logind: subprocess.Popen[str] | None = None

    def come(self) -> None:
        """Start the stand-in."""
        self.logind = subprocess.Popen(
            [sys.executable, "-m", "tests.real.logind_stand_in"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=REPOSITORY,
            env={"DBUS_SYSTEM_BUS_ADDRESS": self.address, "PATH": "/usr/bin:/bin"},
        )
        self._done()

    def do(self, word: str) -> None:
        assert self.logind is not None and self.logind.stdin is not None
        self.logind.stdin.write(f"{word}\n")
        self.logind.stdin.flush()
        self._done()

    def end(self) -> None:
        for process in (self.logind, self.bus):
            if process is not None:
                process.kill()
                process.communicate()

    def _done(self) -> None:
        assert self.logind is not None and self.logind.stdout is not None
        assert self.logind.stdout.readline() == "done\n"


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    machine = Machine(tmp_path)
    yield machine
    machine.end()


@pytest.fixture
def signals(machine: Machine, tmp_path: Path) -> Iterator[LinuxSignals]:
    desktop = Desktop({Bus.SYSTEM: machine.address, Bus.SESSION: machine.address})
    places = Places(dev=tmp_path / "dev", udev=tmp_path / "udev", supplies=tmp_path / "supplies")
    places.dev.mkdir()
    signals = LinuxSignals(lambda: False, lambda: None, desktop, lambda: False, places=places, lid=True, calm=CALM)
    desktop.start()
    signals.start()
    yield signals
    signals.close()
    desktop.close()


def until(signals: LinuxSignals, wanted: Callable[[Availability], bool], within: float) -> float:
    """Seconds until `read` says so, read as often as the watchman does."""
    began = time.monotonic()
    while time.monotonic() - began < within:
        if wanted(signals.read()):
            return time.monotonic() - began
        time.sleep(0.05)
    pytest.fail(f"still {signals.read()} after {within} s")


def knows(signals: LinuxSignals, signal: Signal) -> bool:
    return {known.signal: known.works for known in signals.describe()}[signal]


def wait_known(signals: LinuxSignals, signal: Signal, works: bool = True) -> None:
    until(signals, lambda _: knows(signals, signal) is works, 3.0)


def test_the_lid_says_nothing_while_another_camera_than_the_built_in_one_is_chosen(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.availability.linux.logind.LID_SECONDS", 0.3)
    port, classes = tmp_path / "usb", tmp_path / "video4linux"
    (port / "interface").mkdir(parents=True)
    (port / "removable").write_text("removable\n")
    (classes / "video2").mkdir(parents=True)
    (classes / "video2" / "device").symlink_to(port / "interface")
    chosen = ["0"]
    desktop = Desktop({Bus.SYSTEM: machine.address, Bus.SESSION: machine.address})
    places = Places(dev=tmp_path, classes=classes)
    signals = LinuxSignals(lambda: False, lambda: chosen[0], desktop, lambda: False, places=places, lid=True, calm=0.1)
    desktop.start()
    signals.start()
    machine.come()
    wait_known(signals, Signal.LID_CLOSED)
    machine.do("shut")
    until(signals, lambda now: now.lid_closed, 2.0)
    chosen[0] = "2"
    until(signals, lambda now: not now.lid_closed, 2.0)
    assert not knows(signals, Signal.LID_CLOSED)
    chosen[0] = "0"
    until(signals, lambda now: now.lid_closed, 2.0)
    signals.close()
    desktop.close()


def test_lock_other_user_sleep_and_lid_are_followed_within_a_second(machine: Machine, signals: LinuxSignals) -> None:
    machine.come()
    machine.do("upower")
    wait_known(signals, Signal.LID_CLOSED)
    assert signals.read() == Availability()
    machine.do("lock")
    until(signals, lambda now: now == Availability(locked=True), AT_ONCE)
    machine.do("sleep")
    until(signals, lambda now: now == Availability(locked=True, asleep=True), AT_ONCE)
    machine.do("shut")
    until(signals, lambda now: now == Availability(locked=True, asleep=True, lid_closed=True), AT_ONCE)
    for word in ("open", "wake", "unlock"):
        machine.do(word)
    assert until(signals, lambda now: now == Availability(), AFTER_CALM) >= CALM - 0.5
    machine.do("away")
    until(signals, lambda now: now == Availability(locked=True), AT_ONCE)


def test_a_screen_saver_tells_where_logind_does_not(machine: Machine, signals: LinuxSignals) -> None:
    machine.come()
    machine.do("leave")
    machine.do("saver")
    wait_known(signals, Signal.LOCKED)
    machine.do("blank")
    until(signals, lambda now: now == Availability(locked=True), AT_ONCE)
    machine.do("shown")
    until(signals, lambda now: now == Availability(), AFTER_CALM)
    assert "screen saver" in {known.signal: known.how for known in signals.describe()}[Signal.LOCKED]


def test_a_lock_of_a_moment_releases_the_camera_once(machine: Machine, signals: LinuxSignals) -> None:
    machine.come()
    wait_known(signals, Signal.LOCKED)
    seen = [signals.read().locked]
    for turn in range(20):
        machine.do("lock" if turn % 4 < 2 else "unlock")
        seen.append(signals.read().locked)
        time.sleep(0.05)
    resting = [now for now, before in zip(seen[1:], seen, strict=False) if now != before]
    assert resting == [True]


def test_a_service_that_vanishes_is_no_reason_to_rest_and_is_found_again(
    machine: Machine, signals: LinuxSignals
) -> None:
    wait_known(signals, Signal.LOCKED, works=False)
    assert signals.read() == Availability()
    machine.come()
    machine.do("lock")
    until(signals, lambda now: now.locked, AT_ONCE)
    machine.do("leave")
    until(signals, lambda now: now == Availability(), AFTER_CALM)
    assert not knows(signals, Signal.LOCKED) and not knows(signals, Signal.LID_CLOSED)
    machine.do("come")
    until(signals, lambda now: now.locked, AT_ONCE)
    machine.do("shut")  # nobody tells: it is asked after now and then
    until(signals, lambda now: now.lid_closed, LID_SECONDS + AT_ONCE)


def test_a_new_log_in_is_another_session_and_is_followed(machine: Machine, signals: LinuxSignals) -> None:
    machine.come()
    wait_known(signals, Signal.LOCKED)
    machine.do("logout")
    wait_known(signals, Signal.LOCKED, works=False)
    machine.do("login")
    wait_known(signals, Signal.LOCKED)
    machine.do("lock")
    until(signals, lambda now: now.locked, AT_ONCE)


def test_no_bus_at_all_is_said_and_stops_nobody(tmp_path: Path) -> None:
    desktop = Desktop({Bus.SYSTEM: f"unix:path={tmp_path}/none", Bus.SESSION: ""})
    signals = LinuxSignals(lambda: False, lambda: None, desktop, lambda: False, places=Places(dev=tmp_path), lid=True)
    desktop.start()
    signals.start()
    time.sleep(0.3)
    assert signals.read() == Availability()
    assert not knows(signals, Signal.LOCKED)
    signals.close()
    signals.close()
    desktop.close()


def test_reading_takes_microseconds_whatever_the_services_do(machine: Machine, signals: LinuxSignals) -> None:
    machine.come()
    wait_known(signals, Signal.LOCKED)
    machine.bus.send_signal(19)  # SIGSTOP: the bus hangs
    try:
        longest = 0.0
        for _ in range(200):
            began = time.perf_counter()
            signals.read()
            longest = max(longest, time.perf_counter() - began)
        assert longest < 0.02
    finally:
        machine.bus.send_signal(18)


def test_the_stand_in_is_not_the_machines_own_logind(machine: Machine) -> None:
    """Nothing here may lock the developer's screen."""
    answer = subprocess.run(
        [
            "dbus-send",
            f"--bus={machine.address}",
            "--print-reply",
            "--dest=org.freedesktop.DBus",
            "/",
            "org.freedesktop.DBus.NameHasOwner",
            f"string:{NAME}",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "boolean false" in answer.stdout
