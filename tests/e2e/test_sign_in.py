"""Promise: whoever signs in is who their organisation's provider says, and a reader only where an administrator said so
beforehand; a provider in any kind of trouble lets nobody in whom it does not vouch for.
"""

from __future__ import annotations

import base64
import json
import re
from concurrent.futures import ThreadPoolExecutor

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from sync_service import issuing, readers
from sync_service.authority import Authority
from sync_service.authz import ROLES, enter
from sync_service.errors import DatabaseError
from sync_service.key_files import KeyFiles
from sync_service.oidc import Provider
from sync_service.providers import AGAIN_SECONDS, FRESH_SECONDS, STALE_SECONDS, Providers
from sync_service.provision import RequestError
from tests.e2e.client import Client
from tests.e2e.office import NOW, found
from tests.oidc_provider import CLIENT, Key, OidcProvider, running_provider

ALGORITHMS = ("RS256", "RS512", "PS256", "ES256", "ES384", "EdDSA")


@pytest.fixture
def company(pg, tmp_path):
    company = found(pg, tmp_path)
    company.team("red", 1)
    return company


@pytest.fixture
def client(company, tmp_path):
    client = Client(company, tmp_path)
    yield client
    client.close()


@pytest.fixture
def provider(company, client):
    with running_provider(client.clock) as provider:
        sign_in_with(company, provider)
        yield provider


def sign_in_with(company, provider, claim=None, value=None, client_id=CLIENT):
    readers.set_provider(
        company.office.database, Provider(company.org, provider.issuer, client_id, claim, value), now=NOW
    )


def reader(company, role="auditor", **account):
    """A reader with an account at the provider; their id."""
    teams = [company.teams["red"]] if role == "manager" else []
    with company.office.database.transaction() as tx:
        made = readers.add_reader(tx, company.org, f"the {role}", role, now=NOW, teams=teams)
        readers.link_account(tx, company.org, made, now=NOW, **(account or {"subject": "sub-1"}))
    return made


def me(client, token):
    return client.ask("GET", "/v1/me", token=token)


def log(company):
    return [
        (row["reader"], row["action"], row["allowed_because"])
        for row in company.pg.owner.run("select reader, action, allowed_because from access_log order by row")
    ]


def test_an_account_that_was_made_a_reader_is_let_in(company, client, provider):
    made = reader(company, "manager")
    for algorithm in ALGORITHMS:
        provider.rotate(algorithm)
        client.clock.now += AGAIN_SECONDS
        answer = me(client, provider.token())
        assert answer.status == 200, algorithm
    assert answer.body == {
        "id": made,
        "name": "the manager",
        "role": "manager",
        "scope": None,
        "organisation": {"id": company.org, "name": "Acme"},
        "teams": [{"id": company.teams["red"], "name": "red"}],
        "may": ["teams", "team_summary", "person_summary", "policy", "agreement"],
    }
    assert client.ask("GET", "/v1/teams", token=provider.token()).status == 200
    assert log(company) == [(made, "teams", "manager in the organisation")]


def test_a_token_is_looked_at_before_anything_that_is_asked(company, client, provider):
    made = reader(company)
    readers.revoke_reader(company.office.database, company.org, made, now=NOW)
    odd = dict.fromkeys(("limit", "after", "from", "to", "state", "bucket", "since"), "?")
    lines = [line for line in client.endpoints if line.auth in ("manager", "any")]
    for line in lines:
        path = re.sub(r"<\w+>", "0" * 32, line.path)
        for token in ("no token", provider.token()):
            assert client.ask(line.method, path, token=token, body=b"{", query=odd).status == 401, line.path
    assert len(lines) > 15 and log(company) == [(made, "sign_in_refused", "refused: the reader is revoked")] * len(
        lines
    )


def test_nobody_becomes_a_reader_by_signing_in(company, client, provider):
    answer = me(client, provider.token("stranger", email="ceo@example.com", email_verified=True))
    assert (answer.status, answer.body["error"]) == (401, "not_authenticated")
    ((who, action, why),) = log(company)
    assert who.startswith("account ") and "stranger" not in who and "ceo" not in who
    assert (action, why) == ("sign_in_refused", "refused: nobody made this account a reader")
    assert company.pg.owner.run("select count(*) as n from manager")[0]["n"] == 0


