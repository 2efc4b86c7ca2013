"""The notice and the decision. Shown first before the first frame, and to be found again at any time."""

from __future__ import annotations

from agent.consent import NOTICE_VERSION, Acknowledgement, Decision, Participation
from agent.errors import StoreError, UsageError
from agent.panel.language import N_
from agent.panel.page import Answer, Html, Redirect, Visit
from agent.panel.pages.follow import LOOKING, UNANSWERED, leaves
from agent.panel.render import speech_of, standing_of
from agent.panel.views.notice import example, notice
from agent.panel.views.states import STATE_MEANINGS, STATE_NAMES
from agent.status import AgentState
from agent.store.rows import EnvelopeRow, EnvelopeState

_LOOKED_THROUGH = 500
"""Envelopes among which the newest that was sent is looked for: five days of waiting hold fewer."""


def show(visit: Visit) -> Answer:
    """GET."""
    standing = standing_of(visit.panel)
    return Html("welcome.html", {**notice_of(visit), "deciding": True, "standing": standing, "Standing": Participation})


def act(visit: Visit) -> Answer:
    """POST: "accepted" or "declined", kept with the notice's version and the language it was read in."""
    try:
        decision = Decision(visit.form.get("action", ""))
    except ValueError:
        raise UsageError(N_("This page cannot do that: go back and choose one of its buttons.")) from None
    answer = Acknowledgement(NOTICE_VERSION, speech_of(visit).language, decision, int(visit.now))
    try:
        visit.panel.store.acknowledge(answer)
    except StoreError as error:
        if decision is Decision.DECLINED:
            raise _paused_instead(visit) from error
        raise
    leaves(visit.panel, UNANSWERED if decision is Decision.ACCEPTED else {*LOOKING, AgentState.UNDECIDED})
    return Redirect("?done=accepted" if decision is Decision.ACCEPTED else "welcome?done=declined")


def _paused_instead(visit: Visit) -> StoreError:
    """A refusal that cannot be kept still ends the looks: a pause needs no room on a disk. Raises StoreError where not even
    that can be done.
    """
    visit.panel.pause(None)
    return StoreError(
        N_(
            "Your answer could not be kept, so Framekeep is paused instead: free some space on the disk, then decline again."
        )
    )


def _last_sent(visit: Visit) -> EnvelopeRow | None:
    """The newest envelope that has left this laptop; None where none has, or it cannot be read."""
    try:
        rows = visit.panel.store.envelopes.recent(_LOOKED_THROUGH)
    except StoreError:
        return None
    return next((row for row in rows if row.state in (EnvelopeState.ACCEPTED, EnvelopeState.OPENED)), None)


def notice_of(visit: Visit) -> dict[str, object]:
    """The notice for a template: its sections, the example, its version and the answers so far."""
    say, documents = speech_of(visit), visit.panel.documents()
    policy = documents.policy if documents is not None else None
    states = [(say.gettext(STATE_NAMES[key]), say.gettext(STATE_MEANINGS[key])) for key in STATE_NAMES]
    answers = visit.panel.store.acknowledgements()
    last = answers[-1] if answers else None
    sent = _last_sent(visit) if documents is not None else None
    message = sent.plain.decode("ascii", "replace") if sent is not None else example(policy)
    return {
        "sections": notice(say, policy, states, sent=say.moment(sent.created, visit.now) if sent is not None else ""),
        "example": message if documents is not None else "",
        "invented": sent is None,
        "version": NOTICE_VERSION,
        "organised": documents is not None,
        "answered": say.moment(last.at, visit.now) if last else "",
    }
