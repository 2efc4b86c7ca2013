"""Every answer to a posted envelope, and that nothing but a kept, authentic, openable envelope is acknowledged."""

from __future__ import annotations

import dataclasses
import json
import time
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.wire.envelope import MAX_BODY, format_body
from agent.wire.seal import SealKey
from sync_service.http import Answer
from sync_service.ingest import CLOCK_TOLERANCE_SECONDS, KEY_MARGIN_SECONDS, post_envelope
from sync_service.keyset import OpenKey
from sync_service.quota import Quota
from tests.fakes import FakeInbox, FakeKeyDirectory, FakeRegistry
from tests.world import NOW, Laptop, World, tampered, window


class Service:
    """Ingest over fakes, with one enrolled laptop."""

    def __init__(self) -> None:
        self.world = World()
        self.laptop = self.world.laptop()
        self.registry, self.inbox = FakeRegistry(), FakeInbox()
        self.registry.add(self.laptop.device, now=NOW)
        key = self.world.seal_key.public
        self.keys = FakeKeyDirectory({key.id: OpenKey(key.suite, NOW + 30 * 86400)})
        self.now = NOW

    def post(self, body: bytes) -> Answer:
        return post_envelope(body, registry=self.registry, keys=self.keys, inbox=self.inbox, clock=lambda: self.now)


@pytest.fixture
def service() -> Service:
    return Service()


def test_a_good_envelope_is_kept_byte_for_byte_and_its_id_echoed(service: Service) -> None:
    envelope = service.laptop.seal(window(NOW - 300))
    answer = service.post(format_body(envelope))
    assert (answer.status, answer.body) == (202, {"id": str(envelope.id)})
    (kept,) = service.inbox.claim(10)
    assert (kept.org, kept.received, kept.body) == (service.world.org, NOW, format_body(envelope))


def test_the_same_envelope_again_is_acknowledged_again(service: Service) -> None:
    body = service.laptop.body(window(NOW - 300))
    assert [service.post(body).status for _ in range(3)] == [202, 202, 202]


def _forgeries(service: Service) -> dict[str, bytes]:
    good = service.laptop.seal(window(NOW - 300))
    stranger = Laptop(service.world.org, service.laptop.person, Ed25519PrivateKey.generate(), service.world.seal_key)
    other_org = dataclasses.replace(service.laptop, org="f" * 32)
    ahead = service.laptop.seal(window(NOW - 300), created=NOW + CLOCK_TOLERANCE_SECONDS + 1)
    return {
        "an unknown device": stranger.body(window(NOW - 300)),
        "another device's name": format_body(dataclasses.replace(good, device=stranger.id)),
        "a device's name on a stranger's envelope": format_body(
            dataclasses.replace(stranger.seal(window(NOW - 300)), device=service.laptop.id)
        ),
        "another id": format_body(dataclasses.replace(good, id=uuid4())),
        "another time": format_body(dataclasses.replace(good, created=good.created - 1)),
        "another key": format_body(dataclasses.replace(good, key="a" * 32)),
        "another suite": format_body(dataclasses.replace(good, suite=2)),
        "a flipped bit": format_body(dataclasses.replace(good, sealed=good.sealed[:-1] + bytes([good.sealed[-1] ^ 1]))),
        "no signature": format_body(dataclasses.replace(good, sig=bytes(64))),
        "another organisation": other_org.body(window(NOW - 300)),
        "a clock ahead": format_body(ahead),
    }


def test_every_forgery_and_a_wrong_clock_get_the_very_same_answer(service: Service) -> None:
    answers = {name: service.post(body) for name, body in _forgeries(service).items()}
    assert {(answer.status, answer.content, tuple(answer.headers)) for answer in answers.values()} == {
        (401, b'{"error":"not_authenticated"}', ())
    }
    assert service.inbox.messages == {}


def test_a_clock_slightly_ahead_or_a_month_behind_is_accepted(service: Service) -> None:
    for created in (NOW + CLOCK_TOLERANCE_SECONDS, NOW - 40 * 86400, 0):
        assert service.post(format_body(service.laptop.seal(window(NOW - 300), created=created))).status == 202


