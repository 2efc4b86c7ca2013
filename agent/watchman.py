"""The watchman: a thread that asks five times a second whether the camera may be used, and ends the eyes when not.

It is a thread of its own so that a look that hangs in a driver cannot hold up a pause: the process that hangs is
killed, and the camera with it. What it asks is cheap: SQLite's change counter, and signals that are already known.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

from agent.clock import Clock
from agent.consent import Participation
from agent.control import POLL_SECONDS, ControlWatch, Pause
from agent.errors import StoreError

log = logging.getLogger(__name__)


class Signals(Protocol):
    """What may forbid looking, besides a pause. Every method returns at once and never raises."""

    def participation(self) -> Participation:
        """What the employee answered; asked again whenever the store changed."""
        ...

    def unseen(self) -> str:
        """Why nobody could see that this program works, as a sentence; "" while its indicator is visible."""
        ...

    def resting(self) -> bool:
        """Whether the system says to rest: locked, asleep, in a call, lid closed ..."""
        ...


@dataclass(frozen=True, slots=True)
class Watch:
    """What the watchman saw last."""

    pause: Pause = field(default_factory=Pause)
    participation: Participation = Participation.UNDECIDED
    unseen: str = ""
    resting: bool = False

    def may_look(self, now: float) -> bool:
        """Whether the camera may be used at `now` (epoch seconds), as far as the watchman knows."""
        return not (
            self.pause.holds(now) or self.resting or self.unseen or self.participation is not Participation.ACCEPTED
        )


class Watchman:
    """Knows what stands in the way of looking; `seen` is replaced by reference and read by any thread."""

    def __init__(
        self,
        watch: Callable[[], ControlWatch],
        signals: Signals,
        *,
        clock: Clock,
        on_change: Callable[[bool], None],
        on_request: Callable[[ControlWatch], None] | None = None,
    ) -> None:
        """`on_change(may_look)` is called from the watchman's thread whenever what it saw changed; `on_request` whenever
        another process wrote to the store.
        """
        self.seen = Watch()
        self.failure: BaseException | None = None
        self._open = watch
        self._signals = signals
        self._clock = clock
        self._on_change = on_change
        self._on_request = on_request
        self._version = -1

    def look_once(self) -> None:
        """Know what stands before the first look, from the calling thread."""
        watch = self._open()
        self.seen = self._poll(watch)
        watch.close()
        self._version = -1

    def stand(self, stop: threading.Event) -> None:
        """The thread: until `stop` is set; then the eyes are ended, too. An error of its own ends the agent and is kept in
        `failure`: without a watchman no pause would hold.
        """
        watch = self._open()
        try:
            self._stand(watch, stop)
        except BaseException as error:  # noqa: BLE001  raised again by whoever waits for this thread
            self.failure = error
            self.seen = replace(self.seen, resting=True)
            stop.set()
        finally:
            self._on_change(False)  # the end: whatever hangs in a driver goes with it
            watch.close()

    def _stand(self, watch: ControlWatch, stop: threading.Event) -> None:
        allowed = self.seen.may_look(self._clock.wall())
        while not stop.wait(POLL_SECONDS):
            before, self.seen = self.seen, self._poll(watch)
            now_allowed = self.seen.may_look(self._clock.wall())
            if now_allowed != allowed or self.seen != before:  # also another reason than before is news
                allowed = now_allowed
                self._on_change(allowed)

    def _poll(self, watch: ControlWatch) -> Watch:
        try:
            pause = watch.poll()
        except StoreError as error:
            log.error("%s", error)
            pause = self.seen.pause  # unreadable: as it was, so that a full disk does not look like a pause
        participation = self.seen.participation
        if watch.version != self._version or self._version < 0:
            self._version = watch.version
            participation = self._signals.participation()
            if self._on_request is not None:
                self._on_request(watch)
        return Watch(pause, participation, self._signals.unseen(), self._signals.resting())
