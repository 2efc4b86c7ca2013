"""Every window is counted exactly once, whatever the rows in the table look like."""

from __future__ import annotations

import dataclasses
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.wire.seal import SealKey
from sync_service.errors import PoisonError, Unavailable
from sync_service.opener import OpenedBatch, Opener
from sync_service.opening import Opened, Rejected, SealedRow, open_row
from sync_service.ports import Database, Param, Row
from tests.fakes import FakeAlerts, FakeSealKeys
from tests.pg import FreshDatabase
from tests.world import NOW, Laptop, World, window


class Bench:
    """A world with an opener at NOW."""

    def __init__(self, pg: FreshDatabase) -> None:
        self.pg, self.now = pg, NOW
        self.world = World(pg.owner)
        self.keys = FakeSealKeys(self.world.seal_key)
        self.alerts = FakeAlerts()
        self.opener = self.new_opener(pg.role("opener"))

    def new_opener(self, database: Database, batch: int = 500) -> Opener:
        return Opener(database, self.keys, self.alerts, clock=lambda: self.now, batch=batch)

    def counted(self) -> int:
        return sum(row["windows"] for row in self.world.rollups())

    def waiting(self) -> int:
        return int(self.pg.owner.run("select count(*) as n from envelope where settled_at is null")[0]["n"])


@pytest.fixture
def bench(pg: FreshDatabase) -> Bench:
    return Bench(pg)


T = (NOW - 3600) // 900 * 900


def test_windows_become_a_quarter_hour_of_one_person(bench: Bench) -> None:
    laptop = bench.world.laptop()
    bench.world.store(laptop.seal(window(T, 300), window(T + 300, 200), window(T + 600, 100), window(T + 900, 0)))
    assert bench.opener.drain() == OpenedBatch(rows=1, windows=4)
    assert bench.world.rollups() == [
        {
            "person": laptop.person, "slot": T, "policy": "p-1", "at_screen": 600, "absent": 300, "observed": 900,
            "frames": 90, "windows": 3,
        },
        {
            "person": laptop.person, "slot": T + 900, "policy": "p-1", "at_screen": 0, "absent": 300, "observed": 300,
            "frames": 30, "windows": 1,
        },
    ]  # fmt: skip
    assert set(bench.world.receipts().values()) == {"opened"}
    assert bench.alerts.raised == []


def test_a_later_envelope_adds_to_the_same_quarter(bench: Bench) -> None:
    laptop = bench.world.laptop()
    for start in (T, T + 300, T + 600):
        bench.world.store(laptop.seal(window(start)))
        bench.opener.drain()
    assert [(row["windows"], row["at_screen"]) for row in bench.world.rollups()] == [(3, 900)]


def test_the_same_row_many_times_counts_once(bench: Bench) -> None:
    laptop = bench.world.laptop()
    envelope = laptop.seal(window(T), window(T + 300))
    bench.world.store(envelope, envelope, envelope)
    assert bench.opener.drain() == OpenedBatch(rows=3, windows=2, replayed=4)
    bench.world.store(envelope, received=NOW + 86400)  # and again the next day
    bench.now += 86400
    assert bench.opener.drain() == OpenedBatch(rows=1, replayed=2)
    assert bench.counted() == 2
    assert bench.world.quarantined() == []
    assert bench.world.receipts() == {str(envelope.id): "opened"}


def test_the_same_windows_sealed_again_under_another_id_key_and_policy_count_once(bench: Bench) -> None:
    laptop = bench.world.laptop()
    newer = SealKey.generate(suite=2)
    bench.keys.add(newer)
    first, again = laptop.seal(window(T)), laptop.seal(window(T), window(T + 300), key=newer, policy="p-2")
    bench.world.store(first, again)
    assert bench.opener.drain() == OpenedBatch(rows=2, windows=2, replayed=1)
    assert [row["windows"] for row in bench.world.rollups()] == [1, 1]
    assert bench.world.receipts() == {str(first.id): "opened", str(again.id): "opened"}


