"""Promise: every page of the panel fits from 360 px on in both themes and in the language with the longest words, has
nothing serious to say for axe-core, asks nobody but the panel, and works without its script.

Through the real server in a real browser, over real stores (tests/panel_scenes.py).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from agent.consent import Decision
from agent.store.rows import EnvelopeState
from tests.panel_browser import Visitor, open_panel
from tests.panel_scenes import Scene, scene

PAGES = ("", "sent", "sent?seq=5", "readby", "camera", "settings", "mydata", "about", "welcome")
WIDTHS = (360, 768, 1280)


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A full day, in German."""
    with scene("day", tmp_path_factory.mktemp("day"), language="de") as made:
        yield made


def overflow(page: Page) -> int:
    """Pixels by which the page is wider than its window."""
    root = "document.documentElement"
    return int(page.evaluate(f"{root}.scrollWidth - {root}.clientWidth"))


def serious(page: Page) -> list[str]:
    """What axe-core finds serious or critical."""
    found = Axe().run(page).response["violations"]
    return [
        f"{each['id']}: {each['nodes'][0]['target']}" for each in found if each["impact"] in ("serious", "critical")
    ]


def check(visitor: Visitor, slug: str, *, axe: bool) -> None:
    page = visitor.go(slug)
    assert overflow(page) <= 0, f"{slug} scrolls sideways"
    assert page.locator("h1").count() == 1 and page.locator("main").count() == 1
    if axe:
        assert serious(page) == [], slug


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_page_fits_and_is_accessible(chromium: Browser, day: Scene, theme: str) -> None:
    size = {"width": 1280, "height": 900}
    with open_panel(chromium, day.host.link(), viewport=size, color_scheme=theme) as visitor:
        for width in WIDTHS:
            visitor.page.set_viewport_size({"width": width, "height": 900})
            for slug in PAGES:
                # Colours and names do not depend on the width; the narrow page is the one that is laid out otherwise.
                check(visitor, slug, axe=width == (360 if theme == "dark" else 1280))
        assert visitor.strangers() == []
        assert visitor.complaints == []


def test_on_paper_every_page_is_light_and_nothing_is_cut_off(chromium: Browser, day: Scene) -> None:
    a4 = {"width": 794, "height": 1123}  # 210 mm by 297 mm at 96 points an inch
    with open_panel(chromium, day.host.link(), viewport=a4, color_scheme="dark") as visitor:
        visitor.page.emulate_media(media="print", color_scheme="dark")
        for slug in PAGES:
            page = visitor.go(slug)
            assert overflow(page) <= 0, f"{slug} is wider than the paper"
            ink = page.evaluate("getComputedStyle(document.body).color")
            assert max(map(int, re.findall(r"\d+", ink))) < 80, f"{slug} prints pale letters: {ink}"
            assert not page.locator("button:visible, .scroll input:visible").count(), f"{slug} prints buttons"


@pytest.mark.parametrize("name", ["empty", "paused", "alone", "new"])
def test_other_laptops_pages_fit_and_are_accessible(chromium: Browser, tmp_path: Path, name: str) -> None:
    with scene(name, tmp_path) as made, open_panel(chromium, made.host.link(), locale="fr") as visitor:
        visitor.page.set_viewport_size({"width": 360, "height": 800})
        assert visitor.page.get_attribute("html", "lang") == "fr", "as the browser asks"
        for slug in PAGES:
            if slug != "sent?seq=5" or made.store.envelopes.get(5):
                check(visitor, slug, axe=slug in ("", "camera", "mydata"))
        assert visitor.strangers() == [] and visitor.complaints == []


def test_pages_work_without_their_script(chromium: Browser, tmp_path: Path) -> None:
    with scene("new", tmp_path) as made, open_panel(chromium, made.host.link(), java_script_enabled=False) as visitor:
        page = visitor.page
        accept, decline = (
            page.get_by_role("button", name="Accept and measure"),
            page.get_by_role("button", name="Decline"),
        )
        sizes = [button.bounding_box() for button in (accept, decline)]
        assert sizes[0] and sizes[1] and sizes[0]["height"] == sizes[1]["height"], "both answers weigh the same"
        decline.click()
        assert "refusal is recorded" in page.inner_text("main")
        assert [answer.decision for answer in made.store.acknowledgements()] == [Decision.DECLINED]
        page.get_by_role("button", name="Accept and measure").click()
        assert made.store.acknowledgements()[-1].decision is Decision.ACCEPTED
        visitor.go("settings")
        page.get_by_label("My own hours").fill("mon-fri 9:00-12:00")
        page.get_by_role("radio", name="Strict").check()
        page.get_by_label("Language of this panel").select_option("es")
        page.get_by_role("button", name="Save").click()
        assert page.inner_text("h1") == "Ajustes"
        written = made.paths.config_file.read_text(encoding="utf-8")
        assert 'hours = "Mon-Fri 09:00-12:00"' in written and 'sensitivity = "strict"' in written
        assert "camera" not in written, "what nobody changed is not written"


