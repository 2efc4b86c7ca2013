"""The panel's pages, by slug. Each reads what it needs through the visit's Panel and leaves the thinking to `views`."""

from __future__ import annotations

from agent.panel.language import choose_language
from agent.panel.page import Page
from agent.panel.pages import about, camera, mydata, now, readby, sent, settings, welcome
from agent.panel.parts import Panel

PAGES = {
    "": Page(now.show, now.act),
    "welcome": Page(welcome.show, welcome.act),
    "sent": Page(sent.show, sent.act),
    "readby": Page(readby.show, readby.act),
    "camera": Page(camera.show, camera.act),
    "camera/picture": Page(camera.picture),
    "camera/state": Page(camera.state),
    "settings": Page(settings.show, settings.act),
    "mydata": Page(mydata.show, mydata.act),
    "about": Page(about.show),
    "now/state": Page(now.state),
}


def language_of(panel: Panel, accepted: str) -> str:
    """The language to answer in: the setting's, else the browser's, else English."""
    return choose_language(panel.config().language, accepted)
