"""Opens the panel: starts the server when somebody asks, gives out links, sends the browser there.

Light until then: the web server's and the pages' modules are imported for the first link.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from agent.control import PanelRequest
from agent.errors import FramekeepError, StoreError
from agent.panel.access import CODE_SECONDS
from agent.panel.answers import NoPanel, is_nonce, write_answer
from agent.panel.browser import open_link, redirect_folders
from agent.panel.files import forget_redirect, tidy
from agent.panel.page import Site
from agent.panel.parts import Panel
from agent.paths import Paths
from agent.zone import local_zone

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from agent.panel.server import PanelServer

IDLE_SECONDS = 10 * 60.0
"""How long a server waits for a request before it stops."""
NO_BROWSER = (
    "No browser was found here: run framekeep panel --url and open what it prints, within a minute, in a browser on this"
    " computer."
)

log = logging.getLogger(__name__)


def _pages() -> Site:
    from agent.panel.pages import site

    return site()


class PanelHost:
    """The panel of one agent (or of `framekeep panel` where none runs). Any thread may use it. `site` is called once,
    for the first link.
    """

    def __init__(self, panel: Panel, *, site: Callable[[], Site] = _pages, idle_seconds: float = IDLE_SECONDS) -> None:
        self._panel, self._make_site, self._idle = panel, site, idle_seconds
        self._lock = threading.Lock()
        self._server: PanelServer | None = None
        self._site: Site | None = None
        self._heard: tuple[PanelRequest, ...] = ()

    @property
    def paths(self) -> Paths:
        """Whose panel it is."""
        return self._panel.paths

    def link(self, page: str = "") -> str:
        """A one-time link to a page (its slug), good for a minute; starts the server if it does not run. Raises
        FramekeepError.
        """
        with self._lock:
            link = self._server.link() if self._server is not None else None
            if link is None:
                self._server = self._start()
                link = self._server.link()
        if link is None:
            raise NoPanel("The panel stopped as it was opened: try again.")
        return f"{link}&to={page}" if page else link

    def open_browser(self, page: str = "") -> None:
        """Open the panel in the person's browser, at a page (its slug). Raises FramekeepError when there is none."""
        if not open_link(self.link(page), self.paths.data):
            raise NoPanel(NO_BROWSER)

    def hear(self, requests: tuple[PanelRequest, ...], *, now: float) -> None:
        """Answer each `framekeep panel` once, in threads of their own, if it still waits at `now` (epoch seconds). For the
        one thread that watches for them (see control.ControlWatch).
        """
        fresh = [request for request in requests if request not in self._heard and request.waits(now)]
        self._heard = requests
        for request in fresh:
            threading.Thread(target=self.serve_request, args=(request.nonce,), name="link", daemon=True).start()

    def serve_request(self, nonce: str) -> None:
        """Answer a `framekeep panel` (the nonce is its row's, see control.PanelRequest). Raises nothing: what went wrong
        is what the asker is told.
        """
        if not is_nonce(nonce):
            return
        try:
            link, problem = self.link(), ""
        except FramekeepError as error:
            link, problem = "", str(error)
        try:
            write_answer(self.paths.data, nonce, link=link, problem=problem)
        except StoreError:
            log.warning("The answer to framekeep panel could not be written.")

    def tidy(self) -> None:
        """Remove what an earlier run left behind. Called once, when the agent starts."""
        self._tidy(older_than=0)

    def wait(self, seconds: float | None = None) -> bool:
        """Until the server has stopped, or so many seconds have passed; whether it has stopped (or never ran)."""
        server = self._server
        return server is None or server.ended.wait(seconds)

    def close(self) -> None:
        """Stop the server and remove its files. Safe to call twice."""
        with self._lock:
            server, self._server = self._server, None
        if server is not None:
            server.stop()
            self._tidy(older_than=0)

    def _start(self) -> PanelServer:
        from agent.panel.server import PanelServer

        self._site = self._site or self._make_site()
        server = PanelServer(
            self._make_app,
            clock=self._panel.clock,
            idle_seconds=self._idle,
            tick=self._tidy,
            entered=self._used,
        )
        server.start()
        return server

    def _make_app(self, base: str) -> ASGIApp:
        from agent.panel.app import build_app

        assert self._site is not None
        return build_app(self._panel, self._site, base=base, zone=local_zone())

    def _used(self, code: str) -> None:
        for folder in redirect_folders(self.paths.data):
            forget_redirect(folder, code)

    def _tidy(self, older_than: float = CODE_SECONDS) -> None:
        for folder in redirect_folders(self.paths.data):
            tidy(folder, now=time.time(), older_than=older_than)  # by the clock that dates files
