"""Promise: nobody asks more often than the rate says, nobody pays for others, and a forged token costs only its sender."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sync_service.http import Answer, Endpoint, Refused, Request, refusal
from sync_service.limits import Bucket, Call, Limits, Rate, given_back, network_of, taken
from sync_service.routes import answer

RATE = Rate("any", burst=5, per_second=0.5)


@given(st.lists(st.floats(0, 40, allow_nan=False), min_size=1, max_size=80))
def test_no_window_holds_more_calls_than_burst_and_rate_allow(pauses):
    bucket, now, made = None, 0.0, []
    for pause in pauses:
        now += pause
        bucket, wait = taken(bucket, RATE, now)
        if wait == 0:
            made.append(now)
    for start in range(len(made)):
        for end in range(start, len(made)):
            allowed = RATE.burst + (made[end] - made[start]) * RATE.per_second
            assert end - start + 1 <= allowed + 1e-6


@given(st.floats(0, 5, allow_nan=False), st.floats(-100, 100, allow_nan=False))
def test_who_waits_as_told_is_let_in_and_no_sooner_than_needed(left, passed):
    bucket, wait = taken(Bucket(left, 1000.0), RATE, 1000.0 + passed)
    if wait:
        assert taken(bucket, RATE, bucket.at + wait)[1] == 0
        assert taken(bucket, RATE, bucket.at + wait - 1.1)[1] > 0


@given(st.integers(0, 20), st.integers(0, 20))
def test_giving_back_never_makes_more_than_full(takes, backs):
    bucket = None
    for _ in range(takes):
        bucket, _ = taken(bucket, RATE, 0.0)
    for _ in range(backs):
        bucket = given_back(bucket, RATE, 0.0)
    assert bucket is None or 0 <= bucket.left <= RATE.burst


def test_one_household_is_one_caller():
    assert network_of("2001:db8:1:2:aaaa::1") == network_of("2001:db8:1:2::ffff") != network_of("2001:db8:1:3::1")
    assert network_of("::ffff:192.0.2.7") == network_of("192.0.2.7") == "192.0.2.7"
    assert network_of("fe80::1%eth0") == "fe80::/64"
    assert network_of("") == "" and network_of("testclient") == "testclient"


class Desk:
    """A service with three readers' tokens, a laptop's and an open door, and a clock that stands."""

    def __init__(self) -> None:
        self.now = 100.0
        self.limits = Limits(reader=Rate("", 3, 1.0), address=Rate("", 4, 1.0), clock=lambda: self.now)
        self.good = {"Bearer a": "org/anna", "Bearer a2": "org/anna", "Bearer b": "org/bert", "Bearer laptop": ""}

    def handler(self, request: Request) -> Answer:
        who = self.good.get(request.headers.get("authorization", ""))
        if who is None:
            raise Refused(refusal(401, "not_authenticated"))
        if who:
            request.admitted(who)
        return Answer(200, {})

    def ask(self, token=None, *, auth="manager", client="192.0.2.1", method="GET", status=None):
        handler = self.handler if auth else (lambda _: Answer(status or 200, {}))
        line = Endpoint(method, "/v1/x", handler, "", {}, auth=auth)
        headers = {"authorization": f"Bearer {token}"} if token else {}
        return answer(line, Request(method, "/v1/x", headers, client=client), self.limits)


def test_a_reader_has_one_bucket_for_all_tokens_and_addresses():
    desk = Desk()
    assert [desk.ask("a").status, desk.ask("a2", client="192.0.2.9").status, desk.ask("a").status] == [200] * 3
    refused = desk.ask("a2", client="198.51.100.1")
    assert (refused.status, refused.body["error"]) == (429, "too_many_requests")
    assert refused.headers["Retry-After"] == "1" and refused.headers["RateLimit"] == '"reader";r=0;t=1'
    assert desk.ask("b").status == 200, "another reader is not held up"
    desk.now += 1
    assert desk.ask("a").status == 200


def test_what_is_left_is_told_to_the_reader():
    desk = Desk()
    told = desk.ask("a").headers
    assert told["RateLimit-Policy"] == '"reader";q=3;w=3' and told["RateLimit"] == '"reader";r=2;t=1'
    assert desk.ask("a").headers["RateLimit"] == '"reader";r=1;t=2'


def test_readers_and_laptops_use_nothing_of_their_address():
    desk = Desk()
    for _ in range(20):
        assert desk.ask("laptop", auth="device").status == 200
    for _ in range(3):
        desk.ask("a")
    assert [desk.ask("wrong").status for _ in range(5)] == [401] * 4 + [429]


def test_guessing_is_slowed_down_for_the_address_and_nobody_else():
    desk = Desk()
    assert [desk.ask(f"guess {n}").status for n in range(6)] == [401] * 4 + [429] * 2
    assert desk.ask("guess", client="192.0.2.2").status == 401
    assert "RateLimit" not in desk.ask("guess", client="192.0.2.2").headers, "what others have left is not told"


def test_a_reader_known_already_is_let_in_while_somebody_guesses_at_the_same_address():
    desk = Desk()
    desk.ask("a")
    for n in range(6):
        desk.ask(f"guess {n}")
    assert desk.ask("b").status == 429, "nobody knows this token yet"
    assert desk.ask("a").status == 200


def test_a_token_that_ended_is_counted_under_its_address_again():
    desk = Desk()
    desk.ask("a")
    del desk.good["Bearer a"]
    assert [desk.ask("a").status for _ in range(7)] == [401] * 5 + [429] * 2, "one as the reader, four as the address"


def test_open_doors_count_for_the_address_but_what_was_accepted_does_not():
    desk = Desk()
    for _ in range(9):
        assert desk.ask(auth=None, method="POST", status=202).status == 202
        assert desk.ask(auth=None, status=503).status == 503
    assert [desk.ask(auth=None).status for _ in range(5)] == [200] * 4 + [429]
    assert desk.ask(auth=None, method="POST", status=202).status == 429


def test_a_token_nobody_looked_at_counts_for_the_address_whatever_the_answer():
    desk = Desk()
    for status in (400, 404, 503):
        line = Endpoint("GET", "/v1/x", lambda _, status=status: refusal(status, "any"), "", {}, auth="manager")
        answered = [answer(line, guess(f"{status} {n}", f"192.0.2.{status % 100}"), desk.limits) for n in range(5)]
        assert [one.status for one in answered] == [status] * 4 + [429]
    line = Endpoint("POST", "/v1/x", desk.handler, "", {}, auth="manager", body={})
    for status, sent in ((406, {"accept": "image/png"}), (415, {"content-type": "text/plain"})):
        answered = [answer(line, guess(n, f"198.51.100.{status % 100}", **sent), desk.limits) for n in range(5)]
        assert [one.status for one in answered] == [status] * 4 + [429]


def test_a_laptop_that_was_known_uses_nothing_of_its_address_whatever_the_answer():
    desk = Desk()

    def nothing_there(request: Request) -> Answer:
        request.admitted("")
        raise Refused(refusal(404, "no_agreement"))

    line = Endpoint("GET", "/v1/x", nothing_there, "", {}, auth="device")
    assert [answer(line, guess("laptop", "192.0.2.1"), desk.limits).status for _ in range(9)] == [404] * 9


def guess(token, client, **headers):
    return Request("GET", "/v1/x", {"authorization": f"Bearer {token}", **headers}, body=b"{}", client=client)


def test_memory_is_bounded():
    limits = Limits(clock=lambda: 0.0)
    for n in range(21_000):
        call = limits.begin(
            Request("GET", "/", {"authorization": f"t{n}"}, client=f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}")
        )
        assert isinstance(call, Call)
        if n % 2:
            call.admitted(f"r{n}")
    assert len(limits._buckets) <= 20_000 and len(limits._tokens) <= 20_000
