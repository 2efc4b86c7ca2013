"""From the meter to the disk: what was measured is committed before the next look.

While the store cannot be written, closed windows wait in memory (a bounded number, drops counted), the open window
goes on in memory, and every following commit tries again.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import replace

from agent.attention.meter import Meter, Metered
from agent.attention.window import Tally
from agent.errors import StoreError
from agent.status import Report
from agent.store import Holding, RowDamaged, Store
from agent.wire.summary import Window

KNOWN_DAYS = 14
"""How far back a fresh meter asks the store which windows are closed, when its checkpoint was lost."""

log = logging.getLogger(__name__)


class Recorder:
    """The meter and the store it is kept in. Used by one thread. `models` is the hash of the model files."""

    def __init__(self, store: Store, *, models: str, on_closed: Callable[[Window], None] | None = None) -> None:
        self.meter = Meter()
        self.problem = ""
        """Why nothing can be written at the moment, as one sentence; "" when it can."""
        self._store = store
        self._models = models
        self._holding = Holding()
        self._kept = _bytes(self.meter)
        self._lost = 0
        self._on_closed = on_closed

    def load(self, *, now: float) -> Meter:
        """The checkpoint of an earlier process, or a fresh meter that knows what is closed already."""
        try:
            checkpoint = self._store.checkpoint()
            if checkpoint is not None:
                self._kept = checkpoint
                self.meter = Meter.from_json(json.loads(checkpoint))
                return self.meter
        except (RowDamaged, ValueError, KeyError, TypeError) as error:
            log.error("The checkpoint cannot be read (%s): the open window is lost.", type(error).__name__)
            self._lost += 1
        span = KNOWN_DAYS * 86400
        try:
            closed = [stored.window.start for stored in self._store.windows(int(now) - span, int(now) + span)]
        except RowDamaged:
            closed = []  # the store refuses a second window with the same start anyway
        self.meter = Meter(tally=Tally.knowing(closed))
        return self.meter

    def keep(self, metered: Metered, *, policy: str | None, report: Report) -> tuple[Window, ...]:
        """Commit what a step of the meter gave: the closed windows, the open one and the status, together.

        `policy` is the id of the policy they were measured under, None for windows that stay on this laptop.
        Returns the windows that are on the disk now and were not before.
        """
        meter, closed = metered
        dropped = meter.tally.dropped_windows if closed else 0
        if dropped:
            meter = replace(meter, tally=replace(meter.tally, dropped_ms=0))
        self.meter = meter
        self._lost += dropped
        self._lost += self._holding.hold(closed, policy=policy, models=self._models)
        done: list[Window] = []
        try:
            for batch in self._flush(report):
                done += batch
        except StoreError as error:
            if str(error) != self.problem:
                log.error("%s", error)
            self.problem = str(error)
        else:
            self.problem = ""
        for window in done:  # also when a later batch failed: these are on the disk
            if self._on_closed is not None:
                self._on_closed(window)
        return tuple(done)

    def _flush(self, report: Report) -> Iterator[tuple[Window, ...]]:
        """Commit everything that waits, and give each batch once it is on the disk. Only the last commit carries the
        new checkpoint, because it knows all of them.
        """
        fresh = _bytes(self.meter)
        while True:
            batch, policy, models = self._holding.next_batch()
            last = len(batch) == len(self._holding)
            self._store.commit(
                batch,
                fresh if last else self._kept,
                policy=policy,
                models=models,
                status=report.to_bytes(),
                lost=self._lost,
            )
            self._lost = 0
            self._holding.committed(len(batch))
            if last:
                self._kept = fresh
            yield batch
            if last:
                return


def _bytes(meter: Meter) -> bytes:
    return json.dumps(meter.to_json(), separators=(",", ":")).encode()
