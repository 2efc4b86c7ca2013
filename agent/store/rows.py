"""What a row holds and how it is encrypted: AES-256-GCM, bound to its table and key so rows cannot be swapped."""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from agent.errors import StoreError
from agent.wire.summary import Window

KEY_BYTES = 32
_NONCE_BYTES = 12  # SP 800-38D: 96-bit random nonces are fine for 2**32 rows; one a second takes 136 years
_AAD = b"framekeep/store/1\0"


class RowDamaged(StoreError):
    """One row does not decrypt: its bytes changed, or it was moved from another place."""


class RowCipher:
    """Encrypts the contents of rows under the store key (32 bytes)."""

    def __init__(self, key: bytes) -> None:
        self._aead = AESGCM(key)

    def seal(self, plain: bytes, table: str, *bound: int | bytes) -> bytes:
        """Nonce, ciphertext and tag. `bound`: the row's key and every other plain column that never changes."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._aead.encrypt(nonce, plain, _aad(table, bound))

    def open(self, sealed: object, table: str, *bound: int | bytes) -> bytes:
        """The reverse of `seal`. Raises RowDamaged."""
        if not isinstance(sealed, bytes):
            raise RowDamaged(f"A row of {table} in the local store is damaged.")
        try:
            return self._aead.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _aad(table, bound))
        except (InvalidTag, ValueError):
            raise RowDamaged(f"A row of {table} in the local store is damaged.") from None


WITHHELD = "You declined before it was sent: it stays on this laptop for good."
"""What is told of such an envelope. Free to be reworded: what is stored is WITHHELD_MARK."""
WITHHELD_MARK = "withheld"
"""What is stored of an envelope that waited when the employee declined: it is set aside with this for its `last_error`,
and its windows are local, which their ciphertext is bound to. Either of the two is enough to keep it here.
"""
WITHHELD_MARKS = (WITHHELD_MARK, "You do not take part: this stays on this laptop and is not sent any more.")
"""The mark, and the one of stores made before there was one."""


class EnvelopeState(StrEnum):
    """How far an envelope has come."""

    WAITING = "waiting"
    ACCEPTED = "accepted"
    """The service answered 202: it is stored there, not yet opened."""
    OPENED = "opened"
    """The service's receipt says that its windows were counted."""
    SET_ASIDE = "set_aside"
    """Refused for good: kept and shown, not sent again unless asked."""
    WITHHELD = "withheld"
    """Never sent, because the employee declined before it was. Stored as SET_ASIDE with a mark, see WITHHELD_MARK."""


@dataclass(frozen=True, slots=True)
class StoredWindow:
    """A closed window, the policy id and models hash it was measured under (both "" when not enrolled), the number
    of its envelope (None: not sealed yet), and whether it stays on this laptop for good.
    """

    window: Window
    policy: str
    models: str
    envelope: int | None
    local: bool


@dataclass(frozen=True, slots=True)
class Draft:
    """What the next envelope has to carry. All windows were measured under the same policy and models; `lost` is
    the cumulative number of windows measured and not kept.
    """

    seq: int
    windows: tuple[Window, ...]
    lost: int
    policy: str
    models: str


@dataclass(frozen=True, slots=True)
class SealedDraft:
    """What sealing made of a draft: `created` is epoch seconds, `body` the bytes to post, `plain` the readable text that
    is sealed in it, kept so that it can be shown word for word: only the organisation can open the body.
    """

    id: UUID
    created: int
    body: bytes
    plain: bytes = b""

    def pack(self) -> bytes:
        """Body and plain text as one value."""
        return len(self.plain).to_bytes(4, "big") + self.plain + self.body

    @staticmethod
    def unpack(value: bytes) -> tuple[bytes, bytes]:
        """The reverse of `pack`: body, plain text."""
        end = 4 + int.from_bytes(value[:4], "big")
        return value[end:], value[4:end]


@dataclass(frozen=True, slots=True)
class EnvelopeRow:
    """One envelope of the outbox. `first` is the start of its first window and `windows` their number; `attempts`
    counts refusals in a row, `next_try` (epoch seconds) is when to try again, `last_error` one sentence or "";
    `settled` is when it was accepted, opened or set aside (epoch seconds, 0 while it waits).
    """

    seq: int
    id: UUID
    created: int
    first: int
    windows: int
    body: bytes
    plain: bytes
    state: EnvelopeState
    attempts: int
    next_try: float
    last_error: str
    settled: int


@dataclass(frozen=True, slots=True)
class OutboxSummary:
    """Counts of envelopes by state, bytes still to be sent, unsealed windows, windows lost for good, and when the
    service last accepted something (epoch seconds, None: never). `withheld` envelopes are never sent because the
    employee declined; they are not among the `set_aside`.
    """

    waiting: int = 0
    accepted: int = 0
    opened: int = 0
    set_aside: int = 0
    waiting_bytes: int = 0
    unsealed: int = 0
    lost: int = 0
    last_delivery: int | None = None
    withheld: int = 0


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """A signed document as accepted: the highest `seq` of its type, its exact bytes and its ETag ("" if none)."""

    seq: int
    body: bytes
    etag: str


def _aad(table: str, bound: tuple[int | bytes, ...]) -> bytes:
    parts = [
        b"i" + str(part).encode("ascii") if isinstance(part, int) else b"b" + part.hex().encode() for part in bound
    ]
    return _AAD + b"\0".join([table.encode("ascii"), *parts])
