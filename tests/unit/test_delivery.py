"""Promise: only the service's own acknowledgement counts as one, nothing is thrown away that could still be delivered,
and waiting grows, spreads and listens to Retry-After.
"""

from __future__ import annotations

import json
from email.utils import formatdate
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.outbox.delivery import (
    MAX_BACKOFF_SECONDS,
    MAX_RETRY_AFTER_SECONDS,
    Action,
    Failure,
    FailureKind,
    Outcome,
    Reply,
    clock_trouble,
    decide,
    later,
)
from agent.outbox.receipts import read_receipts
from agent.outbox.schedule import (
    JITTER_SECONDS,
    LONGEST_WAIT_SECONDS,
    POISON_AFTER,
    is_due,
    pick,
    seal_at,
    seal_due,
)
from agent.store.rows import EnvelopeRow, EnvelopeState

NOW = 1763976000.0
ID = UUID("12345678-1234-4234-8234-123456789abc")


def decided(answer: Reply | Failure, *, attempts: int = 0, chance: float = 0.5, created: float = NOW) -> Outcome:
    return decide(answer, envelope=ID, created=int(created), attempts=attempts, chance=chance, now=NOW)


def reply(status: int, body: object = None, **headers: str) -> Reply:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Reply(status, {name.replace("_", "-"): text for name, text in headers.items()}, content)


def test_only_202_with_the_echoed_id_is_an_acknowledgement() -> None:
    assert decided(reply(202, {"id": str(ID)})).action is Action.ACCEPTED
    for answer in (
        reply(200, {"id": str(ID)}),
        reply(201, {"id": str(ID)}),
        reply(202, {"id": str(UUID(int=1))}),
        reply(202, {"id": str(ID).upper()}),
        reply(202, {"id": [str(ID)]}),
        reply(202, [str(ID)]),
        reply(202, b""),
        reply(202, b'{"id":'),
        reply(202, b"\xff\xfe"),
        reply(204, b""),
        reply(302, b""),
    ):
        assert decided(answer).action is Action.RETRY


@pytest.mark.parametrize(
    ("status", "error", "action"),
    [
        (400, "malformed", Action.SET_ASIDE),
        (400, "unsupported_version", Action.SET_ASIDE),
        (413, "too_large", Action.SET_ASIDE),
        (400, "key_unknown", Action.RESEAL),
        (403, "revoked", Action.STOP),
        (401, "not_authenticated", Action.RETRY),
        (400, "something_new", Action.RETRY),
        (403, "forbidden", Action.RETRY),
        (404, "not_found", Action.RETRY),
        (500, "malformed", Action.RETRY),
        (503, "revoked", Action.RETRY),
    ],
)
def test_final_verdicts_need_the_services_own_words(status: int, error: str, action: Action) -> None:
    assert decided(reply(status, {"error": error})).action is action
    assert decided(reply(status, b"<html>" + error.encode())).action is Action.RETRY


@given(st.integers(100, 599), st.binary(max_size=60), st.integers(0, 10_000), st.floats(0, 1, exclude_max=True))
def test_whatever_comes_is_never_lost(status: int, body: bytes, attempts: int, chance: float) -> None:
    outcome = decided(reply(status, body), attempts=attempts, chance=chance)
    assert outcome.action is Action.RETRY and outcome.reason
    assert NOW < outcome.at <= NOW + 2 * 3600


@given(st.integers(0, 10_000), st.floats(0, 1, exclude_max=True))
def test_backoff_is_bounded_and_never_at_once(attempts: int, chance: float) -> None:
    assert 1 <= later(attempts, chance, NOW) - NOW <= MAX_BACKOFF_SECONDS


def test_backoff_doubles_and_uses_its_whole_range() -> None:
    assert [later(n, 0.999999, NOW) - NOW for n in range(4)] == pytest.approx([5, 10, 20, 40], abs=0.1)
    assert later(6, 0.5, NOW) - NOW == pytest.approx(160)


@pytest.mark.parametrize("kind", FailureKind)
def test_every_failure_explains_itself(kind: FailureKind) -> None:
    outcome = decided(Failure(kind))
    assert outcome.action is Action.RETRY and outcome.reason.endswith(".") and not outcome.own_fault


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 404])
def test_retry_after_in_seconds(status: int) -> None:
    outcome = decided(reply(status, {}, retry_after="900"))
    assert NOW + 900 <= outcome.at <= NOW + 900 + 60


def test_retry_after_as_a_date_counts_from_the_services_clock() -> None:
    theirs = NOW + 5000  # our clock is behind
    answer = reply(503, {}, retry_after=formatdate(theirs + 600, usegmt=True), date=formatdate(theirs, usegmt=True))
    assert NOW + 600 <= decided(answer).at <= NOW + 661


