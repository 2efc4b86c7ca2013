"""The root key's successors: each new root is named in a document that the root before and the new one have signed.

The first root is the organisation's id and never changes; whoever knows it follows the links, in order and without a
gap, to the root of today. A link's `not_after` is for people: a chain must be followed for as long as anybody enrols.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agent.wire.errors import BadSignature, Malformed
from agent.wire.ids import check_ed25519_public, organisation_id
from agent.wire.signing import COMMON, check_common, claimed, common, verify_document
from agent.wire.strict import exact_fields, from_b64, to_b64

MOST_LINKS = 64
"""A root every year for a lifetime; more would be somebody's attempt to keep us busy."""


@dataclass(frozen=True, slots=True)
class RootLink:
    """One change of the root: `old` and `new` are raw Ed25519 keys; `seq` counts the changes from 1. Raises Malformed."""

    org: str
    seq: int
    issued: int
    not_after: int
    old: bytes
    new: bytes

    def __post_init__(self) -> None:
        check_common(self.org, self.seq, self.issued, self.not_after)
        for raw in (self.old, self.new):
            check_ed25519_public(raw)
        if self.old == self.new:
            raise Malformed("a root's successor is another key")

    def to_payload(self) -> dict[str, Any]:
        """The payload to sign, with both keys."""
        return {
            **common("root", self.org, self.seq, self.issued, self.not_after),
            "old": to_b64(self.old),
            "new": to_b64(self.new),
        }

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> RootLink:
        """The link in a payload. Raises Malformed."""
        fields = exact_fields(payload, (*COMMON, "old", "new"))
        return cls(
            org=fields["org"],
            seq=fields["seq"],
            issued=fields["issued"],
            not_after=fields["not_after"],
            old=from_b64(fields["old"], "old", 32),
            new=from_b64(fields["new"], "new", 32),
        )


def follow(org: str, first: bytes, links: Sequence[bytes]) -> tuple[bytes, ...]:
    """Every root of an organisation, oldest first, from its `first` (raw) over the documents of its changes; the last
    one signs today. Raises WireError: a link is missing, out of order, not signed by both keys, or leads back.
    """
    if organisation_id(first) != org:
        raise BadSignature("this root key is not the organisation's first")
    if len(links) > MOST_LINKS:
        raise Malformed(f"a root is replaced at most {MOST_LINKS} times")
    roots = [check_ed25519_public(first)]
    for number, document in enumerate(links, start=1):
        # The keys are read first, because one of them is only named here; both must then have signed these very bytes.
        link = RootLink.from_payload(claimed(document))
        if (link.seq, link.old) != (number, roots[-1]) or link.new in roots:
            raise BadSignature(f"root document {link.seq} does not follow the root before it")
        verify_document(document, "root", signers=(link.old, link.new), org=org, required=2)
        roots.append(link.new)
    return tuple(roots)
