"""Teams, people, memberships and enrolment codes: what an administrator changes, one plain function a change.

`tx` is a transaction as framekeep_admin; `now` is in epoch seconds. A wrong request raises RequestError. Who has to agree
before somebody joins or moves is `approving.py`'s; here it is carried out.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo, available_timezones

from agent.wire.enrolment import LIFETIME_SECONDS, EnrolmentCode
from sync_service.errors import ServiceError
from sync_service.ports import Database, Row
from sync_service.timetable import local_day, month_of, next_month


class RequestError(ServiceError):
    """What was asked for cannot be done as asked; the message says what can, `code` is the stable word for programs."""

    exit_code = 2

    def __init__(self, message: str, code: str = "malformed") -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class IssuedCode:
    """A one-time code as it is given to a person, once. `id` names it without showing it."""

    code: str
    person: str
    expires: int
    id: str


def create_team(tx: Database, org: str, name: str, time_zone: str, *, now: int, team: str | None = None) -> str:
    """A new team, its days in `time_zone` (an IANA name such as Europe/Berlin); answers its id, `team` where it is
    given: asking for the same team twice makes one.
    """
    check_name(name)
    if time_zone not in available_timezones():
        raise RequestError(f"{time_zone!r} is no time zone; use a name such as Europe/Berlin", "unknown_time_zone")
    wanted = team or secrets.token_hex(16)
    made = tx.run(
        """insert into team (id, org, name, time_zone, created_at) values (:id, :org, :name, :zone, to_timestamp(:now))
           on conflict do nothing returning id""",
        id=wanted,
        org=org,
        name=name,
        zone=time_zone,
        now=now,
    )
    if made:
        return wanted
    if team and tx.run(
        "select 1 as one from team where id = :id and org = :org and name = :name and time_zone = :zone",
        id=team,
        org=org,
        name=name,
        zone=time_zone,
    ):
        return team
    if tx.run("select 1 as one from team where org = :org and name = :name", org=org, name=name):
        raise RequestError(f"there is a team {name!r} already; choose another name", "name_taken")
    raise RequestError("this id stands for something else already; make a new one", "id_taken")


def joining_month(tx: Database, org: str, team: str, since: date | None, *, now: int) -> date:
    """The month (its first day) from which somebody added now belongs to `team`.

    That is next month, so that nobody joins a number in the middle of a month; only while the organisation has never
    been measured may it be the present month (the default then) or a past one. Once there is a measurement, who
    belonged where is no longer to be chosen.
    """
    present = month_of(local_day(now, team_zone(tx, org, team)))
    measured = has_data(tx, org)
    month = since or (next_month(present) if measured else present)
    if month.day != 1:
        raise RequestError("people are counted by whole months; give a month's first day", "whole_months_only")
    if measured and month <= present:
        raise RequestError(
            f"people are counted from the next month on ({next_month(present):%Y-%m}), because this organisation "
            "has been measured already",
            "month_has_begun",
        )
    return month


def add_person(tx: Database, org: str, person: str, name: str, team: str, month: date, *, now: int) -> None:
    """A new person of the id `person`, who belongs to `team` from `month` on (see `joining_month`)."""
    check_name(name)
    made = tx.run(
        """insert into person (id, org, name, created_at) values (:id, :org, :name, to_timestamp(:now))
           on conflict do nothing returning 1 as one""",
        id=person,
        org=org,
        name=name,
        now=now,
    )
    if not made:
        raise RequestError("this id stands for something else already; make a new one", "id_taken")
    _join(tx, org, person, team, month)


def move_person(tx: Database, org: str, person: str, team: str, *, now: int) -> date:
    """Put a person into another team; answers the month (its first day) from which they count there."""
    places = [team_zone(tx, org, team)]
    check_person(tx, org, person)
    rows = tx.run(
        "select distinct t.time_zone from membership m join team t on t.id = m.team where m.person = :person",
        person=person,
    )
    places += [ZoneInfo(row["time_zone"]) for row in rows]
    # The month must not have begun in any of the zones they are counted in.
    month = max(next_month(month_of(local_day(now, place))) for place in places)
    tx.run(
        "delete from membership where person = :person and month >= cast(:month as date)",
        person=person,
        month=month.isoformat(),
    )
    _join(tx, org, person, team, month)
    return month


def new_code(tx: Database, org: str, person: str, *, now: int, request: str | None = None) -> IssuedCode:
    """A one-time enrolment code for a person's laptop, good for 72 hours. Only a hash of it is kept, so asking again
    with the same `request` id is refused (`already_made`): it can be shown once.
    """
    check_person(tx, org, person)
    root = tx.run("select root_public from organisation where id = :org", org=org)[0]["root_public"]
    code = EnrolmentCode.new(root)
    made = tx.run(
        """insert into code (id, org, person, secret_hash, created_at, expires_at, request)
           values (:id, :org, :person, :hash, to_timestamp(:now), to_timestamp(:expires), :request)
           on conflict do nothing returning 1 as one""",
        id=code.code_id,
        org=org,
        person=person,
        hash=code.secret_hash,
        now=now,
        expires=now + LIFETIME_SECONDS,
        request=request,
    )
    if not made:
        raise RequestError(
            "a code was made for this request already and is shown once; withdraw it and ask for another one",
            "already_made",
        )
    return IssuedCode(str(code), person, now + LIFETIME_SECONDS, code.code_id)


def withdraw_code(tx: Database, org: str, code: str) -> None:
    """Make an unused code worthless. Raises RequestError `unknown_code`, or `code_used`: then the laptop is revoked."""
    rows = tx.run("select used_at is not null as used from code where id = :id and org = :org", id=code, org=org)
    if not rows:
        raise RequestError(f"there is no code {code}; see framekeep-sync admin code list", "unknown_code")
    gone = tx.run(
        "delete from code where id = :id and org = :org and used_at is null returning 1 as one", id=code, org=org
    )
    if not gone:
        raise RequestError("the code was used already; revoke the laptop instead", "code_used")


def list_people(tx: Database, org: str, *, after: str = "", limit: int = 10_000) -> list[Row]:
    """People by id from `after` on: id, name, team and team_name of their latest membership, and since which month."""
    return tx.run(
        """select p.id::text as id, p.name, m.team::text as team, t.name as team_name, m.month::text as since
           from person p left join lateral (
             select * from membership m where m.person = p.id order by m.month desc limit 1) m on true
           left join team t on t.id = m.team where p.org = :org and p.id > :after order by p.id limit :limit""",
        org=org,
        after=after,
        limit=limit,
    )


def list_codes(tx: Database, org: str, *, after: str = "", limit: int = 10_000) -> list[Row]:
    """Codes by id from `after` on, without the codes themselves; times are epoch seconds."""
    return tx.run(
        """select c.id::text as id, c.person::text as person, p.name as person_name,
             extract(epoch from c.created_at)::bigint as created_at, extract(epoch from c.expires_at)::bigint as expires_at,
             c.used_at is not null as used
           from code c join person p on p.id = c.person
           where c.org = :org and c.id > :after order by c.id limit :limit""",
        org=org,
        after=after,
        limit=limit,
    )


def team_zone(tx: Database, org: str, team: str) -> ZoneInfo:
    """The time zone of a team of this organisation. Raises RequestError."""
    rows = tx.run("select time_zone from team where id = :team and org = :org", team=team, org=org)
    if not rows:
        raise RequestError(f"there is no team {team}; see framekeep-sync admin team list", "unknown_team")
    return ZoneInfo(rows[0]["time_zone"])


def is_person(tx: Database, org: str, person: str) -> bool:
    """Whether somebody of this organisation has this id."""
    return bool(tx.run("select 1 as one from person where id = :person and org = :org", person=person, org=org))


def person_of_code(tx: Database, org: str, code: str) -> str | None:
    """Whom a code of this organisation is for; None when there is no such code."""
    rows = tx.run("select person::text as person from code where id = :id and org = :org", id=code, org=org)
    return rows[0]["person"] if rows else None


def check_person(tx: Database, org: str, person: str) -> None:
    """Raise RequestError unless the person belongs to this organisation."""
    if not is_person(tx, org, person):
        raise RequestError(f"there is no person {person}; see framekeep-sync admin person list", "unknown_person")


def has_data(tx: Database, org: str) -> bool:
    """Whether anything was ever measured in the organisation."""
    return bool(tx.run("select organisation_has_data(:org) as measured", org=org)[0]["measured"])


def check_name(name: str) -> None:
    """Raise RequestError for a name nobody could read."""
    if not 1 <= len(name.strip()) <= 200 or len(name) > 200 or not name.isprintable():
        raise RequestError("a name is 1 to 200 printable characters", "bad_name")


def _join(tx: Database, org: str, person: str, team: str, month: date) -> None:
    tx.run(
        "insert into membership (org, person, month, team) values (:org, :person, cast(:month as date), :team)",
        org=org,
        person=person,
        month=month.isoformat(),
        team=team,
    )
