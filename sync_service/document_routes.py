"""The organisation's policies and agreement, for readers: every version, what changed in plain words, and a new one.

A new policy is published either as a document that was signed elsewhere or as terms that the service signs with the
policy signer's key, where it holds that. Both pass the same checks, and none goes beyond the agreement.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from agent.wire.agreement import Agreement
from agent.wire.documents import MAX_DOCUMENT, Policy, WorkHours
from agent.wire.errors import WireError
from agent.wire.signing import claimed, open_document
from agent.wire.strict import MAX_INTEGER, canonical, integer, strict_json
from agent.wire.versions import coming, in_force
from sync_service import issuing
from sync_service.admission import ManagerParts, admit, admit_reader, known_reader
from sync_service.authority import claims_to_be_a_readers
from sync_service.authz import enter
from sync_service.device_auth import DeviceGate
from sync_service.device_routes import COMING, signed_answer
from sync_service.document_schemas import (
    CHANGES,
    NEW_POLICY,
    POLICIES,
    POLICY,
    POLICY_ID,
    PUBLISHED,
)
from sync_service.drafting import ground
from sync_service.errors import ServiceError, Unavailable
from sync_service.http import Answer, Endpoint, Parameter, Refused, Request, refusal, refuses
from sync_service.paging import asked_page, link_to_next, page_parameters, shown
from sync_service.papers import NotAcceptable, Papers
from sync_service.people import RequestError
from sync_service.policies import NEWEST_POLICIES, current_papers
from sync_service.policy_text import agreement_terms, differences, parse_hours, terms
from sync_service.ports import Database, Row
from sync_service.provision import Office
from sync_service.schemas import DOCUMENT

_REFUSES = {
    "s401": "not_authenticated: the token is missing, wrong, out of date or revoked",
    "s403": "not_allowed: this role may not do this",
    "s503": "unavailable: also when the access log cannot be written",
}
_TERMS = ("work_hours", "interval_seconds", "individual_reports", "k", "may_quit", "effective")


@dataclass(frozen=True, slots=True)
class DocumentParts:
    """What these endpoints need: those of every reader, the devices' gate, and an `office` as framekeep_admin."""

    readers: ManagerParts
    gate: DeviceGate
    office: Office


