"""Promise: page after page shows every row once, and a cursor nobody was given is refused."""

from __future__ import annotations

import json
import string
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_service.http import Refused, Request
from sync_service.paging import asked_page, cursor_of, page_of, read_cursor

NAMES = st.text(alphabet=string.printable + "äß雪\u00a0", max_size=8)


@given(st.sets(st.tuples(NAMES, st.integers(-(2**53) + 1, 2**53 - 1)), max_size=40), st.integers(1, 11))
def test_every_row_comes_once_by_the_link(rows, limit):
    ordered = [{"name": name, "id": number} for name, number in sorted(rows)]
    seen, query = [], {"limit": str(limit), "team": "a b&c"}
    for _ in range(len(ordered) + 1):
        request = Request("GET", "/v1/things", query=query)
        page = asked_page(request, str, int)
        behind = [row for row in ordered if page.after is None or (row["name"], row["id"]) > page.after]
        answer = page_of(request, "things", behind[: page.limit + 1], page, lambda row: (row["name"], row["id"]))
        told = json.loads(answer.content)
        assert len(told["things"]) <= limit
        seen += told["things"]
        if told["next"] is None:
            assert "Link" not in answer.headers
            break
        target, relation = answer.headers["Link"].split("; ")
        query = dict(parse_qsl(urlsplit(target.strip("<>")).query))
        assert relation == 'rel="next"' and query["after"] == told["next"] and query["team"] == "a b&c"
    assert seen == ordered


@given(st.lists(st.one_of(NAMES, st.integers(-(2**53) + 1, 2**53 - 1)), max_size=4))
def test_a_cursor_is_read_back_as_it_was_made(key):
    assert read_cursor(cursor_of(tuple(key)), *(type(part) for part in key)) == tuple(key)


def test_the_longest_names_fit():
    key = ("𒈙" * 200, 2**40, "0" * 32)
    assert read_cursor(cursor_of(key), str, int, str) == key


@given(st.text(max_size=60))
def test_no_text_is_more_than_refused(text):
    try:
        assert all(isinstance(part, int) for part in read_cursor(text, int, int))
    except Refused as error:
        assert error.answer.status == 400


@pytest.mark.parametrize(
    "cursor",
    [
        cursor_of((1,)),
        cursor_of((1, "x")),
        cursor_of((1, 2**53)),
        cursor_of((True, 1)),
        cursor_of((1, 2)) + "=",
        "e30",  # {}
        "WzEsMS4wXQ",  # [1,1.0]
        "W" * 1401,
        "",
        "é",
    ],
)
def test_the_wrong_cursor_is_refused(cursor):
    with pytest.raises(Refused):
        read_cursor(cursor, int, int)


@pytest.mark.parametrize("text", [cursor_of(("a\0b",)), "WyJcdWQ4MDAiXQ"])  # a zero byte; a lone surrogate
def test_text_the_database_cannot_hold_is_refused(text):
    with pytest.raises(Refused):
        read_cursor(text, str)


@pytest.mark.parametrize("limit", ["0", "1001", "-1", "1.0", "x", "", "٣", "9" * 12])
def test_a_limit_is_a_whole_number_in_range(limit):
    with pytest.raises(Refused) as refused:
        asked_page(Request("GET", "/", query={"limit": limit}), int)
    assert refused.value.answer.status == 400
