"""The managers' pages as static files in front of the API: the same origin, no server of their own.

They are built by Node (`npm ci && npm run build` in sync_service/dashboard) and are files and nothing more. Where they
were not built, `/` says what is missing and how to build it, and the API answers as ever.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

FOLDER = Path(__file__).resolve().parent.parent / "dashboard"
DIST = FOLDER / "dist"
FILES = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/app.js": ("app.js", "text/javascript; charset=utf-8"),
    "/dashboard.css": ("dashboard.css", "text/css; charset=utf-8"),
    "/tokens.css": ("tokens.css", "text/css; charset=utf-8"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}
"""Every address of the pages, and the file and media type behind it. Nothing else of the folder is ever served."""

KEPT_SECONDS = 60.0
"""How long the pages go by what was looked up of the identity providers: nobody has to sign in for a page, so a page
must cost next to nothing."""

_MISSING = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Framekeep: the pages are not built</title></head>
<body>
<h1>The managers' pages are not built on this machine</h1>
<p>The service runs and its API answers; only these pages are missing. They are built once with Node 20 or newer:</p>
<pre>cd sync_service/dashboard
npm ci
npm run build</pre>
<p>Then load this page again. Without Node, the same numbers come from the API: <a href="openapi.json">its description</a>,
and the command <code>framekeep-sync admin</code>.</p>
</body>
</html>
"""


@dataclass(frozen=True, slots=True)
class Page:
    """One answer: status, media type and bytes."""

    status: int
    media_type: str
    content: bytes

    @property
    def tag(self) -> str:
        """An ETag of the content."""
        return f'"{hashlib.sha256(self.content).hexdigest()[:32]}"'


def find_page(path: str, folder: Path = DIST) -> Page | None:
    """The page at an address, or None where the address is not one of the pages'."""
    if path not in FILES:
        return None
    name, media_type = FILES[path]
    try:
        return Page(200, media_type, (folder / name).read_bytes())
    except OSError:
        # Not built, or half built: the first page says so, what it would load is missing.
        return Page(200, FILES["/"][1], _MISSING.encode()) if path == "/" else None


def policy(connect: Iterable[str] = ()) -> str:
    """The content security policy of the pages. `connect`: identity providers (their addresses; only the origins count)
    that the pages may ask besides this service.
    """
    origins = sorted({origin for each in connect if (origin := _origin(each))})
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self'",
            " ".join(["connect-src 'self'", *origins]),
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )


def _origin(address: str) -> str | None:
    """`https://host[:port]` of an address; None where it is none (so that nothing else gets into a header)."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in ("https", "http") or not host or not all(c.isalnum() or c in ".-:" for c in host):
        return None
    name = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{name}" + (f":{port}" if port else "")


class AskedForAll:
    """What `ask` answers, at most `seconds` old. It runs in one thread at a time, and everybody waits for that one
    without a thread of their own. For one event loop.
    """

    def __init__(
        self,
        ask: Callable[[], Iterable[str]],
        *,
        seconds: float = KEPT_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ask, self._seconds, self._monotonic = ask, seconds, monotonic
        self._answer: asyncio.Task[tuple[str, ...]] | None = None
        self._until = 0.0

    async def __call__(self) -> tuple[str, ...]:
        """The answer. Raises what `ask` raises; then it is asked again the next time."""
        old = self._answer
        if old is None or (old.done() and (self._monotonic() >= self._until or _failed(old))):
            old = self._answer = asyncio.create_task(self._asked())
        return await asyncio.shield(old)  # one who leaves takes nobody else's answer away

    async def _asked(self) -> tuple[str, ...]:
        answer = tuple(await asyncio.to_thread(self._ask))
        self._until = self._monotonic() + self._seconds
        return answer


def _failed(task: asyncio.Task[tuple[str, ...]]) -> bool:
    return task.cancelled() or task.exception() is not None


class Pages:
    """ASGI: the pages, and for every other address the application behind them. `connect` is asked, at most
    every `kept` seconds, for the identity providers that the pages may talk to.
    """

    def __init__(
        self,
        behind: App,
        *,
        folder: Path = DIST,
        connect: Callable[[], Iterable[str]] = tuple,
        kept: float = KEPT_SECONDS,
    ) -> None:
        self._behind, self._folder, self._connect = behind, folder, AskedForAll(connect, seconds=kept)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection's event stream, as ASGI calls it."""
        asked = scope["type"] == "http" and scope["method"] in ("GET", "HEAD")
        page = find_page(scope["path"], self._folder) if asked else None
        if page is None:
            await self._behind(scope, receive, send)
            return
        held = dict(scope["headers"]).get(b"if-none-match", b"").decode("latin-1")
        fresh = page.tag in [each.strip().removeprefix("W/") for each in held.split(",")]
        headers = {
            "Cache-Control": "no-cache",
            "Content-Security-Policy": policy(await self._connect()),
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "ETag": page.tag,
            "Content-Type": page.media_type,
            **({} if fresh else {"Content-Length": str(len(page.content))}),
        }
        lines = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": 304 if fresh else page.status, "headers": lines})
        await send({"type": "http.response.body", "body": b"" if fresh or scope["method"] == "HEAD" else page.content})
