"""Promise: after an erasure no row names the person, whatever was killed, late or restored; released numbers stay."""

from __future__ import annotations

import json
import secrets
import sqlite3
from contextlib import closing
from zoneinfo import ZoneInfo

import pytest

from sync_service import approving, issuing
from sync_service.approval import Administrator
from sync_service.approving import By
from sync_service.erasure import ERASED, ERASED_NAME, KEPT, Eraser
from sync_service.errors import Unavailable
from sync_service.local.inbox import SqliteInbox
from sync_service.local.registry import PostgresRegistry
from sync_service.local.tombstones import TombstoneFile
from sync_service.publisher import Publisher
from sync_service.timetable import instant
from tests.e2e.client import Client
from tests.e2e.office import MONDAY, NOW, found

NINE = instant(MONDAY, 9 * 60, ZoneInfo("Europe/Berlin"))
DAY = 86400
NAME = "Ada Lovelace"
"""How the person is called as a reader."""


class Scene:
    """A company in which one person has a row in every table that can name them."""

    def __init__(self, pg, folder):
        self.company = company = found(pg, folder)
        self.people = company.team("red", 6)
        self.person = self.people[0]
        for person in self.people:
            company.measured(person, NINE, 4, at_screen=900)
        self.client = Client(company, folder)
        self.laptop = self.client.enrol(self.person)
        self.tombstones = TombstoneFile(folder / "tombstones")
        self.forget = lambda _: None
        self.reader = issuing.new_token(company.office, company.org, NAME, "auditor", now=NOW, person=self.person).token
        assert self.client.ask("GET", "/v1/access-log", token=self.reader).status == 200
        Publisher(pg.role("publisher"), company.alerts).run(NOW, first_day=MONDAY)
        self.laptop.ask("GET", "/v1/me/export")
        self.laptop.ask(
            "POST",
            "/v1/me/corrections",
            {"id": "0" * 8 + "-0000-4000-8000-" + "0" * 12, "from": NINE, "to": NINE + 900, "as": "absent", "note": ""},
        )
        self._pipeline_rows(pg)
        pg.owner.run(
            """insert into alert_channel (id, org, reader, kind, target, created_on)
               select id, org, id, 'email', :target, created_at::date from manager where person = :person""",
            target=f"{NAME}@example.org",
            person=self.person,
        )

    def _pipeline_rows(self, pg):
        device, org, person = self.laptop.id, self.company.org, self.person
        pg.owner.run("select create_envelope_partition(to_timestamp(:t))", t=NOW)
        common = {"device": device, "org": org, "now": NOW}
        for sql in (
            """insert into envelope (org, device, id, created, key, suite, sealed, sig, received_at, settled_at)
               values (:org, :device, gen_random_uuid(), 1, :org, 1, ''::bytea, ''::bytea, to_timestamp(:now), now())""",
            """insert into quarantine (device, digest, reason, org, envelope, created, key, suite, sealed, sig, received_at)
               values (:device, decode(repeat('00', 16), 'hex'), 'conflict', :org, gen_random_uuid(), 1, :org, 1,
                 ''::bytea, ''::bytea, to_timestamp(:now))""",
            """insert into receipt (device, envelope, org, outcome, at)
               values (:device, gen_random_uuid(), :org, 'opened', to_timestamp(:now))""",
            """insert into device_progress (device, org, seqs, lost, last_received_at)
               values (:device, :org, '{[1,2)}', 0, to_timestamp(:now))""",
            """insert into participation (device, org, participating, since)
               values (:device, :org, false, to_timestamp(:now)::date)""",
            """insert into device_agent (device, org, version, seq, since)
               values (:device, :org, '1.0.0', 1, to_timestamp(:now)::date)""",
            """insert into device_jti (device, jti, expires_at) select :device, :org, to_timestamp(:now)""",
        ):
            pg.owner.run(sql, **common)
        pg.owner.run(
            """insert into ledger (device, window_start, org, person, envelope, mark, counted)
               values (:device, to_timestamp(:now), :org, :person, gen_random_uuid(), decode(repeat('00', 16), 'hex'), true)""",
            person=person,
            **common,
        )
        pg.owner.run(
            """insert into approval (id, org, act, person, team, asked_at, measured)
               values (:org, :org, 'person_move', :person, :team, to_timestamp(:now), true)""",
            person=person,
            org=org,
            team=self.company.teams["red"],
            now=NOW,
        )
        pg.owner.run(
            """insert into reader_identity (manager, org, issuer, subject, email, added_at)
               select id, org, 'https://id.example', :name, 'someone@example.org', to_timestamp(:now) from manager
               where person = :person""",
            name=NAME,
            person=person,
            now=NOW,
        )

    @property
    def eraser(self):
        pg = self.company.pg
        registry = PostgresRegistry(pg.role("ingest"), pg.role("admin"))
        return Eraser(
            pg.role("eraser"),
            pg.role("maintenance"),
            registry,
            self.company.alerts,
            remember=self.tombstones.remember,
            forget=self.forget,
        )

    def ask(self):
        assert self.laptop.ask("POST", "/v1/me/erasure").status == 202

    def named(self):
        """Tables in which the person or the laptop is named anywhere, in any column of any type."""
        tables = self.company.pg.owner.run(
            """select c.relname::text as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
               where n.nspname = 'public' and c.relkind in ('r', 'p') and not c.relispartition"""
        )
        return {
            table["name"]
            for table in tables
            if self.company.pg.owner.run(
                f"select count(*) as n from {table['name']} t where t::text like :p or t::text like :d or t::text like :n",
                n=f"%{NAME}%",
                p=f"%{self.person}%",
                d=f"%{self.laptop.id}%",
            )[0]["n"]
        }

    def released(self):
        return self.company.pg.owner.run("select b::text as block from released_block b order by 1")


