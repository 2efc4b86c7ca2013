"""`POST /v1/devices`: a one-time code becomes a device, exactly once.

The code's row is locked, checked and marked used in one transaction, together with the device and the answer the laptop
is told: whoever deletes a person's codes finds all their devices. A registry kept elsewhere learns of the device after
that: a crash in between is repaired by the laptop's own repetition, which finds its code used with its very key and gets
the same answer. Whatever is wrong with a code, the answer is the same.
"""

from __future__ import annotations

import secrets

from agent.wire.enrolment import EnrolRequest, enrol_proof
from agent.wire.errors import BadSignature, WireError
from agent.wire.ids import device_id
from agent.wire.strict import canonical, strict_json, to_b64
from sync_service.errors import Unavailable
from sync_service.ingest import Answer, refusal
from sync_service.ports import Database, Device, DeviceRegistry, Documents, Row, SignedDocument

MAX_REQUEST = 4096
MAX_ANSWER = 256 * 1024

CODE_REFUSED = refusal(403, "code_refused")
"""One answer for a code that is unknown, used by another laptop, expired, or not known to the sender."""


def enrol(body: bytes, *, db: Database, registry: DeviceRegistry, documents: Documents, now: int) -> Answer:
    """Answer an enrolment at `now` (epoch seconds). `db` and `registry` speak as framekeep_enroll."""
    try:
        request = EnrolRequest.parse(strict_json(body, MAX_REQUEST))
    except WireError as error:
        return refusal(413 if error.code == "too_large" else 400, error.code)
    device = device_id(request.device_public)
    try:
        # Asked before the transaction: whoever holds a connection must not wait for another one.
        known = registry.find(device)
        papers = _papers(db, documents, request.code_id, now)
        with db.transaction() as tx:
            row = _lock_code(tx, request.code_id, now)
            if not _proven(request, row) or row is None or _taken(known, row):
                return CODE_REFUSED
            if row["device_public"] is not None and row["device_public"] != request.device_public:
                return CODE_REFUSED
            told = row["answer"]
            if told is None:
                told = _answer(papers, row, request.device_public)
                _mark_used(tx, row["id"], request.device_public, told, now)
            enrolled = Device(device, row["org"], row["person"], request.device_public)
            _keep(tx, enrolled, now)
        registry.add(enrolled, now=now)
    except Unavailable as error:
        return refusal(503, "unavailable", retry_after=error.retry_after)
    return Answer(201, strict_json(told, MAX_ANSWER))


def _lock_code(tx: Database, code: str, now: int) -> Row | None:
    rows = tx.run(
        """select c.id, c.org, c.person, c.secret_hash, c.device_public, c.answer
           from code c where c.id = :id and c.expires_at > to_timestamp(:now) for update""",
        id=code,
        now=now,
    )
    return rows[0] if rows else None


def _proven(request: EnrolRequest, row: Row | None) -> bool:
    """Check both proofs; for an unknown code against a secret nobody has, so that it takes the same work."""
    org, secret_hash = (row["org"], row["secret_hash"]) if row else ("0" * 32, secrets.token_bytes(32))
    try:
        request.check(org=org, secret_hash=secret_hash)
    except BadSignature:
        return False
    return True


def _taken(known: Device | None, row: Row) -> bool:
    """Whether this device key is somebody else's already, or was revoked: a key enrols for one person, once."""
    return known is not None and (known.revoked or (known.org, known.person) != (row["org"], row["person"]))


def _papers(
    db: Database, documents: Documents, code: str, now: int
) -> tuple[SignedDocument | None, SignedDocument | None]:
    """Keyset and policy in force of the organisation a code is for; the newest policy where none has begun."""
    rows = db.run("select org from code where id = :id", id=code)
    if not rows:
        return None, None
    org = rows[0]["org"]
    policy = documents.in_force(org, "policy", now=now) or documents.latest(org, "policy")
    return documents.latest(org, "keyset"), policy


def _answer(papers: tuple[SignedDocument | None, SignedDocument | None], row: Row, device_public: bytes) -> bytes:
    keyset, policy = papers
    if keyset is None or policy is None:
        raise Unavailable("the organisation has no keyset or policy yet; publish them, then enrol again", 60)
    return canonical(
        {
            "device": device_id(device_public),
            "org": row["org"],
            "keyset": strict_json(keyset.body, MAX_ANSWER),
            "policy": strict_json(policy.body, MAX_ANSWER),
            "proof": to_b64(enrol_proof(secret_hash=row["secret_hash"], org=row["org"], device_public=device_public)),
        }
    )


def _mark_used(tx: Database, code: str, device_public: bytes, answer: bytes, now: int) -> None:
    tx.run(
        """update code set used_at = to_timestamp(:now), device_public = :public, answer = :answer where id = :id""",
        id=code,
        public=device_public,
        answer=answer,
        now=now,
    )


def _keep(tx: Database, device: Device, now: int) -> None:
    tx.run(
        """insert into device (id, org, person, public, enrolled_at)
           values (:id, :org, :person, :public, to_timestamp(:now)) on conflict (id) do nothing""",
        id=device.id,
        org=device.org,
        person=device.person,
        public=device.public,
        now=now,
    )
