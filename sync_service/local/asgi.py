"""The table of endpoints as an ASGI application.

Why not powertools' own local resolver: it runs handlers on the event loop, so one post waiting for its fsync would
stop all others from sharing it, and it reads bodies without a limit. Here a request is read within limits, matched
against the same table, and its handler runs in a thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

from agent.wire.envelope import MAX_BODY
from sync_service.http import Answer, Endpoint, Request, refusal
from sync_service.limits import Limits
from sync_service.routes import ALWAYS, answer, request_id, whole
from sync_service.table import Table

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

THREADS = 48
"""More than a group commit gathers while the disk syncs; threads that wait cost little."""
BODY_SECONDS = 30
_BAD_REQUEST = refusal(400, "malformed")
_TOO_LARGE = refusal(413, "too_large")
_TOO_SLOW = refusal(408, "too_slow")


class Application:
    """ASGI 3. `started` is called once the server is ready to be asked. `limits`: how often each may ask."""

    def __init__(
        self,
        endpoints: Iterable[Endpoint],
        *,
        started: Callable[[], None] = lambda: None,
        limits: Limits | None = None,
    ) -> None:
        self._table = Table(endpoints)
        self._started = started
        self._limits = Limits() if limits is None else limits
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="http")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection's event stream, as ASGI calls it."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            await _send(send, await self._answer(scope, receive), head=scope["method"] == "HEAD")

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        request = Request(
            method="GET" if scope["method"] == "HEAD" else scope["method"],
            path=scope["path"],
            headers=headers,
            id=request_id(headers),
            client=scope["client"][0] if scope.get("client") else "",
        )
        return whole(await self._answered(request, scope["query_string"], receive), request.id)

    async def _answered(self, request: Request, query_string: bytes, receive: Receive) -> Answer:
        found = self._table.match(request.method, request.path)
        if isinstance(found, Answer):
            return found
        endpoint, params = found
        body = await _read(request.headers, receive)
        if isinstance(body, Answer):
            return body
        try:
            query = dict(parse_qsl(query_string.decode("ascii"), keep_blank_values=True, max_num_fields=32))
        except ValueError:
            return _BAD_REQUEST
        asked = replace(request, query=query, body=body, params=params)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, answer, endpoint, asked, self._limits)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self._started()
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                self._threads.shutdown(wait=True)
                await send({"type": "lifespan.shutdown.complete"})
                return


async def _read(headers: Mapping[str, str], receive: Receive) -> bytes | Answer:
    """The body, or the answer to one that is too large or too slow. One byte over the limit is enough to know."""
    length = headers.get("content-length", "0")
    if not length.isdigit() or int(length) > MAX_BODY:
        return _TOO_LARGE
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return _BAD_REQUEST
                part = message.get("body", b"")
                size += len(part)
                if size > MAX_BODY:
                    return _TOO_LARGE
                parts.append(part)
                if not message.get("more_body", False):
                    return b"".join(parts)
    except TimeoutError:
        return _TOO_SLOW


async def _send(send: Send, given: Answer, *, head: bool) -> None:
    content = given.content
    headers = {**ALWAYS, **given.headers}
    if given.status not in (204, 304):  # neither has a body whose type or length could be told
        headers |= {"Content-Type": given.content_type, "Content-Length": str(len(content))}
    if given.status in (408, 413):
        headers["Connection"] = "close"  # the rest of the body is not read
    await send(
        {
            "type": "http.response.start",
            "status": given.status,
            "headers": [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()],
        }
    )
    await send({"type": "http.response.body", "body": b"" if head else content})
