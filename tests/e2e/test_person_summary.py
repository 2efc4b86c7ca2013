"""Promise: a manager sees one person only of their own team, only what a policy allowed, late enough, and leaves a trace."""

from __future__ import annotations

import uuid
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest

from sync_service import issuing, provision
from sync_service.publisher import Publisher
from sync_service.timetable import instant
from tests.e2e.client import Client
from tests.e2e.office import MONDAY, NOW, found

BERLIN = ZoneInfo("Europe/Berlin")
NINE = instant(MONDAY, 9 * 60, BERLIN)
DAYS = {"from": "2026-11-02", "to": "2026-11-11"}


@pytest.fixture
def company(pg, tmp_path):
    """Six people; at nine under a policy without reports by name, at ten of the same day under one with them."""
    company = found(pg, tmp_path)
    company.red = company.team("red", 6)
    company.blue = company.team("blue", 1)
    allowed = issuing.next_policy(company.office, company.org, now=NOW, individual_reports=True)
    issuing.publish_policy(company.office, allowed, now=NOW)
    after = issuing.next_policy(company.office, company.org, now=NOW, individual_reports=False)
    issuing.publish_policy(company.office, after, now=NOW)
    company.measured(company.red[0], NINE, 4, absent=900)
    company.measured(company.red[0], NINE + 3600, 4, policy=allowed.id, at_screen=800, on_phone=100)
    return company


@pytest.fixture
def client(company, tmp_path):
    client = Client(company, tmp_path)
    yield client
    client.close()


def token(company, role="manager", *teams):
    ids = [company.teams[team] for team in teams]
    return issuing.new_token(company.office, company.org, "Eve", role, now=NOW - 86400, teams=ids).token


def ask(client, tok, person, **query):
    headers = {"x-request-id": "one-for-all"}  # so that answers can be compared byte by byte
    return client.ask("GET", f"/v1/people/{person}/summary", token=tok, query={**DAYS, **query}, headers=headers)


def test_only_what_was_sealed_under_a_policy_that_allowed_it_is_shown(company, client):
    answer = ask(client, token(company, "manager", "red"), company.red[0])
    assert (answer.status, answer.body["time_zone"]) == (200, "Europe/Berlin")
    assert answer.body["days"] == [
        {
            "day": MONDAY.isoformat(),
            "corrected": False,
            "at_screen": 3200,
            "looking_away": 0,
            "on_phone": 400,
            "absent": 0,
            "unknown": 0,
        }
    ]
    assert ask(client, token(company, "manager", "red"), company.red[1]).body["days"] == []


def test_nobody_but_the_manager_of_the_persons_team(company, client):
    wrong = [token(company, "manager", "blue"), token(company, "admin"), token(company, "auditor")]
    answers = [ask(client, tok, company.red[0]) for tok in wrong]
    manager = token(company, "manager", "red")
    answers += [ask(client, manager, person) for person in (company.blue[0], "0" * 32, "nobody")]
    assert {(answer.status, answer.body["error"]) for answer in answers} == {(403, "not_allowed")}
    assert len({answer.content for answer in answers}) == 1, "nobody learns which people there are"


def test_who_changed_teams_is_for_whoever_manages_both(company, client):
    provision.move_person(company.office, company.org, company.red[0], company.teams["blue"], now=NOW)
    client.clock.now = NOW + 25 * 86400
    over = {"from": "2026-11-05", "to": "2026-12-05"}
    assert ask(client, token(company, "manager", "blue"), company.red[0], **over).status == 403
    assert ask(client, token(company, "manager", "red"), company.red[0], **over).status == 403
    assert len(ask(client, token(company, "manager", "red", "blue"), company.red[0], **over).body["days"]) == 1


def test_a_day_is_shown_no_earlier_than_a_teams(company, client):
    client.clock.now = instant(MONDAY + timedelta(days=2), 6 * 60, BERLIN) - 1
    manager = token(company, "manager", "red")
    assert ask(client, manager, company.red[0]).body["days"] == []
    client.clock.now += 1
    assert len(ask(client, manager, company.red[0]).body["days"]) == 1


def test_the_persons_word_counts_and_they_see_who_read_it(company, client):
    laptop = client.enrol(company.red[0])
    body = {"id": str(uuid.uuid4()), "from": NINE, "to": NINE + 3600 + 900, "as": "at_screen", "note": "private"}
    assert laptop.ask("POST", "/v1/me/corrections", body).status == 201
    answer = ask(client, token(company, "manager", "red"), company.red[0])
    (day,) = answer.body["days"]
    assert (day["at_screen"], day["on_phone"], day["absent"], day["corrected"]) == (3300, 300, 0, True)
    assert "private" not in answer.content.decode()
    ask(client, token(company, "manager", "blue"), company.red[0])
    colleague = client.enrol(company.red[1])
    mine, theirs = (one.ask("GET", "/v1/me/access-log").body["entries"] for one in (laptop, colleague))
    assert [(row["reader_name"], row["action"]) for row in mine] == [
        ("Eve", "person_summary_refused"),
        ("Eve", "person_summary"),
    ]
    assert mine[1]["from_day"] == DAYS["from"] and theirs == []


def test_nothing_is_shown_without_a_trace_nor_of_whoever_is_being_erased(company, client):
    manager = token(company, "manager", "red")
    company.pg.owner.run("revoke insert on access_log from framekeep_api")
    assert ask(client, manager, company.red[0]).status == 503
    company.pg.owner.run("grant insert on access_log to framekeep_api")
    company.pg.owner.run(
        "insert into tombstone (kind, id, org, erasure, at) values ('person', :p, :org, gen_random_uuid(), now())",
        p=company.red[0],
        org=company.org,
    )
    assert ask(client, manager, company.red[0]).body["days"] == []


def test_who_is_reported_by_name_on_a_day_is_in_no_team_number_of_it(company, client):
    for person in company.red[1:5]:
        company.measured(person, NINE, 8, at_screen=900)
    Publisher(company.pg.role("publisher"), company.alerts).run(NOW, first_day=MONDAY)
    released = company.pg.owner.run(
        "select suppressed from released_day where team = :t and day = cast(:d as date)",
        t=company.teams["red"],
        d=MONDAY.isoformat(),
    )
    assert released == [{"suppressed": "too_few_people"}], "four and the one who is reported by name"


def test_the_role_sees_nothing_of_another_organisation(company, tmp_path):
    api = company.pg.role("api")
    sql = "select count(*) as n from individual_rollups(:p, to_timestamp(0), now() + interval '30 years')"
    assert api.run(sql, p=company.red[0]) == [{"n": 0}]
    other = found(company.pg, tmp_path / "other", "Other")
    for org, seen in ((company.org, 4), (other.org, 0)):
        with api.transaction() as tx:
            tx.run("select set_config('framekeep.org', :org, true)", org=org)
            assert tx.run(sql, p=company.red[0]) == [{"n": seen}]
    for role in ("person", "admin", "ingest", "publisher"):
        rows = company.pg.owner.run(
            "select has_function_privilege(:role, 'individual_rollups(text, timestamptz, timestamptz)', 'execute') as yes",
            role=f"framekeep_{role}",
        )
        assert rows == [{"yes": False}]


def test_bad_ranges_are_named(company, client):
    manager = token(company, "manager", "red")
    too_long = ask(client, manager, company.red[0], **{"from": date(2026, 10, 1).isoformat()})
    assert (too_long.status, too_long.body["error"]) == (400, "range_too_long")
