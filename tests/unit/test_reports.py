"""Promise: days, ranges and CSV are functions of released blocks, the same for every reader, and say what is missing."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from sync_service.blocks import SHARES
from sync_service.reports import CSV_COLUMNS, ReleasedBlock, ReleasedDay, summary, to_csv

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = date(2026, 11, 2)
NINE = 1793606400  # 2026-11-02 09:00 in Berlin
TEAM = "ab" * 16


def block(number, at_screen=70, seconds=3600, people="5-7", **more):
    shares = {**dict.fromkeys(SHARES, 5), "at_screen": at_screen}
    start = NINE + (number - 1) * 7200
    return ReleasedBlock(number, start, start + seconds, seconds, shares, 80, people, **more)


def monday(*blocks, **more):
    return ReleasedDay(MONDAY, BERLIN, "p-1", 5, blocks, **more)


def ask(*days, first=MONDAY, last=MONDAY, bucket="block"):
    return summary(TEAM, BERLIN, days, first, last, bucket)


def test_a_block_row_carries_local_times_coarse_numbers_and_a_band():
    (row,) = ask(monday(block(1)))["rows"]
    assert row["start"] == "2026-11-02T09:00:00+01:00" and row["end"] == "2026-11-02T10:00:00+01:00"
    assert row["shares"]["at_screen"] == {"percent": 70, "text": "70"}
    assert row["shares"]["absent"] == {"percent": 5, "text": "5 or less"}
    assert row["people"] == "5-7" and row["minutes"] == 60 and row["coverage"]["percent"] == 80


def test_a_day_is_the_mean_of_its_blocks_by_length_and_claims_the_smallest_band():
    day = monday(block(1, at_screen=90), block(2, at_screen=30, seconds=7200, people="12+"))
    (row,) = ask(day, bucket="day")["rows"]
    assert row["shares"]["at_screen"]["percent"] == 50  # (90 x 1 h + 30 x 2 h) / 3 h
    assert row["people"] == "5-7" and row["minutes"] == 180


def test_missing_suppressed_and_withdrawn_days_say_so():
    rows = ask(
        monday(suppressed="too_few_people"),
        ReleasedDay(MONDAY + timedelta(days=1), BERLIN, "p-1", 5, (block(1, withdrawn="camera fault"),)),
        last=MONDAY + timedelta(days=2),
        bucket="day",
    )["rows"]
    assert [row["status"] for row in rows] == ["suppressed", "withdrawn", "not_released"]
    assert "Fewer people" in rows[0]["explanation"] and "camera fault" in rows[1]["explanation"]
    assert all(row["shares"] is None and row["people"] is None for row in rows)


def test_a_withdrawn_block_shows_no_number_and_counts_in_no_mean():
    answer = ask(monday(block(1, at_screen=90, withdrawn="wrong hours"), block(2, at_screen=30)))
    assert answer["rows"][0]["shares"] is None
    assert answer["total"]["shares"]["at_screen"]["percent"] == 30


def test_days_outside_the_range_do_not_matter():
    other = ReleasedDay(MONDAY + timedelta(days=1), BERLIN, "p-1", 5, (block(1, at_screen=10),))
    assert ask(monday(block(1)), other) == ask(monday(block(1)))


def test_no_block_no_total():
    assert ask()["total"] is None


def test_csv_has_the_same_rows_and_no_formula():
    answer = ask(monday(block(1, notes=("=HYPERLINK(1)",)), block(2)))
    rows = list(csv.DictReader(io.StringIO(to_csv(answer))))
    assert tuple(rows[0]) == CSV_COLUMNS and len(rows) == 2
    assert rows[0]["at_screen_percent"] == "70" and rows[0]["absent_percent"] == "5"
    assert rows[0]["people"] == "5 to 7 people" and rows[0]["notes"] == "'=HYPERLINK(1)"
