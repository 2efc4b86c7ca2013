"""Who read what, and what managers see and when, in words. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from agent.own_answers import AccessLog, CorrectionState, Day, Read, Reports, Role, Scope
from agent.panel.language import N_, Speech
from agent.panel.views.states import STATE_NAMES
from agent.team_page import Numbers, OwnTeam, PageRow, TeamPage
from agent.wire.summary import STATES

SHARED = STATES[:-1]
"""The states team numbers are made of: all but not observed."""

ACTIONS = {
    "team_summary": N_("The page of your team"),
    "person_summary": N_("Your own days, by name"),
    "devices": N_("The list of all laptops, by day"),
    "export": N_("A copy of everything about you"),
    "erasure_requested": N_("Asked for an erasure"),
    "erasure_cancelled": N_("Took an erasure back"),
    "people_edit": N_("Asked to put you into another team"),
    "approve": N_("Decided on putting you into a team"),
    "person_added": N_("Put you into a team"),
    "person_moved": N_("Put you into another team"),
    "codes": N_("A code to enrol a laptop in your name"),
}
_STANDINGS = {
    "counted": N_("counts since %(month)s"),
    "not_yet": N_("does not count yet"),
    "joins": N_("comes in %(month)s"),
    "reads": N_("reads the numbers, so never counts in them"),
    "left_out": N_("does not count this month"),
}
_ROLES = {
    Role.ADMIN: N_("administrator"),
    Role.MANAGER: N_("manager"),
    Role.AUDITOR: N_("auditor"),
    Role.PROGRAM: N_("a program"),
    Role.OWN_DEVICE: N_("your own laptop"),
    Role.UNKNOWN: "",
}
_CORRECTED = {
    CorrectionState.WILL_COUNT: N_("It goes into the team's number."),
    CorrectionState.COUNTED: N_("It went into the team's number."),
    CorrectionState.TOO_LATE: N_("The number was fixed already; it stands in your own record."),
    CorrectionState.OWN_RECORD: N_("You count in no team on that day; it stands in your own record."),
}
EXPLANATIONS = (
    N_("This day's numbers are not fixed yet, or it is outside what is kept."),
    N_("The policy has no work hours on this day."),
    N_("Fewer people than the policy asks for were observed for half an hour, so no number is shown."),
)
"""The service's sentences about days without a number."""

_ENOUGH = 30 * 60
"""Seconds somebody must have been observed in a block to count in it (the publish rule)."""


@dataclass(frozen=True, slots=True)
class ReadLine:
    """One read: when, who, what, about which days, and why it was allowed; `refused` if they got nothing."""

    when: str
    who: str
    role: str
    what: str
    days: str
    refused: bool


@dataclass(frozen=True, slots=True)
class MemberLine:
    """Somebody in the team, and how they stand to its numbers, in words."""

    name: str
    me: bool
    standing: str


@dataclass(frozen=True, slots=True)
class TeamLine:
    """One row of the managers' page as they see it; `shares` in the order of SHARED; without numbers, `explanation`."""

    when: str
    people: str
    shares: tuple[str, ...]
    coverage: str
    explanation: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Correction:
    """A correction that was made, in words."""

    when: str
    counts_as: str
    note: str
    fate: str


@dataclass(frozen=True, slots=True)
class OwnDay:
    """One's own part of a day: times per state, until when it can be corrected, when managers see it, corrections made.
    `open` while a correction still changes the team's number.
    """

    iso: str
    label: str
    times: tuple[str, ...]
    observed: str
    closes: str
    seen: str
    open: bool
    counted: bool
    corrections: tuple[Correction, ...]


def read_lines(say: Speech, log: AccessLog, now: float) -> tuple[ReadLine, ...]:
    """The access log, newest first."""
    return tuple(_read(say, read, now) for read in log.reads)


def member_lines(say: Speech, team: OwnTeam) -> tuple[MemberLine, ...]:
    """Who is in the team, by name. A standing that a newer service knows and this does not is left out."""
    return tuple(
        MemberLine(
            one.name,
            one.me,
            say.gettext(_STANDINGS[one.standing], month=say.month(one.since) if one.since else "")
            if one.standing in _STANDINGS
            else "",
        )
        for one in team.members
    )


