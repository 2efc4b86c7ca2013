"""Promise: service and laptop hold the same documents by the same rules. What managers may ever see is pinned by an
agreement both parties signed; roots are replaced by signed links; a policy applies from its date on; nothing goes back.
"""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.key_changes import What
from agent.outbox.delivery import Reply
from agent.wire.documents import WorkHours
from agent.wire.signing import unsigned
from agent.wire.strict import canonical, to_b64
from sync_service import issuing
from sync_service.errors import ServiceError
from sync_service.papers import NotAcceptable
from sync_service.policies import current_policy
from sync_service.provision import RequestError
from sync_service.publisher import Publisher
from tests.e2e.ceremony import Ceremony, Follower, public
from tests.e2e.client import Client
from tests.e2e.office import NOW, found

DAY = 86400


@pytest.fixture
def company(pg, tmp_path):
    company = found(pg, tmp_path)
    company.red = company.team("red", 1)
    return company


@pytest.fixture
def client(company, tmp_path):
    client = Client(company, tmp_path)
    yield client
    client.close()


@pytest.fixture
def sign(company):
    return Ceremony(company)


@pytest.fixture
def laptop(company, client, tmp_path):
    follower = Follower(client, client.enrol(company.red[0]), tmp_path)
    assert follower.refresh() == ""
    return follower


def token(company, role):
    teams = list(company.teams.values()) if role == "manager" else ()
    return issuing.new_token(company.office, company.org, f"the {role}", role, now=NOW, teams=teams).token


def test_an_agreement_binds_service_and_laptop_and_neither_goes_beyond(company, client, sign, laptop):
    assert laptop.may_look and "/v1/agreement" not in laptop.served.asked
    with pytest.raises(ServiceError, match="works council and no agreement"):
        sign.publish(sign.keyset(NOW, council=public(sign.council)), now=NOW)
    keyset, agreed, policy = sign.with_council(NOW, k_at_least=7, interval_at_least=10)
    with pytest.raises(ServiceError, match="does not name the agreement"):
        sign.publish(keyset, agreed, now=NOW)
    sign.publish(keyset, agreed, policy, now=NOW)
    assert laptop.refresh() == "" and laptop.may_look and laptop.documents.policy.k == 7
    for changes in ({"k": 6}, {"individual_reports": True}, {"interval_seconds": 9}):
        with pytest.raises(RequestError, match="goes beyond"):
            issuing.next_policy(company.office, company.org, now=NOW + 9, **changes)
    value = sign.papers.agreements[0]
    for changes in ({"agreement": ""}, {"work_hours": (WorkHours((6,), 540, 600),)}, {"k": 6}):
        bad = sign.policy(NOW + 9, value, **changes)
        with pytest.raises(NotAcceptable, match="goes beyond"):
            sign.publish(bad, now=NOW + 9)
        # Somebody with the database's own rights slips it in: laptops refuse it, and the service shows nothing.
        company.pg.owner.run(
            "insert into document (org, type, seq, body) values (:org, 'policy', 3, :body)", org=company.org, body=bad
        )
        client.clock.now = NOW + 10
        assert "goes beyond the agreement" in laptop.refresh()
        assert laptop.documents.policy.id == "p-2" and laptop.may_look, "the one before stays"
        with pytest.raises(ServiceError, match="goes beyond"):
            current_policy(company.pg.role("publisher"), company.org, now=NOW + 10)
        company.measured(company.red[0], NOW - 5 * DAY, 8, at_screen=900)
        assert Publisher(company.pg.role("publisher"), company.alerts).run(NOW + 10).days == 0
        assert company.alerts.said[-1][0] == "publish_failed" and "goes beyond" in company.alerts.said[-1][1]
        company.pg.owner.run("delete from document where type = 'policy' and seq = 3")


