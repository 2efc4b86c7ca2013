"""A small OpenID provider on a real loopback socket: discovery, keys, the authorization code flow with PKCE, and every
kind of trouble one can be in. It signs with real keys and knows nothing of the service's code.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

CLIENT = "framekeep-dashboard"

_MAKERS: dict[str, Callable[[], Any]] = {
    "RS256": lambda: rsa.generate_private_key(65537, 2048),
    "RS512": lambda: rsa.generate_private_key(65537, 2048),
    "PS256": lambda: rsa.generate_private_key(65537, 2048),
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "ES384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate,
}


class Key:
    """A signing key; `private` may be given to make a bad one."""

    def __init__(self, algorithm: str = "ES256", private: Any = None) -> None:
        self.kid, self.algorithm = secrets.token_hex(4), algorithm
        self.private = private or _MAKERS[algorithm]()

    @property
    def jwk(self) -> dict[str, Any]:
        """The public half as providers publish it."""
        maker = jwt.get_algorithm_by_name(self.algorithm)
        return {
            **maker.to_jwk(self.private.public_key(), as_dict=True),
            "kid": self.kid,
            "alg": self.algorithm,
            "use": "sig",
        }


class OidcProvider:
    """Listens at `issuer`. `accounts`: e-mail -> claims of those who may sign in (`login_hint` says who does; without
    one, the first). `trouble`, when set, is asked about every GET (path) and may answer with a word for how to misbehave.
    """

    def __init__(self, clock: Callable[[], int] = lambda: int(time.time())) -> None:
        self.clock = clock
        self.keys = [Key()]
        self.accounts: dict[str, dict[str, Any]] = {}
        self.documents: dict[str, Any] = {}
        """Fields of the discovery document to replace; None leaves one out."""
        self.trouble: Callable[[str], str | None] = lambda _: None
        self.asked: list[str] = []
        self.release = threading.Event()
        self._codes: dict[str, dict[str, str]] = {}
        self._port = 0
        self._server: ThreadingHTTPServer | None = None
        self.up()

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def token(
        self, subject: str = "sub-1", *, key: Key | None = None, header: dict[str, Any] | None = None, **claims: Any
    ) -> str:
        """An ID token by the newest key; a claim of None is left out."""
        key, now = key or self.keys[-1], self.clock()
        told = {"iss": self.issuer, "aud": CLIENT, "sub": subject, "iat": now, "exp": now + 600, **claims}
        told = {name: value for name, value in told.items() if value is not None}
        return jwt.encode(told, key.private, algorithm=key.algorithm, headers={"kid": key.kid, **(header or {})})

    def rotate(self, algorithm: str = "ES256", *, keep: bool = False) -> Key:
        """Sign with a new key; the old ones are published no more unless `keep`."""
        new = Key(algorithm)
        self.keys = [*(self.keys if keep else []), new]
        return new

    def up(self) -> None:
        """Listen (again, at the same port)."""
        provider = self

        class Handler(_Handler):
            owner = provider

        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
        self._server.daemon_threads = True
        self._port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def down(self) -> None:
        """Stop listening: connections are refused."""
        self.release.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def discovery(self) -> dict[str, Any]:
        """What an honest provider says of itself."""
        told = {
            "issuer": self.issuer,
            "jwks_uri": f"{self.issuer}/keys",
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": sorted({key.algorithm for key in self.keys}),
            "code_challenge_methods_supported": ["S256"],
            **self.documents,
        }
        return {name: value for name, value in told.items() if value is not None}

    def authorize(self, asked: dict[str, str]) -> str:
        """Where the browser goes next: back with a code. Everybody is signed in already here."""
        code = secrets.token_urlsafe(16)
        self._codes[code] = asked
        return asked["redirect_uri"] + "?" + urlencode({"code": code, "state": asked["state"], "iss": self.issuer})

    def exchange(self, form: dict[str, str]) -> dict[str, Any] | None:
        """Tokens for a code, once, to whoever knows the verifier; None otherwise."""
        asked = self._codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if asked is None or asked.get("code_challenge") != challenge or asked.get("code_challenge_method") != "S256":
            return None
        if form.get("redirect_uri") != asked["redirect_uri"] or form.get("client_id") != asked["client_id"]:
            return None
        email = asked.get("login_hint") or next(iter(self.accounts))
        claims = {"email": email, "email_verified": True, "nonce": asked.get("nonce"), **self.accounts[email]}
        token = self.token(**{"subject": f"sub of {email}", "aud": asked["client_id"], **claims})
        return {"access_token": secrets.token_urlsafe(16), "token_type": "Bearer", "expires_in": 600, "id_token": token}


class _Handler(BaseHTTPRequestHandler):
    owner: OidcProvider

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        self.owner.asked.append(url.path)
        if word := self.owner.trouble(url.path):
            self._misbehave(word)
        elif url.path == "/.well-known/openid-configuration":
            self._json(200, self.owner.discovery())
        elif url.path == "/keys":
            self._json(200, {"keys": [key.jwk for key in self.owner.keys]})
        elif url.path == "/authorize":
            self.send_response(302)
            self.send_header("Location", self.owner.authorize(dict(_pairs(url.query))))
            self.end_headers()
        else:
            self._json(404, {})

    def do_POST(self) -> None:
        form = dict(_pairs(self.rfile.read(int(self.headers["Content-Length"])).decode()))
        given = self.owner.exchange(form)
        self._json(200 if given else 400, given or {"error": "invalid_grant"})

    def _misbehave(self, word: str) -> None:
        if word == "hang":
            self.owner.release.wait(30)
        elif word == "drip":
            self._head(200, 10_000)
            for _ in range(10_000):
                try:
                    self.wfile.write(b" ")
                except OSError:
                    return
                if self.owner.release.wait(0.02):
                    return
        elif word == "huge":
            self._head(200, 50_000_000)
            try:
                self.wfile.write(b" " * 50_000_000)
            except OSError:
                return
        elif word == "cut":
            self._head(200, 1000)
            self.wfile.write(b'{"issuer":')
        elif word == "redirect":
            self.send_response(302)
            self.send_header("Location", f"{self.owner.issuer}/elsewhere")
            self.end_headers()
        elif word.startswith("{"):
            self._json(200, json.loads(word))
        else:
            self._head(int(word) if word.isdigit() else 200, 5)
            self.wfile.write(b"<html")

    def _json(self, status: int, value: Any) -> None:
        body = json.dumps(value).encode()
        self._head(status, len(body))
        self.wfile.write(body)

    def _head(self, status: int, length: int) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Access-Control-Allow-Origin", "*")  # browsers fetch discovery and tokens themselves
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Quiet."""


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    yield from ((name, values[0]) for name, values in parse_qs(text).items())


@contextmanager
def running_provider(clock: Callable[[], int] = lambda: int(time.time())) -> Iterator[OidcProvider]:
    """A provider until the block ends."""
    provider = OidcProvider(clock)
    try:
        yield provider
    finally:
        provider.down()
