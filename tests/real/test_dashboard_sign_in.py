"""Promise: a reader signs in at their organisation's identity provider from the managers' pages (authorization code with
PKCE against a real provider), the token stays in the tab's session, and what goes wrong there is said.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from sync_service import readers
from sync_service.local.sign_in_origins import SignInOrigins
from sync_service.oidc import Provider
from sync_service.providers import Fetcher
from tests.dashboard_visitor import TOKEN, look, reader, settled, unexpected
from tests.dashboard_world import NOW, World
from tests.oidc_provider import CLIENT, OidcProvider, running_provider


@pytest.fixture
def provider(dashboard: World) -> Iterator[OidcProvider]:
    """`one` signs in here, and Otto there has an account; afterwards nobody does."""
    company = dashboard.companies["one"]
    database = company.office.database
    with running_provider(lambda: NOW) as provider:
        provider.accounts = {"otto@example.com": {}}
        readers.set_provider(database, Provider(company.org, provider.issuer, CLIENT), now=NOW)
        dashboard.connect = SignInOrigins(dashboard.pg.role("api"), Fetcher())
        try:
            yield provider
        finally:
            dashboard.connect = list
            readers.remove_provider(database, company.org)


def known(dashboard: World) -> None:
    company = dashboard.companies["one"]
    with company.office.database.transaction() as tx:
        otto = readers.add_reader(tx, company.org, "Otto", "auditor", now=NOW)
        readers.link_account(tx, company.org, otto, email="otto@example.com", now=NOW)


def test_signing_in_at_the_provider(chromium: Browser, dashboard: World, provider: OidcProvider) -> None:
    known(dashboard)
    with reader(chromium, dashboard, None) as somebody:
        page = look(somebody, dashboard, "#/policy")
        page.click("#provider")
        expect(page.locator("h1")).to_have_text("Policy")
        assert page.url == f"{dashboard.url}/#/policy", "neither code nor state stays in the address"
        expect(page.locator(".who")).to_contain_text("Otto")
        assert page.evaluate(f"sessionStorage.getItem('{TOKEN}')").count(".") == 2
        assert page.evaluate("localStorage.length + document.cookie.length") == 0
        assert page.evaluate("Object.keys(sessionStorage)") == [TOKEN]
        asked = {each.partition("?")[0] for each in somebody.requests if provider.issuer in each}
        assert asked == {
            f"{provider.issuer}/{path}" for path in (".well-known/openid-configuration", "authorize", "token")
        }
        assert unexpected(somebody) == []
        page.go_back()
        page.wait_for_load_state()
        settled(page)
        assert "code=" not in page.url


def test_an_account_nobody_made_a_reader(chromium: Browser, dashboard: World, provider: OidcProvider) -> None:
    provider.accounts = {"stranger@example.com": {}}
    with reader(chromium, dashboard, None) as somebody:
        page = look(somebody, dashboard, "")
        page.click("#provider")
        expect(page.locator(".message.warn")).to_be_visible()
        expect(page.locator("h1")).to_have_text("Sign in")
        assert page.evaluate("sessionStorage.length") == 0


def test_a_provider_that_is_away(chromium: Browser, dashboard: World, provider: OidcProvider) -> None:
    with reader(chromium, dashboard, None) as somebody:
        page = look(somebody, dashboard, "")
        provider.down()
        page.click("#provider")
        expect(page.locator(".problem:visible")).to_contain_text("cannot be reached")
        provider.up()
        page.click("summary")
        page.fill("#token", dashboard.tokens["one", "auditor"])
        page.keyboard.press("Enter")
        expect(page.locator("h1")).to_have_text("Teams")


@pytest.mark.parametrize("query", ["?code=x&state=forged", "?error=access_denied&state=forged"])
def test_an_answer_nobody_asked_for(chromium: Browser, dashboard: World, provider: OidcProvider, query: str) -> None:
    """A link with somebody else's code in it signs nobody in."""
    with reader(chromium, dashboard, None) as somebody:
        page = look(somebody, dashboard, query)
        expect(page.locator(".message.warn")).to_contain_text("was not begun in this tab")
        assert page.url == f"{dashboard.url}/" and "/token" not in provider.asked
