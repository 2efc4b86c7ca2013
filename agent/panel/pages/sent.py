"""Sent: every envelope, waiting ones before they leave, each word for word beside its sealed bytes."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.errors import StoreError, UsageError
from agent.identity import load_identity
from agent.keys import device_key
from agent.panel.language import N_
from agent.panel.page import Answer, Download, Html, Redirect, Visit
from agent.panel.render import speech_of
from agent.panel.views.envelopes import STATE_WORDS, WindowRow, detail, envelope_row, found
from agent.store.rows import EnvelopeRow
from agent.wire.summary import STATES, Window

A_PAGE = 25
MOST = 5000
"""Envelopes that are searched: more than sixty days hold."""


def show(visit: Visit) -> Answer:
    """GET: the list, with `q` and `state` to search by, or with `seq` one envelope, or with `file` its bytes."""
    if "seq" in visit.query:
        return _one(visit)
    say, now = speech_of(visit), visit.now
    sought, state = visit.query.get("q", "").strip()[:100], visit.query.get("state", "")
    page = max(1, min(MOST // A_PAGE, _number(visit.query.get("page", "1"))))
    rows, problem = _rows(visit, MOST if sought or state else page * A_PAGE + 1)
    matching = found(say, rows, sought, state, now)
    shown = matching[(page - 1) * A_PAGE : page * A_PAGE]
    return Html(
        "sent.html",
        {
            "rows": [envelope_row(say, row, now) for row in shown],
            "sought": sought,
            "state": state,
            "states": {each.value: word for each, word in STATE_WORDS.items()},
            "page": page,
            "older": len(matching) > page * A_PAGE,
            "count": len(matching) if sought or state else None,
            "unsealed": _unsealed(visit),
            "enrolled": load_identity(visit.panel.store) is not None,
            "problem": problem,
        },
    )


def act(visit: Visit) -> Answer:
    """POST "retry": send what waits now, and what was set aside or never confirmed once more."""
    if visit.form.get("action") != "retry":
        raise UsageError(N_("This page cannot do that: go back and choose one of its buttons."))
    visit.panel.store.envelopes.retry()
    return Redirect("sent?done=retry")


def _one(visit: Visit) -> Answer:
    say = speech_of(visit)
    row = visit.panel.store.envelopes.get(_number(visit.query["seq"]))
    if row is None:
        return Html("sent_gone.html", {}, 404)
    match visit.query.get("file", ""):
        case "plain":
            return Download(f"framekeep-{row.seq}.json", "application/json", row.plain)
        case "sealed":
            return Download(f"framekeep-{row.seq}-sealed.json", "application/json", row.body)
    identity = load_identity(visit.panel.store)
    key = _device_key(visit)
    public = key.public_key().public_bytes_raw() if key else None
    laid_open = detail(say, row, org=identity.org if identity else "", device_public=public, now=visit.now)
    return Html("envelope.html", {"one": laid_open})


def _rows(visit: Visit, limit: int) -> tuple[list[EnvelopeRow], str]:
    """The newest envelopes, and one sentence if they cannot be read."""
    try:
        return visit.panel.store.envelopes.recent(limit), ""
    except StoreError as error:
        return [], str(error)


def _unsealed(visit: Visit) -> list[WindowRow]:
    """Closed windows that will be in the next envelopes: readable before they are even sealed."""
    say, store = speech_of(visit), visit.panel.store
    try:
        starts = store.unsealed(50)
        windows = [w.window for w in store.windows(starts[0], starts[-1] + 1)] if starts else []
    except StoreError:
        return []
    return [_window(say.moment(w.start, visit.now), w) for w in windows if w.start in set(starts)]


def _window(when: str, window: Window) -> WindowRow:
    seconds = window.seconds
    return WindowRow(
        when, tuple(str(seconds[state]) if seconds[state] else "–" for state in STATES), str(window.frames)
    )


def _device_key(visit: Visit) -> Ed25519PrivateKey | None:
    try:
        return device_key(visit.panel.keys)
    except StoreError:
        return None


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0
