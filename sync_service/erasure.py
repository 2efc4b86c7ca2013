"""Erasing a person: held for a day, then step by step, each step safe to repeat, until a receipt that names nobody.

held -> revoked -> drained -> deleted -> receipt

* **held**: 24 hours in which the person can change their mind, since a laptop can be stolen.
* **revoked**: tombstones for the person and their devices; the devices may no longer speak. From here on unreleased team
  numbers are computed without the person. Released ones stay: recomputing would publish the difference.
* **drained**: long enough later that nothing of these devices is on its way any more, and everything that came is opened.
* **deleted**: one transaction over every table with a person or device column (`ERASED`; a test fails on an unlisted one).
* the receipt, after another role has counted what is left and found nothing. It says how many rows went, not whose.

Tombstones keep random ids only, and stay: `sweep` deletes whatever of them comes back with a restored backup or a late
copy, and `remember` lets the installation keep them outside the database too.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from sync_service.ports import Alerts, Database, DeviceRegistry, Row

WAIT_OUT_SECONDS = 600
"""How long after a revocation something may still arrive on one machine; a queue in the cloud keeps things for days."""


ERASED_NAME = "an erased person"
"""What stands in place of a name that others need a word for."""


@dataclass(frozen=True, slots=True)
class Place:
    """A column that names a person, a device or a person's own account as a reader, and what an erasure does to its rows:
    delete them, or `sets` (column -> SQL) what no longer names anybody.
    """

    table: str
    column: str
    names: Literal["person", "device", "reader"]
    sets: Mapping[str, str] | None = None

    def where(self) -> str:
        """The condition for its rows; `:ids` are persons' or devices', as one JSON text."""
        ids = "(select jsonb_array_elements_text(cast(:ids as jsonb)))"
        readers = f"(select id from manager where person in {ids})"
        return f"{self.column} in {readers if self.names == 'reader' else ids}"

    def ids(self, tombstones: Sequence[Tombstone]) -> str:
        """The ids for `where`."""
        kind = "device" if self.names == "device" else "person"
        return json.dumps([one.id for one in tombstones if one.kind == kind])


ERASED = (
    Place("envelope", "device", "device"),
    Place("quarantine", "device", "device"),
    Place("receipt", "device", "device"),
    Place("device_progress", "device", "device"),
    Place("device_jti", "device", "device"),
    Place("participation", "device", "device"),
    Place("device_agent", "device", "device"),
    Place("ledger", "device", "device"),
    Place("ledger", "person", "person"),
    Place("person_rollup", "person", "person"),
    Place("correction", "person", "person"),
    Place("cohort", "person", "person"),
    Place("membership", "person", "person"),
    Place("approval", "person", "person"),
    Place("counted_person", "person", "person"),
    Place("code", "person", "person"),
    # That somebody read something stays on record; whom it was about does not.
    Place("access_log", "person", "person", {"person": "null"}),
    # What a reader read stays on record too, without their name. Readers are found by their account, so that is next.
    Place("access_log", "reader", "reader", {"reader_name": f"'{ERASED_NAME}'"}),
    # Their account at the identity provider, with its e-mail address; found by their account here, so before it.
    Place("reader_identity", "manager", "reader"),
    # Where their alerts went: an address is somebody's.
    Place("alert_channel", "reader", "reader"),
    # Nobody reads on under no name.
    Place(
        "manager",
        "person",
        "person",
        {"person": "null", "name": f"'{ERASED_NAME}'", "revoked_at": "coalesce(revoked_at, now())"},
    ),
    # Last, because others refer to them.
    Place("device", "person", "person"),
    Place("device", "id", "device"),
    Place("person", "id", "person"),
)

KEPT = {
    ("tombstone", "id"): "so that a restored backup does not bring the person back",
    ("erasure_request", "person"): "until the receipt is written, in the same transaction",
}
"""Columns an erasure leaves alone, and why."""


@dataclass(frozen=True, slots=True)
class Tombstone:
    """What must never come back: a person's or a device's random id."""

    kind: Literal["person", "device"]
    id: str
    org: str
    erasure: str


class Eraser:
    """Moves erasures on. `db` speaks as framekeep_eraser, `checker` as framekeep_maintenance, which looks afterwards.

    `registry` may revoke devices; `remember` keeps tombstones outside the database, durably, before anything is deleted;
    `forget` deletes what is kept of devices (ids) outside the database.
    """

    def __init__(
        self,
        db: Database,
        checker: Database,
        registry: DeviceRegistry,
        alerts: Alerts,
        *,
        remember: Callable[[Sequence[Tombstone]], None],
        forget: Callable[[Sequence[str]], None] = lambda _: None,
        wait_out_seconds: int = WAIT_OUT_SECONDS,
    ) -> None:
        self._db, self._checker, self._registry, self._alerts = db, checker, registry, alerts
        self._remember, self._forget, self._wait_out = remember, forget, wait_out_seconds

    def run(self, now: int) -> int:
        """Move every erasure as far as it can go at `now` (epoch seconds); how many were finished."""
        finished = 0
        for request in self._open_requests():
            step = request["step"]
            if step == "held" and request["due"] <= now:
                step = self._revoke(request, now)
            if step == "revoked":
                step = self._drain(request, now)
            if step == "drained":
                step = self._delete(request, now)
            if step == "deleted":
                finished += self._finish(request, now)
        return finished

    def sweep(self, tombstones: Sequence[Tombstone] = ()) -> int:
        """Delete whatever names somebody erased before; how many rows. Run it after a restore, before serving, with the
        tombstones kept outside, and now and then for late copies.
        """
        with self._db.transaction() as tx:
            _bury(tx, tombstones)
            _bury_devices(tx)
            rows = tx.run(  # an erasure under way deletes its own rows, in order, and counts them
                """select kind, id, org, erasure::text as erasure from tombstone
                   where erasure not in (select id from erasure_request where step in ('revoked', 'drained'))"""
            )
            return sum(_remove(tx, [Tombstone(**row) for row in rows]).values())

    def _open_requests(self) -> list[Row]:
        return self._db.run(
            """select id::text as id, org, person, step, extract(epoch from requested_at)::bigint as requested,
                 extract(epoch from due_at)::bigint as due, extract(epoch from stepped_at)::bigint as stepped
               from erasure_request where step <> 'cancelled' order by requested_at"""
        )

    def _revoke(self, request: Row, now: int) -> str:
        org, person = request["org"], request["person"]
        with self._db.transaction() as tx:
            if not _step(tx, request, "held", "revoked", now):
                return "cancelled"  # between reading it and now
            # Waits for an enrolment that is using a code: a device is there as soon as its code is used.
            tx.run("delete from code where person = :person", person=person)
            _bury(tx, [Tombstone("person", person, org, request["id"])])
            _bury_devices(tx)
        request["stepped"] = now
        return "revoked"

    def _drain(self, request: Row, now: int) -> str:
        _bury_devices(self._db)  # also one that enrolled since then, with a code made since then
        tombstones = _tombstones(self._db, request)
        self._remember(tombstones)
        devices = [one.id for one in tombstones if one.kind == "device"]
        for device in devices:
            self._registry.revoke(device, now=now)
        if now < request["stepped"] + self._wait_out:
            return "waiting"
        waiting = self._db.run(
            """select count(*) as n from envelope
               where settled_at is null and device in (select jsonb_array_elements_text(cast(:devices as jsonb)))""",
            devices=json.dumps(devices),
        )
        if waiting[0]["n"]:
            return "waiting"
        with self._db.transaction() as tx:
            _step(tx, request, "revoked", "drained", now)
        return "drained"

    def _delete(self, request: Row, now: int) -> str:
        # First, since a step that is done is not repeated.
        self._forget([one.id for one in _tombstones(self._db, request) if one.kind == "device"])
        with self._db.transaction() as tx:
            if not _step(tx, request, "drained", "deleted", now):
                return "deleted"
            _bury_devices(tx)
            removed = _remove(tx, _tombstones(tx, request))
            before = tx.run(
                "select removed::text as n from erasure_request where id = cast(:id as uuid)", id=request["id"]
            )
            for table, rows in json.loads(before[0]["n"]).items():
                removed[table] += rows  # it is not the first time
            tx.run(
                "update erasure_request set removed = cast(:removed as jsonb) where id = cast(:id as uuid)",
                removed=json.dumps(removed),
                id=request["id"],
            )
        return "deleted"

    def _finish(self, request: Row, now: int) -> int:
        left = self._left(request)
        if left:
            # Something came after all; delete again.
            self._alerts.alert("erasure_incomplete", "an erasure found rows left over and repeats itself", rows=left)
            with self._db.transaction() as tx:
                _step(tx, request, "deleted", "drained", now)
            return 0
        with self._db.transaction() as tx:
            done = tx.run(
                """insert into erasure_receipt (id, org, requested_at, finished_at, removed)
                   select id, org, requested_at, to_timestamp(:now), removed from erasure_request
                   where id = cast(:id as uuid) on conflict do nothing returning id::text as id""",
                id=request["id"],
                now=now,
            )
            tx.run("delete from erasure_request where id = cast(:id as uuid)", id=request["id"])
        self._alerts.alert(
            "erasure_finished", "an erasure is finished; its receipt names nobody", receipt=request["id"]
        )
        return len(done)

    def _left(self, request: Row) -> int:
        """Rows that still name the person or their devices, counted by another role."""
        tombstones = _tombstones(self._checker, request)
        total = 0
        for place in ERASED:
            rows = self._checker.run(
                f"select count(*) as n from {place.table} where {place.where()}", ids=place.ids(tombstones)
            )
            total += rows[0]["n"]
        return total


def _tombstones(db: Database, request: Row) -> list[Tombstone]:
    rows = db.run(
        "select kind, id, org, erasure::text as erasure from tombstone where erasure = cast(:id as uuid)",
        id=request["id"],
    )
    return [Tombstone(**row) for row in rows]


def _bury(tx: Database, tombstones: Sequence[Tombstone]) -> None:
    for tombstone in tombstones:
        tx.run(
            """insert into tombstone (kind, id, org, erasure, at)
               values (:kind, :id, :org, cast(:erasure as uuid), now()) on conflict do nothing""",
            kind=tombstone.kind,
            id=tombstone.id,
            org=tombstone.org,
            erasure=tombstone.erasure,
        )


def _bury_devices(db: Database) -> None:
    """Tombstones for every device of whoever has one."""
    db.run(
        """insert into tombstone (kind, id, org, erasure, at)
           select 'device', d.id, d.org, t.erasure, now() from device d
             join tombstone t on t.kind = 'person' and t.id = d.person
           on conflict do nothing"""
    )


def _step(tx: Database, request: Row, old: str, new: str, now: int) -> bool:
    return bool(
        tx.run(
            """update erasure_request set step = :new, stepped_at = to_timestamp(:now)
               where id = cast(:id as uuid) and step = :old returning 1 as one""",
            id=request["id"],
            old=old,
            new=new,
            now=now,
        )
    )


def _remove(tx: Database, tombstones: Sequence[Tombstone]) -> dict[str, int]:
    """Delete or forget every row that names one of them; how many rows by table."""
    removed: dict[str, int] = {}
    for place in ERASED:
        sets = ", ".join(f"{column} = {value}" for column, value in (place.sets or {}).items())
        verb = f"update {place.table} set {sets}" if sets else f"delete from {place.table}"
        rows = tx.run(
            f"with gone as ({verb} where {place.where()} returning 1) select count(*) as n from gone",
            ids=place.ids(tombstones),
        )
        removed[place.table] = removed.get(place.table, 0) + rows[0]["n"]
    return removed
