"""Promise: managers, administrators and auditors see released numbers and what stands beside them, in a real browser over
real data (sealed by agents, sent, opened, published), from 360 px to wide, light and dark, by keyboard, and accessibly;
the pages ask nobody but their service and break no content security policy.
"""

from __future__ import annotations

import csv
import io
import shutil
import subprocess

import pytest
from playwright.sync_api import Browser, expect

from sync_service.blocks import NO_WORK_HOURS, SUPPRESSED_BECAUSE
from sync_service.local.pages import FOLDER
from tests.dashboard_visitor import look, overflow, reader, serious, settled, strangers, unexpected
from tests.dashboard_world import World

AXE_BY_NIGHT = ("week", "suppressed", "log", "approvals", "person")
SAME_AS_ANOTHER = ("one team", "25 hours", "week of the change")


def addresses(world: World) -> dict[str, tuple[str, str, str]]:
    """Every view: organisation, role, address."""
    care, night = (world.companies["acme"].teams[name] for name in ("Customer care", "Night shift"))
    around = world.companies["clocks"].teams["Around the clock"]
    person = world.pg.owner.run("select id::text as id from person where name = 'Customer 1'")[0]["id"]
    return {
        "teams": ("acme", "admin", "#/teams?week=2026-10-12"),
        "no team": ("empty", "admin", "#/teams"),
        "one team": ("one", "admin", "#/teams?week=2026-10-12"),
        "auditor's teams": ("acme", "auditor", "#/teams"),
        "week": ("acme", "manager", f"#/teams/{care}/week/2026-10-12"),
        "month": ("acme", "manager", f"#/teams/{care}/month/2026-10-12"),
        "day": ("acme", "manager", f"#/teams/{care}/day/2026-10-14"),
        "suppressed": ("acme", "manager", f"#/teams/{night}/week/2026-10-12"),
        "25 hours": ("clocks", "admin", f"#/teams/{around}/day/2026-10-25"),
        "week of the change": ("clocks", "admin", f"#/teams/{around}/week/2026-10-25"),
        "devices": ("acme", "admin", "#/devices"),
        "log": ("acme", "auditor", "#/log"),
        "policy": ("acme", "auditor", "#/policy"),
        "people": ("acme", "admin", "#/people"),
        "person": ("acme", "admin", f"#/people/{person}"),
        "approvals": ("acme", "admin", "#/approvals"),
        "alerts": ("acme", "admin", "#/alerts"),
        "nowhere": ("acme", "admin", "#/nowhere"),
    }


@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 360)])
def test_every_view_fits_is_accessible_and_asks_nobody_else(
    chromium: Browser, dashboard: World, theme: str, width: int
) -> None:
    """Every view by day in the wide; by night in the narrow, what is laid out or coloured otherwise there."""
    with reader(chromium, dashboard, None, color_scheme=theme, viewport={"width": width, "height": 800}) as somebody:
        page = look(somebody, dashboard, "")
        assert (overflow(page) <= 0, serious(page)) == (True, []), "the door"
        shown = ""
        for name, (org, role, address) in sorted(addresses(dashboard).items(), key=lambda item: item[1][:2]):
            if shown != (shown := dashboard.tokens[org, role]):
                page.evaluate("token => sessionStorage.setItem('framekeep-token', token)", shown)
                page.goto("about:blank")
            look(somebody, dashboard, address)
            page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
            assert overflow(page) <= 0, f"{name} scrolls sideways"
            assert page.locator("h1").count() == 1 and page.locator("main").count() == 1
            if name in AXE_BY_NIGHT if width == 360 else name not in SAME_AS_ANOTHER:
                assert serious(page, charts=name == "day") == [], name
        assert strangers(somebody, dashboard) == []
        assert unexpected(somebody) == []


