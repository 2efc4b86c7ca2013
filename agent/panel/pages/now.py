"""Now and today: what the agent does, why, what today was, the week, and how delivery stands."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, timedelta

from agent.attention.explain import Explanation
from agent.attention.meter import Meter
from agent.attention.schedule import Hours
from agent.consent import Participation
from agent.control import MAX_PAUSE_SECONDS
from agent.errors import StoreError, UsageError
from agent.in_force import hours_in_force
from agent.panel.language import N_
from agent.panel.page import Answer, Html, Json, Redirect, Visit
from agent.panel.pages import welcome
from agent.panel.pages.follow import LOOKING, leaves
from agent.panel.parts import Panel
from agent.panel.render import headline_of, speech_of, standing_of
from agent.panel.views.day import bounds, day_view
from agent.panel.views.delivery import delivery_lines
from agent.panel.views.headline import live
from agent.panel.views.pauses import pause_choices
from agent.panel.views.states import STATE_MEANINGS
from agent.panel.views.week import parse_day, parse_week, week_view
from agent.panel.views.why import why
from agent.status import AgentState
from agent.tray.pauses import tomorrow
from agent.wire.summary import Window


def show(visit: Visit) -> Answer:
    """GET. Before a decision, and while nothing is measured yet, the notice stands in its place."""
    headline, status = headline_of(visit)
    if (
        standing_of(visit.panel) is Participation.UNDECIDED
        and not visit.query
        and status.state is not AgentState.WATCHING
    ):
        return welcome.show(visit)
    say, now = speech_of(visit), visit.now
    today = say.local(now).date()
    wanted = parse_day(visit.query.get("day", ""), today)
    monday = parse_week(visit.query.get("week", ""), wanted if "day" in visit.query else today)
    hours = hours_of(visit.panel)
    meter = read_meter(visit.panel)
    by_day, problem = _windows(visit, {wanted, *(monday + timedelta(days=i) for i in range(7))})
    opened = meter.tally.open if meter else None
    measuring = status.state is AgentState.WATCHING and not status.paused
    return Html(
        "now.html",
        {
            "headline": headline,
            "status": status,
            "pauses": pause_choices(say, hours, now=now),
            "why": why(say, meter, _newest(visit.panel), visit.panel.rules(), now=now) if meter and measuring else None,
            "day": day_view(say, wanted, by_day.get(wanted, ()), open_window=opened, now=now, hours=hours),
            "is_today": wanted == today,
            "week": week_view(say, monday, by_day, open_window=opened, now=now, hours=hours),
            "state_meanings": STATE_MEANINGS,
            "enrolled": visit.panel.documents() is not None,
            "delivery": delivery_lines(say, status, enrolled=visit.panel.documents() is not None, now=now),
            "problem": problem,
        },
    )


def act(visit: Visit) -> Answer:
    """POST: "resume", or "pause:" with seconds, "tomorrow" or "until" (resumed)."""
    action, _, length = visit.form.get("action", "").partition(":")
    back = visit.form.get("back", "")
    if back not in ("", "settings"):
        raise UsageError(N_("This page cannot do that: go back and choose one of its buttons."))
    if action == "resume":
        visit.panel.resume()
        leaves(visit.panel, {AgentState.PAUSED})
    elif action == "pause":
        visit.panel.pause(_pause_seconds(visit, length))
        leaves(visit.panel, LOOKING)
    else:
        raise UsageError(N_("This page cannot do that: go back and choose one of its buttons."))
    return Redirect(back)


def state(visit: Visit) -> Answer:
    """GET now/state, for the script of every page: the status in words, and what tells whether it is another one. Where the agent's word
    cannot be read nothing is made up from its absence. Raises StoreError.
    """
    visit.panel.store.status()
    headline, status = headline_of(visit)
    return Json(asdict(live(speech_of(visit), headline, status, now=visit.now)))


def read_meter(panel: Panel) -> Meter | None:
    """The agent's checkpoint: what it judges now and the open window. None when there is none that can be read."""
    try:
        data = panel.store.checkpoint()
        return Meter.from_json(json.loads(data)) if data is not None else None
    except (StoreError, ValueError, KeyError, TypeError):
        return None


def hours_of(panel: Panel) -> Sequence[Hours] | None:
    """The hours in which the agent may look; None: at any time."""
    return hours_in_force(panel.config(), panel.documents())


def _windows(visit: Visit, days: set[date]) -> tuple[Mapping[date, Sequence[Window]], str]:
    """The windows of each day, and one sentence if they cannot be read."""
    say = speech_of(visit)
    start = min(bounds(day, say.zone)[0] for day in days)
    end = max(bounds(day, say.zone)[1] for day in days)
    found: dict[date, list[Window]] = {}
    try:
        for stored in visit.panel.store.windows(start, end):
            found.setdefault(say.local(stored.window.start).date(), []).append(stored.window)
    except StoreError as error:
        return {}, str(error)
    return found, ""


def _newest(panel: Panel) -> tuple[float, Explanation] | None:
    """The newest look and its reasons, as long as the agent keeps them in memory."""
    reading = panel.check.latest if panel.check is not None else None
    return (reading.at, reading.explanation) if reading is not None else None


def _pause_seconds(visit: Visit, length: str) -> float | None:
    if length == "until":
        return None
    if length == "tomorrow":
        return tomorrow(visit.now, hours=hours_of(visit.panel), zone=visit.zone) - visit.now
    if not length.isascii() or not length.isdigit() or not 0 < int(length[:9]) <= MAX_PAUSE_SECONDS:
        raise UsageError(N_("This page cannot do that: go back and choose one of its buttons."))
    return float(length)