def test_an_agreement_that_replaces_another_comes_with_a_policy_on_the_same_day(company, client, sign, laptop):
    sign.publish(*sign.with_council(NOW), now=NOW)
    assert laptop.refresh() == ""
    soon = NOW + 3 * DAY
    stricter = sign.agreement_value(NOW + 5, k_at_least=8, effective=soon)
    with pytest.raises(NotAcceptable, match="does not name"):
        sign.publish(sign.agreement(stricter), now=NOW + 5)
    with pytest.raises(NotAcceptable, match="goes beyond"):
        sign.publish(sign.agreement(stricter), sign.policy(NOW + 5, stricter, k=8, effective=soon - 1), now=NOW + 5)
    sign.publish(sign.agreement(stricter), sign.policy(NOW + 5, stricter, k=8, effective=soon), now=NOW + 5)
    assert laptop.refresh() == "" and laptop.documents.policy.k == 5
    assert laptop.documents.papers.coming_policy(NOW).k == 8
    assert laptop.documents.papers.coming_agreement(NOW).id == "a-2"
    client.clock.now = soon  # offline: nothing is asked
    laptop.start()
    assert laptop.may_look and (laptop.documents.policy.k, laptop.documents.agreement.id) == (8, "a-2")
    assert current_policy(company.office.database, company.org, now=soon - 1).k == 5
    assert current_policy(company.office.database, company.org, now=soon).k == 8
    assert laptop.refresh() == "" and laptop.documents.policy.k == 8


def test_a_new_root_takes_over_and_the_old_one_signs_nothing_any_more(company, client, sign, laptop):
    sign.publish(*sign.with_council(NOW), now=NOW)
    assert laptop.refresh() == ""
    before = dict(laptop.served.last)
    new = sign.keyset(NOW + 1, sign.new_root)
    with pytest.raises(NotAcceptable, match="does not fit the root"):
        sign.publish(sign.link(NOW + 1), now=NOW + 1)
    with pytest.raises(NotAcceptable, match="not signed"):
        sign.publish(new, now=NOW + 1)
    for by in ([sign.root], [sign.new_root], [sign.root, sign.council]):
        with pytest.raises(NotAcceptable, match="not published"):
            sign.publish(sign.link(NOW + 1, *by), new, now=NOW + 1)
    sign.publish(sign.link(NOW + 1), new, now=NOW + 1)
    assert laptop.refresh() == "" and laptop.may_look, "the agreement outlives the root that signed it"
    assert laptop.documents.papers.roots.root == public(sign.new_root)
    assert [change.what for change in laptop.documents.key_changes()] == [What.COUNCIL, What.ROOT]
    laptop.start()
    assert laptop.documents.papers.roots.root == public(sign.new_root) and laptop.may_look
    with pytest.raises(NotAcceptable, match="not signed"):
        sign.publish(sign.keyset(NOW + 2, sign.root), now=NOW + 2)
    with pytest.raises(RequestError, match="was replaced"):
        issuing.renew_keyset(company.office, company.org, now=NOW + 2)
    laptop.served.saved["/v1/keyset"] = before["/v1/keyset"]
    assert "replaced before" in laptop.refresh() and laptop.may_look
    laptop.served.saved.clear()
    other = Follower(client, client.enrol(company.person("late", "red")), laptop.store.path.parent)
    assert other.refresh() == "" and other.may_look, "who comes later follows the chain from the first root"


