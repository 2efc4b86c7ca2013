"""The settings as the page shows them: value, choices, where the value comes from, and what nobody here may change. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from agent.attention.hours import common, parse_hours
from agent.config import Config, Origin
from agent.panel.language import LANGUAGES, N_, Speech
from agent.panel.views.hours import hours_lines
from agent.wire.documents import Policy, WorkHours

ORIGINS = {
    Origin.DEFAULT: N_("As delivered"),
    Origin.FILE: N_("Set by you"),
    Origin.ENVIRONMENT: N_("Set by an environment variable"),
    Origin.COMMAND: N_("Set on the command line"),
    Origin.POLICY: N_("Decided by your organisation's policy"),
}

SENSITIVITIES = {
    "relaxed": (N_("Relaxed"), N_("A head must be turned or bowed further before it counts as looking away.")),
    "normal": (N_("Normal"), N_("As measured on labelled pictures.")),
    "strict": (N_("Strict"), N_("A smaller turn of the head counts as looking away.")),
}


@dataclass(frozen=True, slots=True)
class Choice:
    """One value to choose, its name and a note ("" for none)."""

    value: str
    name: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: its key and value, where the value comes from in words, whether it can be changed here, and what can
    be chosen (empty for free text).
    """

    key: str
    value: str
    origin: str
    locked: bool
    choices: tuple[Choice, ...] = ()


@dataclass(frozen=True, slots=True)
class SettingsView:
    """The settings of the page. `hours_allowed` are the policy's hours in words (empty: at any time), `decided` what
    only the policy decides: names and values in words.
    """

    language: Setting
    hours: Setting
    hours_allowed: tuple[str, ...]
    camera: Setting
    rest_on_battery: Setting
    sensitivity: Setting
    decided: tuple[tuple[str, str], ...]


def settings_view(say: Speech, config: Config, policy: Policy | None, cameras: Mapping[str, str]) -> SettingsView:
    """All of it. `cameras` are the numbers and names of the cameras that were found."""
    _ = say.gettext
    names = [Choice("", _("As the browser asks")), *(Choice(tag, name) for tag, name in LANGUAGES.items())]
    numbers = sorted({*cameras, *([config.camera] if config.camera.isdigit() else ["0"])})
    found = [Choice(number, _camera_name(say, number, cameras.get(number, ""))) for number in numbers]
    if not config.camera.isdigit():
        found.append(Choice(config.camera, config.camera))
    steps = tuple(Choice(value, _(name), _(note)) for value, (name, note) in SENSITIVITIES.items())
    return SettingsView(
        language=_setting(say, config, "language", tuple(names)),
        hours=_setting(say, config, "hours"),
        hours_allowed=hours_lines(say, policy.work_hours) if policy else (),
        camera=_setting(say, config, "camera", tuple(found)),
        rest_on_battery=_setting(say, config, "rest_on_battery"),
        sensitivity=_setting(say, config, "sensitivity", steps),
        decided=_decided(say, policy),
    )


def hours_in_words(say: Speech, text: str) -> tuple[str, ...]:
    """The employee's own hours in words; () where there are none or they cannot be read."""
    try:
        own: tuple[WorkHours, ...] = parse_hours(text)
    except ValueError:
        return ()
    return hours_lines(say, own)


def hours_left(say: Speech, text: str, policy: Policy | None) -> tuple[str, ...] | None:
    """What the policy leaves of the employee's own hours, in words; () for nothing. None where it takes nothing away, or
    there are none or no policy.
    """
    try:
        own = parse_hours(text)
    except ValueError:
        return None
    left = common(policy.work_hours, own) if policy is not None and own else None
    return None if left is None or _minutes(left) == _minutes(own) else hours_lines(say, left)


def _minutes(hours: tuple[WorkHours, ...]) -> set[tuple[int, int]]:
    """The minutes of the week, by day and minute of the day."""
    return {
        (day, minute) for each in hours for day in each.days for minute in range(each.start_minute, each.end_minute)
    }


def _camera_name(say: Speech, number: str, name: str) -> str:
    if name:
        return f"{number}: {name}"
    return (
        say.gettext("The laptop's first camera") if number == "0" else say.gettext("Camera %(number)s", number=number)
    )


def _setting(say: Speech, config: Config, key: str, choices: tuple[Choice, ...] = ()) -> Setting:
    origin, value = config.origin(key), config.value(key)
    said = say.gettext(ORIGINS[origin])
    if origin in (Origin.ENVIRONMENT, Origin.POLICY) and config.places.get(key):
        said = f"{said} ({config.places[key]})"
    text = ("yes" if value else "") if isinstance(value, bool) else str(value)
    return Setting(key, text, said, origin not in (Origin.DEFAULT, Origin.FILE), choices)


def _decided(say: Speech, policy: Policy | None) -> tuple[tuple[str, str], ...]:
    if policy is None:
        return ()
    _ = say.gettext
    return (
        (
            _("Time between two looks"),
            say.ngettext("about %(num)s second", "about %(num)s seconds", policy.interval_seconds),
        ),
        (_("Reports by name"), _("allowed") if policy.individual_reports else _("not allowed")),
        (
            _("Smallest group a number may rest on"),
            say.ngettext("%(num)s person", "%(num)s people", policy.k),
        ),
    )
