"""What an organisation gives out after it is set up: keysets, policies, readers' tokens. One plain function each.

Like `provision.py`: an `Office`, `now` in epoch seconds, and RequestError with one sentence for a wrong request.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.wire.documents import Keyset, Policy, SealKeyEntry, WorkHours, sign_document
from agent.wire.seal import SealKey
from agent.wire.signing import unsigned
from sync_service import drafting
from sync_service.authz import Role, Scope
from sync_service.drafting import next_keyset
from sync_service.issuer import issue_token
from sync_service.key_files import read_key
from sync_service.papers import NotAcceptable
from sync_service.policies import current_keyset, current_papers
from sync_service.provision import (
    Office,
    RequestError,
    record_seal_key,
    seal_entry,
)
from sync_service.readers import add_reader, revoke_reader


@dataclass(frozen=True)
class ManagerToken:
    """A reader's token as it is given out, once."""

    manager: str
    token: str
    expires: int


def renew_keyset(office: Office, org: str, *, now: int, root_file: Path | None = None) -> Keyset:
    """The present keyset once more, for another DOCUMENT_DAYS days, signed with the root key."""
    root = _root_key(office, org, root_file)
    keyset = next_keyset(current_keyset(office.database, org), now=now)
    office.documents.publish(sign_document("keyset", keyset.to_payload(), [root]), now=now)
    return keyset


def rotate_seal_key(
    office: Office, org: str, *, now: int, suite: Literal[1, 2] = 1, root_file: Path | None = None
) -> str:
    """A new seal key in a new keyset, signed with the root key; answers the key's id. Older keys go on opening."""
    root = _root_key(office, org, root_file)
    entry = _new_seal_key(office, org, suite, now)
    keyset = next_keyset(current_keyset(office.database, org), now=now, added=(entry,))
    office.documents.publish(sign_document("keyset", keyset.to_payload(), [root]), now=now)
    return entry.key.id


def draft_rotation(office: Office, org: str, *, now: int, suite: Literal[1, 2] = 1) -> tuple[str, bytes]:
    """As `rotate_seal_key` where the root key is elsewhere: the new key's id, and the draft of a keyset for the root's
    keeper to sign. Nothing seals to the key until that is published.
    """
    entry = _new_seal_key(office, org, suite, now)
    return entry.key.id, unsigned(
        next_keyset(current_keyset(office.database, org), now=now, added=(entry,)).to_payload()
    )


def _new_seal_key(office: Office, org: str, suite: Literal[1, 2], now: int) -> SealKeyEntry:
    key = SealKey.generate(suite)
    office.seal_keys.add(key)  # before anybody can seal to it
    entry = seal_entry(key, now)
    with office.database.transaction() as tx:
        record_seal_key(tx, org, entry, now)
    return entry


def next_policy(
    office: Office,
    org: str,
    *,
    now: int,
    work_hours: tuple[WorkHours, ...] | None = None,
    interval_seconds: int | None = None,
    individual_reports: bool | None = None,
    k: int | None = None,
    may_quit: bool | None = None,
    effective: int | None = None,
) -> Policy:
    """The next policy: the one in force with what is given changed, on the agreement that holds when it begins. Nothing
    is taken over from one that is yet to come, which falls away. Nothing is signed or published yet. Raises
    RequestError, also where it would go beyond the agreement.
    """
    papers = current_papers(office.database, org)
    ground = drafting.ground(papers.policies, now)
    if ground is None:
        raise RequestError(f"organisation {org} has no policy yet; publish one first")
    old = ground.present
    begins = now if effective is None else effective
    agreement = papers.agreement(begins)
    policy = drafting.next_policy(
        old,
        now=now,
        seq=ground.seq + 1,
        agreement=agreement.digest if agreement is not None else old.agreement,
        work_hours=work_hours,
        interval_seconds=interval_seconds,
        individual_reports=individual_reports,
        k=k,
        may_quit=may_quit,
        effective=effective,
    )
    try:
        papers.check_within(policy, begins)
    except NotAcceptable as error:
        raise RequestError(str(error), error.reason) from None
    return policy


def publish_policy(office: Office, policy: Policy, *, now: int, by: str | None = None) -> bool:
    """Sign a policy with the policy signer's key and make it the newest. `by`: the reader who asked for it. False where
    the very same was published before.
    """
    signer = read_key(office.keys.policy_path(policy.org))
    document = sign_document("policy", policy.to_payload(), [signer])
    return bool(office.documents.publish_all([document], now=now, by=by))


def new_token(
    office: Office,
    org: str,
    name: str,
    role: Role,
    *,
    now: int,
    teams: Sequence[str] = (),
    person: str | None = None,
    scope: Scope | None = None,
    days: int = 30,
) -> ManagerToken:
    """A reader (`readers.add_reader`) and their token of the local issuer, good for `days` days."""
    with office.database.transaction() as tx:
        manager = add_reader(tx, org, name, role, now=now, teams=teams, person=person, scope=scope)
        issued = issue_token(office.keys.issuer(), manager=manager, org=org, now=now, days=days)
        tx.run(
            """insert into manager_token (jti, org, manager, issued_at, expires_at)
               values (:jti, :org, :manager, to_timestamp(:now), to_timestamp(:expires))""",
            jti=issued.jti,
            org=org,
            manager=manager,
            now=now,
            expires=issued.expires,
        )
    return ManagerToken(manager, issued.token, issued.expires)


def revoke_manager(office: Office, org: str, manager: str, *, now: int) -> None:
    """From now on no token of this reader is accepted."""
    revoke_reader(office.database, org, manager, now=now)


def annotate_block(office: Office, org: str, team: str, day: date, number: int, note: str) -> None:
    """Put a note beside a released block. The numbers stay as they are."""
    _about_block(office, "block_annotation", "note", org, team, day, number, note)


def withdraw_block(office: Office, org: str, team: str, day: date, number: int, reason: str) -> None:
    """Withdraw a released block as a whole, for good: readers see the reason instead of the numbers."""
    _about_block(office, "block_withdrawal", "reason", org, team, day, number, reason)


def _about_block(
    office: Office, table: str, column: str, org: str, team: str, day: date, number: int, text: str
) -> None:
    if not 1 <= len(text.strip()) <= 500 or not text.isprintable():
        raise RequestError(f"the {column} is 1 to 500 printable characters")
    done = office.database.run(
        f"""insert into {table} (org, team, day, number, {column})
            select b.org, b.team, b.day, b.number, :text from released_block b
            where b.org = :org and b.team = :team and b.day = cast(:day as date) and b.number = :number
              and not exists (select from block_withdrawal w
                where (w.team, w.day, w.number) = (b.team, b.day, b.number))
            returning 1 as one""",
        org=org,
        team=team,
        day=day.isoformat(),
        number=number,
        text=text,
    )
    if not done:
        raise RequestError(f"block {number} of {day} is not released, or is withdrawn already")


def _root_key(office: Office, org: str, root_file: Path | None) -> Ed25519PrivateKey:
    path = root_file or office.keys.root_path(org)
    root = read_key(path)
    public, roots = root.public_key().public_bytes_raw(), current_papers(office.database, org).roots
    if public not in roots:
        raise RequestError(f"{path} is the root key of another organisation")
    if public != roots[-1]:
        raise RequestError(f"{path} is a root key that was replaced; name the file of the present one with --root")
    return root
