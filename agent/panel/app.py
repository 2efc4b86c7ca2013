"""The panel's routes: from an admitted request to a page's answer. Built when the panel is first opened."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from datetime import tzinfo
from pathlib import Path
from typing import TypeVar

from anyio import CapacityLimiter, to_thread
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from agent.errors import FramekeepError, UsageError
from agent.panel.guard import Admitted
from agent.panel.page import Answer, Download, Html, Json, Picture, Redirect, Site, Visit
from agent.panel.parts import Panel
from agent.panel.plain import NO_ACTION, NO_PAGE, WRONG, plain_page

STATIC = Path(__file__).with_name("static")
ERROR_TEMPLATE = "error.html"
"""Shown for what went wrong; its context is `sentence` and `status`."""
THREADS = 4
"""Pages made at the same time; each may be waiting for the service."""

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
        self._limiter: CapacityLimiter | None = None  # belongs to the loop it is made in

    async def static(self, request: Request) -> Response:
        """A file of the one folder, by its name at the start."""
        file = self._static.get(request.path_params["name"])
        if file is None:
            return Response(b"Not Found", 404, media_type="text/plain")
        return Response(await self._in_thread(file.read_bytes), media_type=_content_type(file))

    async def page(self, request: Request) -> Response:
        """One visit. Made in a thread, because pages read the store and may ask the service."""
        return await self._in_thread(lambda: self._visit(request))

    async def _in_thread(self, work: Callable[[], T]) -> T:
        self._limiter = self._limiter or CapacityLimiter(THREADS)
        return await to_thread.run_sync(work, limiter=self._limiter)

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
        except UsageError as error:  # no form of ours asks for this
            return _error(str(error), 400)
        except FramekeepError as error:
            log.warning("A page of the panel says what is wrong.")
            return _error(str(error), 500)

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


def _error(sentence: str, status: int) -> Html:
    return Html(ERROR_TEMPLATE, {"sentence": sentence, "status": status}, status)


def _file_name(name: str) -> str:
    """A name that is safe in a header and on every file system."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip(".-") or "file"


def _content_type(file: Path) -> str:
    """By its ending; not from the system's tables, which differ and which other programs change."""
    return CONTENT_TYPES.get(file.suffix, "application/octet-stream")
