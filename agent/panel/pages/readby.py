"""Read by: who looked, when and at what; and the page managers see, before they do, with one's own part of it."""

from __future__ import annotations

from datetime import timedelta

from agent.errors import FramekeepError
from agent.identity import load_identity
from agent.outbox.signed import ServiceRefused
from agent.own_answers import AccessLog, Reports
from agent.panel.language import N_
from agent.panel.page import Answer, Html, Redirect, Visit
from agent.panel.pages.contest import contested, correct, status_of
from agent.panel.patience import within
from agent.panel.render import speech_of
from agent.panel.views.readers import SHARED, member_lines, own_days, read_lines, team_lines, team_total
from agent.team_page import OwnTeam

DAYS = 14
PATIENCE_SECONDS = 5.0
"""How long the page waits to hear from the service; usually it takes a twentieth of that."""
_LATE = N_("The service has not answered yet: load the page again in a moment.")


def show(visit: Visit) -> Answer:
    """GET. What the service cannot answer just now is said in one sentence; the rest is shown."""
    return _page(visit)


def act(visit: Visit) -> Answer:
    """POST "correct": contradict a stretch of time."""
    try:
        kept = correct(visit)
    except FramekeepError as error:
        return _page(visit, problem=error)
    return Redirect(f"readby?{kept}#correct")


def _page(visit: Visit, *, problem: FramekeepError | None = None) -> Answer:
    """`problem` is why the form's correction was not made: then the form shows again as it was sent."""
    say, enrolled = speech_of(visit), load_identity(visit.panel.store) is not None
    context: dict[str, object] = {
        "enrolled": enrolled,
        "reads": None,
        "more_reads": False,
        "days": None,
        "pages": (),
        "team": None,
        "members": (),
        "shared": SHARED,
        "trouble": "",
        "contest": contested(visit, str(problem or "")),
    }
    if enrolled:
        today = say.local(visit.now).date()
        log: list[AccessLog] = []  # shown, even where the rest does not come
        teams: list[OwnTeam] = []

        def ask() -> Reports | None:
            service = visit.panel.service()  # here, because a locked key store may not answer either
            if service is None:
                return None
            log.append(service.access_log())
            try:
                teams.append(service.team())
            except ServiceRefused as error:
                if error.code != "not_found":  # a service from before there was such a list
                    raise
            return service.reports(today - timedelta(days=DAYS - 1), today)

        reports, trouble = within(PATIENCE_SECONDS, ask, _LATE)
        if log:
            context |= {"reads": read_lines(say, log[0], visit.now), "more_reads": log[0].more}
        if teams and teams[0].members:
            context |= {"team": teams[0], "members": member_lines(say, teams[0])}
        if reports is not None:
            context["days"] = own_days(say, reports, visit.now)
            context["pages"] = tuple((team_lines(say, page), team_total(say, page), page.k) for page in reports.teams)
        context["trouble"] = say.gettext(trouble) if trouble else ""
    return Html("readby.html", context, status_of(problem))