@pytest.mark.parametrize("type", ["keyset", "policy", "agreement", "root"])
def test_nothing_goes_back_and_nothing_is_rewritten(company, client, sign, laptop, type):
    """Of every type: an older document, and another one under the same number; at the service and on the laptop."""
    first = sign.with_council(NOW)
    sign.publish(*first, now=NOW)
    laptop.refresh()
    old = dict(laptop.served.last)
    agreed = sign.papers.agreements[0]
    newer = {
        "keyset": lambda: [sign.keyset(NOW + 1)],
        "policy": lambda: [sign.policy(NOW + 1, agreed)],
        "agreement": lambda: [
            sign.agreement(later := sign.agreement_value(NOW + 1)),
            sign.policy(NOW + 1, later),
        ],
        "root": lambda: [sign.link(NOW + 1), sign.keyset(NOW + 1, sign.new_root)],
    }[type]
    published = newer()
    third = Ed25519PrivateKey.generate()
    sign.publish(*published, now=NOW + 1)
    client.clock.now = NOW + 10
    assert laptop.refresh() == ""
    held = laptop.documents.papers
    path = {"keyset": "/v1/keyset", "root": "/v1/keyset"}.get(type, f"/v1/{type}")
    laptop.served.saved[path] = old[path]
    problem = laptop.refresh()
    assert "seen before" in problem or "replaced before" in problem
    # Another document under the number of the newest, as a second service with the same keys would serve it.
    sign.new_root = third if type == "root" else sign.new_root
    rewritten = {
        "keyset": lambda: canonical(json.loads(published[0])),
        "policy": lambda: sign.policy(NOW + 1, agreed, interval_seconds=50, seq=3, id="p-3"),
        "agreement": lambda: sign.agreement(sign.agreement_value(NOW + 1, seq=2, id="a-2", interval_at_least=6)),
        "root": lambda: sign.link(NOW + 1),
    }[type]()
    if type == "keyset":
        rewritten = sign.keyset(NOW + 1, seq=3, endpoint="http://127.0.0.1:1")
    with pytest.raises(NotAcceptable):
        sign.publish(rewritten, now=NOW + 2)
    body = rewritten
    if path == "/v1/keyset":
        told = json.loads(client.ask("GET", "/v1/keyset", query={"org": company.org}).content)
        if type == "root":
            told["links"] = [json.loads(rewritten)]
            told["roots"][1] = to_b64(public(third))
        else:
            told["keyset"] = json.loads(rewritten)
        body = json.dumps(told).encode()
    laptop.served.saved[path] = Reply(200, {}, body)
    assert "the first stands" in laptop.refresh()
    assert laptop.documents.papers == held and laptop.may_look
    sign.publish(*published, now=NOW + 9)  # the very same again changes nothing


def test_the_council_loses_its_key_only_with_its_own_signature(company, client, sign, laptop):
    sign.publish(*sign.with_council(NOW), now=NOW)
    laptop.refresh()
    alone = sign.keyset(NOW + 1, council=None)
    with pytest.raises(NotAcceptable, match="council has to sign"):
        sign.publish(alone, now=NOW + 1)
    told = json.loads(laptop.served.last["/v1/keyset"].body)
    told["keyset"] = json.loads(alone)
    laptop.served.saved["/v1/keyset"] = Reply(200, {}, json.dumps(told).encode())
    assert "without the council's own signature" in laptop.refresh()
    laptop.served.saved.clear()
    sign.publish(sign.keyset(NOW + 1, sign.root, sign.council, council=None), now=NOW + 1)
    assert laptop.refresh() == "" and laptop.documents.agreement is None and laptop.may_look
    assert [change.what for change in laptop.documents.key_changes()] == [What.COUNCIL, What.COUNCIL_GONE]


