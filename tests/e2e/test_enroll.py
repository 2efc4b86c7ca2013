"""Promise: a code enrols one laptop, once; the same laptop may ask again; everything else gets one answer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.wire.documents import Keyset, Policy, verify_document
from agent.wire.enrolment import EnrolmentCode, check_answer, enrol_request
from agent.wire.ids import device_id
from agent.wire.strict import canonical
from sync_service import provision
from sync_service.enroll import enrol
from sync_service.errors import Unavailable
from sync_service.local.documents import PostgresDocuments
from sync_service.local.registry import PostgresRegistry
from tests.e2e.office import ENDPOINT, NOW, found


@pytest.fixture
def company(pg, tmp_path):
    company = found(pg, tmp_path)
    company.team("red", 1)
    return company


@pytest.fixture
def code(company):
    person = company.person("Ada", "red")
    issued = provision.new_code(company.office, company.org, person, now=NOW)
    return EnrolmentCode.parse(issued.code)


def post(company, body, now=NOW):
    db = company.pg.role("enroll")
    registry = PostgresRegistry(db, db)
    return enrol(canonical(body), db=db, registry=registry, documents=PostgresDocuments(db), now=now)


def test_a_code_becomes_a_device_with_everything_the_laptop_needs(company, code):
    key = Ed25519PrivateKey.generate()
    answer = post(company, enrol_request(code, company.org, key))
    assert answer.status == 201
    public = key.public_key().public_bytes_raw()
    told = check_answer(answer.body, code=code, org=company.org, device_public=public)
    root = company.pg.owner.run("select root_public from organisation")[0]["root_public"]
    keyset = Keyset.from_payload(verify_document(canonical(told["keyset"]), "keyset", signers=[root], org=company.org))
    policy = Policy.from_payload(
        verify_document(canonical(told["policy"]), "policy", signers=keyset.policy_signers, org=company.org)
    )
    assert keyset.endpoint == ENDPOINT and keyset.seal_key(NOW) is not None and policy.k == 5
    device = PostgresRegistry(company.pg.role("ingest")).find(device_id(public))
    assert device is not None and device.org == company.org and not device.revoked


def test_the_same_laptop_gets_the_same_answer_until_the_code_expires(company, code):
    request = enrol_request(code, company.org, Ed25519PrivateKey.generate())
    first = post(company, request)
    assert post(company, request, now=NOW + 71 * 3600).content == first.content
    assert post(company, request, now=NOW + 73 * 3600).status == 403


def test_a_crash_before_the_key_was_registered_is_repaired_by_asking_again(company, code):
    request = enrol_request(code, company.org, Ed25519PrivateKey.generate())
    first = post(company, request)
    company.pg.owner.run("delete from device")
    assert post(company, request).content == first.content
    assert len(company.pg.owner.run("select id from device")) == 1


class Deaf:
    """A registry that learns of nothing: the process was killed before it could be told."""

    def find(self, device):
        return None

    def add(self, device, *, now):
        raise Unavailable("killed")


def test_a_device_is_there_as_soon_as_its_code_is_used(company, code):
    """An erasure that deletes the codes and then lists the devices must not miss one in between."""
    db, key = company.pg.role("enroll"), Ed25519PrivateKey.generate()
    body = canonical(enrol_request(code, company.org, key))
    assert enrol(body, db=db, registry=Deaf(), documents=PostgresDocuments(db), now=NOW).status == 503
    assert company.pg.owner.run("select used_at is not null as used from code") == [{"used": True}]
    assert [row["id"] for row in company.pg.owner.run("select id from device")] == [
        device_id(key.public_key().public_bytes_raw())
    ]


def test_every_wrong_code_gets_one_answer(company, code):
    key, other = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    good = enrol_request(code, company.org, key)
    unknown = EnrolmentCode(b"\1" * 16, code.fingerprint)
    wrong = [
        enrol_request(unknown, company.org, key),
        {**good, "mac": enrol_request(unknown, company.org, key)["mac"]},
        {**good, "pop": enrol_request(code, company.org, other)["pop"]},
        enrol_request(code, "0" * 32, key),
    ]
    answers = [post(company, body) for body in wrong] + [post(company, good, now=NOW + 72 * 3600)]
    assert post(company, good).status == 201
    answers.append(post(company, enrol_request(code, company.org, other)))  # a second laptop
    assert {(answer.status, answer.content) for answer in answers} == {(403, b'{"error":"code_refused"}')}


def test_one_key_is_one_persons(company, code):
    key = Ed25519PrivateKey.generate()
    assert post(company, enrol_request(code, company.org, key)).status == 201
    bob = company.person("Bob", "red")
    second = EnrolmentCode.parse(provision.new_code(company.office, company.org, bob, now=NOW).code)
    assert post(company, enrol_request(second, company.org, key)).status == 403


def test_a_revoked_key_cannot_come_back_with_a_new_code(company, code):
    key = Ed25519PrivateKey.generate()
    assert post(company, enrol_request(code, company.org, key)).status == 201
    company.pg.owner.run("update device set revoked_at = now()")
    person = company.pg.owner.run("select person from device")[0]["person"]
    again = EnrolmentCode.parse(provision.new_code(company.office, company.org, person, now=NOW).code)
    assert post(company, enrol_request(again, company.org, key)).status == 403


def test_many_laptops_with_one_code_at_once_make_one_device(company, code):
    # More of them than the pool has connections: nobody who holds one may wait for a second.
    requests = [enrol_request(code, company.org, Ed25519PrivateKey.generate()) for _ in range(24)]
    with ThreadPoolExecutor(24) as pool:
        statuses = sorted(answer.status for answer in pool.map(lambda body: post(company, body), requests))
    assert statuses == [201] + [403] * 23
    assert len(company.pg.owner.run("select id from device")) == 1


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        (b"", 400, "malformed"),
        (b"[]", 400, "malformed"),
        (b'{"v":1,"v":1}', 400, "malformed"),
        (b'{"v":2}', 400, "unsupported_version"),
        (b" " * 5000, 413, "too_large"),
    ],
)
def test_garbage_is_named(company, body, status, error):
    db = company.pg.role("enroll")
    answer = enrol(body, db=db, registry=PostgresRegistry(db, db), documents=PostgresDocuments(db), now=NOW)
    assert (answer.status, answer.body["error"]) == (status, error)


def test_small_order_keys_are_refused(company, code):
    body = {**enrol_request(code, company.org, Ed25519PrivateKey.generate()), "device_key": "AQ" + "A" * 41 + "="}
    assert post(company, body).status == 400


def test_the_secret_is_nowhere_in_the_database(company, code):
    rows = company.pg.owner.run("select c::text as row from code c")
    assert rows and all(code.secret.hex() not in row["row"] and str(code) not in row["row"] for row in rows)
