"""The signals on Windows, by ctypes and winreg. Written with care after the documentation, not yet run on Windows.

Lock: the session's flags, asked every second. Camera: the registry, whose changes Windows tells of. Lid and sleep:
callbacks of the power manager, which need no window. Battery: asked every five seconds. What a webcam's own shutter
does Windows does not tell.
"""

from __future__ import annotations

import ctypes
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from agent.availability.polled import PolledSignals, Question
from agent.availability.settle import Signal
from agent.availability.windows_answers import (
    LID_SWITCH,
    POWER_SETTING_CHANGE,
    RESUME_AUTOMATIC,
    RESUME_SUSPEND,
    SUSPEND,
    CameraUse,
    guid_bytes,
    in_use,
    parse_lid,
    parse_power,
    parse_session,
    program_key,
)

WEBCAM = r"Software\Microsoft\Windows\CurrentVersion\CapabilityAccessManager\ConsentStore\webcam"
NON_PACKAGED = "NonPackaged"
POWER = "the power manager"
_CURRENT_SESSION = 0xFFFFFFFF
_SESSION_INFO_EX = 25
"""WTS_INFO_CLASS.WTSSessionInfoEx (wtsapi32.h)."""
_DEVICE_NOTIFY_CALLBACK = 2
_NOTIFY_NAME, _NOTIFY_LAST_SET, _NOTIFY_ANY_THREAD = 0x1, 0x4, 0x10000000
_WAIT_OBJECT_0 = 0
_SETTING_BYTES = 24


class WindowsSignals(PolledSignals):
    """Implements `Signals`."""

    def __init__(self, rest_on_battery: Callable[[], bool]) -> None:
        self._registry = RegistryBell()
        self._power = PowerNotices(self._told)
        super().__init__(rest_on_battery, self._registry)

    def questions(self) -> tuple[Question, ...]:
        """See `PolledSignals`."""
        self._registry.open()
        self.board.put(Signal.LID_CLOSED, POWER, None, "it has not told of a lid")
        self.board.put(Signal.SHUTTER_CLOSED, "Windows", None, "it does not tell")
        try:
            self._power.open()
        except (OSError, AttributeError):  # a Windows without that library, or without one of its functions
            self.board.put(Signal.LID_CLOSED, POWER, None, "it is missing")
        return (
            Question(Signal.LOCKED, "the session's state", ask_session, 1.0),
            Question(Signal.IN_CALL, "the camera's list of users", ask_camera, 10.0, "there is none"),
            Question(Signal.ON_BATTERY, "the power status", ask_power, 5.0, "there is no battery"),
        )

    def end(self) -> None:
        """See `PolledSignals`."""
        self._power.close()
        self._registry.close()

    def _told(self, event: int, setting: bytes) -> None:
        """A power notice; comes in a thread of the system."""
        if event == SUSPEND:
            self.board.put(Signal.ASLEEP, POWER, True)
        elif event in (RESUME_SUSPEND, RESUME_AUTOMATIC):
            self.board.put(Signal.ASLEEP, POWER, False)
        elif event == POWER_SETTING_CHANGE and (closed := parse_lid(setting)) is not None:
            self.board.put(Signal.LID_CLOSED, POWER, closed)


def ask_session() -> bool | None:
    """Whether this session is locked or not in front (WTSQuerySessionInformationW)."""
    wtsapi = _library("wtsapi32")
    buffer, size = ctypes.c_void_p(), ctypes.c_uint32()
    asked = wtsapi.WTSQuerySessionInformationW(
        None, ctypes.c_uint32(_CURRENT_SESSION), _SESSION_INFO_EX, ctypes.byref(buffer), ctypes.byref(size)
    )
    if not asked or not buffer.value:
        return None
    try:
        return parse_session(ctypes.string_at(buffer.value, size.value))
    finally:
        wtsapi.WTSFreeMemory(buffer)


def ask_power() -> bool | None:
    """Whether the machine lives on its battery (GetSystemPowerStatus)."""
    status = ctypes.create_string_buffer(12)
    return parse_power(status.raw) if _library("kernel32").GetSystemPowerStatus(status) else None


def ask_camera() -> bool | None:
    """Whether another program uses a camera; None where Windows keeps no list of who does (before version 1903)."""
    kernel = _library("kernel32")
    kernel.GetTickCount64.restype = ctypes.c_uint64
    booted = time.time() - kernel.GetTickCount64() / 1000
    base = getattr(sys, "_base_executable", None)  # in a virtual environment the program that really runs
    ours = frozenset(program_key(path) for path in (sys.executable, base) if path)
    try:
        return in_use(list(_uses()), ours, booted)
    except FileNotFoundError:
        return None


def _uses() -> Iterator[CameraUse]:
    winreg = _winreg()
    with winreg.OpenKey(winreg.HKEY_CURRENT_USER, WEBCAM) as root:
        for name in _names(winreg, root):
            if name != NON_PACKAGED:
                yield _use(winreg, root, name, name)
        with winreg.OpenKey(root, NON_PACKAGED) as plain:
            for name in _names(winreg, plain):
                yield _use(winreg, plain, name, name)


