"""Promise: whatever the network and the service do, every window is delivered, in order, and counted once.

A real uploader, store and HTTP client against a real loopback server that misbehaves; only the clock is moved by hand.
"""

from __future__ import annotations

import datetime
import random
import ssl
import time
from collections.abc import Iterator
from email.utils import format_datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.x509.oid import NameOID

from agent.keys import device_key
from agent.outbox.delivery import Failure, FailureKind, Reply
from agent.outbox.link import Link
from agent.outbox.uploader import Uploader
from tests.builders import DAY, NOW
from tests.laptop import OUTAGES, Laptop, enrolled_laptop, first_times
from tests.loopback import LoopbackService, answer


@pytest.fixture
def laptop(tmp_path: Path) -> Iterator[Laptop]:
    with enrolled_laptop(tmp_path) as ready:
        yield ready


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
