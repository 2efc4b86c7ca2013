"""The page managers see of the employee's team, and who is in it, as typed values. Pure; see own_answers.py."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from agent.fields import maybe_day, maybe_text, maybe_time, read_day, read_integer, read_text


@dataclass(frozen=True, slots=True)
class Share:
    """A percentage as it is published: `percent` 5 to 95 in fives, `text` as it is shown ("5 or less")."""

    percent: int
    text: str

    @classmethod
    def parse(cls, value: Mapping[str, Any]) -> Share:
        """From a share of a page."""
        return cls(read_integer(value["percent"]), read_text(value["text"]))


@dataclass(frozen=True, slots=True)
class Numbers:
    """What stands behind a row: its length, the band of people (5-7, 8-11, 12+), shares by state, and how much of the
    time something was observed.
    """

    minutes: int
    people: str
    shares: Mapping[str, Share]
    coverage: Share

    @classmethod
    def parse(cls, value: Mapping[str, Any]) -> Numbers | None:
        """From a row or a total; None for a row without numbers."""
        if value["shares"] is None:
            return None
        shares = {str(state): Share.parse(one) for state, one in value["shares"].items()}
        return cls(read_integer(value["minutes"]), read_text(value["people"]), shares, Share.parse(value["coverage"]))


@dataclass(frozen=True, slots=True)
class PageRow:
    """A row of the managers' page: a block of a day, or a day with none and the sentence why. `status` is released,
    suppressed, withdrawn or not_released; `corrected`: somebody's correction went into it.
    """

    day: date
    start: datetime | None
    end: datetime | None
    status: str
    explanation: str | None
    numbers: Numbers | None
    corrected: bool
    notes: tuple[str, ...]

    @classmethod
    def parse(cls, row: Mapping[str, Any]) -> PageRow:
        """From a row of the page."""
        return cls(
            day=read_day(row["day"]),
            start=maybe_time(row["start"]),
            end=maybe_time(row["end"]),
            status=read_text(row["status"]),
            explanation=maybe_text(row["explanation"]),
            numbers=Numbers.parse(row),
            corrected=bool(row["corrected"]),
            notes=tuple(read_text(note) for note in row["notes"]),
        )


@dataclass(frozen=True, slots=True)
class TeamPage:
    """The very page managers see of the employee's team, from the moment its numbers are fixed. `rule` says in words how
    the numbers come about, `k` how many people a number rests on at least; `answer` is the page as the service gave it.
    """

    team: str
    time_zone: str
    first: date
    last: date
    k: int
    rule: str
    rows: tuple[PageRow, ...]
    total: Numbers | None
    answer: Mapping[str, Any]

    @classmethod
    def parse(cls, value: Mapping[str, Any]) -> TeamPage:
        """From a page of the answer."""
        return cls(
            team=read_text(value["team"]),
            time_zone=read_text(value["time_zone"]),
            first=read_day(value["from"]),
            last=read_day(value["to"]),
            k=read_integer(value["rule"]["k"]),
            rule=read_text(value["rule"]["text"]),
            rows=tuple(PageRow.parse(row) for row in value["rows"]),
            total=None if value["total"] is None else Numbers.parse(value["total"]),
            answer=value,
        )


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody in the employee's team, `me` where it is the employee. `standing`: counted, not_yet, joins, reads or
    left_out (a newer service may know more); `since` is the month's first day from which it holds, where that is known.
    """

    name: str
    me: bool
    standing: str
    since: date | None

    @classmethod
    def parse(cls, value: Mapping[str, Any]) -> Member:
        """From a member of the answer."""
        return cls(read_text(value["name"]), bool(value["me"]), read_text(value["standing"]), maybe_day(value["since"]))


@dataclass(frozen=True, slots=True)
class OwnTeam:
    """Who is in the employee's team (None: in none). Somebody new counts after `days_needed` days with at least
    `minutes_needed` observed minutes each; the employee has `active_days` of them and counts since `counts_since`.
    """

    team: str | None
    name: str | None
    members: tuple[Member, ...]
    counts_since: date | None
    active_days: int
    days_needed: int
    minutes_needed: int

    @classmethod
    def parse(cls, value: Mapping[str, Any]) -> OwnTeam:
        """From the answer."""
        return cls(
            team=maybe_text(value["team"]),
            name=maybe_text(value["team_name"]),
            members=tuple(Member.parse(one) for one in value["members"]),
            counts_since=maybe_day(value["own"]["counts_since"]),
            active_days=read_integer(value["own"]["active_days"]),
            days_needed=read_integer(value["rule"]["active_days"]),
            minutes_needed=read_integer(value["rule"]["active_minutes"]),
        )
