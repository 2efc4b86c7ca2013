"""Which signed documents are acceptable in the place of those held. Pure.

Acceptance does not look at the clock, because a wrong one must not decide what is kept; what the accepted documents
allow at a moment is `policy.py`'s to say.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from agent.errors import PolicyError
from agent.store.rows import StoredDocument
from agent.wire.agreement import Agreement, exceeds, verify_agreement
from agent.wire.documents import MAX_DOCUMENT, Keyset, Policy, verify_document
from agent.wire.errors import WireError
from agent.wire.ids import organisation_id
from agent.wire.roots import follow
from agent.wire.signing import open_document
from agent.wire.strict import canonical, from_b64, strict_json
from agent.wire.versions import at_its_begin


@dataclass(frozen=True, slots=True)
class Roots:
    """The organisation and the key that signs its keysets (32 raw Ed25519 bytes); the keys that one replaced, oldest
    first, and the documents that lead from each to the next.
    """

    org: str
    root: bytes
    earlier: tuple[bytes, ...] = ()
    links: tuple[bytes, ...] = ()

    @property
    def keys(self) -> tuple[bytes, ...]:
        """All of them, oldest first; the first hashes to the organisation's id."""
        return (*self.earlier, self.root)


def roots_from(org: str, first: bytes, links: Sequence[bytes]) -> Roots:
    """The roots from the organisation's first on, every link verified. Raises PolicyError."""
    try:
        keys = follow(org, first, links)
    except WireError as error:
        raise PolicyError(
            f"The change of the organisation's root key is refused ({error}). Tell your administrator."
        ) from error
    return Roots(org, keys[-1], keys[:-1], tuple(links))


def read_roots(answer: bytes, org: str) -> tuple[Roots, bytes]:
    """From the answer of `GET /v1/keyset?org=`: the roots, followed from the one that hashes to `org`, and the keyset
    document's bytes. Raises PolicyError: another organisation's answer, or a change of the root that is not signed by
    the old and the new one.
    """
    try:
        value = strict_json(answer, 4 * MAX_DOCUMENT)
        listed = [from_b64(raw, "roots", 32) for raw in value["roots"]]
        links = [canonical(link) for link in value.get("links", [])]
        document = canonical(value["keyset"])
    except (WireError, KeyError, TypeError, AttributeError) as error:
        raise PolicyError(
            "What answered for the keyset is not the sync service: log in to the network first, or check the address."
        ) from error
    if not listed or organisation_id(listed[0]) != org:
        raise PolicyError(
            "This is not the organisation's service (its root key is another one): check the server's address."
        )
    roots = roots_from(org, listed[0], links)
    if roots.keys != tuple(listed):
        raise PolicyError(
            "The service names a root key that no signed change leads to; it is refused. Tell your administrator."
        )
    return roots, document


def accept_roots(offered: Roots, *, held: Roots) -> Roots:
    """The offered roots if they go on from those held: the same, or the same and successors. Raises PolicyError."""
    if offered.keys[: len(held.keys)] == held.keys:
        return offered
    if held.keys[: len(offered.keys)] == offered.keys:
        raise PolicyError(
            "The service offers a root key that was replaced before; it is refused. Tell your administrator: an old"
            " copy may have been restored."
        )
    raise PolicyError(
        "The service offers another root key than the one that was seen before; the first stands. Tell your"
        " administrator."
    )


def accept_keyset(document: bytes, *, roots: Roots, held: StoredDocument | None) -> Keyset:
    """The keyset in `document` if it may take the place of the one held: signed by the root of today, its seq not
    lower, the same payload where the seq is equal, no lower min_suite, and signed by the works council as well where
    it replaces or drops the council's key. Raises PolicyError.
    """
    keyset = _read_keyset(document, [roots.root], roots.org)
    if held is not None:
        _check_sequence("keyset", keyset.seq, document, held)
        before = restore_keyset(held.body, roots=roots)
        if keyset.min_suite < before.min_suite:
            raise PolicyError(
                f"The keyset allows seals of suite {keyset.min_suite} although {before.min_suite} was required before;"
                " it is refused. Tell your administrator."
            )
        if before.council is not None and keyset.council != before.council:
            _check_council_agrees(document, before.council, roots.org)
    return keyset


