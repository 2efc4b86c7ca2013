"""My data: take it away, contest it, have it erased: here at once, at the service after a day."""

from __future__ import annotations

from agent.errors import FramekeepError, UsageError
from agent.identity import load_identity
from agent.own_answers import Erasure
from agent.panel.language import N_
from agent.panel.page import Answer, Download, Html, Redirect, Visit
from agent.panel.pages.contest import contested, correct, status_of
from agent.panel.pages.now import read_meter
from agent.panel.patience import within
from agent.panel.render import speech_of
from agent.panel.views.export import to_csv, to_json

PATIENCE_SECONDS = 2.0
"""How long the page waits to hear from the service; usually it takes a tenth of that."""
_LATE = N_(
    "The service has not answered yet, so it is not known here whether an erasure was asked for: load the page again."
)
_EVER = 2**40
"""Later than any window."""
_MOST = 10_000
"""Envelopes in an export: more than sixty days hold."""


def show(visit: Visit) -> Answer:
    """GET; with `file` ("json" or "csv") what is kept on this laptop."""
    match visit.query.get("file", ""):
        case "json":
            return Download("framekeep-laptop.json", "application/json", _everything(visit))
        case "csv":
            windows = visit.panel.store.windows(0, _EVER)
            return Download("framekeep-laptop.csv", "text/csv; charset=utf-8", to_csv(windows))
    return _page(visit)


def _page(visit: Visit, *, problem: FramekeepError | None = None) -> Answer:
    """`problem` is why the form's correction was not made: then the form shows again as it was sent."""
    say, enrolled = speech_of(visit), load_identity(visit.panel.store) is not None
    erasure, trouble = _erasure_there(visit) if enrolled else (None, "")
    kept = visit.panel.store.windows(0, _EVER)
    meter = read_meter(visit.panel)
    under_way = meter.tally.open if meter else None
    opened = sum(told for state, told in under_way.seconds.items() if state != "not_observed") if under_way else 0.0
    return Html(
        "mydata.html",
        {
            "enrolled": enrolled,
            "erasure": erasure,
            "due": say.moment(erasure.due_at, visit.now) if erasure else "",
            "trouble": say.gettext(trouble) if trouble else "",
            "count": len(kept),
            "opened": say.duration(opened) if opened > 0 else "",
            "first": say.date_of(kept[0].window.start) if kept else "",
            "file": str(visit.panel.paths.store),
            "contest": contested(visit, str(problem or "")),
        },
        status_of(problem),
    )


def act(visit: Visit) -> Answer:
    """POST: "correct", "export" (from the service), "erase" (here; with `sure`), "ask" or "cancel" (an erasure there)."""
    action = visit.form.get("action", "")
    if action == "correct":
        try:
            kept = correct(visit)
        except FramekeepError as error:
            return _page(visit, problem=error)
        return Redirect(f"mydata?{kept}#contest")
    if action == "erase":
        if visit.form.get("sure") != "yes":
            return Redirect("mydata?done=unsure#erase")
        visit.panel.erase()
        return Redirect("mydata?done=erased")
    service = visit.panel.service() if action in ("export", "ask", "cancel") else None
    if service is None:
        raise UsageError(N_("This page cannot do that: go back and choose one of its buttons."))
    if action == "export":
        return Download("framekeep-service.json", "application/json", service.export().raw)
    if action == "ask":
        service.ask_erasure()
        return Redirect("mydata?done=asked#there")
    service.cancel_erasure()
    return Redirect("mydata?done=cancelled#there")


def _erasure_there(visit: Visit) -> tuple[Erasure | None, str]:
    """The erasure that was asked for at the service, or one sentence why that is not known. Neither a service nor a key
    store that does not answer keeps the page from being drawn, since what is on it can be erased without them.
    """

    def ask() -> Erasure | None:
        service = visit.panel.service()
        return service.erasure() if service is not None else None

    return within(PATIENCE_SECONDS, ask, _LATE)


def _everything(visit: Visit) -> bytes:
    panel, store, status = visit.panel, visit.panel.store, visit.panel.status()
    return to_json(
        store.windows(0, _EVER),
        store.envelopes.recent(_MOST),
        store.acknowledgements(),
        settings=panel.config().show(),
        meter=read_meter(panel),
        paused=status.paused,
        paused_until=status.paused_until,
        now=visit.now,
    )
