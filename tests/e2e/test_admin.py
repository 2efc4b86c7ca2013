"""Promise: an organisation is set up with plain commands, beside a running service or alone; each error is a sentence."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import requests
from openapi_spec_validator import validate

from agent.wire.documents import Keyset, verify_document
from agent.wire.enrolment import EnrolmentCode
from agent.wire.strict import canonical, from_b64
from sync_service.cli import main
from tests.oidc_provider import CLIENT, running_provider

ENDPOINT = "http://127.0.0.1:8642"


@pytest.fixture(scope="module")
def folder():
    # Below /tmp, since the database's user must be able to pass when tests run as root.
    with tempfile.TemporaryDirectory(prefix="fkadmin", ignore_cleanup_errors=True) as place:
        Path(place).chmod(0o711)
        yield Path(place)


@pytest.fixture(scope="module")
def service(folder):
    """The URL of a service over folder/data, started before there is any organisation."""
    process = subprocess.Popen(
        [sys.executable, "-m", "sync_service.cli", "serve", "--port", "0", "--data", str(folder / "data")],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield re.search(r"http://\S+", process.stdout.readline())[0]
    finally:
        process.terminate()
        assert process.wait(30) == 0


@pytest.fixture
def admin(folder, capsys):
    def run(*words, code=0, data="data"):
        assert main(["admin", *words, "--data", str(folder / data), "--json"]) == code
        said = capsys.readouterr()
        return json.loads(said.out) if code == 0 else said.err

    return run


def test_from_nothing_to_a_managers_answer_beside_a_running_service(service, admin, folder):
    assert "no organisation yet" in admin("team", "list", code=2)
    org = admin("org", "create", "Acme", "--endpoint", ENDPOINT, "--root-out", str(folder / "usb" / "root.pem"))
    assert set(org) >= {"organisation", "endpoint", "policy", "seal_key", "root_key_file", "advice"}
    root_file = Path(org["root_key_file"])
    assert root_file == folder / "usb" / "root.pem" and stat.S_IMODE(root_file.stat().st_mode) == 0o600

    team = admin("team", "create", "Red", "--timezone", "Europe/Berlin")
    admin("person", "add", "Ada", "--team", "Red")
    code = EnrolmentCode.parse(admin("code", "new", "--person", "Ada")["code"])
    assert code.fingerprint.hex() == org["organisation"]

    token = admin("token", "new", "--role", "manager", "--team", "Red", "--name", "Eve", "--not-measured")["token"]
    answer = requests.get(f"{service}/v1/teams", headers={"Authorization": f"Bearer {token}"}, timeout=10)
    assert answer.json() == {
        "teams": [{"id": team["team"], "name": "Red", "time_zone": "Europe/Berlin", "readable": True}]
    }
    assert requests.get(f"{service}/v1/teams", timeout=10).status_code == 401

    reader = admin("token", "list")["readers"][0]
    assert (reader["name"], reader["teams"]) == ("Eve", "Red") and token not in json.dumps(reader)
    admin("token", "revoke", reader["id"])
    assert (
        requests.get(f"{service}/v1/teams", headers={"Authorization": f"Bearer {token}"}, timeout=10).status_code == 401
    )

    assert "root.pem is missing" in admin("key", "rotate", code=2)
    before = keyset(service)
    rotated = admin("key", "rotate", "--root", str(root_file), "--suite", "2")["seal_key"]
    after = keyset(service)
    assert after.seq == before.seq + 1 and after.seal_key(0).id == rotated
    assert {entry.key.id for entry in after.seal_keys} == {org["seal_key"], rotated}
    assert {key["id"] for key in admin("key", "list")["seal_keys"]} == {rotated, org["seal_key"]}


def test_a_policy_is_shown_changed_after_a_look_at_the_change_and_renewed(service, admin, folder):
    before = admin("policy", "show")
    assert (before["policy"], before["hours"], before["k"]) == ("p-1", "mon-fri 08:00-18:00", "5")
    change = ["--hours", "mon-thu 09:00-17:30", "--hours", "fri 09:00-12:00", "--interval", "15"]
    seen = admin("policy", "publish", *change, "--dry-run")
    assert seen["published"] is False and admin("policy", "show") == before
    assert seen["changes"] == [
        {"change": "hours: mon-fri 08:00-18:00 -> mon-thu 09:00-17:30; fri 09:00-12:00"},
        {"change": "interval: 10 s -> 15 s"},
    ]
    assert admin("policy", "publish", *change)["published"] is True
    renewed = admin("policy", "renew")
    assert (renewed["policy"], renewed["hours"], renewed["interval"]) == (
        "p-3",
        "mon-thu 09:00-17:30; fri 09:00-12:00",
        "15 s",
    )
    assert renewed["expires"] >= before["expires"] and admin("policy", "show") == renewed
    later = admin("policy", "publish", "--individual-reports", "on", "--effective", "2099-01-01")
    assert later["changes"] == [{"change": "individual_reports: off -> on"}]
    gone = {"change": f"{later['policy']}, which was to begin on 2099-01-01 at 00:00 UTC, falls away."}
    now = admin("policy", "publish", "--interval", "20")
    assert now["changes"] == [{"change": "interval: 15 s -> 20 s"}, gone]
    assert admin("policy", "show")["individual_reports"] == now["individual_reports"] == "off"
    later = admin("policy", "publish", "--individual-reports", "on", "--effective", "2099-01-01")
    assert admin("policy", "renew")["changes"] == [{"change": gone["change"].replace("p-4", later["policy"])}]
    assert admin("policy", "show")["individual_reports"] == "off"


def test_a_keyset_is_renewed_with_the_root_key(service, admin, folder):
    before = keyset(service)
    told = admin("keyset", "renew", "--root", str(folder / "usb" / "root.pem"))
    after = keyset(service)
    assert told["keyset"] == after.seq == before.seq + 1 and after.seal_keys == before.seal_keys


def test_a_reader_who_is_measured_is_found_by_name(service, admin):
    person = next(one["id"] for one in admin("person", "list")["people"] if one["name"] == "Ada")
    made = admin("token", "new", "--role", "manager", "--team", "Red", "--person", "Ada")
    kept = next(one for one in admin("token", "list")["readers"] if one["id"] == made["reader"])
    assert kept["person"] == person


def test_readers_sign_in_with_the_provider_an_administrator_set_up(service, admin):
    def me(token):
        return requests.get(f"{service}/v1/me", headers={"Authorization": f"Bearer {token}"}, timeout=10)

    assert "no identity provider" in admin("oidc", "show", code=2)
    assert "no identity provider" in admin("reader", "add", "--role", "auditor", "--email", "eve@example.com", code=2)
    with running_provider() as provider:
        words = ("oidc", "set", "--issuer", provider.issuer, "--client-id", CLIENT, "--require", "hd=example.com")
        provider.trouble = lambda _: "500"
        assert "answers 500" in admin(*words, code=1)
        provider.trouble = lambda _: None
        provider.documents = {"issuer": "https://evil.example"}
        assert "names another issuer" in admin(*words, code=2)
        provider.documents = {}
        assert "no identity provider" in admin("oidc", "show", code=2), "what does not work is not set"
        admin(*words)
        shown = {"issuer": provider.issuer, "client_id": CLIENT, "require": "hd=example.com"}
        assert admin("oidc", "show") == shown
        told = requests.get(f"{service}/v1/sign-in", timeout=10).json()
        assert told == {"kind": "oidc", "issuer": provider.issuer, "client_id": CLIENT, "tokens": True}

        made = admin(
            "reader", "add", "--role", "manager", "--team", "Red", "--not-measured", "--email", "Eve@Example.com"
        )
        account = {"email": "eve@example.com", "email_verified": True, "hd": "example.com"}
        answer = me(provider.token("eve", **account)).json()
        assert (answer["id"], answer["role"], answer["teams"][0]["name"]) == (made["reader"], "manager", "Red")
        assert me(provider.token("eve", **{**account, "hd": "example.org"})).status_code == 401
        listed = {one["id"]: one for one in admin("reader", "list")["readers"]}[made["reader"]]
        assert (listed["account"], listed["revoked"]) == ("eve@example.com", False)
        admin("reader", "link", made["reader"], "--subject", "eve-2")
        assert me(provider.token("eve", **account)).status_code == 401
        assert me(provider.token("eve-2", hd="example.com")).json()["id"] == made["reader"]
        assert "there is no reader" in admin("reader", "link", "0" * 32, "--subject", "eve-3", code=2)
        linked = admin("reader", "link", made["reader"], "--email", "Eve@example.com")
        assert (linked["account"], linked["issuer"]) == ("eve@example.com", provider.issuer)
        assert me(provider.token("eve", **account)).json()["id"] == made["reader"]
        again = ("reader", "add", "--role", "auditor", "--email", "eve@example.com")
        assert "a reader already" in admin(*again, code=2)
        assert len(admin("reader", "list")["readers"]) == len(admin("token", "list")["readers"])
        admin("reader", "revoke", made["reader"])
        assert me(provider.token("eve", **account)).status_code == 401
        admin(*again)
        assert me(provider.token("eve", **account)).json()["role"] == "auditor"
        admin("oidc", "remove")
        assert me(provider.token("eve", **account)).status_code == 401
    assert requests.get(f"{service}/v1/sign-in", timeout=10).json() == {"kind": "token"}


def test_a_program_gets_a_token_for_one_thing(service, admin):
    made = admin("token", "new", "--scope", "team_summary", "--team", "Red", "--name", "BI")
    assert (made["role"], made["scope"]) == ("integration", "team_summary")
    headers = {"Authorization": f"Bearer {made['token']}"}
    me = requests.get(f"{service}/v1/me", headers=headers, timeout=10).json()
    assert (me["name"], me["may"]) == ("BI", ["team_summary"])
    team = me["teams"][0]["id"]
    assert requests.get(f"{service}/v1/teams/{team}/summary", headers=headers, timeout=10).status_code == 200
    for path in ("teams", "devices", "access-log", "policy", f"teams/{'0' * 32}/summary"):
        assert requests.get(f"{service}/v1/{path}", headers=headers, timeout=10).status_code == 403


def keyset(service):
    body = requests.get(f"{service}/v1/keyset", timeout=10).json()
    roots = [from_b64(root, "root") for root in body["roots"]]
    document = canonical(body["keyset"])
    payload = json.loads(from_b64(body["keyset"]["payload"], "payload"))
    return Keyset.from_payload(verify_document(document, "keyset", signers=roots, org=payload["org"]))


def test_the_description_of_the_running_service_is_valid_openapi(service):
    document = requests.get(f"{service}/openapi.json", timeout=10).json()
    validate(document)
    paths = {(method.upper(), path) for path, item in document["paths"].items() for method in item}
    assert paths >= {
        ("POST", "/v1/devices"),
        ("GET", "/v1/teams"),
        ("GET", "/v1/teams/{team}/summary"),
        ("GET", "/v1/people/{person}/summary"),
        ("GET", "/v1/policy"),
        ("GET", "/v1/devices"),
        ("GET", "/v1/access-log"),
        ("GET", "/v1/me/access-log"),
        ("GET", "/v1/me/reports"),
        ("GET", "/v1/me/export"),
        ("POST", "/v1/me/corrections"),
        ("PUT", "/v1/me/participation"),
        ("GET", "/v1/me/erasure"),
        ("POST", "/v1/me/erasure"),
        ("DELETE", "/v1/me/erasure"),
    }


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["org", "create", "X", "--endpoint", "http://example.com"], "https://HOST"),
        (["team", "create", "Mars", "--timezone", "Mars/Olympus"], "no time zone"),
        (["team", "create", "Red", "--timezone", "Europe/Berlin"], "already"),
        (["team", "create", " ", "--timezone", "Europe/Berlin"], "printable"),
        (["person", "add", "Bob", "--team", "Green"], "no team 'Green'"),
        (["person", "move", "0" * 32, "--team", "Red"], "no person"),
        (["code", "new", "--person", "0" * 32], "no person"),
        (["token", "new", "--role", "manager", "--not-measured"], "name the teams they may read"),
        (["token", "new", "--role", "manager", "--team", "Red"], "--not-measured"),
        (["token", "new", "--role", "admin"], "--person"),
        (["token", "new", "--role", "manager", "--team", "Red", "--person", "Nobody"], "no person 'Nobody'"),
        (["policy", "publish"], "nothing would change"),
        (["policy", "publish", "--k", "4"], "not possible"),
        (["policy", "publish", "--interval", "61"], "not possible"),
        (["keyset", "renew"], "root.pem is missing"),
        (["token", "new", "--role", "auditor", "--team", "Red"], "nobody else names any"),
        (["token", "new", "--role", "admin", "--not-measured", "--days", "0"], "1 to 365 days"),
        (["token", "revoke", "0" * 32], "no reader"),
        (["token", "new", "--scope", "team_summary"], "name the teams they may read"),
        (["token", "new", "--scope", "devices", "--team", "Red"], "nobody else names any"),
        (["token", "new", "--scope", "devices", "--person", "Ada"], "nobody who is measured"),
        (["oidc", "set", "--issuer", "http://example.com", "--client-id", "x"], "https://"),
        (["oidc", "set", "--issuer", "https://example.com", "--client-id", "", "--unchecked"], "1 to 500"),
        (["oidc", "remove"], "no identity provider"),
        (["device", "revoke", "0" * 32], "no device"),
        (["block", "withdraw", "--team", "Red", "--day", "2026-11-09", "--block", "1", "--text", "x"], "not released"),
        (["person", "list", "--org", "Nobody"], "no organisation 'Nobody'"),
    ],
)
def test_every_error_is_one_sentence_and_exit_code_2(service, admin, words, said):
    message = admin(*words, code=2)
    assert said in message and message.startswith("framekeep-sync: ") and message.count("\n") == 1


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["policy", "publish", "--hours", "always"],
        ["token", "new", "--role", "auditor", "--person", "Ada", "--not-measured"],
        ["org"],
        ["org", "create"],
        ["person", "add", "x", "--team", "Red", "--since", "2026-11-09"],
    ],
)
def test_usage_errors_exit_with_2(words, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["admin", *words])
    assert ended.value.code == 2 and "Traceback" not in capsys.readouterr().err


def test_alone_without_a_service_and_in_words(folder, capsys):
    place = ["--data", str(folder / "alone")]
    assert main(["admin", "org", "create", "Solo", "--endpoint", ENDPOINT, *place]) == 0
    said = capsys.readouterr().out
    assert "root key file: " in said and "offline" in said
    assert main(["admin", "key", "list", *place]) == 0
    table = capsys.readouterr().out.splitlines()
    assert len(table) == 2 and re.search(r"\d{4}-\d\d-\d\d +\d{4}-\d\d-\d\d +no", table[1])
    assert main(["admin", "team", "list", *place]) == 0
    assert capsys.readouterr().out == "no teams yet\n"
    keys = list((folder / "alone" / "keys").iterdir())
    assert keys and all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in keys)


@pytest.mark.skipif(os.name == "nt", reason="file modes are POSIX's")
def test_a_key_open_to_others_is_refused(folder, capsys):
    place = ["--data", str(folder / "alone")]
    (root,) = (folder / "alone" / "keys").glob("*.root.pem")
    root.chmod(0o644)
    assert main(["admin", "key", "rotate", *place]) == 2
    assert "chmod 600" in capsys.readouterr().err
    root.chmod(0o600)
