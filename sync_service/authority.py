"""Who is asking: from an Authorization header to a Reader, by a token of the local issuer or of the organisation's
identity provider. Whoever is not a reader that an administrator made beforehand is nobody: no account makes itself.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from sync_service.authz import Reader, Role, Scope, enter
from sync_service.errors import ServiceError
from sync_service.issuer import ISSUER, LEEWAY_SECONDS, read_token
from sync_service.oidc import (
    Account,
    BadToken,
    Identity,
    Provider,
    UnknownKey,
    account,
    intended,
    the_identity,
    verified,
    why_not,
)
from sync_service.ports import Database, Row
from sync_service.providers import Providers

NO_READER = "an account that is no reader"
"""The access log's name for somebody the provider vouches for and no administrator made a reader."""


@dataclass(frozen=True, slots=True)
class Claimant:
    """Whose token was refused, where its signature is right: their refusal goes on record under this name."""

    org: str
    id: str
    name: str
    role: Role | None = None
    scope: Scope | None = None


class NotAuthenticated(ServiceError):
    """The token is missing, wrong, out of date or revoked: one answer for all of them. `why` and `claimant` are for the
    access log.
    """

    def __init__(self, why: str, claimant: Claimant | None = None) -> None:
        super().__init__(why)
        self.why, self.claimant = why, claimant


def claims_to_be_a_readers(authorization: str | None) -> bool:
    """Whether a header carries a token of the kind readers use, before anything of it is believed. (A device's token
    names no issuer.)
    """
    try:
        claims = jwt.decode((authorization or "").partition(" ")[2], options={"verify_signature": False})
    except jwt.PyJWTError:
        return False
    return "iss" in claims


class Authority:
    """Knows readers by their tokens. `db` speaks as framekeep_api; `local` is the local issuer's key, None where its
    tokens are not accepted.
    """

    def __init__(self, db: Database, local: Ed25519PublicKey | None, providers: Providers) -> None:
        self._db, self._local, self._providers = db, local, providers

    @property
    def accepts_local_tokens(self) -> bool:
        """Whether a token made with `admin token new` works here."""
        return self._local is not None

    def provider(self, org: str | None = None) -> Provider | None:
        """Where an organisation signs in; without `org`, the only one that has somewhere to. None where there is none,
        or several.
        """
        rows = self._db.run(
            f"{_PROVIDER} where cast(:org as text) is null or org = :org order by org limit 2",
            org=org,
        )
        return Provider(**rows[0]) if len(rows) == 1 else None

    def reader(self, authorization: str | None, now: int) -> Reader:
        """Who sent this header at `now` (epoch seconds). Raises NotAuthenticated, or Unavailable when the database or
        the provider cannot be asked.
        """
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise NotAuthenticated("a token is needed")
        named = intended(token)
        if named is None:
            raise NotAuthenticated("the token is not one")
        issuer, audiences = named
        return self._by_local(token, now) if issuer == ISSUER else self._by_provider(token, issuer, audiences, now)

    def _by_local(self, token: str, now: int) -> Reader:
        claims = read_token(token, self._local) if self._local is not None else None
        if claims is None:
            raise NotAuthenticated("the token is not ours")
        with self._db.transaction() as tx:
            enter(tx, claims.org)
            rows = tx.run(f"{_READER} where m.id = :manager", manager=claims.manager)
            known = tx.run(
                """select 1 as one from manager_token where jti = :jti and manager = :manager and revoked_at is null
                   and expires_at > to_timestamp(:now)""",
                jti=claims.jti,
                manager=claims.manager,
                now=now - LEEWAY_SECONDS,
            )
            if not rows:
                raise NotAuthenticated("the reader is gone")
            why = claims.why_not(now) or (None if known else "the token is revoked")
            return _admitted(tx, claims.org, rows[0], why)

    def _by_provider(self, token: str, issuer: str, audiences: tuple[str, ...], now: int) -> Reader:
        provider = self._asked_for(issuer, audiences)
        if provider is None:
            raise NotAuthenticated("nobody here signs in with this issuer")
        try:
            try:
                claims = verified(token, self._providers.keys(issuer, now), provider)
            except UnknownKey:
                claims = verified(token, self._providers.keys(issuer, now, newer=True), provider)
            who = account(claims, provider)
        except BadToken as error:
            raise NotAuthenticated(str(error)) from None
        why = why_not(claims, provider, now)
        with self._db.transaction() as tx:
            enter(tx, provider.org)
            identity = _identity(tx, who)
            if identity is None:
                raise NotAuthenticated(why or "nobody made this account a reader", _stranger(provider.org, who))
            rows = tx.run(f"{_READER} where m.id = :manager", manager=identity.manager)
            reader = _admitted(tx, provider.org, rows[0], why)
            if identity.subject is None and not _tied(tx, identity.manager, who):
                raise NotAuthenticated("this address is another account's", _stranger(provider.org, who))
            return reader

    def _asked_for(self, issuer: str, audiences: tuple[str, ...]) -> Provider | None:
        for audience in audiences[:8]:
            rows = self._db.run(
                f"{_PROVIDER} where issuer = :issuer and client_id = :client", issuer=issuer, client=audience
            )
            if rows:
                return Provider(**rows[0])
        return None


_PROVIDER = "select org::text as org, issuer, client_id, claim, claim_value from sign_in"
_READER = """select m.id::text as id, m.name, m.role, m.scope, m.person::text as person,
  m.revoked_at is not null as revoked from manager m"""


def _admitted(tx: Database, org: str, row: Row, why: str | None) -> Reader:
    """The reader of a row of _READER, unless something speaks against it."""
    if row["revoked"]:
        why = "the reader is revoked"
    if why is not None:
        raise NotAuthenticated(why, Claimant(org, row["id"], row["name"], row["role"], row["scope"]))
    teams = tx.run("select team::text as team from manager_team where manager = :manager", manager=row["id"])
    return Reader(
        row["id"], org, row["name"], row["role"], frozenset(t["team"] for t in teams), row["person"], row["scope"]
    )


def _identity(tx: Database, who: Account) -> Identity | None:
    rows = tx.run(
        """select manager::text as manager, subject, email from reader_identity
           where issuer = :issuer and (subject = :subject or email = cast(:email as text))""",
        issuer=who.issuer,
        subject=who.subject,
        email=who.email,
    )
    return the_identity([Identity(**row) for row in rows], who)


def _tied(tx: Database, manager: str, who: Account) -> bool:
    """Tie an address to this account, so that it is meant from now on whoever is given the address later. False when
    another account was faster.
    """
    tx.run(
        "update reader_identity set subject = :subject where manager = :manager and subject is null",
        subject=who.subject,
        manager=manager,
    )
    rows = tx.run("select subject from reader_identity where manager = :manager", manager=manager)
    return bool(rows) and rows[0]["subject"] == who.subject


def _stranger(org: str, who: Account) -> Claimant:
    """Somebody who is nobody here: under a mark that is the same each time and names them to nobody else."""
    mark = hashlib.sha256(f"{who.issuer}\0{who.subject}".encode()).hexdigest()[:16]
    return Claimant(org, f"account {mark}", NO_READER)
