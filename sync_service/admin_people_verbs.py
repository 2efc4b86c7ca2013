"""What `framekeep-sync admin` does about people, who agrees to it, and enrolment codes.

Whoever has the service's machine is believed who they say they are (`--as`): against them stands the access log, in
which everything done here is written, and every colleague's list of their team.
"""

from __future__ import annotations

import argparse
import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from sync_service import access_log, approving, people, provision
from sync_service.approval import LAPSE_SECONDS, Administrator, Decision
from sync_service.approving import ON_THE_MACHINE, By
from sync_service.ports import Row
from sync_service.provision import Office, RequestError

Told = Mapping[str, Any]


def _person_add(office: Office, options: argparse.Namespace, now: int) -> Told:
    org = provision.the_organisation(office, options.org)
    team = provision.the_team(office, org, options.team)
    row = approving.ask_to_add(
        office.database,
        org,
        acting(office, org, options.acting),
        request=secrets.token_hex(16),
        name=options.name,
        team=team["id"],
        since=options.since,
        now=now,
    )
    return _told(row, {"name": options.name, "team": team["name"]})


def _person_move(office: Office, options: argparse.Namespace, now: int) -> Told:
    org = provision.the_organisation(office, options.org)
    team = provision.the_team(office, org, options.team)
    row = approving.ask_to_move(
        office.database,
        org,
        acting(office, org, options.acting),
        request=secrets.token_hex(16),
        person=provision.the_person(office, org, options.person),
        team=team["id"],
        now=now,
    )
    return _told(row, {"team": team["name"]})


def _told(row: Row, facts: Told) -> Told:
    if row["state"] == "approved":
        return {
            "person": row["person"],
            **facts,
            "counts_from": row["counts_from"][:7],
            **(
                {"_": "One administrator was enough, since nothing was measured yet; the log says so."}
                if row["alone"]
                else {}
            ),
        }
    advice = (
        "Another administrator has to agree, and there is none: make one with `framekeep-sync admin token new --role"
        " admin` or `admin reader add --role admin`, for another person."
        if row["nobody_to_agree"]
        else f"Another administrator has to agree within {LAPSE_SECONDS // 86400} days: `framekeep-sync admin approval"
        f" approve {row['id']} --as READER`, or in the dashboard."
    )
    return {"approval": row["id"], **facts, "state": row["state"], "_": advice}


def _person_list(office: Office, options: argparse.Namespace, _: int) -> Told:
    org = provision.the_organisation(office, options.org)
    return {
        "people": office.database.run(
            """select p.id::text as id, p.name, t.name as team, to_char(m.month, 'YYYY-MM') as since
               from person p left join lateral (
                 select * from membership m where m.person = p.id order by m.month desc limit 1) m on true
               left join team t on t.id = m.team where p.org = :org order by p.name, p.id""",
            org=org,
        )
    }


def _approve(office: Office, options: argparse.Namespace, now: int) -> Told:
    return _decide(office, options, "approve", now)


def _refuse(office: Office, options: argparse.Namespace, now: int) -> Told:
    return _decide(office, options, "refuse", now)


def _decide(office: Office, options: argparse.Namespace, decision: Decision, now: int) -> Told:
    org = provision.the_organisation(office, options.org)
    by = acting(office, org, options.acting)
    assert by is not None  # the option is required
    row = approving.decide(office.database, org, by, options.approval, decision, now=now)
    counts = {"counts_from": row["counts_from"][:7]} if row["counts_from"] else {}
    return {"approval": row["id"], "person": row["person"], "team": row["team_name"], "state": row["state"], **counts}


def _approval_list(office: Office, options: argparse.Namespace, now: int) -> Told:
    org = provision.the_organisation(office, options.org)
    with office.database.transaction() as tx:
        rows = approving.listed(tx, org, now=now)
    names = ("id", "act", "person_name", "team_name", "state", "asked_by_name", "decided_by_name", "alone")
    return {"approvals": [{name: row[name] for name in names} for row in rows]}


def _code_new(office: Office, options: argparse.Namespace, now: int) -> Told:
    org = provision.the_organisation(office, options.org)
    person = provision.the_person(office, org, options.person)
    with office.database.transaction() as tx:
        made = people.new_code(tx, org, person, now=now)
        access_log.write(tx, org, approving.entry(None, "codes", ON_THE_MACHINE, person=person), now=now)
    return {
        "code": made.code,
        "person": made.person,
        "expires": datetime.fromtimestamp(made.expires, UTC).isoformat(),
        "_": "Give it to this person only; they type `framekeep enroll CODE --server URL`, with the "
        "address of the organisation's endpoint. It works once and is shown once.",
    }


def _code_withdraw(office: Office, options: argparse.Namespace, _: int) -> Told:
    org = provision.the_organisation(office, options.org)
    with office.database.transaction() as tx:
        people.withdraw_code(tx, org, options.code)
    return {"code": options.code, "withdrawn": True}


def _code_list(office: Office, options: argparse.Namespace, _: int) -> Told:
    org = provision.the_organisation(office, options.org)
    with office.database.transaction() as tx:
        rows = people.list_codes(tx, org)
    names = {"id": "id", "person": "person", "expires": "expires_at", "used": "used"}
    return {"codes": [{name: row[column] for name, column in names.items()} for row in rows]}


def acting(office: Office, org: str, wanted: str | None) -> By | None:
    """The administrator named or numbered `wanted`; None when nobody says."""
    if wanted is None:
        return None
    rows = office.database.run(
        """select id::text as id, name, person::text as person from manager
           where org = :org and role = 'admin' and revoked_at is null and (id = :wanted or name = :wanted)""",
        org=org,
        wanted=wanted,
    )
    if len(rows) != 1:
        several = f"{len(rows)} administrators are called" if rows else "there is no administrator"
        raise RequestError(f"{several} {wanted!r}; give the id, see framekeep-sync admin reader list")
    return By(Administrator(rows[0]["id"], rows[0]["person"]), rows[0]["name"])


PEOPLE_VERBS: Mapping[tuple[str, str], Callable[[Office, argparse.Namespace, int], Told]] = {
    ("person", "add"): _person_add,
    ("person", "move"): _person_move,
    ("person", "list"): _person_list,
    ("approval", "approve"): _approve,
    ("approval", "refuse"): _refuse,
    ("approval", "list"): _approval_list,
    ("code", "new"): _code_new,
    ("code", "withdraw"): _code_withdraw,
    ("code", "list"): _code_list,
}
"""As `admin_verbs.VERBS`."""
