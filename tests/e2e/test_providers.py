"""Promise: an identity provider in any kind of trouble, or one that lies, is given up soon, is not asked again at once,
and takes nothing away that was there before.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from sync_service.errors import Unavailable
from sync_service.providers import AGAIN_SECONDS, ASKING_SECONDS, FRESH_SECONDS, Fetcher, Providers
from tests.oidc_provider import running_provider
from tests.receivers import wait_for

NOW = 1_800_000_000

TROUBLE = ("hang", "drip", "huge", "cut", "redirect", "html", "404", "500", '{"keys": []}', '{"issuer": 1}')


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/keys"])
@pytest.mark.parametrize("word", TROUBLE)
def test_a_provider_in_trouble_is_given_up_soon_and_keeps_nothing_up(word, path):
    with running_provider(lambda: NOW) as provider:
        provider.trouble = lambda asked: word if asked == path else None
        providers = Providers(Fetcher(step_seconds=0.15, whole_seconds=0.3))
        began = time.monotonic()
        with pytest.raises(Unavailable):
            providers.keys(provider.issuer, NOW)
        assert time.monotonic() - began < 2
        assert "/elsewhere" not in provider.asked, "no redirect is followed"
        asked = len(provider.asked)
        with pytest.raises(Unavailable):
            providers.keys(provider.issuer, NOW + AGAIN_SECONDS - 1)
        assert len(provider.asked) == asked, "not asked again within a minute"
        provider.trouble = lambda _: None
        assert providers.keys(provider.issuer, NOW + AGAIN_SECONDS)
        provider.trouble = lambda _: word
        assert providers.keys(provider.issuer, NOW + AGAIN_SECONDS + FRESH_SECONDS), "what was here goes on serving"


@pytest.mark.parametrize(
    "documents",
    [
        {"issuer": "https://evil.example"},
        {"issuer": None},
        {"jwks_uri": None},
        {"jwks_uri": "http://192.0.2.1/keys"},
        {"jwks_uri": "file:///etc/passwd"},
    ],
)
def test_a_provider_that_lies_about_itself_is_not_believed(documents):
    with running_provider(lambda: NOW) as provider:
        provider.documents = documents
        with pytest.raises(Unavailable):
            Providers().keys(provider.issuer, NOW)
        assert provider.asked == ["/.well-known/openid-configuration"]


def test_nobody_waits_for_another_who_asks_a_provider_that_hangs():
    with running_provider(lambda: NOW) as provider, ThreadPoolExecutor(1) as pool:
        provider.trouble = lambda _: "hang"
        providers = Providers(Fetcher(step_seconds=1.5, whole_seconds=1.5))
        first = pool.submit(providers.keys, provider.issuer, NOW)
        wait_for(lambda: provider.asked)
        began = time.monotonic()
        for _ in range(20):
            with pytest.raises(Unavailable) as told:
                providers.keys(provider.issuer, NOW)
            assert told.value.retry_after == ASKING_SECONDS
        assert time.monotonic() - began < 0.7 and not first.done()
        with pytest.raises(Unavailable):
            first.result()
        assert len(provider.asked) == 1


def test_the_environment_sends_us_to_no_proxy(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with running_provider(lambda: NOW) as provider:
        assert Providers().keys(provider.issuer, NOW)
