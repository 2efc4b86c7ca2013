"""Holds the promise that what Windows answers is read for what its documentation says. Answers as they lie in memory;
the system itself is played back, since none is here.
"""

from __future__ import annotations

import ctypes
import struct
from types import SimpleNamespace
from typing import Any

import pytest

from agent.attention.schedule import Availability
from agent.availability import windows
from agent.availability.settle import Signal
from agent.availability.windows_answers import (
    LID_SWITCH,
    CameraUse,
    file_time,
    guid_bytes,
    in_use,
    parse_lid,
    parse_power,
    parse_session,
    program_key,
)

BOOT = 1_763_000_000.0
ZOOM = r"C:\Program Files\Zoom\bin\Zoom.exe"


def session(level: int = 1, state: int = 0, flags: int = 1) -> bytes:
    """WTSINFOEXW: the level's structure holds 64-bit times, so it begins at 8."""
    return struct.pack("<I4xIII", level, 2, state, flags) + bytes(200)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (session(), False),
        (session(flags=0), True),
        (session(state=4), True),
        (session(flags=0xFFFFFFFF), None),
        (session(level=0), None),
        (b"", None),
    ],
)
def test_session(answer: bytes, expected: bool | None) -> None:
    """WTSDisconnected (4): another user's turn."""
    assert parse_session(answer) is expected


@pytest.mark.parametrize(
    ("line", "flag", "expected"),
    [(1, 9, False), (0, 1, True), (0, 2, True), (1, 128, None), (255, 255, None), (0, 255, True)],
)
def test_power(line: int, flag: int, expected: bool | None) -> None:
    assert parse_power(struct.pack("<BBBBII", line, flag, 87, 0, 12000, 0xFFFFFFFF)) is expected


def lid(value: int, guid: str = LID_SWITCH) -> bytes:
    return guid_bytes(guid) + struct.pack("<II", 4, value)


def test_lid() -> None:
    assert parse_lid(lid(0)) is True and parse_lid(lid(1)) is False
    assert parse_lid(lid(0, "5d3e9a59-e9d5-4b00-a6bd-ff34ff516548")) is None
    assert parse_lid(b"") is None
    assert guid_bytes(LID_SWITCH).hex() == "4d0f3eba17b89440a2d1d56379e6a0f3"


def ticks(at: float) -> int:
    return int((at + 11_644_473_600) * 10_000_000)


def test_who_uses_the_camera() -> None:
    since = ticks(BOOT + 100)
    zoom = CameraUse(program_key(ZOOM), since, 0)
    assert program_key(ZOOM) == "c:#program files#zoom#bin#zoom.exe"
    assert file_time(since) == pytest.approx(BOOT + 100)
    assert in_use([zoom], frozenset(), BOOT)
    assert not in_use([CameraUse("teams", since, since + 5)], frozenset(), BOOT)
    assert not in_use([zoom], frozenset({program_key(ZOOM)}), BOOT), "our own eyes"
    assert not in_use([CameraUse("zoom", ticks(BOOT - 9), 0)], frozenset(), BOOT), "cut off by a power cut"
    assert not in_use([CameraUse("never", None, 0), CameraUse("asked", since, None)], frozenset(), BOOT)


class Registry:
    """Keys as dictionaries; stands in for `winreg`."""

    HKEY_CURRENT_USER: Any = None

    def __init__(self, webcam: dict[str, Any] | None) -> None:
        self.webcam = webcam

    def OpenKey(self, parent: Any, name: str) -> Any:
        found = self.webcam if parent is None else parent.values_.get(name)
        if found is None:
            raise FileNotFoundError(name)
        return Key(found)

    def QueryInfoKey(self, key: Key) -> tuple[int, int, int]:
        return len(key.keys()), 0, 0

    def EnumKey(self, key: Key, number: int) -> str:
        return key.keys()[number]

    def QueryValueEx(self, key: Key, name: str) -> tuple[object, int]:
        if name not in key.values_:
            raise FileNotFoundError(name)
        return key.values_[name], 11


class Key:
    def __init__(self, values: dict[str, Any]) -> None:
        self.values_ = values

    def keys(self) -> list[str]:
        return [name for name, value in self.values_.items() if isinstance(value, dict)]

    def __enter__(self) -> Key:
        return self

    def __exit__(self, *_: object) -> None:
        return None


class Tick:
    restype: Any = None

    def __call__(self) -> int:
        return 1000 * 3600


