"""On battery: what the kernel says in /sys/class/power_supply, without any daemon.

The files are documented in the kernel's Documentation/ABI/testing/sysfs-class-power.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

SOURCE = "the kernel's power supplies"
FOLDER = Path("/sys/class/power_supply")


@dataclass(frozen=True, slots=True)
class Supply:
    """One power supply: its `type` ("Mains", "USB", "Battery", "Wireless" ...), whether it belongs to a mouse or the
    like (`device`), whether it delivers (`online`; None where it does not say) and a battery's `status`.
    """

    type: str
    device: bool = False
    online: bool | None = None
    status: str = ""


def on_battery(supplies: Iterable[Supply]) -> bool | None:
    """Whether the laptop lives on its battery; None when it has none or nothing says so.

    A charger that is plugged in counts, also one too weak to keep the battery from discharging.
    """
    ours = [supply for supply in supplies if not supply.device]
    batteries = [supply for supply in ours if supply.type == "Battery"]
    chargers = [supply.online for supply in ours if supply.type != "Battery" and supply.online is not None]
    if not batteries:
        return None
    if chargers:
        return not any(chargers)
    if not any(supply.status and supply.status != "Unknown" for supply in batteries):
        return None
    return any(supply.status == "Discharging" for supply in batteries)


def read_battery(folder: Path = FOLDER) -> bool | None:
    """`on_battery` of this machine. Never raises: what cannot be read is not known."""
    return on_battery(read_supplies(folder))


def read_supplies(folder: Path = FOLDER) -> list[Supply]:
    """Every power supply. A battery's status is read only where no charger tells, since it may ask slow hardware."""
    try:
        places = sorted(folder.iterdir())
    except OSError:
        return []
    found = [
        (place, Supply(_text(place / "type"), _text(place / "scope") == "Device", _online(place))) for place in places
    ]
    if any(supply.online is not None and supply.type != "Battery" and not supply.device for _, supply in found):
        return [supply for _, supply in found]
    return [Supply(each.type, each.device, each.online, _text(place / "status")) for place, each in found]


def _online(place: Path) -> bool | None:
    text = _text(place / "online")
    return None if not text else text != "0"


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
