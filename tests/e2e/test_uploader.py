"""Promise: whatever the network and the service do, every window is delivered, in order, and counted once.

A real uploader, store and HTTP client against a real loopback server that misbehaves; only the clock is moved by hand.
"""

from __future__ import annotations

import datetime
import random
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.utils import format_datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.x509.oid import NameOID

from agent.errors import EnrolmentRefused, FramekeepError, UsageError
from agent.identity import Identity, enroll, load_identity
from agent.keys import FileKeyStore, device_key
from agent.log import set_up
from agent.outbox.delivery import Failure, FailureKind, Reply
from agent.outbox.link import Link
from agent.outbox.uploader import Uploader
from agent.store import EnvelopeState, Store, open_store
from agent.wire.seal import SealKey
from tests.builders import DAY, MODELS, NOW, ManualClock, Organisation, assert_log_is_clean, windows
from tests.loopback import Answer, LoopbackService, answer

STORE_KEY = bytes(range(32))


@dataclass
class Laptop:
    """An enrolled agent's delivery side."""

    service: LoopbackService
    clock: ManualClock
    store: Store
    keys: FileKeyStore
    identity: Identity
    path: Path
    measured: int = 0

    def uploader(self, **limits: float) -> Uploader:
        key = device_key(self.keys)
        assert key is not None
        link = Link(self.service.endpoint, **limits) if limits else None
        return Uploader(self.store, self.identity, key, clock=self.clock, link=link, chance=random.Random(7).random)

    def measure(self, count: int) -> None:
        """`count` windows pass and are committed."""
        self.clock.advance(-self.clock.wall() % 300)
        first = int(self.clock.wall())
        self.clock.advance(300 * count)
        self.measured += count
        self.store.commit(windows(first, count), b"open window", policy="p-1", models=MODELS)

    def turn_until_delivered(self, uploader: Uploader, *, limit: float = 6 * 3600, step: float = 30) -> float:
        """Let time pass until the outbox is empty; returns the seconds it took."""
        started = self.clock.wall()
        while True:
            uploader.turn()
            summary = self.store.envelopes.summary()
            if not (summary.waiting or summary.unsealed):
                return self.clock.wall() - started
            assert self.clock.wall() - started < limit, f"still waiting: {uploader.problem}"
            self.clock.advance(step)

    def check_everything_arrived(self, *, repeated: int = 0) -> None:
        counted = list(self.service.counted)
        assert len(counted) == self.measured, "a window is missing"
        assert counted == sorted(counted), "windows arrived out of order"
        assert self.service.repeated == repeated and self.service.conflicts == 0
        numbers = [summary.seq for summary in self.service.summaries]
        assert sorted(set(numbers)) == list(range(1, max(numbers) + 1)), "the numbering has a hole"


@pytest.fixture
def laptop(tmp_path: Path) -> Iterator[Laptop]:
    clock = ManualClock()
    org = Organisation()
    service = LoopbackService(org, clock.wall)
    org.endpoint = service.endpoint
    service.keyset, service.policy = org.keyset(), org.policy()
    code = org.code()
    service.codes[code.code_id] = code
    store = open_store(tmp_path / "store.sqlite", STORE_KEY, now=clock.wall()).store
    keys = FileKeyStore(tmp_path / "keys.json")
    identity = enroll(str(code), service.endpoint, store=store, keys=keys, now=clock.wall())
    yield Laptop(service, clock, store, keys, identity, tmp_path)
    service.down()
    store.close()


def first_times(count: int, trouble: Answer | str) -> Callable[[str, str], Answer | str | None]:
    """Trouble for the first `count` posts of envelopes, then none."""
    left = [count]

    def ask(method: str, path: str) -> Answer | str | None:
        if path == "/v1/envelopes" and left[0] > 0:
            left[0] -= 1
            return trouble
        return None

    return ask