def test_what_a_manager_reads_is_what_the_service_says(chromium: Browser, dashboard: World) -> None:
    care = dashboard.companies["acme"].teams["Customer care"]
    with reader(chromium, dashboard, dashboard.tokens["acme", "manager"]) as somebody:
        page = look(somebody, dashboard, f"#/teams/{care}/week/2026-10-12")
        body = page.inner_text("main")
        for words in ("Could not tell", "Coverage", "5–7", "a fault of the camera driver", "a fire drill", "workshop"):
            assert words in body
        assert "The policy has no work hours on this day." in body and "by the clock in Europe/Berlin" in body
        with page.expect_download() as got:
            page.click("#csv-day")
        rows = list(csv.DictReader(io.StringIO(got.value.path().read_text())))
        assert [row["status"] for row in rows][:2] == ["released", "withdrawn"] and len(rows) == 7
        page.click("summary:text-is('Show the table')")
        table = page.locator("table").first
        assert table.locator("tbody tr").count() == 7
        monday = table.locator("tbody tr").first.inner_text().replace("\t", " ")
        assert rows[0]["at_screen_percent"] in monday and rows[0]["coverage_percent"] in monday
        page.click("table tbody th a >> nth=2")
        settled(page)
        assert page.url.endswith(f"#/teams/{care}/day/2026-10-14") and "10:15 to 10:45" in page.inner_text("main")


def test_a_day_of_25_hours_has_the_hour_twice(chromium: Browser, dashboard: World) -> None:
    around = dashboard.companies["clocks"].teams["Around the clock"]
    settings = {"viewport": {"width": 1600, "height": 900}, "timezone_id": "Pacific/Auckland"}
    with reader(chromium, dashboard, dashboard.tokens["clocks", "admin"], **settings) as somebody:
        page = look(somebody, dashboard, f"#/teams/{around}/day/2026-10-25")
        assert "that day has 25 hours" in page.inner_text("main")
        ticks = page.locator(".chart").first.locator("text").all_text_contents()
        hours = [tick for tick in ticks if len(tick) == 2]
        assert hours == [f"{hour:02d}" for hour in (0, 1, 2, 2, *range(3, 24), 0)]


def test_teams_stand_in_the_order_of_their_names(chromium: Browser, dashboard: World) -> None:
    with reader(chromium, dashboard, dashboard.tokens["many", "admin"]) as somebody:
        page = look(somebody, dashboard, "#/teams?week=2026-10-26")
        names = page.locator(".teams h2").all_inner_texts()
        assert len(names) == 40 and names == sorted(names)
        assert page.locator(".teams svg.bar").count() == 40
        assert page.locator("[aria-sort], .sort").count() == 0, "nothing sorts teams by a number"


def test_by_keyboard_alone(chromium: Browser, dashboard: World) -> None:
    """From the door to a team's month and its table without a mouse; what has the focus is seen and never lost."""
    with reader(chromium, dashboard, None) as somebody:
        page = look(somebody, dashboard, "")

        def tab_to(selector: str, most: int = 60) -> None:
            for _ in range(most):
                page.keyboard.press("Tab")
                if page.evaluate("selector => document.activeElement?.matches(selector)", selector):
                    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
                    assert outline != "none", f"{selector} does not show that it has the focus"
                    return
            raise AssertionError(f"{selector} cannot be reached")

        tab_to("#token")
        page.keyboard.insert_text(dashboard.tokens["acme", "manager"])
        page.keyboard.press("Enter")
        expect(page.locator("h1")).to_have_text("Teams")
        settled(page)
        tab_to(".teams a")
        page.keyboard.press("Enter")
        expect(page.locator("h1")).to_have_text("Customer care")
        settled(page)
        assert page.evaluate("document.activeElement.tagName") == "H1", "reading goes on at the new page's title"
        tab_to("#span-month")
        page.keyboard.press("Enter")
        expect(page.locator(".head .lead")).to_contain_text("October 2026")
        assert page.evaluate("document.activeElement.id") == "span-month", "the focus stays where it was used"
        tab_to("summary")
        page.keyboard.press("Enter")
        expect(page.locator("table").first).to_be_visible()
        tab_to("#sign-out", most=120)
        page.keyboard.press("Enter")
        expect(page.locator("h1")).to_have_text("Sign in")
        assert page.evaluate("sessionStorage.getItem('framekeep-token')") is None


