"""Promise: every endpoint for readers lets in whom the table of roles lets in, refuses everybody else, and writes both
down first. Whatever is mounted is tried: a new endpoint that forgets to ask at the door fails here.
"""

from __future__ import annotations

import json
import re

import pytest

from sync_service import issuing
from sync_service.authz import ACTIONS, SCOPES
from sync_service.http import Request
from sync_service.routes import answer
from tests.e2e.client import Client
from tests.e2e.office import NOW, found

OF_ONESELF = {"/v1/me"}
"""What every reader may ask: who they are. It is about nobody else, so it is not on record."""
READS = {
    "/v1/teams": "teams",
    "/v1/teams/<team>/summary": "team_summary",
    "/v1/people/<person>/summary": "person_summary",
    "/v1/policy": "policy",
    "/v1/devices": "devices",
    "/v1/access-log": "access_log",
}
"""Endpoints whose action is known here; of the others it is only asked that they refuse and write down."""


@pytest.fixture
def company(pg, tmp_path):
    company = found(pg, tmp_path)
    company.people = company.team("red", 5)
    company.team("blue", 5)
    return company


@pytest.fixture
def client(company, tmp_path):
    client = Client(company, tmp_path)
    yield client
    client.close()


def readers(company):
    """(role or scope, the team they are asked about is theirs, token) of every kind there is."""
    for role, team in (("admin", None), ("auditor", None), ("manager", "red"), ("manager", "blue")):
        teams = [company.teams[team]] if team else []
        made = issuing.new_token(company.office, company.org, role, role, now=NOW, teams=teams)
        yield role, team == "red", made
    for scope in SCOPES:
        for team in ("red", "blue") if scope == "team_summary" else (None,):
            teams = [company.teams[team]] if team else []
            made = issuing.new_token(
                company.office, company.org, "BI", "integration", now=NOW, teams=teams, scope=scope
            )
            yield scope, team == "red", made


EVERYWHERE = {
    "admin": set(ACTIONS) - {"person_summary"},
    "auditor": {"teams", "policy", "agreement", "access_log"},
    "manager": {"teams", "policy", "agreement"},
    "devices": {"devices"},
    "access_log": {"access_log"},
    "alerts": {"alerts"},
}
OWN_TEAM = {"manager": {"team_summary", "person_summary"}, "team_summary": {"team_summary"}}


def _ask(company, endpoint, token):
    """The endpoint's answer about the red team and one of its people."""
    values = {"team": company.teams["red"], "person": company.people[0]}
    names = re.findall(r"<(\w+)>", endpoint.path)
    params = {name: values.get(name, "0" * 32) for name in names}
    path = re.sub(r"<(\w+)>", lambda found: params[found[1]], endpoint.path)
    headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {token}"} if token else {})
    body = b"{}" if endpoint.body is not None else b""
    return answer(endpoint, Request(endpoint.method, path, headers, {}, body, params))


def _log(company, after=0):
    return company.pg.owner.run(
        "select row, action, reader, reader_scope, allowed_because from access_log where row > :after order by row",
        after=after,
    )


def _for_readers(client):
    return [line for line in client.endpoints if line.auth in ("manager", "any") and line.path not in OF_ONESELF]


def test_every_endpoint_and_every_kind_of_reader(company, client):
    last, tried = 0, 0
    assert len(_for_readers(client)) >= len(READS)
    for kind, own, made in readers(company):
        allowed = EVERYWHERE.get(kind, set()) | (OWN_TEAM.get(kind, set()) if own else set())
        for endpoint in _for_readers(client):
            what = f"{kind} {'own ' if own else ''}{endpoint.method} {endpoint.path}"
            given = _ask(company, endpoint, made.token)
            rows = _log(company, last)
            last, tried = (rows[-1]["row"] if rows else last), tried + 1
            done = {row["action"] for row in rows if not row["action"].endswith("_refused")}
            assert all(row["reader"] == made.manager for row in rows), what
            assert all(row["reader_scope"] == (kind if kind in SCOPES else None) for row in rows), what
            assert given.status < 500 or json.loads(given.content)["error"] != "internal_error", what
            if given.status < 300:
                assert done, f"{what}: answered, and nothing of it is on record"
            if given.status == 403:
                assert [row["action"][-8:] for row in rows] == ["_refused"], f"{what}: a refusal is on record, once"
                assert rows[0]["allowed_because"].startswith("refused"), what
            assert done <= allowed, f"{what}: let in for {done - allowed}"
            if endpoint.method == "GET" and endpoint.path in READS:
                assert (given.status == 403) == (READS[endpoint.path] not in allowed), what
            if not allowed:
                assert given.status == 403 or endpoint.method != "GET", f"{what}: {given.status} to who may do nothing"
    assert tried >= 9 * len(READS)


def test_no_endpoint_answers_who_is_nobody(company, client):
    for endpoint in _for_readers(client):
        if endpoint.auth == "manager":
            for token in (None, "x", "e30.e30."):
                assert _ask(company, endpoint, token).status == 401, endpoint.path
    assert _log(company) == []


def test_no_endpoint_answers_without_a_trace(company, client):
    tokens = [made.token for _, _, made in readers(company)]
    company.pg.owner.run("revoke insert on access_log from framekeep_api")
    for endpoint in _for_readers(client):
        for token in tokens:
            given = _ask(company, endpoint, token)
            assert given.status in (400, 503), f"{endpoint.method} {endpoint.path} answers {given.status}"
