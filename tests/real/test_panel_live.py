"""Promise: for as long as a page of the panel is open, what it says about now is so, or it says that it does not know: on every
page, after failures too, and never "the camera is off" once nobody knows that any more.

The real server in a real browser, whose clock is put on so that nobody waits.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from agent.store.rows import EnvelopeState
from tests.panel_browser import Visitor, open_panel
from tests.panel_scenes import Scene, scene

PAGES = ("", "sent", "readby", "camera", "settings", "mydata", "about", "welcome")
OFF = re.compile("camera is off|Measuring since|nothing is measured", re.IGNORECASE)
NOT_KNOWN = re.compile("What Framekeep does now is not known")


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with scene("day", tmp_path_factory.mktemp("day")) as made:
        yield made


def line(page: Page) -> str:
    return page.inner_text("#state-line")


def go(visitor: Visitor, slug: str) -> Page:
    """A page whose clock is ours, as it comes from the server."""
    visitor.page.clock.install()
    return visitor.go(slug)


def ask_again(page: Page, seconds: int = 31) -> None:
    """Let time pass on the page, so that it has asked at least once more."""
    page.clock.run_for(seconds * 1000)


def until_asked(page: Page, said: re.Pattern[str]) -> None:
    """Ask until the page says so; the network's time is not the page's clock's, so an answer may need a moment."""
    for _ in range(10):
        ask_again(page)
        page.wait_for_timeout(200)
        if said.search(page.inner_text("h1")):
            return
    raise AssertionError(page.inner_text("h1"))


def test_every_page_follows_a_pause_made_elsewhere(chromium: Browser, day: Scene) -> None:
    with open_panel(chromium, day.host.link()) as visitor:
        for slug in PAGES:
            page = go(visitor, slug)
            assert "Measuring since" in line(page)
            try:
                day.panel.pause(None)
                ask_again(page, 4)
                expect(page.locator("#state-line")).to_contain_text("Paused until you resume")
                assert page.locator("#state-line svg").get_attribute("class") == "glyph paused"
                assert page.locator("#state-line use").get_attribute("href") == "#g-paused"
                assert "Measuring since" not in page.inner_text("body"), slug
                for hint in page.locator("#stale").all():
                    assert hint.is_visible()
            finally:
                day.panel.resume()
            ask_again(page, 4)
            expect(page.locator("#state-line")).to_contain_text("Measuring since")
            assert page.locator("#stale:visible").count() == 0, "it is again as the page came"
        assert visitor.complaints == []


def test_a_page_goes_on_asking_after_failures_and_makes_nothing_up(chromium: Browser, day: Scene) -> None:
    written = day.store.status()
    with open_panel(chromium, day.host.link(), locale="en-GB") as visitor:
        day.panel.pause(None)
        try:
            page = go(visitor, "")
            assert "The camera is off." in page.inner_text("h1")
            with day.store._db.write() as connection:
                connection.execute("UPDATE current SET sealed = x'00'")
            for _ in range(3):  # it has asked more than once by then, at longer and longer intervals
                until_asked(page, NOT_KNOWN)
            assert not OFF.search(page.inner_text("body"))
            assert "last heard from at 14:22:40" in line(page)
        finally:
            day.store.commit((), b"{}", policy="p-7", status=written)
            day.panel.resume()
        until_asked(page, re.compile("Measuring since"))
        assert page.locator("#stale").is_visible(), "the buttons are those of a pause still"


def test_a_page_nobody_is_at_says_that_it_rests_and_wakes_at_the_first_movement(chromium: Browser, day: Scene) -> None:
    with open_panel(chromium, day.host.link()) as visitor:
        page = go(visitor, "sent")
        page.clock.fast_forward("10:30")
        expect(page.locator("#state-line")).to_contain_text("This page rests")
        asked = len(visitor.requests)
        page.clock.run_for(60_000)
        assert len(visitor.requests) == asked, "the panel and the camera can rest"
        page.mouse.move(300, 300)
        expect(page.locator("#state-line")).to_contain_text("Measuring since")