def test_a_council_hands_over_to_its_successor(company, client, sign, laptop):
    sign.publish(*sign.with_council(NOW), now=NOW)
    assert laptop.refresh() == ""
    first, second = sign.council, Ed25519PrivateKey.generate()

    def handed_over(now, to, **changes):
        keyset = sign.keyset(now, sign.root, sign.council, council=public(to))
        value = replace(sign.agreement_value(now), **changes)
        return [keyset, sign.agreement(value, sign.root, to), sign.policy(now, value)]

    documents = handed_over(NOW + 1, second)
    with pytest.raises(NotAcceptable, match="no agreement that holds"):
        sign.publish(documents[0], now=NOW + 1)  # what the first council signed does not bind the second
    sign.publish(*documents, now=NOW + 1)
    sign.council = second
    client.clock.now = NOW + 2
    assert [one.id for one in sign.papers.agreements] == ["a-2"]
    assert current_policy(company.pg.role("publisher"), company.org, now=NOW + 2).id == "p-3"
    Publisher(company.pg.role("publisher"), company.alerts).run(NOW + 2)
    assert not company.alerts.said
    assert laptop.refresh() == "" and laptop.may_look
    laptop.start()
    assert laptop.documents.problem == "" and laptop.may_look and laptop.documents.agreement.id == "a-2"
    assert [change.what for change in laptop.documents.key_changes()] == [What.COUNCIL, What.COUNCIL, What.COUNCIL_GONE]
    sign.publish(sign.policy(NOW + 3, sign.papers.agreements[0]), now=NOW + 3)
    # Back to the first council: its old agreement does not come back with it, nor do laptops take it.
    documents = handed_over(NOW + 4, first)
    with pytest.raises(NotAcceptable, match="no agreement that holds"):
        sign.publish(documents[0], now=NOW + 4)
    sign.publish(*documents, now=NOW + 4)
    client.clock.now = NOW + 5
    assert [one.id for one in sign.papers.agreements] == ["a-3"]
    assert laptop.refresh() == "" and laptop.may_look and laptop.documents.agreement.id == "a-3"


def test_an_agreement_needs_a_council_that_has_signed_it(company, client, sign, laptop):
    value = sign.agreement_value(NOW)
    draft = unsigned(value.to_payload())
    for nobodys in (draft, sign.agreement(value)):
        with pytest.raises(NotAcceptable, match="no works council"):
            sign.publish(nobodys, now=NOW)
    # One that is there all the same, from before this was refused, binds nobody once there is a council.
    company.pg.owner.run(
        "insert into document (org, type, seq, body) values (:org, 'agreement', 1, :body)", org=company.org, body=draft
    )
    keyset = sign.keyset(NOW + 1, council=public(sign.council))
    with pytest.raises(NotAcceptable, match="no agreement that holds"):
        sign.publish(keyset, sign.policy(NOW + 1, value), now=NOW + 1)
    agreed = sign.agreement_value(NOW + 1)
    assert agreed.id == "a-2"
    sign.publish(keyset, sign.agreement(agreed), sign.policy(NOW + 1, agreed), now=NOW + 1)
    client.clock.now = NOW + 2
    assert [one.id for one in sign.papers.agreements] == ["a-2"]
    assert laptop.refresh() == "" and laptop.may_look and laptop.documents.agreement.id == "a-2"


def test_of_two_who_publish_the_same_policy_at_once_one_is_told_that_it_is_new(company, client, sign):
    admin = token(company, "admin")
    elsewhere = canonical({"document": json.loads(sign.policy(NOW, None, k=9))})
    waiting = "select count(*) as n from pg_locks where locktype = 'advisory' and not granted"

    def post(body):
        return client.ask("POST", "/v1/policies", token=admin, body=body).status

    for body in (elsewhere, canonical({"terms": {"k": 10}})):
        with ThreadPoolExecutor(2) as pool:
            with company.office.database.transaction() as tx:
                lock = "select pg_advisory_xact_lock(hashtextextended(:key, 0))"
                tx.run(lock, key=f"documents {company.org}")
                both = [pool.submit(post, body) for _ in range(2)]
                until = time.monotonic() + 20
                while company.pg.owner.run(waiting)[0]["n"] < 2 and time.monotonic() < until:
                    time.sleep(0.02)
            assert sorted(one.result() for one in both) == [200, 201]


