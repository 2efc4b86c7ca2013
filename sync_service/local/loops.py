"""Background work as named threads: do a step, and again at once while there is more to do, else wait."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from sync_service.errors import ServiceError

MAX_BACKOFF_SECONDS = 30.0
GATHER_SECONDS = 0.05

log = logging.getLogger(__name__)


class Loop:
    """Calls `step` until stopped. `step` answers whether there is more to do now; then it is called again at once, else
    after `idle_seconds`, or GATHER_SECONDS after a `wake`: a batch costs little more than a single row. A failing step is logged and tried again later, ever later up to
    MAX_BACKOFF_SECONDS: what it works on is durable.
    """

    def __init__(self, name: str, step: Callable[[], bool], *, idle_seconds: float) -> None:
        self._name, self._step, self._idle = name, step, idle_seconds
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._failures = 0
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wake(self) -> None:
        """There is something to do."""
        self._wake.set()

    def stop(self, seconds: float = 30.0) -> bool:
        """Ask to end after the current step and wait; False when it takes longer than `seconds`."""
        self._stop.set()
        self._wake.set()
        if self._thread.ident is not None:
            self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._wake.clear()
            if self._more():
                continue
            if self._failures:
                self._stop.wait(min(MAX_BACKOFF_SECONDS, 0.2 * 2.0**self._failures))
            else:
                if self._wake.wait(self._idle):
                    self._stop.wait(GATHER_SECONDS)

    def _more(self) -> bool:
        try:
            more = self._step()
        except ServiceError as error:
            self._failures = min(self._failures + 1, 10)
            log.warning("%s waits: %s", self._name, error)
            return False
        except Exception:  # the loop must outlive any step: its work waits safely and is tried again
            self._failures = min(self._failures + 1, 10)
            log.exception("%s failed and will try again", self._name)
            return False
        self._failures = 0
        return more
