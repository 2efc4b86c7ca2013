"""Promise: in a large organisation no question of a manager, and no work of the service's own, reads a whole large table.

The database itself is asked: it counts the rows each table gave up to sequential scans, also inside functions and for
row-level security. The organisation is smaller than the bench's (`framekeep-sync bench --queries`), and large enough
for the planner to prefer an index where there is one; the last test takes indexes away and must be told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from sync_service.access_log import about_person
from sync_service.app import Store, open_store, wall_clock
from sync_service.authz import enter
from sync_service.bench_organisation import DAY, Size, last_workday, person_id
from sync_service.bench_queries import QUESTIONS, Office, Question, make_organisation
from sync_service.local.alerts import LogAlerts
from sync_service.local.database import PostgresDatabase
from sync_service.local.postgres import FAST, OWNER
from sync_service.maintenance import keep_house
from sync_service.opener import Opener
from sync_service.publisher import Publisher
from sync_service.timetable import SLOT_SECONDS
from tests.world import World, window

SIZE = Size(people=300, team=20, rollup_days=40, slots=8, blocks=6, ledger_days=5)
LARGE = ("person_rollup", "released_block", "released_day", "access_log", "ledger", "receipt", "cohort")
"""Tables that grow with people times time."""
ROLES = ("api", "person", "admin", "ingest", "publisher", "opener", "maintenance", "writer")
FEW = 0.1
"""Part of a table that may be read in sequence before it counts as all of it."""


NOT_THERE = frozenset({"agreement"})
"""Questions about what the organisation does not have. Any other 404 would measure a refusal instead of a plan."""


def expected(question: Question) -> int:
    """The status of the answer that shows the question was worked on."""
    return 404 if question.name in NOT_THERE else 200


@dataclass
class Place:
    """The organisation, its store and the owner's eyes."""

    store: Store
    org: str
    now: int
    owner: PostgresDatabase
    office: Office
    sizes: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for table in LARGE:
            self.sizes[table] = self.owner.run(f"select count(*) as n from {table}")[0]["n"]
        self.owner.run("select pg_stat_force_next_flush()")

    @contextmanager
    def watched(self, what: str) -> Iterator[None]:
        """Fails when a large table is read in sequence inside."""
        before = self._read()
        yield
        read = {table: after - before[table] for table, after in self._read().items()}
        scanned = {table: n for table, n in read.items() if n > FEW * self.sizes[table]}
        assert not scanned, f"{what} reads in sequence: {scanned} of {self.sizes}"

    def _read(self) -> dict[str, int]:
        for role in ROLES:  # each connection keeps its counts to itself until it is told to hand them in
            self.store.database(role).run("select pg_stat_force_next_flush()")
        rows = self.owner.run("select relname::text as name, seq_tup_read as n from pg_stat_user_tables")
        return {row["name"]: row["n"] for row in rows if row["name"] in LARGE}


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    now = wall_clock()
    with TemporaryDirectory(prefix="framekeep-plans-") as name:
        Path(name).chmod(0o711)
        with open_store(Path(name), settings=FAST) as store:
            org = make_organisation(store, SIZE, now=now)
            assert store.server is not None
            owner = PostgresDatabase(store.server.conninfo(OWNER), size=1)
            office = Office(store, org, SIZE, now)
            yield Place(store, org, now, owner, office)
            office.close()
            owner.close()


def test_the_organisation_is_large_enough_for_the_planner_to_care(place: Place) -> None:
    for table in LARGE:
        assert place.sizes[table] > 4000, f"{table} is too small to tell"


@pytest.mark.parametrize("name", [question.name for question in QUESTIONS])
def test_no_question_of_a_reader_reads_a_large_table_in_sequence(place: Place, name: str) -> None:
    for question, endpoint in place.office.questions():
        if question.name == name:
            with place.watched(name):
                assert place.office.ask(question, endpoint).status == expected(question)


def test_no_other_question_of_a_reader_reads_a_large_table_in_sequence(place: Place) -> None:
    for question, endpoint in place.office.questions():
        if question not in QUESTIONS:
            with place.watched(question.name):
                assert place.office.ask(question, endpoint).status == expected(question)


def test_what_a_laptop_asks_for_its_person_reads_no_large_table_in_sequence(place: Place) -> None:
    person = person_id(place.org, 7, place.owner)
    with place.watched("a person's own access log"), place.store.database("person").transaction() as tx:
        enter(tx, place.org, person)
        assert about_person(tx, person)


def test_the_publisher_reads_no_large_table_in_sequence(place: Place) -> None:
    due = place.now + 3 * DAY
    publisher = place.store.database("publisher")
    publisher.run(
        "insert into uptime (started_at, last_at) values (to_timestamp(:a), to_timestamp(:b))",
        a=place.now - 30 * DAY,
        b=due,
    )
    with place.watched("the publisher"):
        done = Publisher(publisher, LogAlerts()).run(due, first_day=last_workday(place.now))
    assert done.blocks > 0


def test_the_opener_reads_no_large_table_in_sequence(place: Place) -> None:
    world = World(place.owner)
    place.store.seal_keys.add(world.seal_key)
    laptop = world.laptop()
    start = (place.now - DAY) // SLOT_SECONDS * SLOT_SECONDS
    world.store(laptop.seal(window(start), created=place.now), received=place.now)
    opener = Opener(place.store.database("opener"), place.store.seal_keys, LogAlerts(), clock=lambda: place.now)
    with place.watched("the opener"):
        assert opener.drain().windows == 1


def test_housekeeping_reads_no_large_table_in_sequence(place: Place) -> None:
    with place.watched("housekeeping"):  # an hour's usual run finds next to nothing
        keep_house(place.store.database("maintenance"), now=place.now - 30 * DAY)


def ask(name: str) -> Callable[[Place], None]:
    def act(place: Place) -> None:
        question, endpoint = next(one for one in place.office.questions() if one[0].name == name)
        assert place.office.ask(question, endpoint).status == 200

    return act


@pytest.mark.parametrize(
    ("act", "drop"),
    [
        (ask("one person, 35 days"), "alter table person_rollup drop constraint person_rollup_pkey"),
        (ask("team, 14 days by block"), "alter table released_block drop constraint released_block_pkey cascade"),
    ],
    ids=["one person", "team"],
)
def test_without_an_index_the_test_is_told(place: Place, act: Callable[[Place], None], drop: str) -> None:
    """Last in this file: what is taken away is not given back."""
    place.owner.run(drop)
    with pytest.raises(AssertionError, match="reads in sequence"), place.watched("what lost its index"):
        act(place)
