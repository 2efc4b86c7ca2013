"""Who may read what: the one place where a manager's token becomes a reader, and a reader's request a yes or a no.

A token only says who is asking; what they may do is looked up at every request, so a revocation holds at once.

| action | admin | manager | auditor |
|---|---|---|---|
| team numbers | every team | their own teams | - |
| one person, where the policy allowed it | - | of their own teams | - |
| list of teams | all | their own | all |
| policy | yes | yes | yes |
| devices, by day | yes | - | - |
| access log | yes | - | yes |

Nobody reads a team's numbers of a month in which they were counted in them: they could subtract themselves.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Literal, get_args

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from sync_service.errors import ServiceError, SettingsError
from sync_service.ports import Database

Role = Literal["admin", "manager", "auditor"]
ROLES: tuple[Role, ...] = get_args(Role)

Action = Literal["teams", "team_summary", "person_summary", "policy", "devices", "access_log"]

ISSUER = "framekeep-local"
AUDIENCE = "framekeep-managers"
LEEWAY_SECONDS = 60
DAY = 24 * 3600
LONGEST_DAYS = 365


class NotAuthenticated(ServiceError):
    """The token is missing, wrong, out of date or revoked. One error for all of them."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Who is asking. `teams`: those a manager was given; `person`: their own entry, where they are measured too."""

    id: str
    org: str
    name: str
    role: Role
    teams: frozenset[str] = frozenset()
    person: str | None = None


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A token as handed out once; only `jti` is ever stored."""

    token: str
    jti: str
    expires: int


def why_allowed(reader: Reader, action: Action, team: str | None = None) -> str | None:
    """The reason this reader may do this, in words the people concerned read; None when they may not. `team`: the one
    asked about, or the team of the person asked about.
    """
    if action == "person_summary":
        own = reader.role == "manager" and team is not None and team in reader.teams
        return "manager of this person's team, under a policy that allows it" if own else None
    if reader.role == "admin":
        return "administrator of the organisation"
    if reader.role == "auditor":
        return "auditor of the organisation" if action in ("teams", "policy", "access_log") else None
    if action == "team_summary":
        return "manager of this team" if team is not None and team in reader.teams else None
    return "manager in the organisation" if action in ("teams", "policy") else None


def issue_token(key: Ed25519PrivateKey, *, manager: str, org: str, now: int, days: int) -> IssuedToken:
    """A token of the local issuer for `days` days. Raises SettingsError outside 1 to LONGEST_DAYS days."""
    if not 1 <= days <= LONGEST_DAYS:
        raise SettingsError(f"a token is valid for 1 to {LONGEST_DAYS} days")
    jti, expires = secrets.token_hex(16), now + days * DAY
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": manager, "org": org, "jti": jti, "iat": now, "exp": expires}
    return IssuedToken(jwt.encode(claims, key, algorithm="EdDSA"), jti, expires)


def claims_to_be_a_managers(authorization: str | None) -> bool:
    """Whether a header carries a token of the kind readers use, before anything of it is believed. (A device's token
    names no issuer.)
    """
    try:
        claims = jwt.decode((authorization or "").partition(" ")[2], options={"verify_signature": False})
    except jwt.PyJWTError:
        return False
    return "iss" in claims


class Authority:
    """Turns an Authorization header into a Reader. `db` speaks as framekeep_api, `public` is the issuer's key."""

    def __init__(self, db: Database, public: Ed25519PublicKey) -> None:
        self._db, self._public = db, public

    def reader(self, authorization: str | None, now: int) -> Reader:
        """Who sent this header. Raises NotAuthenticated, or Unavailable when the database cannot be asked."""
        org, manager, jti = self._read(authorization, now)
        with self._db.transaction() as tx:
            enter(tx, org)
            rows = tx.run(
                """select m.name, m.role, m.person::text as person
                   from manager_token k join manager m on m.id = k.manager
                   where k.jti = :jti and m.id = :manager and k.revoked_at is null and m.revoked_at is null
                     and k.expires_at > to_timestamp(:now)""",
                jti=jti,
                manager=manager,
                now=now - LEEWAY_SECONDS,
            )
            if not rows:
                raise NotAuthenticated("the token is not valid")
            teams = tx.run("select team::text as team from manager_team where manager = :manager", manager=manager)
        row = rows[0]
        return Reader(manager, org, row["name"], row["role"], frozenset(t["team"] for t in teams), row["person"])

    def _read(self, authorization: str | None, now: int) -> tuple[str, str, str]:
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise NotAuthenticated("a token is needed")
        try:
            claims = jwt.decode(
                token,
                self._public,
                algorithms=["EdDSA"],
                audience=AUDIENCE,
                issuer=ISSUER,
                # Time is an argument here, so the library's own clock stays out of it.
                options={"verify_exp": False, "verify_iat": False, "verify_nbf": False},
            )
            issued, expires = int(claims["iat"]), int(claims["exp"])
            if not issued - LEEWAY_SECONDS <= now < expires + LEEWAY_SECONDS:
                raise NotAuthenticated("the token is not valid")
            return str(claims["org"]), str(claims["sub"]), str(claims["jti"])
        except (jwt.PyJWTError, KeyError, TypeError, ValueError):
            raise NotAuthenticated("the token is not valid") from None


def enter(tx: Database, org: str, person: str = "") -> None:
    """From here to the transaction's end, row-level security shows this organisation (and this person) only."""
    tx.run(
        "select set_config('framekeep.org', :org, true), set_config('framekeep.person', :person, true)",
        org=org,
        person=person,
    )
