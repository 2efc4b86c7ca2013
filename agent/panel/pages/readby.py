"""Read by: who looked, when and at what; and the page managers see, a day before they do, with one's own part of it."""

from __future__ import annotations

from datetime import timedelta

from agent.errors import FramekeepError
from agent.panel.page import Answer, Html, Redirect, Visit
from agent.panel.pages.contest import contested, correct, status_of
from agent.panel.render import speech_of
from agent.panel.views.readers import SHARED, own_days, read_lines, team_lines, team_total

DAYS = 14


def show(visit: Visit) -> Answer:
    """GET. What the service cannot answer just now is said in one sentence; the rest is shown."""
    return _page(visit)


def act(visit: Visit) -> Answer:
    """POST "correct": contradict a stretch of time."""
    try:
        correct(visit)
    except FramekeepError as error:
        return _page(visit, problem=error)
    return Redirect("readby?done=corrected#correct")


def _page(visit: Visit, *, problem: FramekeepError | None = None) -> Answer:
    """`problem` is why the form's correction was not made: then the form shows again as it was sent."""
    say, service = speech_of(visit), visit.panel.service()
    context: dict[str, object] = {
        "enrolled": service is not None,
        "reads": None,
        "more_reads": False,
        "days": None,
        "pages": (),
        "shared": SHARED,
        "trouble": "",
        "contest": contested(visit, str(problem or "")),
    }
    if service is not None:
        today = say.local(visit.now).date()
        try:
            log = service.access_log()
            context |= {"reads": read_lines(say, log, visit.now), "more_reads": log.more}
            reports = service.reports(today - timedelta(days=DAYS - 1), today)
            context["days"] = own_days(say, reports, visit.now)
            context["pages"] = tuple((team_lines(say, page), team_total(say, page), page.k) for page in reports.teams)
        except FramekeepError as error:
            context["trouble"] = say.gettext(str(error))
    return Html("readby.html", context, status_of(problem))