PORTAL = (200, {"Content-Type": "text/html"}, b"<html>Welcome to the hotel. Please log in.</html>")
OUTAGES: dict[str, Answer | str] = {
    "500": answer(500, {"error": "internal"}),
    "500 in HTML": (500, {}, b"<html>oops</html>"),
    "502": (502, {}, b""),
    "503": answer(503, {"error": "unavailable"}, Retry_After="120"),
    "429": answer(429, {"error": "slow_down"}, Retry_After="600"),
    "captive portal, 200": PORTAL,
    "captive portal, 302": (302, {"Location": "http://127.0.0.1:1/login"}, b""),
    "202 of somebody else": answer(202, {"id": "00000000-0000-0000-0000-000000000000"}),
    "202 without a body": (202, {}, b""),
    "403 of a proxy": (403, {}, b"<html>blocked by policy</html>"),
    "404": (404, {}, b""),
    "400 of a proxy": (400, {}, b"Bad Request"),
    "407": (407, {"Proxy-Authenticate": "Basic"}, b""),
    "401": answer(401, {"error": "not_authenticated"}),
    "connection dropped": "drop",
    "answer cut off": "cut",
}


@pytest.mark.parametrize("name", OUTAGES)
def test_outage(laptop: Laptop, name: str) -> None:
    uploader = laptop.uploader()
    laptop.service.trouble = first_times(4, OUTAGES[name])
    laptop.measure(12)
    laptop.turn_until_delivered(uploader)
    # "cut" did the work before the answer broke: those posts come again and are counted once.
    cut = name == "answer cut off"
    laptop.check_everything_arrived(repeated=0 if not cut else laptop.service.repeated)
    assert not cut or laptop.service.repeated > 0
    assert ("GET", "/login") not in laptop.service.requests


def test_every_request_failing_for_a_day_keeps_the_order(laptop: Laptop) -> None:
    uploader = laptop.uploader()
    laptop.service.trouble = lambda _method, _path: answer(500, {"error": "internal"})
    for _ in range(96):
        laptop.measure(3)
        uploader.turn()
    laptop.service.trouble = None
    laptop.turn_until_delivered(uploader)
    laptop.check_everything_arrived()


def test_random_trouble_never_loses_or_repeats_a_window(laptop: Laptop) -> None:
    chance = random.Random(41)
    uploader = laptop.uploader()
    kinds = [*OUTAGES.values(), None, None, None]
    laptop.service.trouble = lambda _method, _path: chance.choice(kinds)
    for _ in range(60):
        laptop.measure(chance.choice((1, 2, 3)))
        uploader.turn()
        if chance.random() < 0.1:
            uploader = laptop.uploader()  # the agent was restarted
    laptop.service.trouble = None
    laptop.turn_until_delivered(uploader)
    laptop.check_everything_arrived(repeated=laptop.service.repeated)


def test_refused_for_thirty_days(laptop: Laptop) -> None:
    uploader = laptop.uploader()
    laptop.service.down()
    for _ in range(30 * 24):
        laptop.measure(12)
        uploader.turn()
    depth = laptop.store.envelopes.summary()
    assert depth.waiting >= 30 * 24 - 2 and depth.lost == 0
    assert "connections" in uploader.problem
    laptop.service.up()
    laptop.turn_until_delivered(uploader)
    laptop.check_everything_arrived()


def test_timeout_then_delivery(laptop: Laptop) -> None:
    uploader = laptop.uploader(read_seconds=0.2, total_seconds=1.0)
    laptop.service.trouble = first_times(2, "hang")
    laptop.measure(6)
    laptop.turn_until_delivered(uploader)
    laptop.check_everything_arrived()


def test_a_request_has_a_limit_as_a_whole(laptop: Laptop) -> None:
    uploader = laptop.uploader(read_seconds=5.0, total_seconds=0.3)
    laptop.service.trouble = first_times(1, "hang")
    laptop.measure(3)
    started = time.monotonic()
    laptop.clock.advance(600)
    uploader.turn()
    assert time.monotonic() - started < 1.5
    assert "in time" in uploader.problem


