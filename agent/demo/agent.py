"""The demonstration's one real agent: enrolled like any laptop, measuring a recording (or, for a minute, the webcam)."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.attention.observation import Observation, State
from agent.attention.rules import Rules
from agent.clock import Clock
from agent.detect.assets import models_fingerprint
from agent.errors import FramekeepError
from agent.eyes_link import Eyes, Look
from agent.identity import Identity, enroll
from agent.keys import FileKeyStore, KeyStore, device_key, store_key
from agent.outbox.link import Link
from agent.outbox.signed import refused, signed_request
from agent.outbox.uploader import Uploader
from agent.recorder import Recorder
from agent.replay import Replayed, measure
from agent.sources import Source
from agent.status import AgentState, Report
from agent.store import EnvelopeState, Store
from agent.wire.summary import STATES

OPEN_SECONDS = 30.0
"""How long the service may take to open what was sent."""


@dataclass
class DemoAgent:
    """An enrolled agent in its own folder. `shown` is the state after each look, for drawing."""

    store: Store
    keys: KeyStore
    identity: Identity
    key: Ed25519PrivateKey
    clock: Clock
    shown: list[State] = field(default_factory=list)

    @classmethod
    def enrolled(cls, folder: Path, code: str, server: str, clock: Clock) -> DemoAgent:
        """Make the folder and join with `code`. Raises FramekeepError."""
        folder.mkdir(mode=0o700, parents=True)
        keys = FileKeyStore(folder / "keys.json")
        store = Store(folder / "store.sqlite", store_key(keys))
        identity = enroll(code, server, store=store, keys=keys, now=clock.wall())
        key = device_key(keys)
        assert key is not None  # enrolling made it
        return cls(store, keys, identity, key, clock)

    def watch(
        self, eyes: Eyes, source: Source, *, wall_start: float, seconds: float | None, progress: Callable[[int], None]
    ) -> Replayed:
        """Measure until the source ends, or for `seconds` of a live camera. Raises FramekeepError."""
        uploader = self._uploader()
        standing = uploader.documents.standing(self.clock.wall())
        if standing.policy is None:
            raise FramekeepError(standing.reason)
        recorder = Recorder(self.store, models=models_fingerprint())
        began = time.monotonic()

        def seen(_: Look, __: Observation) -> None:
            judge = recorder.meter.judge
            settled = judge.state not in (State.NOT_OBSERVED, State.UNKNOWN) or not judge.looks
            # While nothing is settled, a picture's own verdict is what there is to draw.
            self.shown.append(judge.state if settled else judge.looks[-1].raw(rules, judge.state))
            progress(len(self.shown))

        def more() -> bool:
            return seconds is None or time.monotonic() - began < seconds

        report = Report(
            AgentState.WATCHING,
            int(self.clock.wall()),
            int(self.clock.wall()),
            camera=source.name,
            policy=standing.policy.id,
            key_store=self.keys.kind,
        )
        pace = None if seconds is None else source.every
        rules = Rules(interval=source.every)
        done = measure(
            eyes, recorder, wall_start=wall_start, rules=rules, report=report, on_look=seen, more=more, pace=pace
        )
        if recorder.problem:
            raise FramekeepError(recorder.problem)
        return done

    def send(self) -> int:
        """Seal and deliver everything, and wait until the service has opened it. Returns the windows it opened.

        Raises FramekeepError when it does not.
        """
        uploader = self._uploader()
        if not uploader.flush():
            raise FramekeepError(f"The agent could not deliver: {uploader.problem or 'no reason was given'}")
        deadline = time.monotonic() + OPEN_SECONDS
        while self.store.envelopes.summary().accepted:
            if time.monotonic() > deadline:
                raise FramekeepError("The service took the envelopes but did not open them in time.")
            time.sleep(0.1)
            uploader.ask_receipts()
        rows = self.store.envelopes.recent(1000)
        return sum(row.windows for row in rows if row.state is EnvelopeState.OPENED)

    def stored(self) -> tuple[int, dict[str, int]]:
        """What the service says it keeps about this person: windows counted, and seconds per state."""
        kept = self.ask("GET", "/v1/me/export")["quarter_hours"]
        return sum(row["windows"] for row in kept), {state: sum(row[state] for row in kept) for state in STATES}

    def ask(self, method: str, path: str) -> dict[str, Any]:
        """A signed request of this device. Raises FramekeepError for anything but success."""
        link = Link(self.identity.endpoint)
        try:
            status, value = signed_request(
                method, path, link=link, identity=self.identity, key=self.key, clock=self.clock
            )
        finally:
            link.close()
        if not 200 <= status < 300:
            raise refused(status, value)
        return value

    def _uploader(self) -> Uploader:
        return Uploader(self.store, self.identity, self.key, clock=self.clock)