def test_an_address_counts_once_verified_and_until_it_is_tied_to_an_account(company, client, provider):
    made = reader(company, email="Eve@Example.com")
    claims = {"email": "eve@example.com"}
    for verified in (None, False, "true", 1):
        assert me(client, provider.token("a", **claims, email_verified=verified)).status == 401
    assert me(client, provider.token("a", email="EVE@example.com", email_verified=True)).body["id"] == made
    assert me(client, provider.token("a")).body["id"] == made, "tied by now: the address is not needed any more"
    # The address was given to somebody else since.
    assert me(client, provider.token("b", **claims, email_verified=True)).status == 401
    assert log(company)[-1][1:] == ("sign_in_refused", "refused: nobody made this account a reader")


def test_two_accounts_with_one_address_at_once_are_not_both_let_in(company, client, provider):
    reader(company, email="eve@example.com")
    tokens = [provider.token(f"sub-{n}", email="eve@example.com", email_verified=True) for n in range(4)] * 2
    assert me(client, provider.token("nobody")).status == 401  # from here on the provider's keys are known
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda token: me(client, token).status, tokens))
    tied = company.pg.owner.run("select subject from reader_identity")[0]["subject"]
    won = int(tied.removeprefix("sub-"))
    assert [n % 4 for n, status in enumerate(answers) if status == 200] == [won, won]


def test_a_reader_is_given_another_account_and_only_a_free_one(company, client, provider):
    made, other = reader(company), reader(company, subject="taken")

    def link(who, **account):
        with company.office.database.transaction() as tx:
            readers.link_account(tx, company.org, who, now=NOW, **account)

    link(made, subject="sub-2")
    link(made, subject="sub-2")
    assert [me(client, provider.token(name)).status for name in ("sub-1", "sub-2")] == [401, 200]
    readers.remove_provider(company.office.database, company.org)
    with running_provider(client.clock) as successor:
        sign_in_with(company, successor, client_id="new")
        link(made, subject="sub-1")
        assert me(client, successor.token("sub-1", aud="new")).body["id"] == made
    sign_in_with(company, provider)
    with pytest.raises(RequestError, match="a reader already"):
        link(made, subject="taken")
    readers.revoke_reader(company.office.database, company.org, other, now=NOW)
    with pytest.raises(RequestError, match="revoked for good"):
        link(other, subject="sub-9")
    link(made, subject="taken")
    assert me(client, provider.token("taken")).body["id"] == made


def test_those_who_answer_requests_tie_an_account_once_and_see_their_organisation_only(company, provider, tmp_path):
    made = reader(company, email="eve@example.com")
    api = company.pg.role("api")
    tie = "update reader_identity set subject = :to where manager = :made returning 1 as one"
    with api.transaction() as tx:
        enter(tx, company.org)
        assert tx.run(tie, to="first", made=made) and not tx.run(tie, to="second", made=made)
    with api.transaction() as tx:
        enter(tx, "0" * 32)
        assert tx.run("select 1 as one from reader_identity") == []
    for statement in ("update sign_in set client_id = 'x'", "update reader_identity set email = 'x@y'"):
        with pytest.raises(DatabaseError):
            api.run(statement)


def test_a_revoked_reader_is_out_at_once_and_the_account_free_for_another(company, client, provider):
    made = reader(company)
    token = provider.token()
    assert me(client, token).status == 200
    readers.revoke_reader(company.office.database, company.org, made, now=NOW)
    assert me(client, token).status == 401
    assert log(company) == [(made, "sign_in_refused", "refused: the reader is revoked")]
    again = reader(company, "admin")
    assert me(client, token).body["id"] == again