def document_endpoints(parts: DocumentParts) -> list[Endpoint]:
    """The lines of the table for policies and the agreement."""

    def agreement(request: Request) -> Answer:
        if claims_to_be_a_readers(request.headers.get("authorization")):
            org = admit(parts.readers, request, "agreement").org
        else:
            org = parts.gate.device(request).org
        return signed_answer(request, parts.readers.documents, org, "agreement", now=parts.readers.clock())

    def policies(request: Request) -> Answer:
        reader = known_reader(parts.readers, request)
        page = asked_page(request, int)
        admit_reader(parts.readers, reader, "policy")
        below = int(page.after[0]) if page.after else MAX_INTEGER
        now = parts.readers.clock()
        with parts.readers.api.transaction() as tx:
            enter(tx, reader.org)
            papers, rows = current_papers(tx, reader.org), _rows(tx, below=below, limit=page.limit + 1)
        kept, cursor = shown(rows, page, lambda row: (int(row["seq"]),))
        issues = (in_force(papers.agreements, now), coming(papers.agreements, now)) if _obligatory(papers) else ()
        return Answer(
            200,
            {
                "policies": [_version(papers, row, now) for row in kept],
                "agreements": [_agreement(issue, now) for issue in issues if issue is not None],
                "agreement_obligatory": _obligatory(papers),
                "next": cursor,
            },
            link_to_next(request, cursor),
        )

    def one(request: Request) -> Answer:
        reader, now = admit(parts.readers, request, "policy"), parts.readers.clock()
        with parts.readers.api.transaction() as tx:
            enter(tx, reader.org)
            papers, row = current_papers(tx, reader.org), _named(tx, request.params["policy"])
        body = bytes(row["body"])
        signed_by = [str(signature["key"]) for signature in open_document(body)[1]]
        document = strict_json(body, MAX_DOCUMENT)
        return Answer(200, {**_version(papers, row, now), "signed_by": signed_by, "document": document})

    def changes(request: Request) -> Answer:
        reader = admit(parts.readers, request, "policy")
        with parts.readers.api.transaction() as tx:
            enter(tx, reader.org)
            new = _read(_named(tx, request.params["policy"]))
            if "since" in request.query:
                compared: tuple[Policy, Policy, Policy | None] = (_read(_named(tx, request.query["since"])), new, None)
            else:
                earlier = [_read(row) for row in _rows(tx, below=new.seq, limit=NEWEST_POLICIES)]
                compared = _compared(earlier, new, new.issued)
        found = [asdict(change) for change in differences(*compared)]
        return Answer(200, {"from": compared[0].id, "to": new.id, "changes": found})

    def publish(request: Request) -> Answer:
        reader = admit(parts.readers, request, "policy_edit")
        return _publish(parts, reader.org, reader.id, request)

    policy_param = {"policy": POLICY_ID}
    return [
        Endpoint(
            "GET",
            "/v1/agreement",
            agreement,
            "What managers may ever see: the agreement signed by the organisation's root and its works council",
            {
                200: ("The signed agreement in force; Framekeep-Coming names the one that is yet to begin.", DOCUMENT),
                304: ("Not changed since the ETag in If-None-Match.", None),
                **refuses(
                    s400="malformed",
                    s404="no_agreement: there is none; nothing_coming: asked for what is to come, and nothing is",
                    **{**_REFUSES, "s403": "not_allowed; revoked"},
                ),
            },
            auth="any",
            query=(COMING,),
        ),
        Endpoint(
            "GET",
            "/v1/policies",
            policies,
            "Every policy that was published, newest first, and the agreement they keep within",
            {200: ("Policies, newest first.", POLICIES), **refuses(s400="malformed", **_REFUSES)},
            auth="manager",
            query=page_parameters(),
        ),
        Endpoint(
            "POST",
            "/v1/policies",
            publish,
            "Publish a policy: one signed elsewhere, or terms for the service to sign; administrators only",
            {
                200: ("What would change (`dry_run`), or a document that was published before.", PUBLISHED),
                201: ("Published.", PUBLISHED),
                **refuses(
                    s400="malformed",
                    s409="agreement_exceeded, bad_signature, out_of_order, terms_taken, nothing_changes, no_signer,"
                    " no_agreement, no_policy, incomplete",
                    s413="too_large",
                    **_REFUSES,
                ),
            },
            auth="manager",
            body=NEW_POLICY,
        ),
        Endpoint(
            "GET",
            "/v1/policies/<policy>",
            one,
            "One policy: its terms, who signed it, the very document",
            {200: ("The policy.", POLICY), **refuses(s404="unknown_policy", **_REFUSES)},
            auth="manager",
            params=policy_param,
        ),
        Endpoint(
            "GET",
            "/v1/policies/<policy>/changes",
            changes,
            "What changed between two policies, in plain words",
            {200: ("One entry a term that differs.", CHANGES), **refuses(s404="unknown_policy", **_REFUSES)},
            auth="manager",
            query=(Parameter("since", "The policy to compare with; the one it followed when left out.", POLICY_ID),),
            params=policy_param,
        ),
    ]


def _publish(parts: DocumentParts, org: str, reader: str, request: Request) -> Answer:
    now, office = parts.readers.clock(), parts.office
    try:
        asked = strict_json(request.body, 2 * MAX_DOCUMENT)
        if not isinstance(asked, dict) or set(asked) not in ({"document"}, {"terms"}, {"terms", "dry_run"}):
            raise Refused(refusal(400, "malformed", message="Give a signed `document`, or `terms` to be signed here."))
        if "document" in asked:
            document = canonical(asked["document"])
            payload = claimed(document)
            if payload["type"] != "policy" or payload.get("org") != org:
                raise Refused(refusal(400, "malformed", message="This is not a policy of your organisation."))
            policy = Policy.from_payload(payload)
        else:
            if not isinstance(asked.get("dry_run", False), bool):  # 0 and 1 equal them
                raise Refused(refusal(400, "malformed", message="`dry_run` is true or false."))
            policy = issuing.next_policy(office, org, now=now, **_terms(asked["terms"]))
        papers = current_papers(office.database, org)
        # One that was published before is told as it was then.
        instant = policy.issued if ("policy", policy.seq) in papers.documents else now
        found = differences(*_compared(papers.policies, policy, instant))
        told = {"id": policy.id, "effective": policy.begins, "changes": [asdict(change) for change in found]}
        if "document" in asked:
            new = bool(office.documents.publish_all([document], now=now, by=reader))
            return Answer(201 if new else 200, {**told, "published": True})
        if not found:
            raise Refused(refusal(409, "nothing_changes"))
        if asked.get("dry_run"):
            return Answer(200, {**told, "published": False})
        if not office.keys.policy_path(org).is_file():
            raise Refused(refusal(409, "no_signer"))
        new = issuing.publish_policy(office, policy, now=now, by=reader)
    except Unavailable:
        raise
    except WireError as error:
        status = 413 if error.code == "too_large" else 400
        raise Refused(refusal(status, "too_large" if status == 413 else "malformed", message=_said(error))) from None
    except (NotAcceptable, RequestError) as error:
        code = error.reason if isinstance(error, NotAcceptable) else error.code
        raise Refused(refusal(400 if code == "malformed" else 409, code, message=_said(error))) from None
    return Answer(201 if new else 200, {**told, "published": True})


