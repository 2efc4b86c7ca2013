"""What each PostgreSQL role may do, and that it may do nothing else."""

from __future__ import annotations

import pytest

from sync_service.errors import DatabaseError
from sync_service.opener import Opener
from sync_service.ports import Database
from tests.fakes import FakeAlerts, FakeSealKeys
from tests.pg import FreshDatabase
from tests.world import NOW, World, window

ROLES = (
    "ingest",
    "enroll",
    "writer",
    "opener",
    "publisher",
    "api",
    "person",
    "admin",
    "maintenance",
    "eraser",
    "alerts",
)

# Who may read (r), insert (a), update (w) and delete (d) in the tables of the pipeline, whole columns or some.
PIPELINE = {
    "envelope": {"writer": "a", "opener": "rw", "maintenance": "rd", "eraser": "rd"},
    "quarantine": {"writer": "a", "opener": "ra", "maintenance": "rd", "eraser": "rd"},
    "ledger": {"opener": "ra", "maintenance": "rd", "eraser": "rd"},
    "person_rollup": {"opener": "raw", "publisher": "r", "person": "r", "maintenance": "rd", "eraser": "rd"},
    "receipt": {"opener": "raw", "person": "r", "maintenance": "rd", "eraser": "rd"},
    "device_progress": {"opener": "raw", "publisher": "r", "person": "r", "api": "r", "maintenance": "r", "eraser": "rd", "alerts": "r"},
    "device_jti": {"ingest": "rad", "maintenance": "rd", "eraser": "rd"},
    "participation": {"person": "raw", "api": "r", "admin": "r", "maintenance": "r", "eraser": "rd", "alerts": "r"},
    "approval": {"admin": "raw", "person": "r", "maintenance": "rd", "eraser": "rd"},
    "counted_person": {"publisher": "ra", "person": "r", "maintenance": "r", "eraser": "rd"},
    "device_agent": {"opener": "raw", "person": "r", "api": "r", "admin": "r", "maintenance": "r", "eraser": "rd", "alerts": "r"},
    "alert": {"alerts": "raw", "api": "r", "admin": "r", "maintenance": "rd"},
    "alert_channel": {"alerts": "r", "admin": "rad", "maintenance": "r", "eraser": "rd"},
    "alert_mail": {"alerts": "r", "admin": "rad"},
    "alert_delivery": {"alerts": "raw", "api": "r", "admin": "ra", "maintenance": "rd"},
    "housekeeping": {"maintenance": "raw"},
    "sign_in": {"api": "r", "admin": "rawd"},
    "reader_identity": {"api": "rw", "admin": "rawd", "maintenance": "rd", "eraser": "rd"},
    "seal_key": {"admin": "rawd", "opener": "rw"},
}  # fmt: skip
_LETTERS = {"r": "SELECT", "a": "INSERT", "w": "UPDATE", "d": "DELETE"}


def _granted(owner: Database, role: str, table: str) -> str:
    """The letters a role has on a table, on the whole of it or on some columns."""
    found = ""
    for letter, privilege in _LETTERS.items():
        check = "has_table_privilege" if privilege == "DELETE" else "has_any_column_privilege"
        row = owner.run(
            f"select {check}(:role, :table, :privilege) as yes", role=role, table=table, privilege=privilege
        )
        found += letter if row[0]["yes"] else ""
    return found


@pytest.mark.parametrize("table", sorted(PIPELINE))
def test_each_table_is_open_to_those_who_need_it_only(pg: FreshDatabase, table: str) -> None:
    granted = {role: _granted(pg.owner, f"framekeep_{role}", table) for role in ROLES}
    assert {role: letters for role, letters in granted.items() if letters} == PIPELINE[table]


def test_nobody_but_the_listed_roles_may_enter(pg: FreshDatabase) -> None:
    rows = pg.owner.run(
        "select rolname::text as name, rolsuper, rolcreaterole, rolcreatedb, rolbypassrls from pg_roles "
        "where rolname like 'framekeep%' and rolname <> 'framekeep_owner'"
    )
    assert {row["name"] for row in rows} == {f"framekeep_{role}" for role in ROLES}
    assert not any(row[right] for row in rows for right in ("rolsuper", "rolcreaterole", "rolcreatedb", "rolbypassrls"))


def test_no_role_owns_or_creates_anything(pg: FreshDatabase) -> None:
    for role in ROLES:
        with pytest.raises(DatabaseError):
            pg.role(role).run("create table mine (id bigint)")
    rows = pg.owner.run(
        "select count(*) as n from pg_class where relowner::regrole::text like 'framekeep\\_%' and relowner::regrole::text <> 'framekeep_owner'"
    )
    assert rows == [{"n": 0}]


def test_the_managers_role_cannot_read_a_person_a_window_or_an_envelope(pg: FreshDatabase) -> None:
    for table in ("person_rollup", "ledger", "envelope", "quarantine", "receipt", "seal_key", "code"):
        with pytest.raises(DatabaseError):
            pg.role("api").run(f"select count(*) as n from {table}")


