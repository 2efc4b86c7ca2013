"""What administrators do from afar: teams, enrolment codes, and deciding on what another administrator asked for.

Every act is in the access log before it is done, and what is about one person in that person's own log.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agent.wire.errors import WireError
from agent.wire.strict import hex_id, strict_json
from sync_service import approving, people
from sync_service.admin_schemas import (
    APPROVAL,
    APPROVALS,
    CODE,
    CODES,
    DECISION,
    NEW_CODE,
    NEW_TEAM,
    TEAM,
    WITHDRAWN,
)
from sync_service.admission import ManagerParts, admit, admit_reader, known_reader
from sync_service.approval import DECISIONS, Administrator
from sync_service.approving import By
from sync_service.authz import Action, Reader
from sync_service.http import Answer, Endpoint, Refused, Request, refusal, refuses
from sync_service.paging import asked_page, page_of, page_parameters
from sync_service.people import RequestError
from sync_service.ports import Database

MAX_BODY = 4096

REFUSES = {
    "s401": "not_authenticated: the token is missing, wrong, out of date or revoked",
    "s403": "not_allowed: administrators only",
    "s503": "unavailable: also when the access log cannot be written",
}
_STATUS = {
    "own_request": 403,
    "unknown_team": 404,
    "unknown_person": 404,
    "unknown_code": 404,
    "unknown_approval": 404,
    "name_taken": 409,
    "id_taken": 409,
    "already_made": 409,
    "code_used": 409,
    "already_decided": 409,
    "lapsed": 409,
    "asker_left": 409,
}


@dataclass(frozen=True, slots=True)
class AdminParts:
    """What these endpoints need: those of every reader, and `database` as framekeep_admin."""

    readers: ManagerParts
    database: Database


def admin_endpoints(parts: AdminParts) -> list[Endpoint]:
    """The lines of the table for administrators, people's left out."""

    def new_team(request: Request) -> Answer:
        reader = admit(parts.readers, request, "people_edit")
        with told():
            body = fields(request, "id", "name", "time_zone")
            with parts.database.transaction() as tx:
                team = people.create_team(
                    tx, reader.org, body["name"], body["time_zone"], now=parts.readers.clock(), team=body["id"]
                )
            return Answer(201, {"id": team, "name": body["name"], "time_zone": body["time_zone"]})

    def codes(request: Request) -> Answer:
        reader = known_reader(parts.readers, request)
        page = asked_page(request, str)
        admit_reader(parts.readers, reader, "codes")
        after = str(page.after[0]) if page.after else ""
        with parts.database.transaction() as tx:
            rows = people.list_codes(tx, reader.org, after=after, limit=page.limit + 1)
        return page_of(request, "codes", rows, page, lambda row: (row["id"],))

    def new_code(request: Request) -> Answer:
        reader = known_reader(parts.readers, request)
        body = read_fields(request, "id", "person")
        admit_about(parts, reader, "codes", body["person"])
        with told(), parts.database.transaction() as tx:
            made = people.new_code(tx, reader.org, body["person"], now=parts.readers.clock(), request=body["id"])
        return Answer(201, {"id": made.id, "code": made.code, "person": made.person, "expires_at": made.expires})

    def withdraw_code(request: Request) -> Answer:
        reader, code = known_reader(parts.readers, request), path_id(request, "code")
        with parts.database.transaction() as tx:
            person = people.person_of_code(tx, reader.org, code)
        admit_reader(parts.readers, reader, "codes", person=person)
        with told(), parts.database.transaction() as tx:
            people.withdraw_code(tx, reader.org, code)
        return Answer(200, {"id": code, "withdrawn": True})

    def approvals(request: Request) -> Answer:
        reader = known_reader(parts.readers, request)
        page = asked_page(request, int, str)
        admit_reader(parts.readers, reader, "people")
        after = (int(page.after[0]), str(page.after[1])) if page.after else None
        with parts.database.transaction() as tx:
            rows = approving.listed(tx, reader.org, now=parts.readers.clock(), after=after, limit=page.limit + 1)
        return page_of(request, "approvals", rows, page, lambda row: (row["asked_at"], row["id"]))

    def decide(request: Request) -> Answer:
        reader, asked = known_reader(parts.readers, request), path_id(request, "approval")
        decision = read_fields(request, "decision")["decision"]
        with parts.database.transaction() as tx:
            person = approving.person_of(tx, reader.org, asked)
        admit_reader(parts.readers, reader, "approve", person=person)
        if decision not in DECISIONS:
            raise Refused(refusal(400, "malformed"))
        with told():
            return Answer(
                200,
                approving.decide(parts.database, reader.org, by(reader), asked, decision, now=parts.readers.clock()),
            )

    return [
        Endpoint(
            "POST",
            "/v1/teams",
            new_team,
            "Make a team",
            {
                201: ("Made. The same id and words again: the same answer.", TEAM),
                **refuses(
                    s400="malformed, bad_name, unknown_time_zone",
                    s409="name_taken; id_taken: by something else",
                    s413="too_large",
                    **REFUSES,
                ),
            },
            auth="manager",
            body=NEW_TEAM,
        ),
        Endpoint(
            "GET",
            "/v1/codes",
            codes,
            "Enrolment codes, without the codes themselves",
            {200: ("Codes by id.", CODES), **refuses(s400="malformed", **REFUSES)},
            auth="manager",
            query=page_parameters(),
        ),
        Endpoint(
            "POST",
            "/v1/codes",
            new_code,
            "Make a one-time code for a person's laptop",
            {
                201: ("The code, shown once and good for 72 hours.", CODE),
                **refuses(
                    s400="malformed",
                    s404="unknown_person",
                    s409="already_made: a code is shown once; withdraw it and ask for another",
                    s413="too_large",
                    **REFUSES,
                ),
            },
            auth="manager",
            body=NEW_CODE,
        ),
        Endpoint(
            "DELETE",
            "/v1/codes/<code>",
            withdraw_code,
            "Make an unused code worthless",
            {
                200: ("Withdrawn.", WITHDRAWN),
                **refuses(s404="unknown_code", s409="code_used: revoke the laptop instead", **REFUSES),
            },
            auth="manager",
        ),
        Endpoint(
            "GET",
            "/v1/approvals",
            approvals,
            "What administrators asked for, and what has become of it",
            {200: ("Newest first.", APPROVALS), **refuses(s400="malformed", **REFUSES)},
            auth="manager",
            query=page_parameters(),
        ),
        Endpoint(
            "POST",
            "/v1/approvals/<approval>",
            decide,
            "Agree to what another administrator asked for, or refuse it",
            {
                200: ("Decided; the same word again changes nothing.", APPROVAL),
                **refuses(
                    s400="malformed",
                    s404="unknown_approval",
                    s409="already_decided; lapsed: after 14 days; asker_left; id_taken",
                    s413="too_large",
                    **{**REFUSES, "s403": "not_allowed; own_request: another administrator has to agree"},
                ),
            },
            auth="manager",
            body=DECISION,
        ),
    ]


