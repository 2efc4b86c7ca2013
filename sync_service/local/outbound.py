"""The Courier port on one machine: e-mail by SMTP, webhooks by HTTPS.

A webhook's name is looked up once an attempt, every address it leads to must be allowed, and the connection goes to one
of just those: a name that answers differently the second time gains nothing. No redirect is followed, no proxy of the
environment is asked, and an answer is read no further than its status.
"""

from __future__ import annotations

import http.client
import smtplib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate
from urllib.parse import urlsplit

from sync_service.alert_message import ID_HEADER, SIGNATURE_HEADER, mail_of, signature
from sync_service.alert_targets import is_public, webhook_problem
from sync_service.ports import Channel, MailServer, Sent

CALL_SECONDS = 20.0
STEP_SECONDS = 10.0
"""Between two bytes; CALL_SECONDS ends what trickles."""
LOOPBACK = ("127.0.0.1", "::1", "localhost")

Drive = Callable[[Channel, str, str, int], Sent]


class Outbound:
    """Courier with a driver a kind. `tls` is what certificates are checked with, the system's authorities when None."""

    def __init__(self, tls: ssl.SSLContext | None = None, *, seconds: float = CALL_SECONDS) -> None:
        self._tls = tls or ssl.create_default_context()
        self._seconds = seconds
        self._drivers: dict[str, Drive] = {"webhook": self._post, "email": self._mail}

    def send(self, channel: Channel, delivery: str, body: str, *, now: int) -> Sent:
        """See Courier.send."""
        try:
            return self._drivers[channel.kind](channel, delivery, body, now)
        except ssl.SSLCertVerificationError as error:
            return Sent(f"its certificate cannot be trusted: {error.verify_message}"[:200])
        except (smtplib.SMTPException, http.client.HTTPException) as error:
            return Sent(_smtp_words(error))
        except (OSError, ValueError) as error:
            return Sent(f"cannot be reached: {_plain(error)}")

    def _post(self, channel: Channel, delivery: str, body: str, now: int) -> Sent:
        problem = webhook_problem(channel.target)
        if problem or channel.secret is None:
            return Sent(problem or "the channel has no secret", final=True)
        parts = urlsplit(channel.target)
        assert parts.hostname is not None  # webhook_problem asked for it
        port = parts.port or 443
        addresses = _look_up(parts.hostname, port)
        if not channel.allow_private and not all(is_public(address) for address in addresses):
            return Sent("its name leads to a private address; add the channel with --allow-private if that is meant")
        raw = body.encode()
        with _watched(self._seconds) as opened:
            connection = _Pinned(parts.hostname, port, addresses[0], self._tls, opened)
            try:
                connection.request(
                    "POST",
                    (parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
                    raw,
                    {
                        "Content-Type": "application/json; charset=utf-8",
                        "User-Agent": "Framekeep",
                        ID_HEADER: delivery,
                        SIGNATURE_HEADER: signature(channel.secret, now, raw),
                    },
                )
                answer = connection.getresponse()
                return _outcome(answer.status, answer.getheader("Retry-After"))
            finally:
                connection.close()

    def _mail(self, channel: Channel, delivery: str, body: str, now: int) -> Sent:
        if channel.mail is None:
            return Sent("there is no mail server; set one with framekeep-sync admin alerts mail")
        if channel.mail.security == "none" and channel.mail.host not in LOOPBACK:
            return Sent("mail goes unencrypted to this machine only")
        with self._server(channel.mail) as server:
            refused = server.send_message(_message(channel, channel.mail, delivery, body, now))
        return Sent("the mail server refused the address") if refused else Sent()

    @contextmanager
    def _server(self, mail: MailServer) -> Iterator[smtplib.SMTP]:
        with _watched(self._seconds) as opened:
            server = _Smtp(mail.host, mail.port, self._tls if mail.security == "tls" else None, opened)
            try:
                if mail.security == "starttls":
                    server.starttls(context=self._tls)  # raises where it is not offered: never goes on in the open
                if mail.username is not None and mail.password is not None:
                    server.login(mail.username, mail.password)
                yield server
                with suppress(smtplib.SMTPException, OSError):  # it has taken the message all the same
                    server.quit()
            finally:
                server.close()


def _message(channel: Channel, mail: MailServer, delivery: str, body: str, now: int) -> EmailMessage:
    subject, text = mail_of(body)
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"], message["Subject"] = mail.sender, channel.target, subject
    message["Date"] = formatdate(now)
    message["Message-ID"] = f"<{delivery}@{mail.sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers
    message[ID_HEADER] = delivery
    message.set_content(text, cte="quoted-printable")
    return message


class _Pinned(http.client.HTTPSConnection):
    """HTTPS to one address, under the name the certificate must carry. `opened`: see `_watched`."""

    def __init__(self, host: str, port: int, address: str, tls: ssl.SSLContext, opened: list[socket.socket]) -> None:
        super().__init__(host, port, timeout=STEP_SECONDS, context=tls)
        self._address, self._tls, self._opened = address, tls, opened

    def connect(self) -> None:
        self.sock = _secured(_connected(self._address, self.port, self._opened), self._tls, self.host)


class _Smtp(smtplib.SMTP):
    """SMTP, with TLS from the first byte where `first` is given. `opened`: see `_watched`."""

    def __init__(self, host: str, port: int, first: ssl.SSLContext | None, opened: list[socket.socket]) -> None:
        self._first, self._opened = first, opened
        super().__init__(host, port, timeout=STEP_SECONDS)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        raw = _connected(host, port, self._opened, timeout)
        return _secured(raw, self._first, host) if self._first else raw


def _connected(host: str, port: int, opened: list[socket.socket], seconds: float = STEP_SECONDS) -> socket.socket:
    raw = socket.create_connection((host, port), seconds)
    opened.append(raw.dup())
    return raw


def _secured(raw: socket.socket, tls: ssl.SSLContext, name: str) -> ssl.SSLSocket:
    try:
        return tls.wrap_socket(raw, server_hostname=name)
    except BaseException:
        raw.close()
        raise


def _look_up(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


def _outcome(status: int, retry_after: str | None) -> Sent:
    """2xx is arrival; 410 asks for no more; everything else may be mended within the day, redirects included."""
    if 200 <= status < 300:
        return Sent()
    wait = int(retry_after) if retry_after and retry_after.isascii() and retry_after.isdigit() else None
    return Sent(f"answered {status}", wait, final=status == 410)


@contextmanager
def _watched(seconds: float) -> Iterator[list[socket.socket]]:
    """A list for second handles of sockets. After `seconds` their connections are shut, whatever waits on them (also a
    handshake, which takes a socket away from who opened it).
    """
    opened: list[socket.socket] = []

    def hang_up() -> None:
        for sock in opened:
            with suppress(OSError):  # it ended by itself in the meantime
                sock.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, hang_up)
    timer.daemon = True
    timer.start()
    try:
        yield opened
    finally:
        timer.cancel()
        timer.join()
        for sock in opened:
            sock.close()


def _smtp_words(error: Exception) -> str:
    """A protocol's failure without any address in it."""
    code = getattr(error, "smtp_code", None)
    return f"{type(error).__name__}{f' {code}' if code else ''}"


def _plain(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, socket.gaierror):
        return "its name is not known"
    return (getattr(error, "strerror", None) or type(error).__name__)[:160]
