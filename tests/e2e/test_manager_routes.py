"""Promise: readers get released numbers of what they may read and nothing else, and every read leaves a trace first."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from agent.wire.strict import from_b64
from sync_service import issuing
from sync_service.publisher import Publisher
from sync_service.timetable import instant
from tests.e2e.client import Client
from tests.e2e.office import MONDAY, NOW, found

NINE = instant(MONDAY, 9 * 60, ZoneInfo("Europe/Berlin"))
WEEK = {"from": MONDAY.isoformat(), "to": (MONDAY + timedelta(days=2)).isoformat()}


@pytest.fixture
def company(pg, tmp_path):
    company = found(pg, tmp_path)
    company.red = company.team("red", 6)
    company.blue = company.team("blue", 5)
    for person in company.red:
        company.measured(person, NINE, 8, at_screen=600, on_phone=300)
    for person in company.blue:
        company.measured(person, NINE, 4, absent=900)
    Publisher(pg.role("publisher"), company.alerts).run(NOW, first_day=MONDAY)
    return company


@pytest.fixture
def client(company, tmp_path):
    client = Client(company, tmp_path)
    yield client
    client.close()


def token(company, role, teams=(), person=None):
    return issuing.new_token(
        company.office,
        company.org,
        f"the {role}",
        role,
        now=NOW,
        teams=[company.teams[t] for t in teams],
        person=person,
    )


def summary(client, tok, team="red", accept="application/json", **query):
    path = f"/v1/teams/{client.company.teams[team]}/summary"
    return client.ask("GET", path, token=tok, query={**WEEK, **query}, accept=accept)


def log(company):
    return company.pg.owner.run(
        "select reader_name, action, team, from_day::text, allowed_because from access_log order by row"
    )


def test_a_manager_reads_their_team(company, client):
    answer = summary(client, token(company, "manager", ["red"]).token)
    body = answer.body
    assert answer.status == 200 and body["team"] == company.teams["red"]
    released = [row for row in body["rows"] if row["status"] == "released"]
    assert len(released) == 4 and {row["people"] for row in released} == {"5-7"}
    assert released[1]["shares"]["at_screen"] == {"percent": 65, "text": "65"}
    assert [row["status"] for row in body["rows"]][-2:] == ["not_released", "not_released"]
    assert log(company) == [
        {
            "reader_name": "the manager",
            "action": "team_summary",
            "team": company.teams["red"],
            "from_day": MONDAY.isoformat(),
            "allowed_because": "manager of this team",
        }
    ]


def test_day_buckets_and_csv_say_the_same(company, client):
    tok = token(company, "admin").token
    day = summary(client, tok, bucket="day").body["rows"][0]
    rows = list(csv.DictReader(io.StringIO(summary(client, tok, bucket="day", accept="text/csv").content.decode())))
    assert rows[0]["at_screen_percent"] == str(day["shares"]["at_screen"]["percent"]) == "65"
    assert rows[0]["minutes"] == str(day["minutes"]) == "600"


def test_everybody_who_may_read_gets_the_same_bytes(company, client):
    first = summary(client, token(company, "admin").token)
    second = summary(client, token(company, "manager", ["red", "blue"]).token)
    assert first.content == second.content


@pytest.mark.parametrize(
    ("role", "teams", "expected"),
    [
        ("admin", (), {"/v1/teams": 200, "summary": 200, "/v1/devices": 200, "/v1/policy": 200, "/v1/access-log": 200}),
        (
            "manager",
            ("red",),
            {"/v1/teams": 200, "summary": 200, "/v1/devices": 403, "/v1/policy": 200, "/v1/access-log": 403},
        ),
        (
            "manager",
            ("blue",),
            {"/v1/teams": 200, "summary": 403, "/v1/devices": 403, "/v1/policy": 200, "/v1/access-log": 403},
        ),
        (
            "auditor",
            (),
            {"/v1/teams": 200, "summary": 403, "/v1/devices": 403, "/v1/policy": 200, "/v1/access-log": 200},
        ),
    ],
)
def test_roles(company, client, role, teams, expected):
    tok = token(company, role, teams).token
    for path, status in expected.items():
        answer = summary(client, tok) if path == "summary" else client.ask("GET", path, token=tok)
        assert answer.status == status, path
    assert len(log(company)) == len(expected), "every read and every refusal is on record"


def test_a_manager_sees_only_their_own_teams_in_the_list(company, client):
    mine = client.ask("GET", "/v1/teams", token=token(company, "manager", ["blue"]).token).body["teams"]
    assert [(team["name"], team["readable"]) for team in mine] == [("blue", True)]
    every = client.ask("GET", "/v1/teams", token=token(company, "auditor").token).body["teams"]
    assert [(team["name"], team["readable"]) for team in every] == [("blue", False), ("red", False)]


def test_no_trace_no_answer(company, client):
    tok = token(company, "admin").token
    company.pg.owner.run("revoke insert on access_log from framekeep_api")
    for path in ("/v1/teams", "/v1/devices", "/v1/policy", "/v1/access-log"):
        answer = client.ask("GET", path, token=tok)
        assert answer.status == 503 and b"team" not in answer.content
    assert summary(client, tok).status == 503


def test_who_was_counted_in_a_team_cannot_read_that_month(company, client):
    person = company.red[0]
    tok = token(company, "manager", ["red", "blue"], person=person).token
    assert (summary(client, tok).status, summary(client, tok).body["error"]) == (403, "counted_in_team")
    assert summary(client, tok, "blue").status == 200
    october = summary(client, tok, **{"from": "2026-10-01", "to": "2026-10-31"})
    assert october.status == 200


@pytest.mark.parametrize("wrong", ["", "x", "e30.e30.", None])
def test_wrong_tokens_get_one_answer(company, client, wrong):
    answer = client.ask("GET", "/v1/teams", token=wrong)
    assert (answer.status, answer.body["error"]) == (401, "not_authenticated")


def test_tokens_end_and_can_be_revoked(company, client):
    made = token(company, "admin")
    assert client.ask("GET", "/v1/teams", token=made.token).status == 200
    client.clock.now = NOW + 31 * 86400
    assert client.ask("GET", "/v1/teams", token=made.token).status == 401
    client.clock.now = NOW
    issuing.revoke_manager(company.office, company.org, made.manager, now=NOW)
    assert client.ask("GET", "/v1/teams", token=made.token).status == 401


def test_a_token_of_one_organisation_shows_nothing_of_another(company, client, tmp_path):
    other = found(company.pg, tmp_path / "other", "Other")
    # The same issuer vouches for both in one installation.
    made = issuing.new_token(
        other.office.__class__(
            other.office.database, other.office.documents, other.office.seal_keys, company.office.keys
        ),
        other.org,
        "stranger",
        "admin",
        now=NOW,
    )
    assert client.ask("GET", "/v1/teams", token=made.token).body == {"teams": []}
    assert summary(client, made.token).status in (403, 404)
    assert client.ask("GET", "/v1/devices", token=made.token).body["devices"] == []


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ({"from": "yesterday"}, "malformed"),
        ({"from": "2026-13-01"}, "malformed"),
        ({"bucket": "person"}, "malformed"),
        ({"from": "2026-11-12", "to": "2026-11-11"}, "from_after_to"),
        ({"from": "2024-01-01", "to": "2026-11-11"}, "range_too_long"),
        ({"from": "0001-01-01", "to": "0001-01-02"}, "malformed"),
    ],
)
def test_bad_questions_are_named(company, client, query, error):
    answer = summary(client, token(company, "admin").token, **query)
    assert (answer.status, answer.body["error"]) == (400, error)


def test_unknown_teams(company, client):
    path = f"/v1/teams/{'0' * 32}/summary"
    assert client.ask("GET", path, token=token(company, "admin").token).status == 404
    assert client.ask("GET", path, token=token(company, "manager", ["red"]).token).status == 403


def test_fixed_but_not_shown_is_not_there_for_managers(company, client):
    company.pg.owner.run("update released_day set shown_at = to_timestamp(:t)", t=NOW + 60)
    company.pg.owner.run("update released_block set shown_at = to_timestamp(:t)", t=NOW + 60)
    tok = token(company, "admin").token
    assert {row["status"] for row in summary(client, tok).body["rows"]} == {"not_released"}


def test_the_api_role_sees_no_measurement_of_a_person(company):
    api = company.pg.role("api")
    for table in ("person_rollup", "correction", "envelope", "ledger", "receipt", "erasure_request"):
        with pytest.raises(Exception, match="permission denied"):
            api.run(f"select count(*) as n from {table}")


def test_withdrawn_and_annotated_blocks(company, client):
    admin = company.pg.role("admin")
    for number, table, column in ((1, "block_withdrawal", "reason"), (2, "block_annotation", "note")):
        admin.run(
            f"insert into {table} (org, team, day, number, {column}) values (:org, :team, cast(:day as date), :n, 'camera fault')",
            org=company.org,
            team=company.teams["red"],
            day=MONDAY.isoformat(),
            n=number,
        )
    rows = summary(client, token(company, "admin").token).body["rows"]
    assert (rows[0]["status"], rows[0]["shares"]) == ("withdrawn", None) and "camera fault" in rows[0]["explanation"]
    assert rows[1]["notes"] == ["camera fault"] and rows[1]["status"] == "released"


def test_the_policy_is_the_signed_document_with_an_etag(company, client):
    tok = token(company, "auditor").token
    answer = client.ask("GET", "/v1/policy", token=tok)
    payload = json.loads(from_b64(json.loads(answer.content)["payload"], "payload"))
    assert payload["id"] == "p-1"
    again = client.ask("GET", "/v1/policy", token=tok, headers={"if-none-match": answer.headers["ETag"]})
    assert again.status == 304


def test_devices_are_listed_by_day(company, client):
    client.enrol(company.red[0], new=True)
    (device,) = client.ask("GET", "/v1/devices", token=token(company, "admin").token).body["devices"]
    assert (
        device["person_name"] == "red 0" and device["enrolled_on"] == "2026-11-11" and device["last_heard_on"] is None
    )
