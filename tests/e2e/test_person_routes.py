"""Promise: people see everything kept about them and who read it, contradict it in time, and see team numbers first."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from sync_service import issuing
from sync_service.own_data import MOST_CORRECTIONS
from sync_service.publisher import Publisher
from sync_service.timetable import instant
from tests.e2e.client import Client
from tests.e2e.office import MONDAY, NOW, found

BERLIN = ZoneInfo("Europe/Berlin")
NINE = instant(MONDAY, 9 * 60, BERLIN)
MONDAY_ONLY = {"from": MONDAY.isoformat(), "to": MONDAY.isoformat()}


@pytest.fixture
def company(pg, tmp_path):
    company = found(pg, tmp_path)
    company.red = company.team("red", 5)
    company.blue = company.team("blue", 1)
    for person in company.red:
        company.measured(person, NINE, 4, absent=900)
    return company


@pytest.fixture
def client(company, tmp_path):
    client = Client(company, tmp_path)
    yield client
    client.close()


@pytest.fixture
def laptop(company, client):
    return client.enrol(company.red[0])


def publish(company, now):
    return Publisher(company.pg.role("publisher"), company.alerts).run(now, first_day=MONDAY)


def correction(start=NINE, end=NINE + 1800, counts_as="at_screen", **more):
    return {
        "id": str(uuid.uuid4()),
        "from": start,
        "to": end,
        "as": counts_as,
        "note": "on the phone with a client",
        **more,
    }


def test_own_quarter_hours_are_there_at_once_and_say_when_corrections_close(company, client, laptop):
    client.clock.now = NINE + 8 * 3600
    body = laptop.ask("GET", "/v1/me/reports", **MONDAY_ONLY).body
    (day,) = body["days"]
    assert [row["absent"] for row in day["quarter_hours"]] == [900] * 4
    assert day["corrections_close_at"] == instant(MONDAY + timedelta(days=2), 0, BERLIN)
    assert day["managers_see_it_at"] == instant(MONDAY + timedelta(days=2), 360, BERLIN)
    assert body["teams"] == [] and day["fixed"] is False


def test_the_team_sees_the_managers_page_before_the_manager_does(company, client, laptop):
    client.clock.now = instant(MONDAY + timedelta(days=2), 0, BERLIN)
    publish(company, client.clock.now)
    tok = issuing.new_token(company.office, company.org, "boss", "admin", now=NOW - 86400).token
    path = f"/v1/teams/{company.teams['red']}/summary"
    mine = laptop.ask("GET", "/v1/me/reports", **MONDAY_ONLY).body["teams"][0]
    theirs = client.ask("GET", path, token=tok, query=MONDAY_ONLY).body
    assert [row["status"] for row in mine["rows"]] == ["released"] * 2
    assert [row["status"] for row in theirs["rows"]] == ["not_released"]
    client.clock.now += 6 * 3600
    assert client.ask("GET", path, token=tok, query=MONDAY_ONLY).body == mine


def test_a_correction_in_time_changes_the_number_and_later_ones_only_the_own_record(company, client, laptop):
    client.clock.now = NINE + 86400
    kept = laptop.ask("POST", "/v1/me/corrections", correction())
    assert kept.status == 201 and kept.body["changes_team_number"] is True, "foreseen: the month is not frozen yet"
    client.clock.now = instant(MONDAY + timedelta(days=2), 0, BERLIN) - 60
    publish(company, client.clock.now)  # freezes the month
    assert laptop.ask("POST", "/v1/me/corrections", correction()).body["changes_team_number"] is True
    client.clock.now += 120
    publish(company, client.clock.now)
    late = laptop.ask("POST", "/v1/me/corrections", correction(NINE + 1800, NINE + 3600))
    assert late.body["changes_team_number"] is False
    publish(company, client.clock.now + 60)
    report = laptop.ask("GET", "/v1/me/reports", **MONDAY_ONLY).body
    shares = [(row["shares"]["at_screen"]["percent"], row["corrected"]) for row in report["teams"][0]["rows"]]
    assert shares == [(20, True), (5, False)]
    (day,) = report["days"]
    assert [row["in_time"] for row in day["corrections"]] == [True, True, False]
    assert (day["fixed"], day["team_name"]) == (True, "red")


def test_who_is_counted_nowhere_changes_no_number(company, client):
    issuing.new_token(company.office, company.org, "x", "admin", now=NOW, person=company.red[1])
    reader = client.enrol(company.red[1])
    publish(company, NOW - 86400)
    client.clock.now = NINE + 3600
    assert reader.ask("POST", "/v1/me/corrections", correction()).body["changes_team_number"] is False
    assert reader.ask("GET", "/v1/me/reports", **MONDAY_ONLY).body["teams"] == []


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"from": NINE + 1}, "whole_quarter_hours_of_one_day_only"),
        ({"to": NINE}, "whole_quarter_hours_of_one_day_only"),
        ({"to": NINE + 20 * 3600}, "whole_quarter_hours_of_one_day_only"),
        ({"from": NINE + 90 * 86400, "to": NINE + 90 * 86400 + 900}, "not_in_the_future"),
        ({"from": 0, "to": 900}, "too_old"),
        ({"from": NINE - 36 * 86400, "to": NINE - 36 * 86400 + 900}, "too_old"),
        ({"as": "busy"}, "malformed"),
        ({"id": "x"}, "malformed"),
        ({"note": "x" * 501}, "malformed"),
        ({"extra": 1}, "malformed"),
    ],
)
def test_bad_corrections_are_named(laptop, change, error):
    answer = laptop.ask("POST", "/v1/me/corrections", {**correction(), **change})
    assert (answer.status, answer.body["error"]) == (400, error)


def test_asking_twice_is_asking_once(company, laptop):
    body = correction()
    assert (
        laptop.ask("POST", "/v1/me/corrections", body).content == laptop.ask("POST", "/v1/me/corrections", body).content
    )
    assert len(company.pg.owner.run("select id::text from correction")) == 1


def test_corrections_of_a_day_are_limited_and_the_last_one_may_be_repeated(company, laptop):
    for _ in range(MOST_CORRECTIONS - 1):
        assert laptop.ask("POST", "/v1/me/corrections", correction()).status == 201
    last = correction()
    for body, status in ((last, 201), (correction(), 400), (last, 201), (correction(NINE + 86400, NINE + 87300), 201)):
        assert laptop.ask("POST", "/v1/me/corrections", body).status == status
    assert company.pg.owner.run("select count(*) as n from correction") == [{"n": MOST_CORRECTIONS + 1}]


def test_every_read_about_me_is_in_my_access_log_and_others_are_not(company, client, laptop):
    publish(company, NOW)
    admin = issuing.new_token(company.office, company.org, "Eve", "admin", now=NOW).token
    for team in ("red", "blue"):
        client.ask("GET", f"/v1/teams/{company.teams[team]}/summary", token=admin, query=MONDAY_ONLY)
    client.ask(
        "GET",
        f"/v1/teams/{company.teams['red']}/summary",
        token=admin,
        query={"from": "2026-10-01", "to": "2026-10-09"},
    )
    client.ask("GET", "/v1/devices", token=admin)
    laptop.ask("GET", "/v1/me/export")
    entries = laptop.ask("GET", "/v1/me/access-log").body["entries"]
    assert [
        (row["reader_name"], row["reader_role"], row["action"], row["team_name"], row["from_day"])
        for row in reversed(entries)
    ] == [
        ("Eve", "admin", "team_summary", "red", MONDAY.isoformat()),
        ("Eve", "admin", "devices", None, None),
        ("your own device", None, "export", None, None),
    ]
    auditor = issuing.new_token(company.office, company.org, "Audit", "auditor", now=NOW).token
    whole = client.ask("GET", "/v1/access-log", token=auditor).body["entries"]
    assert "export" not in {row["action"] for row in whole}, "what people ask about themselves is theirs"


def test_refused_reads_are_in_it_too(company, client, laptop):
    publish(company, NOW)
    tok = issuing.new_token(
        company.office, company.org, "Mallory", "manager", now=NOW, teams=[company.teams["blue"]]
    ).token
    client.ask("GET", f"/v1/teams/{company.teams['red']}/summary", token=tok, query=MONDAY_ONLY)
    (entry,) = laptop.ask("GET", "/v1/me/access-log").body["entries"]
    assert (entry["reader_name"], entry["action"]) == ("Mallory", "team_summary_refused")


def test_the_export_holds_everything_and_only_mine(company, client, laptop):
    laptop.ask("POST", "/v1/me/corrections", correction())
    publish(company, NOW)
    answer = laptop.ask("GET", "/v1/me/export")
    assert "attachment" in answer.headers["Content-Disposition"]
    body = json.loads(answer.content)
    assert body["person"] == [{"id": company.red[0], "name": "red 0", "created_at": NOW}]
    assert len(body["quarter_hours"]) == 4 and len(body["corrections"]) == 1 and body["devices"][0]["id"] == laptop.id
    assert body["counted_in"] == [{"month": "2026-11-01", "team": company.teams["red"]}]
    text = answer.content.decode()
    assert not any(other in text for other in company.red[1:] + company.blue)


def test_nothing_is_exported_without_a_trace(company, laptop):
    company.pg.owner.run("revoke insert on access_log from framekeep_person")
    assert laptop.ask("GET", "/v1/me/export").status == 503


def test_erasure_can_be_asked_for_twice_and_cancelled_while_held(company, laptop):
    first = laptop.ask("POST", "/v1/me/erasure")
    assert first.status == 202 and first.body["step"] == "held" and first.body["due_at"] == NOW + 86400
    assert laptop.ask("POST", "/v1/me/erasure").body == first.body
    assert laptop.ask("DELETE", "/v1/me/erasure").body == {**first.body, "step": "cancelled"}
    assert laptop.ask("DELETE", "/v1/me/erasure").status == 404
    assert laptop.ask("POST", "/v1/me/erasure").body["id"] != first.body["id"]
    company.pg.owner.run("update erasure_request set step = 'revoked' where step = 'held'")
    assert laptop.ask("DELETE", "/v1/me/erasure").status == 409


def test_a_person_sees_only_their_own_requests(company, client, laptop):
    laptop.ask("POST", "/v1/me/erasure")
    other = client.enrol(company.red[1])
    assert other.ask("DELETE", "/v1/me/erasure").status == 404
    assert other.ask("GET", "/v1/me/export").body["erasures"] == []


def test_a_device_token_is_needed_and_works_once(client, laptop):
    for method, path in (("GET", "/v1/me/export"), ("POST", "/v1/me/erasure"), ("GET", "/v1/me/reports")):
        assert client.ask(method, path).status == 401
