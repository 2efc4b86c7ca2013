"""The running agent as the tray and the panel hold it: it can be taken down and set up again around an erasure.

The store's file and key are replaced when the employee erases what was measured, so whatever uses the store has to let
go of it first. Tray and panel stay; the threads that measure and deliver are made anew.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from agent import log as logs
from agent.app import Agent, Home
from agent.clock import Clock
from agent.control import Pause, read_pause
from agent.erased import finish_erasure, forget
from agent.errors import StoreError
from agent.keys import store_key
from agent.store import Store, open_store

POLL_SECONDS = 0.5
QUIT_SECONDS = 0.5


class Station:
    """Owns the agent's threads. `store` is the one in use now; methods may come from any thread."""

    def __init__(self, home: Home, build: Callable[[Home], Agent], *, clock: Clock, stop: threading.Event) -> None:
        """`build` makes an agent with a stop event of its own; `stop` is the program's."""
        self.agent: Agent | None = None
        self._home = home
        self._build = build
        self._clock = clock
        self._stop = stop
        self._lock = threading.RLock()
        self._failure: BaseException | None = None

    @property
    def store(self) -> Store:
        """The store as it is now; while an erasure puts another in its place, whoever asks waits for that one."""
        with self._lock:
            return self._home.store

    @property
    def pause(self) -> Pause:
        """The pause as the agent knows it; right within a fifth of a second."""
        agent = self.agent
        return agent.pipeline.pause if agent is not None else read_pause(self._home.paths.store)

    @property
    def looking(self) -> bool:
        """Whether our own eyes may hold a camera."""
        agent = self.agent
        return agent is not None and agent.pipeline.looking

    def start(self) -> None:
        """Measure and deliver from now on. Raises what building an agent raises."""
        with self._lock:
            if not self._stop.is_set():
                self.agent = self._build(self._home)
                self.agent.start()

    def watch(self) -> None:
        """End the program when the agent ends by itself. The calling thread's work until then."""
        while not self._stop.wait(POLL_SECONDS):
            with self._lock:
                if self.agent is None or self.agent.stop.is_set():
                    self._stop.set()

    def finish(self) -> None:
        """Stop for good, everything committed. Raises what made the agent fail."""
        with self._lock:
            self._stop.set()
            self._halt()
            if self._failure is not None:
                raise self._failure

    def quit(self) -> None:
        """End the program in a moment, so that whoever asked still gets an answer."""
        timer = threading.Timer(QUIT_SECONDS, self._stop.set)
        timer.daemon = True
        timer.start()

    def erase(self) -> None:
        """Forget what was measured on this laptop, at once; afterwards it is paused. Raises StoreError: then the old store
        stands, and the agent goes on with it; or what was begun is finished by whoever opens the store next.

        Where no agent can be set up again the program ends, and `finish` says why: better no icon than one that lies.
        """
        with self._lock:
            if self._stop.is_set():
                raise StoreError("Framekeep is ending: start it again, then erase.")
            try:
                self._halt()
                self._forget()
                self.start()
            except BaseException as error:
                if self.agent is None:
                    self._failure = error
                    self._stop.set()
                raise

    def _halt(self) -> None:
        agent, self.agent = self.agent, None
        if agent is not None:
            agent.finish()

    def _forget(self) -> None:
        home = self._home
        try:
            forget(home.store, home.keys, home.paths, now=self._clock.wall())
        except StoreError:
            self._reopen()
            self.start()
            raise
        self._reopen()

    def _reopen(self) -> None:
        home = self._home
        logs.set_up(home.paths.log_file, home.config.log_level)
        home.store.close()
        finish_erasure(home.paths.store, home.keys)  # a new key may be in force already: then only the new file opens
        opened = open_store(
            home.paths.store,
            store_key(home.keys, home.paths.store),
            now=self._clock.wall(),
            budget=home.config.store_mib * 1024 * 1024,
        )
        home.store, home.problems = opened.store, opened.problems
