"""What managers, administrators and auditors ask for. Every read is in the access log before it is answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from sync_service import access_log
from sync_service.admission import REFUSED, ManagerParts, admit, admit_reader, known_reader
from sync_service.authority import claims_to_be_a_readers
from sync_service.authz import Reader, enter, why_allowed
from sync_service.device_routes import signed_answer
from sync_service.http import Answer, Endpoint, Parameter, Refused, Request, refusal, refuses
from sync_service.negotiation import CSV, chosen, csv_answer
from sync_service.paging import Page, asked_page, link_to_next, page_parameters, shown
from sync_service.person_reports import person_days, teams_of
from sync_service.person_routes import asked_days
from sync_service.policies import reports_by_name_forbidden
from sync_service.ports import Database, Row
from sync_service.released import read_days
from sync_service.reports import MAX_DAYS, summary, to_csv
from sync_service.schemas import ACCESS_LOG_PAGE, DAY, DEVICES, PERSON_SUMMARY, SUMMARY, TEAMS
from sync_service.timetable import LOOK_BACK_DAYS, local_day

DEFAULT_DAYS = 14
MOST_DEVICES = 10_000
MOST_ENTRIES = 10_000
DEVICE_COLUMNS = tuple(DEVICES["properties"]["devices"]["items"]["properties"])
LOG_COLUMNS = tuple(ACCESS_LOG_PAGE["properties"]["entries"]["items"]["properties"])

_REFUSES = {
    "s401": "not_authenticated: the token is missing, wrong, out of date or revoked",
    "s403": "not_allowed: this role may not read this",
    "s503": "unavailable: also when the access log cannot be written",
}


def manager_endpoints(parts: ManagerParts) -> list[Endpoint]:
    """The lines of the table for readers."""

    def teams(request: Request) -> Answer:
        reader = admit(parts, request, "teams")
        with parts.api.transaction() as tx:
            enter(tx, reader.org)
            rows = tx.run("select id::text as id, name, time_zone from team order by name")
        shown = [
            {**row, "readable": why_allowed(reader, "team_summary", row["id"]) is not None}
            for row in rows
            if reader.role != "manager" or row["id"] in reader.teams
        ]
        return Answer(200, {"teams": shown})

    def team_summary(request: Request) -> Answer:
        return _team_summary(parts, request)

    def person_summary(request: Request) -> Answer:
        return _person_summary(parts, request)

    def devices(request: Request) -> Answer:
        reader = known_reader(parts, request)
        page = asked_page(request, str, str, str, default=MOST_DEVICES, most=MOST_DEVICES)
        admit_reader(parts, reader, "devices")
        with parts.api.transaction() as tx:
            enter(tx, reader.org)
            rows = _devices(tx, page)
        kept, cursor = shown(rows, page, lambda row: (row["person_name"], row["enrolled_on"], row["id"]))
        return listed(request, DEVICE_COLUMNS, kept, {"devices": kept, "next": cursor}, "devices.csv")

    def log(request: Request) -> Answer:
        reader = known_reader(parts, request)
        today = datetime.fromtimestamp(parts.clock(), UTC).date()
        days = asked_days(request, today, default=DEFAULT_DAYS, most=MAX_DAYS)
        page = asked_page(request, int, int, default=access_log.MOST_ROWS, most=MOST_ENTRIES)
        admit_reader(parts, reader, "access_log", days=days)
        behind = (int(page.after[0]), int(page.after[1])) if page.after else None
        with parts.api.transaction() as tx:
            enter(tx, reader.org)
            rows = access_log.of_organisation(tx, *days, limit=page.limit + 1, behind=behind)
            kept, cursor = shown(rows, page, lambda row: access_log.place_of(tx, row))
        told: list[Row] = [{name: row[name] for name in LOG_COLUMNS} for row in kept]
        table = [{**row, "at": datetime.fromtimestamp(row["at"], UTC).isoformat()} for row in told]
        body = {"entries": told, "more": cursor is not None, "next": cursor}
        return listed(request, LOG_COLUMNS, table, body, f"access-log-{days[0]}-{days[1]}.csv")

    days = (
        Parameter("from", f"First day; {DEFAULT_DAYS} days before `to` when left out.", DAY),
        Parameter("to", f"Last day; today when left out. At most {MAX_DAYS} days.", DAY),
    )
    return [
        Endpoint(
            "GET",
            "/v1/teams",
            teams,
            "The teams of the organisation; for a manager, their own",
            {200: ("Teams by name.", TEAMS), **refuses(**_REFUSES)},
            auth="manager",
        ),
        Endpoint(
            "GET",
            "/v1/teams/<team>/summary",
            team_summary,
            "A team's released numbers",
            {
                200: ("One row a block or a day, and the whole range; nothing is ever recomputed.", SUMMARY),
                **refuses(
                    s400="malformed, from_after_to, range_too_long",
                    **{**_REFUSES, "s403": "not_allowed; counted_in_team: you were counted in it in this range"},
                    s404="unknown_team",
                ),
            },
            auth="manager",
            query=(*days, Parameter("bucket", "Rows by block or by day.", {"enum": ["block", "day"]})),
            csv=True,
        ),
        Endpoint(
            "GET",
            "/v1/people/<person>/summary",
            person_summary,
            "One person's days, where the policy allowed reports by name; for the manager of their team",
            {
                200: ("Days with something to show.", PERSON_SUMMARY),
                **refuses(s400="malformed, from_after_to, range_too_long", **_REFUSES),
            },
            auth="manager",
            query=(days[0], Parameter("to", f"Last day; today when left out. At most {LOOK_BACK_DAYS} days.", DAY)),
        ),
        Endpoint(
            "GET",
            "/v1/devices",
            devices,
            "Enrolled laptops: last heard of, or not participating, by day and never by time",
            {200: ("Devices by person.", DEVICES), **refuses(s400="malformed", **_REFUSES)},
            auth="manager",
            query=page_parameters(MOST_DEVICES, MOST_DEVICES),
            csv=True,
        ),
        Endpoint(
            "GET",
            "/v1/access-log",
            log,
            "Who read what, for administrators and auditors",
            {
                200: ("Reads, newest first; as CSV with times in UTC.", ACCESS_LOG_PAGE),
                **refuses(s400="malformed, from_after_to, range_too_long", **_REFUSES),
            },
            auth="manager",
            query=(*days, *page_parameters(access_log.MOST_ROWS, MOST_ENTRIES)),
            csv=True,
        ),
    ]


def policy_for_managers(parts: ManagerParts, devices: Endpoint) -> Endpoint:
    """`GET /v1/policy` as devices get it, answering managers' tokens too: the same signed bytes."""

    def policy(request: Request) -> Answer:
        if not claims_to_be_a_readers(request.headers.get("authorization")):
            return devices.handler(request)
        reader = admit(parts, request, "policy")
        return signed_answer(request, parts.documents, reader.org, "policy", now=parts.clock())

    return replace(devices, handler=policy, auth="any")


