"""The panel's pages, by slug. Each reads what it needs through the visit's Panel and leaves the thinking to `views`."""

from __future__ import annotations

from collections.abc import Mapping

from agent.panel.language import choose_language
from agent.panel.page import Lane, Page
from agent.panel.pages import about, camera, mydata, now, readby, sent, settings, welcome
from agent.panel.parts import Panel


def _shown_by_service(query: Mapping[str, str]) -> Lane:
    """Taking away what is here asks nobody."""
    return Lane.HERE if "file" in query else Lane.ASKING


def _done_by_service(form: Mapping[str, str]) -> Lane:
    """Erasing here asks nobody."""
    return Lane.HERE if form.get("action") == "erase" else Lane.TELLING


PAGES = {
    "": Page(now.show, now.act, acting=Lane.AT_ONCE),
    "welcome": Page(welcome.show, welcome.act, acting=Lane.AT_ONCE),
    "sent": Page(sent.show, sent.act),
    "readby": Page(readby.show, readby.act, Lane.ASKING, Lane.TELLING),
    "camera": Page(camera.show, camera.act, acting=Lane.CAMERA),
    "camera/picture": Page(camera.picture, showing=Lane.CAMERA),
    "camera/state": Page(camera.state),
    "settings": Page(settings.show, settings.act),
    "mydata": Page(mydata.show, mydata.act, _shown_by_service, _done_by_service),
    "about": Page(about.show),
    "now/state": Page(now.state),
}


def language_of(panel: Panel, accepted: str) -> str:
    """The language to answer in: the setting's, else the browser's, else English."""
    return choose_language(panel.config().language, accepted)
