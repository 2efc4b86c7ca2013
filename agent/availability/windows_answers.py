"""What Windows answers, taken apart. Pure, so that it is tested wherever the tests run.

Each function names the documentation of what it takes apart (learn.microsoft.com).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass

_SESSION = struct.Struct("<I4xIII")
_ACTIVE = 0
_LOCK, _UNLOCK = 0, 1
_POWER = struct.Struct("<BBBBII")
_LINE_OFF, _LINE_ON, _NO_BATTERY, _BATTERY_UNKNOWN = 0, 1, 128, 255
_SETTING = struct.Struct("<16sI")
LID_SWITCH = "ba3e0f4d-b817-4094-a2d1-d56379e6a0f3"
"""GUID_LIDSWITCH_STATE_CHANGE ("Power Setting GUIDs")."""
SUSPEND, RESUME_SUSPEND, POWER_SETTING_CHANGE, RESUME_AUTOMATIC = 4, 7, 0x8013, 18
"""PBT_* of WM_POWERBROADCAST."""
_EPOCH_SECONDS = 11_644_473_600
"""From 1601, where Windows counts file times from, to 1970."""


def parse_session(answer: bytes) -> bool | None:
    """Whether the session is locked or not in front, from a WTSINFOEXW (WTSQuerySessionInformation, WTSSessionInfoEx):
    level, padding, session id, connection state, flags. None for another level, or flags that say "unknown".

    A session that is disconnected, or another user's turn at the screen, counts as locked.
    """
    if len(answer) < _SESSION.size:
        return None
    level, _, state, flags = _SESSION.unpack_from(answer)
    if level != 1:
        return None
    if state != _ACTIVE:
        return True
    return {_LOCK: True, _UNLOCK: False}.get(flags)


def parse_power(answer: bytes) -> bool | None:
    """Whether the machine lives on its battery, from a SYSTEM_POWER_STATUS (GetSystemPowerStatus). None without one."""
    if len(answer) < _POWER.size:
        return None
    line, flag, *_ = _POWER.unpack_from(answer)
    if flag != _BATTERY_UNKNOWN and flag & _NO_BATTERY:
        return None
    return {_LINE_OFF: True, _LINE_ON: False}.get(line)


def parse_lid(setting: bytes) -> bool | None:
    """Whether the lid is closed, from a POWERBROADCAST_SETTING: GUID, length, data. None for another setting."""
    if len(setting) < _SETTING.size + 1:
        return None
    guid, length = _SETTING.unpack_from(setting)
    if guid != guid_bytes(LID_SWITCH) or length < 1:
        return None
    return setting[_SETTING.size] == 0


def guid_bytes(text: str) -> bytes:
    """A GUID as it lies in memory: the first three groups with the lowest byte first."""
    first, second, third, *rest = text.split("-")
    return struct.pack("<IHH", int(first, 16), int(second, 16), int(third, 16)) + bytes.fromhex("".join(rest))


@dataclass(frozen=True, slots=True)
class CameraUse:
    """When a program last used a camera: its key below ConsentStore\\webcam, and the file times (units of 100 ns since
    1601) at which that began and ended; 0 for an end that has not come, None for a value that is missing.
    """

    program: str
    start: int | None
    stop: int | None


def in_use(uses: Iterable[CameraUse], ours: frozenset[str], booted: float) -> bool:
    """Whether a program but `ours` uses a camera, from the registry's CapabilityAccessManager\\ConsentStore\\webcam.

    Microsoft does not document those values; Windows' own camera indicator goes by them. An end of 0 that began before
    the machine was started (`booted`, epoch seconds) is one that a power cut kept from being written.
    """
    return any(
        use.stop == 0 and use.start is not None and file_time(use.start) >= booted and use.program.lower() not in ours
        for use in uses
    )


def file_time(value: int) -> float:
    """A file time as epoch seconds."""
    return value / 10_000_000 - _EPOCH_SECONDS


def program_key(path: str) -> str:
    """The name under ConsentStore\\webcam\\NonPackaged that a program's path has, in small letters."""
    return path.replace("\\", "#").lower()
