"""In-memory sides of the service's ports, held to the same contract suites as the real ones."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from agent.wire.seal import SealKey
from sync_service.errors import Unavailable
from sync_service.keyset import OpenKey
from sync_service.ports import Delivery, Device


class FakeRegistry:
    """DeviceRegistry in dictionaries. `away` makes every call raise Unavailable."""

    def __init__(self) -> None:
        self.devices: dict[str, Device] = {}
        self.spent: dict[tuple[str, str], int] = {}
        self.away = False

    def find(self, device: str) -> Device | None:
        if self.away:
            raise Unavailable("the registry is away", retry_after=7)
        return self.devices.get(device)

    def add(self, device: Device, *, now: int) -> bool:
        if device.id in self.devices:
            return False
        self.devices[device.id] = device
        return True

    def revoke(self, device: str, *, now: int) -> None:
        if device in self.devices:
            self.devices[device] = dataclasses.replace(self.devices[device], revoked=True)

    def spend_token(self, device: str, jti: str, *, expires: int, now: int) -> bool:
        self.spent = {key: until for key, until in self.spent.items() if until > now}
        if (device, jti) in self.spent:
            return False
        self.spent[device, jti] = expires
        return True


class FakeInbox:
    """Inbox in a list. `full` makes `put` raise Unavailable."""

    def __init__(self) -> None:
        self.messages: dict[str, Delivery] = {}
        self.claimed: set[str] = set()
        self.aside: list[tuple[Delivery, str]] = []
        self.full = False
        self._next = 1

    def put(self, org: str, body: bytes, *, received: int) -> None:
        if self.full:
            raise Unavailable("the inbox is full", retry_after=300)
        receipt = str(self._next)
        self._next += 1
        self.messages[receipt] = Delivery(receipt, org, received, body)

    def claim(self, limit: int) -> list[Delivery]:
        found = [one for receipt, one in self.messages.items() if receipt not in self.claimed][:limit]
        self.claimed.update(one.receipt for one in found)
        return found

    def done(self, deliveries: Sequence[Delivery]) -> None:
        for one in deliveries:
            self.messages.pop(one.receipt, None)
        self.release(deliveries)

    def release(self, deliveries: Sequence[Delivery]) -> None:
        self.claimed.difference_update(one.receipt for one in deliveries)

    def set_aside(self, delivery: Delivery, reason: str) -> None:
        self.aside.append((delivery, reason))
        self.done([delivery])

    def oldest(self) -> int | None:
        return min((one.received for one in self.messages.values()), default=None)


class FakeSealKeys:
    """SealKeys in a dictionary."""

    def __init__(self, *keys: SealKey) -> None:
        self.keys = {key.public.id: key for key in keys}

    def find(self, key: str) -> SealKey | None:
        return self.keys.get(key)

    def add(self, key: SealKey) -> None:
        self.keys[key.public.id] = key

    def destroy(self, key: str) -> None:
        self.keys.pop(key, None)

    def ledger_secret(self) -> bytes:
        return b"s" * 32


class FakeKeyDirectory:
    """Which seal keys ingest accepts."""

    def __init__(self, keys: dict[str, OpenKey]) -> None:
        self.keys = keys

    def open_key(self, org: str, key: str) -> OpenKey | None:
        return self.keys.get(key)


class FakeAlerts:
    """Alerts in a list of (kind, facts)."""

    def __init__(self) -> None:
        self.raised: list[tuple[str, dict[str, int | str]]] = []

    def alert(self, kind: str, message: str, **facts: int | str) -> None:
        self.raised.append((kind, facts))
