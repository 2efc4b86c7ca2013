"""Who may read: readers as an administrator makes them, and where they sign in. One plain function each.

`now` in epoch seconds, RequestError with one sentence for a wrong request. Nobody becomes a reader by signing in.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence

from sync_service.authz import ROLES, SCOPES, Role, Scope
from sync_service.oidc import BadProvider, Provider, check_address
from sync_service.ports import Database, Row
from sync_service.provision import RequestError, check_name, check_person, team_zone

_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,255}")


def add_reader(
    tx: Database,
    org: str,
    name: str,
    role: Role,
    *,
    now: int,
    teams: Sequence[str] = (),
    person: str | None = None,
    scope: Scope | None = None,
) -> str:
    """A new reader; answers their id. `tx` is a transaction, so that what belongs to the reader is made with them.

    A manager names the `teams` they may read, and so does an integration (a program) with the scope team_summary.
    `person` is the reader's own id where they are measured too, so that they are never counted in what they may read.
    """
    check_name(name)
    if role not in ROLES:
        raise RequestError(f"the role is one of {', '.join(ROLES)}")
    if scope is not None and scope not in SCOPES:
        raise RequestError(f"the scope is one of {', '.join(SCOPES)}")
    if (role == "integration") != (scope is not None):
        raise RequestError("a program (role integration) has exactly one scope, and nobody else has one")
    if (role == "manager" or scope == "team_summary") != bool(teams):
        raise RequestError(
            "a manager, and a program with the scope team_summary, name the teams they may read, and nobody else names any"
        )
    if role == "integration" and person is not None:
        raise RequestError("a program is nobody who is measured; leave the person out")
    if person is not None:
        check_person(tx, org, person)
    manager = secrets.token_hex(16)
    tx.run(
        """insert into manager (id, org, name, role, scope, person, created_at)
           values (:id, :org, :name, :role, :scope, :person, to_timestamp(:now))""",
        id=manager,
        org=org,
        name=name,
        role=role,
        scope=scope,
        person=person,
        now=now,
    )
    for team in dict.fromkeys(teams):
        team_zone(tx, org, team)
        tx.run(
            "insert into manager_team (org, manager, team) values (:org, :manager, :team)",
            org=org,
            manager=manager,
            team=team,
        )
    return manager


def revoke_reader(db: Database, org: str, reader: str, *, now: int) -> None:
    """From now on no token of this reader is accepted, whoever issued it."""
    done = db.run(
        """update manager set revoked_at = coalesce(revoked_at, to_timestamp(:now))
           where id = :reader and org = :org returning id""",
        reader=reader,
        org=org,
        now=now,
    )
    if not done:
        raise RequestError(f"there is no reader {reader}; see framekeep-sync admin reader list")


def list_readers(db: Database, org: str) -> list[Row]:
    """Every reader, oldest first: id, name, role, scope, person, revoked, teams (names), account."""
    return db.run(
        """select m.id::text as id, m.name, m.role, m.scope, m.person::text as person,
             m.revoked_at is not null as revoked,
             (select string_agg(t.name, ', ' order by t.name) from manager_team g join team t on t.id = g.team
              where g.manager = m.id) as teams,
             coalesce(i.email, i.subject) as account
           from manager m left join reader_identity i on i.manager = m.id
           where m.org = :org order by m.created_at, m.id""",
        org=org,
    )


def set_provider(db: Database, provider: Provider, *, now: int) -> None:
    """Sign in with this provider from now on. Readers of another issuer are not let in any more by theirs."""
    try:
        check_address(provider.issuer, "the issuer")
    except BadProvider as error:
        raise RequestError(str(error)) from None
    for text, most, what in (
        (provider.client_id, 500, "client id"),
        (provider.claim, 100, "claim"),
        (provider.claim_value, 500, "claim's value"),
    ):
        if text is not None and not (1 <= len(text) <= most and text.isprintable()):
            raise RequestError(f"the {what} is 1 to {most} printable characters")
    if (provider.claim is None) != (provider.claim_value is None):
        raise RequestError("a required claim has a name and a value, such as tid=VALUE")
    taken = db.run(
        "select 1 as one from sign_in where issuer = :issuer and client_id = :client and org <> :org",
        issuer=provider.issuer,
        client=provider.client_id,
        org=provider.org,
    )
    if taken:
        raise RequestError("another organisation signs in with this client id; register one of its own at the provider")
    db.run(
        """insert into sign_in (org, issuer, client_id, claim, claim_value, set_at)
           values (:org, :issuer, :client, :claim, :value, to_timestamp(:now))
           on conflict (org) do update set issuer = excluded.issuer, client_id = excluded.client_id,
             claim = excluded.claim, claim_value = excluded.claim_value, set_at = excluded.set_at""",
        org=provider.org,
        issuer=provider.issuer,
        client=provider.client_id,
        claim=provider.claim,
        value=provider.claim_value,
        now=now,
    )


def the_provider(db: Database, org: str) -> Provider:
    """Where the organisation signs in. Raises RequestError where nothing is set up."""
    rows = db.run(
        "select org::text as org, issuer, client_id, claim, claim_value from sign_in where org = :org", org=org
    )
    if not rows:
        raise RequestError("no identity provider is set up; set one up with framekeep-sync admin oidc set")
    return Provider(**rows[0])


def remove_provider(db: Database, org: str) -> None:
    """Nobody signs in with a provider any more. Readers stay, and can be signed in again."""
    the_provider(db, org)
    db.run("delete from sign_in where org = :org", org=org)


def link_account(
    tx: Database, org: str, reader: str, *, subject: str | None = None, email: str | None = None, now: int
) -> None:
    """Say which account at the organisation's provider is this reader: by the provider's own id of it (`sub`), or by its
    e-mail address, which the provider must call verified and which counts until the first sign-in. An account that was
    this reader before is nobody from then on.
    """
    issuer = the_provider(tx, org).issuer
    if (subject is None) == (email is None):
        raise RequestError("name the account by its e-mail address or by its subject at the provider, one of them")
    if email is not None and not (_EMAIL.fullmatch(email) and email.isprintable()):
        raise RequestError("this is no e-mail address")
    if subject is not None and not (1 <= len(subject) <= 255 and subject.isprintable()):
        raise RequestError("a subject is 1 to 255 printable characters, as the provider shows it")
    account = {"org": org, "issuer": issuer, "subject": subject, "email": email.lower() if email else None}
    found = tx.run(
        "select revoked_at is not null as revoked from manager where id = :reader and org = :org",
        reader=reader,
        org=org,
    )
    if not found:
        raise RequestError(f"there is no reader {reader}; see framekeep-sync admin reader list")
    if found[0]["revoked"]:
        raise RequestError("this reader is revoked for good; add the account as a new one with admin reader add")
    same = """org = :org and issuer = :issuer
              and (subject = cast(:subject as text) or email = cast(:email as text))"""
    tx.run(  # who was revoked makes room for who comes after
        f"""delete from reader_identity where {same}
            and manager in (select id from manager where revoked_at is not null)""",
        **account,
    )
    if tx.run(f"select 1 as one from reader_identity where {same} and manager <> :reader", reader=reader, **account):
        raise RequestError("this account is a reader already; revoke that one first, see admin reader list")
    tx.run(
        """insert into reader_identity (manager, org, issuer, subject, email, added_at)
           values (:reader, :org, :issuer, :subject, :email, to_timestamp(:now))
           on conflict (manager) do update set org = excluded.org, issuer = excluded.issuer, subject = excluded.subject,
             email = excluded.email, added_at = excluded.added_at""",
        reader=reader,
        now=now,
        **account,
    )
