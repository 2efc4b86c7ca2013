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

from dataclasses import dataclass
from typing import Literal, get_args

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
        return (
            "manager of this person's team, who sees what a policy allowed and nothing else"
            if about_one
            else "manager of this team"
        )
    if reader.role == "integration" and action == reader.scope and action in SCOPES:
        if action not in _OF_A_TEAM:
            return f"program with the scope {action}"
        return f"program with the scope {action} for this team" if own else None
    return None


def enter(tx: Database, org: str, person: str = "") -> None:
    """From here to the transaction's end, row-level security shows this organisation (and this person) only."""
    tx.run(
        "select set_config('framekeep.org', :org, true), set_config('framekeep.person', :person, true)",
        org=org,
        person=person,
    )