@pytest.mark.parametrize("as_date", [False, True])
def test_retry_after_is_honoured(laptop: Laptop, as_date: bool) -> None:
    until = NOW + 3 * 3600
    header = format_datetime(datetime.datetime.fromtimestamp(until, datetime.UTC), usegmt=True) if as_date else "3600"
    laptop.service.trouble = first_times(1, answer(503, {"error": "unavailable"}, Retry_After=header))
    laptop.measure(3)
    took = laptop.turn_until_delivered(laptop.uploader(), step=60)
    assert laptop.clock.wall() >= until if as_date else 3600 <= took < 3600 + 900
    assert len(laptop.service.posted) == 1
    laptop.check_everything_arrived()


def test_a_certificate_nobody_vouches_for_delivers_nothing(laptop: Laptop, tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*self_signed(tmp_path))
    impostor = LoopbackService(laptop.service.org, laptop.clock.wall)
    assert impostor._server is not None
    impostor._server.socket = context.wrap_socket(impostor._server.socket, server_side=True)
    try:
        endpoint = impostor.endpoint.replace("http:", "https:")
        assert Link(endpoint).request("GET", "/v1/keyset") == Failure(FailureKind.TLS)
        key = device_key(laptop.keys)
        assert key is not None
        uploader = Uploader(
            laptop.store, laptop.identity, key, clock=laptop.clock, link=Link(endpoint), chance=random.random
        )
        laptop.measure(6)
        laptop.clock.advance(900)
        uploader.turn()
        assert "certificate" in uploader.problem and "clock" in uploader.problem
        assert impostor.requests == []
    finally:
        impostor.down()
    laptop.turn_until_delivered(laptop.uploader())
    laptop.check_everything_arrived()


def test_a_clock_ten_years_ahead_explains_itself_and_everything_arrives_once_it_is_right(laptop: Laptop) -> None:
    right = laptop.clock.wall()
    laptop.service.wall = lambda: right
    laptop.service.keyset = laptop.service.org.keyset(2, not_after=NOW + 20 * 365 * DAY)
    laptop.service.policy = laptop.service.org.policy(2, not_after=NOW + 20 * 365 * DAY)
    uploader = laptop.uploader()
    laptop.measure(3)
    laptop.clock.set_wall(right + 10 * 365 * DAY)
    uploader.turn()  # no key is valid in ten years
    ahead = laptop.clock.wall()
    entries = laptop.service.org.keyset_value(3, at=int(ahead)).seal_keys
    laptop.service.keyset = laptop.service.org.keyset(3, not_after=NOW + 20 * 365 * DAY, seal_keys=entries)
    laptop.clock.advance(3600)
    uploader.turn()
    uploader.turn()
    assert laptop.store.envelopes.waiting(1)[0].created > right + 9 * 365 * DAY
    assert "clock is" in uploader.problem and "ahead" in uploader.problem
    laptop.service.wall = laptop.clock.wall
    laptop.clock.set_wall(right + 3600)
    laptop.turn_until_delivered(uploader)
    laptop.check_everything_arrived()


def test_an_ended_key_is_replaced_and_the_same_windows_sealed_again(laptop: Laptop) -> None:
    uploader = laptop.uploader()
    laptop.service.down()
    laptop.measure(6)
    laptop.clock.advance(900)
    uploader.turn()
    old = [row.id for row in laptop.store.envelopes.waiting(9)]
    laptop.service.org.seal_keys[:] = [SealKey.generate()]
    laptop.service.keyset = laptop.service.org.keyset(2)
    laptop.service.up()
    # The uploader believes its documents are current, so it learns of the new key from the refusal.
    uploader._documents_timer.done(laptop.clock.wall(), 0.5, ok=True)
    laptop.clock.advance(900)
    laptop.turn_until_delivered(uploader)
    laptop.check_everything_arrived()
    assert not set(old) & set(laptop.service.posted)


