"""How long one can pause, with the time it ends: the tray's choices, in words. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from agent.attention.schedule import Hours
from agent.panel.language import Speech
from agent.tray.pauses import PAUSE_MINUTES, tomorrow


@dataclass(frozen=True, slots=True)
class PauseChoice:
    """`value` is what the form sends: seconds, "tomorrow" or "until"; `until` is when it ends, "" for "until resumed"."""

    value: str
    label: str
    until: str = ""


def pause_choices(say: Speech, hours: Iterable[Hours] | None, *, now: float) -> tuple[PauseChoice, ...]:
    """What is offered at `now`."""
    soon = tuple(
        PauseChoice(
            str(minutes * 60),
            say.ngettext("%(num)s minute", "%(num)s minutes", minutes),
            say.gettext("until %(time)s", time=say.clock(now + minutes * 60)),
        )
        for minutes in PAUSE_MINUTES
    )
    ends = tomorrow(now, hours=hours, zone=say.zone)
    return (
        *soon,
        PauseChoice(
            "tomorrow", say.gettext("Until tomorrow"), say.gettext("until %(time)s", time=say.moment(ends, now))
        ),
        PauseChoice("until", say.gettext("Until I resume")),
    )
