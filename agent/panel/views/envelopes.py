"""Envelopes for reading: what is in them word for word, their sealed bytes, and whether the signature holds. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from agent.panel.language import N_, Speech, plain
from agent.store.rows import EnvelopeRow, EnvelopeState
from agent.wire.envelope import Envelope, parse_body
from agent.wire.errors import WireError
from agent.wire.seal import verify
from agent.wire.summary import STATES, WINDOW_SECONDS

STATE_WORDS = {
    EnvelopeState.WAITING: N_("Waiting"),
    EnvelopeState.ACCEPTED: N_("Accepted"),
    EnvelopeState.OPENED: N_("Opened"),
    EnvelopeState.SET_ASIDE: N_("Set aside"),
    EnvelopeState.WITHHELD: N_("Withheld"),
}

STATE_MEANINGS = {
    EnvelopeState.WAITING: N_("Sealed and on this laptop; it has not left yet."),
    EnvelopeState.ACCEPTED: N_("The service holds it, still sealed."),
    EnvelopeState.OPENED: N_("The service opened it and counted what is in it."),
    EnvelopeState.SET_ASIDE: N_("Refused: it is kept here and not sent again unless you ask."),
    EnvelopeState.WITHHELD: N_("You declined before it was sent: it stays on this laptop for good."),
}

SHOWN_BYTES = 256
"""How much of the ciphertext is shown; the whole is there to download."""


@dataclass(frozen=True, slots=True)
class Row:
    """One envelope in the list: its number, when it was made, what stretch it covers, its size and how far it came."""

    seq: int
    made: str
    covers: str
    size: str
    state: str
    word: str


@dataclass(frozen=True, slots=True)
class WindowRow:
    """One window of an envelope in words: its time and seconds per state in the order of STATES."""

    when: str
    seconds: tuple[str, ...]
    frames: str


@dataclass(frozen=True, slots=True)
class Signature:
    """Whether the signature holds, and what to say about it."""

    holds: bool
    words: str


@dataclass(frozen=True, slots=True)
class Detail:
    """An envelope laid open. `plain` are the exact words that were sealed, `hexes` the ciphertext's first bytes."""

    row: Row
    meaning: str
    error: str
    next_try: str
    plain: str
    windows: tuple[WindowRow, ...]
    hexes: str
    more: str
    id: str
    key: str
    device: str
    suite: str
    signature: Signature


def envelope_row(say: Speech, row: EnvelopeRow, now: float) -> Row:
    """One line of the list at `now`."""
    return Row(
        row.seq,
        say.moment(row.created, now),
        _covers(say, _starts(row.plain) or (row.first,), now),
        say.size(len(row.body)),
        row.state.value,
        say.gettext(STATE_WORDS[row.state]),
    )


def found(say: Speech, rows: Iterable[EnvelopeRow], sought: str, state: str, now: float) -> list[EnvelopeRow]:
    """The rows in `state` ("" for any) in which every word of `sought` stands: in the number, the id, the date and time, the
    state's name or the text that was sealed.
    """
    words = plain(sought).split()
    return [
        row for row in rows if (not state or row.state.value == state) and (not words or _holds(say, row, words, now))
    ]


def detail(say: Speech, row: EnvelopeRow, *, org: str, device_public: bytes | None, now: float) -> Detail:
    """The envelope laid open at `now`. `org` and `device_public` are what its signature is checked against."""
    envelope = _parsed(row.body)
    sealed = envelope.sealed if envelope else row.body
    return Detail(
        row=envelope_row(say, row, now),
        meaning=say.gettext(STATE_MEANINGS[row.state]),
        error=say.gettext(row.last_error) if row.last_error and row.state is not EnvelopeState.WITHHELD else "",
        next_try=_next_try(say, row, now),
        plain=row.plain.decode("ascii", "replace"),
        windows=tuple(_windows(say, row.plain)),
        hexes=hex_lines(sealed[:SHOWN_BYTES]),
        more=say.gettext(
            "The first %(shown)s of %(all)s.", shown=say.size(min(SHOWN_BYTES, len(sealed))), all=say.size(len(sealed))
        ),
        id=str(row.id),
        key=envelope.key if envelope else "",
        device=envelope.device if envelope else "",
        suite=_suite(envelope),
        signature=_signature(say, envelope, org, device_public),
    )


def hex_lines(data: bytes) -> str:
    """Bytes as sixteen a line in two groups, each line with its offset."""
    lines = []
    for at in range(0, len(data), 16):
        first, second = data[at : at + 8], data[at + 8 : at + 16]
        lines.append(f"{at:04x}  {first.hex(' ')}  {second.hex(' ')}".rstrip())
    return "\n".join(lines)


def _starts(text: bytes) -> tuple[int, ...]:
    try:
        return tuple(int(window["start"]) for window in json.loads(text)["windows"])
    except (ValueError, KeyError, TypeError):
        return ()


def _covers(say: Speech, starts: Sequence[int], now: float) -> str:
    first, end = starts[0], starts[-1] + WINDOW_SECONDS
    last = say.clock(end) if say.local(first).date() == say.local(end).date() else say.moment(end, now)
    return f"{say.moment(first, now)}–{last}"


def _holds(say: Speech, row: EnvelopeRow, words: Sequence[str], now: float) -> bool:
    made = say.local(row.created)
    text = plain(
        f"{row.seq} {row.id} {made.date().isoformat()} {say.day(made.date())} {say.moment(row.created, now)}"
        f" {say.gettext(STATE_WORDS[row.state])} {row.plain.decode('ascii', 'replace')}"
    )
    return all(word in text for word in words)


def _parsed(body: bytes) -> Envelope | None:
    try:
        return parse_body(body)
    except WireError:
        return None


def _suite(envelope: Envelope | None) -> str:
    names = {1: "X25519, HKDF-SHA256, AES-256-GCM", 2: "ML-KEM-768 + X25519, HKDF-SHA256, AES-256-GCM"}
    return names.get(envelope.suite, "") if envelope else ""


def _signature(say: Speech, envelope: Envelope | None, org: str, device_public: bytes | None) -> Signature:
    if envelope is None:
        return Signature(False, say.gettext("This envelope cannot be read: its bytes were damaged on this laptop."))
    if device_public is None:
        return Signature(False, say.gettext("The signature cannot be checked: this laptop's key is missing."))
    try:
        verify(envelope, org=org, device_public=device_public)
    except WireError:
        return Signature(False, say.gettext("The signature is not this laptop's present key's."))
    return Signature(True, say.gettext("Verified: this laptop signed exactly these bytes for your organisation."))


def _next_try(say: Speech, row: EnvelopeRow, now: float) -> str:
    if row.state is not EnvelopeState.WAITING or row.next_try <= now:
        return ""
    return say.moment(row.next_try, now)


def _windows(say: Speech, text: bytes) -> Iterable[WindowRow]:
    try:
        windows = json.loads(text)["windows"]
        for window in windows:
            start = int(window["start"])
            yield WindowRow(
                f"{say.clock(start)}–{say.clock(start + WINDOW_SECONDS)}",
                tuple(str(int(window[state])) if window[state] else "–" for state in STATES),
                str(int(window["frames"])),
            )
    except (ValueError, KeyError, TypeError):
        return
