"""Promise: the managers' pages are a few named files in front of the API, under a strict policy; without them `/` says how
to build them and the API answers as ever.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from sync_service.errors import Unavailable
from sync_service.local.pages import FILES, KEPT_SECONDS, AskedForAll, Pages, policy
from sync_service.local.sign_in_origins import AGAIN_SECONDS, FRESH_SECONDS, SignInOrigins


async def api(scope: Any, receive: Any, send: Any) -> None:
    """Stands behind the pages."""
    await send({"type": "http.response.start", "status": 418, "headers": []})
    await send({"type": "http.response.body", "body": b"the API"})


def ask(pages: Pages, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
    """One request's status, headers and body."""
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    lines = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": method, "path": path, "headers": lines, "query_string": b""}
    asyncio.run(pages(scope, None, send))  # type: ignore[arg-type]  # nothing is received
    return sent[0]["status"], {k.decode(): v.decode() for k, v in sent[0]["headers"]}, sent[1]["body"]


@pytest.fixture
def built(tmp_path: Path) -> Path:
    for name, _ in FILES.values():
        (tmp_path / name).write_text(f"this is {name}")
    (tmp_path / "secret.txt").write_text("no page")
    return tmp_path


def test_only_named_files_are_served(built: Path) -> None:
    pages = Pages(api, folder=built)
    for path, (name, media_type) in FILES.items():
        status, headers, body = ask(pages, path)
        assert (status, headers["content-type"], body) == (200, media_type, f"this is {name}".encode())
    for path in ("/secret.txt", "/../secret.txt", "/index.html/", "/app.js/..", "//app.js", "/v1/teams", "/healthz"):
        assert ask(pages, path)[2] == b"the API"
    assert ask(pages, "/", "POST")[0] == 418


def test_a_page_is_checked_each_time_and_sent_once(built: Path) -> None:
    pages = Pages(api, folder=built)
    _, headers, _ = ask(pages, "/app.js")
    assert headers["cache-control"] == "no-cache"
    assert ask(pages, "/app.js", if_none_match=f'"other", W/{headers["etag"]}')[::2] == (304, b"")
    assert ask(pages, "/app.js", "HEAD")[2] == b""
    (built / "app.js").write_text("newer")
    assert ask(pages, "/app.js", if_none_match=headers["etag"])[::2] == (200, b"newer")


def test_without_the_files_it_says_how_to_build_them(tmp_path: Path) -> None:
    pages = Pages(api, folder=tmp_path / "never built")
    status, headers, body = ask(pages, "/")
    assert status == 200 and b"npm ci" in body and headers["content-type"].startswith("text/html")
    assert ask(pages, "/app.js")[0] == 418 and ask(pages, "/v1/teams")[0] == 418


def test_the_policy_lets_nothing_in() -> None:
    said = dict(
        part.split(" ", 1)
        for part in policy(["https://login.example.com/tenant?x=1", "http://[::1]:8080/a"]).split("; ")
    )
    assert said["default-src"] == "'none'" and said["script-src"] == said["style-src"] == "'self'"
    assert said["connect-src"] == "'self' http://[::1]:8080 https://login.example.com"
    assert "unsafe" not in str(said) and said["frame-ancestors"] == "'none'"
    for odd in (
        "javascript:alert(1)",
        "https://a.example; script-src *",
        "https://*",
        "ftp://a.example",
        "https://[",
        "",
    ):
        assert policy([odd]) == policy(), odd


def test_pages_share_one_look_at_the_providers_for_a_minute() -> None:
    now, asked, away = [0.0], [], [False]

    def ask_slowly() -> list[str]:
        asked.append(now[0])
        time.sleep(0.05)
        if away[0]:
            raise Unavailable("away", 60)
        return [f"https://{len(asked)}.example"]

    async def look() -> None:
        shared = AskedForAll(ask_slowly, monotonic=lambda: now[0])
        left = asyncio.ensure_future(shared())
        many = asyncio.gather(*(shared() for _ in range(50)))
        await asyncio.sleep(0)
        left.cancel()
        assert set(await many) == {("https://1.example",)} and len(asked) == 1, "who leaves takes nothing away"
        now[0] += KEPT_SECONDS - 1
        assert await shared() == ("https://1.example",) and len(asked) == 1
        now[0] += 1
        assert set(await asyncio.gather(shared(), shared())) == {("https://2.example",)} and len(asked) == 2
        now[0], away[0] = now[0] + KEPT_SECONDS, True
        with pytest.raises(Unavailable):
            await shared()
        away[0] = False
        assert await shared() == ("https://4.example",), "a failure is not kept"

    asyncio.run(look())


def test_a_page_load_looks_at_the_providers_once(built: Path) -> None:
    asked: list[str] = []
    pages = Pages(api, folder=built, connect=lambda: asked.append("") or ["https://login.example.com"])

    async def send(message: dict[str, Any]) -> None:
        if "headers" in message:
            assert "https://login.example.com" in dict(message["headers"])[b"content-security-policy"].decode()

    async def load() -> None:
        scopes = [{"type": "http", "method": "GET", "path": path, "headers": []} for path in FILES]
        await asyncio.gather(*(pages(scope, None, send) for scope in scopes))  # type: ignore[arg-type]  # as above

    asyncio.run(load())
    assert len(asked) == 1


class Issuers:
    """The table of sign-ins, as far as it is asked here."""

    def __init__(self, *issuers: str) -> None:
        self.issuers = issuers

    def run(self, _: str, **__: object) -> list[dict[str, str]]:
        return [{"issuer": each} for each in self.issuers]


def test_providers_are_asked_for_their_token_endpoint_now_and_then() -> None:
    now, asked = [0.0], []

    def fetch(url: str) -> bytes:
        asked.append(url)
        if len(asked) == 2:
            raise Unavailable("away", 60)
        return b'{"issuer": "https://a.example", "token_endpoint": "https://tokens.example/t"}'

    origins = SignInOrigins(Issuers("https://a.example"), fetch, monotonic=lambda: now[0])  # type: ignore[arg-type]  # only `run` is used
    both = ["https://a.example", "https://tokens.example/t"]
    assert origins() == both and origins() == both and len(asked) == 1
    now[0] += FRESH_SECONDS
    assert origins() == both and origins() == both and len(asked) == 2, "what was learned serves while it is away"
    now[0] += AGAIN_SECONDS
    assert origins() == both and len(asked) == 3


def test_another_ones_document_opens_nothing() -> None:
    lying = SignInOrigins(
        Issuers("https://a.example"),  # type: ignore[arg-type]  # only `run` is used
        lambda _: b'{"issuer": "https://b.example", "token_endpoint": "https://evil.example"}',
    )
    assert lying() == ["https://a.example"]
