"""What the agent is doing, in words. Pure. The very sentence of the tray's menu (agent/tray/view.py): whoever cannot
reach the tray reads it here.
"""

from __future__ import annotations

from dataclasses import dataclass

from agent.panel.language import Speech
from agent.status import AgentState, Status
from agent.tray import view as tray
from agent.tray.icon import Icon


@dataclass(frozen=True, slots=True)
class Headline:
    """`icon` is the glyph, `title` one sentence, `details` and `problems` further sentences."""

    icon: str
    title: str
    details: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Live:
    """What a page says of the status for as long as it is open: the headline's parts; until when it is known, and the same
    for when nothing more is heard, in words; `key` changes when a page that explains the status is worth loading again,
    `act` when one is on which a pause is begun or ended.
    """

    icon: str
    title: str
    details: tuple[str, ...]
    problems: tuple[str, ...]
    at: str
    heard: str
    key: str
    act: str


def live(say: Speech, shown: Headline, status: Status, *, now: float) -> Live:
    """`shown` is the headline made of `status` at `now`."""
    time, act = say.exact(now), f"{shown.icon} {status.paused_until}"
    return Live(
        shown.icon,
        shown.title,
        shown.details,
        shown.problems,
        say.gettext("as of %(time)s", time=time),
        say.gettext("last heard from at %(time)s", time=time),
        f"{act} {status.since} {status.attention}",
        act,
    )


def headline(say: Speech, status: Status, *, now: float) -> Headline:
    """What there is to say at `now`."""
    icon, title = tray.headline(status, now=now, words=say)
    details = []
    if status.since is not None and icon not in (Icon.MEASURING, Icon.PAUSED):
        details.append(say.gettext("Since %(time)s.", time=say.moment(status.since, now)))
    resting = status.state is AgentState.RESTING and not status.paused
    if resting and status.until is not None and status.until > now:
        details.append(say.gettext("Measuring goes on: %(time)s", time=say.moment(status.until, now)))
    if status.camera and icon is Icon.MEASURING:
        details.append(say.gettext("Camera: %(camera)s", camera=status.camera))
    return Headline(icon.value, title, tuple(details), tuple(say.gettext(problem) for problem in status.problems))
