"""PURE. An organisation's published documents taken together: what may join them, and what holds at an instant.

The same checks as the agents': signatures from the first root key down, sequences that only rise, and every policy within
the agreement that holds at the time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from agent.wire.agreement import Agreement, exceeds, verify_agreement
from agent.wire.documents import Keyset, Policy, verify_document
from agent.wire.errors import WireError
from agent.wire.roots import RootLink, follow
from agent.wire.signing import claimed
from agent.wire.versions import coming, in_force
from sync_service.errors import ServiceError
from sync_service.ports import SignedDocument

ORDER = ("root", "keyset", "agreement", "policy")
"""In which documents that are published together are looked at: each is checked with those before it."""

_TERMS = {
    "agreement": "it does not name the agreement in force",
    "k": "its k is below the agreement's",
    "individual_reports": "it allows reports by name, which the agreement does not",
    "interval_seconds": "it looks more often than the agreement allows",
    "work_hours": "its work hours are wider than the agreement's",
}


class NotAcceptable(ServiceError):
    """A document, or all of them together, cannot stand; `reason` is a stable word, the message says why."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Papers:
    """The documents of one organisation. `policies` are the newest ones, all that can matter now, whether their signers
    are still listed or not (`believe` says). `agreements` are those that today's works council has signed; while there
    is no council they say what was agreed before, and bind nobody.
    """

    org: str
    first_root: bytes
    links: tuple[SignedDocument, ...] = ()
    keyset: Keyset | None = None
    keyset_document: SignedDocument | None = None
    agreements: tuple[Agreement, ...] = ()
    policies: tuple[Policy, ...] = ()
    documents: dict[tuple[str, int], bytes] = field(default_factory=dict)
    """(type, seq) -> the exact bytes."""

    @property
    def roots(self) -> tuple[bytes, ...]:
        """Every root key, oldest first; the last one signs. Raises WireError."""
        return follow(self.org, self.first_root, [link.body for link in self.links])

    def policy(self, now: float) -> Policy:
        """The policy in force at `now`, its signature and its standing within the agreement checked.
        Raises NotAcceptable.
        """
        found = in_force(self.policies, now)
        if found is None:
            raise NotAcceptable("no_policy", f"organisation {self.org} has no policy yet; publish one first")
        self.believe(found)
        self.check_within(found, now)
        return found

    def agreement(self, now: float) -> Agreement | None:
        """The agreement in force; None where the keyset names no works council. Raises NotAcceptable where there should
        be one.
        """
        if self.keyset is None or self.keyset.council is None:
            return None
        found = in_force(self.agreements, now)
        if found is None or now >= found.not_after:
            raise NotAcceptable(
                "no_agreement",
                f"organisation {self.org} has a works council and no agreement that holds now; publish one that both"
                " have signed",
            )
        return found

    def check_within(self, policy: Policy, now: float) -> None:
        """Raise NotAcceptable unless the policy keeps within the agreement in force at `now`."""
        agreement = self.agreement(now)
        beyond = exceeds(policy, agreement) if agreement is not None else ()
        if agreement is not None and beyond:
            why = ", ".join(_TERMS[name] for name in beyond)
            raise NotAcceptable(
                "agreement_exceeded",
                f"policy {policy.id} goes beyond agreement {agreement.id}: {why}; sign one that keeps within it",
            )

    def believe(self, policy: Policy) -> None:
        """Raise NotAcceptable unless a signer of the present keyset has signed this policy."""
        signers = self.keyset.policy_signers if self.keyset is not None else ()
        try:
            verify_document(self.documents["policy", policy.seq], "policy", signers=signers, org=self.org)
        except WireError as error:
            raise NotAcceptable(
                "bad_signature", f"the policy of organisation {self.org} cannot be believed: {error}"
            ) from None


def read(org: str, first_root: bytes, documents: Iterable[SignedDocument]) -> Papers:
    """The papers in published documents: every root link and agreement, the newest keyset, the newest policies. A policy
    or agreement whose signer was replaced since is in nobody's way. Raises NotAcceptable for a root or keyset that
    cannot be believed.
    """
    papers = Papers(org, first_root)
    for document in sorted(documents, key=lambda one: (ORDER.index(one.type), one.seq)):
        try:
            papers = _joined(papers, document)
        except WireError as error:
            raise NotAcceptable(
                "bad_signature", f"the {document.type} of organisation {org} cannot be believed: {error}"
            ) from None
    return replace(papers, agreements=_agreements(papers))


