"""Promise: what is believed of a provider's documents and tokens is decided here, and doubt is a refusal."""

from __future__ import annotations

import json
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_service.oidc import (
    ALGORITHMS,
    LEEWAY_SECONDS,
    LONGEST_TOKEN_SECONDS,
    MAX_DOCUMENT,
    Account,
    BadProvider,
    BadToken,
    Identity,
    Provider,
    account,
    check_address,
    discovery_address,
    intended,
    read_discovery,
    read_keys,
    the_identity,
    why_not,
)

ISSUER = "https://login.example.com/tenant"
PROVIDER = Provider("a" * 32, ISSUER, "client")
NOW = 1_800_000_000
EC = {"kty": "EC", "crv": "P-256", "kid": "1", "x": "AA", "y": "AA"}


@pytest.mark.parametrize(
    "url",
    [
        "https://login.example.com",
        "https://login.example.com:8443/a/b",
        "http://127.0.0.1:9/x",
        "http://localhost",
        "http://[::1]:9",
    ],
)
def test_addresses_to_trust(url: str) -> None:
    check_address(url, "the issuer")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "login.example.com",
        "http://login.example.com",
        "http://127.0.0.1.example.com",
        "http://localhost.example.com",
        "ftp://login.example.com",
        "file:///etc/passwd",
        "https://",
        "https://user:word@login.example.com",
        "https://login.example.com?x=1",
        "https://login.example.com?",
        "https://login.example.com#x",
        "https://login.example.com:port",
        "https://login.example.com/a b",
        "https://login.example.com\\@evil.example",
        "https://login.example.com/\n",
        "https://lögin.example.com",
        "https://" + "a" * 500,
    ],
)
def test_addresses_not_to_trust(url: str) -> None:
    with pytest.raises(BadProvider, match="the issuer"):
        check_address(url, "the issuer")


def test_a_provider_elsewhere_sends_us_to_no_address_of_this_machine() -> None:
    for keys in ("http://127.0.0.1/keys", "https://127.0.0.1/keys", "https://localhost/keys", "https://[::1]/keys"):
        with pytest.raises(BadProvider):
            read_discovery(json.dumps({"issuer": ISSUER, "jwks_uri": keys}).encode(), ISSUER)
    good = {"issuer": ISSUER, "jwks_uri": "https://keys.example.net/k"}
    assert read_discovery(json.dumps(good).encode(), ISSUER) == "https://keys.example.net/k"


def test_where_the_discovery_document_is() -> None:
    assert discovery_address(ISSUER) == ISSUER + "/.well-known/openid-configuration"
    assert discovery_address("https://a.example/") == "https://a.example/.well-known/openid-configuration"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"\xff",
        b'{"issuer": "https://login.example.com/tenant"}',
        b'{"issuer": "https://login.example.com/tenant/", "jwks_uri": "https://a.example"}',
        b'{"issuer": "https://evil.example", "issuer": "https://login.example.com/tenant", "jwks_uri": "https://a.example"}',
        b"[" * 100_000,
        b" " * (MAX_DOCUMENT + 1),
    ],
)
def test_discovery_documents_that_are_not_believed(body: bytes) -> None:
    with pytest.raises(BadProvider):
        read_discovery(body, ISSUER)


@pytest.mark.parametrize(
    "key",
    [
        {"kty": "oct", "k": "c2VjcmV0"},
        {**EC, "use": "enc"},
        {**EC, "key_ops": ["sign"]},
        {**EC, "key_ops": "verify"},
        {**EC, "crv": "secp256k1"},
        {**EC, "alg": "HS256"},
        {**EC, "alg": "ES384"},
        {**EC, "d": "AA"},
        {"kty": "RSA", "n": "AA", "e": "AQAB", "d": "AA"},
        {**EC, "kty": "RSA", "alg": "ES256"},
        {"kty": "OKP", "crv": "X25519"},
        {},
        "key",
    ],
)
def test_keys_for_something_else_are_passed_over(key: Any) -> None:
    with pytest.raises(BadProvider):
        read_keys(json.dumps({"keys": [key]}).encode())
    assert read_keys(json.dumps({"keys": [key, EC]}).encode()) == (EC,)


def test_too_many_keys_are_not_looked_at() -> None:
    with pytest.raises(BadProvider):
        read_keys(json.dumps({"keys": [EC] * 101}).encode())


def test_no_algorithm_lets_the_public_key_sign() -> None:
    assert {"RS256", "RS512", "PS256", "ES256", "ES384", "EdDSA"} == set(ALGORITHMS)


