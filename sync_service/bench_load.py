"""The bench's load: an organisation in a data folder, its devices, and real sealed envelopes of a working day."""

from __future__ import annotations

import random
import secrets
from dataclasses import dataclass
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.wire.documents import Keyset, Policy, SealKeyEntry, WorkHours, sign_document
from agent.wire.envelope import format_body
from agent.wire.ids import device_id, organisation_id
from agent.wire.seal import SealKey, seal
from agent.wire.summary import WINDOW_SECONDS, Summary, Window
from sync_service.app import Store
from sync_service.local.documents import PostgresDocuments
from sync_service.local.registry import PostgresRegistry
from sync_service.ports import Device

WINDOWS_EACH = 6
DEVICES = 500
DAY = 86400


@dataclass(frozen=True)
class Load:
    """An organisation and the devices that speak for its people."""

    org: str
    seal_key: SealKey
    devices: tuple[Ed25519PrivateKey, ...]

    def bodies(self, count: int, *, first: int, now: int) -> list[bytes]:
        """`count` posted bodies, numbered from `first`: the devices take turns, each going on where it was."""
        rng = random.Random(first)  # the same load every time, but for keys and padding
        start = (now - 30 * DAY) // WINDOW_SECONDS * WINDOW_SECONDS
        return [self._body(number, start, now, rng) for number in range(first, first + count)]

    def _body(self, number: int, start: int, now: int, rng: random.Random) -> bytes:
        turn, who = divmod(number, len(self.devices))
        begin = start + turn * WINDOWS_EACH * WINDOW_SECONDS
        windows = tuple(_window(begin + i * WINDOW_SECONDS, rng) for i in range(WINDOWS_EACH))
        summary = Summary(turn + 1, windows, lost=0, agent="0.1.0", models="3f9c", policy="p-1")
        envelope = seal(
            summary,
            org=self.org,
            device_key=self.devices[who],
            key=self.seal_key.public,
            envelope_id=UUID(bytes=secrets.token_bytes(16), version=4),
            created=now,
        )
        return format_body(envelope)


def _window(start: int, rng: random.Random) -> Window:
    away, phone, absent = rng.randrange(60), rng.randrange(40), rng.randrange(100)
    return Window(
        start,
        at_screen=WINDOW_SECONDS - away - phone - absent,
        looking_away=away,
        on_phone=phone,
        absent=absent,
        frames=30,
    )


def make_load(store: Store, *, now: int) -> Load:
    """Create the organisation, its documents and DEVICES people with one device each in the data folder."""
    root = Ed25519PrivateKey.generate()
    root_public = root.public_key().public_bytes_raw()
    org = organisation_id(root_public)
    admin = store.database("admin")
    admin.run("insert into organisation (id, name, root_public) values (:id, 'bench', :root)", id=org, root=root_public)
    seal_key = SealKey.generate()
    store.seal_keys.add(seal_key)
    until = now + 60 * DAY
    keyset = Keyset(
        org=org,
        seq=1,
        issued=now,
        not_after=until,
        endpoint="http://127.0.0.1:1",
        seal_keys=(SealKeyEntry(seal_key.public, until, until),),
        policy_signers=(root_public,),
    )
    always = (WorkHours((1, 2, 3, 4, 5, 6, 7), 0, 1440),)
    policy = Policy(org=org, seq=1, issued=now, not_after=until, id="p-1", work_hours=always)
    documents = PostgresDocuments(admin)
    documents.publish(sign_document("keyset", keyset.to_payload(), [root]), now=now)
    documents.publish(sign_document("policy", policy.to_payload(), [root]), now=now)
    registry = PostgresRegistry(admin)
    devices = tuple(Ed25519PrivateKey.generate() for _ in range(DEVICES))
    for key in devices:
        person, public = secrets.token_hex(16), key.public_key().public_bytes_raw()
        admin.run("insert into person (id, org, name) values (:id, :org, 'bench')", id=person, org=org)
        registry.add(Device(device_id(public), org, person, public), now=now)
    return Load(org, seal_key, devices)
