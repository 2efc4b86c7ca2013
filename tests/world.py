"""A small organisation for service tests: a root key, a seal key, people and devices that seal real envelopes."""

from __future__ import annotations

import itertools
import json
import secrets
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.wire.envelope import Envelope, format_body
from agent.wire.ids import device_id, organisation_id
from agent.wire.seal import SealKey, seal
from agent.wire.strict import to_b64
from agent.wire.summary import Summary, Window
from sync_service.ports import Database, Device, Row

NOW = 1763760000  # a Friday, 21:20 UTC; a multiple of 300


def window(start: int, at_screen: int = 300, frames: int = 30) -> Window:
    """A window of `at_screen` seconds at the screen, the rest absent."""
    return Window(start, at_screen=at_screen, absent=300 - at_screen, frames=frames)


def summary(*windows: Window, seq: int = 1, lost: int = 0, policy: str = "p-1") -> Summary:
    return Summary(seq=seq, windows=windows, lost=lost, agent="1.0.0", models="3f9c", policy=policy)


@dataclass(frozen=True)
class Laptop:
    """An enrolled device that can seal."""

    org: str
    person: str
    key: Ed25519PrivateKey
    seal_key: SealKey
    _seq: itertools.count[int] = field(default_factory=lambda: itertools.count(1), compare=False)

    @property
    def public(self) -> bytes:
        return self.key.public_key().public_bytes_raw()

    @property
    def id(self) -> str:
        return device_id(self.public)

    @property
    def device(self) -> Device:
        return Device(self.id, self.org, self.person, self.public)

    def seal(
        self,
        *windows: Window,
        seq: int | None = None,
        lost: int = 0,
        policy: str = "p-1",
        envelope_id: UUID | None = None,
        created: int = NOW,
        key: SealKey | None = None,
    ) -> Envelope:
        return seal(
            summary(*windows, seq=next(self._seq) if seq is None else seq, lost=lost, policy=policy),
            org=self.org,
            device_key=self.key,
            key=(key or self.seal_key).public,
            envelope_id=envelope_id or uuid4(),
            created=created,
        )

    def body(self, *windows: Window) -> bytes:
        return format_body(self.seal(*windows))


class World:
    """An organisation, in a database where one is given (as its owner)."""

    def __init__(self, owner: Database | None = None) -> None:
        self.owner = owner
        self.root = Ed25519PrivateKey.generate()
        self.root_public = self.root.public_key().public_bytes_raw()
        self.org = organisation_id(self.root_public)
        self.seal_key = SealKey.generate()
        if owner:
            owner.run(
                "insert into organisation (id, name, root_public) values (:id, 'Test', :root)",
                id=self.org,
                root=self.root_public,
            )

    def person(self) -> str:
        person = secrets.token_hex(16)
        if self.owner:
            self.owner.run("insert into person (id, org, name) values (:id, :org, 'P')", id=person, org=self.org)
        return person

    def laptop(self, person: str | None = None) -> Laptop:
        laptop = Laptop(self.org, person or self.person(), Ed25519PrivateKey.generate(), self.seal_key)
        if self.owner:
            self.owner.run(
                "insert into device (id, org, person, public) values (:id, :org, :person, :public)",
                id=laptop.id,
                org=self.org,
                person=laptop.person,
                public=laptop.public,
            )
        return laptop

    def store(self, *envelopes: Envelope, received: int = NOW, org: str | None = None) -> None:
        """Put rows straight into the table, as anybody with the writer's rights could."""
        assert self.owner is not None
        self.owner.run("select create_envelope_partition(to_timestamp(:at)) as part", at=received)
        for one in envelopes:
            self.owner.run(
                """insert into envelope (org, device, id, created, key, suite, sealed, sig, received_at)
                   values (:org, :device, cast(:id as uuid), :created, :key, :suite, :sealed, :sig,
                           to_timestamp(:received))""",
                org=org or self.org,
                device=one.device,
                id=str(one.id),
                created=one.created,
                key=one.key,
                suite=one.suite,
                sealed=one.sealed,
                sig=one.sig,
                received=received,
            )

    def rollups(self) -> list[Row]:
        assert self.owner is not None
        return self.owner.run(
            """select person, extract(epoch from slot)::bigint as slot, policy, at_screen, absent, observed, frames,
                      windows from person_rollup order by slot, policy, person"""
        )

    def quarantined(self) -> list[tuple[str, list[int]]]:
        """(reason, window starts) of everything set aside."""
        assert self.owner is not None
        rows = self.owner.run("select reason, window_starts::text as starts from quarantine order by reason, starts")
        return [(row["reason"], json.loads(row["starts"])) for row in rows]

    def receipts(self) -> dict[str, str]:
        """Envelope id -> outcome."""
        assert self.owner is not None
        rows = self.owner.run("select envelope::text as envelope, outcome from receipt")
        return {row["envelope"]: row["outcome"] for row in rows}


def tampered(envelope: Envelope, **changes: object) -> dict[str, object]:
    """The envelope's body as a mapping with fields replaced (bytes become base64)."""
    body: dict[str, object] = json.loads(format_body(envelope))
    body.update({name: to_b64(value) if isinstance(value, bytes) else value for name, value in changes.items()})
    return body
