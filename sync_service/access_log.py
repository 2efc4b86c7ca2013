"""Who read what, written before the answer is given: a read nobody can find out about does not happen.

`record` returns only after its own transaction has committed; if it raises, the caller answers 503 and shows nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sync_service.authz import Reader, enter
from sync_service.ports import Database, Row

MOST_ROWS = 1000
"""Most entries one answer carries, newest first."""
_FAR = 253_402_300_799
"""The end of the year 9999: behind it is every entry."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One read. About a `team` or a `person`, for the days from `first` to `last` where the question named days."""

    reader: str
    reader_name: str
    action: str
    allowed_because: str
    team: str | None = None
    person: str | None = None
    first: date | None = None
    last: date | None = None
    role: str | None = None
    scope: str | None = None


def by_reader(
    reader: Reader,
    action: str,
    why: str,
    *,
    team: str | None = None,
    person: str | None = None,
    days: tuple[date, date] | None = None,
) -> Entry:
    """The entry for a manager's, administrator's or auditor's read."""
    first, last = days or (None, None)
    return Entry(
        reader.id,
        reader.name,
        action,
        why,
        team=team,
        person=person,
        first=first,
        last=last,
        role=reader.role,
        scope=reader.scope,
    )


def by_self(person: str, action: str) -> Entry:
    """The entry for what somebody's own laptop asked for: if it was not them, they can see it."""
    return Entry("self", "your own device", action, "a device of this person", person=person)


def record(db: Database, org: str, entry: Entry, *, now: int) -> None:
    """Write an entry durably. Raises Unavailable or DatabaseError: then nothing may be shown."""
    with db.transaction() as tx:
        enter(tx, org)
        write(tx, org, entry, now=now)


def write(tx: Database, org: str, entry: Entry, *, now: int) -> None:
    """Write an entry that stands or falls with what else the transaction does."""
    tx.run(
        """insert into access_log (org, at, reader, reader_name, reader_role, reader_scope, action, team, person, from_day, to_day,
             allowed_because)
           values (:org, to_timestamp(:now), :reader, :name, :role, :scope, :action, :team, :person, cast(:first as date),
             cast(:last as date), :why)""",
        org=org,
        now=now,
        reader=entry.reader,
        name=entry.reader_name,
        role=entry.role,
        scope=entry.scope,
        action=entry.action,
        team=entry.team,
        person=entry.person,
        first=entry.first.isoformat() if entry.first else None,
        last=entry.last.isoformat() if entry.last else None,
        why=entry.allowed_because,
    )


def told(rows: list[Row]) -> dict[str, object]:
    """The answer for rows asked for with a limit of MOST_ROWS + 1: `more` says that older ones exist."""
    return {"entries": rows[:MOST_ROWS], "more": len(rows) > MOST_ROWS}


_COLUMNS = """extract(epoch from a.at)::bigint as at, a.reader, a.reader_name, a.reader_role, a.reader_scope,
  a.action, a.team::text as team, (select t.name from team t where t.id = a.team) as team_name,
  a.from_day::text as from_day, a.to_day::text as to_day, a.allowed_because"""


def about_person(tx: Database, person: str, *, limit: int = MOST_ROWS) -> list[Row]:
    """Every read about this person, newest first: of them alone, of a team for days of a month they counted in it, or
    of the list of everybody's devices.

    `tx` has entered the person's organisation.
    """
    # Each kind by an index of its own: asked for together, the whole organisation's log would be read.
    return tx.run(
        f"""select {_COLUMNS} from (
              (select p.* from access_log p where p.person = :person order by p.at desc, p.row desc limit :limit)
              union
              (select d.* from access_log d where d.action = 'devices' order by d.at desc, d.row desc limit :limit)
              union
              (select t.* from (select distinct m.team from cohort m where m.person = :person) m cross join lateral (
                 select r.* from access_log r where r.team = m.team and exists (
                   select from cohort c where c.person = :person and c.team = r.team
                     and c.month <= coalesce(r.to_day, r.at::date)
                     and c.month + interval '1 month' > coalesce(r.from_day, r.at::date))
                 order by r.at desc, r.row desc limit :limit) t)) a
            order by a.at desc, a.row desc limit :limit""",
        person=person,
        limit=limit,
    )


def of_organisation(
    tx: Database, first: date, last: date, *, limit: int = MOST_ROWS, behind: tuple[int, int] | None = None
) -> list[Row]:
    """Every read by a manager, administrator or auditor from `first` to `last` (UTC days), newest first; after a page,
    only those behind it (`place_of` its last row). Rows also have their `row`, which is nobody's to see: its gaps would
    tell how often people looked at what is theirs.

    What people's own devices asked for is theirs and not in it. `tx` has entered the organisation.
    """
    at, left = behind or (_FAR, 0)
    return tx.run(
        f"""select a.row, {_COLUMNS} from access_log a
            where a.reader <> 'self' and a.at >= cast(:first as timestamp) at time zone 'UTC'
              and a.at < (cast(:last as timestamp) + interval '1 day') at time zone 'UTC'
              and a.at <= to_timestamp(:at) and (a.at < to_timestamp(:at) or a.row in (
                select e.row from access_log e where e.reader <> 'self' and e.at = to_timestamp(:at)
                order by e.row limit :left))
            order by a.at desc, a.row desc limit :limit""",
        first=first.isoformat(),
        last=last.isoformat(),
        at=at,
        left=left,
        limit=limit,
    )


def place_of(tx: Database, row: Row) -> tuple[int, int]:
    """Where a page that ends with this row of `of_organisation` ends: its time, and how many entries of that second are
    older. Entries that come later change nothing about it.
    """
    found = tx.run(
        """select count(*) as older from access_log e
           where e.reader <> 'self' and e.at = to_timestamp(:at) and e.row < :row""",
        at=row["at"],
        row=row["row"],
    )
    return row["at"], found[0]["older"]
