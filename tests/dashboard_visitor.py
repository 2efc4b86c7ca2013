"""Somebody who looks at the managers' pages in a real browser, its clock standing where the service's does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.dashboard_world import NOW, World
from tests.panel_browser import PATIENCE, Visitor, visitor

TOKEN = "framekeep-token"  # where the pages keep it: this tab's session


@contextmanager
def reader(chromium: Browser, world: World, token: str | None, **settings: Any) -> Iterator[Visitor]:
    """A reader who is signed in with `token` (nobody, when None), at an empty page."""
    with visitor(chromium, **{"viewport": {"width": 1280, "height": 900}, "locale": "en-GB", **settings}) as somebody:
        somebody.page.clock.set_fixed_time(datetime.fromtimestamp(NOW, UTC))
        if token is not None:
            # Only where there is none: a page that forgot it must not find it again.
            script = f"window.name || sessionStorage.setItem('{TOKEN}', '{token}'); window.name = 'visited'"
            somebody.context.add_init_script(script)
        somebody.page.on("pageerror", lambda error: somebody.complaints.append(str(error)))
        yield somebody


def look(somebody: Visitor, world: World, address: str) -> Page:
    """Open a page and wait until all that was asked for is there."""
    page = somebody.page
    page.goto(f"{world.url}/{address}")
    settled(page, address[address.index("#") :] if "#" in address else "")
    return page


def unexpected(somebody: Visitor) -> list[str]:
    """What the browser complained of, without the agreement that is not there: a browser notes each 404 by itself."""
    return [each for each in somebody.complaints if not each.endswith("/v1/agreement")]


def settled(page: Page, address: str | None = None) -> None:
    """Wait until the page has what it shows; `address`: what stands behind its #."""
    if address is not None:
        expect(page.locator("main")).to_have_attribute("data-shown", address, timeout=PATIENCE)
    expect(page.locator("main[aria-busy]")).to_have_count(0, timeout=PATIENCE)
    expect(page.locator("main h1")).to_have_count(1, timeout=PATIENCE)
    expect(page.locator(".team-numbers").get_by_text("Reading …")).to_have_count(0, timeout=PATIENCE)
    expect(page.locator(".chart:not(:has(svg))")).to_have_count(0, timeout=PATIENCE)


def strangers(somebody: Visitor, world: World) -> list[str]:
    """What was asked of anybody but the service."""
    ours = urlsplit(world.url).netloc
    return [each for each in somebody.requests if not each.startswith("blob:") and urlsplit(each).netloc != ours]


def serious(page: Page, *, charts: bool = False) -> list[str]:
    """What axe-core finds serious or critical. What is drawn inside a chart (hidden from assistive technology, which gets
    the chart's label and a table) is thousands of rectangles and only looked at on demand.
    """
    found = Axe().run(page, context=None if charts else {"exclude": [[".chart svg"]]}).response["violations"]
    return [
        f"{each['id']}: {each['nodes'][0]['target']} {each['nodes'][0].get('failureSummary', '')}"
        for each in found
        if each["impact"] in ("serious", "critical")
    ]


def overflow(page: Page) -> int:
    """Pixels by which the page is wider than its window."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))