def _names(winreg: Any, key: Any) -> list[str]:
    count = winreg.QueryInfoKey(key)[0]
    return [winreg.EnumKey(key, number) for number in range(count)]


def _use(winreg: Any, parent: Any, name: str, program: str) -> CameraUse:
    with winreg.OpenKey(parent, name) as key:
        return CameraUse(program, _number(winreg, key, "LastUsedTimeStart"), _number(winreg, key, "LastUsedTimeStop"))


def _number(winreg: Any, key: Any, name: str) -> int | None:
    try:
        value, _ = winreg.QueryValueEx(key, name)
    except FileNotFoundError:
        return None
    return value if isinstance(value, int) else None


class RegistryBell:
    """Rings when a program begins or ends to use a camera (RegNotifyChangeKeyValue)."""

    def __init__(self) -> None:
        self._event: Any = None
        self._key: Any = None

    def open(self) -> None:
        """In the thread that will wait."""
        winreg, kernel = _winreg(), _library("kernel32")
        kernel.CreateEventW.restype = ctypes.c_void_p
        self._event = ctypes.c_void_p(kernel.CreateEventW(None, False, False, None))
        try:
            self._key = winreg.OpenKey(winreg.HKEY_CURRENT_USER, WEBCAM, 0, winreg.KEY_NOTIFY | winreg.KEY_READ)
        except OSError:
            return
        self._listen()

    def wait(self, seconds: float) -> bool:
        """Implements `Bell`."""
        timeout = ctypes.c_uint32(int(seconds * 1000))
        rang = bool(_library("kernel32").WaitForSingleObject(self._event, timeout) == _WAIT_OBJECT_0)
        if rang:
            self._listen()
        return rang

    def ring(self) -> None:
        """Implements `Bell`."""
        if self._event is not None:
            _library("kernel32").SetEvent(self._event)

    def close(self) -> None:
        """Give everything back."""
        event, self._event = self._event, None
        if self._key is not None:
            self._key.Close()
        if event is not None:
            _library("kernel32").CloseHandle(event)

    def _listen(self) -> None:
        if self._key is not None:
            what = ctypes.c_uint32(_NOTIFY_NAME | _NOTIFY_LAST_SET | _NOTIFY_ANY_THREAD)
            _library("advapi32").RegNotifyChangeKeyValue(ctypes.c_void_p(int(self._key)), True, what, self._event, True)


class PowerNotices:
    """Sleep and lid, as the power manager calls back (PowerRegisterSuspendResumeNotification and
    PowerSettingRegisterNotification, which tells the present state at once).
    """

    def __init__(self, told: Callable[[int, bytes], None]) -> None:
        self._told = told
        self._kept: list[Any] = []
        self._handles: list[tuple[str, ctypes.c_void_p]] = []

    def open(self) -> None:
        """Have the callbacks come from now on. A system that refuses tells nothing."""
        powrprof = _library("powrprof")
        callback = _callback_type()(self._called)
        parameters = _Subscription(ctypes.cast(callback, ctypes.c_void_p), None)
        self._kept += [callback, parameters]  # the system keeps pointers to them
        handle = ctypes.c_void_p()
        flag = ctypes.c_uint32(_DEVICE_NOTIFY_CALLBACK)
        if powrprof.PowerRegisterSuspendResumeNotification(flag, ctypes.byref(parameters), ctypes.byref(handle)) == 0:
            self._handles.append(("PowerUnregisterSuspendResumeNotification", handle))
        lid = ctypes.create_string_buffer(guid_bytes(LID_SWITCH), 16)
        handle = ctypes.c_void_p()
        asked = powrprof.PowerSettingRegisterNotification(lid, flag, ctypes.byref(parameters), ctypes.byref(handle))
        if asked == 0:
            self._handles.append(("PowerSettingUnregisterNotification", handle))

    def close(self) -> None:
        """No more callbacks."""
        while self._handles:
            name, handle = self._handles.pop()
            getattr(_library("powrprof"), name)(handle)

    def _called(self, _context: int | None, event: int, setting: int | None) -> int:
        self._told(event, ctypes.string_at(setting, _SETTING_BYTES) if setting else b"")
        return 0


class _Subscription(ctypes.Structure):
    """DEVICE_NOTIFY_SUBSCRIBE_PARAMETERS (powrprof.h)."""

    _fields_ = (("callback", ctypes.c_void_p), ("context", ctypes.c_void_p))


def _callback_type() -> Any:
    """DEVICE_NOTIFY_CALLBACK_ROUTINE: context, PBT_* event, setting."""
    make = getattr(ctypes, "WINFUNCTYPE", ctypes.CFUNCTYPE)
    return make(ctypes.c_uint32, ctypes.c_void_p, ctypes.c_uint32, ctypes.c_void_p)


def _library(name: str) -> Any:
    return getattr(ctypes, "windll")[name]  # noqa: B009  only Windows' ctypes has it, and mypy checks on Linux


def _winreg() -> Any:
    import winreg

    return winreg