def own_days(say: Speech, reports: Reports, now: float) -> tuple[OwnDay, ...]:
    """The days on which something was counted, newest first."""
    days = (day for day in reversed(reports.days) if day.quarter_hours or day.corrections)
    return tuple(_own_day(say, day, now) for day in days)


def team_lines(say: Speech, page: TeamPage) -> tuple[TeamLine, ...]:
    """The managers' page, newest day first; days not fixed yet are left out, as there is nothing to see on them."""
    rows = sorted((row for row in page.rows if row.status != "not_released"), key=lambda row: row.day, reverse=True)
    return tuple(_team_line(say, row) for row in rows)


def team_total(say: Speech, page: TeamPage) -> tuple[str, ...]:
    """The whole range's shares; () without any number."""
    return _shares(say, page.total) if page.total is not None else ()


def _read(say: Speech, read: Read, now: float) -> ReadLine:
    what = say.gettext(ACTIONS[read.action]) if read.action in ACTIONS else read.action
    if read.scope is Scope.TEAM and read.team_name:
        what = f"{what} ({read.team_name})"
    own = read.role is Role.OWN_DEVICE
    who = say.gettext(_ROLES[Role.OWN_DEVICE]) if own else read.name
    role = "" if own or not _ROLES[read.role] else say.gettext(_ROLES[read.role])
    return ReadLine(say.moment(read.at, now), who, role, what, _span(say, read.first, read.last), read.refused)


def _span(say: Speech, first: date | None, last: date | None) -> str:
    if first is None or last is None:
        return ""
    return say.short_day(first) if first == last else f"{say.short_day(first)} – {say.short_day(last)}"


def _own_day(say: Speech, day: Day, now: float) -> OwnDay:
    totals = {state: sum(quarter.seconds[state] for quarter in day.quarter_hours) for state in STATES}
    observed = sum(seconds for state, seconds in totals.items() if state != "not_observed")
    return OwnDay(
        iso=day.day.isoformat(),
        label=say.short_day(day.day),
        times=tuple(say.duration(totals[state]) if totals[state] else "–" for state in STATES),
        observed=say.duration(observed),
        closes=say.moment(day.corrections_close_at, now),
        seen=say.moment(day.managers_see_it_at, now),
        open=not day.fixed and now < day.corrections_close_at,
        counted=day.team is not None and observed >= _ENOUGH,
        corrections=tuple(
            Correction(
                f"{say.clock(one.start)}–{say.clock(one.end)}",
                say.gettext(STATE_NAMES.get(one.counts_as, one.counts_as)),
                one.note,
                say.gettext(_CORRECTED[one.state]),
            )
            for one in day.corrections
        ),
    )


def _team_line(say: Speech, row: PageRow) -> TeamLine:
    when = say.short_day(row.day)
    if row.start is not None and row.end is not None:
        when = f"{when}, {say.clock(row.start.timestamp())}–{say.clock(row.end.timestamp())}"
    numbers = row.numbers
    return TeamLine(
        when=when,
        people=numbers.people.replace("-", "–") if numbers else "",
        shares=_shares(say, numbers) if numbers else (),
        coverage=_told(say, numbers.coverage.percent) if numbers else "",
        explanation=say.gettext(row.explanation) if row.explanation else "",
        notes=(*row.notes, *_marks(say, row)),
    )


def _marks(say: Speech, row: PageRow) -> Iterable[str]:
    if row.corrected:
        yield say.gettext("Somebody's correction went into it.")


def _shares(say: Speech, numbers: Numbers) -> tuple[str, ...]:
    return tuple(_told(say, numbers.shares[state].percent) if state in numbers.shares else "–" for state in SHARED)


def _told(say: Speech, percent: int) -> str:
    """A published percentage: the ends say that they are ends."""
    said = say.percent(percent / 100)
    if percent <= 5:
        return f"≤ {said}"
    return f"≥ {said}" if percent >= 95 else said