def test_an_unknown_device_costs_as_much_work_as_a_known_one(service: Service) -> None:
    forgeries = _forgeries(service)

    def fastest(name: str) -> float:
        times = []
        for _ in range(60):
            begun = time.perf_counter()
            service.post(forgeries[name])
            times.append(time.perf_counter() - begun)
        return min(times)

    assert fastest("an unknown device") > 0.5 * fastest("no signature")


def test_garbage_gets_one_word_about_itself(service: Service) -> None:
    good = service.laptop.seal(window(NOW - 300))
    cases = {
        b"": "malformed",
        b"\xff\xfe": "malformed",
        b"[]": "malformed",
        b"{" * 5000: "malformed",
        json.dumps(tampered(good, extra=1)).encode(): "malformed",
        json.dumps(tampered(good, sig=b"short")).encode(): "malformed",
        json.dumps(tampered(good, created=True)).encode(): "malformed",
        json.dumps(tampered(good, created=1.5)).encode(): "malformed",
        json.dumps(tampered(good, id=str(good.id).upper())).encode(): "malformed",
        format_body(good).replace(b'"v":1', b'"v":1,"v":1'): "malformed",
        json.dumps(tampered(good, v=2)).encode(): "unsupported_version",
        json.dumps(tampered(good, suite=9)).encode(): "unsupported_version",
    }
    for body, word in cases.items():
        answer = service.post(body)
        assert (answer.status, answer.body) == (400, {"error": word}), body[:60]


def test_too_large_is_said_before_anything_is_parsed(service: Service) -> None:
    assert service.post(b" " * (MAX_BODY + 1)).status == 413
    assert service.post(b" " * MAX_BODY).status == 400


def test_a_revoked_device_learns_so_only_with_its_own_signature(service: Service) -> None:
    service.registry.revoke(service.laptop.id, now=NOW)
    assert service.post(service.laptop.body(window(NOW - 300))).body == {"error": "revoked"}
    for name, body in _forgeries(service).items():
        assert service.post(body).status == 401, name


def test_keys_the_keyset_does_not_allow_ask_for_a_new_seal(service: Service) -> None:
    envelope = service.laptop.seal(window(NOW - 300))
    other = service.laptop.seal(window(NOW - 300), key=SealKey.generate())
    assert service.post(format_body(other)).body == {"error": "key_unknown"}
    for keys in ({}, {envelope.key: OpenKey(2, NOW + 86400)}, {envelope.key: OpenKey(1, NOW + KEY_MARGIN_SECONDS - 1)}):
        service.keys.keys = keys
        assert service.post(format_body(envelope)).body == {"error": "key_unknown"}
    service.keys.keys = {envelope.key: OpenKey(1, NOW + KEY_MARGIN_SECONDS)}
    assert service.post(format_body(envelope)).status == 202


def test_what_cannot_be_kept_now_is_never_acknowledged(service: Service) -> None:
    service.inbox.full = True
    answer = service.post(service.laptop.body(window(NOW - 300)))
    assert (answer.status, answer.headers) == (503, {"Retry-After": "300"})
    service.registry.away = True
    answer = service.post(service.laptop.body(window(NOW - 300)))
    assert (answer.status, answer.headers) == (503, {"Retry-After": "7"})


def test_a_device_that_sends_without_end_is_told_to_wait_and_nobody_else(service: Service) -> None:
    quota = Quota(envelopes=3)
    other = service.world.laptop()
    service.registry.add(other.device, now=NOW)

    def post(laptop: Laptop) -> Answer:
        return post_envelope(
            laptop.body(window(NOW - 300)), registry=service.registry, keys=service.keys, inbox=service.inbox,
            clock=lambda: service.now, quota=quota,
        )  # fmt: skip

    assert [post(service.laptop).status for _ in range(4)] == [202, 202, 202, 429]
    refused = post(service.laptop)
    assert refused.body == {"error": "too_many"} and 1 <= int(refused.headers["Retry-After"]) <= 1201
    assert post(other).status == 202
    service.now += int(refused.headers["Retry-After"])
    assert post(service.laptop).status == 202
    assert len(service.inbox.claim(10)) == 5
