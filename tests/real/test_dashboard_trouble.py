"""Promise: whatever happens between a reader and the service, the managers' pages say in one sentence what it is and what
to do next, lose no place, and never show a stranger what somebody else had on the screen.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.dashboard_visitor import TOKEN, look, reader, settled
from tests.dashboard_world import World


@pytest.fixture(autouse=True)
def open_gate(dashboard: World) -> None:
    dashboard.gate.times = 0


def problem(page: Page) -> str:
    expect(page.locator("[role=alert]:visible")).to_have_count(1)
    return page.locator("[role=alert]:visible").inner_text()


def test_a_token_that_ends_in_the_middle(chromium: Browser, dashboard: World) -> None:
    """The door says why, nothing of before stays on the screen, and the way back is to the very same page."""
    care = dashboard.companies["acme"].teams["Customer care"]
    with reader(chromium, dashboard, dashboard.tokens["acme", "manager"]) as somebody:
        page = look(somebody, dashboard, f"#/teams/{care}/week/2026-10-12")
        dashboard.gate.answers(401, 1)
        page.click("#span-month")
        expect(page.locator("h1")).to_have_text("Sign in")
        expect(page.locator(".message.warn")).to_contain_text("is not accepted")
        assert "Customer care" not in page.inner_text("body")
        assert page.evaluate(f"sessionStorage.getItem('{TOKEN}')") is None
        page.fill("#token", dashboard.tokens["acme", "manager"])
        page.keyboard.press("Enter")
        expect(page.locator("h1")).to_have_text("Customer care")
        expect(page.locator(".head .lead")).to_contain_text("October 2026")


@pytest.mark.parametrize("wrong", ["", "two words", "not.a.token"])
def test_a_token_that_is_none(chromium: Browser, dashboard: World, wrong: str) -> None:
    with reader(chromium, dashboard, None) as somebody:
        page = look(somebody, dashboard, "")
        page.fill("#token", wrong)
        page.keyboard.press("Enter")
        words = page.locator(".problem:visible, .message.warn:visible")
        expect(words).to_have_count(1)
        expect(page.locator("h1")).to_have_text("Sign in")


def test_busy_for_a_moment_is_waited_for(chromium: Browser, dashboard: World) -> None:
    with reader(chromium, dashboard, dashboard.tokens["acme", "admin"]) as somebody:
        look(somebody, dashboard, "#/policy")
        dashboard.gate.answers(503, 2, only="/v1/devices", **{"retry-after": "0"})
        page = look(somebody, dashboard, "#/devices")
        expect(page.locator("h1")).to_have_text("Devices")
        assert dashboard.gate.times == 0


def test_busy_for_longer_is_said_and_can_be_tried_again(chromium: Browser, dashboard: World) -> None:
    with reader(chromium, dashboard, dashboard.tokens["acme", "admin"]) as somebody:
        look(somebody, dashboard, "#/policy")
        dashboard.gate.answers(503, 1, only="/v1/devices", **{"retry-after": "300"})
        page = look(somebody, dashboard, "#/devices")
        assert "try again" in problem(page).lower()
        page.get_by_role("button", name="Try again").click()
        expect(page.locator("h1")).to_have_text("Devices")


def test_one_team_that_fails_leaves_the_others(chromium: Browser, dashboard: World) -> None:
    night = dashboard.companies["acme"].teams["Night shift"]
    with reader(chromium, dashboard, dashboard.tokens["acme", "admin"]) as somebody:
        dashboard.gate.answers(500, 1, only=f"/v1/teams/{night}")
        page = look(somebody, dashboard, "#/teams?week=2026-10-12")
        assert page.locator(".teams svg.bar").count() == 1 and "failed" in problem(page)
        page.get_by_role("button", name="Try again").click()
        expect(page.locator(".teams")).to_contain_text("on no day were enough people")


def test_no_connection(chromium: Browser, dashboard: World) -> None:
    with reader(chromium, dashboard, dashboard.tokens["acme", "admin"]) as somebody:
        page = look(somebody, dashboard, "#/policy")
        somebody.context.set_offline(True)
        page.click("#menu-devices")
        assert "cannot be reached" in problem(page)
        somebody.context.set_offline(False)
        page.get_by_role("button", name="Try again").click()
        expect(page.locator("h1")).to_have_text("Devices")


def test_slow_answers_are_announced_and_overtaken(chromium: Browser, dashboard: World) -> None:
    """Who goes elsewhere meanwhile gets what they went to, and never the late page on top of it."""
    with reader(chromium, dashboard, dashboard.tokens["acme", "admin"]) as somebody:
        page = look(somebody, dashboard, "#/policy")
        held: list[Route] = []
        page.route("**/v1/devices*", lambda route: held.append(route))
        page.click("#menu-devices")
        expect(page.locator(".waiting")).to_have_text("Loading …")
        expect(page.locator("p[role=status]").last).to_have_text("Loading")
        page.click("#menu-people")
        settled(page)
        for each in held:
            each.abort()
        page.wait_for_timeout(100)
        expect(page.locator("h1")).to_have_text("People")
        assert len(held) == 1


def test_what_is_not_ones_own(chromium: Browser, dashboard: World) -> None:
    """A manager's menu has nothing they may not read; an address from somebody else says so, and it is on record."""
    acme = dashboard.companies["acme"]
    with reader(chromium, dashboard, dashboard.tokens["acme", "manager"]) as somebody:
        page = look(somebody, dashboard, "#/devices")
        assert "Your role may not read this" in problem(page)
        assert page.locator("nav[aria-label=Pages] a").all_inner_texts() == ["Teams", "Policy"]
        page = look(somebody, dashboard, f"#/teams/{acme.teams['Workshop']}/week/2026-10-12")
        assert "not one of yours" in problem(page)
    with reader(chromium, dashboard, dashboard.tokens["acme", "auditor"]) as somebody:
        page = look(somebody, dashboard, "#/log")
        expect(page.locator("tr", has_text="Mara Manager").filter(has_text="Refused").first).to_be_visible()


def test_names_are_text(chromium: Browser, dashboard: World) -> None:
    """Whatever an administrator typed is shown and never run."""
    company = dashboard.companies["empty"]
    dashboard.pg.owner.run(
        "insert into team (id, org, name, time_zone) values (:id, :org, :name, 'Europe/Berlin')",
        id="ab" * 16,
        org=company.org,
        name="<img src=x onerror=alert(1)><b>bold</b>",
    )
    try:
        with reader(chromium, dashboard, dashboard.tokens["empty", "admin"]) as somebody:
            page = look(somebody, dashboard, "#/teams")
            assert page.locator(".teams h2").inner_text() == "<img src=x onerror=alert(1)><b>bold</b>"
            assert page.locator(".teams img").count() == 0
    finally:
        dashboard.pg.owner.run("delete from team where id = :id", id="ab" * 16)
