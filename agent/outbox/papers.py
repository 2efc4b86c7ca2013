"""The accepted documents in the store: read back at a start, and written down when new ones were accepted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from agent.acceptance import Roots, accept_agreement, accept_policy, restore_keyset, roots_from
from agent.errors import PolicyError
from agent.policy import Papers
from agent.store.rows import StoredDocument
from agent.store.store import DocumentKind, Store
from agent.wire.agreement import Agreement
from agent.wire.documents import MAX_DOCUMENT, Keyset, Policy
from agent.wire.strict import canonical, strict_json

POLICIES = (DocumentKind.POLICY, DocumentKind.COMING_POLICY)
AGREEMENTS = (DocumentKind.AGREEMENT, DocumentKind.COMING_AGREEMENT)
_KEYSET, _ROOTS = DocumentKind.KEYSET, DocumentKind.ROOTS


@dataclass(frozen=True, slots=True)
class Held:
    """The documents as they are kept, and what they say; `problem` is why some of them say nothing, "" when all is well."""

    papers: Papers
    rows: dict[DocumentKind, StoredDocument]
    problem: str = ""


def load(store: Store, first: Roots) -> Held:
    """What was accepted before, checked again from the organisation's `first` root down. Raises StoreError."""
    rows = {kind: row for kind in DocumentKind if (row := store.document(kind)) is not None}
    try:
        roots = roots_from(first.org, first.root, _links(rows[DocumentKind.ROOTS].body)) if _ROOTS in rows else first
        keyset = restore_keyset(rows[_KEYSET].body, roots=roots) if _KEYSET in rows else None
    except PolicyError as error:
        return Held(Papers(first), rows, str(error))
    papers, problem = restore(roots, keyset, rows)
    return Held(papers, rows, problem)


def restore(roots: Roots, keyset: Keyset | None, rows: Mapping[DocumentKind, StoredDocument]) -> tuple[Papers, str]:
    """What the kept policies and agreements say under these roots and this keyset, and why one of them says nothing any
    more ("" when all do): its signer may have been taken off the list. Whether a policy keeps within the agreement is
    said when it is used.
    """
    agreements: list[Agreement] = []
    policies: list[Policy] = []
    problem = ""
    for kind, row in rows.items():
        try:
            if keyset is not None and keyset.council is not None and kind in AGREEMENTS:
                agreements.append(accept_agreement(row.body, roots=roots, council=keyset.council))
            elif keyset is not None and kind in POLICIES:
                policies.append(accept_policy(row.body, roots=roots, keyset=keyset))
        except PolicyError as error:
            problem = problem or str(error)
    return Papers(roots, keyset, tuple(agreements), tuple(policies)), problem


def put_roots(store: Store, roots: Roots) -> StoredDocument:
    """Keep the documents that lead to the root of today."""
    body = canonical([strict_json(link, MAX_DOCUMENT) for link in roots.links])
    store.put_document(DocumentKind.ROOTS, seq=len(roots.links), body=body)
    return StoredDocument(len(roots.links), body, "")


def held_roots(store: Store, first: Roots) -> Roots:
    """The roots accepted before; `first` alone where there are none or they cannot be read. Raises StoreError."""
    row = store.document(DocumentKind.ROOTS)
    if row is None:
        return first
    try:
        return roots_from(first.org, first.root, _links(row.body))
    except PolicyError:
        return first


def _links(body: bytes) -> list[bytes]:
    return [canonical(link) for link in strict_json(body, 64 * MAX_DOCUMENT)]
