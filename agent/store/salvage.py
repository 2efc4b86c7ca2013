"""Copies what is sound in a damaged store into a new one, and says what was not."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from agent.store.check import SELECTS, Row, is_sound
from agent.store.control_row import PAUSE, damaged_pause, row_digest
from agent.store.database import Database, Meta, reserve, reserved
from agent.store.rows import WITHHELD_MARK, WITHHELD_MARKS, EnvelopeState, RowCipher
from agent.store.schema import PAGE_BYTES, SQLITE_ERRORS, VERSION, connect, explain
from agent.store.windows import made_local

_DELIVERED = (EnvelopeState.ACCEPTED, EnvelopeState.OPENED)
_STORED = {state.value for state in EnvelopeState} - {EnvelopeState.WITHHELD.value}
_CHECKPOINT = 1


@dataclass
class _Found:
    """Sound rows by table and primary key; tables that could not be read to the end or had bad rows; and what the
    indexes alone say, which may name rows whose own page is gone.
    """

    rows: dict[str, dict[int, Row]] = field(default_factory=lambda: {table: {} for table in SELECTS})
    damaged: set[str] = field(default_factory=set)
    states: dict[int, str] = field(default_factory=dict)
    """Envelope number -> state."""
    envelope_of: dict[int, int | None] = field(default_factory=dict)
    """Window start -> envelope number, of windows that are to be sent."""


def salvage(damaged: Path, target: Path, cipher: RowCipher, *, counters: Path, now: float) -> list[str]:
    """Write `target`, a new store with everything that could be saved, complete and closed. `counters` is the store
    whose side file goes on. Returns sentences about what could not be saved. Raises StoreError when `target` cannot
    be written; nothing else is changed.
    """
    try:
        found = _read(damaged, cipher)
        database = Database(connect(target), cipher, target)
        with closing(database):
            return _write(found, database, counters, now)
    except OSError as error:
        raise explain(error, target) from error


def _read(damaged: Path, cipher: RowCipher) -> _Found:
    """First the file as it is; where that fails, a copy whose first page (header and table list) is that of an
    empty store: the tables of both start at the same pages.
    """
    found = _Found()
    with _with_fresh_first_page(damaged) as copy:
        if not _collect(damaged, cipher, found):
            retry = _Found()
            complete = _collect(copy, cipher, retry)
            for table, rows in retry.rows.items():
                found.rows[table] = {**rows, **found.rows[table]}
            found.states = {**retry.states, **found.states}
            found.envelope_of = {**retry.envelope_of, **found.envelope_of}
            found.damaged = retry.damaged if complete else found.damaged & retry.damaged
    return found


def _collect(path: Path, cipher: RowCipher, found: _Found) -> bool:
    """Read every table from both ends. False when one could not be read to its end."""
    complete = True
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.text_factory = bytes
        for table, select in SELECTS.items():
            key = select.split()[1].rstrip(",")
            for direction in ("", " DESC"):
                try:
                    for row in connection.execute(f"{select} ORDER BY {key}{direction}"):
                        if isinstance(row[0], int) and is_sound(cipher, table, row):
                            found.rows[table][row[0]] = row
                        else:
                            found.damaged.add(table)
                    break
                except SQLITE_ERRORS:
                    found.damaged.add(table)
                    complete = False
        try:
            index = "SELECT seq, state FROM envelopes INDEXED BY envelopes_state"
            found.states = {int(seq): str(state, "ascii", "replace") for seq, state in connection.execute(index)}
            index = "SELECT start, envelope FROM windows INDEXED BY windows_envelope WHERE local=0"
            found.envelope_of = {int(start): envelope for start, envelope in connection.execute(index)}
        except (*SQLITE_ERRORS, TypeError, ValueError):
            complete = False
    return complete


def _write(found: _Found, database: Database, counters: Path, now: float) -> list[str]:
    problems = []
    with database.write() as connection:
        if found.rows["control"] and "control" not in found.damaged:
            connection.executemany(
                "INSERT INTO control(id, value, digest) VALUES(?, ?, ?)",
                [(n, str(value, "utf-8"), digest) for n, value, digest in _bytes_rows(found.rows["control"])],
            )
        elif "control" in found.damaged:
            value = damaged_pause(now)
            connection.execute("INSERT INTO control VALUES(?, ?, ?)", (PAUSE, value, row_digest(PAUSE, value)))
            problems.append("Whether it was paused could not be read, so it is paused now: resume when you want.")
        if (checkpoint := found.rows["current"].get(_CHECKPOINT)) is not None:
            connection.execute("INSERT INTO current VALUES(?, ?)", checkpoint)
        connection.executemany("INSERT INTO documents VALUES(?, ?, ?)", found.rows["documents"].values())
        if "documents" in found.damaged:
            problems.append("A signed document was damaged: it is fetched again before anything is measured.")
        problems += _write_identity(found, database, connection)
        problems += _write_outbox(found, database, connection, counters, now)
    return problems


def _write_identity(found: _Found, database: Database, connection: sqlite3.Connection) -> list[str]:
    copy = found.rows["meta"].get(Meta.IDENTITY)
    if (row := found.rows["identity"].get(1)) is not None:
        identity = database.cipher.open(row[1], "identity", 1)
    elif copy is not None:
        identity = database.cipher.open(copy[1], "meta", int(Meta.IDENTITY))
    elif "identity" in found.damaged:
        return ["The enrolment could not be read: enrol again with a new code (framekeep enroll CODE)."]
    else:
        return []
    connection.execute("INSERT INTO identity VALUES(1, ?)", (database.cipher.seal(identity, "identity", 1),))
    database.put(Meta.IDENTITY, identity)
    return []


def _write_outbox(
    found: _Found, database: Database, connection: sqlite3.Connection, counters: Path, now: float
) -> list[str]:
    cipher, envelopes = database.cipher, found.rows["envelopes"]
    withheld = _withheld(found)
    states = dict(found.states)
    for seq, row in envelopes.items():
        states[seq], told = _text(row[6]), _text(row[9])
        if seq in withheld:
            states[seq], told = EnvelopeState.SET_ASIDE.value, WITHHELD_MARK
        elif states[seq] not in _STORED:
            states[seq] = EnvelopeState.WAITING.value
        connection.execute(
            "INSERT INTO envelopes(seq, id, created, first, windows, bytes, state, last_error, settled, sealed)"
            " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*row[:6], states[seq], told, row[10] if isinstance(row[10], int) else int(now), row[11]),
        )
    again = set()
    for start, row in found.rows["windows"].items():
        local, envelope, sealed = row[1:4]
        if envelope in withheld and not local:
            local, sealed = 1, made_local(cipher, start, sealed)
        if not isinstance(envelope, int) or (start in found.envelope_of and found.envelope_of[start] != envelope):
            envelope = None  # in doubt it is sealed again: the service counts a window once
        if envelope is not None and envelope not in envelopes:
            if not local and states.get(envelope) in _DELIVERED:
                local, sealed = 1, made_local(cipher, start, sealed)
            elif not local:
                again.add(envelope)
            envelope = None
        connection.execute("INSERT INTO windows VALUES(?, ?, ?, ?)", (start, local, envelope, sealed))
    gone = {
        start
        for start, envelope in found.envelope_of.items()
        if start not in found.rows["windows"]
        and envelope not in envelopes
        and states.get(envelope or 0) not in _DELIVERED
    }
    _write_counters(found, database, counters, now, lost=len(gone), seen=max(states, default=0))
    problems = []
    if gone:
        problems.append(f"{len(gone)} windows could not be read; they are counted as lost.")
    if again:
        problems.append(f"{len(again)} envelopes could not be read; their windows are sealed again.")
    if not any(rows for table, rows in found.rows.items() if table != "control"):
        problems.append("Nothing in it opens under this laptop's key.")
    return problems


def _withheld(found: _Found) -> set[object]:
    """The envelopes that the employee withheld: by their own mark, or by their windows', each of which may be damaged."""
    marked = {seq for seq, row in found.rows["envelopes"].items() if _text(row[9]) in WITHHELD_MARKS}
    return {row[2] for row in found.rows["windows"].values() if row[1] and row[2] is not None} | marked


