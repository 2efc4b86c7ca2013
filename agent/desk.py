"""The running agent as the employee's own programs see it: its status now, its panel, and what they may ask of it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from agent.app import Home
from agent.attention.rules import SENSITIVITY, Rules
from agent.check import CameraCheck
from agent.clock import Clock
from agent.config import Config
from agent.consent import Participation, participation
from agent.control import ControlWatch, PanelRequest, pause, resume
from agent.errors import FramekeepError, StoreError
from agent.identity import load_identity
from agent.keys import device_key
from agent.live_config import LiveConfig
from agent.outbox.documents import Documents
from agent.outbox.link import Link
from agent.own_data import OwnData
from agent.panel.host import PanelHost
from agent.panel.parts import Panel
from agent.policy import locks
from agent.station import Station
from agent.status import Report, Status, compose
from agent.store import OutboxSummary, RowDamaged

log = logging.getLogger(__name__)


class Desk:
    """Everything may be called from any thread. `station` may not have been started yet."""

    def __init__(self, home: Home, station: Station, settings: LiveConfig, *, check: CameraCheck, clock: Clock) -> None:
        self.changed = threading.Event()
        """Set whenever there may be news to show; whoever shows clears it."""
        self._home, self._station, self._settings, self._clock = home, station, settings, clock
        self._answered: PanelRequest | None = None
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
        config, documents = self._settings(), self.documents()
        if documents is None or documents.keyset is None or documents.policy is None:
            return config
        return config.with_policy(locks(documents.keyset, documents.policy), documents.policy.id)

    def documents(self) -> Documents | None:
        """Keyset and policy as the uploader holds them; None while not enrolled."""
        agent = self._station.agent
        return agent.uploader.documents if agent is not None and agent.uploader is not None else None

    def service(self) -> OwnData | None:
        """The service's side of the employee's rights; None while not enrolled. Whoever asked closes its link."""
        identity = load_identity(self._station.store)
        key = device_key(self._home.keys) if identity is not None else None
        if identity is None or key is None:
            return None
        return OwnData(identity, key, Link(identity.endpoint, proxy=self.config().proxy), clock=self._clock)

    def rules(self) -> Rules:
        """The judge's thresholds in force."""
        config = self.config()
        yaw, pitch = SENSITIVITY[config.sensitivity]
        return Rules(interval=float(config.interval_seconds), yaw_away=yaw, pitch_down=pitch)

    def pause(self, seconds: float | None) -> None:
        """Pause at once, for so many seconds or (None) until resumed. Raises StoreError."""
        pause(self._home.paths.store, now=self._clock.wall(), seconds=seconds)

    def resume(self) -> None:
        """Look again. Raises StoreError."""
        resume(self._home.paths.store, now=self._clock.wall())

    def status(self) -> Status:
        """The status now."""
        store, problems = self._station.store, []
        report, outbox, answer = None, OutboxSummary(), Participation.UNDECIDED
        try:
            data = store.status()
            report = Report.from_bytes(data) if data is not None else None
            outbox = store.envelopes.summary()
            answer = participation(store.acknowledgements())
            if load_identity(store) is None:
                problems.append("This laptop is not enrolled: nothing is sent.")
        except (RowDamaged, ValueError, KeyError, TypeError):
            problems.append("The last status cannot be read; the agent writes a new one when it runs.")
        except StoreError as error:
            problems.append(str(error))
        return compose(
            report,
            running=True,
            pause=self._station.pause,
            outbox=outbox,
            now=self._clock.wall(),
            problems=tuple(problems),
            participation=answer.value,
        )

    def heard(self, watch: ControlWatch) -> None:
        """Another process or thread wrote to the store: what is shown may be old, or somebody asks for the panel. Called
        by the watchman, who must not wait.
        """
        self.changed.set()
        request = watch.panel_request
        if request is None or request == self._answered or not request.waits(self._clock.wall()):
            return
        self._answered = request
        threading.Thread(target=self.host.serve_request, args=(request.nonce,), name="link", daemon=True).start()

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
