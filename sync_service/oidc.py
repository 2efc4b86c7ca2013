"""What of OpenID Connect is decided, without a network or a clock: which provider, which key, which account. Pure.

A provider (any that speaks OpenID Connect Discovery 1.0) vouches for an account with an ID token: a JWT signed by one of
the keys its documents name. Here is what has to be true of the documents, of the key and of the token; whoever is not
refused is an `Account`, which an administrator must have made a reader beforehand (`authority.py`).

Sources: OpenID Connect Core 1.0 section 3.1.3.7 (what to check of an ID token), Discovery 1.0 section 4.3 (the issuer in
the document equals the one asked for, exactly), RFC 8725 (an allow-list of algorithms, a key for one use, `typ`).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from agent.wire.errors import WireError
from agent.wire.strict import MAX_INTEGER, strict_json
from sync_service.errors import ServiceError

LEEWAY_SECONDS = 60
"""How far a provider's clock and ours may be apart."""
LONGEST_TOKEN_SECONDS = 24 * 3600
"""A token that lives longer is refused: an account that is closed at the provider has to be out within a day."""
MAX_DOCUMENT = 256 * 1024
"""Bytes. Discovery documents and key sets have a few kilobytes."""
MAX_KEYS = 100
MIN_RSA_BITS = 2048

_KEYS: Mapping[str, tuple[str, str | None]] = {
    "RS256": ("RSA", None),
    "RS512": ("RSA", None),
    "PS256": ("RSA", None),
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "EdDSA": ("OKP", "Ed25519"),
}
ALGORITHMS = tuple(_KEYS)
"""Signatures by a private key only: with `none` or an HMAC, whoever knows the public key could sign."""

_TYPES = (None, "JWT")
"""An ID token's `typ`; access tokens (`at+jwt`) and logout tokens (`logout+jwt`) say another one."""


class BadProvider(ServiceError):
    """A provider's document is not what it has to be, or its address is not one to trust."""


class BadToken(ServiceError):
    """A token that proves nothing: no key of the provider signed it, or not for us. The message never holds the token."""


class UnknownKey(BadToken):
    """No key of the documents at hand is the one the token names: they may be out of date."""


@dataclass(frozen=True, slots=True)
class Provider:
    """An organisation's identity provider. Tokens must be for `client_id`, and carry `claim` with `claim_value` where
    that is given.
    """

    org: str
    issuer: str
    client_id: str
    claim: str | None = None
    claim_value: str | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """Whom a provider vouches for. `email` only where the provider says that it is verified, in lower case."""

    issuer: str
    subject: str
    email: str | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """Which account an administrator made a reader: by `subject`, or by `email` as long as there is no subject."""

    manager: str
    subject: str | None
    email: str | None


def is_loopback(host: str) -> bool:
    """Whether a host name means this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_address(url: str, what: str, *, loopback: bool = True) -> None:
    """Raise BadProvider unless `url` is https (or http on this machine, where `loopback`), with a host and without
    credentials, query or fragment.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise BadProvider(f"{what} is no address") from None
    odd = not url.isascii() or not url.isprintable() or " " in url or "\\" in url or len(url) > 500
    if odd or not host or "@" in parts.netloc or parts.query or parts.fragment or "?" in url or "#" in url:
        raise BadProvider(f"{what} is no address of the form https://HOST/PATH")
    if parts.scheme == "https" and (loopback or not is_loopback(host)):
        return
    if not (parts.scheme == "http" and loopback and is_loopback(host)):
        raise BadProvider(f"{what} must begin with https://, because whoever is on the way could change the keys")


def discovery_address(issuer: str) -> str:
    """Where a provider's discovery document is."""
    return issuer.rstrip("/") + "/.well-known/openid-configuration"


def read_discovery(body: bytes, issuer: str) -> str:
    """The address of the keys, from the discovery document of `issuer`. Raises BadProvider."""
    document = _object(body, "the discovery document")
    if document.get("issuer") != issuer:
        raise BadProvider("the discovery document names another issuer; set up the issuer exactly as it names itself")
    address = document.get("jwks_uri")
    if not isinstance(address, str):
        raise BadProvider("the discovery document names no keys")
    check_address(address, "the address of the keys", loopback=is_loopback(urlsplit(issuer).hostname or ""))
    return address


def read_keys(body: bytes) -> tuple[Mapping[str, Any], ...]:
    """The public keys for signatures of a key set, as JWKs; others are passed over. Raises BadProvider without any."""
    listed = _object(body, "the key set").get("keys")
    if not isinstance(listed, list) or len(listed) > MAX_KEYS:
        raise BadProvider("the key set holds no list of keys, or too long a one")
    kept = tuple(key for key in listed if isinstance(key, dict) and any(_fits(key, name) for name in ALGORITHMS))
    if not kept:
        raise BadProvider("the key set holds no key this service can use")
    return kept


def intended(token: str) -> tuple[str, tuple[str, ...]] | None:
    """Issuer and audiences a token names, before anything of it is believed; None when it names none."""
    try:
        claims = jwt.decode(token, options={"verify_signature": False})
    except jwt.PyJWTError:
        return None
    issuer = claims.get("iss")
    audiences = _audiences(claims)
    return (issuer, audiences) if isinstance(issuer, str) and audiences else None