def test_the_registry_is_walked_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "_library", lambda _: SimpleNamespace(GetTickCount64=Tick()))
    monkeypatch.setattr(windows.time, "time", lambda: BOOT + 3600)
    since = ticks(BOOT + 100)
    idle = {"LastUsedTimeStart": since, "LastUsedTimeStop": since + 1}
    store: dict[str, Any] = {
        "Value": "Allow",
        "Microsoft.WindowsCamera_8wekyb3d8bbwe": dict(idle),
        "NonPackaged": {"LastUsedTimeStart": since, program_key(ZOOM): dict(idle), "never#asked": {}},
    }
    monkeypatch.setattr(windows, "_winreg", lambda: Registry(store))
    assert windows.ask_camera() is False
    store["NonPackaged"][program_key(ZOOM)]["LastUsedTimeStop"] = 0
    assert windows.ask_camera() is True
    store["NonPackaged"][program_key(ZOOM)]["LastUsedTimeStop"] = since
    store["Microsoft.WindowsCamera_8wekyb3d8bbwe"]["LastUsedTimeStop"] = 0
    assert windows.ask_camera() is True
    store["Microsoft.WindowsCamera_8wekyb3d8bbwe"]["LastUsedTimeStop"] = since
    store["NonPackaged"][program_key(windows.sys.executable)] = {"LastUsedTimeStart": since, "LastUsedTimeStop": 0}
    assert windows.ask_camera() is False
    monkeypatch.setattr(windows, "_winreg", lambda: Registry(None))
    assert windows.ask_camera() is None


class Terminal:
    """wtsapi32's part."""

    def __init__(self, answer: bytes) -> None:
        self.buffer = ctypes.create_string_buffer(answer, max(1, len(answer)))
        self.size, self.freed = len(answer), 0

    def WTSQuerySessionInformationW(self, _server: None, number: Any, what: int, buffer: Any, size: Any) -> int:
        assert (number.value, what) == (0xFFFFFFFF, 25)
        if not self.size:
            return 0
        buffer._obj.value, size._obj.value = ctypes.addressof(self.buffer), self.size
        return 1

    def WTSFreeMemory(self, buffer: Any) -> None:
        assert buffer.value == ctypes.addressof(self.buffer)
        self.freed += 1


def test_the_session_is_asked_and_its_memory_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal(session(flags=0))
    monkeypatch.setattr(windows, "_library", lambda _: terminal)
    assert windows.ask_session() is True
    assert terminal.freed == 1
    monkeypatch.setattr(windows, "_library", lambda _: Terminal(b""))
    assert windows.ask_session() is None


def test_the_power_status_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(status: Any) -> int:
        status.raw = struct.pack("<BBBBII", 0, 1, 50, 0, 100, 200)
        return 1

    monkeypatch.setattr(windows, "_library", lambda _: SimpleNamespace(GetSystemPowerStatus=answer))
    assert windows.ask_power() is True
    monkeypatch.setattr(windows, "_library", lambda _: SimpleNamespace(GetSystemPowerStatus=lambda _: 0))
    assert windows.ask_power() is None


class PowerManager:
    """powrprof's part: calls back through the very pointer it was given."""

    def __init__(self) -> None:
        self.call: Any = None
        self.registered: list[str] = []

    def PowerRegisterSuspendResumeNotification(self, flag: Any, parameters: Any, handle: Any) -> int:
        assert flag.value == 2
        self.call = windows._callback_type()(parameters._obj.callback)
        self.registered.append("sleep")
        return 0

    def PowerSettingRegisterNotification(self, guid: Any, flag: Any, parameters: Any, handle: Any) -> int:
        assert guid.raw == guid_bytes(LID_SWITCH)
        self.registered.append("lid")
        self.tell(0x8013, lid(1))
        return 0

    def PowerUnregisterSuspendResumeNotification(self, handle: Any) -> None:
        self.registered.remove("sleep")

    def PowerSettingUnregisterNotification(self, handle: Any) -> None:
        self.registered.remove("lid")

    def tell(self, event: int, setting: bytes = b"") -> None:
        buffer = ctypes.create_string_buffer(setting, max(1, len(setting)))
        assert self.call(None, event, ctypes.addressof(buffer) if setting else None) == 0


def test_sleep_and_lid_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    manager = PowerManager()
    monkeypatch.setattr(windows, "_library", lambda _: manager)
    monkeypatch.setattr(windows.RegistryBell, "open", lambda _: None)
    monkeypatch.setattr(windows.RegistryBell, "close", lambda _: None)
    signals = windows.WindowsSignals(lambda: False)
    asked = signals.questions()
    assert {question.signal for question in asked} == {Signal.LOCKED, Signal.IN_CALL, Signal.ON_BATTERY}
    assert signals.read() == Availability()
    manager.tell(4)
    assert signals.read() == Availability(asleep=True)
    manager.tell(0x8013, lid(0))
    assert signals.read() == Availability(asleep=True, lid_closed=True)
    manager.tell(7)
    manager.tell(0x8013, lid(1))
    assert not signals.board.holds(Signal.ASLEEP) and not signals.board.holds(Signal.LID_CLOSED)
    signals.end()
    assert manager.registered == []


def test_a_windows_without_these_functions_is_asked_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "_library", lambda _: SimpleNamespace())
    monkeypatch.setattr(windows.RegistryBell, "open", lambda _: None)
    signals = windows.WindowsSignals(lambda: True)
    for question in signals.questions():
        signals._ask(question)
    known = {row.signal: row for row in signals.describe()}
    assert known[Signal.LID_CLOSED].how == "the power manager: it is missing"
    assert not any(row.works for row in known.values()) and signals.read() == Availability()
    signals.end()
