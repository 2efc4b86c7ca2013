"""The doors of the service: everything it needs from outside, as small Protocols.

On one machine the other side of each door is in `sync_service.local`. Times are epoch seconds (int), ids are
32 lowercase hexadecimal digits (str) unless a docstring says otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from agent.wire.seal import SealKey

Param = int | str | bytes | bool | None
"""What a statement may be given. Times go as epoch seconds (`to_timestamp(:t)`), lists as one JSON text
(`cast(:rows as jsonb)`): that much every driver carries without loss."""

Row = dict[str, Any]
"""A row of an answer: int, str, bytes, bool or None by column name. Statements turn times into
`extract(epoch from t)::bigint` and ids, dates and JSON into `::text`."""


class Database(Protocol):
    """PostgreSQL as one role. Statements write parameters as `:name`.

    Raises Unavailable when the database cannot be reached now (the statement may be repeated) and PoisonError when
    it refuses the values themselves (SQLSTATE classes 22 and 23): repeating those cannot help.
    """

    def run(self, sql: str, /, **params: Param) -> list[Row]:
        """Run one statement; outside `transaction` it commits by itself. No rows: an empty list."""
        ...

    def transaction(self) -> AbstractContextManager[Database]:
        """A Database whose statements commit together at the end of the block, or not at all if it raises.
        Not to be nested, and not to be used by two threads.
        """
        ...


@dataclass(frozen=True, slots=True)
class Device:
    """An enrolled device as the registry knows it. `public` is its raw Ed25519 key (32 bytes)."""

    id: str
    org: str
    person: str
    public: bytes
    revoked: bool = False


class DeviceRegistry(Protocol):
    """Who may speak: device keys, revocations, and the tokens already used."""

    def find(self, device: str) -> Device | None:
        """The device of this id, revoked or not; None when nobody enrolled it. Raises Unavailable."""
        ...

    def add(self, device: Device, *, now: int) -> bool:
        """Enrol a device. False, and nothing changed, when the id is taken."""
        ...

    def revoke(self, device: str, *, now: int) -> None:
        """From now on `find` answers revoked. Unknown ids and repetitions change nothing."""
        ...

    def spend_token(self, device: str, jti: str, *, expires: int, now: int) -> bool:
        """Remember a token's id until it expires. False when it was spent before: a replay."""
        ...


@dataclass(frozen=True, slots=True)
class Delivery:
    """One envelope on its way from ingest to the database. `body` is what was posted, byte for byte, `org` the
    organisation whose registry vouched for it, `receipt` the inbox's own handle.
    """

    receipt: str
    org: str
    received: int
    body: bytes


class Inbox(Protocol):
    """The durable queue between ingest and writer. At least once: after a crash a delivery may come again."""

    def put(self, org: str, body: bytes, *, received: int) -> None:
        """Return only once the body would survive a power cut. Raises Unavailable when it cannot be kept now."""
        ...

    def claim(self, limit: int) -> list[Delivery]:
        """At most `limit` deliveries, oldest first, none of them claimed already by somebody alive."""
        ...

    def done(self, deliveries: Sequence[Delivery]) -> None:
        """They are safe elsewhere: forget them."""
        ...

    def release(self, deliveries: Sequence[Delivery]) -> None:
        """They could not be handled now: let a later `claim` have them."""
        ...

    def set_aside(self, delivery: Delivery, reason: str) -> None:
        """No repetition will help: keep it apart for a person to look at, out of the way of the rest."""
        ...

    def oldest(self) -> int | None:
        """When the oldest delivery came that is still here, claimed or not; None when there is none."""
        ...


class SealKeys(Protocol):
    """The organisation's private keys. Only the opener (and the administrator who makes them) holds this door."""

    def find(self, key: str) -> SealKey | None:
        """The private key of this id; None when it never was here or has been destroyed."""
        ...

    def add(self, key: SealKey) -> None:
        """Keep a new key durably. Adding the same key again changes nothing."""
        ...

    def destroy(self, key: str) -> None:
        """Forget a key for good: what was sealed for it can never be opened again. Unknown ids change nothing."""
        ...

    def ledger_secret(self) -> bytes:
        """32 bytes, made once, that key the ledger's content marks: without them a mark says nothing about a
        window, although a window has few possible values.
        """
        ...


@dataclass(frozen=True, slots=True)
class SignedDocument:
    """A signed document as it was published: `body` is the exact bytes, `seq` rises with every issue."""

    org: str
    type: str
    seq: int
    body: bytes


class Documents(Protocol):
    """Published documents (`keyset`, `policy`, `agreement`, `root`), which devices fetch."""

    def latest(self, org: str, type: str) -> SignedDocument | None:
        """The document of the highest seq; None when there is none."""
        ...

    def in_force(self, org: str, type: str, *, now: float) -> SignedDocument | None:
        """The policy or agreement that applies at `now` (epoch seconds); None while none has begun."""
        ...

    def coming(self, org: str, type: str, *, now: float) -> SignedDocument | None:
        """The newest policy or agreement where it is yet to begin at `now`."""
        ...

    def every(self, org: str, type: str) -> list[SignedDocument]:
        """All of a type, by seq."""
        ...

    def publish(self, body: bytes, *, now: int) -> SignedDocument:
        """Check a document's signatures against what the organisation has on record and make it the newest.
        Publishing the same bytes again changes nothing; a seq not above the newest raises ServiceError.
        """
        ...

    def publish_all(self, bodies: Sequence[bytes], *, now: int, by: str | None = None) -> list[SignedDocument]:
        """`publish` for documents that are good only together (a new root and the keyset it signs; a council's key, the
        agreement and a policy within it): all of them, or none. `by`: the reader who publishes them. Answers those that
        were not published before. Raises ServiceError.
        """
        ...


class Alerts(Protocol):
    """Where the service says that a person should look."""

    def alert(self, kind: str, message: str, **facts: int | str) -> None:
        """`kind` is a stable word (`quarantined`, `inbox_set_aside`, `database_down`), `message` one sentence,
        `facts` ids and counts: never a measured value. Never raises.
        """
        ...


@dataclass(frozen=True, slots=True)
class MailServer:
    """What mail goes through. `security`: `tls` from the first byte, `starttls`, or `none` (this machine only)."""

    host: str
    port: int
    security: str
    sender: str
    username: str | None = None
    password: str | None = None


@dataclass(frozen=True, slots=True)
class Channel:
    """Where alerts go: `kind` is `email` (with `mail`) or `webhook` (with `secret`), `target` an address. Only with
    `allow_private` may a webhook lead to this machine or a private network.
    """

    kind: str
    target: str
    secret: str | None = None
    allow_private: bool = False
    mail: MailServer | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """How an attempt ended. `failure` is None when the message arrived, else a few words without any address;
    `retry_after` (seconds) is what the receiver asked for; `final`: it wants no more of this.
    """

    failure: str | None = None
    retry_after: int | None = None
    final: bool = False


class Courier(Protocol):
    """Takes alerts out of the house."""

    def send(self, channel: Channel, delivery: str, body: str, *, now: int) -> Sent:
        """Try once, within CALL_SECONDS of the driver. `delivery` is the idempotency id that every attempt at this
        message carries, `body` what `alert_message.body_of` made. Never raises.
        """
        ...