def test_a_service_that_refuses_every_key_is_not_hammered(laptop: Laptop) -> None:
    uploader = laptop.uploader()
    laptop.service.org.seal_keys[:] = [SealKey.generate()]  # the keyset it serves still names the old one
    laptop.measure(3)
    for _ in range(120):
        uploader.turn()
        laptop.clock.advance(30)
    posts = laptop.service.requests.count(("POST", "/v1/envelopes"))
    assert 2 <= posts <= 40
    assert laptop.store.envelopes.summary().waiting == 1


def test_a_poison_envelope_does_not_block_the_rest(laptop: Laptop) -> None:
    uploader = laptop.uploader()
    laptop.measure(3)
    laptop.clock.advance(300)
    poison = []

    def one_fails(method: str, path: str) -> Answer | str | None:
        if path != "/v1/envelopes":
            return None
        head = laptop.store.envelopes.waiting(1)
        poison[:] = poison or [head[0].seq]
        # The server cannot tell which one this is before reading it; the test may look at what is being sent.
        return answer(500, {"error": "internal"}) if sent[0] == poison[0] else None

    sent = [0]
    request = uploader._link.request

    def watched(*args: object, **kw: object) -> object:
        body = kw.get("body")
        sent[0] = next((row.seq for row in laptop.store.envelopes.waiting(50) if row.body == body), 0)
        return request(*args, **kw)  # type: ignore[arg-type]  # passed through unchanged

    uploader._link.request = watched  # type: ignore[method-assign, assignment]  # only listens
    laptop.service.trouble = one_fails
    for _ in range(400):
        uploader.turn()
        laptop.clock.advance(30)
        if int(laptop.clock.wall()) % 900 == 0:
            laptop.measure(3)
    left = laptop.store.envelopes.waiting(50)
    assert [row.seq for row in left if row.seq == poison[0]] == poison
    assert len(left) <= 2 and len(laptop.service.counted) >= laptop.measured - 6
    laptop.service.trouble = None
    laptop.turn_until_delivered(uploader)
    assert len(laptop.service.counted) == laptop.measured


def test_a_malformed_verdict_sets_aside_and_shows_it(laptop: Laptop) -> None:
    uploader = laptop.uploader()
    laptop.service.trouble = first_times(1, answer(400, {"error": "malformed"}))
    laptop.measure(6)
    laptop.turn_until_delivered(uploader)
    aside = [row for row in laptop.store.envelopes.recent() if row.state is EnvelopeState.SET_ASIDE]
    assert len(aside) == 1 and "malformed" in aside[0].last_error
    assert laptop.store.envelopes.retry() == 1
    laptop.turn_until_delivered(uploader)
    assert len(laptop.service.counted) == laptop.measured


def test_revoked_stops_and_stays_stopped(laptop: Laptop) -> None:
    uploader = laptop.uploader()
    laptop.measure(3)
    laptop.clock.advance(900)
    laptop.service.revoked = True
    uploader.turn()
    posts = len(laptop.service.requests)
    assert "revoked" in uploader.problem and not uploader.documents.standing(laptop.clock.wall()).may_look
    laptop.clock.advance(DAY)
    uploader.turn()
    assert len(laptop.service.requests) == posts
    again = load_identity(laptop.store)
    assert again is not None and again.revoked
    # A new code makes a new key; what was measured is sealed again under it.
    laptop.service.revoked = False
    code = laptop.service.org.code()
    laptop.service.codes[code.code_id] = code
    laptop.identity = enroll(str(code), laptop.service.endpoint, store=laptop.store, keys=laptop.keys, now=NOW)
    assert laptop.identity.device != again.device
    laptop.turn_until_delivered(laptop.uploader())
    assert len(laptop.service.counted) == laptop.measured


