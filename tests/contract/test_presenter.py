"""Promise: the tray is kept in step whatever goes wrong in between, and says what could not be done in its reader's words;
what the policy decides holds also while the agent is taken down for an erasure.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from agent import presenter
from agent.app import Agent, Home, build_agent, open_home
from agent.check import CameraCheck
from agent.clock import SystemClock
from agent.control import read_pause
from agent.desk import Desk
from agent.identity import enroll
from agent.live_config import LiveConfig
from agent.paths import HOME_VARIABLE
from agent.pause_flag import pause_flag
from agent.presenter import HOST_SECONDS, UNSEEN, Presenter
from agent.sources import Source
from agent.station import Station
from agent.status import AgentState, Status
from agent.tray.base import Notice
from agent.tray.icon import Icon
from agent.tray.view import Action, TrayView
from tests.builders import ManualClock, Organisation
from tests.e2e.test_station import until
from tests.loopback import LoopbackService
from tests.tray_status import a_status


@dataclass
class RecordedTray:
    """A tray that shows nothing and remembers it. `fails` is raised by the next thing that is shown; `hosted` is whether a
    desktop shows the icon, `served` whether it takes notifications.
    """

    views: list[TrayView] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    fails: Exception | None = None
    hosted: bool = True
    served: bool = True

    def show(self, view: TrayView) -> None:
        if self.fails is not None:
            error, self.fails = self.fails, None
            raise error
        self.views.append(view)

    def visible(self) -> bool:
        return self.hosted

    def notify(self, notice: Notice) -> bool:
        if self.served:
            self.notices.append(notice)
        return self.served

    def withdraw(self, key: str) -> None:
        self.notices = [notice for notice in self.notices if notice.key != key]

    def run(self, stop: threading.Event, on_action: Callable[[Action], None]) -> None:
        raise AssertionError("nobody runs it here")

    def close(self) -> None: ...


class Office:
    """Home, station, desk, tray and presenter, put together as the program does; nothing runs yet."""

    def __init__(self, home: Home, clock: SystemClock | ManualClock) -> None:
        self.home, self.stop, self.said = home, threading.Event(), list[str]()
        self.tray = RecordedTray()
        self.when_built: Callable[[], None] | None = None
        self.station = Station(home, self._build, clock=clock, stop=self.stop)
        settings = LiveConfig(home.paths.config_file, home.config)
        self.desk = Desk(home, self.station, settings, check=CameraCheck(clock), clock=clock)
        self.presenter = Presenter(
            self.desk, self.tray, clock=clock, stop=self.stop, say=self.said.append, policy_before=None
        )

    def _build(self, home: Home) -> Agent:
        if self.when_built is not None:
            self.when_built()
        return build_agent(home, Source(device="99"), must_ask=True)  # it asks first, so no camera is opened


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    opened = open_home(SystemClock(), stop=threading.Event(), complain=print)
    assert opened is not None
    with opened:
        yield opened


def test_a_turn_that_fails_is_followed_by_one_that_does_not(home: Home) -> None:
    office = Office(home, SystemClock())
    thread = threading.Thread(target=office.presenter.run, daemon=True)
    thread.start()
    until(lambda: office.tray.views)
    for error in (RuntimeError("the desktop's library"), KeyError("of ours")):
        office.tray.fails, office.tray.views = error, []
        office.desk.changed.set()
        until(lambda: office.tray.fails is None)
        office.desk.changed.set()
        until(lambda: office.tray.views)
    assert thread.is_alive()
    office.stop.set()
    office.desk.changed.set()
    thread.join(5)
    assert not thread.is_alive()


def test_an_icon_that_cannot_be_kept_current_says_so_and_keeps_its_menu(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presenter, "RETRY_SECONDS", 0.01)
    office = Office(home, SystemClock())
    broken = threading.Event()
    read = office.desk.status

    def status() -> Status:
        if broken.is_set():
            raise RuntimeError("nobody knows")
        return read()

    monkeypatch.setattr(office.desk, "status", status)
    thread = threading.Thread(target=office.presenter.run, daemon=True)
    thread.start()
    until(lambda: office.tray.views)
    before = office.tray.views[-1]
    broken.set()
    office.desk.changed.set()
    until(lambda: office.tray.views[-1].icon is Icon.ATTENTION and "cannot tell" in office.tray.views[-1].title)
    assert [item.id for item in office.tray.views[-1].items] == [item.id for item in before.items]
    broken.clear()
    office.desk.changed.set()
    until(lambda: office.tray.views[-1].title == before.title)
    office.stop.set()
    office.desk.changed.set()
    thread.join(5)


def test_a_choice_that_fails_is_told_in_the_readers_language_and_the_next_one_is_done(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = Office(home, SystemClock())
    home.paths.config_file.write_text('language = "de"\n')

    def broken(seconds: float | None) -> None:
        raise KeyError(seconds)

    with monkeypatch.context() as patch:
        patch.setattr(office.desk, "pause", broken)
        office.presenter.act(Action.PAUSE)
    (notice,) = office.tray.notices
    assert notice.text.startswith("Das ist durch einen Fehler in Framekeep gescheitert")
    office.presenter.act(Action.PAUSE)
    assert read_pause(home.paths.store).paused
    pause_flag(home.paths.store).mkdir()
    office.presenter.act(Action.RESUME)
    assert "cannot be removed" in office.said[-1] and read_pause(home.paths.store).paused
    pause_flag(home.paths.store).rmdir()


def test_where_neither_icon_nor_notification_shows_the_panel_opens_once(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = ManualClock()
    office = Office(home, clock)
    tray, opened = office.tray, list[str]()
    shown = {"status": a_status(state=AgentState.UNDECIDED)}
    monkeypatch.setattr(office.desk, "status", lambda: shown["status"])
    monkeypatch.setattr(office.desk, "open_panel", lambda complain, page="": opened.append(page))

    def turns(seconds: float) -> None:
        for _ in range(2):
            office.presenter.turn()
            clock.advance(seconds)
        office.presenter.turn()

    tray.hosted = tray.served = False
    turns(HOST_SECONDS)
    assert opened == [], "the notice waits there: what it says is not why the camera stays off"
    shown["status"] = a_status(state=AgentState.BLOCKED, problems=(UNSEEN,))
    turns(HOST_SECONDS)
    turns(HOST_SECONDS)
    assert opened == [""], "once, and no more while nothing changes"
    tray.hosted = True
    turns(1)
    tray.hosted = False
    turns(HOST_SECONDS / 3)
    assert opened == [""], "a desktop has a few seconds to show it again"
    turns(HOST_SECONDS)
    assert opened == ["", ""]
    tray.hosted = tray.served = True
    turns(1)
    tray.hosted = False
    turns(HOST_SECONDS)
    assert opened == ["", ""] and tray.notices[-1].key == "no_icon", "a notification says it well enough"


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="the zone cannot be set here")
def test_until_tomorrow_is_the_panels_hour_over_a_change_of_the_clocks(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    now = datetime(2026, 3, 28, 15, tzinfo=ZoneInfo("Europe/Berlin")).timestamp()
    office = Office(home, ManualClock(now))
    office.presenter.act(Action.PAUSE_TOMORROW)
    six = datetime(2026, 3, 29, 6, tzinfo=ZoneInfo("Europe/Berlin")).timestamp()
    assert read_pause(home.paths.store).until == six
    assert office.desk.status().paused_until == six
    monkeypatch.undo()
    time.tzset()


def test_what_the_policy_decides_holds_while_the_agent_is_taken_down(home: Home) -> None:
    clock, org = SystemClock(), Organisation()
    service = LoopbackService(org, clock.wall)
    org.endpoint = service.endpoint
    at = int(clock.wall())
    service.keyset, service.policy = org.keyset(at=at), org.policy(at=at, may_quit=False)
    code = org.code()
    service.codes[code.code_id] = code
    enroll(str(code), service.endpoint, store=home.store, keys=home.keys, now=clock.wall())
    office = Office(home, clock)
    try:
        office.station.start()
        until(lambda: (documents := office.desk.documents()) is not None and documents.policy is not None)
        offered: list[Action | None] = []

        def try_to_quit() -> None:
            assert office.station.agent is None, "in the middle of the erasure"
            offered.extend(item.action for item in office.presenter.view(office.desk.status()).items)
            office.presenter.act(Action.QUIT)

        office.when_built = try_to_quit
        office.station.erase()
        assert Action.OPEN_PANEL in offered and Action.QUIT not in offered
        assert not office.stop.is_set()
    finally:
        office.station.finish()
        service.down()