def _compared(policies: Iterable[Policy], new: Policy, now: float) -> tuple[Policy, Policy, Policy | None]:
    """A policy issued at `now` and what to tell it beside: the one in force then, itself, the one that falls away."""
    before = ground((one for one in policies if one.seq < new.seq), now)
    return (new, new, None) if before is None else (before.present, new, before.falls)


def _terms(asked: Any) -> dict[str, Any]:
    """The terms of a request as `issuing.next_policy` takes them. Raises Refused."""
    if not isinstance(asked, dict) or not asked or not set(asked) <= set(_TERMS):
        raise Refused(refusal(400, "malformed", message=f"`terms` names some of {', '.join(_TERMS)}."))
    taken: dict[str, Any] = dict(asked)
    if "work_hours" in asked:
        taken["work_hours"] = _hours(asked["work_hours"])
    if "effective" in asked:
        taken["effective"] = integer(asked["effective"], 0, MAX_INTEGER, "effective")
    return taken


def _hours(asked: Any) -> tuple[WorkHours, ...]:
    if not isinstance(asked, list) or not asked or not all(isinstance(part, str) for part in asked):
        raise Refused(refusal(400, "malformed", message='`work_hours` is a list such as ["mon-fri 09:00-17:30"].'))
    try:
        return tuple(parse_hours(part) for part in asked)
    except ValueError:
        raise Refused(
            refusal(400, "malformed", message='Write work hours as "mon-fri 09:00-17:30", in whole minutes.')
        ) from None


def _rows(tx: Database, *, below: int, limit: int) -> list[Row]:
    return tx.run(
        """select d.seq, d.body, extract(epoch from d.published_at)::bigint as published_at, m.name as published_by
           from document d left join manager m on m.id = d.published_by
           where d.type = 'policy' and d.seq < :below order by d.seq desc limit :limit""",
        below=below,
        limit=limit,
    )


def _named(tx: Database, policy: str) -> Row:
    """The row of the policy of this id. Raises Refused (404)."""
    number = policy.removeprefix("p-")
    if policy.startswith("p-") and number.isascii() and number.isdigit() and len(number) <= 9:
        # An id need not be its seq's, although this service gives it so: look there first, then everywhere.
        for below, limit in ((int(number) + 1, 1), (MAX_INTEGER, 10_000)):
            for row in _rows(tx, below=below, limit=limit):
                if _read(row).id == policy:
                    return row
    raise Refused(refusal(404, "unknown_policy"))


def _read(row: Row) -> Policy:
    """The policy in a row, for showing; whether it is believed is asked where it counts."""
    return Policy.from_payload(claimed(bytes(row["body"])))


def _version(papers: Papers, row: Row, now: int) -> dict[str, object]:
    policy = _read(row)
    return {
        "id": policy.id,
        "state": _state(papers, policy, now),
        "issued": policy.issued,
        "effective": policy.begins,
        "not_after": policy.not_after,
        "published_at": row["published_at"],
        "published_by": row["published_by"],
        "agreement": policy.agreement or None,
        "terms": terms(policy),
        "beyond_agreement": _beyond(papers, policy, now),
    }


def _state(papers: Papers, policy: Policy, now: int) -> str:
    present = in_force(papers.policies, now)
    if present is not None and policy.seq == present.seq:
        return "in_force"
    if policy.begins > now and all(policy.seq >= other.seq for other in papers.policies):
        return "coming"
    withdrawn = any(other.seq > policy.seq and other.issued < policy.begins for other in papers.policies)
    return "withdrawn" if withdrawn else "past"


def _beyond(papers: Papers, policy: Policy, now: int) -> bool:
    """Whether it would go beyond the agreement that holds now, or when it begins."""
    try:
        papers.check_within(policy, max(now, policy.begins))
    except NotAcceptable:
        return True
    return False


def _agreement(agreement: Agreement, now: int) -> Mapping[str, object]:
    return {
        "id": agreement.id,
        "state": "coming" if agreement.begins > now else "in_force",
        "digest": agreement.digest,
        "effective": agreement.begins,
        "not_after": agreement.not_after,
        "terms": agreement_terms(agreement),
    }


def _obligatory(papers: Papers) -> bool:
    return papers.keyset is not None and papers.keyset.council is not None


def _said(error: ServiceError | WireError) -> str:
    text = str(error)
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")
