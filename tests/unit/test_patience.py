"""Promise: a page is drawn in time whatever the service does, and says what it waited for."""

from __future__ import annotations

import threading

from agent.errors import FramekeepError
from agent.panel.patience import within


def test_an_answer_in_time_is_the_answer() -> None:
    assert within(5, lambda: 7, "late") == (7, "")


def test_what_went_wrong_is_said_in_its_own_words() -> None:
    def ask() -> int:
        raise FramekeepError("The service cannot be reached.")

    assert within(5, ask, "late") == (None, "The service cannot be reached.")


def test_nobody_waits_longer_than_said_for_a_service_that_hangs() -> None:
    hung = threading.Event()
    assert within(0.05, lambda: hung.wait(30), "late") == (None, "late")
    hung.set()