REFUSED = (
    ({"exp": NOW - 61, "iat": NOW - 600}, "the token is past its time"),
    ({"iat": NOW + 61, "exp": NOW + 600}, "the token is from the future"),
    ({"nbf": NOW + 61}, "the token is from the future"),
    ({"exp": NOW + 25 * 3600}, "the token is valid for longer than a day"),
    ({"exp": float("nan")}, "the token's times are no times"),
    ({"tid": "other"}, "the token's tid is not the organisation's"),
    ({"tid": None}, "the token's tid is not the organisation's"),
    ({"tid": ["ours"]}, "the token's tid is not the organisation's"),
)


def test_a_refusal_of_a_known_account_is_on_record(company, client, provider):
    made = reader(company)
    sign_in_with(company, provider, "tid", "ours")
    assert me(client, provider.token(tid="ours")).status == 200
    for claims, _ in REFUSED:
        assert me(client, provider.token(**{"tid": "ours", **claims})).status == 401, claims
    assert log(company) == [(made, "sign_in_refused", f"refused: {why}") for _, why in REFUSED]


def test_clocks_may_be_a_minute_apart(company, client, provider):
    reader(company)
    for claims in ({"exp": NOW - 59, "iat": NOW - 600}, {"iat": NOW + 59, "exp": NOW + 600}, {"nbf": NOW + 59}):
        assert me(client, provider.token(**claims)).status == 200


NOT_FOR_US = (
    {"iss": "https://evil.example"},
    {"iss": "framekeep-local"},
    {"iss": None},
    {"aud": "another-client"},
    {"aud": None},
    {"aud": []},
    {"aud": [CLIENT, "another-client"]},
    {"aud": [CLIENT, "another-client"], "azp": "another-client"},
    {"azp": "another-client"},
    {"sub": None},
    {"sub": ""},
    {"sub": "a\nb"},
    {"exp": None},
    {"exp": "tomorrow"},
    {"exp": True},
    {"iat": None},
    {"events": {"http://schemas.openid.net/event/backchannel-logout": {}}},
    {"token_use": "access"},
)


def test_a_token_that_is_not_for_us_lets_nobody_in(company, client, provider):
    reader(company)
    for claims in NOT_FOR_US:
        answer = me(client, provider.token(**claims))
        assert (answer.status, answer.body["error"]) == (401, "not_authenticated"), claims
        assert 'realm="framekeep"' in answer.headers["WWW-Authenticate"]
    assert me(client, provider.token()).status == 200


def test_several_audiences_are_fine_where_we_are_meant(company, client, provider):
    reader(company)
    assert me(client, provider.token(aud=[CLIENT, "another-client"], azp=CLIENT)).status == 200


def _forged(provider, header, claims=None, signature=b""):
    now = provider.clock()
    told = {"iss": provider.issuer, "aud": CLIENT, "sub": "sub-1", "iat": now, "exp": now + 600, **(claims or {})}
    parts = [json.dumps(header).encode(), json.dumps(told).encode(), signature]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def test_only_a_key_of_the_provider_signs(company, client, provider):
    reader(company)
    true = provider.keys[-1]
    stranger = Key("ES256")
    same_name = Key("ES256")
    same_name.kid = true.kid
    public = true.private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    head = {"kid": true.kid, "typ": "JWT"}
    forged = [
        provider.token(key=stranger),
        provider.token(key=same_name),
        _forged(provider, {**head, "alg": "none"}),
        _forged(provider, {**head, "alg": "ES256"}),
        _forged(provider, {**head, "alg": "HS256"}, signature=jwt.get_algorithm_by_name("HS256").sign(b"x", public)),
        _forged(provider, {**head, "alg": ["ES256"]}),
        _forged(provider, {**head, "alg": "ES256", "kid": 1}),
        provider.token(key=Key("ES256"), header={"jwk": stranger.jwk, "jku": f"{provider.issuer}/elsewhere"}),
        provider.token(header={"typ": "at+jwt"}),
        provider.token(header={"typ": "logout+jwt"}),
        provider.token(header={"crit": ["exp"]}),
        provider.token()[:-4] + "AAAA",
    ]
    for token in forged:
        assert me(client, token).status == 401, token
    assert "/elsewhere" not in provider.asked, "a token never says where its key is"
    assert me(client, provider.token()).status == 200


