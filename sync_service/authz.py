"""Who may do what: the one place where a reader's request becomes a yes or a no. Whatever is not in the table is no.

A token only says who is asking; what they may do is looked up at every request, so a revocation holds at once.

| action | admin | manager | auditor | integration, of the scope |
|---|---|---|---|---|
| teams: their list | all | their own | all | - |
| team_summary: team numbers | every team | their own teams | - | team_summary, of its teams |
| person_summary: one person, where the policy allowed it | - | of their own teams | - | - |
| policy, agreement | yes | yes | yes | - |
| devices, by day | yes | - | - | devices |
| access_log | yes | - | yes | access_log |
| alerts | yes | - | - | alerts |
| people, people_edit, codes, approve, policy_edit, readers | yes | - | - | - |

Nobody reads a team's numbers of a month in which they were counted in them: they could subtract themselves
(`admission.py` asks the database).
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Literal, get_args

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from sync_service.errors import ServiceError, SettingsError
from sync_service.ports import Database

Role = Literal["admin", "manager", "auditor", "integration"]
ROLES: tuple[Role, ...] = get_args(Role)

Scope = Literal["team_summary", "access_log", "devices", "alerts"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
"""What a program's token may be good for: exactly one of them, and nothing else."""

Action = Literal[
    "teams",
    "team_summary",
    "person_summary",
    "policy",
    "devices",
    "access_log",
    "alerts",
    "people",
    "people_edit",
    "codes",
    "approve",
    "policy_edit",
    "agreement",
    "readers",
]
ACTIONS: tuple[Action, ...] = get_args(Action)
"""`person_summary` and `team_summary` are about a team, the rest about the organisation."""

_ANYWHERE: dict[Role, frozenset[Action]] = {
    "admin": frozenset(ACTIONS) - {"person_summary"},
    "manager": frozenset({"teams", "policy", "agreement"}),
    "auditor": frozenset({"teams", "policy", "agreement", "access_log"}),
    "integration": frozenset(),
}
"""What a role may do whatever it is about."""

_IN_OWN_TEAMS: dict[Role, frozenset[Action]] = {"manager": frozenset({"team_summary", "person_summary"})}
"""What a role may do about the teams the reader was given."""

_OF_A_TEAM: frozenset[Action] = frozenset({"team_summary"})
"""Scopes that are good for the token's named teams only."""

_WHY: dict[Role, str] = {
    "admin": "administrator of the organisation",
    "manager": "manager in the organisation",
    "auditor": "auditor of the organisation",
}

ISSUER = "framekeep-local"
AUDIENCE = "framekeep-managers"
LEEWAY_SECONDS = 60
DAY = 24 * 3600
LONGEST_DAYS = 365


class NotAuthenticated(ServiceError):
    """The token is missing, wrong, out of date or revoked. One error for all of them."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Who is asking. `teams`: those a manager or an integration was given; `person`: their own entry, where they are
    measured too; `scope`: the one thing an integration may read.
    """

    id: str
    org: str
    name: str
    role: Role
    teams: frozenset[str] = frozenset()
    person: str | None = None
    scope: Scope | None = None


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
    own = team is not None and team in reader.teams
    if action in _ANYWHERE.get(reader.role, ()):
        return _WHY[reader.role]
    if action in _IN_OWN_TEAMS.get(reader.role, ()):
        if not own:
            return None
        about_one = action == "person_summary"
        return "manager of this person's team, under a policy that allows it" if about_one else "manager of this team"
    if reader.role == "integration" and action == reader.scope and action in SCOPES:
        if action not in _OF_A_TEAM:
            return f"program with the scope {action}"
        return f"program with the scope {action} for this team" if own else None
    return None


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
                """select m.name, m.role, m.person::text as person, m.scope
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
        return Reader(
            manager, org, row["name"], row["role"], frozenset(t["team"] for t in teams), row["person"], row["scope"]
        )

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
