"""Promise: who comes into a team takes two administrators once anything is measured; every act is on record, and in the
log of the person it is about; asking twice is asking once.
"""

from __future__ import annotations

import argparse
import json
import secrets
from concurrent.futures import ThreadPoolExecutor

import pytest

from agent.wire.enrolment import EnrolmentCode
from sync_service import issuing
from sync_service.admin import add_admin
from sync_service.admin_log import carry_out, changes
from sync_service.admin_verbs import VERBS
from sync_service.approval import LAPSE_SECONDS
from sync_service.approving import ALONE
from sync_service.errors import PoisonError
from sync_service.people import RequestError
from tests.e2e.client import Client
from tests.e2e.office import NOW, found


class Boardroom:
    """Two administrators, an account more of the first, and a manager."""

    def __init__(self, pg, folder):
        self.company = found(pg, folder)
        self.client = Client(self.company, folder)
        self.red = self.company.team("red", 1)
        self.alice = self.reader("Alice", person=self.red[0])
        self.alias = self.reader("Alice again", person=self.red[0])
        self.bert = self.reader("Bert")
        self.manager = self.reader("Mia", role="manager", teams=[self.company.teams["red"]])

    def reader(self, name, role="admin", **more):
        return issuing.new_token(self.company.office, self.company.org, name, role, now=NOW - 9, **more).token

    def measure(self):
        self.company.measured(self.red[0], NOW // 900 * 900 - 900, 1, at_screen=900)

    def post(self, token, path, body, status):
        answer = self.client.ask("POST", path, token=token, body=json.dumps(body).encode())
        assert answer.status == status, answer.body
        return json.loads(answer.content)

    def get(self, token, path, **query):
        answer = self.client.ask("GET", path, token=token, query=query)
        assert answer.status == 200, answer.body
        return json.loads(answer.content)

    def add(self, token, name="Eve", status=202, **more):
        body = {"id": secrets.token_hex(16), "name": name, "team": self.company.teams["red"], **more}
        return self.post(token, "/v1/people", body, status)

    def decide(self, token, asked, decision="approve", status=200):
        return self.post(token, f"/v1/approvals/{asked['id']}", {"decision": decision}, status)

    def months(self, person):
        rows = self.company.pg.owner.run(
            "select team::text as team, month::text as month from membership where person = :p order by month",
            p=person,
        )
        return [(row["team"], row["month"]) for row in rows]

    def log(self, *actions):
        rows = self.company.pg.owner.run(
            "select action, reader_name, person::text as person, allowed_because from access_log order by row"
        )
        return [
            (row["action"], row["reader_name"], row["person"], row["allowed_because"])
            for row in rows
            if row["action"] in actions
        ]


@pytest.fixture
def room(pg, tmp_path):
    room = Boardroom(pg, tmp_path)
    yield room
    room.client.close()


def test_before_anything_is_measured_one_administrator_sets_up_and_the_log_says_so(room):
    made = room.add(room.alice, status=201)
    assert (made["state"], made["alone"], made["counts_from"]) == ("approved", True, "2026-11-01")
    assert room.months(made["person"]) == [(room.company.teams["red"], "2026-11-01")]
    ((_, who, person, why),) = room.log("person_added")
    assert (who, person) == ("Alice", made["person"]) and "before anything was measured" in why


def test_somebody_new_waits_for_a_second_administrator_and_counts_from_next_month(room):
    room.measure()
    asked = room.add(room.alice)
    assert (asked["state"], asked["alone"], asked["nobody_to_agree"]) == ("waiting", False, False)
    assert room.months(asked["person"]) == [] and asked["person"] not in str(room.get(room.bert, "/v1/people"))
    for token in (room.alice, room.alias):
        assert room.decide(token, asked, status=403)["error"] == "own_request"
    done = room.decide(room.bert, asked)
    assert (done["state"], done["counts_from"], done["decided_by_name"]) == ("approved", "2026-12-01", "Bert")
    assert room.decide(room.bert, asked) == done, "the same word again"
    assert room.decide(room.bert, asked, "refuse", status=409)["error"] == "already_decided"
    assert room.months(asked["person"]) == [(room.company.teams["red"], "2026-12-01")]
    ((_, who, person, why),) = room.log("person_added")
    assert (who, person, why) == ("Bert", asked["person"], "agreed by two administrators")


def test_who_is_refused_never_exists_and_what_waits_too_long_is_void(room):
    room.measure()
    refused, taken_back, late = (room.add(room.alice, name=name) for name in ("Ann", "Ben", "Cid"))
    assert room.decide(room.bert, refused, "refuse")["state"] == "refused"
    assert room.decide(room.alice, taken_back, "refuse")["state"] == "refused"
    room.client.clock.now += LAPSE_SECONDS
    assert room.decide(room.bert, late, status=409)["error"] == "lapsed"
    listed = room.get(room.bert, "/v1/approvals")["approvals"]
    assert {one["person_name"]: one["state"] for one in listed} == {"Ann": "refused", "Ben": "refused", "Cid": "lapsed"}
    assert [one["id"] for one in room.get(room.bert, "/v1/people")["people"]] == room.red


def test_two_who_decide_at_the_same_moment_decide_once(room):
    room.measure()
    carl = room.reader("Carl")
    asked = room.add(room.alice)

    def word(token, decision):
        body = json.dumps({"decision": decision}).encode()
        return room.client.ask("POST", f"/v1/approvals/{asked['id']}", token=token, body=body).status

    with ThreadPoolExecutor(4) as pool:
        words = [(room.bert, "approve"), (carl, "approve"), (carl, "refuse"), (room.bert, "approve")]
        answers = list(pool.map(lambda one: word(*one), words))
    assert set(answers) == {200, 409}
    state = room.get(room.bert, "/v1/approvals")["approvals"][0]["state"]
    assert len(room.months(asked["person"])) == len(room.log("person_added")) == (state == "approved")


def test_a_move_waits_too_and_the_person_sees_it_in_their_own_log(room):
    laptop = room.client.enrol(room.red[0])
    (blue_lead,) = room.company.team("blue", 1)
    room.measure()
    body = {"id": secrets.token_hex(16), "team": room.company.teams["blue"]}
    asked = room.post(room.alice, f"/v1/people/{room.red[0]}/move", body, 202)
    assert room.post(room.bert, f"/v1/people/{room.red[0]}/move", body, 202) == asked, "asked once"
    clash = {"id": body["id"], "team": room.company.teams["red"]}
    assert room.post(room.bert, f"/v1/people/{blue_lead}/move", clash, 409)["error"] == "id_taken"
    assert room.decide(room.bert, asked)["counts_from"] == "2026-12-01"
    assert room.months(room.red[0])[-1] == (room.company.teams["blue"], "2026-12-01")
    seen = [
        (one["action"], one["reader_name"])
        for one in json.loads(laptop.ask("GET", "/v1/me/access-log").content)["entries"]
    ]
    assert {("people_edit", "Alice"), ("approve", "Bert"), ("person_moved", "Bert")} <= set(seen)


def test_an_organisation_with_one_administrator_is_told_that_nobody_can_agree(room):
    room.measure()
    room.company.pg.owner.run("update manager set revoked_at = now() where name = 'Bert'")
    asked = room.add(room.alice)
    assert asked["nobody_to_agree"], "her second account is nobody else"
    bert = room.reader("Bert the second")
    room.company.pg.owner.run("update manager set revoked_at = now() where name like 'Alice%'")
    assert room.decide(bert, asked, status=409)["error"] == "asker_left"


def test_the_database_itself_refuses_an_agreement_with_oneself(room):
    room.measure()
    asked = room.add(room.alice)
    with pytest.raises(PoisonError):
        room.company.pg.owner.run(
            "update approval set decision = 'approved', decided_at = now(), decided_by = asked_by where id = :id",
            id=asked["id"],
        )


def test_teams_are_made_once_and_by_administrators_only(room):
    body = {"id": secrets.token_hex(16), "name": "Green", "time_zone": "Europe/Paris"}
    assert room.post(room.alice, "/v1/teams", body, 201) == room.post(room.bert, "/v1/teams", body, 201)
    other = {**body, "id": secrets.token_hex(16)}
    assert room.post(room.alice, "/v1/teams", other, 409)["error"] == "name_taken"
    assert room.post(room.alice, "/v1/teams", {**body, "name": "Grey"}, 409)["error"] == "id_taken"
    wrong = {**other, "name": "Mars", "time_zone": "Mars/Olympus"}
    assert room.post(room.alice, "/v1/teams", wrong, 400)["error"] == "unknown_time_zone"
    for path, method in (
        ("/v1/teams", "POST"),
        ("/v1/people", "POST"),
        ("/v1/people", "GET"),
        ("/v1/codes", "GET"),
        ("/v1/approvals", "GET"),
    ):
        answer = room.client.ask(method, path, token=room.manager, body=json.dumps(body).encode())
        assert answer.status == 403, path


def test_a_code_is_shown_once_works_and_can_be_withdrawn_while_unused(room):
    body = {"id": secrets.token_hex(16), "person": room.red[0]}
    made = room.post(room.alice, "/v1/codes", body, 201)
    assert EnrolmentCode.parse(made["code"]).code_id == made["id"]
    again = room.post(room.alice, "/v1/codes", body, 409)
    assert again["error"] == "already_made" and made["code"] not in json.dumps(again)
    assert made["code"] not in json.dumps(room.get(room.bert, "/v1/codes"))
    assert room.client.ask("DELETE", f"/v1/codes/{made['id']}", token=room.alice).status == 200
    assert room.client.ask("DELETE", f"/v1/codes/{made['id']}", token=room.alice).status == 404
    room.client.enrol(room.red[0])
    (used,) = room.get(room.bert, "/v1/codes")["codes"]
    refused = room.client.ask("DELETE", f"/v1/codes/{used['id']}", token=room.alice)
    assert (refused.status, json.loads(refused.content)["error"]) == (409, "code_used")
    assert {person for _, _, person, _ in room.log("codes")} == {room.red[0], None}


def test_lists_come_page_by_page(room):
    for n in range(4):
        room.add(room.alice, name=f"Person {n}", status=201)
    for path, name, total in (("/v1/people", "people", 5), ("/v1/approvals", "approvals", 4)):
        seen, query = [], {"limit": "2"}
        while True:
            page = room.get(room.bert, path, **query)
            seen += [one["id"] for one in page[name]]
            if page["next"] is None:
                break
            query = {"limit": "2", "after": page["next"]}
        assert len(seen) == len(set(seen)) == total


@pytest.mark.parametrize(
    ("path", "body", "status", "error"),
    [
        ("/v1/people", {"id": "a" * 32, "name": "x", "team": "0" * 32}, 404, "unknown_team"),
        ("/v1/people", {"id": "a" * 32, "name": " ", "team": "RED"}, 400, "bad_name"),
        ("/v1/people", {"id": "a" * 32, "name": "x", "team": "RED", "since": "2026-12-02"}, 400, "whole_months_only"),
        ("/v1/people", {"id": "a" * 32, "name": "x", "team": "RED", "since": "soon"}, 400, "malformed"),
        ("/v1/people", {"id": "short", "name": "x", "team": "RED"}, 400, "malformed"),
        ("/v1/people", {"id": "a" * 32, "name": 7, "team": "RED"}, 400, "malformed"),
        ("/v1/people", {"id": "a" * 32}, 400, "malformed"),
        ("/v1/people", {"id": "a" * 32, "name": "x" * 9000, "team": "RED"}, 413, "too_large"),
        ("/v1/people/" + "0" * 32 + "/move", {"id": "a" * 32, "team": "RED"}, 404, "unknown_person"),
        ("/v1/people/nobody/move", {"id": "a" * 32, "team": "RED"}, 404, "unknown_person"),
        ("/v1/codes", {"id": "a" * 32, "person": "0" * 32}, 404, "unknown_person"),
        ("/v1/approvals/" + "0" * 32, {"decision": "approve"}, 404, "unknown_approval"),
        ("/v1/approvals/" + "0" * 32, {"decision": "maybe"}, 400, "malformed"),
    ],
)
def test_what_cannot_be_done_is_refused_in_a_sentence_and_changes_nothing(room, path, body, status, error):
    body = {name: room.company.teams["red"] if value == "RED" else value for name, value in body.items()}
    refused = room.post(room.alice, path, body, status)
    assert refused["error"] == error and refused["message"].endswith(".") and "framekeep-sync" not in refused["message"]
    assert room.get(room.bert, "/v1/approvals")["approvals"] == []


def command(room, *words):
    """What an act of `framekeep-sync admin` tells."""
    parser = argparse.ArgumentParser()
    add_admin(parser.add_subparsers(), lambda _: None)
    options = parser.parse_args(["admin", *words])
    return carry_out(VERBS, room.company.office, options, NOW)


def test_on_the_machine_itself_two_administrators_are_asked_for_too(room):
    alone = command(room, "person", "add", "Ann", "--team", "red")
    assert alone["counts_from"] == "2026-11" and "One administrator was enough" in alone["_"]
    ((_, who, _, why),) = room.log("person_added")
    assert (who, why) == ("on the service's own machine", ALONE)
    room.measure()
    with pytest.raises(RequestError, match="say which one you are with --as"):
        command(room, "person", "add", "Ben", "--team", "red")
    with pytest.raises(RequestError, match="no administrator 'Mia'"):
        command(room, "person", "add", "Ben", "--team", "red", "--as", "Mia")
    asked = command(room, "person", "add", "Ben", "--team", "red", "--as", "Alice")
    assert asked["state"] == "waiting" and f"approve {asked['approval']} --as READER" in asked["_"]
    with pytest.raises(RequestError, match="another administrator has to agree"):
        command(room, "approval", "approve", asked["approval"], "--as", "Alice")
    done = command(room, "approval", "approve", asked["approval"], "--as", "Bert")
    assert (done["state"], done["counts_from"]) == ("approved", "2026-12")
    assert [one["state"] for one in command(room, "approval", "list")["approvals"]] == ["approved", "approved"]
    moved = command(room, "person", "move", "Ben", "--team", "red", "--as", "Bert")
    assert command(room, "approval", "refuse", moved["approval"], "--as", "Bert")["state"] == "refused"


def test_a_single_administrator_is_told_on_the_machine_what_to_do(room):
    room.measure()
    room.company.pg.owner.run("update manager set revoked_at = now() where name <> 'Alice'")
    asked = command(room, "person", "add", "Ben", "--team", "red", "--as", "Alice")
    assert "there is none: make one with" in asked["_"]


def test_a_code_made_on_the_machine_stands_in_the_persons_own_log(room):
    made = command(room, "code", "new", "--person", room.red[0])
    assert room.log("codes") == [("codes", "on the service's own machine", room.red[0], "on the service's own machine")]
    (code,) = command(room, "code", "list")["codes"]
    assert made["person"] == code["person"] and not code["used"]
    assert command(room, "code", "withdraw", code["id"])["withdrawn"]
    with pytest.raises(RequestError, match="no code"):
        command(room, "code", "withdraw", code["id"])


READING = {
    ("org", "list"), ("team", "list"), ("person", "list"), ("approval", "list"), ("code", "list"), ("key", "list"),
    ("policy", "show"), ("token", "list"), ("reader", "list"), ("oidc", "show"), ("device", "list"),
    ("alerts", "channels"), ("alerts", "rules"), ("alerts", "list"), ("document", "export"), ("document", "list"),
    ("agreement", "show"),
}  # fmt: skip


def test_every_verb_that_is_not_known_to_read_only_is_put_on_record():
    assert {verb for verb in VERBS if not changes(verb)} == READING


def test_what_is_changed_on_the_machine_is_on_record_without_what_was_typed(room):
    room.measure()
    code = command(room, "code", "new", "--person", room.red[0])
    asked = command(room, "person", "move", room.red[0], "--team", "red", "--as", "Alice")
    (made,) = command(room, "code", "list")["codes"]
    token = command(room, "token", "new", "--role", "auditor", "--name", "Zoe Quill")
    issuer = "https://id.example"
    for words in (
        ("code", "withdraw", made["id"]),
        ("approval", "refuse", asked["approval"], "--as", "Bert"),
        ("oidc", "set", "--issuer", issuer, "--client-id", "dash", "--unchecked"),
        ("reader", "add", "--role", "auditor", "--email", "zoe@quill.example"),
        ("reader", "revoke", token["reader"]),
        ("oidc", "remove"),
    ):
        command(room, *words)
    rows = room.company.pg.owner.run(
        "select action, reader_name as who, l::text as entry from access_log l order by row"
    )
    machine = "on the service's own machine"
    assert [(row["action"], row["who"]) for row in rows] == [
        ("codes", machine), ("person_move", "Alice"), ("token_new", machine), ("code_withdraw", machine),
        ("approval_refuse", "Bert"), ("oidc_set", machine), ("reader_add", machine), ("reader_revoke", machine),
        ("oidc_remove", machine),
    ]  # fmt: skip
    typed = (code["code"], token["token"], "uill", issuer, "dash", made["id"])
    assert not any(secret in row["entry"] for row in rows for secret in typed)


def test_what_is_tried_only_is_not_on_record(room):
    command(room, "policy", "publish", "--k", "6", "--dry-run")
    assert room.log("policy_publish") == []
    command(room, "policy", "publish", "--k", "6")
    assert len(room.log("policy_publish")) == 1
