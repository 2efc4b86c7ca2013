"""Sealed rows become person rollups, each window exactly once.

Everything happens in one transaction: claim rows, verify and open them, insert into the ledger, add to the rollups
what the ledger took as new, write receipts and quarantine, mark the rows. Killed at any instant, either all of it
happened or nothing. Replays, re-sealed windows and a second opener at the same time all end at the ledger's key.
Two openers side by side are faster than one: while the database works for one, the other decrypts.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from uuid import UUID

from agent.wire.envelope import Envelope
from agent.wire.errors import WireError
from agent.wire.summary import STATES
from sync_service import opener_sql as sql
from sync_service.errors import PoisonError, Unavailable
from sync_service.opening import (
    Entry,
    Opened,
    Owner,
    Rejected,
    SealedRow,
    add_up,
    conflicts,
    entries,
    open_row,
    progress,
)
from sync_service.ports import Alerts, Database, Row, SealKeys

BATCH = 500

_ROW_FAULTS = (ValueError, TypeError, LookupError, ArithmeticError, AssertionError, RecursionError)
"""What a defect in reading one row may raise: opening a row is pure, so this lies in the row. A full disk, a missing
right, a lack of memory or of files do not, and no row is given up for them."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OpenedBatch:
    """What was done. `windows` were counted now; `second_device` windows belong to a person another device of whom was
    first; `replayed` had been counted before; the rest went to quarantine (rows or parts of rows, by reason).
    """

    rows: int = 0
    windows: int = 0
    second_device: int = 0
    replayed: int = 0
    quarantined: Counter[str] = field(default_factory=Counter)

    def __add__(self, other: OpenedBatch) -> OpenedBatch:
        return OpenedBatch(
            self.rows + other.rows,
            self.windows + other.windows,
            self.second_device + other.second_device,
            self.replayed + other.replayed,
            self.quarantined + other.quarantined,
        )


@dataclass(frozen=True, slots=True)
class _Aside:
    """One line for the quarantine: which row, why, and the starts of the windows concerned (all of it: none)."""

    row: int
    received: int
    reason: str
    starts: tuple[int, ...] = ()


