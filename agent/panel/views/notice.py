"""The notice: what somebody should know before they decide, in the words of NOTICE_VERSION. Pure.

Whoever changes what it means changes agent/consent.py's NOTICE_VERSION too, in every language; then everybody is asked
again. A laptop that belongs to no organisation reads what stays on it instead of what others receive.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from agent.panel.language import N_, Speech
from agent.panel.views.hours import hours_lines
from agent.wire.documents import Policy
from agent.wire.summary import Summary, Window, readable


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, paragraphs under it, and points of a list after them."""

    key: str
    title: str
    paragraphs: tuple[str, ...]
    points: tuple[str, ...] = ()


_RIGHTS = (
    N_("See everything that was measured, sent and read: in this panel, at any time."),
    N_("Pause at once, for as long as you like. Nobody learns that you paused, or why."),
    N_("Take your data away as a file, from this laptop and from the service."),
    N_("Contest a measurement before managers see anything that rests on it."),
    N_("Have everything erased, here at once and at the service after 24 hours in which you can still take it back."),
    N_("Stop taking part at any time, on this page."),
)

_KEPT = (
    N_("A picture: well under a second, in memory, never on a disk."),
    N_("Five-minute sums on this laptop: 60 days, encrypted."),
    N_("Your quarter-hour sums at the service: 35 days, or up to 90 where reports by name are agreed."),
    N_("Team numbers: 13 months. They name nobody and are never recomputed."),
    N_("The record of who looked at what: 12 months."),
)


def notice(
    say: Speech, policy: Policy | None, states: Sequence[tuple[str, str]], *, sent: str = ""
) -> tuple[Section, ...]:
    """The sections in order. `states` are the states' names and meanings in this language; `sent` is when the message that
    stands below "What is sent" was made, in words, "" while it is an example.
    """
    _ = say.gettext
    return (
        _measured(say, policy, states),
        _when(say, policy),
        Section(
            "light",
            _("The light beside the camera"),
            (
                _(
                    "The camera is on while Framekeep measures, so its light is on too, although one picture every few seconds is all that is looked at."
                ),
                _(
                    "When Framekeep pauses or rests, it lets go of the camera and the light goes out. A light that stays on belongs to another program."
                ),
            ),
        ),
        _sent(say, policy, sent),
        _seen(say, policy),
        Section("kept", _("For how long"), (), _all(say, _KEPT if policy else _KEPT[:2])),
        Section("rights", _("What you can do"), (), _all(say, _RIGHTS if policy else (*_RIGHTS[:2], _RIGHTS[5]))),
        Section("declining", _("If you decline"), (_declining(say, policy),)),
    )


def example(policy: Policy | None) -> str:
    """What an envelope says, word for word: a summary of three windows as the wire format writes it."""
    windows = (
        Window(1763976000, at_screen=262, looking_away=18, absent=20, frames=30),
        Window(1763976300, at_screen=224, looking_away=31, on_phone=45, frames=30),
        Window(1763976600, at_screen=118, unknown=12, not_observed=170, frames=13),
    )
    made = Summary(41, windows, 0, "0.1.0", "3f9c51d2a07be884", policy.id if policy else "p-1")
    return readable(made).decode("ascii")


def _measured(say: Speech, policy: Policy | None, states: Sequence[tuple[str, str]]) -> Section:
    seconds = policy.interval_seconds if policy else 10
    return Section(
        "measured",
        say.gettext("What is measured"),
        (
            say.gettext(
                "About every %(seconds)s seconds this laptop looks at one picture from its camera, decides which of six plainly visible things is the case, and throws the picture away.",
                seconds=say.number(seconds),
            ),
            say.gettext(
                "It never works out feelings, mood, identity or performance, and it does not see your screen, your typing or where you are."
            ),
        ),
        tuple(say.labelled(name, meaning) for name, meaning in states),
    )


def _when(say: Speech, policy: Policy | None) -> Section:
    rests = say.gettext(
        "Never while you pause, while the screen is locked, the lid or the camera's shutter is closed, the laptop sleeps, or another program uses the camera, as in a call."
    )
    if policy is None:
        return Section("when", say.gettext("When"), (say.gettext("While Framekeep runs."), rests))
    return Section(
        "when",
        say.gettext("When"),
        (say.gettext("In the agreed hours, by this laptop's clock:"), rests),
        hours_lines(say, policy.work_hours),
    )


def _sent(say: Speech, policy: Policy | None, sent: str) -> Section:
    if policy is None:
        text = say.gettext("Nothing. This laptop belongs to no organisation, and what is measured stays on it.")
        return Section("sent", say.gettext("What is sent"), (text,))
    return Section(
        "sent",
        say.gettext("What is sent"),
        (
            say.gettext(
                "Seconds per state for every five minutes, about four times an hour, sealed so that only your organisation's service can read them. No picture, no part of one, nothing from which a face could be known."
            ),
            say.gettext(
                "This is the whole message this laptop sent last (%(time)s), word for word, as it was before it was sealed:",
                time=sent,
            )
            if sent
            else say.gettext("This is an example of a whole message, word for word, as one looks before it is sealed:"),
        ),
    )


def _seen(say: Speech, policy: Policy | None) -> Section:
    title = say.gettext("Who sees it")
    if policy is None:
        return Section("seen", title, (say.gettext("You alone."),))
    first = say.gettext(
        "Managers see numbers of a team: shares of a stretch of one day over at least %(k)s people, rounded, two days later unless your organisation agreed otherwise. You see them a day before and can correct your part.",
        k=say.number(policy.k),
    )
    second = (
        say.gettext("Your organisation agreed on reports by name: your manager may see your own days too.")
        if policy.individual_reports
        else say.gettext("No manager sees anything about one person.")
    )
    third = say.gettext(
        "Whoever administers the service's database could read your quarter-hour sums. Every look by a manager, administrator or auditor is recorded and shown to you."
    )
    return Section("seen", title, (first, second, third))


def _declining(say: Speech, policy: Policy | None) -> str:
    if policy is None:
        return say.gettext("Then nothing is measured. You can change your mind on this page at any time.")
    return say.gettext(
        "Then nothing is measured, and your organisation learns one thing: that this laptop does not take part. What was measured before and not sent yet stays here, but for the five minutes under way, which are dropped. You can change your mind on this page at any time."
    )


def _all(say: Speech, texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(say.gettext(text) for text in texts)
