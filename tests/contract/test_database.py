"""What every driver of the Database port promises. (A fake SQL database would only test itself: there is none.)"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from sync_service.errors import DatabaseError, MigrationError, PoisonError, Unavailable
from sync_service.local.database import PostgresDatabase, rewrite
from sync_service.migrate import Migration, migrate, pending, read_migrations
from sync_service.ports import Database
from tests.pg import FreshDatabase


@pytest.fixture(params=["psycopg"])
def database(request: pytest.FixtureRequest, pg: FreshDatabase) -> Database:
    pg.owner.run("create table thing (id bigint primary key, name text, raw bytea, flag boolean, at timestamptz)")
    return pg.owner


def test_every_kind_of_value_survives_the_way_there_and_back(database: Database) -> None:
    big, text, raw = 2**53 - 1, "naïve ' \" % :name ☃ \\", bytes(range(256))
    database.run(
        "insert into thing values (:id, :name, :raw, :flag, to_timestamp(:at))",
        id=big, name=text, raw=raw, flag=True, at=1763760000,
    )  # fmt: skip
    database.run("insert into thing values (:id, :name, :raw, :flag, null)", id=-1, name=None, raw=None, flag=None)
    rows = database.run("select id, name, raw, flag, extract(epoch from at)::bigint as at from thing order by id desc")
    assert rows == [
        {"id": big, "name": text, "raw": raw, "flag": True, "at": 1763760000},
        {"id": -1, "name": None, "raw": None, "flag": None, "at": None},
    ]


def test_colons_that_are_no_parameters_are_left_alone(database: Database) -> None:
    row = database.run("select ':no' as a, 5::bigint as b, $q$ :no % $q$ as c, :yes::text as d -- :no\n", yes="x")[0]
    assert row == {"a": ":no", "b": 5, "c": " :no % ", "d": "x"}
    assert rewrite("a = :b and c = 'it''s :d' /* :e */") == "a = %(b)s and c = 'it''s :d' /* :e */"


def test_rows_travel_as_one_json_parameter(database: Database) -> None:
    database.run(
        """insert into thing (id, name) select (r->>0)::bigint, r->>1
           from jsonb_array_elements(cast(:rows as jsonb)) as r""",
        rows='[[1,"a"],[2,"b"]]',
    )
    assert [row["name"] for row in database.run("select name from thing order by id")] == ["a", "b"]


def test_a_transaction_commits_as_a_whole_or_not_at_all(database: Database) -> None:
    with database.transaction() as tx:
        tx.run("insert into thing (id) values (1)")
        assert database.run("select id from thing") == []  # nobody else sees it yet
    assert database.run("select id from thing") == [{"id": 1}]
    with pytest.raises(RuntimeError), database.transaction() as tx:
        tx.run("insert into thing (id) values (2)")
        raise RuntimeError
    with pytest.raises(PoisonError), database.transaction() as tx:
        tx.run("insert into thing (id) values (3)")
        tx.run("insert into thing (id) values (1)")
    assert database.run("select id from thing") == [{"id": 1}]
    with pytest.raises(DatabaseError), database.transaction() as tx, tx.transaction():
        pass


def test_errors_say_whether_repeating_can_help(database: Database) -> None:
    with pytest.raises(PoisonError):
        database.run("select (:text)::bigint as n", text="not a number")
    with pytest.raises(PoisonError) as info:
        database.run("insert into thing (id, name) values (1, 'x'), (1, :name)", name="somebody's secret")
    assert "secret" not in str(info.value)
    with pytest.raises(DatabaseError):
        database.run("select nonsense from nowhere")


@pytest.mark.parametrize("text", ["\0", "a\0b", "\ud800"])
def test_text_no_database_holds_is_poison_not_an_outage(database: Database, text: str) -> None:
    with pytest.raises(PoisonError):
        database.run("select cast(:text as text) as text", text=text)
    assert database.run("select cast(:text as text) as text", text="fine") == [{"text": "fine"}]


def test_a_statement_that_only_one_driver_would_take_is_refused(database: Database) -> None:
    with pytest.raises(DatabaseError, match="cast it"):
        database.run("select now() as at")
    with pytest.raises(DatabaseError, match="cast it"):
        database.run("select 1.5 as n")
    with pytest.raises(DatabaseError, match="send an int"):
        database.run("select :x as x", x=1.5)  # type: ignore[arg-type]  # what the port forbids
    with pytest.raises(DatabaseError):  # strings are varchar: without a cast they are no uuid
        database.run("select :x = gen_random_uuid() as same", x="00000000-0000-0000-0000-000000000000")


def test_threads_share_one_database(database: Database) -> None:
    def work(base: int) -> None:
        for n in range(20):
            with database.transaction() as tx:
                tx.run("insert into thing (id) values (:id)", id=base + n)

    threads = [threading.Thread(target=work, args=(base,)) for base in range(0, 1200, 100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert database.run("select count(*) as n from thing") == [{"n": 240}]


def test_asking_beside_a_transaction_never_waits_for_oneself(pg: FreshDatabase) -> None:
    database = PostgresDatabase(pg.conninfo("framekeep_owner"), size=2)
    everybody_inside = threading.Barrier(2)

    def work() -> int:
        with database.transaction() as tx:
            tx.run("select 1 as one")
            everybody_inside.wait(10)  # all connections of the pool are in transactions now
            return int(database.run("select 2 as two")[0]["two"])

    with ThreadPoolExecutor(2) as pool:
        assert [one.result(20) for one in [pool.submit(work), pool.submit(work)]] == [2, 2]
    database.close()


def test_a_lock_that_is_never_let_go_is_not_waited_for_forever(pg: FreshDatabase) -> None:
    database = PostgresDatabase(pg.conninfo("framekeep_owner"))
    database.run("create table thing (id bigint)")
    with database.transaction() as tx:
        tx.run("lock table thing in access exclusive mode")
        other = PostgresDatabase(pg.conninfo("framekeep_owner"))
        with pytest.raises(Unavailable), other.transaction() as waiting:
            waiting.run("set local lock_timeout = '50ms'")  # by default it is longer than a test should take
            waiting.run("select count(*) as n from thing")
        settings = other.run("select current_setting('lock_timeout') as a")
    assert settings == [{"a": "20s"}]
    database.close()
    other.close()


def test_after_the_server_dropped_it_a_connection_is_replaced(pg: FreshDatabase) -> None:
    database = PostgresDatabase(pg.conninfo("framekeep_owner"))
    other = PostgresDatabase(pg.conninfo("framekeep_owner"))
    pid = database.run("select pg_backend_pid() as pid")[0]["pid"]
    other.run("select pg_terminate_backend(cast(:pid as integer)) as done", pid=pid)
    with pytest.raises(Unavailable):
        database.run("select 1 as one")
    assert database.run("select 1 as one") == [{"one": 1}]
    database.close()
    other.close()


def test_no_server_is_a_moment_to_wait_not_a_crash() -> None:
    with pytest.raises(Unavailable):
        PostgresDatabase("host=/nonexistent user=nobody dbname=none").run("select 1 as one")


def test_migrations_apply_once_and_are_recorded(database: Database) -> None:
    migrations = read_migrations()
    assert migrate(database, migrations) == []
    recorded = {row["name"]: row["sha256"] for row in database.run("select name, sha256 from schema_migration")}
    assert recorded == {migration.name: migration.sha256 for migration in migrations}
    more = [*migrations, Migration(f"{len(migrations) + 1:04}_more.sql", "create table more (id bigint); select 1")]
    assert migrate(database, more) == [more[-1].name]


def test_an_edited_missing_or_late_migration_is_refused() -> None:
    one, two = Migration("0001_a.sql", "select 1"), Migration("0002_b.sql", "select 2")
    assert pending([one, two], {"0001_a.sql": one.sha256}) == [two]
    with pytest.raises(MigrationError, match="edited"):
        pending([Migration("0001_a.sql", "select 3"), two], {"0001_a.sql": one.sha256})
    with pytest.raises(MigrationError, match="newer"):
        pending([one], {"0001_a.sql": one.sha256, "0002_b.sql": two.sha256})
    with pytest.raises(MigrationError, match="renumber"):
        pending([one, two], {"0002_b.sql": two.sha256})


def test_a_failing_migration_leaves_nothing_behind(database: Database) -> None:
    bad = [*read_migrations(), Migration("9999_bad.sql", "create table half (id bigint); select nonsense")]
    with pytest.raises(DatabaseError):
        migrate(database, bad)
    assert database.run("select to_regclass('half') is null as gone") == [{"gone": True}]
