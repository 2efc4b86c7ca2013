"""What the service answers about the employee whose laptop asks, as typed values. Pure.

Instants are epoch seconds, days are dates in the zone the answer names. What a newer service adds is passed over; what
is missing or of another kind raises ValueError, KeyError or TypeError.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from agent.fields import maybe_day, maybe_text, read_day, read_integer, read_text
from agent.team_page import TeamPage
from agent.wire.summary import STATES

Json = Mapping[str, Any]


class Role(StrEnum):
    """As whom somebody read."""

    ADMIN = "admin"
    MANAGER = "manager"
    AUDITOR = "auditor"
    PROGRAM = "integration"
    """A program with a token for one thing."""
    OWN_DEVICE = "own_device"
    """A laptop of the employee's own: if it was not them, they see it here."""
    UNKNOWN = "unknown"
    """A role this version does not know, or an entry from before roles were kept."""


class Scope(StrEnum):
    """About whom something was read."""

    ME = "me"
    TEAM = "team"
    DEVICES = "devices"
    """The list of everybody's laptops, by day."""


@dataclass(frozen=True, slots=True)
class Read:
    """Somebody read something about the employee, or of a team they count in, or changed where they count, at `at`.
    `action` is what: team_summary, person_summary, devices, export, erasure_requested, erasure_cancelled, people_edit,
    approve, person_added, person_moved, codes; `refused`: they tried and got nothing.
    `first` and `last` are the days asked about. `why` is the service's sentence on why it was allowed.
    """

    at: int
    reader: str
    name: str
    role: Role
    action: str
    refused: bool
    scope: Scope
    team: str | None
    team_name: str | None
    first: date | None
    last: date | None
    why: str

    @classmethod
    def parse(cls, row: Json) -> Read:
        """From an entry of the access log."""
        whole, reader, team = read_text(row["action"]), read_text(row["reader"]), maybe_text(row["team"])
        action = whole.removesuffix("_refused")
        scope = Scope.DEVICES if action == "devices" else Scope.TEAM if team else Scope.ME
        role = Role.OWN_DEVICE if reader == "self" else _role(row.get("reader_role"))
        return cls(
            at=read_integer(row["at"]),
            reader=reader,
            name=read_text(row["reader_name"]),
            role=role,
            action=action,
            refused=action != whole,
            scope=scope,
            team=team,
            team_name=maybe_text(row.get("team_name")),
            first=maybe_day(row["from_day"]),
            last=maybe_day(row["to_day"]),
            why=read_text(row["allowed_because"]),
        )


@dataclass(frozen=True, slots=True)
class AccessLog:
    """Reads, newest first; `more`: the service keeps older ones than it told."""

    reads: tuple[Read, ...]
    more: bool

    @classmethod
    def parse(cls, value: Json) -> AccessLog:
        """From the answer."""
        return cls(tuple(Read.parse(row) for row in value["entries"]), bool(value["more"]))


@dataclass(frozen=True, slots=True)
class QuarterHour:
    """The 900 s from `start` on: observed seconds of each attention state, as the service counted them."""

    start: int
    seconds: Mapping[str, int]

    @classmethod
    def parse(cls, row: Json) -> QuarterHour:
        """From a row of a day."""
        return cls(read_integer(row["start"]), {state: read_integer(row[state]) for state in STATES})


class CorrectionState(StrEnum):
    """What becomes of a correction."""

    WILL_COUNT = "will_count"
    """The day is not fixed yet; it goes into the team's number when it is."""
    COUNTED = "counted"
    """It went into the team's number."""
    TOO_LATE = "too_late"
    """The day was fixed already: it stands in the employee's own record only."""
    OWN_RECORD = "own_record"
    """The employee counts in no team on that day, so there is no number to change."""


