"""Where alerts arrive in tests: a real HTTPS server and a real mail server on loopback, with a certificate of their own."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Certificate:
    """A self-signed certificate for localhost: `server` serves with it, `client` trusts it and nothing else."""

    file: Path

    @property
    def server(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.file)
        return context

    @property
    def client(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.file))


def make_certificate(folder: Path, *names: str) -> Certificate:
    """A certificate for `names` (localhost when none), in a file of `folder`."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "receiver")])
    now = datetime.datetime.now(datetime.UTC)
    alternatives: list[x509.GeneralName] = [x509.DNSName(one) for one in names or ("localhost",)]
    if not names:
        alternatives.append(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "receiver.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return Certificate(file)


@dataclass
class Post:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class WebhookReceiver:
    """What came, and how to answer: `status` and `headers`, or `silent` bytes one by one for ever."""

    port: int = 0
    posts: list[Post] = field(default_factory=list)
    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    trickle: bool = False
    came: threading.Event = field(default_factory=threading.Event)
    hold: threading.Event | None = None
    """Where set, an answer waits for it."""

    def url(self, path: str = "/hook", host: str = "localhost") -> str:
        return f"https://{host}:{self.port}{path}"


@contextmanager
def webhooks(certificate: Certificate) -> Iterator[WebhookReceiver]:
    """A receiver on a free port until the end of the block."""
    receiver = WebhookReceiver()
    ending = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.posts.append(Post(self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            receiver.came.set()
            if receiver.hold is not None:
                receiver.hold.wait(30)
            if receiver.trickle:
                try:
                    while not ending.wait(0.05):
                        self.wfile.write(b"H")
                except OSError:
                    pass
                return
            self.send_response(receiver.status)
            for name, value in receiver.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def finish_request(self, request: Any, client_address: Any) -> None:
            # In the request's own thread, so that a client that never shakes hands holds up nobody.
            request.settimeout(10)
            with certificate.server.wrap_socket(request, server_side=True) as secured:
                super().finish_request(secured, client_address)

        def handle_error(self, request: Any, client_address: Any) -> None:
            pass  # clients that hang up are what is tested

    server = Server(("127.0.0.1", 0), Handler)
    receiver.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        ending.set()
        if receiver.hold is not None:
            receiver.hold.set()
        server.shutdown()
        server.server_close()
        thread.join(5)


@dataclass
class MailReceiver:
    """The mails that were accepted. `refuse`: what RCPT is answered instead. `users`: who may sign in."""

    port: int = 0
    mails: list[Message] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    refuse: str | None = None
    users: dict[str, str] = field(default_factory=dict)
    encrypted: list[bool] = field(default_factory=list)

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if self.refuse:
            return self.refuse
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.mails.append(message_from_bytes(envelope.content))
        self.recipients.append(list(envelope.rcpt_tos))
        self.encrypted.append(session.ssl is not None)
        return "250 OK"

    def authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        fine = isinstance(data, LoginPassword) and self.users.get(data.login.decode()) == data.password.decode()
        return AuthResult(success=fine, handled=False)


class _AnyPort(Controller):
    """A controller on whichever port is free. It connects to itself to see that it runs."""

    @property
    def bound(self) -> int:
        assert self.server is not None
        return int(self.server.sockets[0].getsockname()[1])

    def _trigger_server(self) -> None:
        with socket.create_connection(("127.0.0.1", self.bound), timeout=5):
            assert self._factory_invoked.wait(5)


@contextmanager
def mails(certificate: Certificate | None = None, *, tls: bool = False, login: bool = False) -> Iterator[MailReceiver]:
    """A mail server on a free port: STARTTLS with a certificate, TLS from the first byte with `tls`, neither without."""
    receiver = MailReceiver()
    options: dict[str, Any] = {}
    if certificate is not None and tls:
        options = {"ssl_context": certificate.server}
    elif certificate is not None:
        options = {"tls_context": certificate.server, "require_starttls": True}
    if login:
        options |= {"authenticator": receiver.authenticate, "auth_required": True}
    controller = _AnyPort(receiver, hostname="127.0.0.1", port=0, **options)
    controller.start()
    receiver.port = controller.bound
    try:
        yield receiver
    finally:
        controller.stop()


def wait_for(condition: Callable[[], object], seconds: float = 20.0) -> None:
    """Until `condition` holds; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
