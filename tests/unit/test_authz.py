"""Promise: who may do what is the table in the documentation and nothing besides; whatever is not in it is refused."""

from __future__ import annotations

import itertools
import re
from typing import Any, cast

import pytest

from sync_service import authz
from sync_service.authz import ACTIONS, ROLES, SCOPES, Reader, why_allowed

MINE, FOREIGN = "a" * 32, "b" * 32
EVERYWHERE = {
    "admin": set(ACTIONS) - {"person_summary"},
    "manager": {"teams", "policy", "agreement"},
    "auditor": {"teams", "policy", "agreement", "access_log"},
    "integration": set(),
}
OWN = {"manager": {"team_summary", "person_summary"}}


def reader(role: Any, scope: Any = None, teams: frozenset[str] = frozenset({MINE})) -> Reader:
    return Reader("c" * 32, "d" * 32, "Eve", role, teams, None, scope)


@pytest.mark.parametrize(("role", "action", "team"), [*itertools.product(ROLES[:-1], ACTIONS, (None, MINE, FOREIGN))])
def test_people(role: Any, action: Any, team: str | None) -> None:
    expected = action in EVERYWHERE[role] or (action in OWN.get(role, ()) and team == MINE)
    assert (why_allowed(reader(role), action, team) is not None) == expected


@pytest.mark.parametrize(("scope", "action", "team"), [*itertools.product(SCOPES, ACTIONS, (None, MINE, FOREIGN))])
def test_a_program_may_do_its_one_thing(scope: Any, action: Any, team: str | None) -> None:
    expected = action == scope and (action != "team_summary" or team == MINE)
    why = why_allowed(reader("integration", scope), action, team)
    assert (why is not None) == expected and (why is None or scope in why)


def test_who_or_what_is_unknown_is_refused() -> None:
    for role, action in (("admin", "erase_everything"), ("root", "teams"), ("", "policy"), ("manager", "")):
        assert why_allowed(reader(role), cast(Any, action), MINE) is None
    for scope in (None, "person_summary", "policy_edit", "everything"):
        assert all(why_allowed(reader("integration", scope), action, MINE) is None for action in ACTIONS)


def test_a_scope_is_nothing_to_anybody_but_a_program() -> None:
    assert why_allowed(reader("auditor", "devices"), "devices") is None
    assert why_allowed(reader("manager", "access_log"), "access_log") is None


def test_no_program_reads_about_one_person_or_changes_anything() -> None:
    assert set(SCOPES) == {"team_summary", "access_log", "devices", "alerts"} <= set(ACTIONS)


def test_a_manager_without_teams_reads_no_team() -> None:
    assert why_allowed(reader("manager", teams=frozenset()), "team_summary", MINE) is None


def test_the_documented_table_names_every_action() -> None:
    named = set(re.findall(r"[a-z_]+", authz.__doc__ or ""))
    assert set(ACTIONS) <= named and set(ROLES) <= named
