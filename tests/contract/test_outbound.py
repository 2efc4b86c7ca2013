"""Promise: whatever takes an alert out says honestly whether it arrived, never raises, never waits for ever, carries the
same id at every attempt, and goes only where it was sent: one suite over e-mail and webhooks with real receivers.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, replace

import pytest

from sync_service.alert_message import Telling, body_of
from sync_service.local.outbound import Outbound
from sync_service.ports import Channel, MailServer
from tests.receivers import mails, make_certificate, webhooks

NOW = 1763760000
ID = "0f1e2d3c-0000-4000-8000-000000000001"
SECRET = "s" * 43
BODY = body_of(
    ID, Telling("a" * 32, "raised", "opener_behind", "service", "Envelopes wait – see the log.", "o" * 32, "Acme")
)


@dataclass
class Way:
    """A channel, the receiver at its end, how many messages arrived with which ids, and how to make it refuse."""

    channel: Channel
    receiver: object
    outbound: Outbound

    def ids(self) -> list[str]:
        if self.channel.kind == "webhook":
            return [post.headers["framekeep-delivery"] for post in self.receiver.posts]
        return [mail["Framekeep-Delivery"] for mail in self.receiver.mails]

    def refuse(self) -> None:
        self.receiver.status, self.receiver.refuse = 500, "550 no such mailbox"

    def send(self, **changes):
        return self.outbound.send(replace(self.channel, **changes), ID, BODY, now=NOW)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("certificate"))


def mail_channel(port, security="starttls", **more):
    return Channel(
        "email", "ops@example.org", mail=MailServer("localhost", port, security, "alerts@acme.example", **more)
    )


@pytest.fixture(params=["webhook", "email"])
def way(request, certificate):
    outbound = Outbound(certificate.client, seconds=2.0)
    if request.param == "webhook":
        with webhooks(certificate) as receiver:
            yield Way(Channel("webhook", receiver.url(), SECRET, allow_private=True), receiver, outbound)
    else:
        with mails(certificate) as receiver:
            yield Way(mail_channel(receiver.port), receiver, outbound)


def at_port(way, port):
    if way.channel.kind == "webhook":
        return {"target": f"https://localhost:{port}/hook"}
    return {"mail": replace(way.channel.mail, port=port)}


def test_it_arrives_and_every_attempt_carries_the_same_id(way):
    assert way.send().failure is None and way.send().failure is None
    assert way.ids() == [ID, ID]


def test_a_refusal_is_a_failure_and_names_no_address(way):
    way.refuse()
    sent = way.send()
    assert sent.failure and not sent.final and len(sent.failure) <= 200
    assert "example.org" not in sent.failure and "localhost" not in sent.failure


def test_nobody_there_is_a_failure(way):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free = probe.getsockname()[1]
    assert way.send(**at_port(way, free)).failure.startswith("cannot be reached")


def test_a_certificate_of_somebody_else_is_not_trusted(way, tmp_path):
    stranger = make_certificate(tmp_path)
    assert "certificate" in Outbound(stranger.client).send(way.channel, ID, BODY, now=NOW).failure
    assert way.ids() == []


def test_what_accepts_and_then_says_nothing_is_left_in_time(way):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        began = time.monotonic()
        assert way.send(**at_port(way, listener.getsockname()[1])).failure
        assert 1.5 < time.monotonic() - began < 6


def test_what_trickles_is_left_in_time(certificate):
    """A byte now and then is no reason to wait on: neither from a webhook nor from a mail server."""
    outbound = Outbound(certificate.client, seconds=1.0)
    with webhooks(certificate) as receiver:
        receiver.trickle = True
        began = time.monotonic()
        channel = Channel("webhook", receiver.url(), SECRET, allow_private=True)
        assert outbound.send(channel, ID, BODY, now=NOW).failure and time.monotonic() - began < 5
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=trickle, args=(listener,), daemon=True)
        thread.start()
        began = time.monotonic()
        channel = mail_channel(listener.getsockname()[1], "starttls")
        assert outbound.send(channel, ID, BODY, now=NOW).failure and time.monotonic() - began < 5
        thread.join(5)


def trickle(listener):
    taken, _ = listener.accept()
    with taken, suppress(OSError):
        while True:
            taken.sendall(b"2")
            time.sleep(0.05)


def test_a_webhook_is_signed_over_its_time_and_its_bytes(certificate):
    with webhooks(certificate) as receiver:
        channel = Channel("webhook", receiver.url("/hook?x=1"), SECRET, allow_private=True)
        assert Outbound(certificate.client).send(channel, ID, BODY, now=NOW).failure is None
        (post,) = receiver.posts
    assert post.path == "/hook?x=1" and post.body == BODY.encode() and json.loads(post.body)["id"] == ID
    at, digest = (part.partition("=")[2] for part in post.headers["framekeep-signature"].split(","))
    assert int(at) == NOW
    assert digest == hmac.new(SECRET.encode(), f"{NOW}.".encode() + post.body, hashlib.sha256).hexdigest()


@pytest.mark.parametrize(("status", "final"), [(301, False), (307, False), (400, False), (410, True), (503, False)])
def test_a_webhook_follows_no_redirect_and_stops_where_it_is_told_to(certificate, status, final):
    with webhooks(certificate) as elsewhere, webhooks(certificate) as receiver:
        receiver.status, receiver.headers = status, {"Location": elsewhere.url(), "Retry-After": "77"}
        channel = Channel("webhook", receiver.url(), SECRET, allow_private=True)
        sent = Outbound(certificate.client).send(channel, ID, BODY, now=NOW)
        assert (sent.failure, sent.final, sent.retry_after) == (f"answered {status}", final, 77)
        assert len(receiver.posts) == 1 and elsewhere.posts == []


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "127.1"])
def test_a_webhook_goes_to_no_private_address_unless_that_is_allowed(certificate, host):
    with webhooks(certificate) as receiver:
        channel = Channel("webhook", receiver.url(host=host), SECRET)
        assert "private" in Outbound(certificate.client).send(channel, ID, BODY, now=NOW).failure
        assert receiver.posts == [] and not receiver.came.is_set()


def test_a_name_is_looked_up_once_and_every_answer_must_be_public(certificate, monkeypatch):
    """A name that leads to a public and to a private address, or elsewhere the second time, gains nothing."""
    asked = []

    def lying(host, port, **_):
        asked.append(host)
        addresses = ["8.8.8.8", "127.0.0.1"] if len(asked) == 1 else ["127.0.0.1"]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    with webhooks(certificate) as receiver:
        monkeypatch.setattr("sync_service.local.outbound.socket.getaddrinfo", lying)
        channel = Channel("webhook", receiver.url(), SECRET)
        assert "private" in Outbound(certificate.client).send(channel, ID, BODY, now=NOW).failure
        assert asked == ["localhost"] and receiver.posts == []


def test_no_proxy_of_the_environment_is_asked(certificate, monkeypatch):
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with webhooks(certificate) as receiver:
        channel = Channel("webhook", receiver.url(), SECRET, allow_private=True)
        assert Outbound(certificate.client).send(channel, ID, BODY, now=NOW).failure is None


def test_mail_is_encrypted_signed_in_and_readable(certificate):
    with mails(certificate, login=True) as receiver:
        receiver.users["framekeep"] = "pass word"
        channel = mail_channel(receiver.port, username="framekeep", password="pass word")
        assert Outbound(certificate.client).send(channel, ID, BODY, now=NOW).failure is None
        wrong = mail_channel(receiver.port, username="framekeep", password="guess")
        failure = Outbound(certificate.client).send(wrong, ID, BODY, now=NOW).failure
        assert failure == "SMTPAuthenticationError 535"
        (mail,) = receiver.mails
        assert receiver.recipients == [["ops@example.org"]] and receiver.encrypted == [True]
    assert mail["Message-ID"] == f"<{ID}@acme.example>" and mail["Auto-Submitted"] == "auto-generated"
    assert mail["Subject"] == "[Framekeep] alert: opener behind (Acme)" and mail["From"] == "alerts@acme.example"
    assert mail.get_payload(decode=True).decode().startswith("Envelopes wait – see the log.")


def test_mail_may_be_encrypted_from_the_first_byte(certificate):
    with mails(certificate, tls=True) as receiver:
        assert Outbound(certificate.client).send(mail_channel(receiver.port, "tls"), ID, BODY, now=NOW).failure is None
        assert len(receiver.mails) == 1


def test_mail_never_goes_on_in_the_open():
    """A server that offers no encryption gets nothing, and without any only this machine does."""
    with mails() as receiver:
        assert Outbound().send(mail_channel(receiver.port), ID, BODY, now=NOW).failure.startswith("SMTPNotSupported")
        assert receiver.mails == []
        assert Outbound().send(mail_channel(receiver.port, "none"), ID, BODY, now=NOW).failure is None
    away = replace(mail_channel(25, "none"), mail=MailServer("mail.example.org", 25, "none", "a@b"))
    assert "this machine only" in Outbound().send(away, ID, BODY, now=NOW).failure


def test_a_channel_that_cannot_work_says_why():
    assert (
        Outbound().send(Channel("email", "ops@example.org"), ID, BODY, now=NOW).failure.startswith("there is no mail")
    )
    assert Outbound().send(Channel("webhook", "http://localhost/", SECRET, True), ID, BODY, now=NOW).final
