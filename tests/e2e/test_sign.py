"""Promise: root and works council sign on machines of their own, with files alone; the service never needs their keys,
and what it would refuse is refused before anything is carried back.
"""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime

import pytest

from sync_service import cli
from sync_service.admin_verbs import VERBS
from sync_service.key_files import KeyFiles
from sync_service.local.documents import PostgresDocuments
from sync_service.local.seal_keys import FileSealKeys
from sync_service.papers import NotAcceptable
from sync_service.policies import current_papers, current_policy
from sync_service.provision import Office, RequestError, the_organisation


@pytest.fixture
def office(pg, tmp_path):
    admin = pg.role("admin")
    folder = tmp_path / "service"
    return Office(admin, PostgresDocuments(admin), FileSealKeys(folder / "seal-keys"), KeyFiles(folder / "keys"))


@pytest.fixture
def at_service(office):
    def run(*words):
        options = cli._parser().parse_args(["admin", *map(str, words)])
        return VERBS[options.thing, options.act](office, options, int(time.time()))

    return run


@pytest.fixture
def offline(capsys):
    def run(*words, code=0):
        assert cli.main(["sign", *map(str, words)]) == code
        said = capsys.readouterr()
        return said.err if code else said.out

    return run


def test_an_organisation_lives_without_its_root_at_the_service(office, at_service, offline, tmp_path, pg):
    vault, council, carried = tmp_path / "vault", tmp_path / "council", tmp_path / "carried"
    for folder in (vault, council):
        folder.mkdir()
    assert "fingerprint" in offline("key", vault / "root")
    offline("key", council / "key")
    assert "exists already" in offline("key", vault / "root", code=2)

    made = at_service(
        "document", "found", "Acme", "--endpoint", "https://s.example", "--root", vault / "root.pub", "--out", carried
    )
    org = the_organisation(office)
    keyset, policy = carried / "keyset-1.json", carried / "policy-1.json"
    with pytest.raises(NotAcceptable, match="not published"):
        at_service("document", "publish", keyset, policy)
    said = offline("add", keyset, "--key", vault / "root", "--yes")
    assert "laptops send to https://s.example and nowhere else" in said and "works council's key: none" in said
    at_service("document", "publish", keyset, policy)
    assert current_policy(office.database, org, now=time.time()).id == "p-1"
    assert made["organisation"] == org and not office.keys.root_path(org).exists()

    # A works council and its agreement, with the policy that rests on it.
    papers = tmp_path / "papers"
    at_service("document", "export", papers)
    drafts = {kind: tmp_path / f"{kind}.draft" for kind in ("keyset", "agreement", "policy", "root")}
    offline("draft", "keyset", "--papers", papers, "--out", drafts["keyset"], "--council", council / "key.pub")
    said = offline(
        "draft", "agreement", "--papers", papers, "--out", drafts["agreement"], "--hours", "mon-fri 07:00-19:00",
        "--k", 6, "--interval", 10,
    )  # fmt: skip
    assert "no team number on fewer than 6 people" in said and "never shown the summary of one person" in said
    policy_draft = ("draft", "policy", "--papers", papers, "--agreement", drafts["agreement"])
    offline(*policy_draft, "--out", drafts["policy"], "--k", 6)
    all_of_them = [drafts[kind] for kind in ("keyset", "agreement", "policy")]
    signer = office.keys.policy_path(org)
    offline("add", drafts["keyset"], "--key", vault / "root", "--yes")
    offline("add", drafts["policy"], "--key", signer, "--yes")
    offline("add", drafts["agreement"], "--key", vault / "root", "--yes")
    assert "not signed" in offline("verify", *all_of_them, "--papers", papers, code=1)
    with pytest.raises(NotAcceptable, match="not published"):
        at_service("document", "publish", *all_of_them)
    offline("add", drafts["agreement"], "--key", council / "key", "--yes")
    assert offline("verify", *all_of_them, "--papers", papers).startswith("good")
    assert "no agreement" in offline("verify", drafts["keyset"], "--papers", papers, code=1)
    at_service("document", "publish", *all_of_them)
    assert "nothing limits" not in str(at_service("agreement", "show"))
    with pytest.raises(RequestError, match="goes beyond"):
        at_service("policy", "publish", "--k", 5)

    # What goes beyond the agreement is noticed where it is drafted.
    at_service("document", "export", papers)
    wide = tmp_path / "wide.draft"
    offline("draft", "policy", "--papers", papers, "--out", wide, "--hours", "sat 09:00-12:00")
    offline("add", wide, "--key", signer, "--yes")
    assert "work hours are wider" in offline("verify", wide, "--papers", papers, code=1)

    # What is drafted starts from the policy in force, and says that it ends the one to come.
    month = datetime.fromtimestamp(time.time() + 30 * 86400, UTC).date()
    at_service("policy", "publish", "--k", 9, "--effective", month)
    at_service("document", "export", papers)
    said = offline("draft", "policy", "--papers", papers, "--out", tmp_path / "now.draft", "--interval", 30)
    assert "changes interval: 10 s -> 30 s" in said and "k: " not in said
    assert f"p-3, which was to begin on {month} at 00:00 UTC, falls away." in said

    # A new seal key, and then a new root: signed elsewhere as well.
    rotated = tmp_path / "rotated.draft"
    at_service("document", "new-seal-key", "--out", rotated)
    offline("add", rotated, "--key", vault / "root", "--yes")
    at_service("document", "publish", rotated)
    at_service("document", "export", papers)
    offline("key", vault / "second")
    offline("draft", "root", "--papers", papers, "--new", vault / "second.pub", "--out", drafts["root"])
    for key in ("root", "second"):
        offline("add", drafts["root"], "--key", vault / key, "--yes")
    again = tmp_path / "again.draft"
    offline("draft", "keyset", "--papers", papers, "--out", again)
    offline("add", again, "--key", vault / "second", "--yes")
    assert "does not fit the root" in offline("verify", drafts["root"], "--papers", papers, code=1)
    offline("verify", drafts["root"], again, "--papers", papers)
    at_service("document", "publish", drafts["root"], again)
    assert len(current_papers(office.database, org).roots) == 2
    listed = at_service("document", "list")["documents"]
    assert [row["type"] for row in listed].count("keyset") == 4


