"""`GET /v1/alerts`: what was raised and what is over, for administrators. Days only, no times."""

from __future__ import annotations

from sync_service.admission import ManagerParts, admit_reader, known_reader
from sync_service.alerts import RULES
from sync_service.authz import Reader, enter
from sync_service.http import Answer, Endpoint, Parameter, Refused, Request, refusal, refuses
from sync_service.paging import NEXT, Page, asked_page, page_of, page_parameters
from sync_service.ports import Database, Row
from sync_service.schemas import COUNT, DAY, ID, TEXT, closed, list_of, or_null

STATES = ("open", "resolved", "all")

_SENT = {**closed(delivered=COUNT, waiting=COUNT, given_up=COUNT), "description": "Messages about it, to all channels."}
_ALERT = closed(
    id=ID,
    rule={"enum": sorted(RULES), "description": "Which rule raised it."},
    about={"enum": ["service", "documents", "channel", "laptops", "team"], "description": "Never one person."},
    team=or_null(ID),
    team_name=or_null(TEXT),
    message=TEXT,
    raised_on=DAY,
    resolved_on=or_null(DAY),
    sent=_SENT,
)
ALERTS = closed(alerts=list_of(_ALERT), next=NEXT)

_LIST = """
select a.row, a.id::text as id, a.rule, a.team::text as team, t.name as team_name, a.message,
  a.raised_on::text as raised_on, a.resolved_on::text as resolved_on,
  (select count(*) from alert_delivery d where d.alert = a.id and d.state = 'delivered') as delivered,
  (select count(*) from alert_delivery d where d.alert = a.id and d.state = 'waiting') as waiting,
  (select count(*) from alert_delivery d where d.alert = a.id and d.state = 'given_up') as given_up
from alert a left join team t on t.id = a.team
where (cast(:state as text) = 'all' or (a.resolved_on is null) = (cast(:state as text) = 'open'))
  and (cast(:after as bigint) is null or a.row < cast(:after as bigint))
  and (cast(:person as text) is null or a.team is null or not exists (
    select from cohort c where c.person = :person and c.team = a.team
      and c.month <= a.to_day and c.month + interval '1 month' > a.from_day))
order by a.row desc limit :limit
"""
"""Whoever was counted in a team sees no alert about its numbers of those months, as they see none of the numbers."""


def alert_endpoints(parts: ManagerParts) -> list[Endpoint]:
    """The lines of the table about alerts."""

    def alerts(request: Request) -> Answer:
        reader = known_reader(parts, request)
        page = asked_page(request, int)
        state = request.query.get("state", "all")
        if state not in STATES:
            raise Refused(refusal(400, "malformed", message=f"Give `state` as one of {', '.join(STATES)}."))
        admit_reader(parts, reader, "alerts")
        with parts.api.transaction() as tx:
            enter(tx, reader.org)
            rows = _alerts(tx, reader, state, page)
        keys = {row["id"]: row["row"] for row in rows}
        return page_of(request, "alerts", [_told(row) for row in rows], page, lambda one: (keys[one["id"]],))

    return [
        Endpoint(
            "GET",
            "/v1/alerts",
            alerts,
            "What was raised about the service, about laptops as a number and about teams; newest first",
            {
                200: ("Alerts.", ALERTS),
                **refuses(
                    s400="malformed: `limit`, `after` or `state`",
                    s401="not_authenticated: the token is missing, wrong, out of date or revoked",
                    s403="not_allowed: this role may not read this",
                    s503="unavailable: also when the access log cannot be written",
                ),
            },
            auth="manager",
            query=(*page_parameters(), Parameter("state", "Which ones; all when left out.", {"enum": list(STATES)})),
        )
    ]


def _alerts(tx: Database, reader: Reader, state: str, page: Page) -> list[Row]:
    after = page.after[0] if page.after else None
    return tx.run(_LIST, state=state, person=reader.person, after=after, limit=page.limit + 1)


def _told(row: Row) -> dict[str, object]:
    rule = RULES.get(row["rule"])
    told = {name: row[name] for name in ("id", "rule", "team", "team_name", "message", "raised_on", "resolved_on")}
    sent = {name: row[name] for name in ("delivered", "waiting", "given_up")}
    return {**told, "about": rule.about if rule else "service", "sent": sent}
