"""What the answers about policies and the agreement look like (JSON Schema, for OpenAPI)."""

from __future__ import annotations

from sync_service.http import Schema
from sync_service.paging import NEXT
from sync_service.schemas import BOOLEAN, DOCUMENT, ID, INSTANT, TEXT, closed, list_of, or_null

POLICY_ID: Schema = {"type": "string", "pattern": "^p-[0-9]{1,9}$"}
_DIGEST: Schema = {"type": "string", "pattern": "^[0-9a-f]{64}$", "description": "SHA-256 of the agreement's payload."}
_VERSION: dict[str, Schema] = {
    "id": POLICY_ID,
    "state": {"enum": ["in_force", "coming", "past", "withdrawn"]},
    "issued": INSTANT,
    "effective": {**INSTANT, "description": "From then on it applies."},
    "not_after": INSTANT,
    "published_at": INSTANT,
    "published_by": {
        **or_null(TEXT),
        "description": "The administrator; null where it was done on the machine itself.",
    },
    "agreement": or_null(_DIGEST),
    "terms": closed(hours=TEXT, interval=TEXT, k=TEXT, individual_reports=TEXT, quit=TEXT),
    "beyond_agreement": {**BOOLEAN, "description": "Whether it would go beyond the agreement that holds."},
}
_CHANGE = closed(
    term={"enum": ["hours", "interval", "k", "individual_reports", "quit", "agreement", "coming"]},
    before=TEXT,
    after=TEXT,
    text={**TEXT, "description": "In plain words."},
    widens={**or_null(BOOLEAN), "description": "Whether more may be measured or seen than before."},
)
_AGREEMENT = closed(
    id={"type": "string", "pattern": "^a-[0-9]{1,9}$"},
    state={"enum": ["in_force", "coming"]},
    digest=_DIGEST,
    effective=INSTANT,
    not_after=INSTANT,
    terms=closed(
        widest_hours=TEXT, interval_at_least=TEXT, k_at_least=TEXT, individual_reports=TEXT, second_check=TEXT
    ),
)
POLICIES = closed(
    policies=list_of(closed(**_VERSION)),
    agreements=list_of(_AGREEMENT),
    agreement_obligatory={**BOOLEAN, "description": "The keyset names a works council's key."},
    next=NEXT,
)
POLICY = closed(**_VERSION, signed_by=list_of(ID), document=DOCUMENT)
CHANGES = closed(**{"from": POLICY_ID, "to": POLICY_ID, "changes": list_of(_CHANGE)})
PUBLISHED = closed(id=POLICY_ID, effective=INSTANT, changes=list_of(_CHANGE), published=BOOLEAN)
_TERMS: Schema = {
    "type": "object",
    "properties": {
        "work_hours": {
            "type": "array",
            "minItems": 1,
            "items": {"type": "string", "examples": ["mon-fri 09:00-17:30"]},
        },
        "interval_seconds": {"type": "integer", "minimum": 5, "maximum": 60},
        "individual_reports": BOOLEAN,
        "k": {"type": "integer", "minimum": 5, "maximum": 1000},
        "may_quit": BOOLEAN,
        "effective": INSTANT,
    },
    "minProperties": 1,
    "additionalProperties": False,
}
NEW_POLICY: Schema = {
    "oneOf": [
        closed(document=DOCUMENT),
        {
            "type": "object",
            "properties": {"terms": _TERMS, "dry_run": BOOLEAN},
            "required": ["terms"],
            "additionalProperties": False,
        },
    ]
}
