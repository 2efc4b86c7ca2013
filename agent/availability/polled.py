"""The thread that asks a system which tells nothing by itself, question by question."""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from agent.attention.schedule import Availability
from agent.availability.board import Board, Known
from agent.availability.settle import Signal
from agent.clock import monotonic

JOIN_SECONDS = 3.0
GAP_SECONDS = 15.0
"""A turn this much late did not wait for a busy processor: the machine slept."""
RETRY_SECONDS = 30.0
"""After an error of our own: until everything is set up and asked again."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Question:
    """Ask `ask` for `signal` every `seconds`. It answers None where it does not know, and may raise anything where the
    system answers with what nobody expected. `nothing` says why, when it does not know.
    """

    signal: Signal
    source: str
    ask: Callable[[], bool | None]
    seconds: float
    nothing: str = "it does not answer"


class Bell(Protocol):
    """What the thread waits for besides the time: something that the system tells of after all."""

    def wait(self, seconds: float) -> bool:
        """Up to so many seconds; whether it rang, so that everything is asked at once."""
        ...

    def ring(self) -> None:
        """End a wait, from another thread."""
        ...


class PlainBell:
    """Rings only when somebody here does."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def wait(self, seconds: float) -> bool:
        """Implements `Bell`."""
        rang = self._event.wait(seconds)
        self._event.clear()
        return rang

    def ring(self) -> None:
        """Implements `Bell`."""
        self._event.set()


def slept(waited: float, meant: float, gap: float = GAP_SECONDS) -> bool:
    """Whether the machine slept while the thread meant to wait `meant` seconds and `waited` passed, sleep included."""
    return waited - meant > gap


class PolledSignals(ABC):
    """Implements `Signals` by questions. Subclasses open and close what their system lends them."""

    def __init__(self, rest_on_battery: Callable[[], bool], bell: Bell | None = None) -> None:
        self.board = Board(monotonic, rest_on_battery)
        self.bell: Bell = bell or PlainBell()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="signals", daemon=True)

    @abstractmethod
    def questions(self) -> tuple[Question, ...]:
        """What to ask on this system. Called once, in the thread that will ask."""

    def end(self) -> None:  # noqa: B027  what a system did not lend needs no giving back
        """Give back what the questions were asked with; in the same thread."""

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def read(self) -> Availability:
        """What holds now."""
        return self.board.read()

    def describe(self) -> tuple[Known, ...]:
        """Which signals work here."""
        return self.board.describe()

    def close(self) -> None:
        """End the thread. Safe to call twice."""
        if self._stop.is_set():
            return
        self._stop.set()
        self.bell.ring()
        if self._thread.ident is not None:
            self._thread.join(JOIN_SECONDS)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                try:
                    self._listen()
                finally:
                    self.end()
            except Exception:
                # What nobody asks after any more must not go on to hold, nor to seem free.
                log.exception("The system is not asked what it does for %s s.", RETRY_SECONDS)
                self.board.forget("asking failed")
                self._stop.wait(RETRY_SECONDS)

    def _listen(self) -> None:
        """Ask until it is closed."""
        questions = self.questions()
        due = dict.fromkeys(range(len(questions)), monotonic())
        asleep = False
        while not self._stop.is_set():
            for number, question in enumerate(questions):
                if due[number] <= monotonic():
                    self._ask(question)
                    due[number] = monotonic() + question.seconds
            began = monotonic()
            meant = min(1.0, max(0.0, min(due.values()) - began)) if asleep else max(0.0, min(due.values()) - began)
            rang = self.bell.wait(meant)
            asleep = slept(monotonic() - began, meant)
            # Told late, when the machine is awake again: the camera is left alone until it has woken too.
            self.board.put(Signal.ASLEEP, "the clock", asleep)
            if rang or asleep:
                due = dict.fromkeys(due, monotonic())

    def _ask(self, question: Question) -> None:
        try:
            value = question.ask()
        except Exception as error:  # noqa: BLE001  a missing function, a user without a name: one question, not all
            log.info("%s did not answer as expected (%s)", question.source, type(error).__name__)
            value = None
        self.board.put(question.signal, question.source, value, question.nothing)