def test_receipts_settle_what_was_accepted(laptop: Laptop) -> None:
    laptop.service.page = 2
    uploader = laptop.uploader()
    uploader._receipts_timer.at = laptop.clock.wall() + DAY / 2  # this test asks itself
    uploader._receipts_timer.period = DAY
    for _ in range(5):
        laptop.measure(3)
        laptop.turn_until_delivered(uploader)
    assert laptop.store.envelopes.summary().accepted == 5
    laptop.service.receipts[laptop.service.posted[-1]]["outcome"] = "set_aside"
    assert uploader.ask_receipts() == 5
    summary = laptop.store.envelopes.summary()
    assert (summary.opened, summary.set_aside, summary.accepted) == (4, 1, 0)
    asked = len(laptop.service.requests)
    assert uploader.ask_receipts() == 0 and len(laptop.service.requests) == asked


def test_new_documents_are_taken_and_old_ones_refused(laptop: Laptop) -> None:
    uploader = laptop.uploader()
    uploader.turn()
    laptop.service.policy = laptop.service.org.policy(2, interval_seconds=30)
    assert uploader.refresh_documents()
    assert uploader.documents.policy is not None and uploader.documents.policy.id == "p-2"
    laptop.service.policy = laptop.service.org.policy(1)
    uploader.refresh_documents()
    assert uploader.documents.policy.id == "p-2" and "seen before" in uploader.documents.problem
    assert laptop.uploader().documents.policy == uploader.documents.policy


def test_an_expired_keyset_stops_looking_and_comes_back_by_itself(laptop: Laptop) -> None:
    uploader = laptop.uploader()
    uploader.turn()
    laptop.clock.advance(91 * DAY)
    uploader.turn()
    assert "expired" in uploader.documents.standing(laptop.clock.wall()).reason
    laptop.service.keyset = laptop.service.org.keyset(2, at=int(laptop.clock.wall()))
    laptop.service.policy = laptop.service.org.policy(2, at=int(laptop.clock.wall()))
    laptop.clock.advance(3600)
    uploader.turn()
    assert uploader.documents.standing(laptop.clock.wall()).may_look


def test_stopping_takes_less_than_a_second_while_the_service_hangs(laptop: Laptop) -> None:
    laptop.service.trouble = lambda _method, _path: "hang"
    laptop.measure(3)
    laptop.clock.advance(900)
    stop = threading.Event()
    thread = threading.Thread(target=laptop.uploader().run, args=(stop,))
    thread.start()
    deadline = time.monotonic() + 5
    while not laptop.service.requests and time.monotonic() < deadline:
        time.sleep(0.01)
    started = time.monotonic()
    stop.set()
    thread.join(5)
    assert not thread.is_alive() and time.monotonic() - started < 1.0


def test_nothing_of_the_environment_changes_where_it_goes(laptop: Laptop, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "")
    laptop.measure(3)
    laptop.turn_until_delivered(laptop.uploader())
    laptop.check_everything_arrived()
    proxied = Link(laptop.service.endpoint, proxy="http://127.0.0.1:1").request("GET", "/v1/keyset")
    assert proxied == Failure(FailureKind.PROXY)


def test_flush_seals_and_sends_at_once(laptop: Laptop) -> None:
    uploader = laptop.uploader()
    laptop.measure(1)
    assert uploader.flush()
    laptop.check_everything_arrived()


def test_the_rhythm_of_posts_says_nothing_about_a_pause(laptop: Laptop) -> None:
    """The same seconds on the clock, measured or not observed at all: the same moments and the same sizes."""
    uploader = laptop.uploader()
    seen = []
    for _ in range(12):
        first = int(laptop.clock.wall())
        laptop.clock.advance(300)
        laptop.store.commit(windows(first, 1), b"", policy="p-1", models=MODELS)
        uploader.turn()
        seen += [(summary.windows[0].start, len(summary.windows)) for summary in laptop.service.summaries]
        laptop.service.summaries.clear()
    assert seen == [(NOW + 900 * i, 3) for i in range(len(seen))] and len(seen) >= 3