@given(
    issued=st.integers(NOW - 100_000, NOW + 100_000),
    life=st.integers(-1000, 100_000),
    begins=st.none() | st.integers(NOW - 100_000, NOW + 100_000),
)
def test_times_within_a_minute_of_ours(issued: int, life: int, begins: int | None) -> None:
    claims = {"iat": issued, "exp": issued + life, **({} if begins is None else {"nbf": begins})}
    good = (
        max(issued, begins or 0) - LEEWAY_SECONDS <= NOW < issued + life + LEEWAY_SECONDS
        and life <= LONGEST_TOKEN_SECONDS
    )
    assert (why_not(claims, PROVIDER, NOW) is None) == good


def test_the_last_second_of_a_token() -> None:
    claims = {"iat": NOW, "exp": NOW + 600}
    assert why_not(claims, PROVIDER, NOW + 600 + LEEWAY_SECONDS - 1) is None
    assert why_not(claims, PROVIDER, NOW + 600 + LEEWAY_SECONDS) is not None
    assert why_not(claims, PROVIDER, NOW - LEEWAY_SECONDS) is None
    assert why_not(claims, PROVIDER, NOW - LEEWAY_SECONDS - 1) is not None


@pytest.mark.parametrize("value", [None, "1", True, [], {}, -1, 10**400, float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["iat", "exp", "nbf"])
def test_times_that_are_none_let_nobody_in(name: str, value: Any) -> None:
    claims = {"iat": NOW, "exp": NOW + 60, "nbf": NOW, name: value}
    assert why_not(claims, PROVIDER, NOW) is not None


def test_a_required_claim_is_exactly_what_was_set() -> None:
    provider = Provider("a" * 32, ISSUER, "client", "hd", "example.com")
    times = {"iat": NOW, "exp": NOW + 60}
    assert why_not({**times, "hd": "example.com"}, provider, NOW) is None
    for wrong in ({}, {"hd": "EXAMPLE.com"}, {"hd": ["example.com"]}, {"hd": "example.com.evil"}, {"hd": None}):
        assert why_not({**times, **wrong}, provider, NOW) is not None


@pytest.mark.parametrize("subject", [None, "", "a" * 256, 1, ["a"], "a\x00b"])
def test_an_account_has_a_name_of_the_provider(subject: Any) -> None:
    with pytest.raises(BadToken):
        account({"sub": subject}, PROVIDER)


@pytest.mark.parametrize(
    ("claims", "email"),
    [
        ({"email": "Eve@Example.com", "email_verified": True}, "eve@example.com"),
        ({"email": "eve@example.com", "email_verified": "true"}, None),
        ({"email": "eve@example.com"}, None),
        ({"email": ["eve@example.com"], "email_verified": True}, None),
        ({"email_verified": True}, None),
        ({"email": "a" * 400, "email_verified": True}, None),
    ],
)
def test_only_a_verified_address_is_one(claims: dict[str, Any], email: str | None) -> None:
    assert account({"sub": "s", **claims}, PROVIDER) == Account(ISSUER, "s", email)


def test_a_subject_outweighs_an_address_and_a_tied_address_counts_no_more() -> None:
    by_subject, by_email = Identity("1", "s", "old@example.com"), Identity("2", None, "eve@example.com")
    eve = Account(ISSUER, "s", "eve@example.com")
    assert the_identity([by_email, by_subject], eve) is by_subject
    assert the_identity([by_email], eve) is by_email
    assert the_identity([Identity("3", "t", "eve@example.com")], eve) is None
    assert the_identity([by_email], Account(ISSUER, "s", None)) is None
    assert the_identity([Identity("4", None, None)], Account(ISSUER, "s", None)) is None


def test_what_a_token_names_before_it_is_believed() -> None:
    key = "x" * 32
    assert intended(jwt.encode({"iss": ISSUER, "aud": ["a", 1, "b"]}, key)) == (ISSUER, ("a", "b"))
    assert intended(jwt.encode({"iss": ISSUER, "aud": "a"}, key)) == (ISSUER, ("a",))
    for claims in ({"aud": "a"}, {"iss": 1, "aud": "a"}, {"iss": ISSUER}):
        assert intended(_unchecked(claims)) is None
    assert intended("x") is None and intended("") is None


def _unchecked(claims: dict[str, Any]) -> str:
    """A token whose claims the library would not write."""
    return jwt.api_jws.encode(json.dumps(claims).encode(), "x" * 32)
