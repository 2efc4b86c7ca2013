"""The device's token: a JWT (RFC 7519) made for one request and good for a minute.

It names the method, the path and the body's hash (after RFC 9449, section 4.2), so a stolen one repeats nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from agent.wire.errors import BadSignature
from agent.wire.ids import device_id
from agent.wire.strict import MAX_INTEGER

LIFETIME_SECONDS = 60
LEEWAY_SECONDS = 60
"""How far a laptop's clock may be off."""

_JTI = re.compile(r"[0-9a-f]{32}")
_CLAIMS = {"aud", "iat", "exp", "jti", "htm", "htu", "body"}


@dataclass(frozen=True, slots=True)
class Token:
    """A token that was checked: whose it is, and what must be remembered until `exp` so it works once."""

    device: str
    jti: str
    exp: int


def make_token(
    device_key: Ed25519PrivateKey, *, audience: str, method: str, path: str, body: bytes = b"", now: int
) -> str:
    """A token for one request to `audience` (the keyset's endpoint); `path` carries no query, `now` is epoch
    seconds.
    """
    claims = {
        "aud": audience,
        "iat": now,
        "exp": now + LIFETIME_SECONDS,
        "jti": secrets.token_hex(16),
        "htm": method.upper(),
        "htu": audience + path,
        "body": _body_hash(body),
    }
    device = device_id(device_key.public_key().public_bytes_raw())
    return jwt.encode(claims, device_key, algorithm="EdDSA", headers={"kid": device})


def read_token(
    token: str,
    *,
    device_public: Callable[[str], bytes | None],
    audience: str,
    method: str,
    path: str,
    body: bytes = b"",
    now: int,
) -> Token:
    """The token if it is right for this request at `now`. `device_public` finds a device's raw public key by id.
    Raises BadSignature for every other case, so that the answer does not tell them apart; `jti` reuse is the
    caller's to refuse.
    """
    try:
        device = str(jwt.get_unverified_header(token).get("kid", ""))
        public = device_public(device)
        if public is None or device_id(public) != device:
            raise BadSignature("unknown device")
        claims = jwt.decode(
            token,
            Ed25519PublicKey.from_public_bytes(public),
            algorithms=["EdDSA"],
            audience=audience,
            # Time is an argument here, so the library's own clock stays out of it.
            options={"verify_exp": False, "verify_iat": False, "verify_nbf": False},
        )
    except (jwt.PyJWTError, ValueError):
        raise BadSignature("the token is not valid") from None
    issued, expires, jti = claims.get("iat"), claims.get("exp"), claims.get("jti")
    in_time = (
        type(issued) is int
        and type(expires) is int
        and 0 <= issued <= expires <= min(issued + LIFETIME_SECONDS, MAX_INTEGER)
        and issued - LEEWAY_SECONDS <= now < expires + LEEWAY_SECONDS
    )
    right = (claims.get("htm"), claims.get("htu"), claims.get("body"), claims.get("aud")) == (
        method.upper(),
        audience + path,
        _body_hash(body),
        audience,
    )
    if not in_time or not right or set(claims) != _CLAIMS or not isinstance(jti, str) or not _JTI.fullmatch(jti):
        raise BadSignature("the token is not for this request")
    assert isinstance(expires, int)
    return Token(device, jti, expires + LEEWAY_SECONDS)


def _body_hash(body: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(body).digest()).rstrip(b"=").decode("ascii")