def test_the_log_of_a_stormy_day_is_clean(laptop: Laptop, tmp_path: Path) -> None:
    set_up(tmp_path / "framekeep.log", "debug")
    uploader = laptop.uploader()
    kinds = list(OUTAGES.values())
    laptop.service.trouble = lambda _method, _path: random.Random(len(laptop.service.requests)).choice(kinds)
    for _ in range(20):
        laptop.measure(3)
        uploader.turn()
    laptop.service.trouble = None
    laptop.turn_until_delivered(uploader)
    key = device_key(laptop.keys)
    assert key is not None
    text = (tmp_path / "framekeep.log").read_text()
    assert "Sealed" in text and "Posted" in text
    assert_log_is_clean(text, [STORE_KEY, key.private_bytes_raw()])


# Enrolment against the same server.


def test_a_crash_after_the_service_said_yes_is_healed_by_the_same_code(tmp_path: Path, laptop: Laptop) -> None:
    service = laptop.service
    code = service.org.code()
    service.codes[code.code_id] = code
    store = open_store(tmp_path / "second.sqlite", STORE_KEY, now=NOW).store
    keys = FileKeyStore(tmp_path / "second.json")
    service.trouble = lambda _method, path: "cut" if path == "/v1/devices" else None
    with pytest.raises(FramekeepError):
        enroll(str(code), service.endpoint, store=store, keys=keys, now=NOW)
    assert load_identity(store) is None and code.code_id in service.used
    service.trouble = None
    identity = enroll(str(code).lower(), service.endpoint + "/", store=store, keys=keys, now=NOW)
    assert identity.device in service.devices and load_identity(store) == identity
    store.close()


def test_codes_that_are_wrong_say_what_to_do(tmp_path: Path, laptop: Laptop) -> None:
    service = laptop.service
    store = open_store(tmp_path / "third.sqlite", STORE_KEY, now=NOW).store
    keys = FileKeyStore(tmp_path / "third.json")
    with pytest.raises(UsageError, match="copy it again"):
        enroll("FK1-AAAA", service.endpoint, store=store, keys=keys, now=NOW)
    with pytest.raises(EnrolmentRefused, match="ask for a new one"):
        enroll(str(service.org.code()), service.endpoint, store=store, keys=keys, now=NOW)
    with pytest.raises(EnrolmentRefused, match="check the server's address"):
        enroll(str(Organisation().code()), service.endpoint, store=store, keys=keys, now=NOW)
    service.trouble = lambda _method, _path: PORTAL
    with pytest.raises(FramekeepError, match="log in to the network"):
        enroll(str(service.org.code()), service.endpoint, store=store, keys=keys, now=NOW)
    assert all(path == "/v1/keyset" or method == "POST" for method, path in service.requests)
    store.close()


def test_a_server_of_another_organisation_learns_nothing(tmp_path: Path, laptop: Laptop) -> None:
    stranger = Organisation(endpoint=laptop.service.endpoint)
    code = stranger.code()
    laptop.service.trouble = lambda _method, path: (
        answer(200, {"roots": [], "keyset": {}}) if path == "/v1/keyset" else None
    )
    store = open_store(tmp_path / "fourth.sqlite", STORE_KEY, now=NOW).store
    before = len(laptop.service.requests)
    with pytest.raises(EnrolmentRefused):
        enroll(str(code), laptop.service.endpoint, store=store, keys=FileKeyStore(tmp_path / "4.json"), now=NOW)
    assert [path for _, path in laptop.service.requests[before:]] == ["/v1/keyset"]
    assert not (tmp_path / "4.json").exists()
    store.close()


def test_an_answer_larger_than_any_is_not_read(laptop: Laptop) -> None:
    laptop.service.trouble = lambda _method, _path: (200, {}, b"x" * (2 << 20))
    assert Link(laptop.service.endpoint).request("GET", "/") == Failure(FailureKind.BROKEN)
    laptop.service.trouble = lambda _method, _path: (200, {}, b"small")
    reply = Link(laptop.service.endpoint).request("GET", "/")
    assert isinstance(reply, Reply) and reply.body == b"small"


def self_signed(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that nobody vouches for, and its key."""
    key = generate_private_key(SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    today = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(today - datetime.timedelta(days=1))
        .not_valid_after(today + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    paths = folder / "cert.pem", folder / "key.pem"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return paths
