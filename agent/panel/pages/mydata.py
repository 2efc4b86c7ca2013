"""My data: take it away, contest it, have it erased: here at once, at the service after a day."""

from __future__ import annotations

from agent.errors import FramekeepError, UsageError
from agent.panel.language import N_
from agent.panel.page import Answer, Download, Html, Redirect, Visit
from agent.panel.pages.contest import contested, correct
from agent.panel.render import speech_of
from agent.panel.views.export import to_csv, to_json

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
    say, service = speech_of(visit), visit.panel.service()
    erasure, trouble = None, ""
    if service is not None:
        try:
            erasure = service.erasure()
        except FramekeepError as error:
            trouble = say.gettext(str(error))
    kept = visit.panel.store.windows(0, _EVER)
    return Html(
        "mydata.html",
        {
            "enrolled": service is not None,
            "erasure": erasure,
            "due": say.moment(erasure.due_at, visit.now) if erasure else "",
            "trouble": trouble,
            "count": len(kept),
            "first": say.date_of(kept[0].window.start) if kept else "",
            "file": str(visit.panel.paths.store),
            "contest": contested(visit),
        },
    )


def act(visit: Visit) -> Answer:
    """POST: "correct", "export" (from the service), "erase" (here; with `sure`), "ask" or "cancel" (an erasure there)."""
    action, service = visit.form.get("action", ""), visit.panel.service()
    if action == "correct":
        correct(visit)
        return Redirect("mydata?done=corrected#contest")
    if action == "erase":
        if visit.form.get("sure") != "yes":
            return Redirect("mydata?done=unsure#erase")
        visit.panel.erase()
        return Redirect("mydata?done=erased")
    if service is None or action not in ("export", "ask", "cancel"):
        raise UsageError(N_("This page cannot do that: go back and choose one of its buttons."))
    if action == "export":
        return Download("framekeep-service.json", "application/json", service.export().raw)
    if action == "ask":
        service.ask_erasure()
        return Redirect("mydata?done=asked#there")
    service.cancel_erasure()
    return Redirect("mydata?done=cancelled#there")


def _everything(visit: Visit) -> bytes:
    panel, store = visit.panel, visit.panel.store
    return to_json(
        store.windows(0, _EVER),
        store.envelopes.recent(_MOST),
        store.acknowledgements(),
        settings=panel.config().show(),
        now=visit.now,
    )
