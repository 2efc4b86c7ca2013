"""Promise: the caller gets the form it likes best, or is told that there is none; a table holds nothing that calculates."""

from __future__ import annotations

import csv
import io
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_service.http import Refused, Request
from sync_service.negotiation import CSV, JSON, chosen, csv_answer, preferred
from sync_service.tags import matches, tag_of


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        (None, JSON),
        ("", JSON),
        ("*/*", JSON),
        ("text/csv", CSV),
        ("TEXT/CSV; charset=utf-8", CSV),
        ("text/*", CSV),
        ("text/html, */*;q=0.1", JSON),
        ("text/csv;q=0.5, application/json", JSON),
        ("text/csv, application/json", JSON),
        ("text/csv, application/json;q=0.9", CSV),
        ("application/json;q=0, */*", CSV),
        ("text/csv;q=0.4, */*;q=0.6", JSON),
        ("*/*;q=0.5, text/csv;q=0.6", CSV),
        ("application/json;q=0", None),
        ("*/*;q=0", None),
        ("text/html", None),
        ("nonsense", None),
        ("text/csv;q=2", None),
        ("text/csv;q=abc, application/json", JSON),
    ],
)
def test_the_form_liked_best(accept, media):
    assert preferred(accept, (JSON, CSV)) == media


def test_no_form_liked_is_406():
    with pytest.raises(Refused) as refused:
        chosen(Request("GET", "/", {"accept": "text/html"}))
    assert refused.value.answer.status == 406


@given(st.text(max_size=80))
def test_no_header_is_more_than_disliked(accept):
    assert preferred(accept, (JSON, CSV)) in (JSON, CSV, None)


@given(st.lists(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=12), max_size=6))
def test_a_table_reads_back_and_no_cell_begins_a_formula(texts):
    answer = csv_answer(("text", "day"), [{"text": text, "day": date(2026, 11, 9)} for text in texts], name="x.csv")
    rows = list(csv.reader(io.StringIO(answer.content.decode(), newline="")))
    assert rows[0] == ["text", "day"] and len(rows) == len(texts) + 1
    for text, (told, day) in zip(texts, rows[1:], strict=True):
        assert told.removeprefix("'") == text.removeprefix("'") and day == "2026-11-09"
        assert told[:1] not in ("=", "+", "-", "@", "\t", "\r")


def test_a_table_has_numbers_truths_and_nothing():
    answer = csv_answer(("a", "b", "c", "d"), [{"a": 3, "b": True, "c": None}], name="x.csv")
    assert answer.content == b"a,b,c,d\r\n3,yes,,\r\n"
    assert (
        answer.headers["Content-Disposition"] == 'attachment; filename="x.csv"' and answer.headers["Vary"] == "Accept"
    )


def test_a_tag_is_known_again_in_every_spelling():
    tag = tag_of(b"body")
    assert tag != tag_of(b"other")
    for header in (tag, f"W/{tag}", f'"x", {tag}', "*"):
        assert matches(header, tag), header
    for header in ("", '"x"', tag.strip('"'), f"{tag[:-1]}"):
        assert not matches(header, tag), header
