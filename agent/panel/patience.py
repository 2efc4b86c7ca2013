"""How long a page waits for the service before it is drawn without its answer."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from agent.errors import FramekeepError

T = TypeVar("T")


def within(seconds: float, ask: Callable[[], T], late: str) -> tuple[T | None, str]:
    """What `ask` returns and "", or None and the sentence why there is nothing: that of the FramekeepError it raised, or
    `late` when it has not come back after `seconds`. An answer that comes later is dropped; the asking ends by its own
    time limit.
    """
    told: list[tuple[T | None, str]] = []

    def work() -> None:
        try:
            told.append((ask(), ""))
        except FramekeepError as error:
            told.append((None, str(error)))

    asking = threading.Thread(target=work, name="asking", daemon=True)
    asking.start()
    asking.join(seconds)
    return told[0] if told else (None, late)
