"""What the panel's pages may use. The composition root builds it; pages reach nothing else of the agent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.attention.rules import Rules
from agent.clock import Clock
from agent.config import Config
from agent.keys import KeyStore
from agent.paths import Paths
from agent.status import Status
from agent.store import Store

if TYPE_CHECKING:
    # Imported by the agent where they are used; a panel opened without them needs neither network nor camera.
    from agent.check import CameraCheck
    from agent.outbox.documents import Documents
    from agent.own_data import OwnData


@dataclass(frozen=True)
class Panel:
    """The agent's parts as the pages see them. Everything may be called from any thread, by several at once."""

    paths: Paths
    config: Callable[[], Config]
    """The settings as they are now, the policy's locks included."""
    opened: Callable[[], Store]
    """The store; asked for at every visit, because erasing puts an empty one in its place."""
    keys: KeyStore
    clock: Clock
    status: Callable[[], Status]
    """Read afresh."""
    documents: Callable[[], Documents | None]
    """Keyset and policy held; None while not enrolled."""
    service: Callable[[], OwnData | None]
    """The service's side of the employee's rights; None while not enrolled."""
    pause: Callable[[float | None], None]
    """Pause at once, for so many seconds or (None) until resumed. Raises StoreError."""
    resume: Callable[[], None]
    """Look again. Raises StoreError."""
    erase: Callable[[], None]
    """Forget what was measured on this laptop, at once; the enrolment stays. `store` is another one afterwards. Raises
    StoreError: then nothing was erased."""
    check: CameraCheck | None
    """The live camera check; None where no camera is measured with (no agent runs)."""
    rules: Callable[[], Rules]
    """The judge's thresholds in force."""
    quit: Callable[[], None] | None = None
    """End the program, a moment after it was asked to; None where no agent runs."""

    @property
    def store(self) -> Store:
        """The store as it is now."""
        return self.opened()