def test_a_key_signs_in_its_own_way_only(company, client, provider):
    reader(company)
    key = provider.rotate("RS256")
    other = Key("PS256", key.private)
    other.kid = key.kid
    assert me(client, provider.token(key=other)).status == 401
    assert me(client, provider.token(key=key)).status == 200
    short = Key("RS256", rsa.generate_private_key(65537, 1024))
    provider.keys = [short]
    client.clock.now += FRESH_SECONDS
    with pytest.warns(jwt.InsecureKeyLengthWarning):
        token = provider.token(key=short)
    assert me(client, token).status == 401, "too short a key"


def test_new_keys_work_at_once_and_withdrawn_ones_end_within_the_hour(company, client, provider):
    reader(company)
    old = provider.keys[-1]
    assert me(client, provider.token()).status == 200
    client.clock.now += AGAIN_SECONDS
    provider.rotate("RS256")
    assert me(client, provider.token()).status == 200
    provider.rotate("EdDSA")
    assert me(client, provider.token()).status == 401, "asked a moment ago"
    asked = len(provider.asked)
    for _ in range(50):
        me(client, provider.token(key=Key("ES256")))
    assert len(provider.asked) == asked, "made-up keys make us ask at most once a minute"
    client.clock.now += AGAIN_SECONDS
    assert me(client, provider.token()).status == 200
    assert me(client, provider.token(key=old)).status == 401
    kept = provider.keys[-1]
    provider.rotate("ES384")
    assert me(client, provider.token(key=kept)).status == 200
    client.clock.now += FRESH_SECONDS
    assert me(client, provider.token(key=kept)).status == 401


def test_a_provider_that_is_down_shuts_nobody_out_for_a_day(company, client, provider):
    reader(company)
    assert me(client, provider.token()).status == 200
    provider.down()
    client.clock.now += STALE_SECONDS - 1
    assert me(client, provider.token()).status == 200
    client.clock.now += 1
    away = me(client, provider.token())
    assert (away.status, away.body["error"]) == (503, "unavailable") and int(away.headers["Retry-After"]) > 0
    provider.up()
    client.clock.now += AGAIN_SECONDS
    assert me(client, provider.token()).status == 200


def test_a_name_of_the_issuer_that_is_almost_right_is_wrong(company, client, provider):
    reader(company)
    readers.set_provider(company.office.database, Provider(company.org, provider.issuer + "/", CLIENT), now=NOW)
    assert me(client, provider.token(iss=provider.issuer + "/")).status == 503
    assert me(client, provider.token()).status == 401


def test_nobody_waits_for_a_provider_while_there_are_keys(company, client, provider):
    reader(company)
    assert me(client, provider.token()).status == 200
    for _ in range(3):
        assert me(client, provider.token()).status == 200
    assert provider.asked == ["/.well-known/openid-configuration", "/keys"]


def test_no_token_chooses_whom_this_machine_calls(company, client, provider):
    other = OidcProvider(client.clock)
    try:
        assert me(client, other.token()).status == 401
        assert other.asked == []
    finally:
        other.down()


def test_two_organisations_with_one_provider_stay_apart(company, client, provider, tmp_path):
    other = found(company.pg, tmp_path / "other", "Other")
    other.team("red", 1)
    with pytest.raises(Exception, match="another organisation"):
        sign_in_with(other, provider)
    sign_in_with(other, provider, client_id="other-client")
    ours, theirs = reader(company, "admin"), reader(other, "admin")
    assert me(client, provider.token()).body["id"] == ours
    assert me(client, provider.token(aud="other-client")).body["id"] == theirs
    (team,) = client.ask("GET", "/v1/teams", token=provider.token(aud="other-client")).body["teams"]
    assert team["id"] == other.teams["red"]


def test_another_issuer_vouches_for_nobody_of_the_old_one(company, client, provider):
    reader(company)
    with running_provider(client.clock) as new:
        sign_in_with(company, new)
        assert me(client, new.token()).status == 401, "the same subject is somebody else there"
        assert me(client, provider.token()).status == 401
        sign_in_with(company, provider)
        assert me(client, provider.token()).status == 200
    readers.remove_provider(company.office.database, company.org)
    assert me(client, provider.token()).status == 401


