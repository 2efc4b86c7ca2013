"""The running agent as the employee's own programs see it: its status now, its panel, and what they may ask of it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from agent.app import Home
from agent.attention.rules import Rules
from agent.check import CameraCheck
from agent.clock import Clock
from agent.config import Config
from agent.control import ControlWatch, pause, resume
from agent.errors import FramekeepError
from agent.in_force import config_in_force, own_data, rules_in_force
from agent.live_config import LiveConfig
from agent.outbox.documents import Documents
from agent.own_data import OwnData
from agent.panel.host import PanelHost
from agent.panel.parts import Panel
from agent.station import Station
from agent.status import Status
from agent.status_now import read_status

log = logging.getLogger(__name__)


class Desk:
    """Everything may be called from any thread. `station` may not have been started yet."""

    def __init__(self, home: Home, station: Station, settings: LiveConfig, *, check: CameraCheck, clock: Clock) -> None:
        self.changed = threading.Event()
        """Set whenever there may be news to show; whoever shows clears it."""
        self._home, self._station, self._settings, self._clock = home, station, settings, clock
        self._documents: Documents | None = None
        self.panel = Panel(
            paths=home.paths,
            config=self.config,
            opened=lambda: station.store,
            keys=home.keys,
            clock=clock,
            status=self.status,
            documents=self.documents,
            service=self.service,
            pause=self.pause,
            resume=self.resume,
            erase=station.erase,
            check=check,
            rules=self.rules,
            quit=station.quit,
        )
        self.host = PanelHost(self.panel)

    def config(self) -> Config:
        """The settings in force, with what the signed policy decides on top."""
        return config_in_force(self._settings(), self.documents())

    def documents(self) -> Documents | None:
        """Keyset and policy as the uploader holds them; None while not enrolled. While the agent is taken down, around an
        erasure, what held goes on to hold.
        """
        agent = self._station.agent
        if agent is not None:
            self._documents = agent.uploader.documents if agent.uploader is not None else None
        return self._documents

    def service(self) -> OwnData | None:
        """The service's side of the employee's rights; None while not enrolled. Whoever asked closes its link."""
        return own_data(self._station.store, self._home.keys, self.config(), self._clock)

    def rules(self) -> Rules:
        """The judge's thresholds in force."""
        return rules_in_force(self.config())

    def pause(self, seconds: float | None) -> None:
        """Pause at once, for so many seconds or (None) until resumed. Raises StoreError."""
        pause(self._home.paths.store, now=self._clock.wall(), seconds=seconds)

    def resume(self) -> None:
        """Look again. Raises StoreError."""
        resume(self._home.paths.store, now=self._clock.wall())

    def status(self) -> Status:
        """The status now."""
        station = self._station
        return read_status(station.store, running=True, pause=lambda: station.pause, now=self._clock.wall())

    def heard(self, watch: ControlWatch) -> None:
        """Another process or thread wrote to the store: what is shown may be old, or somebody asks for the panel. Called
        by the watchman, who must not wait.
        """
        self.changed.set()
        self.host.hear(watch.panel_requests, now=self._clock.wall())

    def open_panel(self, complain: Callable[[str], None], page: str = "") -> None:
        """Open the panel in the browser, at a page (its slug), in a thread of its own; `complain` is told why it could not
        be.
        """

        def work() -> None:
            try:
                self.host.open_browser(page)
            except FramekeepError as error:
                complain(str(error))

        threading.Thread(target=work, name="browser", daemon=True).start()
