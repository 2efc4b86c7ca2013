"""The signals on macOS. Written with care after Apple's headers and manual pages, not yet run on macOS.

The frameworks answer in microseconds. Where one is missing, ioreg(8) and pmset(1) are asked now and then instead.
Sleep shows as a gap in time, told after waking. What a webcam's own shutter does macOS does not tell.
"""

from __future__ import annotations

import getpass
import logging
import subprocess
from collections.abc import Callable

from agent.availability.macos_answers import (
    CLAMSHELL,
    clamshell_closed,
    console_locked,
    others_use_camera,
    pmset_battery,
    power_source,
    session_locked,
)
from agent.availability.macos_frameworks import Frameworks
from agent.availability.polled import PolledSignals, Question
from agent.availability.settle import Signal
from agent.clock import monotonic

SLOW_SECONDS = 60.0
"""How often a program is started to ask, where no framework answers; some 20 ms of processor time each."""
PROGRAM_SECONDS = 2.0
RELEASE_SECONDS = 2.0
"""How long after our eyes let go of a camera macOS may still say that it runs."""
NO_LID, NO_BATTERY, NO_CAMERA = "this Mac has none", "this Mac has none", "there is none"

log = logging.getLogger(__name__)


class MacSignals(PolledSignals):
    """Implements `Signals`."""

    def __init__(self, rest_on_battery: Callable[[], bool], looking: Callable[[], bool]) -> None:
        """`looking`: whether our own eyes have a camera open, or are about to."""
        super().__init__(rest_on_battery)
        self._looking = looking
        self._looked = float("-inf")
        self._others: bool | None = None

    def questions(self) -> tuple[Question, ...]:
        """See `PolledSignals`."""
        self.board.put(Signal.SHUTTER_CLOSED, "macOS", None, "it does not tell")
        try:
            frameworks = Frameworks()
        except OSError as error:
            log.info("%s", error)
            self.board.put(Signal.IN_CALL, "CoreMediaIO", None, "it is missing")
            return (
                Question(Signal.LOCKED, "ioreg", ask_console, SLOW_SECONDS),
                Question(Signal.LID_CLOSED, "ioreg", ask_clamshell, SLOW_SECONDS, NO_LID),
                Question(Signal.ON_BATTERY, "pmset", ask_pmset, SLOW_SECONDS, NO_BATTERY),
            )

        def ask_lid() -> bool | None:
            closed = frameworks.root_domain(CLAMSHELL)
            return closed if isinstance(closed, bool) else None

        return (
            Question(Signal.LOCKED, "the login session", lambda: session_locked(frameworks.session()), 1.0),
            Question(Signal.IN_CALL, "CoreMediaIO", lambda: self._ask_camera(frameworks), 1.0, NO_CAMERA),
            Question(Signal.LID_CLOSED, "IOKit", ask_lid, 1.0, NO_LID),
            Question(Signal.ON_BATTERY, "IOKit", lambda: power_source(frameworks.power_source()), 5.0, NO_BATTERY),
        )

    def _ask_camera(self, frameworks: Frameworks) -> bool | None:
        before = self._looking()
        running = frameworks.camera_running()
        if before or self._looking():
            self._looked = monotonic()
        looking = monotonic() - self._looked < RELEASE_SECONDS
        self._others = others_use_camera(running, looking, self._others)
        return self._others


def ask_console() -> bool | None:
    """Whether the screen is locked, by ioreg."""
    return console_locked(_output("ioreg", "-n", "Root", "-d1", "-a"), getpass.getuser())


def ask_clamshell() -> bool | None:
    """Whether the lid is closed, by ioreg."""
    return clamshell_closed(_output("ioreg", "-r", "-k", CLAMSHELL, "-d", "1", "-a"))


def ask_pmset() -> bool | None:
    """Whether the machine lives on its battery, by pmset."""
    return pmset_battery(_output("pmset", "-g", "batt").decode("utf-8", "replace"))


def _output(*command: str) -> bytes:
    """What a program says; nothing when it does not in time. Raises OSError when it cannot be started."""
    try:
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=PROGRAM_SECONDS,
            check=False,
        ).stdout
    except subprocess.TimeoutExpired:
        return b""
