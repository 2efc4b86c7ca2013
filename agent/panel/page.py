"""What a page of the panel is: a visit goes in, an answer comes out. The server admits, parses, renders and sends.

A page is a module of `agent/panel/pages` with `show(visit)` (GET) and, where something can be done, `act(visit)` (POST;
the form's field "action" says what). Both are plain functions that run in a worker thread and may raise a
FramekeepError, whose sentence is then shown by the template `error.html` (context: `sentence`, `status`).

Every form carries `<input type="hidden" name="csrf" value="{{ visit.csrf }}">`, posts as
application/x-www-form-urlencoded (`fetch` with URLSearchParams too) and answers with a Redirect, so that reloading
repeats nothing. Links start with `visit.base`; static files are at `visit.base + "static/NAME"`. Nothing inline: no
`<script>` with text, no `style=` and no `on...=` attribute, no `data:` address; the browser would refuse them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Protocol

from agent.panel.parts import Panel


@dataclass(frozen=True)
class Visit:
    """One request of the employee, already admitted.

    language: "en", "de", ... (see `Site.language`). base: the path prefix "/RANDOM/". csrf: the token every form
    carries. query and form: the last value of each name ("form" is empty for GET). now: epoch seconds. zone: the
    laptop's time zone.
    """

    panel: Panel
    language: str
    base: str
    csrf: str
    query: Mapping[str, str]
    form: Mapping[str, str]
    now: float
    zone: tzinfo
    slug: str = ""


@dataclass(frozen=True)
class Html:
    """A page: a template of `agent/panel/templates` and what it is filled with (besides `visit`)."""

    template: str
    context: Mapping[str, object] = field(default_factory=dict)
    status: int = 200


@dataclass(frozen=True)
class Redirect:
    """On to another page of the panel (303): a slug with its query, as "sent?seq=4"; "" is the first page."""

    to: str


@dataclass(frozen=True)
class Download:
    """A file to keep. `name` is what the browser suggests, `content_type` as "application/json"."""

    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True)
class Picture:
    """Bytes shown inside a page by `<img src>`, as the camera check's JPEG ("image/jpeg")."""

    content_type: str
    content: bytes


@dataclass(frozen=True)
class Json:
    """For the page's own script: anything `json.dumps` takes."""

    value: object


Answer = Html | Redirect | Download | Picture | Json
Handler = Callable[[Visit], Answer]


@dataclass(frozen=True)
class Page:
    """One address of the panel. Without `act` a POST to it is refused."""

    show: Handler
    act: Handler | None = None


class Render(Protocol):
    """Fills a template. Jinja2 with autoescape."""

    def __call__(self, visit: Visit, template: str, context: Mapping[str, object], /) -> str:
        """The page's HTML."""
        ...


@dataclass(frozen=True)
class Site:
    """All there is to visit, made by `agent.panel.pages.site()` when the panel is first opened.

    pages: by slug ("" is the first page; a slug may hold slashes, as "camera/picture"). language(panel, accepted): the
    language to answer in, from the setting and else the browser's Accept-Language header ("" if none).
    """

    pages: Mapping[str, Page]
    language: Callable[[Panel, str], str]
    render: Render
