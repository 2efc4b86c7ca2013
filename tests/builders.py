"""What agent tests are built from: a clock moved by hand, an organisation that signs real documents, a check that a
log holds nothing it must not.
"""

from __future__ import annotations

import base64
import re
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.wire.agreement import Agreement
from agent.wire.documents import Keyset, Policy, SealKeyEntry, WorkHours, sign_document
from agent.wire.enrolment import EnrolmentCode
from agent.wire.ids import organisation_id
from agent.wire.seal import SealKey
from agent.wire.summary import STATES, Window

NOW = 1763976000  # Monday 24 November 2025, 09:20 UTC; a multiple of 300
DAY = 86400
MODELS = "3f9c51d2"
ALWAYS = (WorkHours((1, 2, 3, 4, 5, 6, 7), 0, 1440),)


class ManualClock:
    """Both clocks, moved by hand. `wall` may be set anywhere; `monotonic` only goes forward."""

    def __init__(self, wall: float = NOW, monotonic: float = 1000.0) -> None:
        self._wall, self._monotonic = wall, monotonic

    def wall(self) -> float:
        return self._wall

    def monotonic(self) -> float:
        return self._monotonic

    def wait(self, event: threading.Event, seconds: float) -> bool:
        self.advance(max(0.0, seconds))
        return event.is_set()

    def advance(self, seconds: float) -> None:
        """Time passes."""
        assert seconds >= 0
        self._wall += seconds
        self._monotonic += seconds

    def set_wall(self, wall: float) -> None:
        """Somebody sets the clock."""
        self._wall = wall


def window(start: int, at_screen: int = 300, frames: int = 30) -> Window:
    """A window of `at_screen` seconds at the screen, the rest absent."""
    return Window(start, at_screen=at_screen, absent=300 - at_screen, frames=frames)


def windows(first: int, count: int) -> list[Window]:
    """`count` windows in a row, each with content of its own."""
    return [window(first + 300 * i, at_screen=(first // 300 + i) % 301) for i in range(count)]


@dataclass
class Organisation:
    """Its keys, and documents signed with them. `endpoint` is where its service listens."""

    endpoint: str = "http://127.0.0.1:9"
    root: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    signer: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    seal_keys: list[SealKey] = field(default_factory=lambda: [SealKey.generate()])
    council: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    @property
    def root_public(self) -> bytes:
        return self.root.public_key().public_bytes_raw()

    @property
    def id(self) -> str:
        return organisation_id(self.root_public)

    def code(self) -> EnrolmentCode:
        return EnrolmentCode.new(self.root_public)

    def keyset_value(self, seq: int = 1, *, at: int = NOW) -> Keyset:
        entries = tuple(SealKeyEntry(key.public, at + 60 * DAY, at + 120 * DAY) for key in self.seal_keys)
        signers = (self.signer.public_key().public_bytes_raw(),)
        return Keyset(self.id, seq, at - 60, at + 90 * DAY, self.endpoint, entries, signers)

    def keyset(self, seq: int = 1, *, at: int = NOW, by: Ed25519PrivateKey | None = None, **changes: object) -> bytes:
        """A keyset document; `changes` replace fields of `keyset_value`."""
        value = replace(self.keyset_value(seq, at=at), **changes)  # type: ignore[arg-type]  # fields by name
        return sign_document("keyset", value.to_payload(), [by or self.root])

    def policy(self, seq: int = 1, *, at: int = NOW, by: Ed25519PrivateKey | None = None, **changes: object) -> bytes:
        """A policy document; `changes` replace fields of the policy."""
        return sign_document("policy", self.policy_value(seq, at=at, **changes).to_payload(), [by or self.signer])

    def policy_value(self, seq: int = 1, *, at: int = NOW, **changes: object) -> Policy:
        """The policy itself: it holds around the clock unless `changes` say otherwise."""
        value = Policy(self.id, seq, at - 60, at + 90 * DAY, f"p-{seq}", ALWAYS)
        return replace(value, **changes)  # type: ignore[arg-type]  # fields by name

    def agreement_value(self, seq: int = 1, *, at: int = NOW, **changes: object) -> Agreement:
        """What the works council agreed to: anything, around the clock, unless `changes` say otherwise."""
        value = Agreement(self.id, seq, at - 60, at + 900 * DAY, f"a-{seq}", ALWAYS)
        return replace(value, **changes)  # type: ignore[arg-type]  # fields by name

    def agreement(self, seq: int = 1, *, at: int = NOW, **changes: object) -> bytes:
        """An agreement document, signed by the root and the council."""
        payload = self.agreement_value(seq, at=at, **changes).to_payload()
        return sign_document("agreement", payload, [self.root, self.council])

    @property
    def council_public(self) -> bytes:
        return self.council.public_key().public_bytes_raw()


def assert_log_is_clean(text: str, secrets: Iterable[bytes] = ()) -> None:
    """A log may tell what happened, never what was measured or sealed, and no secret in any spelling."""
    for state in STATES:
        assert not re.search(rf"\b{state}\b", text), f"the log names the attention state {state}"
    assert not re.search(r"[{\[]\s*['\"]", text), "the log holds a dictionary or JSON"
    assert not re.search(r"b'|b\"|\\x[0-9a-f]{2}", text), "the log holds bytes"
    assert not re.search(r"[A-Za-z0-9+/]{44,}", text), "the log holds something like base64"
    for secret in secrets:
        spellings = (secret.hex(), base64.b64encode(secret).decode(), base64.b32encode(secret).decode(), repr(secret))
        assert not any(spelling in text for spelling in spellings), "the log holds a secret"
