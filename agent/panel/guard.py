"""Stands before every page: who asks, from where, with what. What is not admitted learns nothing.

In this order: the Host is ours (another name for 127.0.0.1 is DNS rebinding), the path begins with this server's random
one, the request was not made by another site's page (Origin, Sec-Fetch-Site; another port of 127.0.0.1 is the same
"site" to a browser and gets its cookies, so only our very origin counts), the cookie is one of ours, and a form carries
its token. Whoever fails before the path is shown the bare 404 of any server. `peer.py` has looked at the connection.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agent.panel.access import Entry, carries_token
from agent.panel.doors import Doors
from agent.panel.plain import CLOSED, NOT_A_FORM, STALE, STYLE, STYLESHEET, TOO_LARGE, onward_page, plain_page

COOKIE = "entry"
ENTER = "enter"
"""The address a one-time link opens."""
METHODS = ("GET", "HEAD", "POST")
MAX_BODY = 64 * 1024
MAX_FIELDS = 100
BODY_SECONDS = 10.0
FORM = "application/x-www-form-urlencoded"

HEADERS: Mapping[str, str] = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self';"
    " connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "accelerometer=(), autoplay=(), camera=(), display-capture=(), geolocation=(), gyroscope=(),"
    " magnetometer=(), microphone=(), midi=(), payment=(), screen-wake-lock=(), usb=()",
}
"""On every answer, whatever a page says."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """What the guard hands on in `scope["admitted"]`: to whom the request belongs, and its form."""

    entry: Entry
    form: Mapping[str, str]


class Guard:
    """ASGI middleware around the panel's pages. `base` is this server's random path ("/RANDOM/"), `touched` is told of
    every request of the employee's, `entered` of every code that was used up.
    """

    def __init__(
        self,
        app: ASGIApp,
        doors: Doors,
        *,
        port: int,
        base: str,
        touched: Callable[[], None],
        entered: Callable[[str], None],
    ) -> None:
        self._app, self._doors, self._base = app, doors, base
        self._host = f"127.0.0.1:{port}"
        self._origin = f"http://{self._host}"
        self._touched, self._entered = touched, entered

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            return None
        headers = Headers(scope=scope)
        at_entrance = scope["path"] == self._base + ENTER
        send = _with_headers(send, referrer="no-referrer" if at_entrance else "same-origin")
        accepted = headers.get("accept-language", "")
        if not self._knows_the_address(scope, headers):
            return await _answer(404, b"Not Found", "text/plain")(scope, receive, send)
        if scope["method"] not in METHODS:
            refusal = _answer(405, b"Method Not Allowed", "text/plain")
            refusal.headers["allow"] = ", ".join(METHODS)
            return await refusal(scope, receive, send)
        entry = self._entry(headers)
        if at_entrance:
            return await self._enter(scope, headers, entry)(scope, receive, send)
        if not self._is_from_here(headers, scope["method"]):
            return await _answer(404, b"Not Found", "text/plain")(scope, receive, send)
        if scope["path"] == self._base + STYLE:
            return await _answer(200, STYLESHEET, "text/css")(scope, receive, send)
        if entry is None:
            return await _answer(403, plain_page(CLOSED, accepted, self._base))(scope, receive, send)
        self._touched()
        form: Mapping[str, str] = {}
        if scope["method"] == "POST":
            found = await _read_form(headers, receive)
            if isinstance(found, tuple):
                status, sentence = found
                return await _answer(status, plain_page(sentence, accepted, self._base), close=True)(
                    scope, receive, send
                )
            if not carries_token(entry, found.get("csrf", "")):
                return await _answer(403, plain_page(STALE, accepted, self._base))(scope, receive, send)
            form = found
        inner = {**scope, "root_path": self._base[:-1], "admitted": Admitted(entry, form)}
        return await self._app(inner, receive, send)

    def _knows_the_address(self, scope: Scope, headers: Headers) -> bool:
        path = scope["path"].encode("utf-8", "surrogatepass")[: len(self._base)]
        return headers.getlist("host") == [self._host] and hmac.compare_digest(path, self._base.encode())

    def _is_from_here(self, headers: Headers, method: str) -> bool:
        """Whether the request was made by one of our own pages or by the person at the browser ("none"). A browser that
        sends none of these headers is left to the cookie, which it sends to no other site's requests, and to the form's
        token.
        """
        if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return False
        origins = headers.getlist("origin")
        if method == "POST" and headers.get("sec-fetch-site") == "none":
            return False
        return all(origin == self._origin for origin in origins)

    def _entry(self, headers: Headers) -> Entry | None:
        """Whose cookie it is. Another server of 127.0.0.1 may have set more of the same name: all are tried."""
        pairs = [pair.strip().partition("=") for line in headers.getlist("cookie") for pair in line.split(";")]
        for value in [value for name, _, value in pairs if name == COOKIE][:8]:
            if (entry := self._doors.admit(value)) is not None:
                return entry
        return None

    def _enter(self, scope: Scope, headers: Headers, entry: Entry | None) -> Response:
        """The way in: exchanges the code for the cookie. Only opening a page uses a code up; looking ahead does not."""
        if headers.get("sec-fetch-dest", "document") != "document" or headers.get("origin"):
            return _answer(404, b"Not Found", "text/plain")
        if scope["method"] != "GET" or "prefetch" in headers.get("sec-purpose", headers.get("purpose", "")):
            return _answer(503, b"", "text/plain")
        query = dict(parse_qsl(scope["query_string"].decode("ascii", "replace"), max_num_fields=MAX_FIELDS))
        code, onward = query.get("code", ""), _slug(query.get("to", ""))
        cookie = self._doors.exchange(code)
        if cookie is None and entry is not None:  # a link opened a second time where the panel is open already
            return _answer(200, onward_page(self._base, onward))
        if cookie is None:
            return _answer(403, plain_page(CLOSED, headers.get("accept-language", ""), self._base))
        self._entered(code)
        self._touched()
        answer = _answer(200, onward_page(self._base, onward))
        answer.set_cookie(COOKIE, cookie, path=self._base, httponly=True, samesite="strict")
        return answer


def _slug(wanted: str) -> str:
    """The page a link leads to: one word below the base path, so that it can lead nowhere else."""
    return wanted if len(wanted) <= 16 and wanted.isascii() and wanted.isalpha() else ""


async def _read_form(headers: Headers, receive: Receive) -> dict[str, str] | tuple[int, str]:
    """The form of a POST; or the status and the sentence that refuse it."""
    if headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        return 415, NOT_A_FORM
    body = b""
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while True:
                message = await receive()
                body += message.get("body", b"")
                if len(body) > MAX_BODY:
                    return 413, TOO_LARGE
                if message["type"] != "http.request" or not message.get("more_body"):
                    break
        text = body.decode("utf-8")
        return dict(parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS))
    except TimeoutError:
        return 408, NOT_A_FORM
    except ValueError:  # not UTF-8, or too many fields
        return 400, NOT_A_FORM


def _answer(status: int, content: bytes, media_type: str = "text/html; charset=utf-8", close: bool = False) -> Response:
    return Response(content, status, {"connection": "close"} if close else None, media_type)


def _with_headers(send: Send, *, referrer: str) -> Send:
    """`send` with our headers in place of a page's. Within the panel the referrer stays "same-origin": no other site gets
    one either way, and with "no-referrer" a browser would send `Origin: null` with our own forms.
    """
    ours = [(name.encode(), value.encode()) for name, value in {**HEADERS, "referrer-policy": referrer}.items()]
    names = {name for name, _ in ours} | {b"server"}

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept = [(name, value) for name, value in message.get("headers", []) if name.lower() not in names]
            message = {**message, "headers": kept + ours}
        await send(message)

    return sending
