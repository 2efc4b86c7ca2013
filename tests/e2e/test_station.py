"""Promise: erasing from the panel, while the agent runs, leaves nothing measured and an agent that goes on, paused."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agent.app import Agent, Home, build_agent, open_home
from agent.attention.observation import Face, Lens, Observation
from agent.clock import SystemClock
from agent.consent import NOTICE_VERSION, Acknowledgement, Decision
from agent.control import read_pause
from agent.errors import NotEnrolled, StoreError
from agent.eyes_link import Look
from agent.paths import HOME_VARIABLE
from agent.sources import Source
from agent.station import Station
from agent.status import AgentState, Report
from tests.e2e.test_pipeline import PlayedEyes

PRESENT = Look(Observation(0.0, (640, 480), Lens.CLEAR, (Face((200, 100, 400, 300), 0.9, 0.0, 0.0),)))
ACCEPTED = Acknowledgement(NOTICE_VERSION, "en", Decision.ACCEPTED, 1)


def until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


@pytest.fixture
def station(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Station]:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    with a_station() as made:
        yield made


@contextmanager
def a_station() -> Iterator[Station]:
    """A station over this user's home, with eyes that always see somebody."""
    stop = threading.Event()
    home = open_home(SystemClock(), stop=stop, complain=print)
    assert home is not None

    def build(home: Home) -> Agent:
        return build_agent(
            home,
            Source(files=("a.mp4",), realtime=True),
            interval=0.05,
            must_ask=True,
            open_eyes=lambda _: PlayedEyes(lambda: PRESENT),  # type: ignore[arg-type,return-value]  # the real one's methods
        )

    with home:
        made = Station(home, build, clock=SystemClock(), stop=stop)
        yield made
        stop.set()
        made.finish()


def state(station: Station) -> AgentState | None:
    data = station.store.status()
    return None if data is None else Report.from_bytes(data).state


def test_nothing_is_looked_at_until_the_notice_is_accepted(station: Station) -> None:
    station.start()
    until(lambda: state(station) is AgentState.UNDECIDED)
    station.store.acknowledge(ACCEPTED)
    until(lambda: state(station) is AgentState.WATCHING)
    station.store.acknowledge(Acknowledgement(NOTICE_VERSION, "en", Decision.DECLINED, 2))
    until(lambda: state(station) is AgentState.NOT_PARTICIPATING)


def test_erasing_while_it_runs_leaves_an_empty_paused_agent(station: Station) -> None:
    station.store.acknowledge(ACCEPTED)
    station.start()
    until(lambda: state(station) is AgentState.WATCHING)
    before = station.store
    station.erase()
    assert station.store is not before
    until(lambda: state(station) is AgentState.PAUSED)
    assert station.store.windows(0, 2**40) == [] and station.store.acknowledgements() == (ACCEPTED,)
    assert read_pause(station.store.path).paused


def test_what_cannot_be_cleared_away_takes_neither_enrolment_nor_refusal(station: Station) -> None:
    refusal = Acknowledgement(NOTICE_VERSION, "en", Decision.DECLINED, 3)
    station.store.put_identity(b'{"who":"this laptop"}')
    station.store.acknowledge(refusal)
    (station.store.path.parent / "store.corrupt-9.sqlite").mkdir()  # cannot be unlinked like a file
    station._forget()
    assert station.store.identity() == b'{"who":"this laptop"}' and station.store.acknowledgements() == (refusal,)


def test_an_erasure_that_cannot_begin_changes_nothing_and_measuring_goes_on(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    station.store.acknowledge(ACCEPTED)
    station.start()
    until(lambda: state(station) is AgentState.WATCHING)

    def refuse(*_: object) -> None:
        raise StoreError("The key store is locked: unlock it.")

    monkeypatch.setattr(station._home.keys, "put", refuse)
    with pytest.raises(StoreError, match="locked"):
        station.erase()
    until(lambda: state(station) is AgentState.WATCHING)
    assert station.store.checkpoint() is not None and station.agent is not None


def test_an_erasure_after_which_nothing_can_be_set_up_ends_the_program_and_says_why(station: Station) -> None:
    station.store.acknowledge(ACCEPTED)
    station.start()

    def fail(_: Home) -> Agent:
        raise NotEnrolled("The device key is missing.")

    station._build = fail
    with pytest.raises(NotEnrolled):
        station.erase()
    assert station._stop.is_set() and station.agent is None
    with pytest.raises(NotEnrolled):
        station.finish()
    station._failure = None
    with pytest.raises(StoreError, match="ending"):
        station.erase()
