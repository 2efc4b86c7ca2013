"""What the agent asks of the operating system, and who answers on which."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from agent.attention.schedule import Availability
from agent.availability.board import Known

if TYPE_CHECKING:
    from agent.desktop_bus import Desktop


class Signals(Protocol):
    """The signals of one machine."""

    def start(self) -> None:
        """Begin to listen. What the system does not tell is no reason to rest."""
        ...

    def read(self) -> Availability:
        """What holds now. Microseconds, whatever the system is doing; never raises. Any thread."""
        ...

    def describe(self) -> tuple[Known, ...]:
        """Which signals work here, for `framekeep doctor` and the panel. Complete about a second after `start`."""
        ...

    def close(self) -> None:
        """Stop listening. Safe to call twice."""
        ...


def open_signals(
    *,
    rest_on_battery: Callable[[], bool],
    camera: Callable[[], str | None],
    looking: Callable[[], bool],
    desktop: Desktop | None = None,
) -> Signals:
    """The signals of this machine, not started yet.

    `rest_on_battery`: the rule, asked at every reading. `camera`: the device looked at, an index ("0") or a path; None
    for none; asked again and again, since another one may be chosen. `desktop`: the loop that talks to the buses (Linux; without it lock, sleep and lid are not known).
    `looking`: whether our own eyes hold a camera right now; asked from another thread, and must be quick.
    """
    if sys.platform == "win32":
        from agent.availability.windows import WindowsSignals

        return WindowsSignals(rest_on_battery)
    if sys.platform == "darwin":
        from agent.availability.macos import MacSignals

        return MacSignals(rest_on_battery, looking)
    from agent.availability.linux.signals import LinuxSignals

    return LinuxSignals(rest_on_battery, camera, desktop, looking)
