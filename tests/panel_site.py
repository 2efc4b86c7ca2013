"""A panel over a fresh folder with a few pages of the tests' own: what stands in front of pages is tested without them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from agent.attention.rules import Rules
from agent.clock import Clock, SystemClock
from agent.config import Config
from agent.control import Pause
from agent.errors import FramekeepError, UsageError
from agent.keys import FileKeyStore
from agent.panel.host import PanelHost
from agent.panel.page import Answer, Download, Html, Json, Page, Picture, Redirect, Site, Visit
from agent.panel.parts import Panel
from agent.paths import Paths
from agent.status import compose
from agent.store import Store
from agent.store.rows import OutboxSummary

SECRET = "what was measured"
"""Stands on every page; nobody else may ever read it."""


def make_panel(home: Path, clock: Clock | None = None) -> tuple[Panel, Store]:
    """A panel's parts over `home`, nothing enrolled and nothing running, and the store to close."""
    clock = clock or SystemClock()
    paths = Paths(data=home / "data", config=home, logs=home / "logs", portable=True).create()
    store = Store(paths.store, bytes(32))
    panel = Panel(
        paths=paths,
        config=Config,
        opened=lambda: store,
        keys=FileKeyStore(paths.key_file),
        clock=clock,
        status=lambda: compose(None, running=False, pause=Pause(), outbox=OutboxSummary(), now=clock.wall()),
        documents=lambda: None,
        service=lambda: None,
        pause=lambda seconds: None,
        resume=lambda: None,
        erase=lambda: None,
        check=None,
        rules=Rules,
    )
    return panel, store


@dataclass
class Acts:
    """The pages of a small site; what was done through them is in `done`."""

    done: list[Mapping[str, str]] = field(default_factory=list)
    seen: list[Visit] = field(default_factory=list)

    def show(self, visit: Visit) -> Answer:
        self.seen.append(visit)
        return Html("page", {"secret": SECRET})

    def act(self, visit: Visit) -> Answer:
        if visit.form.get("action") == "forged":
            raise UsageError("This page cannot do that.")
        self.done.append(visit.form)
        return Redirect("")

    def fail(self, visit: Visit) -> Answer:
        raise FramekeepError("The disk is full: free some space.")

    def crash(self, visit: Visit) -> Answer:
        raise ValueError(SECRET)

    def site(self) -> Site:
        pages = {
            "": Page(self.show, self.act),
            "json": Page(lambda visit: Json({"secret": SECRET})),
            "picture": Page(lambda visit: Picture("image/svg+xml", b'<svg xmlns="http://www.w3.org/2000/svg"/>')),
            "file": Page(lambda visit: Download('we"ird\r\nname.csv', "text/csv", b"a,b")),
            "fail": Page(self.fail),
            "crash": Page(self.crash),
        }
        return Site(pages, lambda panel, accepted: "en", _render)


def _render(visit: Visit, template: str, context: Mapping[str, object]) -> str:
    said = context.get("secret", context.get("sentence", ""))
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Panel</title><p id="said">{said}</p>'
        f'<form method="post" action="{visit.base}"><input type="hidden" name="csrf" value="{visit.csrf}">'
        '<button name="action" value="pause">Pause</button></form>'
    )


@contextmanager
def hosted(home: Path, *, clock: Clock | None = None, idle_seconds: float = 600) -> Iterator[tuple[PanelHost, Acts]]:
    """A host of the small site; its server is stopped at the end."""
    panel, store = make_panel(home, clock)
    acts = Acts()
    host = PanelHost(panel, site=acts.site, idle_seconds=idle_seconds)
    try:
        yield host, acts
    finally:
        host.close()
        store.close()
