"""What macOS answers, taken apart. Pure, so that it is tested wherever the tests run."""

from __future__ import annotations

import plistlib
import re
from collections.abc import Mapping
from xml.parsers.expat import ExpatError

SCREEN_LOCKED, ON_CONSOLE = "CGSSessionScreenIsLocked", "kCGSSessionOnConsoleKey"
CLAMSHELL = "AppleClamshellState"


def session_locked(session: Mapping[str, object] | None) -> bool:
    """From CGSessionCopyCurrentDictionary (Quartz Display Services). The first key is there only while the screen is
    locked, and is not documented; the second says whether this user's screen is in front. No dictionary: no screen.
    """
    if session is None:
        return True
    return session.get(SCREEN_LOCKED) in (True, 1) or session.get(ON_CONSOLE) in (False, 0)


def console_locked(plist: bytes, user: str) -> bool | None:
    """The same from `ioreg -n Root -d1 -a` (ioreg(8)): the entry of `user` in IOConsoleUsers. None without one."""
    for entry in _entries(plist):
        users = entry.get("IOConsoleUsers")
        for session in users if isinstance(users, list) else []:
            if isinstance(session, dict) and session.get("kCGSSessionUserNameKey") == user:
                return session_locked(session)
    return None


def clamshell_closed(plist: bytes) -> bool | None:
    """Whether the lid is closed, from `ioreg -r -k AppleClamshellState -d 1 -a`. None for a Mac without a lid."""
    for entry in _entries(plist):
        if isinstance(closed := entry.get(CLAMSHELL), bool):
            return closed
    return None


def power_source(name: str | None) -> bool | None:
    """From IOPSGetProvidingPowerSourceType (IOKit's IOPSKeys.h): "AC Power", "Battery Power" or "UPS Power"."""
    return {"AC Power": False, "Battery Power": True, "UPS Power": True}.get(name or "")


def pmset_battery(text: str) -> bool | None:
    """From `pmset -g batt` (pmset(1)): the first line names the source, the others a battery each. None without one."""
    source = re.search(r"Now drawing from '([^']+)'", text)
    if source is None or "InternalBattery" not in text:
        return None
    return power_source(source[1])


def others_use_camera(running: bool | None, looking: bool, before: bool | None) -> bool | None:
    """Whether a program but ours uses a camera, from whether any camera runs anywhere.

    macOS does not say for whom it runs. While our own eyes look it says nothing about others, so what was known before
    they began is kept; several programs may use a camera there at once, so nobody is kept from it meanwhile.
    """
    if running is None:
        return None
    return (before or False) if looking else running


def _entries(plist: bytes) -> list[dict[str, object]]:
    """The registry entries of ioreg's -a: one dictionary, or an array of them; nothing at all when there is none."""
    if not plist.strip():
        return []
    try:
        value = plistlib.loads(plist)
    except (plistlib.InvalidFileException, ExpatError, ValueError):
        return []
    return [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, dict)]
