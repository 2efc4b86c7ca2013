"""The organisation's newest keyset as the service uses it: which keys are open, what it calls itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from agent.wire.documents import Keyset
from agent.wire.strict import from_b64, strict_json
from sync_service.ports import Documents

REMEMBER_SECONDS = 5.0
"""A newly published keyset is used within this time."""


@dataclass(frozen=True, slots=True)
class OpenKey:
    """A seal key's suite, and until when (epoch seconds) it opens what was sealed for it."""

    suite: int
    open_until: int


def read_keyset(body: bytes) -> Keyset:
    """The keyset in a document that was verified when it was published."""
    return Keyset.from_payload(strict_json(from_b64(strict_json(body, len(body))["payload"], "payload"), len(body)))


class CurrentKeyset:
    """The newest keyset by organisation, remembered for REMEMBER_SECONDS. Threads may share it."""

    def __init__(self, documents: Documents, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._documents, self._clock = documents, clock
        self._known: dict[str, tuple[float, Keyset | None]] = {}
        self._lock = threading.Lock()

    def get(self, org: str, *, fresh: bool = False) -> Keyset | None:
        """The newest keyset; None when there is none. `fresh` asks again whatever is remembered. Raises Unavailable."""
        now = self._clock()
        with self._lock:
            until, known = self._known.get(org, (0.0, None))
        if now < until and known is not None and not fresh:
            return known
        document = self._documents.latest(org, "keyset")
        keyset = read_keyset(document.body) if document else None
        with self._lock:
            self._known[org] = (now + REMEMBER_SECONDS, keyset)
        return keyset

    def open_key(self, org: str, key: str) -> OpenKey | None:
        """What the newest keyset says of a seal key; None when it is not in it, or of a suite no longer allowed.
        A device may have fetched a keyset younger than the one remembered, so a miss asks again.
        """
        for fresh in (False, True):
            keyset = self.get(org, fresh=fresh)
            if keyset is None:
                return None
            for entry in keyset.seal_keys:
                if entry.key.id == key:
                    return OpenKey(entry.key.suite, entry.open_until) if entry.key.suite >= keyset.min_suite else None
        return None
