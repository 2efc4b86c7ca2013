"""Settings: what the employee may choose, where each value comes from, and what the organisation decides."""

from __future__ import annotations

import re
from typing import Any

from agent.errors import UsageError
from agent.in_force import may_quit
from agent.panel.cameras import find_cameras
from agent.panel.language import N_
from agent.panel.page import Answer, Html, Redirect, Visit
from agent.panel.pages.now import hours_of
from agent.panel.render import headline_of, speech_of
from agent.panel.settings_file import write_settings
from agent.panel.views.pauses import pause_choices
from agent.panel.views.settings import hours_in_words, hours_left, settings_view
from agent.panel.views.typed_hours import hours_from_text
from agent.status import Status

_CAMERA = re.compile(r"camera (\d{1,3}|/dev/.*)")
_KEYS = ("language", "hours", "camera", "rest_on_battery", "sensitivity")


def show(visit: Visit) -> Answer:
    """GET."""
    return _page(visit)


def act(visit: Visit) -> Answer:
    """POST "save": what may be changed here, into the user's own file; or the camera page's "sensitivity" alone. "quit":
    end the program.
    """
    panel, config = visit.panel, visit.panel.config()
    if visit.form.get("action") == "quit" and panel.quit is not None:
        if not may_quit(panel.documents()):
            raise UsageError(N_("Your organisation's policy does not let you end Framekeep; you can pause it."))
        panel.quit()
        return Html("ended.html", {"headline": headline_of(visit)[0]})
    if visit.form.get("action") != "save":
        raise UsageError(N_("This page cannot do that: go back and choose one of its buttons."))
    back, view = visit.form.get("back", ""), settings_view(speech_of(visit), config, None, find_cameras())
    if back not in ("", "camera"):
        raise UsageError(N_("This page cannot do that: go back and choose one of its buttons."))
    wanted: dict[str, Any] = {}
    for key in _KEYS:
        setting = getattr(view, key)
        if setting.locked or f"has-{key}" not in visit.form:
            continue
        value = visit.form.get(key, "").strip()
        if key == "hours":
            try:
                value = hours_from_text(speech_of(visit), value)
            except ValueError:
                return _page(visit, typed=value)
        offered = {choice.value for choice in setting.choices} or {value}
        if value not in ({"yes", ""} if key == "rest_on_battery" else offered):
            raise UsageError(N_("This page cannot do that: go back and choose one of its buttons."))
        if value != setting.value:
            wanted[key] = (value == "yes") if key == "rest_on_battery" else value
    if wanted:
        write_settings(panel.paths.config_file, wanted)
    return Redirect("camera?done=saved" if back == "camera" else "settings?done=saved")


def recording_of(status: Status) -> str:
    """The recording that is measured now, as it was named on the command line; "" where it is a camera or nothing. A
    source calls itself "camera 0" where it is a camera (agent/sources.py).
    """
    name = status.camera or ""
    return "" if not status.running or _CAMERA.fullmatch(name) else name


def _page(visit: Visit, *, typed: str | None = None) -> Answer:
    say, panel = speech_of(visit), visit.panel
    documents = panel.documents()
    policy = documents.policy if documents is not None else None
    headline, status = headline_of(visit)
    config = panel.config()
    return Html(
        "settings.html",
        {
            "headline": headline,
            "status": status,
            "pauses": pause_choices(say, hours_of(panel), now=visit.now),
            "view": settings_view(say, config, policy, find_cameras()),
            "own_hours": hours_in_words(say, config.hours),
            "hours_left": hours_left(say, config.hours, policy),
            "recording": recording_of(status),
            "typed": typed,
            "file": str(panel.paths.config_file),
            "policy": policy.id if policy else "",
            "quit": panel.quit is not None,
            "may_quit": may_quit(documents),
        },
        400 if typed is not None else 200,
    )