def test_policies_are_listed_compared_and_published_over_http(company, client, sign):
    admin, manager, auditor = (token(company, role) for role in ("admin", "manager", "auditor"))

    def post(tok, **body):
        given = client.ask("POST", "/v1/policies", token=tok, body=canonical(body))
        return given.status, json.loads(given.content)

    terms = {"k": 8, "work_hours": ["mon-thu 09:00-15:00"], "effective": NOW + DAY}
    for tok in (manager, auditor):
        assert post(tok, terms=terms)[0] == 403
    status, told = post(admin, terms=terms, dry_run=True)
    assert status == 200 and told["published"] is False and len(told["changes"]) == 2
    assert [change["widens"] for change in told["changes"]] == [False, False]
    assert post(admin, terms=terms) == (201, {**told, "published": True})
    assert post(admin, terms={"k": 8}, dry_run=True)[1]["id"] == "p-3"
    listed = json.loads(client.ask("GET", "/v1/policies", token=auditor).content)
    assert [(row["id"], row["state"]) for row in listed["policies"]] == [("p-2", "coming"), ("p-1", "in_force")]
    assert listed["policies"][0]["published_by"] == "the admin" and listed["agreements"] == []
    page = json.loads(client.ask("GET", "/v1/policies", token=auditor, query={"limit": "1"}).content)
    rest = client.ask("GET", "/v1/policies", token=auditor, query={"limit": "1", "after": page["next"]})
    assert [row["id"] for row in json.loads(rest.content)["policies"]] == ["p-1"]
    one = json.loads(client.ask("GET", "/v1/policies/p-2", token=manager).content)
    assert one["terms"]["hours"] == "mon-thu 09:00-15:00" and len(one["signed_by"]) == 1
    found = json.loads(client.ask("GET", "/v1/policies/p-2/changes", token=manager).content)
    assert (found["from"], found["to"]) == ("p-1", "p-2")
    assert "A team number stands on at least 8 people; it was at least 5." in [c["text"] for c in found["changes"]]
    back = client.ask("GET", "/v1/policies/p-1/changes", token=manager, query={"since": "p-2"})
    assert [change["widens"] for change in json.loads(back.content)["changes"]] == [True, True]
    assert client.ask("GET", "/v1/policies/p-9", token=manager).status == 404
    assert client.ask("GET", "/v1/policies/1", token=manager).status == 404
    elsewhere = json.loads(sign.policy(NOW + 5, None, k=9))
    assert post(admin, document=elsewhere)[0] == 201 and post(admin, document=elsewhere)[0] == 200
    forged = json.loads(sign.policy(NOW + 6, None, by=sign.council, k=9))
    assert post(admin, document=forged)[1]["error"] == "bad_signature"
    assert post(admin, document={**elsewhere, "sigs": []})[0] in (400, 409)
    for wrong in (
        {},
        {"terms": {}},
        {"terms": {"k": 4}},
        {"terms": {"k": 7}, "dry_run": 0},
        {"terms": {"k": 7}, "dry_run": 1},
        {"terms": {"k": "8"}},
        {"terms": {"colour": 1}},
        {"terms": {"work_hours": "mon"}},
        {"terms": {"work_hours": ["mon"]}},
        {"terms": {"effective": NOW - 1}},
        {"document": 1},
        {"document": json.loads(sign.keyset(NOW))},
    ):
        status, told = post(admin, **wrong)
        assert status == 400 and told["message"], wrong
    company.office.keys.policy_path(company.org).unlink()
    assert post(admin, terms={"k": 7})[1]["error"] == "no_signer"


