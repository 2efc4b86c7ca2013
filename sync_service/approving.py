"""Putting people into teams: asked for by one administrator, agreed to by another, carried out with the agreement.

`db` speaks as framekeep_admin, `now` is in epoch seconds, ids of requests are made by who asks, so that asking twice is
asking once. What takes effect is in the access log in the same transaction, and so in the log of the person concerned.
Raises RequestError with a sentence and a stable code.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import cast

from sync_service import access_log, approval, people
from sync_service.access_log import Entry
from sync_service.approval import LAPSE_SECONDS, Administrator, Asked, Decision, Kind, Undecidable
from sync_service.people import RequestError
from sync_service.ports import Database, Row

ALONE = "set up before anything was measured: one administrator is enough"
"""Why it was allowed, in the access log."""
AGREED = "agreed by two administrators"
"""Without their names, which an erasure of one of them would have to find: the approval knows both accounts."""
ON_THE_MACHINE = "on the service's own machine"
EFFECTS: dict[Kind, str] = {"person_add": "person_added", "person_move": "person_moved"}
"""What stands in the access log once it has taken effect."""

_WHY = {
    "own_request": (
        "you asked for this yourself, or an account of yours did: another administrator has to agree; you may take it back"
    ),
    "already_decided": "this has been decided already; load the list of approvals to see how",
    "lapsed": f"nobody decided on this within {LAPSE_SECONDS // 86400} days, so it is void; ask for it again",
    "asker_left": "who asked for this is no administrator any more; refuse it and ask for it yourself",
}


@dataclass(frozen=True, slots=True)
class By:
    """The administrator acting: as the rule knows them, and by the name the access log shows."""

    who: Administrator
    name: str


def ask_to_add(
    db: Database, org: str, by: By | None, *, request: str, name: str, team: str, since: date | None = None, now: int
) -> Row:
    """Ask that somebody new comes into `team`. `request` becomes their id. Answers the row of `listed`; carried out at
    once before anything was measured. `since`: the month's first day (see `people.joining_month`). `by` is None on the
    service's own machine, which is enough only before the first measurement.
    """
    people.check_name(name)
    with db.transaction() as tx:
        month = people.joining_month(tx, org, team, since, now=now)
        asked = _ask(tx, org, by, "person_add", request, request, team, name=name, since=since, now=now)
        if asked is not None and not asked.measured:
            _take_effect(tx, org, by, request, asked, name, month, ALONE, now=now)
        return _one(tx, org, request, now)


def ask_to_move(db: Database, org: str, by: By | None, *, request: str, person: str, team: str, now: int) -> Row:
    """Ask that a person comes into another team; otherwise like `ask_to_add`."""
    with db.transaction() as tx:
        people.team_zone(tx, org, team)
        people.check_person(tx, org, person)
        asked = _ask(tx, org, by, "person_move", request, person, team, name=None, since=None, now=now)
        if asked is not None and not asked.measured:
            _take_effect(tx, org, by, request, asked, None, None, ALONE, now=now)
        return _one(tx, org, request, now)


def decide(db: Database, org: str, by: By, request: str, decision: Decision, *, now: int) -> Row:
    """Agree or refuse. The same word of the same administrator again changes nothing."""
    with db.transaction() as tx:
        rows = tx.run(
            """select a.act, a.person::text as person, a.team::text as team, a.person_name, a.since::text as since,
                 a.asked_by::text as asked_by, m.person::text as asked_by_person, a.measured,
                 extract(epoch from a.asked_at)::bigint as asked_at, a.decision, a.decided_by::text as decided_by
               from approval a left join manager m on m.id = a.asked_by
               where a.id = :id and a.org = :org for update of a""",
            id=request,
            org=org,
        )
        if not rows:
            raise RequestError(f"nothing with the id {request} waits; load the list of approvals", "unknown_approval")
        row, asked = rows[0], _asked(rows[0])
        try:
            ruling = approval.decide(asked, by.who, decision, now, administrators(tx, org))
        except Undecidable as error:
            raise RequestError(_WHY[str(error)], str(error)) from None
        if ruling.new and ruling.state == "approved":
            since = date.fromisoformat(row["since"]) if row["since"] else None
            month = None
            if asked.kind == "person_add":
                first = people.joining_month(tx, org, asked.team, None, now=now)
                month = max(first, since or first)
            _take_effect(tx, org, by, request, asked, row["person_name"], month, AGREED, now=now)
        elif ruling.new:
            _decided(tx, request, "refused", by, None, now=now)
        return _one(tx, org, request, now)


def listed(tx: Database, org: str, *, now: int, after: tuple[int, str] | None = None, limit: int = 10_000) -> list[Row]:
    """What was asked for, newest first, from behind `after` (asked_at, id) on: who asked, what has become of it, and
    since when the person counts as a member. `alone`: one administrator was enough; `nobody_to_agree`: it waits, and the
    organisation has no other administrator.
    """
    if after is None:
        return _rows(tx, org, now, limit)
    at, last = after
    return _rows(tx, org, now, limit, "and (a.asked_at, a.id) < (to_timestamp(:at), cast(:id as text))", at=at, id=last)


def person_of(tx: Database, org: str, request: str) -> str | None:
    """Whom a request of this organisation is about, where they exist already."""
    rows = tx.run(
        """select a.person::text as person from approval a join person p on p.id = a.person
           where a.id = :id and a.org = :org""",
        id=request,
        org=org,
    )
    return rows[0]["person"] if rows else None


def administrators(tx: Database, org: str) -> list[Administrator]:
    """Who holds the office now."""
    rows = tx.run(
        """select id::text as id, person::text as person from manager
           where org = :org and role = 'admin' and revoked_at is null""",
        org=org,
    )
    return [Administrator(row["id"], row["person"]) for row in rows]


def _ask(
    tx: Database,
    org: str,
    by: By | None,
    kind: Kind,
    request: str,
    person: str,
    team: str,
    *,
    name: str | None,
    since: date | None,
    now: int,
) -> Asked | None:
    """Note what is asked for; None when it was asked for before, in the same words."""
    measured = people.has_data(tx, org)
    if by is None and not approval.at_once(measured):
        raise RequestError(
            "this needs two administrators, because the organisation has been measured: say which one you are with --as,"
            " see framekeep-sync admin reader list",
            "who_asks",
        )
    facts = {
        "org": org,
        "act": kind,
        "person": person,
        "name": name,
        "team": team,
        "since": since.isoformat() if since else None,
    }
    new = tx.run(
        """insert into approval (id, org, act, person, person_name, team, since, asked_by, asked_at, measured)
           values (:id, :org, :act, :person, :name, :team, cast(:since as date), :by, to_timestamp(:now), :measured)
           on conflict do nothing returning 1 as one""",
        id=request,
        by=by.who.id if by else None,
        now=now,
        measured=measured,
        **facts,
    )
    if new:
        return Asked(kind, person, team, by.who if by else None, now, measured)
    same = tx.run(
        """select 1 as one from approval where id = :id and org = :org and act = :act and person = :person
             and team = :team and person_name is not distinct from cast(:name as text)
             and since is not distinct from cast(:since as date)""",
        id=request,
        **facts,
    )
    if not same:
        raise RequestError("this id stands for something else already; make a new one", "id_taken")
    return None


def _take_effect(
    tx: Database,
    org: str,
    by: By | None,
    request: str,
    asked: Asked,
    name: str | None,
    month: date | None,
    why: str,
    *,
    now: int,
) -> None:
    if asked.kind == "person_add":
        assert name is not None and month is not None
        people.add_person(tx, org, asked.person, name, asked.team, month, now=now)
    else:
        month = people.move_person(tx, org, asked.person, asked.team, now=now)
    _decided(tx, request, "approved", by if asked.measured else None, month, now=now)
    access_log.write(tx, org, entry(by, EFFECTS[asked.kind], why, person=asked.person), now=now)


def entry(by: By | None, action: str, why: str, *, person: str | None = None) -> Entry:
    """The access log's entry for what an administrator did; `by` is None on the service's own machine."""
    if by is None:
        return Entry("operator", ON_THE_MACHINE, action, why, person=person)
    return Entry(by.who.id, by.name, action, why, person=person, role="admin")


def _decided(tx: Database, request: str, decision: str, by: By | None, month: date | None, *, now: int) -> None:
    tx.run(
        """update approval set decision = :decision, decided_by = :by, decided_at = to_timestamp(:now),
             counts_from = cast(:month as date) where id = :id""",
        id=request,
        decision=decision,
        by=by.who.id if by else None,
        now=now,
        month=month.isoformat() if month else None,
    )


def _one(tx: Database, org: str, request: str, now: int) -> Row:
    return _rows(tx, org, now, 1, "and a.id = :id", id=request)[0]


def _rows(tx: Database, org: str, now: int, limit: int, condition: str = "", **values: int | str) -> list[Row]:
    rows = tx.run(
        f"""select a.id::text as id, a.act, a.person::text as person, coalesce(p.name, a.person_name) as person_name,
              a.team::text as team, t.name as team_name, extract(epoch from a.asked_at)::bigint as asked_at,
              a.asked_by::text as asked_by, r.name as asked_by_name, r.person::text as asked_by_person, a.measured,
              a.decision, a.decided_by::text as decided_by, d.name as decided_by_name,
              extract(epoch from a.decided_at)::bigint as decided_at, a.counts_from::text as counts_from
            from approval a join team t on t.id = a.team left join person p on p.id = a.person
              left join manager r on r.id = a.asked_by left join manager d on d.id = a.decided_by
            where a.org = :org {condition}
            order by a.asked_at desc, a.id desc limit :limit""",
        org=org,
        limit=limit,
        **values,
    )
    holders = administrators(tx, org)
    return [_told(row, holders, now) for row in rows]


def _told(row: Row, holders: Sequence[Administrator], now: int) -> Row:
    asked = _asked(row)
    state = approval.state_of(asked, now)
    hidden = ("measured", "decision", "asked_by_person")
    return {
        **{name: value for name, value in row.items() if name not in hidden},
        "state": state,
        "nobody_to_agree": state == "waiting" and approval.nobody_else(asked.by, holders),
        "lapses_at": asked.asked_at + LAPSE_SECONDS,
        "alone": not asked.measured,
    }


def _asked(row: Row) -> Asked:
    by = Administrator(row["asked_by"], row["asked_by_person"]) if row["asked_by"] else None
    return Asked(
        cast(Kind, row["act"]),
        row["person"],
        row["team"],
        by,
        row["asked_at"],
        row["measured"],
        row["decision"],
        row["decided_by"],
    )