def join(papers: Papers, document: SignedDocument) -> Papers:
    """The papers with one more document: well signed, its seq above the newest of its type (or the very same document),
    issued no earlier, and neither suite nor council going backwards. Raises NotAcceptable.
    """
    kind = document.type
    known = papers.documents.get((kind, document.seq))
    if known == document.body:
        return papers
    newest = max((seq for type_, seq in papers.documents if type_ == kind), default=0)
    if document.seq <= newest:
        raise NotAcceptable(
            "out_of_order",
            f"this {kind} has seq {document.seq}, but {newest} is already published; sign it with a higher one",
        )
    try:
        if kind == "keyset":
            _check_keyset(papers, document)
        elif kind != "root":
            _check_signers(papers, document)
        joined = _joined(papers, document)
    except WireError as error:
        raise NotAcceptable("bad_signature", f"this {kind} is not published: {error}") from None
    if newest and claimed(document.body)["issued"] < claimed(papers.documents[kind, newest])["issued"]:
        raise NotAcceptable(
            "out_of_order",
            f"this {kind} was issued before the one that is published already; set the clock right and sign it again",
        )
    return joined if kind == "policy" else replace(joined, agreements=_agreements(joined))


def check_together(papers: Papers, now: int) -> None:
    """Raise NotAcceptable unless everything holds together: the keyset is signed by the root of today, and the policy
    in force, now and at every date something begins, is signed by a listed key and keeps within the agreement.
    """
    if papers.keyset_document is None:
        return
    try:
        verify_document(papers.keyset_document.body, "keyset", signers=[papers.roots[-1]], org=papers.org)
    except WireError as error:
        raise NotAcceptable(
            "incomplete",
            f"the keyset does not fit the root of today ({error}); publish the root document together with a keyset that"
            " the new root has signed",
        ) from None
    if not papers.policies:
        return
    issues = [coming(papers.policies, now), coming(papers.agreements, now)]
    for instant in (now, *(issue.begins for issue in issues if issue is not None)):
        if in_force(papers.policies, instant) is not None:
            papers.policy(instant)


def _joined(papers: Papers, document: SignedDocument) -> Papers:
    """With the document: roots and keysets verified; of policies and agreements `join` asks for more, and which agreements
    count is for the caller to say anew.
    """
    org, body = papers.org, document.body
    joined = replace(papers, documents={**papers.documents, **_row(document)})
    if document.type == "policy":
        return replace(joined, policies=(*papers.policies, Policy.from_payload(claimed(body))))
    if document.type == "root":
        RootLink.from_payload(claimed(body))
        joined = replace(joined, links=(*papers.links, document))
        follow(org, papers.first_root, [link.body for link in joined.links])
    if document.type == "keyset":
        keyset = Keyset.from_payload(verify_document(body, "keyset", signers=papers.roots, org=org))
        joined = replace(joined, keyset=keyset, keyset_document=document)
    return joined


def _agreements(papers: Papers) -> tuple[Agreement, ...]:
    """Those of the published agreements that count under the keyset of today, by seq. One that its council did not sign
    ends whatever came before it, too: laptops do not go back to a lower number, should an earlier council return.
    """
    council, roots = papers.keyset.council if papers.keyset is not None else None, papers.roots
    found: list[Agreement] = []
    for (kind, _), body in sorted(papers.documents.items()):
        if kind != "agreement":
            continue
        try:
            if council is None:
                found.append(Agreement.from_payload(claimed(body)))
            else:
                found.append(verify_agreement(body, roots=roots, council=council, org=papers.org))
        except WireError:
            found.clear()
    return tuple(found)


def _check_signers(papers: Papers, document: SignedDocument) -> None:
    """Raise unless a policy or agreement is signed by those whom the keyset of today names for it."""
    keyset, body = papers.keyset, document.body
    if keyset is None:
        raise NotAcceptable("incomplete", "there is no keyset that says who signs this; publish the keyset first")
    if document.type == "policy":
        verify_document(body, "policy", signers=keyset.policy_signers, org=papers.org)
    elif keyset.council is None:
        raise NotAcceptable(
            "incomplete",
            "the keyset names no works council, so nobody can have agreed to this; publish it together with the keyset"
            " that names one",
        )
    else:
        verify_agreement(body, roots=papers.roots, council=keyset.council, org=papers.org)


def _check_keyset(papers: Papers, document: SignedDocument) -> None:
    """Raise unless the root of today signed it, its min_suite is no lower, and the council agrees to losing its key."""
    new = Keyset.from_payload(verify_document(document.body, "keyset", signers=[papers.roots[-1]], org=papers.org))
    old = papers.keyset
    if old is None or document.seq <= old.seq:
        return
    if new.min_suite < old.min_suite:
        raise NotAcceptable(
            "out_of_order", f"this keyset allows suite {new.min_suite} again, below {old.min_suite}; laptops refuse it"
        )
    if old.council is not None and new.council != old.council:
        try:
            verify_document(document.body, "keyset", signers=[old.council], org=papers.org)
        except WireError:
            raise NotAcceptable(
                "council_missing",
                "this keyset replaces or drops the works council's key; the council has to sign it as well",
            ) from None


def _row(document: SignedDocument) -> dict[tuple[str, int], bytes]:
    return {(document.type, document.seq): document.body}
