"""The running program: the agent with its panel, and with a tray and what the desktop tells where there is one."""

from __future__ import annotations

import sys
import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING

from agent.app import Agent, Home, build_agent, policy_before
from agent.attention.schedule import Availability
from agent.availability.base import Signals, open_signals
from agent.check import CameraCheck
from agent.clock import Clock
from agent.desk import Desk
from agent.footprint import release_code
from agent.identity import load_identity
from agent.in_force import source_in_force
from agent.live_config import LiveConfig
from agent.narrator import Narrator, say
from agent.sources import Source
from agent.station import Station
from agent.status import AgentState, Report

if TYPE_CHECKING:
    # Languages and the desktop's bus take time and memory that a run without a tray does not need.
    from agent.presenter import Presenter
    from agent.tray.base import Tray


class Program:
    """One process of one user. `every` fixes the seconds between looks where no policy does (None: the setting)."""

    def __init__(
        self,
        home: Home,
        source: Source,
        *,
        clock: Clock,
        stop: threading.Event,
        began: float,
        every: float | None,
        follow_camera: bool,
    ) -> None:
        """With `follow_camera` another camera in the settings is taken up while it runs."""
        self._follow_camera = follow_camera
        self._home, self._source, self._clock, self._stop, self._every = home, source, clock, stop, every
        self._settings = LiveConfig(home.paths.config_file, home.config)
        self._check = CameraCheck(clock)
        self._narrator = Narrator(began)
        self._settled = False
        self._presenter: Presenter | None = None
        self._signals: Signals | None = None
        self._station = Station(home, self._build, clock=clock, stop=stop)
        self._desk = Desk(home, self._station, self._settings, check=self._check, clock=clock)

    def run(self, *, headless: bool) -> None:
        """Until `stop` is set or the agent fails. Raises FramekeepError and what made the agent fail."""
        with ExitStack() as ending:
            self._desk.host.tidy()
            tray = None if headless else self._furnish(ending)
            if load_identity(self._home.store) is None:
                say("not enrolled: what is measured is shown here and stays on this laptop")
            first = self._home.store.status() is None
            self._station.start()
            ending.callback(self._station.finish)
            ending.callback(self._desk.host.close)  # first of all: nobody may ask for anything any more
            if tray is None or self._presenter is None:
                self._station.watch()
                return
            for name, work in (("watch", self._station.watch), ("presenter", self._presenter.run)):
                threading.Thread(target=work, name=name, daemon=True).start()
            if first:
                self._presenter.welcome()
            tray.run(self._stop, self._presenter.act)

    def camera(self) -> str | None:
        """The device that is looked at now, as the settings have it; None for a recording."""
        return (source_in_force(self._source, self._settings()) if self._follow_camera else self._source).device

    def _furnish(self, ending: ExitStack) -> Tray:
        """Tray, signals and what keeps the tray in step."""
        from agent.presenter import Presenter

        tray: Tray
        desktop = None
        if sys.platform.startswith("linux"):
            from agent.desktop_bus import Desktop
            from agent.tray.linux import LinuxTray

            desktop = Desktop()
            ending.callback(desktop.close)
            desktop.start()
            tray = LinuxTray(desktop, on_visible=lambda _: self._desk.changed.set())
        else:
            from agent.tray.other import PystrayTray

            tray = PystrayTray()
        ending.callback(tray.close)
        self._signals = open_signals(
            rest_on_battery=lambda: self._settings().rest_on_battery,
            camera=self.camera,
            desktop=desktop,
            looking=lambda: self._station.looking,
        )
        ending.callback(self._signals.close)
        self._signals.start()
        self._presenter = Presenter(
            self._desk,
            tray,
            clock=self._clock,
            stop=self._stop,
            say=say,
            policy_before=policy_before(self._home.store),
        )
        return tray

    def _build(self, home: Home) -> Agent:
        presenter, signals = self._presenter, self._signals
        return build_agent(
            home,
            self._source,
            clock=self._clock,
            interval=self._every,
            settings=self._settings,
            must_ask=presenter is not None,
            unseen=presenter.unseen if presenter is not None else None,
            availability=signals.read if signals is not None else Availability,
            on_report=self._reported,
            on_closed=self._narrator.closed if load_identity(home.store) is None else None,
            on_request=self._desk.heard,
            check=self._check,
            follow_camera=self._follow_camera,
        )

    def _reported(self, report: Report) -> None:
        self._narrator(report)
        self._desk.changed.set()
        if report.state is AgentState.WATCHING and not self._settled:
            self._settled = True
            release_code()  # what only the start ran; the eyes process does the same