class Opener:
    """Opens rows in `database` (as framekeep_opener) with the private keys. `clock` answers epoch seconds."""

    def __init__(
        self, database: Database, keys: SealKeys, alerts: Alerts, *, clock: Callable[[], int], batch: int = BATCH
    ) -> None:
        self._database, self._keys, self._alerts, self._clock = database, keys, alerts, clock
        self._batch = batch
        self._limit = batch
        self._oldest: int | None = None

    def step(self) -> OpenedBatch:
        """Open one batch; `rows` is 0 when nothing waits. Raises Unavailable when the database is away, or this
        machine cannot read its keys now.

        A row the database refuses is found by halving the batch until it stands alone; then it goes to quarantine
        unopened. After a success the batch grows again. Any other failure says nothing about the rows: they wait.
        """
        while True:
            try:
                done = self._transaction(self._limit)
                break
            except PoisonError:
                log.warning("a batch of %d rows was refused by the database", self._limit)
            except (OSError, MemoryError) as error:
                raise Unavailable(f"this machine cannot open envelopes now ({error or 'out of memory'})") from error
            if self._limit == 1:
                done = self._give_up()
                break
            self._limit //= 2
        self._limit = min(self._batch, self._limit * 2)
        if done.quarantined:
            self._alerts.alert("quarantined", "some of what was received cannot be counted", **dict(done.quarantined))
        return done

    def drain(self) -> OpenedBatch:
        """Step until nothing waits; answers the sum."""
        total = OpenedBatch()
        while (done := self.step()).rows:
            total += done
        return total

    def _transaction(self, limit: int) -> OpenedBatch:
        now = self._clock()
        secret = self._keys.ledger_secret()  # before any row is touched
        with self._database.transaction() as tx:
            claimed = sorted(tx.run(sql.CLAIM, limit=limit, now=now), key=lambda row: (row["received"], row["row"]))
            if not claimed:
                return OpenedBatch()
            self._oldest = claimed[0]["row"]
            rows, aside = _read(claimed)
            opened, rejected = self._open(tx, rows, now)
            aside += [_Aside(one.row.number, one.row.received, one.reason) for one in rejected]
            every = entries(opened, secret)
            counted, second, odd = _enter(tx, every)
            _add_to_rollups(tx, counted)
            aside += _windows_aside(opened, odd)
            _quarantine(tx, aside, now)
            _write_receipts(tx, opened, rejected, {one.row for one in aside}, now)
            _note_progress(tx, opened)
        return OpenedBatch(
            rows=len(claimed),
            windows=len(counted),
            second_device=second,
            replayed=len(every) - len(counted) - second - len(odd),
            quarantined=Counter(one.reason for one in aside),
        )

    def _give_up(self) -> OpenedBatch:
        """The row that failed alone goes to quarantine as it is."""
        now = self._clock()
        assert self._oldest is not None
        with self._database.transaction() as tx:
            claimed = tx.run(sql.CLAIM_ONE, row=self._oldest, now=now)
            _quarantine(tx, [_Aside(row["row"], row["received"], "poison") for row in claimed], now)
        return OpenedBatch(rows=len(claimed), quarantined=Counter({"poison": len(claimed)}))

    def _open(self, tx: Database, rows: Sequence[SealedRow], now: int) -> tuple[list[Opened], list[Rejected]]:
        devices = sorted({row.envelope.device for row in rows})
        owners = {
            found["id"]: Owner(found["org"], found["person"], found["public"])
            for found in tx.run(sql.OWNERS, devices=json.dumps(devices))
        }
        keys = {key: self._keys.find(key) for key in {row.envelope.key for row in rows}}
        opened: list[Opened] = []
        rejected: list[Rejected] = []
        for row in rows:
            try:
                found = open_row(row, owner=owners.get(row.envelope.device), key=keys[row.envelope.key], now=now)
            except _ROW_FAULTS:
                log.exception("row %d could not be opened", row.number)
                found = Rejected(row, "poison", authentic=False)
            if isinstance(found, Opened):
                opened.append(found)
            else:
                rejected.append(found)
        return opened, rejected


def _read(claimed: Iterable[Row]) -> tuple[list[SealedRow], list[_Aside]]:
    """Rows as values. One that is not even shaped like an envelope was not put there by the writer."""
    rows: list[SealedRow] = []
    aside: list[_Aside] = []
    for found in claimed:
        try:
            envelope = Envelope(
                id=UUID(found["id"]),
                device=found["device"],
                created=found["created"],
                key=found["key"],
                suite=found["suite"],
                sealed=found["sealed"],
                sig=found["sig"],
            )
        except WireError:
            aside.append(_Aside(found["row"], found["received"], "malformed"))
        else:
            rows.append(SealedRow(found["row"], found["org"], found["received"], envelope))
    return rows, aside


def _enter(tx: Database, every: Sequence[Entry]) -> tuple[list[Entry], int, list[Entry]]:
    """Enter windows into the ledger: those that count now, how many count for a person's other device instead, and
    those in conflict with what is there.
    """
    first: dict[tuple[str, int], Entry] = {}
    for entry in every:
        first.setdefault(entry.key, entry)
    counted = _insert(tx, list(first.values()), counted=True)
    ledger = {key: first[key].mark for key in counted}
    ledger |= _look_up(tx, [key for key in first if key not in ledger])
    # No entry under its own device and yet not taken: the person's other device was first for this window.
    others = [entry for key, entry in first.items() if key not in ledger]
    taken = _insert(tx, others, counted=False)
    ledger |= {key: first[key].mark for key in taken}
    # Still none: another opener entered this device's window in between.
    ledger |= _look_up(tx, [entry.key for entry in others if entry.key not in taken])
    return [first[key] for key in first if key in counted], len(taken), conflicts(every, ledger)