def test_a_token_made_here_works_in_serve_only(company, client, provider, tmp_path):
    made = issuing.new_token(company.office, company.org, "Eve", "auditor", now=NOW)
    assert me(client, made.token).status == 200
    elsewhere = Authority(company.pg.role("api"), None, Providers())
    with pytest.raises(Exception, match="not ours"):
        elsewhere.reader(f"Bearer {made.token}", NOW)
    # Nobody's key is ours but ours.
    foreign = issuing.new_token(
        found(company.pg, tmp_path / "x", "X").office, company.org, "Mallory", "auditor", now=NOW
    )
    assert KeyFiles(tmp_path / "x" / "keys").issuer() and me(client, foreign.token).status == 401


def test_refusals_of_tokens_made_here_are_on_record(company, client):
    made = issuing.new_token(company.office, company.org, "Eve", "auditor", now=NOW)
    client.clock.now = NOW + 31 * 86400
    assert me(client, made.token).status == 401
    client.clock.now = NOW - 61
    assert me(client, made.token).status == 401
    client.clock.now = NOW
    company.pg.owner.run("update manager_token set revoked_at = now()")
    assert me(client, made.token).status == 401
    whys = ("the token is past its time", "the token is from the future", "the token is revoked")
    assert log(company) == [(made.manager, "sign_in_refused", f"refused: {why}") for why in whys]


def test_a_refusal_that_cannot_be_written_down_is_503(company, client, provider):
    reader(company)
    company.pg.owner.run("revoke insert on access_log from framekeep_api")
    assert me(client, provider.token(exp=NOW - 61, iat=NOW - 600)).status == 503


def test_how_to_sign_in_is_told_to_everybody(company, client, provider, tmp_path):
    told = {"kind": "oidc", "issuer": provider.issuer, "client_id": CLIENT, "tokens": True}
    assert client.ask("GET", "/v1/sign-in").body == told
    assert client.ask("GET", "/v1/sign-in", query={"org": company.org}).body == told
    other = found(company.pg, tmp_path / "other", "Other")
    assert client.ask("GET", "/v1/sign-in", query={"org": other.org}).body == {"kind": "token"}
    assert client.ask("GET", "/v1/sign-in", query={"org": "Acme"}).status == 400
    readers.remove_provider(company.office.database, company.org)
    assert client.ask("GET", "/v1/sign-in").body == {"kind": "token"}
    assert log(company) == []


def test_who_one_is_says_what_one_may(company, client):
    mays = {}
    for role in ROLES[:-1]:
        teams = [company.teams["red"]] if role == "manager" else []
        made = issuing.new_token(company.office, company.org, role, role, now=NOW, teams=teams)
        mays[role] = me(client, made.token).body["may"]
    program = issuing.new_token(company.office, company.org, "BI", "integration", now=NOW, scope="alerts")
    body = me(client, program.token).body
    assert (body["role"], body["scope"], body["may"]) == ("integration", "alerts", ["alerts"])
    assert mays["auditor"] == ["teams", "policy", "access_log", "agreement"]
    assert mays["manager"] == ["teams", "team_summary", "person_summary", "policy", "agreement"]
    assert "person_summary" not in mays["admin"] and "readers" in mays["admin"]


def test_administrators_see_who_may_read(company, client, provider):
    eve = reader(company, "manager", email="eve@example.com")
    admin = issuing.new_token(company.office, company.org, "Ada", "admin", now=NOW, person=None)
    readers.revoke_reader(company.office.database, company.org, eve, now=NOW)
    listed = client.ask("GET", "/v1/readers", token=admin.token).body["readers"]
    by_name = {one.pop("name"): one for one in listed}
    assert by_name["the manager"] == {
        "id": eve,
        "role": "manager",
        "scope": None,
        "measured": False,
        "teams": [{"id": company.teams["red"], "name": "red"}],
        "account": "eve@example.com",
        "revoked": True,
    }
    assert by_name["Ada"]["account"] is None and by_name["Ada"]["teams"] == []
