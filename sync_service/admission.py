"""The one door for readers: who is asking, whether they may, and the trace of it, before anything is looked up.

Every handler for readers starts with `admit` (or with `known_reader` and then `admit_reader`, where what is asked about
has to be looked up first). What it lets in is in the access log before the handler goes on, and so is what it refuses:
a log that cannot be written lets nobody in (503).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date

from sync_service import access_log
from sync_service.authority import Authority, NotAuthenticated
from sync_service.authz import Action, Reader, enter, why_allowed
from sync_service.http import Refused, Request, refusal
from sync_service.ports import Database, Documents
from sync_service.timetable import Timing, month_of

REFUSED = "refused"
"""What the access log's `allowed_because` begins with where nothing was allowed; the action ends in `_refused`."""


@dataclass(frozen=True, slots=True)
class ManagerParts:
    """What the endpoints for readers need. `api` speaks as framekeep_api."""

    authority: Authority
    api: Database
    documents: Documents
    clock: Callable[[], int]
    timing: Timing = field(default_factory=Timing)


def known_reader(parts: ManagerParts, request: Request) -> Reader:
    """Who is asking. Raises Refused (401; on record where it is known whose token was refused), or Unavailable when that
    cannot be looked up or written down now.
    """
    now = parts.clock()
    try:
        reader = parts.authority.reader(request.headers.get("authorization"), now)
    except NotAuthenticated as error:
        if by := error.claimant:
            why = f"{REFUSED}: {error.why}"
            entry = access_log.Entry(by.id, by.name, "sign_in_refused", why, role=by.role, scope=by.scope)
            access_log.record(parts.api, by.org, entry, now=now)
        answer = refusal(401, "not_authenticated")
        challenge = {**answer.headers, "WWW-Authenticate": 'Bearer realm="framekeep"'}
        raise Refused(replace(answer, headers=challenge)) from None
    request.admitted(f"reader {reader.id}")
    return reader


def admit(
    parts: ManagerParts,
    request: Request,
    action: Action,
    *,
    team: str | None = None,
    person: str | None = None,
    days: tuple[date, date] | None = None,
) -> Reader:
    """The reader, once they may do this and the access log says that they do. `team`, `person`, `days`: what it is about.

    Raises Refused (401, 403), Unavailable or DatabaseError (503); only known ids may be given.
    """
    reader = known_reader(parts, request)
    admit_reader(parts, reader, action, team=team, person=person, days=days)
    return reader


def admit_reader(
    parts: ManagerParts,
    reader: Reader,
    action: Action,
    *,
    team: str | None = None,
    person: str | None = None,
    days: tuple[date, date] | None = None,
) -> None:
    """`admit` for a reader who is known already."""
    why = why_allowed(reader, action, team)
    error = None
    if why is None:
        error, why = "not_allowed", REFUSED
    elif action == "team_summary" and team and days and _was_counted(parts.api, reader, team, days):
        error, why = "counted_in_team", f"{REFUSED}: counted in this team then"
    done = f"{action}_refused" if error else action
    # A read about one person is that person's to see, not the whole team's.
    about = None if action == "person_summary" else team
    entry = access_log.by_reader(reader, done, why, team=about, person=person, days=days)
    access_log.record(parts.api, reader.org, entry, now=parts.clock())
    if error:
        raise Refused(refusal(403, error))


def _was_counted(db: Database, reader: Reader, team: str, days: tuple[date, date]) -> bool:
    """Whether the reader is in a cohort of this team in these days: they could subtract themselves."""
    if reader.person is None:
        return False
    with db.transaction() as tx:
        enter(tx, reader.org)
        rows = tx.run(
            """select 1 as one from cohort where person = :person and team = :team
               and month >= cast(:first as date) and month <= cast(:last as date) limit 1""",
            person=reader.person,
            team=team,
            first=month_of(days[0]).isoformat(),
            last=days[1].isoformat(),
        )
    return bool(rows)