def test_the_writer_can_write_and_cannot_read_back(pg: FreshDatabase) -> None:
    writer = pg.role("writer")
    for statement in (
        "select count(*) as n from envelope",
        "update envelope set settled_at = now()",
        "delete from envelope",
        "select count(*) as n from device",
        "truncate envelope",
    ):
        with pytest.raises(DatabaseError):
            writer.run(statement)


def test_the_alerts_role_cannot_read_a_measurement_and_only_it_reads_secrets(pg: FreshDatabase) -> None:
    for table in ("person_rollup", "ledger", "envelope", "quarantine", "receipt", "seal_key", "person", "correction"):
        with pytest.raises(DatabaseError):
            pg.role("alerts").run(f"select count(*) as n from {table}")
    for column, table in (("secret", "alert_channel"), ("password", "alert_mail")):
        assert pg.role("alerts").run(f"select {column} from {table}") == []
        for role in ROLES[:-1]:
            with pytest.raises(DatabaseError):
                pg.role(role).run(f"select {column} from {table}")


def test_partitions_are_no_way_around_the_table(pg: FreshDatabase) -> None:
    part = pg.role("maintenance").run("select create_envelope_partition(to_timestamp(:now)) as name", now=NOW)[0][
        "name"
    ]
    for role in ROLES:
        with pytest.raises(DatabaseError):
            pg.role(role).run(f"select count(*) as n from {part}")


def test_people_see_their_own_rows_and_without_a_name_none(pg: FreshDatabase) -> None:
    world, other = World(pg.owner), World(pg.owner)
    laptop, colleague, stranger = world.laptop(), world.laptop(), other.laptop()
    for one in (laptop, colleague):
        world.store(one.seal(window(NOW - 3600)))
    other.store(stranger.seal(window(NOW - 3600)))
    keys = FakeSealKeys(world.seal_key, other.seal_key)
    Opener(pg.role("opener"), keys, FakeAlerts(), clock=lambda: NOW).drain()
    person = pg.role("person")
    for table in ("person_rollup", "receipt", "device", "organisation"):
        assert person.run(f"select count(*) as n from {table}") == [{"n": 0}]
    with person.transaction() as tx:
        tx.run("select set_config('framekeep.org', :org, true)", org=world.org)
        tx.run("select set_config('framekeep.person', :person, true)", person=laptop.person)
        assert tx.run("select person from person_rollup") == [{"person": laptop.person}]
        assert tx.run("select id from device") == [{"id": laptop.id}]
        assert tx.run("select device from receipt") == [{"device": laptop.id}]
        assert tx.run("select device from device_progress") == [{"device": laptop.id}]
        assert tx.run("select id from organisation") == [{"id": world.org}]
    assert person.run("select count(*) as n from person_rollup") == [{"n": 0}]  # the name ended with the transaction


def test_a_laptop_sees_nothing_of_colleagues(pg: FreshDatabase) -> None:
    world, owner = World(pg.owner), pg.owner
    me, colleague = world.person(), world.person()
    teams = ["a" * 32, "b" * 32]
    for team, person in zip(teams, (me, colleague), strict=True):
        owner.run("insert into team (id, org, name, time_zone) values (:id, :org, :id, 'UTC')", id=team, org=world.org)
        facts = {"org": world.org, "person": person, "team": team}
        owner.run(
            "insert into membership (org, person, month, team) values (:org, :person, '2025-11-01', :team)", **facts
        )
        owner.run(
            """insert into cohort_month (org, team, month, time_zone, frozen_at)
               values (:org, :team, '2025-11-01', 'UTC', now())""", org=world.org, team=team,
        )  # fmt: skip
        owner.run("insert into cohort (org, team, month, person) values (:org, :team, '2025-11-01', :person)", **facts)
        owner.run(
            """insert into code (id, org, person, secret_hash, expires_at)
               values (:id, :org, :person, sha256('x'), now())""", id=team, org=world.org, person=person,
        )  # fmt: skip
        for about, of in ((person, None), (None, team)):
            owner.run(
                """insert into access_log (org, at, reader, reader_name, action, team, person, allowed_because)
                   values (:org, now(), 'self', 'x', 'team_summary', :team, :person, 'x')""",
                org=world.org, team=of, person=about,
            )  # fmt: skip
    with pg.role("person").transaction() as tx:
        tx.run("select set_config('framekeep.org', :org, true)", org=world.org)
        tx.run("select set_config('framekeep.person', :person, true)", person=me)
        assert tx.run("select id from person") == [{"id": me}]
        for table in ("membership", "cohort", "code"):
            assert tx.run(f"select person from {table}") == [{"person": me}], table
        seen = tx.run("select person, team from access_log order by person")
        assert seen == [{"person": me, "team": None}, {"person": None, "team": teams[0]}]


def test_an_organisation_is_a_wall_for_those_who_answer_people(pg: FreshDatabase) -> None:
    world, other = World(pg.owner), World(pg.owner)
    world.person()
    other.person()
    for role in ("api", "person"):
        with pg.role(role).transaction() as tx:
            tx.run("select set_config('framekeep.org', :org, true)", org=world.org)
            assert {row["org"] for row in tx.run("select org from person")} <= {world.org}