def test_hours_nobody_can_read_change_nothing(chromium: Browser, day: Scene) -> None:
    before = day.paths.config_file.read_text(encoding="utf-8")
    with open_panel(chromium, day.host.link()) as visitor:
        page = visitor.go("settings")
        page.locator("#hours").fill("whenever")
        page.get_by_role("button", name="Speichern").click()
        assert page.locator("#hours").input_value() == "whenever", "what was typed is still there"
        assert page.get_by_role("alert").is_visible()
    assert day.paths.config_file.read_text(encoding="utf-8") == before


def test_pausing_and_resuming(chromium: Browser, day: Scene) -> None:
    with open_panel(chromium, day.host.link()) as visitor:
        page = visitor.page
        page.get_by_role("button", name=re.compile("15 Minuten")).click()
        assert "Pause bis 14:37" in page.inner_text("h1")
        page.get_by_role("button", name="Jetzt fortsetzen").click()
        assert "Misst seit" in page.inner_text("h1")


def test_a_waiting_envelope_can_be_read_to_the_letter(chromium: Browser, day: Scene) -> None:
    row = day.store.envelopes.recent(1)[0]
    assert row.state is EnvelopeState.WAITING
    with open_panel(chromium, day.host.link()) as visitor:
        page = visitor.go("sent")
        page.get_by_role("link", name=str(row.seq), exact=True).click()
        assert page.inner_text("#plain-text") == row.plain.decode("ascii")
        sealed = json.loads(row.body)["sealed"]
        first = bytes.fromhex(page.inner_text("#sealed-text").splitlines()[0][6:].replace(" ", ""))
        import base64

        assert base64.b64decode(sealed).startswith(first) and len(first) == 16
        assert "Geprüft" in page.inner_text("main"), "the signature holds"
        with page.expect_download() as kept:
            page.get_by_role("link", name="Umschlag herunterladen").click()
        assert Path(kept.value.path()).read_bytes() == row.body
        page = visitor.go(f"sent?q={row.id}")
        assert page.locator("tbody tr").first.inner_text().startswith(str(row.seq))
        assert "1 Umschlag" in page.inner_text("#list")


def test_what_the_service_cannot_say_is_said_in_one_sentence(chromium: Browser, tmp_path: Path) -> None:
    with scene("day", tmp_path) as made:
        made.service.down()
        with open_panel(chromium, made.host.link()) as visitor:
            for slug in ("readby", "mydata"):
                page = visitor.go(slug)
                assert page.get_by_role("alert").count() == 1
            assert page.get_by_role("link", name="Everything here, as JSON").is_visible(), "the rest is shown"


def test_the_live_view_shows_the_picture_and_why(chromium: Browser, day: Scene) -> None:
    with open_panel(chromium, day.host.link()) as visitor:
        page = visitor.go("camera")
        page.wait_for_selector("#live svg rect")
        assert page.locator("#live img").is_visible()
        assert page.inner_text("#live-state") == "Am Bildschirm"
        assert page.locator("#live-reasons li").count() > 1


def test_everything_can_be_reached_by_keyboard(chromium: Browser, day: Scene) -> None:
    with open_panel(chromium, day.host.link()) as visitor:
        page = visitor.go("")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        reached = set()
        for _ in range(40):
            page.keyboard.press("Tab")
            reached.add(page.evaluate("document.activeElement.textContent.trim().split('\\n')[0]"))
            if page.evaluate("document.activeElement === document.body"):
                break  # past the last one
            outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline != "none", (
                f"the focus on {page.evaluate('document.activeElement.outerHTML')[:80]} can be seen"
            )
        assert {"Gesendet", "Über", "15 Minuten bis 14:37", "Dasselbe nach Stunden"} <= reached
