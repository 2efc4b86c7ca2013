"""Holds the promise that a system which must be asked is asked in time, may answer nonsense, and is let go of."""

from __future__ import annotations

import threading
import time

import pytest

from agent.attention.schedule import Availability
from agent.availability.polled import PlainBell, PolledSignals, Question
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


class Stumbling(Played):
    """Says that the screen is locked, then fails in ways nobody expected: asked, listened to and given back."""

    def __init__(self) -> None:
        super().__init__()
        self.locked = True
        self.begun = 0

    def questions(self) -> tuple[Question, ...]:
        self.begun += 1
        if self.begun == 2:
            raise AttributeError("a function the library does not have")
        return super().questions()

    def ask_broken(self) -> bool:
        raise KeyError("no name of this user")

    def end(self) -> None:
        super().end()
        if self.begun == 3:
            raise RuntimeError("a handle that is gone")


class BrokenBell(PlainBell):
    broken = False

    def wait(self, seconds: float) -> bool:
        if self.broken:
            self.broken = False
            raise TypeError("no event")
        return super().wait(seconds)


def known(signals: PolledSignals, signal: Signal) -> bool:
    return {row.signal: row.works for row in signals.describe()}[signal]


def test_an_error_of_our_own_takes_the_words_back_and_everything_is_asked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("agent.availability.polled.RETRY_SECONDS", 0.3)
    signals = Stumbling()
    signals.bell = bell = BrokenBell()
    signals.start()
    time.sleep(0.3)
    assert signals.read().locked and not known(signals, Signal.LID_CLOSED), "one broken question, and only that one"
    bell.broken = True
    bell.ring()
    time.sleep(0.2)
    assert signals.begun == 1 and not known(signals, Signal.LOCKED), "what nobody asks after is not known"
    time.sleep(0.3)
    assert signals.begun == 2 and not known(signals, Signal.LOCKED)
    time.sleep(0.4)
    assert signals.begun == 3 and known(signals, Signal.LOCKED), "it was set up again"
    signals.close()
    assert not signals._thread.is_alive()


def test_what_was_never_started_can_be_closed() -> None:
    Played().close()