@pytest.fixture
def scene(pg, tmp_path):
    scene = Scene(pg, tmp_path)
    yield scene
    scene.client.close()


def test_everything_that_names_the_person_is_gone_and_a_receipt_remains(scene):
    before, blocks = scene.named(), scene.released()
    assert before == {place.table for place in ERASED}, "the scene fills every table an erasure must empty"
    scene.ask()
    assert scene.eraser.run(NOW + DAY) == 0
    assert scene.eraser.run(NOW + DAY + 600) == 1
    assert scene.named() == {"tombstone"}
    assert scene.released() == blocks and blocks, "recomputing would publish the difference"
    (receipt,) = scene.company.pg.owner.run("select removed::text as removed from erasure_receipt")
    removed = json.loads(receipt["removed"])
    assert (
        removed["person_rollup"] == 4 and removed["device"] == 1 and removed["person"] == 1 and removed["ledger"] == 1
    )


def test_an_erased_reader_leaves_what_was_read_and_no_name_and_reads_no_more(scene):
    scene.ask()
    scene.eraser.run(NOW + DAY)
    scene.eraser.run(NOW + DAY + 600)
    log = scene.company.pg.owner.run("select reader_name from access_log where action = 'access_log'")
    assert log == [{"reader_name": ERASED_NAME}]
    assert scene.client.ask("GET", "/v1/access-log", token=scene.reader).status == 401


def test_an_erased_administrators_name_is_in_nobody_elses_log(scene):
    company = scene.company
    people = {"Ann": None, NAME: scene.person}
    for name, person in people.items():
        issuing.new_token(company.office, company.org, name, "admin", now=NOW, person=person)
    first, second = (
        By(
            Administrator(*company.pg.owner.run(
                "select id::text, person::text from manager where role = 'admin' and name = :n", n=name
            )[0].values()),
            name,
        )
        for name in people
    )  # fmt: skip
    for asks, agrees, whom in ((first, second, scene.people[1]), (second, first, scene.people[2])):
        asked = approving.ask_to_move(
            company.office.database, company.org, asks,
            request=secrets.token_hex(16), person=whom, team=company.teams["red"], now=NOW,
        )  # fmt: skip
        approving.decide(company.office.database, company.org, agrees, asked["id"], "approve", now=NOW)
    scene.ask()
    scene.eraser.run(NOW + DAY)
    assert scene.eraser.run(NOW + DAY + 600) == 1
    assert scene.named() == {"tombstone"}
    moved = company.pg.owner.run("select reader_name from access_log where action = 'person_moved' order by row")
    assert [row["reader_name"] for row in moved] == [ERASED_NAME, "Ann"]


def test_a_laptop_that_joined_between_the_steps_is_erased_with_its_rows(scene):
    scene.ask()
    scene.eraser.run(NOW + DAY)
    late = scene.client.enrol(scene.person)
    scene.company.pg.owner.run(
        """insert into receipt (device, envelope, org, outcome, at)
           values (:device, gen_random_uuid(), :org, 'opened', now())""",
        device=late.id,
        org=scene.company.org,
    )
    assert scene.eraser.run(NOW + DAY + 600) == 1
    assert scene.named() == {"tombstone"}
    assert late.id in {one.id for one in scene.tombstones.read()}
    assert scene.company.pg.owner.run("select device from receipt where device = :d", d=late.id) == []