def test_nobody_signs_unread_or_by_accident(office, at_service, offline, tmp_path, monkeypatch):
    offline("key", tmp_path / "root")
    at_service(
        "document", "found", "Acme", "--endpoint", "https://s.example", "--root", tmp_path / "root.pub",
        "--out", tmp_path / "out",
    )  # fmt: skip
    draft = tmp_path / "out" / "keyset-1.json"
    before = draft.read_bytes()
    monkeypatch.setattr("builtins.input", lambda _: "y")
    assert "nothing was signed" in offline("add", draft, "--key", tmp_path / "root", code=2)
    assert draft.read_bytes() == before
    for broken in (b"", b"{}", json.dumps({"payload": "AA==", "sigs": []}).encode(), before[:-5]):
        file = tmp_path / "broken"
        file.write_bytes(broken)
        assert "not a document or draft" in offline("show", file, code=2)
    assert "cannot be read" in offline("show", tmp_path / "missing", code=2)
    assert "does not hold a public key" in offline(
        "draft", "root", "--papers", _exported(at_service, draft, offline, tmp_path), "--new", draft,
        "--out", tmp_path / "x", code=2,
    )  # fmt: skip


def _exported(at_service, draft, offline, tmp_path):
    offline("add", draft, "--key", tmp_path / "root", "--yes")
    at_service("document", "publish", draft, draft.with_name("policy-1.json"))
    at_service("document", "export", tmp_path / "papers")
    return tmp_path / "papers"
