"""The panel's routes: from an admitted request to a page's answer. Built when the panel is first opened."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from datetime import tzinfo
from pathlib import Path
from typing import TypeVar

from anyio import CapacityLimiter, create_task_group, to_thread
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import Receive

from agent.errors import FramekeepError
from agent.panel.guard import Admitted
from agent.panel.page import Answer, Download, Html, Json, Lane, Picture, Redirect, Site, Visit
from agent.panel.parts import Panel
from agent.panel.plain import NO_ACTION, NO_PAGE, WRONG, plain_page
from agent.panel.statuses import status_of

STATIC = Path(__file__).with_name("static")
ERROR_TEMPLATE = "error.html"
"""Shown for what went wrong; its context is `sentence` and `status`."""

T = TypeVar("T")

CONTENT_TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}

log = logging.getLogger(__name__)


def build_app(panel: Panel, site: Site, *, base: str, zone: tzinfo, static: Path = STATIC) -> Starlette:
    """The panel's pages under `base`, to be put behind the guard, which admits and reads forms."""
    pages = _Pages(panel, site, base, zone, static)
    return Starlette(
        routes=[
            Route("/static/{name}", pages.static, methods=["GET"]),
            Route("/{slug:path}", pages.page, methods=["GET", "POST"]),
        ]
    )


class _Pages:
    def __init__(self, panel: Panel, site: Site, base: str, zone: tzinfo, static: Path) -> None:
        self._panel, self._site, self._base, self._zone = panel, site, base, zone
        self._static = {file.name: file for file in static.iterdir() if file.is_file()} if static.is_dir() else {}
        self._limiters: dict[Lane, CapacityLimiter] = {}  # they belong to the loop they are made in

    async def static(self, request: Request) -> Response:
        """A file of the one folder, by its name at the start."""
        file = self._static.get(request.path_params["name"])
        if file is None:
            return Response(b"Not Found", 404, media_type="text/plain")
        return Response(await self._in_thread(file.read_bytes, Lane.HERE), media_type=_content_type(file))

    async def page(self, request: Request) -> Response:
        """One visit. Made in a thread, because pages read the store and may ask the service. A page that nobody waits for
        any more frees its place; what somebody asked to be done is done all the same.
        """
        lane = self._lane(request)
        if request.method == "POST":
            return await self._in_thread(lambda: self._visit(request), lane)
        made: list[Response] = []
        async with create_task_group() as both:

            async def make() -> None:
                made.append(await self._in_thread(lambda: self._visit(request), lane, leave=True))
                both.cancel_scope.cancel()

            both.start_soon(make)
            await _closed(request.receive)
            both.cancel_scope.cancel()
        return made[0] if made else Response(status_code=503)  # which nobody reads

    def _lane(self, request: Request) -> Lane:
        page = self._site.pages.get(request.path_params["slug"])
        if page is None:
            return Lane.HERE
        admitted: Admitted = request.scope["admitted"]
        return page.lane(request.method, admitted.form or request.query_params)

    async def _in_thread(self, work: Callable[[], T], lane: Lane, *, leave: bool = False) -> T:
        """`work`'s result. With `leave` nobody waits for it any longer than for whoever asked."""
        limiter = self._limiters.setdefault(lane, CapacityLimiter(lane.at_once))
        return await to_thread.run_sync(work, limiter=limiter, abandon_on_cancel=leave)

    def _visit(self, request: Request) -> Response:
        accepted = request.headers.get("accept-language", "")
        try:
            visit = self._read(request, accepted)
            return self._respond(visit, self._answer(visit, request.method))
        except FramekeepError as error:  # before there is a page to show it on
            return HTMLResponse(plain_page(str(error), accepted, self._base), 500)
        except Exception:  # whatever it was, its text may hold what must not be shown or logged
            log.exception("A page of the panel could not be made.")
            return HTMLResponse(plain_page(WRONG, accepted, self._base), 500)

    def _read(self, request: Request, accepted: str) -> Visit:
        admitted: Admitted = request.scope["admitted"]
        return Visit(
            panel=self._panel,
            language=self._site.language(self._panel, accepted),
            base=self._base,
            csrf=admitted.entry.csrf,
            query=dict(request.query_params),
            form=admitted.form,
            now=self._panel.clock.wall(),
            zone=self._zone,
            slug=request.path_params["slug"],
        )

    def _answer(self, visit: Visit, method: str) -> Answer:
        page = self._site.pages.get(visit.slug)
        if page is None:
            return _error(NO_PAGE, 404)
        handler = page.act if method == "POST" else page.show
        if handler is None:
            return _error(NO_ACTION, 405)
        try:
            return handler(visit)
        except FramekeepError as error:
            status = status_of(error)
            if status >= 500:
                log.warning("A page of the panel says what is wrong.")
            return _error(str(error), status)

    def _respond(self, visit: Visit, answer: Answer) -> Response:
        match answer:
            case Html(template, context, status):
                return HTMLResponse(self._site.render(visit, template, context), status)
            case Redirect(to):
                return RedirectResponse(self._base + to.lstrip("/"), 303)
            case Download(name, content_type, content):
                kept = f'attachment; filename="{_file_name(name)}"'
                return Response(content, headers={"content-disposition": kept}, media_type=content_type)
            case Picture(content_type, content):
                return Response(content, media_type=content_type)
            case Json(value):
                return JSONResponse(value)


async def _closed(receive: Receive) -> None:
    """Returns when whoever asked has gone away."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _error(sentence: str, status: int) -> Html:
    return Html(ERROR_TEMPLATE, {"sentence": sentence, "status": status}, status)


def _file_name(name: str) -> str:
    """A name that is safe in a header and on every file system."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip(".-") or "file"


def _content_type(file: Path) -> str:
    """By its ending; not from the system's tables, which differ and which other programs change."""
    return CONTENT_TYPES.get(file.suffix, "application/octet-stream")
