"""All signals on Linux, put together."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from agent.attention.schedule import Availability
from agent.availability.board import Board, Known
from agent.availability.linux.devices import device_file, has_lid, stands_beside
from agent.availability.linux.watch import Places, Watch
from agent.availability.settle import CALM_SECONDS, Signal
from agent.clock import monotonic

if TYPE_CHECKING:
    from agent.desktop_bus import Desktop


class LinuxSignals:
    """Implements `Signals`."""

    def __init__(
        self,
        rest_on_battery: Callable[[], bool],
        camera: Callable[[], str | None],
        desktop: Desktop | None,
        looking: Callable[[], bool],
        *,
        places: Places | None = None,
        lid: bool | None = None,
        calm: float = CALM_SECONDS,
    ) -> None:
        """As `open_signals`. `places`, `lid` (whether there is one) and `calm` (settle.py) are for tests."""
        self._board = Board(monotonic, rest_on_battery, calm)
        self._desktop = desktop
        self._camera, self._places = camera, places or Places()
        self._has_lid = has_lid() if lid is None else lid
        self._watch = Watch(self._board, self._device, looking, self._places)

    def start(self) -> None:
        """Start the thread and join the buses."""
        self._watch.start()
        if self._desktop is None:
            for signal in (Signal.LOCKED, Signal.ASLEEP, Signal.LID_CLOSED):
                self._board.put(signal, "D-Bus", None, "not asked")
            return
        from agent.availability.linux.logind import Logind  # only here: whoever needs no bus loads no library for it
        from agent.availability.linux.screensaver import ScreenSaver
        from agent.desktop_link import Bus

        self._desktop.join(Bus.SYSTEM, Logind(self._board, lid=self._has_lid, beside=self.stands_beside))
        self._desktop.join(Bus.SESSION, ScreenSaver(self._board, self._desktop.spawn))

    def read(self) -> Availability:
        """What holds now."""
        return self._board.read()

    def describe(self) -> tuple[Known, ...]:
        """Which signals work here."""
        return self._board.describe()

    def stands_beside(self) -> bool:
        """Whether the camera chosen now is not built into the lid, which then says nothing about it."""
        return stands_beside(self._device(), self._places.classes)

    def close(self) -> None:
        """End the thread. The desktop's loop is not ours to end."""
        self._watch.close()

    def _device(self) -> Path | None:
        return device_file(self._camera(), self._places.dev)
