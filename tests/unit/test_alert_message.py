"""Promise: a message carries its id and a signature anybody can check, is tried again for a day with waits that grow,
and never goes where it must not.
"""

from __future__ import annotations

import hashlib
import hmac
import json

import pytest

from sync_service.alert_message import (
    GIVE_UP_SECONDS,
    Telling,
    body_of,
    mail_of,
    next_attempt,
    signature,
)
from sync_service.alert_targets import email_problem, is_public, webhook_problem

TELLING = Telling(
    "a" * 32, "raised", "opener_behind", "service", "It waits.", "o" * 32, "Acme\nBcc: x", raised_on="2026-11-11"
)


def test_a_receiver_checks_the_signature_with_what_the_documentation_says():
    body = body_of("id-1", TELLING).encode()
    header = signature("s3cret", 1763760000, body)
    parts = dict(part.split("=", 1) for part in header.split(","))
    digest = hmac.new(b"s3cret", parts["t"].encode() + b"." + body, hashlib.sha256).hexdigest()
    assert hmac.compare_digest(digest, parts["v1"])
    assert signature("s3cret", 1763760001, body) != header != signature("other", 1763760000, body)
    assert signature("s3cret", 1763760000, body + b" ") != header


def test_the_body_is_the_same_every_time_and_says_days_only():
    body = json.loads(body_of("id-1", TELLING))
    assert body_of("id-1", TELLING) == body_of("id-1", TELLING)
    assert body["id"] == "id-1" and body["alert"]["raised_on"] == "2026-11-11"
    assert set(body) == {"v", "id", "event", "organisation", "alert"}
    assert set(body["alert"]) == {"id", "rule", "about", "message", "team", "raised_on", "resolved_on"}


def test_a_mail_says_the_same_and_no_line_of_it_becomes_a_header():
    subject, text = mail_of(body_of("id-1", TELLING))
    assert subject == "[Framekeep] alert: opener behind (Acme Bcc: x)"
    assert text.startswith("It waits.\n") and "2026-11-11" in text


def test_waits_double_with_jitter_and_end_after_a_day():
    now, attempts, waits = 0, 0, []
    while (at := next_attempt(attempts := attempts + 1, now=now, created=0, chance=0.999)) is not None:
        waits.append(at - now)
        now = at
    assert waits[:5] == [30, 60, 120, 240, 480] and 7190 < max(waits) <= 7200
    assert GIVE_UP_SECONDS - 7200 < now <= GIVE_UP_SECONDS and 15 <= len(waits) <= 25
    shortest = next_attempt(1, now=0, created=0, chance=0.0)
    assert shortest == 15, "half at the least"
    assert next_attempt(10_000, now=0, created=0, chance=0.5) is not None


def test_what_the_receiver_asks_for_is_waited_within_reason():
    assert next_attempt(1, now=0, created=0, chance=0, retry_after=600) == 600
    assert next_attempt(1, now=0, created=0, chance=0, retry_after=10**9) == GIVE_UP_SECONDS // 4
    assert next_attempt(8, now=0, created=0, chance=0, retry_after=1) == 1920


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
        "255.255.255.255", "198.18.0.1", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2001:db8::1",
        "not-an-address", "",
    ],
)  # fmt: skip
def test_private_addresses_in_every_disguise_are_known(address):
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_public_addresses_are_public(address):
    assert is_public(address)


@pytest.mark.parametrize(
    ("url", "fine"),
    [
        ("https://hooks.example.org/a?b=c", True), ("https://hooks.example.org:8443", True), ("https://[::1]:1/x", True),
        ("http://hooks.example.org/a", False), ("https://user:pw@hooks.example.org/", False), ("https://", False),
        ("https://hooks.example.org/a b", False), ("https://hooks.example.org/\r\nX: y", False), ("ftp://x/y", False),
        ("https://hooks.example.org:99999/", False), ("https://hooks.example.org/#f", False), ("https://höoks.example/", False),
    ],
)  # fmt: skip
def test_webhooks_are_https_and_nothing_else(url, fine):
    assert (webhook_problem(url) is None) is fine


@pytest.mark.parametrize(
    ("address", "fine"),
    [
        ("ops@example.org", True), ("a.b+c@localhost", True), ("ops", False), ("@example.org", False),
        ("Ops <ops@example.org>", False), ("ops@example.org\nBcc: x@y", False), ("a@b, c@d", False), ("ops@-x", False),
    ],
)  # fmt: skip
def test_an_address_is_one_address(address, fine):
    assert (email_problem(address) is None) is fine
