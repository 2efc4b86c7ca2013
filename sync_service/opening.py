"""Pure: from sealed rows to what the ledger, the rollups and the quarantine are told. No clock, no database.

Ingest checked the signature already; here it is checked again, so that a row put into the table by anybody else than
a device counts for nothing.
"""

from __future__ import annotations

import hmac
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from operator import attrgetter

from agent.wire.envelope import Envelope
from agent.wire.errors import BadSignature, CannotOpen, WireError
from agent.wire.ids import tag
from agent.wire.seal import SealKey, open_sealed, verify
from agent.wire.summary import STATES, Summary, Window

FUTURE_SECONDS = 600
"""A window may end this long after its envelope was received: clocks differ a little."""
PAST_SECONDS = 35 * 86400
"""A window may start this long before its envelope was received: laptops are away for a month."""
LEDGER_SECONDS = 40 * 86400
"""The ledger remembers a window this long after it started."""
SLOT_SECONDS = 900
"""Grid of the person rollups."""

_SECONDS = attrgetter(*STATES)
_LEDGER_TAG = tag("ledger")
_CONTENT = struct.Struct(">Q7H")
"""A window's start, seconds by state in the order of STATES, frames."""

_LEDGER_MARGIN_SECONDS = 86400
"""A row may wait to be opened; one so old that its ledger entries may be gone is not counted (again)."""


@dataclass(frozen=True, slots=True)
class SealedRow:
    """A row of the table `envelope`: `number` names it, `org` is what ingest wrote beside it, `received` epoch
    seconds.
    """

    number: int
    org: str
    received: int
    envelope: Envelope


@dataclass(frozen=True, slots=True)
class Owner:
    """Whom a device belongs to; `public` is its Ed25519 key (32 bytes)."""

    org: str
    person: str
    public: bytes


@dataclass(frozen=True, slots=True)
class Opened:
    """A row that is what it says: its summary, and which of its windows may be counted, too far ahead, too old."""

    row: SealedRow
    person: str
    summary: Summary
    countable: tuple[Window, ...]
    future: tuple[Window, ...]
    too_old: tuple[Window, ...]


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that cannot be counted, and why (a reason of the table `quarantine`). `authentic`: its device did sign
    it, so the device may be told that it was set aside.
    """

    row: SealedRow
    reason: str
    authentic: bool


def open_row(row: SealedRow, *, owner: Owner | None, key: SealKey | None, now: int) -> Opened | Rejected:
    """Verify and open one row at `now` (epoch seconds)."""
    if owner is None or owner.org != row.org:
        return Rejected(row, "unknown_device", authentic=False)
    try:
        verify(row.envelope, org=row.org, device_public=owner.public)
    except BadSignature:
        return Rejected(row, "bad_signature", authentic=False)
    if key is None:
        return Rejected(row, "unknown_key", authentic=True)
    try:
        summary = open_sealed(row.envelope, org=row.org, key=key)
    except CannotOpen:
        return Rejected(row, "cannot_open", authentic=True)
    except WireError:
        return Rejected(row, "malformed", authentic=True)
    oldest = max(row.received - PAST_SECONDS, now - LEDGER_SECONDS + _LEDGER_MARGIN_SECONDS)
    newest = row.received + FUTURE_SECONDS
    return Opened(
        row,
        owner.person,
        summary,
        countable=tuple(w for w in summary.windows if w.start >= oldest and w.end <= newest),
        future=tuple(w for w in summary.windows if w.end > newest),
        too_old=tuple(w for w in summary.windows if w.start < oldest and w.end <= newest),
    )


def window_mark(secret: bytes, window: Window) -> bytes:
    """16 bytes that stand for a window's content in the ledger. Keyed: a window has so few possible values that an
    unkeyed hash could be turned back. The policy's id is no part of it: windows re-sealed later may carry a newer one.
    """
    content = _CONTENT.pack(window.start, *_SECONDS(window), window.frames)
    return hmac.digest(secret, _LEDGER_TAG + content, "sha256")[:16]


@dataclass(frozen=True, slots=True)
class Entry:
    """One window on its way to the ledger."""

    opened: Opened
    window: Window
    mark: bytes

    @property
    def key(self) -> tuple[str, int]:
        """The ledger's key: device and window start."""
        return self.opened.row.envelope.device, self.window.start


def entries(opened: Iterable[Opened], secret: bytes) -> list[Entry]:
    """Every countable window, in the order of the rows."""
    return [Entry(one, window, window_mark(secret, window)) for one in opened for window in one.countable]


@dataclass(frozen=True, slots=True)
class Rollup:
    """What newly counted windows add to a person's quarter of an hour: seconds by state, frames, windows."""

    org: str
    person: str
    slot: int
    policy: str
    seconds: tuple[int, ...]
    """In the order of STATES."""
    frames: int
    windows: int


def add_up(counted: Iterable[Entry]) -> list[Rollup]:
    """Sums by person, slot and policy, ordered so that two openers take locks in the same order."""
    groups: dict[tuple[str, int, str], list[Entry]] = {}
    for entry in counted:
        start = entry.window.start
        groups.setdefault((entry.opened.person, start - start % SLOT_SECONDS, entry.opened.summary.policy), []).append(
            entry
        )
    return [
        Rollup(
            group[0].opened.row.org,
            *key,
            seconds=tuple(sum(column) for column in zip(*(_SECONDS(entry.window) for entry in group), strict=True)),
            frames=sum(entry.window.frames for entry in group),
            windows=len(group),
        )
        for key, group in sorted(groups.items(), key=lambda item: item[0])
    ]


@dataclass(frozen=True, slots=True)
class Progress:
    """What a device's envelopes of one batch say: their numbers, windows lost so far, when the last one came, and the
    version of the program that the highest-numbered one names.
    """

    org: str
    device: str
    seqs: tuple[int, ...]
    lost: int
    last: int
    agent: str


def progress(opened: Iterable[Opened]) -> list[Progress]:
    """By device, ordered by it."""
    by_device: dict[str, list[Opened]] = {}
    for one in opened:
        by_device.setdefault(one.row.envelope.device, []).append(one)
    return [
        Progress(
            org=group[0].row.org,
            device=device,
            seqs=tuple(one.summary.seq for one in group),
            lost=max(one.summary.lost for one in group),
            last=max(one.row.received for one in group),
            agent=max(group, key=lambda one: one.summary.seq).summary.agent,
        )
        for device, group in sorted(by_device.items())
    ]


def conflicts(all_entries: Iterable[Entry], ledger: Mapping[tuple[str, int], bytes]) -> list[Entry]:
    """Entries whose content is not what the ledger has for that window. `ledger` is key -> mark."""
    return [entry for entry in all_entries if ledger[entry.key] != entry.mark]