def test_the_same_window_with_another_content_is_set_aside_and_never_summed(bench: Bench) -> None:
    laptop = bench.world.laptop()
    honest, lie = laptop.seal(window(T, 100)), laptop.seal(window(T, 300), window(T + 300, 50))
    bench.world.store(honest)
    bench.opener.drain()
    bench.world.store(lie, lie)
    done = bench.opener.drain()
    assert (done.windows, done.quarantined) == (1, Counter(conflict=2))
    assert [(row["at_screen"], row["windows"]) for row in bench.world.rollups()] == [(150, 2)]
    assert bench.world.quarantined() == [("conflict", [T])]  # the repetition is kept once
    assert bench.world.receipts() == {str(honest.id): "opened", str(lie.id): "set_aside"}


def test_a_conflict_inside_one_batch_keeps_what_came_first(bench: Bench) -> None:
    laptop = bench.world.laptop()
    bench.world.store(laptop.seal(window(T, 100)))
    bench.world.store(laptop.seal(window(T, 300)), received=NOW + 1)
    done = bench.opener.step()
    assert (done.windows, done.quarantined) == (1, Counter(conflict=1))
    assert bench.world.rollups()[0]["at_screen"] == 100


@pytest.mark.parametrize("together", [True, False])
def test_of_two_devices_of_one_person_the_first_wins_each_window(bench: Bench, together: bool) -> None:
    person = bench.world.person()
    desk, home = bench.world.laptop(person), bench.world.laptop(person)
    bench.world.store(desk.seal(window(T, 100)))
    if not together:
        bench.opener.drain()
    bench.world.store(home.seal(window(T, 300), window(T + 300, 300)), received=NOW + 1)
    bench.opener.drain()
    assert [(row["at_screen"], row["windows"]) for row in bench.world.rollups()] == [(400, 2)]
    assert bench.world.quarantined() == []
    # The second device's window is known too: a repetition is nothing new, another content is a conflict.
    bench.world.store(home.seal(window(T, 300)), home.seal(window(T, 1)))
    done = bench.opener.drain()
    assert (done.replayed, done.quarantined) == (1, Counter(conflict=1))
    assert bench.counted() == 2


def test_rows_no_device_of_ours_made_count_for_nothing(bench: Bench) -> None:
    laptop = bench.world.laptop()
    stranger = Laptop(bench.world.org, laptop.person, Ed25519PrivateKey.generate(), bench.world.seal_key)
    other_world = World(bench.pg.owner)
    good = laptop.seal(window(T))
    bench.world.store(stranger.seal(window(T)))
    bench.world.store(dataclasses.replace(good, sig=bytes(64)))
    bench.world.store(dataclasses.replace(good, id=uuid4()))
    bench.world.store(dataclasses.replace(good, created=good.created + 1))
    bench.world.store(good, org=other_world.org)
    done = bench.opener.drain()
    assert done.windows == 0
    assert done.quarantined == Counter(unknown_device=2, bad_signature=3)
    assert bench.world.receipts() == {}  # nobody is told that a laptop's own envelope was dealt with
    bench.world.store(good)
    assert bench.opener.drain().windows == 1
    assert bench.world.receipts() == {str(good.id): "opened"}


def test_a_signed_envelope_that_does_not_open_is_set_aside_and_can_be_opened_later(bench: Bench) -> None:
    laptop = bench.world.laptop()
    lost_key = SealKey.generate()
    waiting = laptop.seal(window(T), key=lost_key)
    bench.world.store(waiting)
    assert bench.opener.drain().quarantined == Counter(unknown_key=1)
    assert bench.world.receipts() == {str(waiting.id): "set_aside"}
    bench.keys.add(lost_key)
    bench.world.store(waiting)
    assert bench.opener.drain().windows == 1
    assert bench.world.receipts() == {str(waiting.id): "opened"}


