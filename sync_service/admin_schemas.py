"""What administrators send and are answered about teams, people, codes and approvals (JSON Schema, for OpenAPI)."""

from __future__ import annotations

from sync_service.approval import DECISIONS, STATES
from sync_service.http import Schema
from sync_service.paging import NEXT
from sync_service.schemas import BOOLEAN, ID, INSTANT, MONTH, TEXT, closed, list_of, or_null

NEW_ID: Schema = {**ID, "description": "Made by the caller, at random: asking again with it is asking once."}
NAME: Schema = {"type": "string", "minLength": 1, "maxLength": 200, "description": "Printable characters."}
ZONE: Schema = {"type": "string", "examples": ["Europe/Berlin"], "description": "An IANA name."}

NEW_TEAM = closed(id=NEW_ID, name=NAME, time_zone=ZONE)
TEAM = closed(id=ID, name=TEXT, time_zone=TEXT)

NEW_PERSON: Schema = {
    **closed(
        id=NEW_ID, name=NAME, team=ID, since={**MONTH, "description": "A month's first day, next month or later."}
    ),
    "required": ["id", "name", "team"],
}
MOVE = closed(id=NEW_ID, team=ID)
PEOPLE = closed(
    people=list_of(
        closed(id=ID, name=TEXT, team=or_null(ID), team_name=or_null(TEXT), since=or_null(MONTH)),
    ),
    next=NEXT,
)

APPROVAL = closed(
    id=ID,
    act={"enum": ["person_add", "person_move"]},
    person={**ID, "description": "For somebody to be added, the id they will have."},
    person_name=TEXT,
    team=ID,
    team_name=TEXT,
    state={"enum": list(STATES)},
    asked_at=INSTANT,
    asked_by={**or_null(ID), "description": "Null where it was asked on the service's own machine."},
    asked_by_name=or_null(TEXT),
    lapses_at=INSTANT,
    decided_at=or_null(INSTANT),
    decided_by=or_null(ID),
    decided_by_name=or_null(TEXT),
    counts_from=or_null(MONTH),
    alone={**BOOLEAN, "description": "One administrator was enough, since nothing was measured yet."},
    nobody_to_agree={**BOOLEAN, "description": "It waits, and there is no other administrator who could agree."},
)
APPROVALS = closed(approvals=list_of(APPROVAL), next=NEXT)
DECISION = closed(decision={"enum": list(DECISIONS)})

NEW_CODE = closed(id=NEW_ID, person=ID)
CODE = closed(id=ID, code={**TEXT, "description": "Shown this once."}, person=ID, expires_at=INSTANT)
CODES = closed(
    codes=list_of(
        closed(id=ID, person=ID, person_name=TEXT, created_at=INSTANT, expires_at=INSTANT, used=BOOLEAN),
    ),
    next=NEXT,
)
WITHDRAWN = closed(id=ID, withdrawn=BOOLEAN)
