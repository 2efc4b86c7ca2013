"""An enrolled laptop's delivery side for tests: real store, keys and uploader, and the loopback service it talks to."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from agent.identity import Identity, enroll, require_identity
from agent.keys import FileKeyStore, device_key
from agent.outbox.link import Link
from agent.outbox.uploader import Uploader
from agent.store import Store, open_store
from tests.builders import MODELS, ManualClock, Organisation, windows
from tests.loopback import Answer, LoopbackService, answer

STORE_KEY = bytes(range(32))


@dataclass
class Laptop:
    """An enrolled agent's delivery side."""

    service: LoopbackService
    clock: ManualClock
    store: Store
    keys: FileKeyStore
    identity: Identity
    measured: int = 0
    participating: bool | None = None

    def uploader(self, **limits: float) -> Uploader:
        key = device_key(self.keys)
        assert key is not None
        link = Link(self.service.endpoint, **limits) if limits else None
        # From the store, as after a restart.
        return Uploader(
            self.store,
            require_identity(self.store),
            key,
            clock=self.clock,
            link=link,
            chance=random.Random(7).random,
            participation=lambda: self.participating,
        )

    def measure(self, count: int) -> None:
        """`count` windows pass and are committed."""
        self.clock.advance(-self.clock.wall() % 300)
        first = int(self.clock.wall())
        self.clock.advance(300 * count)
        self.measured += count
        self.store.commit(windows(first, count), b"open window", policy="p-1", models=MODELS)

    def turn_until_delivered(self, uploader: Uploader, *, limit: float = 6 * 3600, step: float = 30) -> float:
        """Let time pass until the outbox is empty; returns the seconds it took."""
        started = self.clock.wall()
        while True:
            uploader.turn()
            summary = self.store.envelopes.summary()
            if not (summary.waiting or summary.unsealed):
                return self.clock.wall() - started
            assert self.clock.wall() - started < limit, f"still waiting: {uploader.problem}"
            self.clock.advance(step)

    def check_everything_arrived(self, *, repeated: int = 0) -> None:
        counted = list(self.service.counted)
        assert len(counted) == self.measured, "a window is missing"
        assert counted == sorted(counted), "windows arrived out of order"
        assert self.service.repeated == repeated and self.service.conflicts == 0
        numbers = [summary.seq for summary in self.service.summaries]
        assert sorted(set(numbers)) == list(range(1, max(numbers) + 1)), "the numbering has a hole"


@contextmanager
def enrolled_laptop(folder: Path) -> Iterator[Laptop]:
    clock = ManualClock()
    org = Organisation()
    service = LoopbackService(org, clock.wall)
    org.endpoint = service.endpoint
    service.keyset, service.policy = org.keyset(), org.policy()
    code = org.code()
    service.codes[code.code_id] = code
    store = open_store(folder / "store.sqlite", STORE_KEY, now=clock.wall()).store
    keys = FileKeyStore(folder / "keys.json")
    identity = enroll(str(code), service.endpoint, store=store, keys=keys, now=clock.wall())
    try:
        yield Laptop(service, clock, store, keys, identity)
    finally:
        service.down()
        store.close()


def first_times(count: int, trouble: Answer | str) -> Callable[[str, str], Answer | str | None]:
    """Trouble for the first `count` posts of envelopes, then none."""
    left = [count]

    def ask(method: str, path: str) -> Answer | str | None:
        if path == "/v1/envelopes" and left[0] > 0:
            left[0] -= 1
            return trouble
        return None

    return ask


PORTAL = (200, {"Content-Type": "text/html"}, b"<html>Welcome to the hotel. Please log in.</html>")
OUTAGES: dict[str, Answer | str] = {
    "500": answer(500, {"error": "internal"}),
    "500 in HTML": (500, {}, b"<html>oops</html>"),
    "502": (502, {}, b""),
    "503": answer(503, {"error": "unavailable"}, Retry_After="120"),
    "429": answer(429, {"error": "slow_down"}, Retry_After="600"),
    "captive portal, 200": PORTAL,
    "captive portal, 302": (302, {"Location": "http://127.0.0.1:1/login"}, b""),
    "202 of somebody else": answer(202, {"id": "00000000-0000-0000-0000-000000000000"}),
    "202 without a body": (202, {}, b""),
    "403 of a proxy": (403, {}, b"<html>blocked by policy</html>"),
    "404": (404, {}, b""),
    "400 of a proxy": (400, {}, b"Bad Request"),
    "407": (407, {"Proxy-Authenticate": "Basic"}, b""),
    "401": answer(401, {"error": "not_authenticated"}),
    "connection dropped": "drop",
    "answer cut off": "cut",
}
