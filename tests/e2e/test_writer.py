"""Between inbox and table nothing is lost: poison stands alone, an outage waits, a week nobody prepared is made."""

from __future__ import annotations

from contextlib import AbstractContextManager

import pytest

from agent.wire.envelope import format_body
from sync_service.errors import PoisonError, Unavailable
from sync_service.ports import Database, Param, Row
from sync_service.writer import Writer, Written
from tests.fakes import FakeAlerts, FakeInbox
from tests.pg import FreshDatabase
from tests.world import NOW, World, window


class Hostile:
    """A writer's database that refuses what contains one of `poison`, and everything while `away`."""

    def __init__(self, inner: Database, *poison: str) -> None:
        self.inner, self.poison, self.away, self.statements = inner, poison, False, 0

    def run(self, sql: str, /, **params: Param) -> list[Row]:
        if self.away:
            raise Unavailable("gone")
        if "insert" in sql:
            self.statements += 1
            if any(bad in str(params) for bad in self.poison):
                raise PoisonError("the database refuses these values")
        return self.inner.run(sql, **params)

    def transaction(self) -> AbstractContextManager[Database]:
        raise AssertionError("the writer needs one statement a batch")


def _stored(pg: FreshDatabase) -> list[str]:
    return [row["id"] for row in pg.owner.run("select id::text as id from envelope order by row")]


def test_a_batch_becomes_rows_in_one_statement_as_the_writer_s_role(pg: FreshDatabase) -> None:
    world, inbox = World(pg.owner), FakeInbox()
    envelopes = [world.laptop().seal(window(NOW - 300)) for _ in range(20)]
    for one in envelopes:
        inbox.put(world.org, format_body(one), received=NOW)
    database = Hostile(pg.role("writer"))
    assert Writer(inbox, database, FakeAlerts()).step() == Written(stored=20)
    assert database.statements == 1
    assert _stored(pg) == [str(one.id) for one in envelopes]
    assert inbox.messages == {}
    row = pg.owner.run(
        "select org, device, key, suite, created, sealed, sig, extract(epoch from received_at)::bigint as received from envelope order by row"
    )[0]
    first = envelopes[0]
    assert row == {
        "org": world.org, "device": first.device, "key": first.key, "suite": 1, "created": NOW, "sealed": first.sealed,
        "sig": first.sig, "received": NOW,
    }  # fmt: skip


def test_poison_is_found_by_halving_and_the_rest_goes_in(pg: FreshDatabase) -> None:
    world, inbox, alerts = World(pg.owner), FakeInbox(), FakeAlerts()
    envelopes = [world.laptop().seal(window(NOW - 300)) for _ in range(64)]
    for one in envelopes:
        inbox.put(world.org, format_body(one), received=NOW)
    bad = envelopes[37]

    class RefusesRow(Hostile):
        def run(self, sql: str, /, **params: Param) -> list[Row]:
            if "into quarantine" in sql:
                return self.inner.run(sql, **params)
            return super().run(sql, **params)

    database = RefusesRow(pg.role("writer"), str(bad.id))
    assert Writer(inbox, database, alerts).step() == Written(stored=63, quarantined=1)
    assert _stored(pg) == [str(one.id) for one in envelopes if one is not bad]
    assert world.quarantined() == [("unwritable", [])]
    assert database.statements < 16  # halving, not one by one
    assert inbox.messages == {}
    assert [kind for kind, _ in alerts.raised] == ["quarantined"]


def test_what_not_even_quarantine_takes_stays_in_the_inbox_apart(pg: FreshDatabase) -> None:
    world, inbox = World(pg.owner), FakeInbox()
    good, bad = (world.laptop().seal(window(NOW - 300)) for _ in range(2))
    for one in (good, bad):
        inbox.put(world.org, format_body(one), received=NOW)
    inbox.put(world.org, b"damaged on the disk", received=NOW)
    database = Hostile(pg.role("writer"), str(bad.id))
    assert Writer(inbox, database, FakeAlerts()).step() == Written(stored=1, set_aside=2)
    assert [reason for _, reason in inbox.aside] == ["malformed", "unwritable"] or [r for _, r in inbox.aside] == [
        "unwritable",
        "malformed",
    ]
    assert (inbox.messages, _stored(pg)) == ({}, [str(good.id)])


def test_while_the_database_is_away_everything_waits(pg: FreshDatabase) -> None:
    world, inbox = World(pg.owner), FakeInbox()
    inbox.put(world.org, world.laptop().body(window(NOW - 300)), received=NOW)
    database = Hostile(pg.role("writer"))
    database.away = True
    writer = Writer(inbox, database, FakeAlerts())
    for _ in range(3):
        with pytest.raises(Unavailable):
            writer.step()
    database.away = False
    assert writer.step() == Written(stored=1)
    assert writer.step() == Written()


def test_weeks_nobody_prepared_are_made_on_the_way(pg: FreshDatabase) -> None:
    world, inbox = World(pg.owner), FakeInbox()
    laptop = world.laptop()
    for week in range(0, 60, 7):
        inbox.put(world.org, laptop.body(window(NOW - 300)), received=NOW + week * 7 * 86400)
    assert Writer(inbox, pg.role("writer"), FakeAlerts()).step() == Written(stored=9)