def test_without_a_script_the_status_says_of_when_it_is(chromium: Browser, day: Scene) -> None:
    with open_panel(chromium, day.host.link(), java_script_enabled=False, locale="en-GB") as visitor:
        for slug in PAGES:
            page = visitor.go(slug)
            assert re.search(r"Measuring since 13:16\.\s+as of 14:22:40", line(page)), slug
            assert page.locator('#state-line [data-live="at"]').is_visible()


def test_ones_own_part_fits_beside_the_rail_and_every_table_has_a_name(chromium: Browser, day: Scene) -> None:
    size = {"width": 1280, "height": 900}
    for language in ("en", "de", "es", "fr"):
        with open_panel(chromium, day.host.link(), viewport=size, locale=language) as visitor:
            page = visitor.go("readby")
            for table in page.locator(".scroll").all():
                assert table.evaluate("each => each.scrollWidth - each.clientWidth") == 0, language
            for slug in ("", "sent", "readby") if language == "en" else ():
                named = "every(each => each.caption || each.ariaLabel || each.hasAttribute('aria-labelledby'))"
                assert visitor.go(slug).evaluate(f"[...document.querySelectorAll('table')].{named}"), slug


def test_on_paper_an_opened_envelope_is_a_full_dot_and_nothing_can_be_copied(chromium: Browser, day: Scene) -> None:
    states = {row.state for row in day.store.envelopes.recent(25)}
    assert {EnvelopeState.WAITING, EnvelopeState.OPENED, EnvelopeState.ACCEPTED} <= states
    with open_panel(chromium, day.host.link()) as visitor:
        visitor.page.emulate_media(media="print")
        page = visitor.go("sent")
        drawn = "each => { const {width, borderLeftWidth: left, borderRightWidth: right, backgroundImage: image} ="
        drawn += " getComputedStyle(each, '::before'); return [width, left, right, image].map(parseFloat) }"
        hole = {}
        for state in ("waiting", "accepted", "opened"):
            width, left, right, image = page.locator(f".tag.{state}").first.evaluate(drawn)
            hole[state] = width - (left + right if width else 0)
            assert image is None or image != image, "no background, which printers leave out"
        assert hole["waiting"] > hole["accepted"] > hole["opened"] == 0
        page = visitor.go("sent?seq=5")
        assert page.locator("[data-copy]").count() == 2
        assert page.locator("[data-copy]:visible").count() == 0


def test_the_notice_shows_the_message_that_was_sent_last(day: Scene, chromium: Browser) -> None:
    sent = next(row for row in day.store.envelopes.recent(50) if row.state is EnvelopeState.ACCEPTED)
    with open_panel(chromium, day.host.link()) as visitor:
        page = visitor.go("welcome")
        assert page.inner_text("pre.sheet") == sent.plain.decode("ascii"), "word for word"
        assert "This is the whole message this laptop sent last" in page.inner_text("main")


def test_a_panel_that_has_gone_leaves_no_claim_behind(chromium: Browser, day: Scene) -> None:
    """The last one: the panel does not come back."""
    day.panel.pause(None)
    with open_panel(chromium, day.host.link()) as visitor:
        pages = {slug: visitor.context.new_page() for slug in ("", "settings", "camera")}
        for slug, page in pages.items():
            page.goto(visitor.base + slug)
            page.bring_to_front()
            assert "The camera is off." in line(page)
        pages["camera"].wait_for_selector("#live svg rect")
        day.host.close()
        for page in pages.values():
            page.bring_to_front()
            expect(page.locator("#state-line")).to_contain_text(NOT_KNOWN)
            assert not OFF.search(page.inner_text("body"))
            cut = "each => each.scrollWidth > each.clientWidth"
            assert not page.locator(".rail").evaluate(cut), "the longer sentence has room"
        gone = pages["camera"]
        expect(gone.locator("#live-note")).to_contain_text("The panel has stopped")
        assert gone.locator("#live svg *").count() == 0 and not gone.locator("#live img").is_visible()
        assert gone.locator("#live-reasons li").count() == 0 and gone.inner_text("#live-state") == "–"
