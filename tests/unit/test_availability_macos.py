"""Holds the promise that what macOS answers is read for what Apple's headers and manual pages say. Answers as a Mac
gives them; the frameworks are played back, since no Mac is here.
"""

from __future__ import annotations

import pytest

from agent.availability import macos
from agent.availability.macos_answers import (
    clamshell_closed,
    console_locked,
    others_use_camera,
    pmset_battery,
    power_source,
    session_locked,
)
from agent.availability.settle import Signal

HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN"'
    ' "http://www.apple.com/DTDs/PropertyList-1.0.dtd">\n<plist version="1.0">\n'
)
LOCKED_KEY = "<key>CGSSessionScreenIsLocked</key><true/><key>CGSSessionScreenLockedTime</key><integer>1763</integer>"


def root(*, locked: bool = False, front: bool = True) -> bytes:
    """What `ioreg -n Root -d1 -a` says, shortened."""
    return (
        f"{HEAD}<dict><key>IOClass</key><string>IORegistryEntry</string><key>IOConsoleLocked</key><{str(locked).lower()}/>"
        "<key>IOConsoleUsers</key><array>"
        f"<dict>{LOCKED_KEY if locked else ''}<key>kCGSSessionOnConsoleKey</key><{str(front).lower()}/>"
        "<key>kCGSSessionUserIDKey</key><integer>501</integer>"
        "<key>kCGSSessionUserNameKey</key><string>anna</string></dict>"
        "<dict><key>kCGSSessionOnConsoleKey</key><false/><key>kCGSSessionUserNameKey</key><string>ben</string></dict>"
        "</array></dict></plist>\n"
    ).encode()


def test_locked_by_the_session() -> None:
    assert session_locked({"kCGSSessionOnConsoleKey": True}) is False
    assert session_locked({"kCGSSessionOnConsoleKey": 1, "CGSSessionScreenIsLocked": 1}) is True
    assert session_locked({"kCGSSessionOnConsoleKey": False}) is True
    assert session_locked({}) is False
    assert session_locked(None) is True


def test_locked_by_the_registry() -> None:
    assert console_locked(root(), "anna") is False
    assert console_locked(root(locked=True), "anna") is True
    assert console_locked(root(front=False), "anna") is True
    assert console_locked(root(), "ben") is True
    assert console_locked(root(), "carla") is None
    assert console_locked(b"", "anna") is None
    assert console_locked(b"<plist>", "anna") is None


@pytest.mark.parametrize(("value", "expected"), [("<true/>", True), ("<false/>", False), ("<string/>", None)])
def test_clamshell(value: str, expected: bool | None) -> None:
    text = f"{HEAD}<array><dict><key>AppleClamshellState</key>{value}<key>IOClass</key><string>IOPMrootDomain</string></dict></array></plist>"
    assert clamshell_closed(text.encode()) is expected
    assert clamshell_closed(b"") is None, "ioreg says nothing on a Mac without a lid"


def test_battery() -> None:
    charging = (
        "Now drawing from 'AC Power'\n -InternalBattery-0 (id=4653155)\t81%; charging; 1:02 remaining present: true\n"
    )
    assert pmset_battery(charging) is False
    assert pmset_battery(charging.replace("AC Power", "Battery Power")) is True
    assert pmset_battery("Now drawing from 'AC Power'\n") is None
    assert pmset_battery("") is None
    assert power_source("Battery Power") is True and power_source("AC Power") is False and power_source(None) is None


def test_our_own_eyes_do_not_hide_or_feign_a_call() -> None:
    assert others_use_camera(True, looking=False, before=None) is True
    assert others_use_camera(False, looking=False, before=True) is False
    assert others_use_camera(True, looking=True, before=False) is False
    assert others_use_camera(True, looking=True, before=None) is False
    assert others_use_camera(None, looking=True, before=True) is None


class Played:
    """The frameworks' part."""

    def __init__(self) -> None:
        self.running: bool | None = False
        self.lid: object = False
        self.source: str | None = "AC Power"
        self.login: dict[str, object] | None = {"kCGSSessionOnConsoleKey": True}

    def session(self) -> dict[str, object] | None:
        return self.login

    def root_domain(self, key: str) -> object:
        assert key == "AppleClamshellState"
        return self.lid

    def power_source(self) -> str | None:
        return self.source

    def camera_running(self) -> bool | None:
        return self.running


def test_the_questions_asked_of_a_mac(monkeypatch: pytest.MonkeyPatch) -> None:
    played, looking, now = Played(), [False], [1000.0]
    monkeypatch.setattr(macos, "Frameworks", lambda: played)
    monkeypatch.setattr(macos, "monotonic", lambda: now[0])
    asks = {each.signal: each.ask for each in macos.MacSignals(lambda: True, lambda: looking[0]).questions()}
    assert {signal: ask() for signal, ask in asks.items()} == dict.fromkeys(asks, False)
    played.login, played.lid, played.source, played.running = None, True, "Battery Power", True
    assert {signal: ask() for signal, ask in asks.items()} == dict.fromkeys(asks, True)
    played.lid, played.source, played.running = None, None, None
    assert [asks[signal]() for signal in (Signal.LID_CLOSED, Signal.ON_BATTERY, Signal.IN_CALL)] == [None] * 3
    played.running, looking[0] = True, True
    assert asks[Signal.IN_CALL]() is False, "that is us"
    looking[0] = False
    assert asks[Signal.IN_CALL]() is False, "we have only just let go"
    now[0] += macos.RELEASE_SECONDS
    assert asks[Signal.IN_CALL]() is True, "that is somebody else"


def test_without_the_frameworks_programs_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise OSError("no such framework")

    answers = {
        "-n": root(locked=True),
        "-r": f"{HEAD}<array><dict><key>AppleClamshellState</key><true/></dict></array></plist>".encode(),
        "-g": b"Now drawing from 'Battery Power'\n -InternalBattery-0 (id=1)\t81%; discharging\n",
    }
    monkeypatch.setattr(macos, "Frameworks", missing)
    monkeypatch.setattr(macos, "_output", lambda _, option, *__: answers[option])
    monkeypatch.setattr(macos.getpass, "getuser", lambda: "anna")
    signals = macos.MacSignals(lambda: True, lambda: False)
    asks = {each.signal: each.ask for each in signals.questions()}
    assert {signal: ask() for signal, ask in asks.items()} == dict.fromkeys(asks, True)
    assert not {row.signal: row.works for row in signals.describe()}[Signal.IN_CALL]