@pytest.mark.parametrize(
    "text", ["", "soon", "-5", "1e9", "99999999999999999999", "٣", "Mon, 99 Foo 2025 99:99:99 GMT"]
)
def test_a_strange_retry_after_neither_hurts_nor_silences(text: str) -> None:
    outcome = decided(reply(503, {}, retry_after=text))
    assert NOW < outcome.at <= NOW + MAX_RETRY_AFTER_SECONDS + 60


def test_401_is_slow_and_tells_a_wrong_clock() -> None:
    outcome = decided(reply(401, {"error": "not_authenticated"}, date=formatdate(NOW + 7 * 3600, usegmt=True)))
    assert "7 hours behind" in outcome.reason and outcome.at >= NOW + 1800
    right = decided(reply(401, {"error": "not_authenticated"}, date=formatdate(NOW, usegmt=True)))
    assert "administrator" in right.reason
    assert "45 minutes ahead" in clock_trouble(reply(401, {}, date=formatdate(NOW - 2700, usegmt=True)), NOW)


def test_401_of_an_envelope_from_the_future_seals_it_again() -> None:
    answer = reply(401, {"error": "not_authenticated"})
    assert decided(answer, created=NOW + 86400).action is Action.RESEAL
    assert decided(answer, created=NOW + 60).action is Action.RETRY


def test_server_errors_may_be_the_envelopes_fault_and_waiting_is_not() -> None:
    assert decided(reply(500, {})).own_fault and decided(reply(502, {})).own_fault
    assert not decided(reply(503, {})).own_fault and not decided(reply(429, {})).own_fault
    assert not decided(reply(200, b"<html>")).own_fault


# When to seal, and what to send next.


def row(seq: int, *, next_try: float = 0.0) -> EnvelopeRow:
    return EnvelopeRow(seq, ID, 0, 300 * seq, 3, b"", b"", EnvelopeState.WAITING, 0, next_try, "", 0)


@given(st.integers(0, 2**33), st.text("0123456789abcdef", min_size=32, max_size=32))
def test_an_envelope_holds_three_windows_and_leaves_within_five_minutes_of_the_third(slot: int, device: str) -> None:
    oldest = slot * 300
    at = seal_at(oldest, device)
    assert oldest + 900 <= at < oldest + 900 + JITTER_SECONDS
    assert seal_due([oldest, oldest + 300, oldest + 600], device=device, now=at - 1e-3) == 0
    assert seal_due([oldest, oldest + 300, oldest + 600], device=device, now=at) == 3


def test_the_jitter_is_spread() -> None:
    waits = sorted(seal_at(0, f"{number:032x}") - 900 for number in range(1000))
    assert waits[100] < 45 and waits[900] > 255


def test_a_backlog_is_sealed_a_day_at_a_time() -> None:
    assert seal_due([300 * i for i in range(40)], device="d", now=NOW) == 40
    assert seal_due([300 * i for i in range(900)], device="d", now=NOW) == 288
    assert seal_due([], device="d", now=NOW) == 0


def test_a_window_from_the_future_is_not_waited_for() -> None:
    assert seal_due([int(NOW) + 86400 * 3650], device="d", now=NOW) == 3


def test_the_oldest_goes_first_and_holds_up_the_rest() -> None:
    assert pick([row(1), row(2)], {}, NOW) == row(1)
    assert pick([row(1, next_try=NOW + 60), row(2)], {}, NOW) is None
    assert pick([], {}, NOW) is None


def test_poison_lets_the_next_pass() -> None:
    queue = [row(1, next_try=NOW + 60), row(2, next_try=NOW + 60), row(3)]
    assert pick(queue, {1: POISON_AFTER}, NOW) is None
    assert pick(queue, {1: POISON_AFTER, 2: POISON_AFTER}, NOW) == row(3)


def test_a_date_set_while_the_clock_was_ahead_does_not_bind() -> None:
    assert is_due(row(1, next_try=NOW + LONGEST_WAIT_SECONDS + 1), NOW)
    assert not is_due(row(1, next_try=NOW + LONGEST_WAIT_SECONDS - 1), NOW)


def test_receipts_are_read_strictly() -> None:
    page = {"receipts": [{"id": str(ID), "outcome": "opened", "at": 5}], "more": True}
    for body, following in (
        (page, {"since": "5"}),
        ({**page, "next": "5.abc"}, {"after": "5.abc"}),
        ({**page, "next": "5.abc", "more": False}, None),
    ):
        receipts = read_receipts(reply(200, body))
        assert receipts is not None and receipts.outcomes == {ID: EnvelopeState.OPENED}
        assert receipts.following == following
    for wrong in ({}, [], {"receipts": [{}], "more": False}, {"receipts": [{"id": "x", "outcome": "opened", "at": 1}]}):
        assert read_receipts(reply(200, wrong)) is None
    assert read_receipts(reply(200, b"<html>")) is None
