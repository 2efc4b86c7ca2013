"""Fills the panel's templates: Jinja2 with autoescape, in the reader's language, with what every page shows.

`_` and `ngettext` come with every page, bound to its language; catalogues hold plain text, never markup, so what they
say is escaped like everything else.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from agent.consent import Participation, participation
from agent.errors import StoreError
from agent.panel.language import LANGUAGES, N_, Speech
from agent.panel.page import Visit
from agent.panel.parts import Panel
from agent.panel.settled import settled_status
from agent.panel.views.headline import Headline, headline, live
from agent.panel.views.states import STATE_NAMES
from agent.status import AgentState, Status

MENU = {
    "": N_("Now and today"),
    "sent": N_("Sent"),
    "readby": N_("Read by"),
    "camera": N_("Camera check"),
    "settings": N_("Settings"),
    "mydata": N_("My data"),
    "about": N_("About"),
}
"""The pages in the menu, by slug. `welcome` is reached from the others."""


def speech_of(visit: Visit) -> Speech:
    """How this visit's pages say things."""
    return Speech(visit.language, visit.zone)


def standing_of(panel: Panel) -> Participation:
    """Whether the employee takes part; undecided while the store cannot say."""
    try:
        return participation(panel.store.acknowledgements())
    except StoreError:
        return Participation.UNDECIDED


def headline_of(visit: Visit) -> tuple[Headline, Status]:
    """What the agent is doing, in words, and the status it was made of."""
    status = settled_status(visit.panel)
    return headline(speech_of(visit), status, now=visit.now), status


def measures_recording(status: Status) -> bool:
    """Whether what is measured without a decision can only be a recording: no camera is used before there is one."""
    return status.running and status.state is AgentState.WATCHING and not status.paused


def render(visit: Visit, template: str, context: Mapping[str, object]) -> str:
    """The page's HTML."""
    say = speech_of(visit)
    standing = standing_of(visit.panel)
    undecided = standing in (Participation.UNDECIDED, Participation.OUTDATED)
    shown, status = context.get("headline"), context.get("status")
    if not isinstance(shown, Headline) or not isinstance(status, Status):
        shown, status = headline_of(visit)
    return (
        _environment()
        .get_template(template)
        .render(
            **{
                **context,
                "visit": visit,
                "say": say,
                "language": say.language,
                "languages": LANGUAGES,
                "base": visit.base,
                "menu": MENU,
                "headline": shown,
                "live": live(say, shown, status, now=visit.now),
                "state_names": STATE_NAMES,
                "undecided": undecided,
                "recorded": undecided and measures_recording(status),
                "done": visit.query.get("done", ""),
                "_": say.gettext,
                "ngettext": say.ngettext,
            }
        )
    )


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("agent.panel", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