def _team_summary(parts: ManagerParts, request: Request) -> Answer:
    reader, team = known_reader(parts, request), request.params["team"]
    now = parts.clock()
    zone = _team_zone(parts, reader, team)
    today = local_day(now, zone or ZoneInfo("UTC"))
    days = asked_days(request, today, default=DEFAULT_DAYS, most=MAX_DAYS)
    bucket = request.query.get("bucket", "block")
    if bucket not in ("block", "day"):
        raise Refused(refusal(400, "malformed"))
    admit_reader(parts, reader, "team_summary", team=team if zone else None, days=days)
    if zone is None:
        raise Refused(refusal(404, "unknown_team"))
    with parts.api.transaction() as tx:
        enter(tx, reader.org)
        released = read_days(tx, team, *days, shown_by=now)
    answer = summary(team, zone, released, *days, "day" if bucket == "day" else "block")
    if chosen(request) == CSV:
        name = f'attachment; filename="team-{team[:8]}-{days[0]}-{days[1]}.csv"'
        headers = {"Content-Type": "text/csv; charset=utf-8", "Content-Disposition": name, "Vary": "Accept"}
        return Answer(200, to_csv(answer).encode(), headers)
    return Answer(200, answer, {"Vary": "Accept"})


def _person_summary(parts: ManagerParts, request: Request) -> Answer:
    reader, person, now = known_reader(parts, request), request.params["person"], parts.clock()
    today = datetime.fromtimestamp(now, UTC).date()
    days = asked_days(request, today, default=DEFAULT_DAYS, most=LOOK_BACK_DAYS)
    with parts.api.transaction() as tx:
        enter(tx, reader.org)
        teams = teams_of(tx, person, *days)
        forbidden = reports_by_name_forbidden(tx, reader.org, now=now)
    # Somebody who changed teams is for whoever manages both; who is unknown is refused like everybody else's people.
    foreign = next((team for team in teams if team not in reader.teams), None)
    team = foreign or next(reversed(teams), None)
    if forbidden and why_allowed(reader, "person_summary", team) is not None:
        why = f"{REFUSED}: the agreement with the works council allows no report about one person"
        entry = access_log.by_reader(reader, "person_summary_refused", why, team=None, person=person, days=days)
        access_log.record(parts.api, reader.org, entry, now=now)
        raise Refused(refusal(403, "agreement_exceeded"))
    admit_reader(parts, reader, "person_summary", team=team, person=person if teams else None, days=days)
    assert team is not None
    with parts.api.transaction() as tx:
        enter(tx, reader.org)
        shown = person_days(tx, person, teams[team], *days, parts.timing, now=now)
    first, last = (day.isoformat() for day in days)
    return Answer(200, {"person": person, "time_zone": teams[team].key, "from": first, "to": last, "days": shown})


