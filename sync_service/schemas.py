"""What the answers about teams and people look like (JSON Schema, for OpenAPI)."""

from __future__ import annotations

from sync_service.authz import ROLES, SCOPES
from sync_service.blocks import SHARES
from sync_service.cohorts import STANDINGS
from sync_service.http import Schema
from sync_service.paging import NEXT
from sync_service.reports import BANDS


def closed(**properties: Schema) -> Schema:
    """An object with exactly these fields."""
    return {"type": "object", "properties": properties, "required": sorted(properties), "additionalProperties": False}


def list_of(items: Schema) -> Schema:
    """An array of `items`."""
    return {"type": "array", "items": items}


def or_null(schema: Schema) -> Schema:
    """The schema, or null."""
    return {"anyOf": [schema, {"type": "null"}]}


ID: Schema = {"type": "string", "pattern": "^[0-9a-f]{32}$"}
UUID: Schema = {"type": "string", "format": "uuid"}
DAY: Schema = {"type": "string", "format": "date"}
MONTH: Schema = {"type": "string", "format": "date", "description": "The month's first day."}
INSTANT: Schema = {"type": "integer", "description": "Epoch seconds."}
TEXT: Schema = {"type": "string"}
COUNT: Schema = {"type": "integer", "minimum": 0}
BOOLEAN: Schema = {"type": "boolean"}
BASE64: Schema = {"type": "string", "contentEncoding": "base64"}

_TOLD = {
    **closed(percent={"type": "integer", "minimum": 5, "maximum": 95, "multipleOf": 5}, text=TEXT),
    "description": '5 means "5 or less", 95 "95 or more".',
}
_SHARES = closed(**dict.fromkeys(SHARES, _TOLD))
_NUMBERS = {"minutes": COUNT, "people": {"enum": list(BANDS)}, "shares": _SHARES, "coverage": _TOLD}
_ROW = closed(
    day=DAY,
    start=or_null({"type": "string", "format": "date-time"}),
    end=or_null({"type": "string", "format": "date-time"}),
    status={"enum": ["released", "suppressed", "withdrawn", "not_released"]},
    explanation=or_null(TEXT),
    corrected={**BOOLEAN, "description": "A person's correction went into it."},
    notes=list_of(TEXT),
    **{name: or_null(schema) for name, schema in _NUMBERS.items()},
)
SUMMARY = closed(
    team=ID,
    time_zone=TEXT,
    to=DAY,
    bucket={"enum": ["block", "day"]},
    rule=closed(k={"type": "integer", "minimum": 5}, minutes_to_contribute=COUNT, rounded_to=COUNT, text=TEXT),
    rows=list_of(_ROW),
    total=or_null(closed(**_NUMBERS)),
    **{"from": DAY},
)
PERSON_SUMMARY = closed(
    person=ID,
    time_zone=TEXT,
    to=DAY,
    days=list_of(
        {
            **closed(day=DAY, corrected=BOOLEAN, **dict.fromkeys(SHARES, COUNT)),
            "description": "Observed seconds by state; a day with nothing to show is left out.",
        }
    ),
    **{"from": DAY},
)
TEAMS = closed(teams=list_of(closed(id=ID, name=TEXT, time_zone=TEXT, readable=BOOLEAN)))
DEVICES = closed(
    devices=list_of(
        closed(
            id=ID,
            person=ID,
            person_name=TEXT,
            enrolled_on=DAY,
            revoked_on=or_null(DAY),
            last_heard_on={**or_null(DAY), "description": "Null also while it does not participate."},
            not_participating_since=or_null(DAY),
            missing=COUNT,
            lost=COUNT,
        )
    ),
    next=NEXT,
)
_ACCESS_LOG = {
    "entries": list_of(
        closed(
            at=INSTANT,
            reader=TEXT,
            reader_name=TEXT,
            reader_role={"enum": [*ROLES, None], "description": "Null for a person's own device."},
            reader_scope={"enum": [*SCOPES, None], "description": "The one thing the token of a program is good for."},
            action=TEXT,
            team=or_null(ID),
            team_name=or_null(TEXT),
            from_day=or_null(DAY),
            to_day=or_null(DAY),
            allowed_because=TEXT,
        )
    ),
    "more": {**BOOLEAN, "description": "There are older entries."},
}
ACCESS_LOG = closed(**_ACCESS_LOG)
ACCESS_LOG_PAGE = closed(**_ACCESS_LOG, next=NEXT)

