"""Promise 2 at the service: kill -9 of the whole service at random moments while laptops deliver. Every closed window is
counted exactly once, also when an envelope is sealed again under a new id, when the kill falls between storing and
answering, and when two laptops of one person measured the same minutes.
"""

from __future__ import annotations

import random
import threading
import time
from pathlib import Path
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.clock import SystemClock
from agent.errors import StoreError
from agent.identity import Identity, enroll
from agent.keys import FileKeyStore, device_key, store_key
from agent.outbox.link import Link
from agent.outbox.uploader import Uploader
from agent.store import Draft, SealedDraft, Store
from agent.wire.envelope import format_body
from agent.wire.seal import seal
from agent.wire.summary import Summary, Window
from tests.e2e.killing import Service, check_counts, set_up

pytestmark = pytest.mark.timeout(3000)


class Laptop:
    """A real store and a real uploader that is turned until told to stop; its windows are made up."""

    def __init__(self, folder: Path, code: str, url: str, seed: int) -> None:
        folder.mkdir(parents=True)
        keys = FileKeyStore(folder / "keys.json")
        self.store = Store(folder / "store.sqlite", store_key(keys))
        self.identity: Identity = enroll(code, url, store=self.store, keys=keys, now=time.time())
        key = device_key(keys)
        assert key is not None
        self.key: Ed25519PrivateKey = key
        self.chance = random.Random(seed)
        self.link = Link(url, connect_seconds=2, read_seconds=5, total_seconds=10)
        self.uploader = Uploader(
            self.store, self.identity, key, clock=SystemClock(), link=self.link, chance=self.chance.random
        )
        # Laptops of one person overlap: the same minutes, measured differently.
        self.next_start = int(time.time()) // 300 * 300 - 20 * 86400
        self.resealed = 0

    def close_windows(self, count: int) -> None:
        policy = self.uploader.documents.policy
        assert policy is not None
        made = []
        for _ in range(count):
            screen = self.chance.randrange(301)
            made.append(
                Window(self.next_start, at_screen=screen, absent=300 - screen, frames=self.chance.randrange(31))
            )
            self.next_start += 300
        self.store.commit(made, b"{}", policy=policy.id, models="abcd1234")

    def seal_again(self) -> None:
        """As after `key_unknown`: the same windows under a new id. The old one may have been stored already."""
        keyset = self.uploader.documents.keyset
        assert keyset is not None
        public = keyset.seal_key(int(time.time()))
        assert public is not None

        def make(draft: Draft) -> SealedDraft:
            content = Summary(draft.seq, draft.windows, draft.lost, "1.0.0", draft.models, draft.policy)
            made = seal(
                content,
                org=self.identity.org,
                device_key=self.key,
                key=public,
                envelope_id=uuid4(),
                created=int(time.time()),
            )
            return SealedDraft(made.id, made.created, format_body(made))

        for row in self.store.envelopes.waiting(1):
            if row.attempts and self.chance.random() < 0.3:
                self.store.envelopes.reseal(row.seq, make)
                self.resealed += 1

    def work(self, stop: threading.Event) -> None:
        while not stop.is_set():
            self.close_windows(self.chance.randint(1, 4))
            self.turn()
            stop.wait(self.chance.uniform(0.01, 0.1))

    def turn(self) -> None:
        self.seal_again()
        self.store.envelopes.retry()  # do not wait out the backoff
        try:
            self.uploader.flush()
            self.uploader.ask_receipts()
        except StoreError as error:
            raise AssertionError("the laptop's own store must not fail here") from error

    def drain(self, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while self.store.unsealed(1) or self.store.envelopes.waiting(1):
            assert time.monotonic() < deadline, self.uploader.problem
            self.turn()
            time.sleep(0.05)


def kill_loop(folder: Path, kills: int) -> None:
    chance = random.Random(20261121)
    service = Service(folder / "service")
    service.start()
    codes = set_up(service.data, service.url, people=2)
    laptops = [
        Laptop(folder / f"laptop-{person}-{number}", code, service.url, seed=person * 10 + number)
        for person, pair in enumerate(codes)
        for number, code in enumerate(pair)
    ]
    stop = threading.Event()
    threads = [threading.Thread(target=laptop.work, args=(stop,)) for laptop in laptops]
    for thread in threads:
        thread.start()
    for _ in range(kills):
        time.sleep(chance.uniform(0.0, 0.8))
        service.kill()
        service.start(wait=chance.random() < 0.7)  # sometimes it is killed while it starts
    stop.set()
    for thread in threads:
        thread.join(60)
    service.kill()
    service.start()
    for laptop in laptops:
        laptop.drain()
    assert service.stop() == 0
    closed = {
        laptop.identity.device: [stored.window for stored in laptop.store.windows(0, 2**40)] for laptop in laptops
    }
    for laptop in laptops:
        laptop.store.close()
    counts = check_counts(service.data, closed)
    print(
        f"{kills} kills of the service: {dict(counts)}, {sum(each.resealed for each in laptops)} envelopes sealed again"
    )
    assert counts["windows"] > kills
    assert counts["counted"] < counts["windows"], "laptops of one person did overlap"


def test_twenty_kills_of_the_service(open_folder: Path) -> None:
    kill_loop(open_folder, 20)


@pytest.mark.long
def test_two_hundred_kills_of_the_service(open_folder: Path) -> None:
    kill_loop(open_folder, 200)