def restore_keyset(document: bytes, *, roots: Roots) -> Keyset:
    """A keyset that was accepted before, by the root of today or by one that was replaced since. Raises PolicyError."""
    return _read_keyset(document, roots.keys, roots.org)


def accept_agreement(
    document: bytes, *, roots: Roots, council: bytes, held: Iterable[StoredDocument | None] = ()
) -> Agreement:
    """The agreement in `document`, signed by a root and by the council, if it may stand beside or in the place of those
    held (the one in force first): its seq not below the first one's, the same payload where a seq is equal.
    Raises PolicyError.
    """
    try:
        agreement = verify_agreement(document, roots=roots.keys, council=council, org=roots.org)
    except WireError as error:
        raise PolicyError(f"The agreement is refused ({error}). Tell your administrator.") from error
    _check_sequences("agreement", agreement.seq, document, held)
    return agreement


BEYOND = (
    "A policy was offered that goes beyond the agreement with the works council: it is refused, and the one before"
    " stays. Tell your administrator."
)


def accept_policy(
    document: bytes,
    *,
    roots: Roots,
    keyset: Keyset,
    held: Iterable[StoredDocument | None] = (),
    agreements: Sequence[Agreement] = (),
) -> Policy:
    """The policy in `document` if it may stand beside or in the place of those held (the one in force first): signed by
    one of the keyset's policy signers, its seq not below the first one's, the same payload where a seq is equal, and,
    where the keyset names a works council, within that of the `agreements` which holds when the policy begins. (Without
    any it is accepted, but nothing is measured under it.) Raises PolicyError.
    """
    try:
        payload = verify_document(document, "policy", signers=keyset.policy_signers, org=roots.org)
        policy = Policy.from_payload(payload)
    except WireError as error:
        raise PolicyError(f"The policy is refused ({error}). Tell your administrator.") from error
    _check_sequences("policy", policy.seq, document, held)
    if keyset.council is not None:
        agreement = at_its_begin(agreements, policy.begins)
        if agreement is not None and exceeds(policy, agreement):
            raise PolicyError(BEYOND)
    return policy


def _read_keyset(document: bytes, keys: Iterable[bytes], org: str) -> Keyset:
    try:
        return Keyset.from_payload(verify_document(document, "keyset", signers=keys, org=org))
    except WireError as error:
        raise PolicyError(f"The keyset is refused ({error}). Tell your administrator.") from error


def _check_council_agrees(document: bytes, council: bytes, org: str) -> None:
    try:
        verify_document(document, "keyset", signers=[council], org=org)
    except WireError as error:
        raise PolicyError(
            "The keyset takes the works council's key away without the council's own signature; it is refused. Tell"
            " your administrator and your works council."
        ) from error


def _check_sequences(kind: str, seq: int, document: bytes, held: Iterable[StoredDocument | None]) -> None:
    """Not below the first one held; the same bytes as any of the same number."""
    in_force, *others = [*held] or [None]
    if in_force is not None:
        _check_sequence(kind, seq, document, in_force)
    for other in others:
        if other is not None and other.seq == seq:
            _check_sequence(kind, seq, document, other)


def _check_sequence(kind: str, seq: int, document: bytes, held: StoredDocument) -> None:
    if seq < held.seq:
        raise PolicyError(
            f"The service offers {kind} {seq} although {held.seq} was seen before; it is refused."
            " Tell your administrator: an old copy may have been restored."
        )
    if seq == held.seq and _payload(document) != _payload(held.body):
        raise PolicyError(
            f"The service offers another {kind} under the number {seq}; the first stands. Tell your administrator."
        )


def _payload(document: bytes) -> bytes:
    """The signed part. Signatures around it may differ without the document being another one."""
    return open_document(document)[0]
