"""The local issuer: tokens an administrator makes on the machine the service runs on. Only `serve` accepts them."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from sync_service.errors import SettingsError

ISSUER = "framekeep-local"
AUDIENCE = "framekeep-managers"
LEEWAY_SECONDS = 60
DAY = 24 * 3600
LONGEST_DAYS = 365


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A token as handed out once; only `jti` is ever stored."""

    token: str
    jti: str
    expires: int


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token of ours says, its signature verified and its times not looked at yet (epoch seconds)."""

    org: str
    manager: str
    jti: str
    issued: int
    expires: int

    def why_not(self, now: int) -> str | None:
        """Why it lets nobody in at `now`, in words for the access log; None when it does."""
        if now >= self.expires + LEEWAY_SECONDS:
            return "the token is past its time"
        return "the token is from the future" if now < self.issued - LEEWAY_SECONDS else None


def issue_token(key: Ed25519PrivateKey, *, manager: str, org: str, now: int, days: int) -> IssuedToken:
    """A token of the local issuer for `days` days. Raises SettingsError outside 1 to LONGEST_DAYS days."""
    if not 1 <= days <= LONGEST_DAYS:
        raise SettingsError(f"a token is valid for 1 to {LONGEST_DAYS} days")
    jti, expires = secrets.token_hex(16), now + days * DAY
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": manager, "org": org, "jti": jti, "iat": now, "exp": expires}
    return IssuedToken(jwt.encode(claims, key, algorithm="EdDSA"), jti, expires)


def read_token(token: str, public: Ed25519PublicKey) -> Claims | None:
    """The claims of a token this issuer signed; None for every other one."""
    try:
        claims = jwt.decode(
            token,
            public,
            algorithms=["EdDSA"],
            audience=AUDIENCE,
            issuer=ISSUER,
            # Time is an argument here, so the library's own clock stays out of it.
            options={"verify_exp": False, "verify_iat": False, "verify_nbf": False},
        )
        texts = (claims["org"], claims["sub"], claims["jti"])
        if not all(isinstance(one, str) for one in texts):
            return None
        return Claims(*texts, int(claims["iat"]), int(claims["exp"]))
    except (jwt.PyJWTError, KeyError, TypeError, ValueError):
        return None
