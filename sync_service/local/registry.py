"""The DeviceRegistry port over PostgreSQL.

Devices found are remembered for a moment, so that a busy service does not ask for the same key with every envelope:
a revocation made by another process takes effect within REMEMBER_SECONDS.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from sync_service.ports import Database, Device

REMEMBER_SECONDS = 2.0
_MOST_REMEMBERED = 20_000


class PostgresRegistry:
    """Devices in the table `device`. `lookups` is a Database as framekeep_ingest, `changes` as a role that may enrol
    and revoke (framekeep_enroll or framekeep_admin); without it `add` and `revoke` are refused by the database.
    """

    def __init__(
        self, lookups: Database, changes: Database | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._lookups, self._changes, self._clock = lookups, changes or lookups, clock
        self._known: dict[str, tuple[float, Device]] = {}
        self._lock = threading.Lock()

    def find(self, device: str) -> Device | None:
        """See DeviceRegistry.find."""
        now = self._clock()
        with self._lock:
            until, known = self._known.get(device, (0.0, None))
        if known is not None and now < until:
            return known
        rows = self._lookups.run(
            "select id, org, person, public, revoked_at is not null as revoked from device where id = :id", id=device
        )
        if not rows:
            return None
        found = Device(**rows[0])
        with self._lock:
            if len(self._known) >= _MOST_REMEMBERED:
                self._known.clear()
            self._known[device] = (now + REMEMBER_SECONDS, found)
        return found

    def add(self, device: Device, *, now: int) -> bool:
        """See DeviceRegistry.add."""
        added = self._changes.run(
            """insert into device (id, org, person, public, enrolled_at, revoked_at)
               values (:id, :org, :person, :public, to_timestamp(:now),
                       case when :revoked then to_timestamp(:now) end)
               on conflict (id) do nothing returning id""",
            id=device.id,
            org=device.org,
            person=device.person,
            public=device.public,
            revoked=device.revoked,
            now=now,
        )
        self._forget(device.id)
        return bool(added)

    def revoke(self, device: str, *, now: int) -> None:
        """See DeviceRegistry.revoke."""
        self._changes.run(
            "update device set revoked_at = to_timestamp(:now) where id = :id and revoked_at is null",
            id=device,
            now=now,
        )
        self._forget(device)

    def spend_token(self, device: str, jti: str, *, expires: int, now: int) -> bool:
        """See DeviceRegistry.spend_token. A token may be forgotten once it has expired: it is refused by its age."""
        self._lookups.run(
            "delete from device_jti where device = :device and expires_at <= to_timestamp(:now)",
            device=device,
            now=now,
        )
        return bool(
            self._lookups.run(
                """insert into device_jti (device, jti, expires_at) values (:device, :jti, to_timestamp(:expires))
                   on conflict (device, jti) do nothing returning jti""",
                device=device,
                jti=jti,
                expires=expires,
            )
        )

    def _forget(self, device: str) -> None:
        with self._lock:
            self._known.pop(device, None)