def test_two_administrators_put_somebody_into_a_team(chromium: Browser, dashboard: World) -> None:
    with reader(chromium, dashboard, dashboard.tokens["acme", "admin"]) as first:
        page = look(first, dashboard, "#/people")
        page.fill("#new-name", "Nora Neu")
        page.click("#add-person")
        expect(page.locator(".problem:visible")).to_have_text("Choose the team they join.")
        page.select_option("#new-team", label="Customer care")
        page.click("#add-person")
        expect(page.locator(".said:visible")).to_contain_text("It waits for another administrator")
        page = look(first, dashboard, "#/approvals")
        assert "You asked for this: another administrator decides." in page.inner_text("main")
        assert page.get_by_role("button", name="Agree").count() == 0
    with reader(chromium, dashboard, dashboard.tokens["acme", "second"]) as second:
        page = look(second, dashboard, "#/approvals")
        page.get_by_role("button", name="Agree").click()
        expect(page.locator("table")).to_contain_text("Nora Neu joins Customer care")
        page = look(second, dashboard, "#/people")
        page.fill("#name", "nora")
        page.get_by_role("link", name="Nora Neu").click()
        expect(page.locator("h1")).to_have_text("Nora Neu")
        page.click("#make-code")
        expect(page.locator("code.code")).to_contain_text("FK1-")


def test_a_policy_is_read_in_plain_words_before_it_is_signed(chromium: Browser, dashboard: World) -> None:
    with reader(chromium, dashboard, dashboard.tokens["empty", "admin"]) as somebody:
        page = look(somebody, dashboard, "#/policy")
        page.click("#preview")
        expect(page.locator(".problem:visible")).to_contain_text("Nothing is different from p-1")
        page.fill("#hours", "whenever")
        page.click("#preview")
        expect(page.locator(".problem:visible")).to_contain_text("mon-fri 09:00-17:30")
        page.fill("#hours", "mon-fri 07:00-19:00")
        page.fill("#effective", "2026-11-09")
        page.click("#preview")
        expect(page.locator(".changes")).to_contain_text("The work hours become mon-fri 07:00-19:00")
        expect(page.locator(".widens")).to_be_visible()
        assert (
            dashboard.pg.owner.run(
                "select count(*) as n from document where org = :org and type = 'policy'",
                org=dashboard.companies["empty"].org,
            )[0]["n"]
            == 1
        )
        page.click("#publish")
        expect(page.locator("table tbody tr")).to_have_count(2)
        expect(page.locator("table tbody tr").first).to_contain_text("To come")
        expect(page.locator("#hours")).to_have_value("mon-fri 08:00-18:00")  # what is in force, not what is to come
        expect(page.locator("dl.facts").first).to_contain_text("Mon–Fri, 08:00–18:00")
        page.fill("#interval", "30")
        page.click("#preview")
        preview = page.locator("form .changes li")
        expect(preview).to_have_count(2)
        expect(preview.first).to_contain_text("The camera looks every 30 seconds")
        expect(preview.last).to_contain_text("p-2, which was to begin on 2026-11-09 at 00:00 UTC, falls away.")


def test_days_off_are_told_from_days_too_small(built_pages: object) -> None:
    """The pages know a day without work hours by the service's own sentence."""
    assert f'"{SUPPRESSED_BECAUSE[NO_WORK_HOURS]}"' in (FOLDER / "src" / "numbers.ts").read_text()


def test_the_pure_parts(built_pages: object) -> None:
    npm = shutil.which("npm")
    if npm is None or not (FOLDER / "node_modules").is_dir():
        pytest.skip("the pages were built elsewhere")
    done = subprocess.run([npm, "test"], cwd=FOLDER, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