@dataclass(frozen=True, slots=True)
class Correction:
    """The employee's word that the time from `start` to `end` counts as the state `counts_as`."""

    id: str
    start: int
    end: int
    counts_as: str
    note: str
    made_at: int
    state: CorrectionState

    @classmethod
    def parse(cls, row: Json, *, counted: bool, fixed: bool) -> Correction:
        """From a row of a day on which the employee is `counted` in a team or not, and which is `fixed` or not."""
        in_time = bool(row["in_time"])
        if not counted:
            state = CorrectionState.OWN_RECORD
        elif not in_time:
            state = CorrectionState.TOO_LATE
        else:
            state = CorrectionState.COUNTED if fixed else CorrectionState.WILL_COUNT
        return cls(
            id=read_text(row["id"]),
            start=read_integer(row["from"]),
            end=read_integer(row["to"]),
            counts_as=read_text(row["as"]),
            note=read_text(row["note"]),
            made_at=read_integer(row["made_at"]),
            state=state,
        )


@dataclass(frozen=True, slots=True)
class Day:
    """One day of the employee's own. `team` is the one whose numbers it counts in (None: in no team's); `fixed`: its
    number is computed and later corrections change it no more; corrections close at `corrections_close_at` and managers
    read the number from `managers_see_it_at` on.
    """

    day: date
    team: str | None
    team_name: str | None
    fixed: bool
    corrections_close_at: int
    managers_see_it_at: int
    quarter_hours: tuple[QuarterHour, ...]
    corrections: tuple[Correction, ...]

    @classmethod
    def parse(cls, row: Json) -> Day:
        """From a day of the answer."""
        team, fixed = maybe_text(row["team"]), bool(row["fixed"])
        return cls(
            day=read_day(row["day"]),
            team=team,
            team_name=maybe_text(row.get("team_name")),
            fixed=fixed,
            corrections_close_at=read_integer(row["corrections_close_at"]),
            managers_see_it_at=read_integer(row["managers_see_it_at"]),
            quarter_hours=tuple(QuarterHour.parse(one) for one in row["quarter_hours"]),
            corrections=tuple(
                Correction.parse(one, counted=team is not None, fixed=fixed) for one in row["corrections"]
            ),
        )


@dataclass(frozen=True, slots=True)
class Reports:
    """Own days from `first` to `last`, and the page of each team the employee counts in (one a month)."""

    first: date
    last: date
    time_zone: str
    days: tuple[Day, ...]
    teams: tuple[TeamPage, ...]

    @classmethod
    def parse(cls, value: Json) -> Reports:
        """From the answer."""
        return cls(
            first=read_day(value["from"]),
            last=read_day(value["to"]),
            time_zone=read_text(value["time_zone"]),
            days=tuple(Day.parse(row) for row in value["days"]),
            teams=tuple(TeamPage.parse(page) for page in value["teams"]),
        )


@dataclass(frozen=True, slots=True)
class KeptCorrection:
    """A correction the service keeps: about which day, whether it goes into the team's number, and until when that can
    be corrected.
    """

    id: str
    day: date
    changes_team_number: bool
    corrections_close_at: int

    @classmethod
    def parse(cls, value: Json) -> KeptCorrection:
        """From the answer."""
        closes = read_integer(value["corrections_close_at"])
        return cls(read_text(value["id"]), read_day(value["day"]), bool(value["changes_team_number"]), closes)


@dataclass(frozen=True, slots=True)
class Erasure:
    """An erasure asked for at `requested_at`, carried out from `due_at` on. `step`: held, revoked, drained, deleted, or
    cancelled.
    """

    id: str
    step: str
    requested_at: int
    due_at: int

    @property
    def can_be_cancelled(self) -> bool:
        """Whether it has not begun."""
        return self.step == "held"

    @classmethod
    def parse(cls, value: Json) -> Erasure:
        """From the answer."""
        return cls(
            read_text(value["id"]),
            read_text(value["step"]),
            read_integer(value["requested_at"]),
            read_integer(value["due_at"]),
        )


@dataclass(frozen=True, slots=True)
class Export:
    """Everything the service keeps under the employee's name: `raw` as it came, to be saved as a file, and the same
    read, lists of rows by name (`quarter_hours`, `corrections`, `access_log` ...).
    """

    raw: bytes
    value: Json


_READERS = (Role.ADMIN, Role.MANAGER, Role.AUDITOR, Role.PROGRAM)
"""Roles the service names; a laptop of one's own it names otherwise."""


def _role(value: object) -> Role:
    return Role(value) if isinstance(value, str) and value in _READERS else Role.UNKNOWN
