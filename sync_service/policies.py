"""The organisation's documents as the service itself believes them: signatures first, then content.

The service checks what it serves with the same code the agents use, from the root key down, so a row somebody slipped
into the table changes no number.
"""

from __future__ import annotations

from agent.wire.agreement import Agreement
from agent.wire.documents import Keyset, Policy
from agent.wire.versions import in_force
from sync_service.drafting import Ground, ground
from sync_service.errors import ServiceError
from sync_service.papers import NotAcceptable, Papers, read
from sync_service.ports import Database, SignedDocument

NEWEST_POLICIES = 200
"""So many policies back may one still be in force: as many drafts may have been withdrawn one after the other."""


def current_papers(db: Database, org: str) -> Papers:
    """Everything the organisation published that matters now, verified. Raises ServiceError."""
    roots = db.run("select root_public from organisation where id = :org", org=org)
    if not roots:
        raise ServiceError(f"there is no organisation {org}")
    rows = db.run(
        """select type, seq, body from (
             select d.type, d.seq, d.body, row_number() over (partition by d.type order by d.seq desc) as back
             from document d where d.org = :org) newest
           where type in ('root', 'agreement') or (type = 'keyset' and back = 1) or (type = 'policy' and back <= :most)""",
        org=org,
        most=NEWEST_POLICIES,
    )
    documents = [SignedDocument(org, row["type"], row["seq"], bytes(row["body"])) for row in rows]
    return read(org, bytes(roots[0]["root_public"]), documents)


def current_keyset(db: Database, org: str) -> Keyset:
    """The newest keyset of an organisation, verified with its root key. Raises ServiceError when there is none."""
    keyset = current_papers(db, org).keyset
    if keyset is None:
        raise ServiceError(f"organisation {org} has no keyset yet; publish one first")
    return keyset


def current_policy(db: Database, org: str, *, now: float) -> Policy:
    """The policy in force at `now` (epoch seconds), verified with a signer of the organisation's keyset and within its
    agreement. Raises ServiceError.
    """
    return current_papers(db, org).policy(now)


def policy_ground(db: Database, org: str, *, now: float) -> Ground:
    """What a policy issued at `now` is compared with, its signature checked. Raises ServiceError."""
    papers = current_papers(db, org)
    found = ground(papers.policies, now)
    if found is None:
        raise ServiceError(f"organisation {org} has no policy yet; publish one first")
    papers.believe(found.present)
    return found


def current_agreement(db: Database, org: str, *, now: float) -> Agreement | None:
    """The agreement in force at `now`; None where there is no works council. Raises ServiceError."""
    return current_papers(db, org).agreement(now)


def reports_by_name_forbidden(db: Database, org: str, *, now: float) -> bool:
    """Whether an agreement is obligatory and allows no report about one person, or there is none that holds: then none
    is shown, whatever an earlier policy allowed when it was measured.
    """
    try:
        agreement = current_agreement(db, org, now=now)
    except NotAcceptable:
        return True
    return agreement is not None and not agreement.individual_reports_allowed


def policy_of_day(papers: Papers, begins: int) -> Policy | None:
    """The policy that was in force when a day began, None where it cannot be believed any more or there was none."""
    found = in_force(papers.policies, begins)
    if found is None:
        return None
    try:
        papers.believe(found)
    except NotAcceptable:
        return None
    return found
