"""PURE. A policy as an administrator writes and reads it: work hours such as `mon-fri 09:00-17:30`, and what would change."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from agent.wire.agreement import Agreement, exceeds
from agent.wire.documents import Policy, WorkHours

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOURS = re.compile(r"([a-z,-]+) ([0-2]\d):([0-5]\d)-([0-2]\d):([0-5]\d)")


def parse_hours(written: str) -> WorkHours:
    """Work hours from `DAYS HH:MM-HH:MM`, where DAYS is `mon`, `mon-fri` or `mon,wed-fri`; 24:00 is the day's end.

    Raises ValueError for anything else (WireError, one of them, for hours that are none).
    """
    match = _HOURS.fullmatch(written.strip().lower())
    if match is None:
        raise ValueError(written)
    days: set[int] = set()
    for part in match[1].split(","):
        first, _, last = part.partition("-")
        start, end = _DAYS.index(first) + 1, _DAYS.index(last or first) + 1
        if end < start or part.endswith("-"):
            raise ValueError(written)
        days.update(range(start, end + 1))
    minutes = [int(match[n]) * 60 + int(match[n + 1]) for n in (2, 4)]
    return WorkHours(tuple(sorted(days)), *minutes)


def hours_text(hours: WorkHours) -> str:
    """The hours as `parse_hours` reads them."""
    runs: list[list[int]] = []
    for day in hours.days:
        if runs and day == runs[-1][-1] + 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    days = ",".join(_DAYS[run[0] - 1] + (f"-{_DAYS[run[-1] - 1]}" if len(run) > 1 else "") for run in runs)
    return f"{days} {_clock(hours.start_minute)}-{_clock(hours.end_minute)}"


def terms(policy: Policy) -> dict[str, str]:
    """What a policy says, in words."""
    return {
        "hours": hours_all(policy.work_hours),
        "interval": f"{policy.interval_seconds} s",
        "k": str(policy.k),
        "individual_reports": "on" if policy.individual_reports else "off",
        "quit": "on" if policy.may_quit else "off",
    }


def changes(old: Policy, new: Policy, falls: Policy | None = None) -> list[str]:
    """One line `term: old -> new` for each term that differs, and one for a policy that was to come and falls away."""
    before, after = terms(old), terms(new)
    lines = [f"{name}: {before[name]} -> {after[name]}" for name in before if before[name] != after[name]]
    return lines if falls is None else [*lines, _falls_away(falls)]


@dataclass(frozen=True, slots=True)
class Change:
    """One term that differs between two policies, in plain words. `widens`: more may be measured or seen than before;
    None where neither can be said.
    """

    term: str
    before: str
    after: str
    text: str
    widens: bool | None


def differences(old: Policy, new: Policy, falls: Policy | None = None) -> list[Change]:
    """What changes from one policy to another, for whoever is measured as much as for whoever decides. `falls`: the
    policy that was to come and is withdrawn by the new one.
    """
    before, after = {**terms(old), "agreement": old.agreement}, {**terms(new), "agreement": new.agreement}
    said = {
        "hours": f"The work hours become {after['hours']}; they were {before['hours']}.",
        "interval": f"The camera looks every {new.interval_seconds} seconds; it was every {old.interval_seconds}.",
        "k": f"A team number stands on at least {new.k} people; it was at least {old.k}.",
        "individual_reports": "Managers may see the summary of one person."
        if new.individual_reports
        else "Managers may no longer see the summary of one person.",
        "quit": "Employees may end the program."
        if new.may_quit
        else "Employees may no longer end the program; pausing they always may.",
        "agreement": f"It rests on the agreement {new.agreement[:16]}..., another one than before."
        if new.agreement
        else "It rests on no agreement any more.",
    }
    widens = {
        "hours": not _covers(old.work_hours, new),
        "interval": new.interval_seconds < old.interval_seconds,
        "k": new.k < old.k,
        "individual_reports": new.individual_reports,
        "quit": not new.may_quit,
        "agreement": None,
    }
    found = [
        Change(term, before[term], after[term], said[term], widens[term])
        for term in said
        if before[term] != after[term]
    ]
    if falls is not None:
        found.append(Change("coming", falls.id, "none", _falls_away(falls), None))
    return found


def agreement_terms(agreement: Agreement) -> dict[str, str]:
    """What an agreement allows at most, in words."""
    return {
        "widest_hours": hours_all(agreement.work_hours),
        "interval_at_least": f"{agreement.interval_at_least} s",
        "k_at_least": str(agreement.k_at_least),
        "individual_reports": "allowed" if agreement.individual_reports_allowed else "never",
        "second_check": "never",
    }


def hours_all(hours: Sequence[WorkHours]) -> str:
    """Several stretches in one line."""
    return "; ".join(hours_text(part) for part in hours)


def _falls_away(policy: Policy) -> str:
    begins = datetime.fromtimestamp(policy.begins, UTC)
    return f"{policy.id}, which was to begin on {begins:%Y-%m-%d at %H:%M} UTC, falls away."


def _covers(hours: tuple[WorkHours, ...], policy: Policy) -> bool:
    """Whether a policy's hours lie within these."""
    widest = Agreement(policy.org, 1, 0, 1, "a-1", hours)
    return "work_hours" not in exceeds(replace(policy, agreement=""), widest)


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"
