"""Retention: each thing is kept for its time and not longer; partitions exist before they are needed."""

from __future__ import annotations

from sync_service.local.seal_keys import FileSealKeys
from sync_service.maintenance import (
    DAY,
    WEEK,
    clock_is_right,
    destroy_expired_keys,
    keep_house,
    make_partitions,
    note_done,
)
from sync_service.opener import Opener
from tests.fakes import FakeAlerts, FakeSealKeys
from tests.pg import FreshDatabase
from tests.world import NOW, World, window


def _partitions(pg: FreshDatabase) -> list[str]:
    rows = pg.owner.run(
        "select inhrelid::regclass::text as name from pg_inherits where inhparent = 'envelope'::regclass"
    )
    return sorted(row["name"] for row in rows if row["name"].startswith("envelope_2"))


def _count(pg: FreshDatabase, table: str) -> int:
    return int(pg.owner.run(f"select count(*) as n from {table}")[0]["n"])


def test_partitions_are_weeks_from_monday_made_ahead_and_once(pg: FreshDatabase) -> None:
    make_partitions(pg.role("maintenance"), now=NOW)
    make_partitions(pg.role("maintenance"), now=NOW + 3 * DAY)  # next Monday
    assert _partitions(pg) == [
        f"envelope_{day}" for day in (20251110, 20251117, 20251124, 20251201, 20251208, 20251215, 20251222)
    ]


def test_sealed_rows_stay_until_opened_and_a_week_more(pg: FreshDatabase) -> None:
    world, house = World(pg.owner), pg.role("maintenance")
    laptop = world.laptop()
    world.store(laptop.seal(window(NOW - 3600)))
    keep_house(house, now=NOW + 10 * DAY)
    assert _count(pg, "envelope") == 1  # nobody opened it: it is not ours to drop
    Opener(pg.role("opener"), FakeSealKeys(world.seal_key), FakeAlerts(), clock=lambda: NOW + 10 * DAY).drain()
    keep_house(house, now=NOW + 17 * DAY)
    assert _count(pg, "envelope") == 1
    done = keep_house(house, now=NOW + 17 * DAY + 1)
    assert (done.deleted["sealed rows, after opening"], _count(pg, "envelope")) == (1, 0)


def test_only_past_and_empty_partitions_are_dropped(pg: FreshDatabase) -> None:
    world, house = World(pg.owner), pg.role("maintenance")
    make_partitions(house, now=NOW)
    world.store(world.laptop().seal(window(NOW - 3600)))  # never opened
    assert keep_house(house, now=NOW + 8 * WEEK).dropped_partitions == 5
    assert "envelope_20251117" in _partitions(pg)
    assert _count(pg, "envelope") == 1


def test_every_period_is_the_one_promised(pg: FreshDatabase) -> None:
    world, house = World(pg.owner), pg.role("maintenance")
    laptop = world.laptop()
    for policy, individual in (("p-1", False), ("p-2", True)):
        pg.owner.run(
            "insert into policy_terms values (:org, :policy, 1, :individual, 5)",
            org=world.org, policy=policy, individual=individual,
        )  # fmt: skip
    opener = Opener(pg.role("opener"), FakeSealKeys(world.seal_key), FakeAlerts(), clock=lambda: NOW)
    world.store(laptop.seal(window(NOW - 900), policy="p-1"), laptop.seal(window(NOW - 600), policy="p-2"))
    world.store(laptop.seal(window(NOW + 10 * DAY // 300 * 300)))
    opener.drain()

    kept = []
    for day in (0, 13, 15, 34, 36, 39, 41, 89, 91):
        keep_house(house, now=NOW + day * DAY)
        kept.append((day, *(_count(pg, table) for table in ("quarantine", "person_rollup", "ledger", "receipt"))))
    assert kept == [
        (0, 1, 2, 2, 3),
        (13, 1, 2, 2, 3),
        (15, 0, 2, 2, 3),
        (34, 0, 2, 2, 3),
        (36, 0, 1, 2, 3),
        (39, 0, 1, 2, 3),
        (41, 0, 1, 0, 0),
        (89, 0, 1, 0, 0),
        (91, 0, 0, 0, 0),
    ]


def test_a_seal_key_is_destroyed_when_its_time_is_over_and_nothing_waits_for_it(pg: FreshDatabase, tmp_path) -> None:
    world, keys = World(pg.owner), FileSealKeys(tmp_path / "keys")
    keys.add(world.seal_key)
    public = world.seal_key.public
    pg.owner.run(
        """insert into seal_key (id, org, suite, public, seal_until, open_until)
           values (:id, :org, 1, :public, to_timestamp(:now), to_timestamp(:now))""",
        id=public.id, org=world.org, public=public.raw, now=NOW,
    )  # fmt: skip
    world.store(world.laptop().seal(window(NOW - 3600)))
    database, alerts = pg.role("opener"), FakeAlerts()

    def destroy(now: int, inbox_oldest: int | None = None) -> int:
        return destroy_expired_keys(database, keys, alerts, now=now, inbox_oldest=inbox_oldest)

    assert destroy(NOW - 1) == 0
    assert destroy(NOW) == 0  # a row waits
    assert Opener(database, keys, alerts, clock=lambda: NOW).drain().windows == 1
    for received in (NOW - 5000, NOW):
        assert destroy(NOW + 10 * DAY, received) == 0  # so does a delivery that may be for this key
    assert keys.find(public.id) is not None
    assert destroy(NOW + 10 * DAY, NOW + 1) == 1  # this one came later: it cannot be
    assert keys.find(public.id) is None
    assert list((tmp_path / "keys").glob("*.key")) == []
    assert destroy(NOW + 10 * DAY) == 0


def test_a_clock_that_jumps_deletes_nothing_until_somebody_confirms_it(pg: FreshDatabase) -> None:
    world, house, alerts = World(pg.owner), pg.role("maintenance"), FakeAlerts()
    laptop = world.laptop()
    assert clock_is_right(house, alerts, now=NOW)  # nothing is here that could be lost
    world.store(laptop.seal(window(NOW - 3600)))
    ahead = NOW + 5 * 365 * DAY
    assert not clock_is_right(house, alerts, now=ahead)  # not even on the very first run
    note_done(house, now=NOW)
    assert clock_is_right(house, alerts, now=NOW + 2 * DAY)
    assert not clock_is_right(house, alerts, now=ahead)
    world.store(laptop.seal(window(NOW), created=NOW + 3600), received=ahead)  # laptops know better
    assert not clock_is_right(house, alerts, now=ahead + 3600)
    assert alerts.raised[-1] == ("clock_jumped", {"days": 5 * 365})
    assert clock_is_right(house, alerts, now=NOW + 2 * DAY)  # set right again
    assert clock_is_right(house, FakeAlerts(), now=ahead, confirmed=True)  # a person says so


def test_a_service_that_was_off_for_long_goes_on_with_the_first_envelope(pg: FreshDatabase) -> None:
    world, house = World(pg.owner), pg.role("maintenance")
    laptop = world.laptop()
    note_done(house, now=NOW)
    later = NOW + 60 * DAY
    assert not clock_is_right(house, FakeAlerts(), now=later)
    world.store(laptop.seal(window(NOW), created=later - 600), received=later)
    assert clock_is_right(house, FakeAlerts(), now=later)
    note_done(house, now=later)
    assert clock_is_right(house, FakeAlerts(), now=later + DAY)
