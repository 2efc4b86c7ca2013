"""What the tray shows, from what is true. Pure: the tray decides nothing and everything in its menu is in the panel too.

While the camera may be looking the icon says so, whatever else there is to tell.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import tzinfo
from enum import StrEnum

from agent.attention.schedule import Hours, Reason
from agent.consent import Participation
from agent.status import AgentState, Status
from agent.tray.icon import Icon
from agent.tray.pauses import PAUSE_MINUTES, tomorrow
from agent.tray.words import Words

MAX_LABEL = 90
"""Characters of a menu entry; menus do not wrap, and the panel shows the whole sentence."""


class Action(StrEnum):
    """What a person may ask of the tray."""

    PAUSE_15 = "pause_15"
    PAUSE_30 = "pause_30"
    PAUSE_60 = "pause_60"
    PAUSE_TOMORROW = "pause_tomorrow"
    PAUSE = "pause"
    """At once, until resumed."""
    RESUME = "resume"
    OPEN_PANEL = "open_panel"
    OPEN_SENT = "open_sent"
    QUIT = "quit"


class Kind(StrEnum):
    """What a menu entry is."""

    ACTION = "action"
    TEXT = "text"
    """Only to be read."""
    SEPARATOR = "separator"


@dataclass(frozen=True, slots=True)
class MenuItem:
    """One entry. `id` stands for its meaning and stays the same while its label changes; of an action it is the action's
    value.
    """

    id: str
    kind: Kind
    label: str = ""
    enabled: bool = True
    action: Action | None = None


@dataclass(frozen=True, slots=True)
class TrayView:
    """Everything the tray shows. `title` is one short phrase, also the icon's name for a screen reader; `tooltip` says
    more, in lines.
    """

    icon: Icon
    title: str
    tooltip: str
    items: tuple[MenuItem, ...]


STARTING = TrayView(Icon.NOT_MEASURING, "Framekeep", "", ())
"""What a tray shows before it was told anything."""


@dataclass(frozen=True, slots=True)
class LastSent:
    """The envelope that was delivered last: when (epoch seconds) and with how many windows."""

    at: float
    windows: int


def tray_view(
    status: Status,
    *,
    now: float,
    zone: tzinfo,
    words: Words,
    hours: Iterable[Hours] | None = None,
    last_sent: LastSent | None = None,
    quit_allowed: bool = True,
) -> TrayView:
    """The view at `now` (epoch seconds). `hours`: the work hours in force, None for none; `quit_allowed`: whether policy
    lets a person end Framekeep.
    """
    icon, said = headline(status, now=now, words=words)
    asks = status.state is AgentState.UNDECIDED
    lines = [said]
    if status.state is AgentState.RESTING and status.until is not None and not status.paused:
        lines.append(words.gettext("Measuring goes on: %(time)s", time=words.moment(status.until, now)))
    if status.camera and icon is Icon.MEASURING:
        lines.append(words.gettext("Camera: %(camera)s", camera=status.camera))
    lines += (words.gettext(problem) for problem in status.problems)
    items = [_text(f"line_{number}", line) for number, line in enumerate(lines)]
    if status.running and not asks and status.state is not AgentState.NOT_PARTICIPATING:
        items += [_separator("before_pause"), *_pauses(status, now=now, zone=zone, words=words, hours=hours)]
    items.append(_separator("before_panel"))
    items += _panel_entries(words, asks=asks, last_sent=last_sent, now=now)
    if quit_allowed:
        items += [_separator("before_quit"), _action(Action.QUIT, words.gettext("Quit Framekeep"))]
    if icon is Icon.MEASURING:
        lines.append(words.gettext("A click with the middle button pauses at once."))
    return TrayView(
        icon, words.gettext("Framekeep: %(state)s", state=_name(icon, words)), "\n".join(lines), tuple(items)
    )


def headline(status: Status, *, now: float, words: Words) -> tuple[Icon, str]:
    """The icon, and one sentence that says what Framekeep is doing now."""
    t = words.gettext
    if not status.running:
        return Icon.NOT_MEASURING, t("Framekeep is not running: nothing is measured.")
    match status.state:
        case AgentState.NOT_PARTICIPATING:
            return Icon.NOT_MEASURING, t("You do not take part: nothing is measured.")
        case AgentState.UNDECIDED if status.participation == Participation.OUTDATED:
            return Icon.ATTENTION, t("The notice has changed: nothing is measured until you have read it and decided.")
        case AgentState.UNDECIDED:
            return Icon.ATTENTION, t("Nothing is measured before you have read the notice and decided.")
        case _ if status.paused and status.paused_until is None:
            return Icon.PAUSED, t("Paused until you resume. The camera is off.")
        case _ if status.paused_until is not None:
            until = words.moment(status.paused_until, now)
            return Icon.PAUSED, t("Paused until %(time)s. The camera is off.", time=until)
        case AgentState.OPENING:
            return Icon.MEASURING, t("Opening the camera: its light may be on already.")
        case AgentState.WATCHING if status.since is not None:
            return Icon.MEASURING, t("Measuring since %(time)s.", time=words.moment(status.since, now))
        case AgentState.WATCHING:
            return Icon.MEASURING, t("Measuring.")
        case AgentState.PAUSED:
            return Icon.NOT_MEASURING, t("Resuming: nothing is measured yet.")
        case AgentState.RESTING if status.reason == Reason.IN_CALL:
            return Icon.CAMERA_ELSEWHERE, t("Not measuring: another program uses the camera.")
        case AgentState.RESTING:
            return Icon.NOT_MEASURING, _resting(status.reason, words)
        case AgentState.BLIND:
            return Icon.ATTENTION, t("The camera gives no picture: this time counts as unknown.")
        case AgentState.BLOCKED:
            return Icon.ATTENTION, t("Nothing is measured until something is put right.")
        case AgentState.NOT_ENROLLED:
            return Icon.ATTENTION, t("This laptop is not enrolled: nothing is measured.")
        case AgentState.STARTING | AgentState.NOT_RUNNING:
            return Icon.NOT_MEASURING, t("Starting: nothing is measured yet.")


def _resting(reason: str, words: Words) -> str:
    t = words.gettext
    match reason:
        case Reason.LOCKED:
            return t("Not measuring: the screen is locked.")
        case Reason.ASLEEP:
            return t("Not measuring: the laptop goes to sleep.")
        case Reason.LID_CLOSED:
            return t("Not measuring: the lid is closed.")
        case Reason.SHUTTER_CLOSED:
            return t("Not measuring: the camera's shutter is closed.")
        case Reason.ON_BATTERY:
            return t("Not measuring: the laptop runs on battery.")
        case Reason.OUTSIDE_HOURS:
            return t("Not measuring: these are not work hours.")
        case _:
            return t("Not measuring now.")


def _name(icon: Icon, words: Words) -> str:
    t = words.gettext
    match icon:
        case Icon.MEASURING:
            return t("measuring")
        case Icon.PAUSED:
            return t("paused")
        case Icon.NOT_MEASURING:
            return t("not measuring")
        case Icon.CAMERA_ELSEWHERE:
            return t("camera in use elsewhere")
        case Icon.ATTENTION:
            return t("needs your attention")


def _pauses(status: Status, *, now: float, zone: tzinfo, words: Words, hours: Iterable[Hours] | None) -> list[MenuItem]:
    t = words.gettext
    items = [_action(Action.RESUME, t("Resume"))] if status.paused else []
    if not (status.paused and status.paused_until is None):
        items.append(_action(Action.PAUSE, t("Pause until I resume")))
    for minutes in PAUSE_MINUTES:
        until = words.moment(now + 60 * minutes, now)
        label = t("Pause for %(minutes)s minutes (until %(time)s)", minutes=minutes, time=until)
        items.append(_action(Action(f"pause_{minutes}"), label))
    until = words.clock(tomorrow(now, hours=hours, zone=zone))
    items.append(_action(Action.PAUSE_TOMORROW, t("Pause until tomorrow, %(time)s", time=until)))
    return items


def _panel_entries(words: Words, *, asks: bool, last_sent: LastSent | None, now: float) -> list[MenuItem]:
    t = words.gettext
    open_panel = t("Read the notice and decide") if asks else t("Open the privacy panel")
    if last_sent is None:
        sent = t("Nothing has been sent yet")
    else:
        sent = words.ngettext(
            "Sent last: %(time)s, one five-minute summary",
            "Sent last: %(time)s, %(num)s five-minute summaries",
            last_sent.windows,
            time=words.moment(last_sent.at, now),
        )
    return [_action(Action.OPEN_PANEL, open_panel), _action(Action.OPEN_SENT, sent, not asks)]


def _action(action: Action, label: str, enabled: bool = True) -> MenuItem:
    return MenuItem(action.value, Kind.ACTION, label, enabled, action)


def _text(id: str, label: str) -> MenuItem:
    short = label if len(label) <= MAX_LABEL else label[: MAX_LABEL - 1].rstrip() + "…"
    return MenuItem(id, Kind.TEXT, short, enabled=False)


def _separator(id: str) -> MenuItem:
    return MenuItem(id, Kind.SEPARATOR)