def test_bodies_of_their_laptops_that_were_set_aside_are_gone(scene, tmp_path):
    inbox, other = SqliteInbox(tmp_path / "inbox.sqlite"), "e" * 32
    scene.forget = inbox.forget_aside
    for device in (scene.laptop.id, other):
        inbox.put(scene.company.org, json.dumps({"device": device}).encode(), received=NOW)
    for delivery in inbox.claim(2):
        inbox.set_aside(delivery, "unwritable")
    scene.ask()
    scene.eraser.run(NOW + DAY)
    scene.eraser.run(NOW + DAY + 600)
    inbox.close()
    with closing(sqlite3.connect(tmp_path / "inbox.sqlite")) as file:
        (left,) = [row[0] for row in file.execute("select body from aside")]
    assert other.encode() in left


def test_it_is_held_for_a_day_and_a_cancelled_one_never_happens(scene):
    scene.ask()
    scene.eraser.run(NOW + DAY - 1)
    assert scene.laptop.ask("DELETE", "/v1/me/erasure").status == 200
    scene.eraser.run(NOW + 10 * DAY)
    assert scene.named() >= {"person", "device", "person_rollup"} and scene.tombstones.read() == []


def test_the_laptop_is_refused_from_the_first_step_on(scene):
    scene.ask()
    scene.eraser.run(NOW + DAY)
    scene.client.close()
    scene.client.__post_init__()  # a registry that remembers nothing
    answer = scene.laptop.ask("GET", "/v1/me/export")
    assert (answer.status, answer.body["error"]) == (403, "revoked")


def test_it_waits_for_what_is_still_on_its_way(scene):
    scene.ask()
    scene.eraser.run(NOW + DAY)
    scene.company.pg.owner.run("update envelope set settled_at = null")
    assert scene.eraser.run(NOW + 2 * DAY) == 0 and "person_rollup" in scene.named()
    scene.company.pg.owner.run("update envelope set settled_at = now()")
    assert scene.eraser.run(NOW + 2 * DAY) == 1


def test_unreleased_numbers_are_computed_without_the_person(scene):
    tuesday = NINE + DAY
    for person in scene.people[:5]:
        scene.company.measured(person, tuesday, 4, at_screen=900)
    scene.ask()
    scene.eraser.run(NOW + DAY)
    publisher = Publisher(scene.company.pg.role("publisher"), scene.company.alerts)
    scene.company.up_until(NOW + 3 * DAY)
    publisher.run(NOW + 3 * DAY, first_day=MONDAY)
    days = {
        row["day"]: row["suppressed"]
        for row in scene.company.pg.owner.run("select day::text, suppressed from released_day")
    }
    assert days[MONDAY.isoformat()] is None and days["2026-11-10"] == "too_few_people"


class Broken:
    """A database that goes away before its nth statement: the process was killed there."""

    def __init__(self, database, fuse):
        self.database, self.fuse = database, fuse

    def run(self, sql, /, **params):
        if self.fuse[0] <= 0:
            raise Unavailable("killed")
        self.fuse[0] -= 1
        return self.database.run(sql, **params)

    def transaction(self):
        outer = self

        class Both:
            def __enter__(self):
                self.inner = outer.database.transaction()
                return Broken(self.inner.__enter__(), outer.fuse)

            def __exit__(self, *error):
                return self.inner.__exit__(*error)

        return Both()


def test_killed_before_any_statement_it_goes_on_where_it_stopped(scene):
    scene.ask()
    whole, at, cut = scene.eraser, NOW + 2 * DAY, 0
    finished = 0
    while not finished:
        cut += 1
        fuse = [cut % 40]
        eraser = Eraser(
            Broken(scene.company.pg.role("eraser"), fuse),
            Broken(scene.company.pg.role("maintenance"), fuse),
            PostgresRegistry(scene.company.pg.role("ingest"), scene.company.pg.role("admin")),
            scene.company.alerts,
            remember=scene.tombstones.remember,
        )
        try:
            finished = eraser.run(at)
        except Unavailable:
            at += 60
        assert cut < 400
    assert scene.named() == {"tombstone"} and whole.run(at + DAY) == 0
    print(f"finished after {cut} kills")


def test_a_restored_backup_does_not_bring_the_person_back(scene):
    owner = scene.company.pg.owner
    kept = owner.run("select person, slot::text as slot, policy from person_rollup where person = :p", p=scene.person)
    scene.ask()
    scene.eraser.run(NOW + DAY)
    scene.eraser.run(NOW + DAY + 600)
    # The backup is from before: the person and a rollup are back, and the database knows of no erasure.
    owner.run("delete from tombstone")
    owner.run("delete from erasure_receipt")
    owner.run("insert into person (id, org, name) values (:p, :org, 'back')", p=scene.person, org=scene.company.org)
    scene.company.measured(scene.person, NINE, len(kept), at_screen=900)
    assert scene.named()
    assert scene.eraser.sweep(TombstoneFile(scene.tombstones._path).read()) > len(kept)
    assert scene.named() == {"tombstone"}


