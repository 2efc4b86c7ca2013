"""Promise: what is on the disk is told as closed, also when something behind it could not be written yet."""

from __future__ import annotations

from pathlib import Path

from agent.attention.meter import Meter
from agent.recorder import Recorder
from agent.status import AgentState, Report
from agent.store import Store, StoreUnavailable
from agent.wire.summary import Window
from tests.builders import NOW, window

KEY = bytes(32)
REPORT = Report(AgentState.WATCHING, NOW, NOW)


class FillingUp(Store):
    """A disk on which `room` more commits have room."""

    room = 0

    def commit(self, *arguments: object, **named: object) -> int:
        self.room -= 1
        if self.room < 0:
            raise StoreUnavailable("The disk is full.")
        return super().commit(*arguments, **named)  # type: ignore[arg-type]  # passed on as they came


def test_windows_of_the_batches_before_a_failing_one_are_told_once(tmp_path: Path) -> None:
    store, closed = FillingUp(tmp_path / "store.sqlite", KEY), list[Window]()
    recorder = Recorder(store, models="abcd", on_closed=closed.append)
    first, second = window(NOW), window(NOW + 300)
    assert recorder.keep((Meter(), (first,)), policy="p-1", report=REPORT) == ()
    store.room = 1
    assert recorder.keep((Meter(), (second,)), policy="p-2", report=REPORT) == (first,)
    assert closed == [first] and recorder.problem == "The disk is full."
    store.room = 9
    assert recorder.keep((Meter(), ()), policy="p-2", report=REPORT) == (second,)
    assert closed == [first, second] and recorder.problem == ""
    assert [stored.window for stored in store.windows(0, 2 * NOW)] == closed and store.lost() == 0
    store.close()
