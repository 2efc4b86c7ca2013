"""From the inbox to sealed rows: one statement a batch, as a role that can only INSERT.

A batch the database refuses is halved until the poison row stands alone; that one goes to quarantine, the rest in.
Rows may repeat, because a crash between the commit and `done` sends them again: counting once is the opener's work.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from agent.wire.envelope import Envelope, parse_body
from agent.wire.errors import WireError
from agent.wire.strict import to_b64
from sync_service.errors import PoisonError
from sync_service.ports import Alerts, Database, Delivery, Inbox

WEEK_SECONDS = 7 * 86400

_INSERT = """
insert into envelope (org, device, id, created, key, suite, sealed, sig, received_at)
select r->>'org', r->>'device', cast(r->>'id' as uuid), cast(r->>'created' as bigint), r->>'key',
       cast(r->>'suite' as smallint), decode(r->>'sealed', 'base64'), decode(r->>'sig', 'base64'),
       to_timestamp(cast(r->>'received' as bigint))
from jsonb_array_elements(cast(:rows as jsonb)) as r
"""

_QUARANTINE = """
insert into quarantine (device, digest, reason, org, envelope, created, key, suite, sealed, sig, received_at)
values (:device, :digest, 'unwritable', :org, cast(:id as uuid), :created, :key, :suite, :sealed, :sig,
        to_timestamp(:received))
on conflict do nothing
"""


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a batch: rows stored, rows in quarantine, deliveries that are no envelope at all."""

    stored: int = 0
    quarantined: int = 0
    set_aside: int = 0

    def __add__(self, other: Written) -> Written:
        return Written(
            self.stored + other.stored, self.quarantined + other.quarantined, self.set_aside + other.set_aside
        )


@dataclass(frozen=True, slots=True)
class _Row:
    delivery: Delivery
    envelope: Envelope


BATCH = 500


class Writer:
    """Moves deliveries from `inbox` to `database` (as framekeep_writer)."""

    def __init__(self, inbox: Inbox, database: Database, alerts: Alerts, *, batch: int = BATCH) -> None:
        self._inbox, self._database, self._alerts, self._batch = inbox, database, alerts, batch
        self._weeks: set[int] = set()

    def step(self) -> Written:
        """Move one batch. Raises Unavailable, the deliveries released, when the database is away."""
        deliveries = self._inbox.claim(self._batch)
        if not deliveries:
            return Written()
        try:
            return self._move(deliveries)
        except BaseException:
            self._inbox.release(deliveries)
            raise

    def _move(self, deliveries: Sequence[Delivery]) -> Written:
        rows: list[_Row] = []
        aside: list[tuple[Delivery, str]] = []
        for delivery in deliveries:
            try:
                rows.append(_Row(delivery, parse_body(delivery.body)))
            except WireError as error:  # ingest parsed it: the inbox itself was damaged
                aside.append((delivery, error.code))
        written = self._store(rows, aside)
        kept = {delivery.receipt for delivery, _ in aside}
        self._inbox.done([row.delivery for row in rows if row.delivery.receipt not in kept])
        for delivery, reason in aside:
            self._inbox.set_aside(delivery, reason)
            self._alerts.alert("inbox_set_aside", "a delivery in the inbox cannot be stored", reason=reason)
        return written + Written(set_aside=len(aside))

    def _store(self, rows: Sequence[_Row], aside: list[tuple[Delivery, str]]) -> Written:
        if not rows:
            return Written()
        try:
            self._ensure_partitions(rows)
            self._database.run(_INSERT, rows=json.dumps([_as_json(row) for row in rows]))
            return Written(stored=len(rows))
        except PoisonError:
            if len(rows) > 1:
                half = len(rows) // 2
                return self._store(rows[:half], aside) + self._store(rows[half:], aside)
        return self._quarantine(rows[0], aside)

    def _ensure_partitions(self, rows: Sequence[_Row]) -> None:
        """Maintenance makes partitions ahead of time; should it ever sleep, envelopes must not pay for it."""
        for week in sorted({row.delivery.received // WEEK_SECONDS for row in rows} - self._weeks):
            for second in (week * WEEK_SECONDS, (week + 1) * WEEK_SECONDS - 1):  # weeks of the epoch begin on Thursday
                self._database.run("select create_envelope_partition(to_timestamp(:at)) as part", at=second)
            self._weeks.add(week)

    def _quarantine(self, row: _Row, aside: list[tuple[Delivery, str]]) -> Written:
        envelope = row.envelope
        try:
            self._database.run(
                _QUARANTINE,
                org=row.delivery.org,
                device=envelope.device,
                digest=digest(envelope),
                id=str(envelope.id),
                created=envelope.created,
                key=envelope.key,
                suite=envelope.suite,
                sealed=envelope.sealed,
                sig=envelope.sig,
                received=row.delivery.received,
            )
        except PoisonError:
            aside.append((row.delivery, "unwritable"))
            return Written()
        self._alerts.alert("quarantined", "the database refused an envelope", reason="unwritable")
        return Written(quarantined=1)


def digest(envelope: Envelope) -> bytes:
    """16 bytes that stand for this sealed text and signature."""
    return sha256(envelope.sig + envelope.sealed).digest()[:16]


def _as_json(row: _Row) -> dict[str, object]:
    envelope = row.envelope
    return {
        "org": row.delivery.org,
        "device": envelope.device,
        "id": str(envelope.id),
        "created": envelope.created,
        "key": envelope.key,
        "suite": envelope.suite,
        "sealed": to_b64(envelope.sealed),
        "sig": to_b64(envelope.sig),
        "received": row.delivery.received,
    }
