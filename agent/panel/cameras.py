"""Which cameras can be chosen, by number and name, without opening one."""

from __future__ import annotations

import sys
from pathlib import Path

_LINUX = Path("/sys/class/video4linux")
_OTHERS = {"0": "", "1": "", "2": ""}
"""Where the system tells no names without opening a camera: the first three numbers."""


def find_cameras(system: str = sys.platform, folder: Path = _LINUX) -> dict[str, str]:
    """The cameras' numbers, as the setting has them, with their names ("" where it is not known). On Linux the kernel
    names each video device; of a camera with several only the first one (index 0) gives pictures.
    """
    if not system.startswith("linux"):
        return dict(_OTHERS)
    found: dict[str, str] = {}
    for device in sorted(folder.glob("video*")):
        number = device.name.removeprefix("video")
        if number.isdigit() and _read(device / "index") in ("0", ""):
            found[number] = _read(device / "name")[:60]
    return found


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
