"""The Documents port over PostgreSQL: signed documents byte for byte, and what the numbers need to know of them."""

from __future__ import annotations

from collections.abc import Sequence

from agent.wire.documents import Policy
from agent.wire.errors import WireError
from agent.wire.signing import claimed, read_begin
from agent.wire.strict import MAX_INTEGER, hex_id, integer
from sync_service.errors import ServiceError
from sync_service.papers import ORDER, NotAcceptable, check_together, join
from sync_service.policies import current_papers
from sync_service.ports import Database, SignedDocument

_LOOK_BACK = 200


class PostgresDocuments:
    """Documents in the table `document`, as any role that may read them (framekeep_ingest) or, for `publish`, as
    framekeep_admin.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def latest(self, org: str, type: str) -> SignedDocument | None:
        """See Documents.latest."""
        found = self._newest(org, type, 1)
        return found[0] if found else None

    def in_force(self, org: str, type: str, *, now: float) -> SignedDocument | None:
        """See Documents.in_force."""
        for most in (1, _LOOK_BACK):  # nearly always it is the newest one
            limit = now
            found = self._newest(org, type, most)
            for document in found:
                payload = claimed(document.body)
                if read_begin(payload) <= limit:
                    return document
                limit = min(limit, payload["issued"])
        return None

    def coming(self, org: str, type: str, *, now: float) -> SignedDocument | None:
        """See Documents.coming."""
        newest = self.latest(org, type)
        return newest if newest is not None and read_begin(claimed(newest.body)) > now else None

    def every(self, org: str, type: str) -> list[SignedDocument]:
        """See Documents.every."""
        rows = self._database.run(
            "select seq, body from document where org = :org and type = :type order by seq", org=org, type=type
        )
        return [SignedDocument(org, type, row["seq"], bytes(row["body"])) for row in rows]

    def publish(self, body: bytes, *, now: int) -> SignedDocument:
        """See Documents.publish."""
        self.publish_all([body], now=now)
        return _claimed(body)

    def publish_all(self, bodies: Sequence[bytes], *, now: int, by: str | None = None) -> list[SignedDocument]:
        """See Documents.publish_all. A policy's terms are recorded under its id."""
        asked = [_claimed(body) for body in bodies]
        orgs = {document.org for document in asked}
        if len(orgs) != 1:
            raise ServiceError("documents of one organisation at a time are published together")
        org = orgs.pop()
        with self._database.transaction() as tx:
            if not tx.run("select 1 as one from organisation where id = :org", org=org):
                raise ServiceError("this document names an organisation that is not here; create it first")
            tx.run("select pg_advisory_xact_lock(hashtextextended(:key, 0))", key=f"documents {org}")
            papers = current_papers(tx, org)
            fresh = []
            for document in sorted(asked, key=lambda one: (ORDER.index(one.type), one.seq)):
                joined = join(papers, document)
                if joined is not papers:
                    fresh.append(document)
                papers = joined
            check_together(papers, now)
            for document in fresh:
                tx.run(
                    """insert into document (org, type, seq, body, published_at, published_by)
                       values (:org, :type, :seq, :body, to_timestamp(:now), :by)""",
                    org=org,
                    type=document.type,
                    seq=document.seq,
                    body=document.body,
                    now=now,
                    by=by,
                )
                if document.type == "policy":
                    _record_terms(tx, Policy.from_payload(claimed(document.body)))
        return fresh

    def _newest(self, org: str, type: str, most: int) -> list[SignedDocument]:
        rows = self._database.run(
            "select seq, body from document where org = :org and type = :type order by seq desc limit :most",
            org=org,
            type=type,
            most=most,
        )
        return [SignedDocument(org, type, row["seq"], bytes(row["body"])) for row in rows]


def _claimed(body: bytes) -> SignedDocument:
    """What a document says it is, before anything of it is believed."""
    try:
        payload = claimed(body)
        org = hex_id(payload.get("org"), "org")
        seq = integer(payload.get("seq"), 1, MAX_INTEGER, "seq")
    except WireError as error:
        raise NotAcceptable("malformed", f"this is not a signed document ({error}); sign it again") from None
    return SignedDocument(org, payload["type"], seq, body)


def _record_terms(tx: Database, policy: Policy) -> None:
    """A policy's id stands for its terms for good: windows that name it were measured under them."""
    tx.run(
        """insert into policy_terms (org, policy, seq, individual_reports, k)
           values (:org, :policy, :seq, :individual, :k) on conflict (org, policy) do nothing""",
        org=policy.org,
        policy=policy.id,
        seq=policy.seq,
        individual=policy.individual_reports,
        k=policy.k,
    )
    kept = tx.run(
        "select individual_reports, k from policy_terms where org = :org and policy = :policy",
        org=policy.org,
        policy=policy.id,
    )[0]
    if (kept["individual_reports"], kept["k"]) != (policy.individual_reports, policy.k):
        raise NotAcceptable(
            "terms_taken", f"{policy.id} was published with other terms; give the new policy an id of its own"
        )
