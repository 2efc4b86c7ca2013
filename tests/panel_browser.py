"""A real headless browser for what is served to one, and a page of the panel opened in it through a one-time link.

`chromium` is one browser for the whole run of the tests; `open_panel(chromium, link)` is somebody who follows a link, in
a browser profile of their own. Everything the browser asked for is remembered, so that a test can say that nothing but
the panel's own origin was asked.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, sync_playwright

from tests.conftest import skip_or_fail

CHROMIUM = "chromium"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PATIENCE = 10_000
"""Milliseconds a page may take before a test gives it up."""


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A headless Chromium."""
    program = shutil.which(CHROMIUM)
    if program is None:
        skip_or_fail("there is no chromium here: installer/linux/prepare.sh --tests installs it")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield browser
        browser.close()


@dataclass
class Visitor:
    """Somebody at a browser of their own. `requests` is every address it asked for, `complaints` what it wrote to its
    console (refusals of the content security policy among it).
    """

    context: BrowserContext
    page: Page
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    @property
    def base(self) -> str:
        """Where the panel's first page is: "http://127.0.0.1:PORT/RANDOM/"."""
        parts = urlsplit(self.page.url)
        return f"{parts.scheme}://{parts.netloc}/{parts.path.split('/')[1]}/"

    def go(self, slug: str) -> Page:
        """Open another page of the panel."""
        self.page.goto(self.base + slug)
        return self.page

    def strangers(self) -> list[str]:
        """What was asked of anybody but the panel."""
        ours = urlsplit(self.page.url).netloc
        return [each for each in self.requests if urlsplit(each).netloc != ours]


@contextmanager
def visitor(chromium: Browser, **settings: Any) -> Iterator[Visitor]:
    """A fresh browser profile with one empty page. `settings` are playwright's (viewport, color_scheme, locale ...)."""
    context = chromium.new_context(**settings)
    context.set_default_timeout(PATIENCE)
    try:
        somebody = Visitor(context, context.new_page())

        def asked(request: Request) -> None:
            somebody.requests.append(request.url)

        context.on("request", asked)
        context.on(
            "console", lambda message: somebody.complaints.append(f"{message.text} {message.location.get('url', '')}")
        )
        yield somebody
    finally:
        context.close()


@contextmanager
def open_panel(chromium: Browser, link: str, **settings: Any) -> Iterator[Visitor]:
    """Somebody who has followed a one-time link and sees the panel's first page."""
    with visitor(chromium, **settings) as somebody:
        somebody.page.goto(link)
        somebody.page.wait_for_url(lambda url: "/enter" not in url)
        somebody.complaints.clear()  # the way in has no icon of its own
        yield somebody
