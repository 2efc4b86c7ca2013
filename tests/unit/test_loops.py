"""Background loops outlive whatever a step does, and do not spin."""

from __future__ import annotations

import threading

from sync_service.errors import Unavailable
from sync_service.local.loops import Loop


def _loop(step, idle_seconds: float = 60.0):
    done = threading.Event()

    def wrapped() -> bool:
        more, finished = step()
        if finished:
            done.set()
        return more

    return Loop("test", wrapped, idle_seconds=idle_seconds), done


def test_it_goes_on_while_there_is_more() -> None:
    calls: list[int] = []

    def step() -> tuple[bool, bool]:
        calls.append(1)
        return len(calls) < 50, len(calls) == 50

    loop, done = _loop(step)
    loop.start()
    assert done.wait(5)
    assert loop.stop(5)
    assert len(calls) == 50


def test_a_wake_ends_the_wait() -> None:
    calls: list[int] = []

    def step() -> tuple[bool, bool]:
        calls.append(1)
        return False, len(calls) == 2

    loop, done = _loop(step)
    loop.start()
    loop.wake()
    assert done.wait(5)
    assert loop.stop(5)


def test_failures_of_every_kind_are_tried_again() -> None:
    calls: list[int] = []

    def step() -> tuple[bool, bool]:
        calls.append(1)
        if len(calls) == 1:
            raise Unavailable("gone")
        if len(calls) == 2:
            raise ZeroDivisionError
        return False, True

    loop, done = _loop(step)
    loop.start()
    assert done.wait(10)
    assert loop.stop(5)
    assert len(calls) == 3


def test_stopping_what_never_started_is_fine() -> None:
    loop, _ = _loop(lambda: (False, True))
    assert loop.stop(1)
