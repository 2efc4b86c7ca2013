"""Holds the promise that a system which must be asked is asked in time, may answer nonsense, and is let go of."""

from __future__ import annotations

import threading
import time

from agent.attention.schedule import Availability
from agent.availability.polled import PolledSignals, Question
from agent.availability.settle import Signal


class Played(PolledSignals):
    """A system that answers what it is told to."""

    def __init__(self) -> None:
        super().__init__(lambda: True)
        self.locked = self.ended = False
        self.asked_in: set[int] = set()

    def questions(self) -> tuple[Question, ...]:
        return (
            Question(Signal.LOCKED, "a flag", self.ask_locked, 0.1),
            Question(Signal.LID_CLOSED, "a broken driver", self.ask_broken, 0.1, "it is broken"),
            Question(Signal.ON_BATTERY, "a slow one", self.ask_locked, 60.0),
        )

    def end(self) -> None:
        self.ended = True

    def ask_locked(self) -> bool:
        self.asked_in.add(threading.get_ident())
        return self.locked

    def ask_broken(self) -> bool:
        raise OSError("nonsense")


def test_questions_are_asked_in_one_thread_until_it_is_closed() -> None:
    signals = Played()
    signals.start()
    time.sleep(0.3)
    assert signals.read() == Availability()
    signals.locked = True
    time.sleep(0.3)
    assert signals.read() == Availability(locked=True)
    works = {row.signal: row.works for row in signals.describe()}
    assert works[Signal.LOCKED] and works[Signal.ASLEEP] and not works[Signal.LID_CLOSED]
    signals.bell.ring()  # something happened: what is asked seldom is asked too
    time.sleep(0.3)
    assert signals.read() == Availability(locked=True, on_battery=True)
    began = time.monotonic()
    signals.close()
    signals.close()
    assert time.monotonic() - began < 1.0
    assert signals.ended and len(signals.asked_in) == 1 and threading.get_ident() not in signals.asked_in


def test_what_was_never_started_can_be_closed() -> None:
    Played().close()
