"""People and the teams they are in, for administrators. Who comes into a team takes two of them (`approval.py`)."""

from __future__ import annotations

from datetime import date

from sync_service import approving, people
from sync_service.admin_routes import REFUSES, AdminParts, admit_about, by, path_id, read_fields, told
from sync_service.admin_schemas import APPROVAL, MOVE, NEW_PERSON, PEOPLE
from sync_service.admission import admit, admit_reader, known_reader
from sync_service.http import Answer, Endpoint, Request, refuses
from sync_service.paging import asked_page, page_of, page_parameters
from sync_service.people import RequestError
from sync_service.ports import Row


def people_endpoints(parts: AdminParts) -> list[Endpoint]:
    """The lines of the table about people."""

    def listed(request: Request) -> Answer:
        reader = known_reader(parts.readers, request)
        page = asked_page(request, str)
        admit_reader(parts.readers, reader, "people")
        after = str(page.after[0]) if page.after else ""
        with parts.database.transaction() as tx:
            rows = people.list_people(tx, reader.org, after=after, limit=page.limit + 1)
        return page_of(request, "people", rows, page, lambda row: (row["id"],))

    def add(request: Request) -> Answer:
        reader = admit(parts.readers, request, "people_edit")
        body = read_fields(request, "id", "name", "team", optional=("since",))
        with told():
            row = approving.ask_to_add(
                parts.database,
                reader.org,
                by(reader),
                request=body["id"],
                name=body["name"],
                team=body["team"],
                since=_month(body.get("since")),
                now=parts.readers.clock(),
            )
        return _answer(row)

    def move(request: Request) -> Answer:
        reader, person = known_reader(parts.readers, request), path_id(request, "person")
        body = read_fields(request, "id", "team")
        admit_about(parts, reader, "people_edit", person)
        with told():
            row = approving.ask_to_move(
                parts.database,
                reader.org,
                by(reader),
                request=body["id"],
                person=person,
                team=body["team"],
                now=parts.readers.clock(),
            )
        return _answer(row)

    answers = {
        201: ("Done: agreed, or set up before anything was measured.", APPROVAL),
        202: ("Waits for another administrator (`POST /v1/approvals/{id}`); or was refused, or has lapsed.", APPROVAL),
    }
    return [
        Endpoint(
            "GET",
            "/v1/people",
            listed,
            "The people of the organisation and their teams; nothing that was measured",
            {200: ("People by id.", PEOPLE), **refuses(s400="malformed", **REFUSES)},
            auth="manager",
            query=page_parameters(),
        ),
        Endpoint(
            "POST",
            "/v1/people",
            add,
            "Ask that somebody new comes into a team, from next month on",
            {
                **answers,
                **refuses(
                    s400="malformed, bad_name, whole_months_only, month_has_begun",
                    s404="unknown_team",
                    s409="id_taken: by something else",
                    s413="too_large",
                    **REFUSES,
                ),
            },
            auth="manager",
            body=NEW_PERSON,
        ),
        Endpoint(
            "POST",
            "/v1/people/<person>/move",
            move,
            "Ask that a person comes into another team, from next month on",
            {
                **answers,
                **refuses(
                    s400="malformed",
                    s404="unknown_person, unknown_team",
                    s409="id_taken: by something else",
                    s413="too_large",
                    **REFUSES,
                ),
            },
            auth="manager",
            body=MOVE,
        ),
    ]


def _answer(row: Row) -> Answer:
    return Answer(201 if row["state"] == "approved" else 202, row)


def _month(text: str | None) -> date | None:
    if text is None:
        return None
    with told():
        try:
            month = date.fromisoformat(text)
        except ValueError:
            raise RequestError("a month is given by its first day, such as 2026-12-01") from None
        if not 2000 <= month.year <= 2999:
            raise RequestError("a month is given by its first day, such as 2026-12-01")
        return month
