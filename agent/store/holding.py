"""What happens to closed windows while the store cannot be written: they wait in memory, a bounded number of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from agent.wire.summary import Window

MAX_HELD = 288
"""One day of windows; about 60 KB."""


class Holding:
    """Closed windows in order, each with the policy and models it was measured under. The newest are kept: when it
    is full the oldest is dropped, and counted unless it would have stayed on this laptop anyway.
    """

    def __init__(self, limit: int = MAX_HELD) -> None:
        self._held: deque[tuple[Window, str | None, str]] = deque()
        self._limit = limit

    def __len__(self) -> int:
        return len(self._held)

    def hold(self, windows: Iterable[Window], *, policy: str | None, models: str) -> int:
        """Keep windows that could not be committed. Returns how many older ones are lost."""
        gone = 0
        for window in windows:
            self._held.append((window, policy, models))
            if len(self._held) > self._limit:
                _, its_policy, _ = self._held.popleft()
                gone += its_policy is not None
        return gone

    def next_batch(self) -> tuple[tuple[Window, ...], str | None, str]:
        """The oldest windows that share one policy and models, to be committed together. Nothing is removed until
        `committed`. An empty tuple of windows when nothing waits.
        """
        if not self._held:
            return (), None, ""
        _, policy, models = self._held[0]
        batch = []
        for window, its_policy, its_models in self._held:
            if (its_policy, its_models) != (policy, models):
                break
            batch.append(window)
        return tuple(batch), policy, models

    def committed(self, count: int) -> None:
        """The store has the oldest `count` windows: forget them."""
        for _ in range(count):
            self._held.popleft()