def test_a_change_today_takes_nothing_over_from_a_policy_that_is_to_come(company, client, sign):
    """Reports by name that begin in a month do not begin today because somebody changed the interval."""
    admin = token(company, "admin")

    def post(**body):
        given = client.ask("POST", "/v1/policies", token=admin, body=canonical(body))
        return given.status, json.loads(given.content)

    def told(found):
        return [(change["term"], change["widens"]) for change in found["changes"]]

    assert post(terms={"interval_seconds": 10})[1]["error"] == "nothing_changes"
    month = {"individual_reports": True, "effective": NOW + 30 * DAY}
    assert told(post(terms=month)[1]) == [("individual_reports", True)]
    client.clock.now = NOW + 5
    status, seen = post(terms={"interval_seconds": 30}, dry_run=True)
    assert status == 200 and told(seen) == [("interval", False), ("coming", None)]
    assert seen["changes"][1]["text"].startswith("p-2, which was to begin on ")
    assert seen["changes"][1]["text"].endswith(", falls away.")
    switched = post(terms={"individual_reports": True}, dry_run=True)[1]
    assert told(switched) == [("individual_reports", True), ("coming", None)], "held against what is in force"
    assert post(terms={"interval_seconds": 30}) == (201, {**seen, "published": True})
    now = current_policy(company.office.database, company.org, now=NOW + 5)
    assert (now.id, now.interval_seconds, now.individual_reports) == ("p-3", 30, False)
    later = json.loads(client.ask("GET", "/v1/policies/p-3/changes", token=admin).content)
    assert (later["from"], later["to"], later["changes"]) == ("p-1", "p-3", seen["changes"])
    # One signed elsewhere is told alike, also when it is sent a second time.
    assert post(terms={"k": 9, "effective": NOW + 9 * DAY})[0] == 201
    elsewhere = json.loads(sign.policy(NOW + 6, None, k=5, interval_seconds=20))
    for now, expected in ((NOW + 6, 201), (NOW + 20 * DAY, 200)):
        client.clock.now = now
        status, told_then = post(document=elsewhere)
        assert status == expected and told(told_then) == [("interval", True), ("coming", None)]


def test_the_agreement_is_served_to_whoever_is_bound_by_it(company, client, sign, laptop):
    admin, manager, auditor = (token(company, role) for role in ("admin", "manager", "auditor"))
    for tok in (admin, manager, auditor):
        assert client.ask("GET", "/v1/agreement", token=tok).status == 404
    assert laptop.laptop.ask("GET", "/v1/agreement").status == 404
    assert client.ask("GET", "/v1/agreement").status == 401
    documents = sign.with_council(NOW, k_at_least=6)
    sign.publish(*documents, now=NOW)
    for given in (client.ask("GET", "/v1/agreement", token=manager), laptop.laptop.ask("GET", "/v1/agreement")):
        assert given.status == 200 and given.content == documents[1]
    again = client.ask("GET", "/v1/agreement", token=auditor, headers={"if-none-match": given.headers["ETag"]})
    assert again.status == 304
    status = client.ask("POST", "/v1/policies", token=admin, body=canonical({"terms": {"k": 5}}))
    told = json.loads(status.content)
    assert status.status == 409 and told["error"] == "agreement_exceeded" and "k is below" in told["message"]
    listed = json.loads(client.ask("GET", "/v1/policies", token=auditor).content)
    assert listed["agreement_obligatory"] and listed["agreements"][0]["terms"]["k_at_least"] == "6"
    assert [row["beyond_agreement"] for row in listed["policies"]] == [False, True]
    rows = company.pg.owner.run("select action, allowed_because from access_log where action like '%agreement%'")
    assert len(rows) == 5 and all(row["allowed_because"] for row in rows)


def test_no_report_about_one_person_is_shown_once_the_agreement_forbids_them(company, client, sign):
    """Also not for what was measured while a policy allowed them."""
    issuing.publish_policy(
        company.office, issuing.next_policy(company.office, company.org, now=NOW, individual_reports=True), now=NOW
    )
    person, manager = company.red[0], token(company, "manager")
    path = f"/v1/people/{person}/summary"
    assert client.ask("GET", path, token=manager).status == 200
    documents = sign.with_council(NOW + 1)[:2]
    agreed = sign.agreement_value(NOW + 1)
    sign.publish(*documents, sign.policy(NOW + 1, agreed, individual_reports=False), now=NOW + 1)
    client.clock.now = NOW + 2
    given = client.ask("GET", path, token=manager)
    assert given.status == 403 and json.loads(given.content)["error"] == "agreement_exceeded"
    last = company.pg.owner.run(
        "select action, person::text as person, allowed_because from access_log order by at desc limit 1"
    )[0]
    assert (last["action"], last["person"]) == ("person_summary_refused", person) and "works council" in last[
        "allowed_because"
    ]
    assert client.ask("GET", path, token=token(company, "admin")).status == 403
