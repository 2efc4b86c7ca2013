"""The Documents port over PostgreSQL: signed documents byte for byte, and what the numbers need to know of them."""

from __future__ import annotations

from agent.wire.documents import Keyset, Policy, verify_document
from agent.wire.errors import WireError
from agent.wire.strict import from_b64, strict_json
from sync_service.errors import ServiceError
from sync_service.ports import Database, SignedDocument

_MAX_BYTES = 64 * 1024


class PostgresDocuments:
    """Documents in the table `document`, as any role that may read them (framekeep_ingest) or, for `publish`, as
    framekeep_admin.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def latest(self, org: str, type: str) -> SignedDocument | None:
        """See Documents.latest."""
        return _latest(self._database, org, type)

    def publish(self, body: bytes, *, now: int) -> SignedDocument:
        """See Documents.publish. A keyset is checked against the organisation's root key, a policy against the
        signers of the newest keyset; a policy's terms are recorded under its id.
        """
        org, kind = _claimed_org_and_type(body)
        with self._database.transaction() as tx:
            newest = _latest(tx, org, kind)
            try:
                document, policy = _check(tx, org, kind, body)
            except WireError as error:
                raise ServiceError(f"this {kind} is not published: {error}") from None
            if newest is not None and newest.body == body:
                return newest
            if newest is not None and document.seq <= newest.seq:
                raise ServiceError(
                    f"this {kind} has seq {document.seq}, but {newest.seq} is already published; sign it with a higher one"
                )
            tx.run(
                """insert into document (org, type, seq, body, published_at)
                   values (:org, :type, :seq, :body, to_timestamp(:now))""",
                org=org,
                type=kind,
                seq=document.seq,
                body=body,
                now=now,
            )
            if policy is not None:
                _record_terms(tx, policy)
        return document


def _latest(database: Database, org: str, kind: str) -> SignedDocument | None:
    rows = database.run(
        "select seq, body from document where org = :org and type = :type order by seq desc limit 1", org=org, type=kind
    )
    return SignedDocument(org, kind, rows[0]["seq"], rows[0]["body"]) if rows else None


def _claimed_org_and_type(body: bytes) -> tuple[str, str]:
    """What a document says it is, before anything of it is believed."""
    try:
        payload = strict_json(from_b64(strict_json(body, _MAX_BYTES)["payload"], "payload"), _MAX_BYTES)
        org, kind = payload["org"], payload["type"]
    except (WireError, KeyError, TypeError):
        raise ServiceError("this is not a signed document; sign it again") from None
    if not isinstance(org, str) or kind not in ("keyset", "policy"):
        raise ServiceError("only keysets and policies are published")
    return org, kind


def _check(tx: Database, org: str, kind: str, body: bytes) -> tuple[SignedDocument, Policy | None]:
    roots = tx.run("select root_public from organisation where id = :org", org=org)
    if not roots:
        raise ServiceError("this document names an organisation that is not here; create it first")
    root = roots[0]["root_public"]
    if kind == "keyset":
        keyset = Keyset.from_payload(verify_document(body, "keyset", signers=[root], org=org))
        return SignedDocument(org, kind, keyset.seq, body), None
    current = _latest(tx, org, "keyset")
    if current is None:
        raise ServiceError("there is no keyset that says who signs policies; publish the keyset first")
    keyset = Keyset.from_payload(verify_document(current.body, "keyset", signers=[root], org=org))
    policy = Policy.from_payload(verify_document(body, "policy", signers=keyset.policy_signers, org=org))
    return SignedDocument(org, kind, policy.seq, body), policy


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
        raise ServiceError(f"{policy.id} was published with other terms; give the new policy an id of its own")
