"""What laptops ask for: send envelopes, fetch keyset and policy, learn what became of their envelopes."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal

from agent.wire.envelope import MAX_BODY
from agent.wire.signing import claimed
from agent.wire.strict import MAX_INTEGER, from_b64
from sync_service.authz import enter
from sync_service.device_auth import DeviceGate
from sync_service.http import Answer, Endpoint, Parameter, Refused, Request, Schema, refusal, refuses
from sync_service.ingest import KeyDirectory, post_envelope
from sync_service.ports import Database, DeviceRegistry, Documents, Inbox
from sync_service.quota import Quota
from sync_service.schemas import BASE64, DOCUMENT, ID, INSTANT, TEXT, UUID, closed
from sync_service.tags import with_tag as with_tag

MOST_RECEIPTS = 1000
COMING_HEADER = "Framekeep-Coming"
COMING = Parameter(
    "coming", "1: the document that is yet to begin, in place of the one in force.", {"enum": ["0", "1"]}
)

_HEX_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class DeviceParts:
    """What these endpoints need. `lookups` speaks as framekeep_ingest, `person` as framekeep_person."""

    registry: DeviceRegistry
    keys: KeyDirectory
    inbox: Inbox
    documents: Documents
    gate: DeviceGate
    lookups: Database
    person: Database
    clock: Callable[[], int]
    quota: Quota = field(default_factory=Quota)


def device_endpoints(parts: DeviceParts) -> list[Endpoint]:
    """The lines of the table for laptops."""

    def envelopes(request: Request) -> Answer:
        return post_envelope(
            request.body,
            registry=parts.registry,
            keys=parts.keys,
            inbox=parts.inbox,
            clock=parts.clock,
            quota=parts.quota,
        )

    def keyset(request: Request) -> Answer:
        org, root = _organisation(parts.lookups, request.query.get("org"))
        document = parts.documents.latest(org, "keyset")
        if document is None:
            return refusal(503, "no_keyset", retry_after=300)
        links = [link.body for link in parts.documents.every(org, "root")]
        successors = [from_b64(claimed(link)["new"], "new") for link in links]
        roots = b",".join(b'"' + base64.b64encode(raw) + b'"' for raw in (root, *successors))
        followed = b',"links":[' + b",".join(links) + b"]" if links else b""
        return with_tag(request, b'{"roots":[' + roots + b'],"keyset":' + document.body + followed + b"}")

    def policy(request: Request) -> Answer:
        device = parts.gate.device(request)
        return signed_answer(request, parts.documents, device.org, "policy", now=parts.clock())

    def receipts(request: Request) -> Answer:
        device = parts.gate.device(request)
        since = _since(request.query.get("since", "0"))
        after = _after(request.query["after"]) if "after" in request.query else (0, _LOWEST)
        with parts.person.transaction() as tx:
            enter(tx, device.org, device.person)
            rows = tx.run(
                """select envelope::text as id, outcome, extract(epoch from at)::bigint as at from receipt
                   where device = :device and at >= to_timestamp(:since)
                     and (at, envelope) > (to_timestamp(:after), cast(:envelope as uuid))
                   order by at, envelope limit :most""",
                device=device.id,
                since=since,
                after=after[0],
                envelope=after[1],
                most=MOST_RECEIPTS + 1,
            )
        page = rows[:MOST_RECEIPTS]
        if len(rows) == len(page):
            return Answer(200, {"receipts": page, "more": False})
        return Answer(200, {"receipts": page, "more": True, "next": f"{page[-1]['at']}.{page[-1]['id']}"})

    return [
        Endpoint(
            "POST",
            "/v1/envelopes",
            envelopes,
            "Send a sealed envelope",
            {
                202: ("Stored durably; only this, echoing the id, is an acknowledgement.", _ACKNOWLEDGED),
                **refuses(
                    s400="malformed, unsupported_version: never accepted; key_unknown: seal again with a new keyset",
                    s401="not_authenticated: unknown device, wrong signature or wrong clock",
                    s403="revoked",
                    s413="too_large: over 64 KiB",
                    s429="too_many: this device sent more than an hour's worth; wait Retry-After seconds",
                    s503="unavailable: try again after Retry-After seconds",
                ),
            },
            body=_ENVELOPE,
        ),
        Endpoint(
            "GET",
            "/v1/keyset",
            keyset,
            "The organisation's root keys and newest keyset",
            {
                200: ("The root public keys, oldest first, and the signed keyset.", _KEYSET),
                304: ("Not changed since the ETag in If-None-Match.", None),
                **refuses(s400="malformed", s404="unknown_organisation", s503="unavailable, no_keyset"),
            },
            query=(Parameter("org", "The organisation's id; may be left out where there is only one.", ID),),
        ),
        Endpoint(
            "GET",
            "/v1/policy",
            policy,
            "The newest policy of the device's organisation",
            {
                200: ("The signed policy in force; Framekeep-Coming names the one that is yet to begin.", DOCUMENT),
                304: ("Not changed since the ETag in If-None-Match.", None),
                **refuses(
                    s401="not_authenticated",
                    s403="revoked",
                    s404="nothing_coming: asked for what is to come, and nothing is",
                    s503="unavailable, no_policy",
                ),
            },
            auth="device",
            query=(COMING,),
        ),
        Endpoint(
            "GET",
            "/v1/me/receipts",
            receipts,
            "What became of the device's envelopes",
            {
                200: (
                    f"At most {MOST_RECEIPTS} receipts, oldest first; `more`: ask again with `after` set to `next`.",
                    _RECEIPTS,
                ),
                **refuses(s400="malformed", s401="not_authenticated", s403="revoked", s503="unavailable"),
            },
            auth="device",
            query=(
                Parameter("since", "Only receipts written at or after this time, epoch seconds.", {"type": "integer"}),
                Parameter("after", "Only receipts behind an earlier page: its `next`."),
            ),
        ),
    ]


def signed_answer(
    request: Request, documents: Documents, org: str, type: Literal["policy", "agreement"], *, now: int
) -> Answer:
    """The policy or agreement in force as it was signed, or with `?coming=1` the one that is yet to begin; the header
    COMING_HEADER names that one where there is one.
    """
    later = documents.coming(org, type, now=now)
    if request.query.get("coming", "0") not in ("0", "1"):
        raise Refused(refusal(400, "malformed", message="Give `coming` as 1, or leave it out."))
    if request.query.get("coming") == "1":
        return with_tag(request, later.body) if later is not None else refusal(404, "nothing_coming")
    document = documents.in_force(org, type, now=now)
    if document is None and type == "agreement" and later is None:
        return refusal(404, "no_agreement")
    shown = document or later  # one that is yet to begin, where there is no other
    if shown is None:
        return refusal(503, f"no_{type}", retry_after=300)
    answer = with_tag(request, shown.body)
    named = {COMING_HEADER: str(claimed(later.body)["id"])} if later is not None else {}
    return replace(answer, headers={**answer.headers, **named})


def _organisation(lookups: Database, wanted: str | None) -> tuple[str, bytes]:
    """Id and root public key of the organisation asked for, or of the only one."""
    if wanted is not None and not _HEX_ID.fullmatch(wanted):
        raise Refused(refusal(400, "malformed"))
    rows = lookups.run(
        "select id, root_public from organisation where cast(:wanted as text) is null or id = :wanted limit 2",
        wanted=wanted,
    )
    if len(rows) != 1:
        raise Refused(refusal(404, "unknown_organisation"))
    return rows[0]["id"], rows[0]["root_public"]


def _since(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 11 or int(text) > MAX_INTEGER:
        raise Refused(refusal(400, "malformed"))
    return int(text)


_LOWEST = "00000000-0000-0000-0000-000000000000"
_CURSOR = re.compile(r"([0-9]{1,11})\.([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")


def _after(text: str) -> tuple[int, str]:
    """The receipt a page ended with: when it was written, and its envelope."""
    found = _CURSOR.fullmatch(text)
    if found is None:
        raise Refused(refusal(400, "malformed"))
    return int(found[1]), found[2]


_ENVELOPE = {
    **closed(
        v={"const": 1},
        id=UUID,
        device=ID,
        created={"type": "integer", "minimum": 0, "maximum": MAX_INTEGER},
        key=ID,
        suite={"enum": [1, 2]},
        sealed=BASE64,
        sig={**BASE64, "minLength": 88, "maxLength": 88},
    ),
    "description": f"At most {MAX_BODY} bytes.",
}
_ACKNOWLEDGED = closed(id=UUID)
_ROOTS: Schema = {"type": "array", "minItems": 1, "items": BASE64}
_KEYSET: Schema = {
    **closed(roots=_ROOTS, keyset=DOCUMENT),
    "properties": {"roots": _ROOTS, "keyset": DOCUMENT, "links": {"type": "array", "minItems": 1, "items": DOCUMENT}},
    "description": "`links`: the root documents that lead from each root to the next, where there is more than one.",
}
_RECEIPT = closed(id=UUID, outcome={"enum": ["opened", "set_aside"]}, at=INSTANT)
_RECEIPT_LIST: Schema = {"type": "array", "maxItems": MOST_RECEIPTS, "items": _RECEIPT}
_RECEIPTS: Schema = {
    "oneOf": [
        closed(receipts=_RECEIPT_LIST, more={"const": False}),
        closed(receipts=_RECEIPT_LIST, more={"const": True}, next=TEXT),
    ]
}