def _team_zone(parts: ManagerParts, reader: Reader, team: str) -> ZoneInfo | None:
    with parts.api.transaction() as tx:
        enter(tx, reader.org)
        rows = tx.run("select time_zone from team where id = cast(:team as text)", team=team)
    return ZoneInfo(rows[0]["time_zone"]) if rows else None


def listed(request: Request, columns: Sequence[str], table: list[Row], body: Mapping[str, object], name: str) -> Answer:
    """A page of a list in the form the caller likes best: `body` (with its `next`), or `table` as CSV to be saved as
    `name`; either with the Link to the next page.
    """
    cursor = body["next"]
    link = link_to_next(request, cursor if isinstance(cursor, str) else None)
    given = csv_answer(columns, table, name=name) if chosen(request) == CSV else Answer(200, body, {"Vary": "Accept"})
    return replace(given, headers={**given.headers, **link})


def _devices(tx: Database, page: Page) -> list[Row]:
    # Who does not take part sends nothing and is not silent: of when they were last heard of nothing is said then.
    name, enrolled, device = page.after or ("", "", "")
    return tx.run(
        """select d.id::text as id, p.id::text as person, p.name as person_name,
             (d.enrolled_at at time zone 'UTC')::date::text as enrolled_on,
             (d.revoked_at at time zone 'UTC')::date::text as revoked_on,
             case when n.since is null then (g.last_received_at at time zone 'UTC')::date::text end as last_heard_on,
             n.since::text as not_participating_since,
             coalesce(missing_envelopes(g.seqs), 0) as missing, coalesce(g.lost, 0) as lost
           from device d join person p on p.id = d.person left join device_progress g on g.device = d.id
             left join participation n on n.device = d.id and not n.participating
           where (p.name, (d.enrolled_at at time zone 'UTC')::date::text, d.id::text) > (:name, :enrolled, :device)
           order by p.name, (d.enrolled_at at time zone 'UTC')::date::text, d.id::text limit :most""",
        name=name,
        enrolled=enrolled,
        device=device,
        most=page.limit + 1,
    )
