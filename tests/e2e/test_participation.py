"""Promise: of somebody who declined the organisation learns that they do not take part, by day, and nothing else."""

from __future__ import annotations

import json

import pytest

from agent.wire.strict import canonical
from agent.wire.token import make_token
from sync_service import issuing
from sync_service.errors import DatabaseError
from tests.e2e.client import Client
from tests.e2e.office import ENDPOINT, NOW, found

PATH = "/v1/me/participation"
DAY = 86400


@pytest.fixture
def company(pg, tmp_path):
    company = found(pg, tmp_path)
    company.red = company.team("red", 2)
    return company


@pytest.fixture
def client(company, tmp_path):
    client = Client(company, tmp_path)
    yield client
    client.close()


@pytest.fixture
def laptop(company, client):
    return client.enrol(company.red[0])


def reader(company, role, **more):
    return issuing.new_token(company.office, company.org, f"the {role}", role, now=NOW, **more).token


def listed(company, client):
    return client.ask("GET", "/v1/devices", token=reader(company, "admin")).body["devices"]


def test_it_is_kept_by_day_and_saying_it_again_changes_nothing(company, client, laptop):
    assert laptop.ask("PUT", PATH, {"participating": False}).body == {"participating": False, "since": "2026-11-11"}
    client.clock.now += 2 * DAY
    assert laptop.ask("PUT", PATH, {"participating": False}).body == {"participating": False, "since": "2026-11-11"}
    assert laptop.ask("PUT", PATH, {"participating": True}).body == {"participating": True, "since": "2026-11-13"}
    columns = company.pg.owner.run(
        "select data_type::text as type from information_schema.columns where table_name = 'participation'"
    )
    assert not any("time" in row["type"] for row in columns), "there is no place for a time of day"
    assert company.pg.owner.run("select count(*) as n from participation") == [{"n": 1}], "and none for a history"


def test_administrators_see_the_day_and_no_silence(company, client, laptop):
    other = client.enrol(company.red[1])
    for device in (laptop, other):
        company.pg.owner.run(
            """insert into device_progress (device, org, seqs, lost, last_received_at)
               values (:device, :org, '{[1,2)}', 0, to_timestamp(:at))""",
            device=device.id,
            org=company.org,
            at=NOW - 20 * DAY,
        )
    laptop.ask("PUT", PATH, {"participating": False})
    other.ask("PUT", PATH, {"participating": True})
    mine, theirs = listed(company, client)
    assert (mine["not_participating_since"], mine["last_heard_on"]) == ("2026-11-11", None)
    assert (theirs["not_participating_since"], theirs["last_heard_on"]) == (None, "2026-10-22")
    laptop.ask("PUT", PATH, {"participating": True})
    mine, _ = listed(company, client)
    assert (mine["not_participating_since"], mine["last_heard_on"]) == (None, "2026-10-22")


def test_managers_and_auditors_see_nothing_of_it(company, client, laptop):
    tokens = [reader(company, "manager", teams=[company.teams["red"]]), reader(company, "auditor")]
    paths = ("/v1/teams", f"/v1/teams/{company.teams['red']}/summary", "/v1/access-log", "/v1/policy")

    def seen():
        answers = [client.ask("GET", path, token=token) for token in tokens for path in paths]
        return [json.loads(one.content) for one in answers if one.status == 200 and b'"entries"' not in one.content]

    before = seen()
    laptop.ask("PUT", PATH, {"participating": False})
    assert seen() == before and len(before) >= 4
    for token in tokens:
        assert client.ask("GET", "/v1/devices", token=token).status == 403
        log = client.ask("GET", "/v1/access-log", token=token)
        assert b"particip" not in log.content


def test_it_is_in_the_persons_own_export_and_in_nobody_elses(company, client, laptop):
    laptop.ask("PUT", PATH, {"participating": False})
    said = laptop.ask("GET", "/v1/me/export").body["participation"]
    assert said == [{"device": laptop.id, "participating": False, "since": "2026-11-11"}]
    assert client.enrol(company.red[1]).ask("GET", "/v1/me/export").body["participation"] == []


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        (b"", 400, "malformed"),
        (b"[]", 400, "malformed"),
        (b"{}", 400, "malformed"),
        (b'{"participating":0}', 400, "malformed"),
        (b'{"participating":"no"}', 400, "malformed"),
        (b'{"participating":null}', 400, "malformed"),
        (b'{"participating":false,"reason":"x"}', 400, "malformed"),
        (b'{"participating":false,"participating":true}', 400, "malformed"),
        (b'{"participating":false}' + b" " * 5000, 413, "too_large"),
    ],
)
def test_anything_else_is_refused_and_nothing_kept(company, client, laptop, body, status, error):
    token = make_token(laptop.key, audience=ENDPOINT, method="PUT", path=PATH, body=body, now=NOW)
    answer = client.ask("PUT", PATH, token=token, body=body)
    assert (answer.status, answer.body["error"]) == (status, error)
    assert company.pg.owner.run("select count(*) as n from participation") == [{"n": 0}]


def test_a_token_says_it_once_and_for_one_body(company, client, laptop):
    body = canonical({"participating": False})
    token = make_token(laptop.key, audience=ENDPOINT, method="PUT", path=PATH, body=body, now=NOW)
    assert client.ask("PUT", PATH, token=token, body=canonical({"participating": True})).status == 401
    assert client.ask("PUT", PATH, body=body).status == 401
    assert client.ask("PUT", PATH, token=token, body=body).status == 200
    assert client.ask("PUT", PATH, token=token, body=body).status == 401, "replayed"


def test_a_revoked_laptop_has_no_word(company, client, laptop):
    company.pg.owner.run("update device set revoked_at = now()")
    assert laptop.ask("PUT", PATH, {"participating": False}).status == 403


def test_the_database_keeps_people_apart(company, client, laptop):
    """Row-level security: as one person, another's laptop can be neither read nor spoken for."""
    other = client.enrol(company.red[1])
    other.ask("PUT", PATH, {"participating": False})
    person = company.pg.role("person")
    with person.transaction() as tx:
        tx.run("select set_config('framekeep.org', :org, true)", org=company.org)
        tx.run("select set_config('framekeep.person', :person, true)", person=company.red[0])
        assert tx.run("select device from participation") == []
        assert tx.run("update participation set participating = true returning 1 as one") == []
    assert person.run("select device from participation") == []
    with pytest.raises(DatabaseError), person.transaction() as tx:
        tx.run("select set_config('framekeep.org', :org, true)", org=company.org)
        tx.run("select set_config('framekeep.person', :person, true)", person=company.red[0])
        tx.run(
            "insert into participation (device, org, participating, since) values (:d, :org, true, '2026-11-11')",
            d=company.org,
            org=company.org,
        )


def test_the_erasure_asked_for_can_be_looked_at(company, laptop):
    assert laptop.ask("GET", "/v1/me/erasure").body == {"erasure": None}
    asked = laptop.ask("POST", "/v1/me/erasure").body
    assert laptop.ask("GET", "/v1/me/erasure").body == {"erasure": asked}
    laptop.ask("DELETE", "/v1/me/erasure")
    assert laptop.ask("GET", "/v1/me/erasure").body == {"erasure": None}
