"""Promise: the device list and the access log come page by page and whole, as JSON or as a table, whatever is asked."""

from __future__ import annotations

import csv
import io
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from sync_service import issuing
from sync_service.http import Answer
from tests.e2e.client import Client
from tests.e2e.office import NOW, Company, found


@pytest.fixture
def client(pg, tmp_path):
    company = found(pg, tmp_path)
    client = Client(company, tmp_path)
    yield client
    client.close()


def token(company: Company, role: Any = "admin") -> str:
    return issuing.new_token(company.office, company.org, f"the {role}", role, now=NOW).token


def pages(client: Client, tok: str, path: str, name: str, limit: int) -> list[list[dict[str, Any]]]:
    """Every page, by the Link header."""
    found, query = [], {"limit": str(limit)}
    while len(found) < 20:
        answer = client.ask("GET", path, token=tok, query=query)
        found.append(answer.body[name])
        if "Link" not in answer.headers:
            assert answer.body["next"] is None
            return found
        query = dict(parse_qsl(urlsplit(answer.headers["Link"].split(">")[0].strip("<")).query))
        assert query["after"] == answer.body["next"]
    raise AssertionError("there is no end of pages")


def table(answer: Answer) -> list[dict[str, str]]:
    assert answer.content_type == "text/csv; charset=utf-8" and answer.headers["Vary"] == "Accept"
    return list(csv.DictReader(io.StringIO(answer.content.decode())))


def test_devices_come_page_by_page_and_each_once(client):
    people = client.company.team("=SUM(red)", 5)  # a name that a spreadsheet would calculate
    laptops = {client.enrol(person).id for person in [*people, people[0], people[0]]}
    tok = token(client.company)
    for limit in (1, 2, 3, 7, 8):
        found = pages(client, tok, "/v1/devices", "devices", limit)
        listed = [one["id"] for page in found for one in page]
        assert sorted(listed) == sorted(laptops) and max(len(page) for page in found) <= limit
    rows = table(client.ask("GET", "/v1/devices", token=tok, accept="text/csv"))
    assert {row["id"] for row in rows} == laptops and all(row["person_name"].startswith("'=") for row in rows)
    assert list(rows[0]) == list(client.ask("GET", "/v1/devices", token=tok).body["devices"][0])


def test_the_log_comes_page_by_page_while_it_grows(client):
    tok = token(client.company)
    laptop = client.enrol(client.company.team("red", 1)[0])
    for n in range(9):
        client.clock.now = NOW + n // 3  # three in a second
        client.ask("GET", "/v1/teams", token=tok)
        laptop.ask("GET", "/v1/me/export")  # in nobody's log but their own
    client.clock.now = NOW + 2  # every page's own entry falls into a second that is being read
    for limit in (1, 2, 4):
        before = client.ask("GET", "/v1/access-log", token=tok).body["entries"]
        found = [one for page in pages(client, tok, "/v1/access-log", "entries", limit) for one in page]
        assert found == [found[0], *before], "all that was there, once, behind the entry of this reading itself"
        assert found[0]["action"] == "access_log" and all(one["reader"] != "self" for one in found)


def test_a_log_as_a_table_has_times_and_the_same_rows(client):
    tok = token(client.company)
    client.ask("GET", "/v1/teams", token=tok)
    rows = table(client.ask("GET", "/v1/access-log", token=tok, accept="text/csv;q=0.9, application/json;q=0.1"))
    assert [(row["at"], row["action"], row["team"]) for row in rows] == [
        ("2026-11-11T12:00:00+00:00", "access_log", ""),
        ("2026-11-11T12:00:00+00:00", "teams", ""),
    ]


def test_a_table_comes_in_pages_too(client):
    tok = token(client.company)
    for _ in range(3):
        client.ask("GET", "/v1/teams", token=tok)
    answer = client.ask("GET", "/v1/access-log", token=tok, accept="text/csv", query={"limit": "2"})
    assert len(table(answer)) == 2 and 'rel="next"' in answer.headers["Link"]


@pytest.mark.parametrize("path", ["/v1/devices", "/v1/access-log"])
@pytest.mark.parametrize(
    ("accept", "status"), [("text/html", 406), ("text/csv;q=0", 406), ("text/csv;q=0, */*", 200), ("*/*", 200)]
)
def test_what_there_is_not_is_refused(client, path, accept, status):
    answer = client.ask("GET", path, token=token(client.company), accept=accept)
    assert (answer.status, answer.content_type) == (status, "application/json")


@pytest.mark.parametrize("path", ["/v1/devices", "/v1/access-log"])
def test_a_cursor_of_another_list_is_refused(client, path):
    tok = token(client.company)
    for after in ("x", "WyJhIl0", "WzEsMl0", ""):
        other = path == "/v1/access-log" and after == "WzEsMl0"  # [1,2]: two numbers, as this one's are
        assert client.ask("GET", path, token=tok, query={"after": after}).status == (200 if other else 400)
