"""The panel without a running agent: what was measured can be read, downloaded and erased, and the notice answered."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from agent.attention.rules import Rules
from agent.clock import Clock
from agent.commands.local import Local
from agent.commands.status import status_of
from agent.config import Config, readable_config
from agent.control import InstanceLock, pause, resume
from agent.erased import finish_erasure, forget
from agent.errors import FramekeepError, StoreError
from agent.identity import load_identity
from agent.in_force import config_in_force, own_data, rules_in_force
from agent.keys import store_key
from agent.outbox.documents import Documents
from agent.own_data import OwnData
from agent.panel.parts import Panel
from agent.status import Status
from agent.store import Store

_SUPERSEDED = "Framekeep was started meanwhile: close this page and open its panel, with framekeep panel."
_LOOKS = 3
_BETWEEN_LOOKS_SECONDS = 0.02


class Alone:
    """The parts of a panel on this user's folders (`local`, opened with its store)."""

    def __init__(self, local: Local, clock: Clock) -> None:
        if local.store is None:
            raise StoreError("There is no store to show: run framekeep panel again.")
        self._local, self._clock = local, clock
        self._store = local.store
        self._file = _file_at(local.paths.store)
        self._lock = threading.Lock()

    def panel(self) -> Panel:
        """What the pages get."""
        paths, clock = self._local.paths, self._clock
        return Panel(
            paths=paths,
            config=self._config,
            opened=self._opened,
            keys=self._local.keys,
            clock=clock,
            status=self._status,
            documents=self._documents,
            service=self._service,
            pause=lambda seconds: _done(lambda: pause(paths.store, now=clock.wall(), seconds=seconds)),
            resume=lambda: _done(lambda: resume(paths.store, now=clock.wall())),
            erase=self._erase,
            check=None,
            rules=self._rules,
        )

    def superseded(self) -> bool:
        """Whether an agent was started since, whose panel is the one to use."""
        for _ in range(_LOOKS):  # whoever only looks who runs holds the agent's lock for an instant, too
            if not self._local.running:
                return False
            time.sleep(_BETWEEN_LOOKS_SECONDS)
        return True

    def close(self) -> None:
        """Close the store that is open now. Safe to call twice."""
        self._store.close()

    def _opened(self) -> Store:
        """The store for a page. Raises FramekeepError where somebody put another file in its place: an agent that was
        started since and erased or repaired it. What was written to the old one would be gone with it.
        """
        with self._lock:
            if self._file is None or _file_at(self._local.paths.store) != self._file:
                raise FramekeepError(_SUPERSEDED)
            return self._store

    def _config(self) -> Config:
        return config_in_force(readable_config(self._local.paths.config_file)[0], self._documents())

    def _rules(self) -> Rules:
        return rules_in_force(self._config())

    def _service(self) -> OwnData | None:
        return own_data(self._store, self._local.keys, self._local.config, self._clock)

    def _status(self) -> Status:
        _, problems = readable_config(self._local.paths.config_file)
        return status_of(replace(self._local, store=self._store, problems=problems), now=self._clock.wall())

    def _documents(self) -> Documents | None:
        identity = load_identity(self._store)
        return Documents(self._store, identity, clock=self._clock.wall) if identity is not None else None

    def _erase(self) -> None:
        """Forget what was measured here, as the one process that may: an agent that was started since has its own."""
        paths, keys, lock = self._local.paths, self._local.keys, InstanceLock(self._local.paths.lock)
        with self._lock:
            if not lock.acquire():
                raise FramekeepError(_SUPERSEDED)
            try:
                forget(self._store, keys, paths, now=self._clock.wall())
            finally:
                budget = self._local.config.store_mib * 1024 * 1024
                self._store.close()
                finish_erasure(paths.store, keys)  # a new key may be in force already: then only the new file opens
                self._store = Store(paths.store, store_key(keys, paths.store), budget=budget)
                self._file = _file_at(paths.store)
                lock.release()


def _file_at(path: Path) -> tuple[int, int] | None:
    """Which file this is, whatever its name; None where there is none. (Asked by name: to open and close it would drop the
    locks of this process's own connections.)
    """
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _done(act: Callable[[], object]) -> None:
    act()