def verified(token: str, keys: Sequence[Mapping[str, Any]], provider: Provider) -> Mapping[str, Any]:
    """The claims of an ID token of this provider for this client, its signature verified by one of `keys` (JWKs). Its
    times are not looked at (`why_not`).

    Raises UnknownKey where no key is the one it names, BadToken otherwise.
    """
    try:
        header = jwt.get_unverified_header(token)
        algorithm = header.get("alg")
        if not isinstance(algorithm, str) or algorithm not in _KEYS:
            raise BadToken("signed in a way that is not accepted")
        if header.get("typ") not in _TYPES or "crit" in header:
            raise BadToken("another kind of token")
        key = _the_key(keys, header.get("kid"), algorithm)
        claims: Mapping[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            audience=provider.client_id,
            issuer=provider.issuer,
            # Time is an argument elsewhere, so the library's own clock stays out of it.
            options={
                "require": ["iss", "aud", "sub", "exp", "iat"],
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
            },
        )
    except (jwt.PyJWTError, ValueError, TypeError):
        raise BadToken("its signature, issuer or audience is wrong") from None
    for_another = len(_audiences(claims)) > 1 and "azp" not in claims
    if for_another or claims.get("azp", provider.client_id) != provider.client_id:
        raise BadToken("made for another client")
    if "events" in claims or claims.get("token_use", "id") != "id":
        raise BadToken("another kind of token")
    return claims


def why_not(claims: Mapping[str, Any], provider: Provider, now: int) -> str | None:
    """Why verified claims let nobody in at `now` (epoch seconds), in words for the access log; None when they do."""
    times = [claims.get("iat"), claims.get("exp"), claims.get("nbf", claims.get("iat"))]
    # JSON as the library reads it has NaN, which is neither before nor after anything, and integers beyond any float.
    if not all(isinstance(at, int | float) and not isinstance(at, bool) and 0 <= at <= MAX_INTEGER for at in times):
        return "the token's times are no times"
    issued, expires, begins = times
    if now >= expires + LEEWAY_SECONDS:
        return "the token is past its time"
    if now < max(issued, begins) - LEEWAY_SECONDS:
        return "the token is from the future"
    if expires - issued > LONGEST_TOKEN_SECONDS:
        return "the token is valid for longer than a day"
    if provider.claim is not None and claims.get(provider.claim) != provider.claim_value:
        return f"the token's {provider.claim} is not the organisation's"
    return None


def account(claims: Mapping[str, Any], provider: Provider) -> Account:
    """The account verified claims are about. Raises BadToken."""
    subject, email = claims.get("sub"), claims.get("email")
    if not isinstance(subject, str) or not 1 <= len(subject) <= 255 or not subject.isprintable():
        raise BadToken("it names no account")
    known = isinstance(email, str) and claims.get("email_verified") is True and 3 <= len(email) <= 320
    return Account(provider.issuer, subject, str(email).lower() if known else None)


def the_identity(identities: Sequence[Identity], who: Account) -> Identity | None:
    """Whose account this is, out of those of the same issuer; None where no administrator made it a reader's.

    A subject decides alone. An e-mail address counts until its first sign-in has tied it to a subject, since addresses
    are given to others in time.
    """
    for identity in identities:
        if identity.subject == who.subject:
            return identity
    for identity in identities:
        if identity.subject is None and identity.email is not None and identity.email == who.email:
            return identity
    return None


def _the_key(keys: Sequence[Mapping[str, Any]], kid: object, algorithm: str) -> Any:
    """The one key of this id that can have made such a signature; without an id, the only one there is."""
    fitting = [key for key in keys if _fits(key, algorithm) and (kid is None or key.get("kid") == kid)]
    if len(fitting) != 1:
        raise UnknownKey("signed with a key that is not the provider's")
    key = jwt.PyJWK(dict(fitting[0]), algorithm=algorithm)
    if isinstance(key.key, RSAPublicKey) and key.key.key_size < MIN_RSA_BITS:
        raise BadToken("signed with a key that is too short")
    return key


def _fits(key: Mapping[str, Any], algorithm: str) -> bool:
    kind, curve = _KEYS[algorithm]
    operations = key.get("key_ops", ["verify"])
    return (
        key.get("kty") == kind
        and (curve is None or key.get("crv") == curve)
        and key.get("alg", algorithm) == algorithm
        and key.get("use", "sig") == "sig"
        and isinstance(operations, list)
        and "verify" in operations
        and "d" not in key  # a private key that is shown to everybody proves nothing
    )


def _audiences(claims: Mapping[str, Any]) -> tuple[str, ...]:
    audience = claims.get("aud")
    several = audience if isinstance(audience, list) else [audience]
    return tuple(one for one in several if isinstance(one, str))


def _object(body: bytes, what: str) -> Mapping[str, Any]:
    try:
        value = strict_json(body, MAX_DOCUMENT)
    except WireError:
        raise BadProvider(f"{what} is not JSON that can be trusted") from None
    if not isinstance(value, dict):
        raise BadProvider(f"{what} is no JSON object")
    return value
