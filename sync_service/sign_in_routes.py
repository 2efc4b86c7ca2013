"""How to sign in, and who one is then: what a reader's program asks before anything else."""

from __future__ import annotations

import re

from sync_service.admission import ManagerParts, admit, known_reader
from sync_service.authz import ACTIONS, ROLES, SCOPES, Reader, enter, why_allowed
from sync_service.http import Answer, Endpoint, Parameter, Refused, Request, refusal, refuses
from sync_service.ports import Row
from sync_service.schemas import BOOLEAN, ID, TEXT, closed, list_of, or_null

_ID = re.compile(r"[0-9a-f]{32}")

SIGN_IN = {
    "oneOf": [
        closed(
            kind={"const": "oidc"},
            issuer={**TEXT, "description": "Its discovery document is below it, as OpenID Connect has it."},
            client_id={**TEXT, "description": "For the authorization code flow with PKCE; its ID token is the token."},
            tokens={**BOOLEAN, "description": "Tokens an administrator made here are accepted as well."},
        ),
        closed(kind={"const": "token", "description": "A token an administrator made here."}),
    ]
}
ME = closed(
    id=ID,
    name=TEXT,
    role={"enum": list(ROLES)},
    scope={"enum": [*SCOPES, None], "description": "The one thing a program may read."},
    organisation=closed(id=ID, name=TEXT),
    teams={**list_of(closed(id=ID, name=TEXT)), "description": "Those this reader was given, by name."},
    may={
        **list_of({"enum": list(ACTIONS)}),
        "description": "What this reader may do at all; where it is about a team, about theirs at least.",
    },
)


READERS = closed(
    readers=list_of(
        closed(
            id=ID,
            name=TEXT,
            role={"enum": list(ROLES)},
            scope={"enum": [*SCOPES, None]},
            teams=list_of(closed(id=ID, name=TEXT)),
            measured={**BOOLEAN, "description": "Is measured too, and so in no number they may read."},
            account=or_null({**TEXT, "description": "At the identity provider: its address, else its subject."}),
            revoked=BOOLEAN,
        )
    )
)


def sign_in_endpoints(parts: ManagerParts) -> list[Endpoint]:
    """Three lines of the table."""

    def sign_in(request: Request) -> Answer:
        org = request.query.get("org")
        if org is not None and not _ID.fullmatch(org):
            raise Refused(refusal(400, "malformed"))
        authority = parts.authority
        if provider := authority.provider(org):
            told = {"kind": "oidc", "issuer": provider.issuer, "client_id": provider.client_id}
            return Answer(200, {**told, "tokens": authority.accepts_local_tokens})
        if authority.accepts_local_tokens:
            return Answer(200, {"kind": "token"})
        return refusal(
            503,
            "no_sign_in",
            retry_after=300,
            message="Nobody can sign in yet: an administrator sets up the organisation's identity provider first.",
        )

    def me(request: Request) -> Answer:
        reader = known_reader(parts, request)
        with parts.api.transaction() as tx:
            enter(tx, reader.org)
            organisation = tx.run("select id::text as id, name from organisation where id = :org", org=reader.org)
            teams = tx.run("select id::text as id, name from team order by name")
        return Answer(
            200,
            {
                "id": reader.id,
                "name": reader.name,
                "role": reader.role,
                "scope": reader.scope,
                "organisation": organisation[0],
                "teams": [team for team in teams if team["id"] in reader.teams],
                "may": may(reader),
            },
        )

    def readers(request: Request) -> Answer:
        reader = admit(parts, request, "readers")
        with parts.api.transaction() as tx:
            enter(tx, reader.org)
            rows = tx.run(
                """select m.id::text as id, m.name, m.role, m.scope, m.person is not null as measured,
                     coalesce(i.email, i.subject) as account, m.revoked_at is not null as revoked
                   from manager m left join reader_identity i on i.manager = m.id order by m.created_at, m.id"""
            )
            given = tx.run(
                """select g.manager::text as reader, t.id::text as id, t.name
                   from manager_team g join team t on t.id = g.team order by t.name"""
            )
        teams: dict[str, list[Row]] = {row["id"]: [] for row in rows}
        for team in given:
            teams[team.pop("reader")].append(team)
        return Answer(200, {"readers": [{**row, "teams": teams[row["id"]]} for row in rows]})

    return [
        Endpoint(
            "GET",
            "/v1/sign-in",
            sign_in,
            "How readers sign in: with the organisation's identity provider, or with a token made here",
            {
                200: ("Where to sign in.", SIGN_IN),
                **refuses(s400="malformed", s503="no_sign_in: nothing is set up yet; unavailable"),
            },
            query=(Parameter("org", "The organisation's id, where there are several.", ID),),
            example={
                "kind": "oidc",
                "issuer": "https://login.example.com",
                "client_id": "framekeep-dashboard",
                "tokens": False,
            },
        ),
        Endpoint(
            "GET",
            "/v1/me",
            me,
            "Who this token is, and what they may do",
            {
                200: ("The reader.", ME),
                **refuses(
                    s401="not_authenticated: the token is missing, wrong, out of date or revoked", s503="unavailable"
                ),
            },
            auth="manager",
        ),
        Endpoint(
            "GET",
            "/v1/readers",
            readers,
            "Who may read, for administrators",
            {
                200: ("Readers, oldest first, those who may read no more among them.", READERS),
                **refuses(
                    s401="not_authenticated: the token is missing, wrong, out of date or revoked",
                    s403="not_allowed: this role may not read this",
                    s503="unavailable: also when the access log cannot be written",
                ),
            },
            auth="manager",
        ),
    ]


def may(reader: Reader) -> list[str]:
    """The actions this reader may do at all, in the order of the table; about their teams at least."""
    somewhere = next(iter(sorted(reader.teams)), None)
    return [action for action in ACTIONS if why_allowed(reader, action, somewhere) is not None]
