"""The organisation's documents as the service itself believes them: signatures first, then content.

The service checks what it serves with the same code the agents use, from the root key down, so a row somebody slipped
into the table changes no number.
"""

from __future__ import annotations

from agent.wire.documents import Keyset, Policy, verify_document
from agent.wire.errors import WireError
from sync_service.errors import ServiceError
from sync_service.ports import Database


def current_keyset(db: Database, org: str) -> Keyset:
    """The newest keyset of an organisation, verified with its root key. Raises ServiceError when there is none."""
    return _keyset(org, _newest(db, org, "keyset"), _root(db, org))


def current_policy(db: Database, org: str) -> Policy:
    """The newest policy of an organisation, verified with a signer of its keyset. Raises ServiceError."""
    keyset = current_keyset(db, org)
    try:
        payload = verify_document(_newest(db, org, "policy"), "policy", signers=keyset.policy_signers, org=org)
        return Policy.from_payload(payload)
    except WireError as error:
        raise ServiceError(f"the policy of organisation {org} cannot be believed: {error}") from None


def _keyset(org: str, body: bytes, root: bytes) -> Keyset:
    try:
        return Keyset.from_payload(verify_document(body, "keyset", signers=(root,), org=org))
    except WireError as error:
        raise ServiceError(f"the keyset of organisation {org} cannot be believed: {error}") from None


def _root(db: Database, org: str) -> bytes:
    rows = db.run("select root_public from organisation where id = :org", org=org)
    if not rows:
        raise ServiceError(f"there is no organisation {org}")
    return bytes(rows[0]["root_public"])


def _newest(db: Database, org: str, kind: str) -> bytes:
    rows = db.run(
        "select body from document where org = :org and type = :kind order by seq desc limit 1", org=org, kind=kind
    )
    if not rows:
        raise ServiceError(f"organisation {org} has no {kind} yet; publish one first")
    return bytes(rows[0]["body"])