def test_late_copies_are_swept(scene):
    scene.ask()
    scene.eraser.run(NOW + DAY)
    scene.eraser.run(NOW + DAY + 600)
    scene._pipeline_rows(scene.company.pg)
    assert scene.eraser.sweep() == 9
    assert scene.named() == {"tombstone"}


def test_a_leftover_is_found_by_the_other_role_and_deleted(scene):
    scene.ask()
    scene.eraser.run(NOW + DAY)
    scene.company.pg.owner.run(
        "update erasure_request set step = 'deleted'"
    )  # as if the deletion had missed everything
    assert scene.eraser.run(NOW + DAY + 600) == 0
    assert ("erasure_incomplete" in {kind for kind, _ in scene.company.alerts.said}) and scene.eraser.run(
        NOW + 2 * DAY
    ) == 1
    assert scene.named() == {"tombstone"}


def test_tombstones_are_written_once_and_survive_a_torn_line(scene, tmp_path):
    scene.ask()
    scene.eraser.run(NOW + DAY)
    scene.eraser.run(NOW + DAY + 1)
    (first, second) = scene.tombstones.read()
    assert {first.id, second.id} == {scene.person, scene.laptop.id}
    path = tmp_path / "torn"
    path.write_text('{"kind": "person", "id')
    torn = TombstoneFile(path)
    torn.remember([first])
    assert torn.read() == [first]


def test_every_person_and_device_column_is_listed(pg):
    columns = pg.owner.run(
        """select c.table_name::text as t, c.column_name::text as c from information_schema.columns c
             join information_schema.tables using (table_schema, table_name)
           where table_schema = 'public' and table_type = 'BASE TABLE' and c.column_name in ('person', 'device')
           union
           select conrelid::regclass::text, a.attname::text from pg_constraint k
             join pg_attribute a on a.attrelid = k.conrelid and a.attnum = any (k.conkey)
           where k.contype = 'f' and k.confrelid in ('person'::regclass, 'device'::regclass)"""
    )
    parts = {row["n"] for row in pg.owner.run("select inhrelid::regclass::text as n from pg_inherits")}
    found_columns = {(row["t"], row["c"]) for row in columns if row["t"] not in parts}
    listed = {(place.table, place.column) for place in ERASED} | set(KEPT)
    assert found_columns - listed == set(), "an erasure would leave these columns"
    named = {place.table for place in ERASED if place.names != "reader"}  # a reader is found by way of `manager`
    assert named <= {row["t"] for row in columns} | {"person"}


WORDS = {
    "organisation": {"name"},
    "team": {"name", "time_zone"},
    "document": {"type"},
    "policy_terms": {"policy"},
    "cohort_month": {"time_zone"},
    "released_day": {"time_zone", "policy", "suppressed"},
    "released_block": {"people"},  # a band: 5-7, 8-11, 12+
    "block_annotation": {"note"},  # an administrator's word about a block of at least five people
    "block_withdrawal": {"reason"},
    "manager": {"role", "scope"},
    "access_log": {"reader", "reader_role", "reader_scope", "action", "allowed_because"},  # fixed sentences
    "sign_in": {"issuer", "client_id", "claim", "claim_value"},  # of the organisation's identity provider
    "tombstone": {"kind"},
    "erasure_request": {"step", "removed"},  # counts by table
    "erasure_receipt": {"removed"},
    "schema_migration": {"name", "sha256"},
    "alert_mail": {"host", "security", "username", "password", "sender"},  # the organisation's own server
    "alert_setting": {"rule", "oldest_agent"},
    "alert": {"rule", "subject", "message"},  # sentences about numbers of laptops, teams and the service
    "alert_delivery": {"event", "body", "state", "last_error"},
}
"""Columns of free text that stay after an erasure, because they name nobody."""


def test_every_column_that_could_hold_a_name_is_erased_or_known_to_hold_none(pg):
    columns = pg.owner.run(
        """select c.table_name::text as t, c.column_name::text as c from information_schema.columns c
             join information_schema.tables using (table_schema, table_name)
           where table_schema = 'public' and table_type = 'BASE TABLE' and c.domain_name is null
             and c.data_type in ('text', 'character varying', 'json', 'jsonb')"""
    )
    deleted = {place.table for place in ERASED if place.sets is None}
    parts = {row["n"] for row in pg.owner.run("select inhrelid::regclass::text as n from pg_inherits")}
    overwritten = {(place.table, column) for place in ERASED for column in place.sets or ()}
    free = {(row["t"], row["c"]) for row in columns if row["t"] not in deleted | parts} - overwritten
    assert free == {(table, column) for table, names in WORDS.items() for column in names}