def test_windows_of_the_future_and_of_long_ago_are_set_aside_the_others_count(bench: Bench) -> None:
    laptop = bench.world.laptop()
    old_edge, future_edge = NOW - 35 * 86400, NOW + 600 - 300
    bench.world.store(
        laptop.seal(
            window(old_edge - 300), window(old_edge), window(future_edge), window(future_edge + 300), window(NOW + 10**9 // 300 * 300)
        )
    )  # fmt: skip
    done = bench.opener.drain()
    assert done.windows == 2
    assert bench.world.quarantined() == [
        ("future", [future_edge + 300, NOW + 10**9 // 300 * 300]),
        ("too_old", [old_edge - 300]),
    ]
    assert set(bench.world.receipts().values()) == {"set_aside"}


def test_a_row_opened_so_late_that_the_ledger_may_have_forgotten_is_not_counted_again(bench: Bench) -> None:
    laptop = bench.world.laptop()
    bench.world.store(laptop.seal(window(NOW - 34 * 86400), window(T)))
    bench.now = NOW + 6 * 86400
    assert bench.opener.drain().windows == 1
    assert bench.world.quarantined() == [("too_old", [NOW - 34 * 86400])]


def test_clocks_ten_years_off_never_break_a_batch(bench: Bench) -> None:
    laptop, fine = bench.world.laptop(), bench.world.laptop()
    far = (2**53 - 1) // 300 * 300
    bench.world.store(laptop.seal(window(0), window(far), created=2**53 - 1), fine.seal(window(T)))
    assert bench.opener.drain().windows == 1
    assert bench.world.quarantined() == [("future", [far]), ("too_old", [0])]


def test_misshapen_rows_are_set_aside(bench: Bench) -> None:
    laptop = bench.world.laptop()
    bench.world.store(laptop.seal(window(T)))
    bench.pg.owner.run(
        """insert into envelope (org, device, id, created, key, suite, sealed, sig, received_at)
           select org, device, id, -1, key, 9, ''::bytea, ''::bytea, received_at from envelope"""
    )
    done = bench.opener.drain()
    assert (done.rows, done.windows, done.quarantined) == (2, 1, Counter(malformed=1))


class Poisoned:
    """A database that refuses any batch with windows of one device, as if its rows broke a rule of the table."""

    def __init__(self, inner: Database, device: str) -> None:
        self.inner, self.device = inner, device

    def run(self, sql: str, /, **params: Param) -> list[Row]:
        if "into ledger" in sql and self.device in str(params["rows"]):
            raise PoisonError("the database refuses these values")
        return self.inner.run(sql, **params)

    def transaction(self):  # type: ignore[no-untyped-def]  # a context manager of Poisoned
        from contextlib import contextmanager

        @contextmanager
        def begin():  # type: ignore[no-untyped-def]  # as above
            with self.inner.transaction() as tx:
                yield Poisoned(tx, self.device)

        return begin()


def test_a_poison_row_goes_aside_and_never_blocks_the_rest(bench: Bench) -> None:
    laptops = [bench.world.laptop() for _ in range(9)]
    for number, laptop in enumerate(laptops):
        bench.world.store(laptop.seal(window(T)), received=NOW + number)
    opener = bench.new_opener(Poisoned(bench.pg.role("opener"), laptops[4].id), batch=8)
    done = opener.drain()
    assert (done.rows, done.windows, done.quarantined) == (9, 8, Counter(poison=1))
    assert bench.waiting() == 0
    assert ("quarantined", {"poison": 1}) in bench.alerts.raised


def test_a_database_that_is_away_changes_nothing(bench: Bench) -> None:
    bench.world.store(bench.world.laptop().seal(window(T)))

    class Away(Poisoned):
        def run(self, sql: str, /, **params: Param) -> list[Row]:
            if "into receipt" in sql:
                raise Unavailable("gone")
            return self.inner.run(sql, **params)

        def transaction(self):  # type: ignore[no-untyped-def]  # as in Poisoned
            from contextlib import contextmanager

            @contextmanager
            def begin():  # type: ignore[no-untyped-def]  # as above
                with self.inner.transaction() as tx:
                    yield Away(tx, "")

            return begin()

    with pytest.raises(Unavailable):
        bench.new_opener(Away(bench.pg.role("opener"), "")).step()
    assert (bench.counted(), bench.waiting()) == (0, 1)
    assert bench.opener.drain().windows == 1


@pytest.mark.parametrize("call", ["find", "ledger_secret"])
@pytest.mark.parametrize(
    "fault", [OSError(24, "too many open files"), OSError(5, "input/output error"), PermissionError(13), MemoryError()]
)
def test_a_fault_of_the_machine_gives_up_no_row(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, call: str, fault: Exception
) -> None:
    laptop = bench.world.laptop()
    bench.world.store(*(laptop.seal(window(T + 300 * n)) for n in range(3)))

    def fail(*_: object) -> None:
        raise fault

    with monkeypatch.context() as patch:
        patch.setattr(bench.keys, call, fail)
        for _ in range(4):
            with pytest.raises(Unavailable):
                bench.opener.step()
    assert (bench.waiting(), bench.world.quarantined()) == (3, [])
    assert bench.opener.drain() == OpenedBatch(rows=3, windows=3)


def test_a_row_that_trips_its_reader_goes_aside_alone(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    laptop, odd = bench.world.laptop(), bench.world.laptop()
    bench.world.store(laptop.seal(window(T)), odd.seal(window(T)), laptop.seal(window(T + 300)))

    def trips(row: SealedRow, **facts: Any) -> Opened | Rejected:
        if row.envelope.device == odd.id:
            raise IndexError("a defect nobody foresaw")
        return open_row(row, **facts)

    monkeypatch.setattr("sync_service.opener.open_row", trips)
    done = bench.opener.drain()
    assert (done.rows, done.windows, done.quarantined) == (3, 2, Counter(poison=1))
    assert bench.world.quarantined() == [("poison", [])]


def test_two_openers_at_once_count_once(bench: Bench) -> None:
    person = bench.world.person()
    laptops = [bench.world.laptop(person if number < 2 else None) for number in range(6)]
    for number in range(8):
        for laptop in laptops:
            envelope = laptop.seal(window(T + 300 * number), window(T + 300 * number + 300))
            bench.world.store(envelope, envelope)
    openers = [bench.new_opener(bench.pg.role("opener"), batch=7) for _ in range(3)]

    def work(opener: Opener) -> None:
        while True:
            try:
                if not opener.step().rows:
                    return
            except Unavailable:  # a deadlock is such a moment
                continue

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(work, openers))
    assert bench.waiting() == 0
    assert bench.counted() == 5 * 9  # six laptops, two of them one person's, nine windows each
    assert bench.world.quarantined() == []


def test_gaps_and_losses_are_known_by_device(bench: Bench) -> None:
    laptop = bench.world.laptop()
    for seq, lost in ((5, 0), (1, 0), (2, 0), (2, 0), (9, 3), (8, 2)):
        bench.world.store(laptop.seal(window(T + seq * 300), seq=seq, lost=lost))
        bench.opener.drain()
    row = bench.pg.owner.run("select missing_envelopes(seqs) as missing, lost from device_progress")
    assert row == [{"missing": 4, "lost": 3}]  # 3, 4, 6 and 7 never came


def test_holes_in_a_devices_numbers_cannot_grow_without_limit(bench: Bench) -> None:
    laptop = bench.world.laptop()
    for batch in range(3):
        bench.world.store(*(laptop.seal(window(T), seq=2 * (500 * batch + n) + 1) for n in range(500)))
        bench.opener.drain()
    row = bench.pg.owner.run(
        """select (select count(*) from unnest(seqs)) as ranges, upper(seqs) as next, missing_envelopes(seqs) as missing
           from device_progress"""
    )[0]
    assert row == {"ranges": 1000, "next": 3000, "missing": 999}  # the newest holes; older ones are let go