def _insert(tx: Database, chosen: Sequence[Entry], *, counted: bool) -> set[tuple[str, int]]:
    if not chosen:
        return set()
    # Openers that work side by side wait for each other here, so all of them go through the ledger in one order;
    # sorting is stable: of a person's two devices in a batch, the one received first stays first.
    rows = [
        {
            "device": entry.opened.row.envelope.device,
            "start": entry.window.start,
            "org": entry.opened.row.org,
            "person": entry.opened.person,
            "envelope": str(entry.opened.row.envelope.id),
            "mark": entry.mark.hex(),
        }
        for entry in sorted(chosen, key=lambda entry: (entry.opened.person, entry.window.start))
    ]
    taken = tx.run(sql.ENTER, rows=json.dumps(rows), counted=counted)
    return {(row["device"], row["start"]) for row in taken}


def _look_up(tx: Database, keys: Sequence[tuple[str, int]]) -> dict[tuple[str, int], bytes]:
    if not keys:
        return {}
    rows = [{"device": device, "start": start} for device, start in keys]
    return {(row["device"], row["start"]): row["mark"] for row in tx.run(sql.LOOK_UP, rows=json.dumps(rows))}


def _add_to_rollups(tx: Database, counted: Sequence[Entry]) -> None:
    rows = [
        {
            "org": rollup.org,
            "person": rollup.person,
            "slot": rollup.slot,
            "policy": rollup.policy,
            **dict(zip(STATES, rollup.seconds, strict=True)),
            "frames": rollup.frames,
            "windows": rollup.windows,
        }
        for rollup in add_up(counted)
    ]
    if rows:
        tx.run(sql.ADD_TO_ROLLUPS, rows=json.dumps(rows))


def _windows_aside(opened: Iterable[Opened], odd: Iterable[Entry]) -> list[_Aside]:
    """One line for each row and reason: windows too far ahead, too old, in conflict."""
    starts: dict[tuple[int, int, str], list[int]] = {}
    for one in opened:
        for reason, windows in (("future", one.future), ("too_old", one.too_old)):
            for window in windows:
                starts.setdefault((one.row.number, one.row.received, reason), []).append(window.start)
    for entry in odd:
        row = entry.opened.row
        starts.setdefault((row.number, row.received, "conflict"), []).append(entry.window.start)
    return [_Aside(*key, starts=tuple(found)) for key, found in starts.items()]


def _quarantine(tx: Database, aside: Sequence[_Aside], now: int) -> None:
    if aside:
        tx.run(sql.QUARANTINE, rows=json.dumps([asdict(one) for one in aside]), now=now)


def _write_receipts(
    tx: Database, opened: Sequence[Opened], rejected: Sequence[Rejected], aside: set[int], now: int
) -> None:
    """Only for what a device signed: a forged row must not tell a laptop that its own envelope was dealt with."""
    receipts: dict[tuple[str, str], tuple[str, str]] = {}
    for row in [one.row for one in opened] + [one.row for one in rejected if one.authentic]:
        key = (row.envelope.device, str(row.envelope.id))
        outcome = "set_aside" if row.number in aside else "opened"
        receipts[key] = (row.org, "opened" if receipts.get(key) == (row.org, "opened") else outcome)
    rows = [
        {"device": device, "envelope": envelope, "org": org, "outcome": outcome}
        for (device, envelope), (org, outcome) in sorted(receipts.items())
    ]
    if rows:
        tx.run(sql.WRITE_RECEIPTS, rows=json.dumps(rows), now=now)


def _note_progress(tx: Database, opened: Sequence[Opened]) -> None:
    rows = [
        {
            "org": one.org,
            "device": one.device,
            "seqs": one.seqs,
            "lost": one.lost,
            "last": one.last,
            "agent": one.agent,
        }
        for one in progress(opened)
    ]
    if rows:
        tx.run(sql.NOTE_PROGRESS, rows=json.dumps(rows))
        tx.run(sql.NOTE_AGENTS, rows=json.dumps(rows))