class told:
    """Turns a RequestError or a malformed body into its refusal."""

    def __enter__(self) -> None:
        """Nothing to begin."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Raises Refused in place of what says that the request was wrong."""
        if isinstance(error, RequestError):
            # Sentences about unknown ids name commands; the code has one of its own.
            said = None if error.code.startswith("unknown_") else f"{str(error)[0].upper()}{str(error)[1:]}."
            raise Refused(refusal(_STATUS.get(error.code, 400), error.code, message=said)) from None
        if isinstance(error, WireError):
            raise Refused(refusal(413 if error.code == "too_large" else 400, error.code)) from None


def read_fields(request: Request, *required: str, optional: tuple[str, ...] = ()) -> Mapping[str, str]:
    """The body's fields, each a text, ids checked; `optional` ones may be left out. Raises Refused."""
    with told():
        return fields(request, *required, optional=optional)


def fields(request: Request, *required: str, optional: tuple[str, ...] = ()) -> Mapping[str, str]:
    """As `read_fields`, but raises RequestError or WireError."""
    body: Any = strict_json(request.body, MAX_BODY)
    if not isinstance(body, dict) or not set(required) <= set(body) <= {*required, *optional}:
        raise RequestError("the body has other fields than /openapi.json says")
    if not all(isinstance(value, str) and "\0" not in value for value in body.values()):
        raise RequestError("every field is a text")
    for name in ("id", "person", "team"):
        if name in body:
            hex_id(body[name], name)
    return body


def path_id(request: Request, name: str) -> str:
    """An id out of the path. Raises Refused (404) for what is none."""
    try:
        return hex_id(request.params[name], name)
    except WireError:
        raise Refused(refusal(404, f"unknown_{name}")) from None


def admit_about(parts: AdminParts, reader: Reader, action: Action, person: str) -> None:
    """Let the reader in, on record with the person it is about. Raises Refused (403, and then 404)."""
    with parts.database.transaction() as tx:
        known = people.is_person(tx, reader.org, person)
    admit_reader(parts.readers, reader, action, person=person if known else None)
    if not known:
        raise Refused(refusal(404, "unknown_person"))


def by(reader: Reader) -> By:
    """The administrator behind a request that was let in."""
    return By(Administrator(reader.id, reader.person), reader.name)
