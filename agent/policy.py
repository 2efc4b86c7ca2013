"""Which signed documents are acceptable, and what follows from the accepted ones. Pure: time is an argument.

Acceptance does not look at the clock, because a wrong one must not decide what is kept; standing does: an expired
keyset or policy means that nothing is looked at, and the reason is said.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from agent.errors import PolicyError
from agent.store.rows import StoredDocument
from agent.wire.documents import MAX_DOCUMENT, Keyset, Policy, verify_document
from agent.wire.errors import WireError
from agent.wire.ids import organisation_id
from agent.wire.seal import SealPublicKey
from agent.wire.strict import canonical, from_b64, strict_json


@dataclass(frozen=True, slots=True)
class Roots:
    """The organisation and the key that signs its keysets (32 raw Ed25519 bytes)."""

    org: str
    root: bytes


def read_roots(answer: bytes, org: str) -> tuple[Roots, bytes]:
    """From the answer of `GET /v1/keyset?org=`: the root that hashes to `org`, and the keyset document's bytes.

    Raises PolicyError: another organisation's answer, or one whose root was replaced, which needs a document that
    this version does not know.
    """
    try:
        value = strict_json(answer, 4 * MAX_DOCUMENT)
        roots = [from_b64(raw, "roots", 32) for raw in value["roots"]]
        document = canonical(value["keyset"])
    except (WireError, KeyError, TypeError) as error:
        raise PolicyError(
            "What answered for the keyset is not the sync service: log in to the network first, or check the address."
        ) from error
    if not roots or organisation_id(roots[0]) != org:
        raise PolicyError(
            "This is not the organisation's service (its root key is another one): check the server's address."
        )
    if len(roots) > 1:
        raise PolicyError("The organisation replaced its root key, which this version cannot follow: update Framekeep.")
    return Roots(org, roots[0]), document


def accept_keyset(document: bytes, *, roots: Roots, held: StoredDocument | None) -> Keyset:
    """The keyset in `document` if it may take the place of the one held: signed by the root, its seq not lower,
    the same bytes where the seq is equal, and no lower min_suite. Raises PolicyError.
    """
    keyset = _read_keyset(document, roots)
    if held is not None:
        _check_sequence("keyset", keyset.seq, document, held)
        before = _read_keyset(held.body, roots)
        if keyset.min_suite < before.min_suite:
            raise PolicyError(
                f"The keyset allows seals of suite {keyset.min_suite} although {before.min_suite} was required before;"
                " it is refused. Tell your administrator."
            )
    return keyset


def accept_policy(document: bytes, *, roots: Roots, keyset: Keyset, held: StoredDocument | None) -> Policy:
    """The policy in `document` if it may take the place of the one held: signed by one of the keyset's policy
    signers, its seq not lower, the same bytes where the seq is equal. Raises PolicyError.
    """
    try:
        payload = verify_document(document, "policy", signers=keyset.policy_signers, org=roots.org)
        policy = Policy.from_payload(payload)
    except WireError as error:
        raise PolicyError(f"The policy is refused ({error}). Tell your administrator.") from error
    if held is not None:
        _check_sequence("policy", policy.seq, document, held)
    return policy


@dataclass(frozen=True, slots=True)
class Standing:
    """What the documents allow at one moment. `reason` is "" when frames may be looked at, else one sentence that
    says why not. `policy` and `seal_key` are given as long as they are valid.
    """

    reason: str
    policy: Policy | None = None
    seal_key: SealPublicKey | None = None

    @property
    def may_look(self) -> bool:
        """Whether a camera may be opened as far as the documents go."""
        return not self.reason


def standing(keyset: Keyset | None, policy: Policy | None, *, now: float, revoked: bool = False) -> Standing:
    """What may be done at `now` (epoch seconds). What was measured before stays and is sealed as soon as it may be."""
    if revoked:
        return Standing("The service revoked this device: nothing is measured. Ask your administrator for a new code.")
    if keyset is None:
        return Standing("The organisation's keyset is missing: nothing is measured until it was fetched.")
    if now >= keyset.not_after:
        return Standing(
            "The organisation's keyset has expired: nothing is measured until a new one was fetched. If your clock is"
            " right, tell your administrator."
        )
    key = keyset.seal_key(int(now))
    if key is None:
        return Standing("The keyset holds no key that may be sealed to today: nothing is measured until it does.")
    if policy is None:
        return Standing("The organisation's policy is missing: nothing is measured until it was fetched.", None, key)
    if now >= policy.not_after:
        return Standing(
            "The organisation's policy has expired: nothing is measured until a new one was fetched. If your clock is"
            " right, tell your administrator.",
            None,
            key,
        )
    return Standing("", policy, key)


def locks(keyset: Keyset, policy: Policy) -> dict[str, Any]:
    """Settings the organisation decides: configuration key -> value. The user's own value stands back visibly."""
    return {"server": keyset.endpoint, "interval_seconds": policy.interval_seconds}


def _read_keyset(document: bytes, roots: Roots) -> Keyset:
    try:
        return Keyset.from_payload(verify_document(document, "keyset", signers=[roots.root], org=roots.org))
    except WireError as error:
        raise PolicyError(f"The keyset is refused ({error}). Tell your administrator.") from error


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


def _payload(document: bytes) -> Any:
    """The signed part. Signatures around it may differ without the document being another one."""
    value = strict_json(document, MAX_DOCUMENT)
    return value.get("payload") if isinstance(value, dict) else None
