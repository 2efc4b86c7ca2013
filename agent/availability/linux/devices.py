"""Which device files are cameras, and what is known of them without opening one."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

DEV = Path("/dev")
UDEV = Path("/run/udev/data")
VIDEO_CLASS = Path("/sys/class/video4linux")
INPUTS = Path("/proc/bus/input/devices")
_NAME = re.compile(r"video\d{1,3}")
_SW_LID = 0
"""The bit of the lid among an input device's switches (linux/input-event-codes.h)."""


def cameras(dev: Path = DEV, udev: Path = UDEV) -> list[Path]:
    """The files of devices that deliver pictures, by name.

    A camera has further files for data about its pictures, and video decoders have such files too; udev knows which
    deliver pictures (its v4l_id). Where udev says nothing of a device it counts.
    """
    try:
        names = sorted(entry.name for entry in os.scandir(dev) if _NAME.fullmatch(entry.name))
    except OSError:
        return []
    return [dev / name for name in names if _delivers(dev / name, udev)]


def _delivers(device: Path, udev: Path) -> bool:
    try:
        status = device.stat()
        if not stat.S_ISCHR(status.st_mode):
            return True
        number = status.st_rdev
        record = udev / f"c{os.major(number)}:{os.minor(number)}"
        return delivers_pictures(record.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return True


def delivers_pictures(record: str) -> bool:
    """From udev's record of a device (lines as "E:ID_V4L_CAPABILITIES=:capture:")."""
    found = re.search(r"^E:ID_V4L_CAPABILITIES=(.*)$", record, re.MULTILINE)
    return found is None or ":capture:" in found[1]


def device_file(camera: str | None, dev: Path = DEV) -> Path | None:
    """The file of the camera a person chose: an index ("0") or a path. None for none, or for what is no device."""
    if camera is None:
        return None
    if camera.isdecimal():
        return dev / f"video{camera}"
    return Path(camera) if Path(camera).is_relative_to(dev) else None


def stands_beside(device: Path | None, classes: Path = VIDEO_CLASS) -> bool:
    """Whether the camera is plugged in, rather than built into the lid. False when nothing says so.

    The USB port tells (`removable`, Documentation/ABI/testing/sysfs-bus-usb).
    """
    if device is None:
        return False
    try:
        interface = (classes / device.resolve().name / "device").resolve(strict=True)
        return (interface.parent / "removable").read_text().strip() == "removable"
    except OSError:
        return False


def has_lid(inputs: Path = INPUTS) -> bool:
    """Whether this machine has a lid whose switch the kernel knows."""
    try:
        return lid_among(inputs.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return False


def lid_among(text: str) -> bool:
    """From the kernel's list of input devices: a line "B: SW=1" names a device's switches as a hexadecimal bit map,
    of which the last word counts.
    """
    maps = re.findall(r"^B: SW=(?:[0-9a-f]+ )*([0-9a-f]+)\s*$", text, re.MULTILINE)
    return any(int(each, 16) >> _SW_LID & 1 for each in maps)