DOCUMENT = closed(
    payload=BASE64, sigs={"type": "array", "minItems": 1, "maxItems": 8, "items": closed(key=ID, sig=BASE64)}
)
ENROLMENT = closed(v={"const": 1}, code=ID, device_key=BASE64, mac=BASE64, pop=BASE64)
ENROLLED = closed(device=ID, org=ID, keyset=DOCUMENT, policy=DOCUMENT, proof=BASE64)

_STATES = dict.fromkeys((*SHARES, "not_observed"), COUNT)
_COUNTS_AS: Schema = {"enum": [*SHARES, "not_observed"]}
_CORRECTION = {
    "id": UUID,
    "from": INSTANT,
    "to": INSTANT,
    "as": _COUNTS_AS,
    "note": {"type": "string", "maxLength": 500},
}
CORRECTION = {
    **closed(**_CORRECTION),
    "description": "Whole quarter hours of one day. `not_observed` leaves them out. `id` is the sender's own.",
}
CORRECTION_KEPT = closed(id=UUID, day=DAY, changes_team_number=BOOLEAN, corrections_close_at=INSTANT)
_KEPT_CORRECTION = closed(
    made_at=INSTANT,
    in_time={**BOOLEAN, "description": "Made before the day was fixed: it counts in the team's number."},
    **_CORRECTION,
)
OWN_REPORTS = closed(
    to=DAY,
    time_zone=TEXT,
    days=list_of(
        closed(
            day=DAY,
            team=or_null(ID),
            team_name=or_null(TEXT),
            fixed=BOOLEAN,
            corrections_close_at=INSTANT,
            managers_see_it_at=INSTANT,
            quarter_hours=list_of(closed(start=INSTANT, **_STATES)),
            corrections=list_of(_KEPT_CORRECTION),
        )
    ),
    teams=list_of(SUMMARY),
    **{"from": DAY},
)
PARTICIPATION = {**closed(participating=BOOLEAN), "description": "Whether this laptop's person takes part."}
PARTICIPATION_KEPT = closed(participating=BOOLEAN, since={**DAY, "description": "The day this answer was first given."})
ERASURE = closed(
    id=UUID,
    step={"enum": ["held", "revoked", "drained", "deleted", "cancelled"]},
    requested_at=INSTANT,
    due_at={**INSTANT, "description": "Until then it can be cancelled."},
)
OPEN_ERASURE = closed(erasure=or_null(ERASURE))
_anything = list_of({"type": "object"})
OWN_TEAM = closed(
    team={**or_null(ID), "description": "Null for whoever is in no team."},
    team_name=or_null(TEXT),
    month=MONTH,
    members=list_of(
        closed(
            name=TEXT,
            me=BOOLEAN,
            standing={
                "enum": list(STANDINGS),
                "description": "counted; not_yet: ten active days are not there; joins: in a later month; reads: may read "
                "the numbers, so is never counted; left_out: of this month for another reason.",
            },
            since={**or_null(MONTH), "description": "For counted and joins: the month from which it holds."},
        )
    ),
    own=closed(counts_since=or_null(DAY), active_days=COUNT),
    rule=closed(active_days=COUNT, active_minutes=COUNT, text=TEXT),
)
EXPORT = closed(
    format={"const": "framekeep-export-1"},
    exported_at={"type": "string", "format": "date-time"},
    organisation=closed(id=ID, name=TEXT),
    **dict.fromkeys(
        (
            "person",
            "memberships",
            "counted_in",
            "counts_since",
            "asked_for",
            "devices",
            "participation",
            "codes",
            "progress",
            "receipts",
            "quarter_hours",
            "corrections",
            "erasures",
            "access_log",
        ),
        _anything,
    ),
)
