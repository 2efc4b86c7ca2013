"""Promise: released numbers go after 13 months, the access log after 12, and nothing younger goes with them."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from sync_service import access_log, issuing
from sync_service.authz import Reader
from sync_service.maintenance import RULES, keep_house
from sync_service.publisher import Publisher
from sync_service.timetable import instant
from tests.e2e.office import MONDAY, NOW, found

NINE = instant(MONDAY, 9 * 60, ZoneInfo("Europe/Berlin"))
DAY = 86400
TABLES = (
    "released_day",
    "released_block",
    "block_annotation",
    "block_withdrawal",
    "cohort",
    "cohort_month",
    "access_log",
)


@pytest.fixture
def company(pg, tmp_path):
    company = found(pg, tmp_path)
    for person in company.team("red", 5):
        company.measured(person, NINE, 4, at_screen=900)
    Publisher(pg.role("publisher"), company.alerts).run(NOW, first_day=MONDAY)
    team = company.teams["red"]
    issuing.annotate_block(company.office, company.org, team, MONDAY, 1, "fire drill")
    issuing.withdraw_block(company.office, company.org, team, MONDAY, 2, "camera fault")
    reader = Reader("ab" * 16, company.org, "Eve", "admin")
    access_log.record(
        pg.role("api"), company.org, access_log.by_reader(reader, "team_summary", "x", team=team), now=NOW
    )
    return company


def left(company):
    return {t for t in TABLES if company.pg.owner.run(f"select count(*) as n from {t}")[0]["n"]}


def test_everything_published_ends_in_its_time(company):
    house = company.pg.role("maintenance")
    keep_house(house, now=NOW + 360 * DAY)
    assert left(company) == set(TABLES)
    keep_house(house, now=NOW + 366 * DAY)
    assert left(company) == set(TABLES) - {"access_log"}
    keep_house(house, now=NOW + 399 * DAY)
    assert left(company) == {"cohort", "cohort_month"}
    keep_house(house, now=NOW + 450 * DAY)
    assert left(company) == set()


def test_a_withdrawn_block_takes_no_more_notes(company):
    with pytest.raises(Exception, match="withdrawn already"):
        issuing.annotate_block(company.office, company.org, company.teams["red"], MONDAY, 2, "again")


def test_the_rule_table_names_each_table_of_published_things(company):
    ruled = {rule.table for rule in RULES}
    assert ruled >= {*TABLES, "correction", "manager_token", "erasure_request", "erasure_receipt", "tombstone"}
