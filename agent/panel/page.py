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
from enum import Enum
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


class Lane(Enum):
    """Whose turn a request takes. Requests of one lane wait for each other, those of different lanes never do, so that
    nothing that waits for somebody else holds up what does not. The value is how many of it are made at the same time.
    """

    AT_ONCE = ("at once", 2)
    """Pausing, resuming, declining: nothing may be in their way."""
    HERE = ("here", 4)
    """What this laptop alone has to say."""
    CAMERA = ("camera", 4)
    """Waits for looks."""
    ASKING = ("asking", 6)
    """Pages with something of the service's on them."""
    TELLING = ("telling", 4)
    """What is done at the service; each may take as long as its link allows."""

    @property
    def at_once(self) -> int:
        """How many of this lane are made at the same time."""
        return self.value[1]


InLane = Lane | Callable[[Mapping[str, str]], Lane]
"""A lane, or what chooses one by the form's fields or the query's."""


@dataclass(frozen=True)
class Page:
    """One address of the panel. Without `act` a POST to it is refused. The lanes say for whom `show` and `act` wait."""

    show: Handler
    act: Handler | None = None
    showing: InLane = Lane.HERE
    acting: InLane = Lane.HERE

    def lane(self, method: str, fields: Mapping[str, str]) -> Lane:
        """The lane of one request."""
        lane = self.acting if method == "POST" else self.showing
        return lane if isinstance(lane, Lane) else lane(fields)


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