def _write_counters(found: _Found, database: Database, counters: Path, now: float, *, lost: int, seen: int) -> None:
    meta = found.rows["meta"]

    def saved(name: Meta) -> int | None:
        return int(database.cipher.open(meta[name][1], "meta", int(name))) if name in meta else None

    reserved_seq, reserved_lost = reserved(counters)
    next_seq = saved(Meta.NEXT_SEQ)
    if next_seq is None and (seen or reserved_seq or "meta" in found.damaged):
        # The counter is gone. The side file is always ahead of it; without one, the clock's seconds are.
        next_seq = max(reserved_seq or int(now), seen + 1)
    if next_seq is not None:
        database.put_int(Meta.NEXT_SEQ, max(next_seq, seen + 1))
        reserved_seq = max(reserved_seq, next_seq, seen + 1)
    total = max(saved(Meta.LOST) or 0, reserved_lost) + lost
    database.put_int(Meta.LOST, total)
    reserve(counters, next_seq=reserved_seq, lost=total)
    if (delivery := saved(Meta.LAST_DELIVERY)) is not None:
        database.put_int(Meta.LAST_DELIVERY, delivery)
    if Meta.ANSWERS in meta:
        database.put(Meta.ANSWERS, database.cipher.open(meta[Meta.ANSWERS][1], "meta", int(Meta.ANSWERS)))
    database.put_int(Meta.VERSION, VERSION)


@contextmanager
def _with_fresh_first_page(damaged: Path) -> Iterator[Path]:
    """A copy of the damaged store (and its log) with the first page of an empty one."""
    empty, copy = damaged.with_suffix(".empty"), damaged.with_suffix(".copy")
    files = [file.with_name(file.name + suffix) for file in (empty, copy) for suffix in ("", "-wal", "-shm")]
    try:
        for file in files:
            file.unlink(missing_ok=True)
        connect(empty).close()
        first = bytearray(empty.read_bytes()[:PAGE_BYTES])
        data = damaged.read_bytes()
        first[28:32] = (len(data) // PAGE_BYTES).to_bytes(4, "big")  # pages in the file
        first[32:40] = bytes(8)  # no free pages: nothing is written to the copy
        copy.write_bytes(bytes(first) + data[PAGE_BYTES:])
        log = damaged.with_name(damaged.name + "-wal")
        if log.exists():
            copy.with_name(copy.name + "-wal").write_bytes(log.read_bytes())
        yield copy
    finally:
        for file in files:
            file.unlink(missing_ok=True)


def _text(value: object) -> str:
    """A text column as it is read here, where text is bytes."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else ""


def _bytes_rows(rows: dict[int, Row]) -> Iterator[tuple[int, bytes, bytes]]:
    for number, (_, value, digest) in rows.items():
        assert isinstance(value, bytes) and isinstance(digest, bytes)
        yield number, value, digest
