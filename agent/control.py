"""What one process asks of another: pause, resume, a link to the panel, and only one agent at a time.

Pausing needs no key, no network and no running agent: it is a row in the store. The agent looks at SQLite's change
counter five times a second, so the camera is released well within a second.
"""

from __future__ import annotations

import errno
import json
import os
import sqlite3
import sys
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from agent.errors import StoreError
from agent.pause_flag import flag_end, flag_made, pause_flag, raise_flag
from agent.store.control_row import PANEL, PAUSE, damaged_pause, panel_value, pause_value, row_digest
from agent.store.schema import BUSY_SECONDS, SQLITE_ERRORS, StoreUnavailable, connect, explain, roll_back

POLL_SECONDS = 0.2
"""How often the agent looks for a change."""
PAUSE_PATIENCE = 0.3
"""Seconds a pause waits for whoever writes to the store, before a file beside it stands in: the camera is released
within a second, whatever other processes do."""
MAX_PAUSE_SECONDS = 7 * 86400
MAX_REQUEST_AGE = 10
"""Seconds after which nobody waits for a link to the panel any more."""
MOST_REQUESTS = 8
"""Most that wait for a link at once: as many as there are codes that open (panel/access.py)."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Whether somebody paused. `until` is epoch seconds, None for "until resumed"; `since` epoch seconds."""

    paused: bool = False
    until: int | None = None
    since: int = 0

    def holds(self, now: float) -> bool:
        """Whether nothing may be looked at, at `now` (epoch seconds). A clock that went back prolongs it."""
        return self.paused and (self.until is None or now < self.until)


@dataclass(frozen=True, slots=True)
class PanelRequest:
    """Somebody ran `framekeep panel`: what names the answer to it, and when that was (epoch seconds)."""

    nonce: str
    at: int

    def waits(self, now: float) -> bool:
        """Whether somebody may still wait for the answer at `now`."""
        return abs(now - self.at) <= MAX_REQUEST_AGE


def pause(store: Path, *, now: float, seconds: float | None = None) -> Pause:
    """Pause at once, for `seconds` (at most a week) or until resumed. Works whether the agent runs or not, on a full disk
    and while another process writes: a file beside the store then stands for it. Returns the pause that holds: where not
    even its end can be written down, one until resumed. Raises StoreError when nothing can be written.
    """
    until = None if seconds is None else int(now + min(max(seconds, 1), MAX_PAUSE_SECONDS))
    wanted = Pause(True, until, int(now))
    try:
        _write(store, wanted, patience=PAUSE_PATIENCE)
    except StoreError:
        try:
            return replace(wanted, until=raise_flag(store, until))
        except OSError:
            return _write(store, wanted)  # the store's own trouble is the one to tell
    with suppress(OSError):  # where it stays, what it says goes on to hold
        pause_flag(store).unlink(missing_ok=True)
    return wanted


def resume(store: Path, *, now: float) -> Pause:
    """End a pause. Raises StoreError when it stands."""
    flag = pause_flag(store)
    try:
        flag.unlink(missing_ok=True)
    except OSError as error:
        raise StoreUnavailable(
            f"The pause stands, because the file {flag} cannot be removed ({error.strerror}): remove it yourself, or see"
            " that you may write in its folder, and resume again."
        ) from error
    try:
        return _write(store, Pause(False, None, int(now)))
    except StoreUnavailable:
        if read_pause(store).holds(now):
            raise
        return Pause(False, None, int(now))


def ask_for_panel(store: Path, nonce: str, *, now: float) -> None:
    """Ask the running agent for a link to its panel; whoever else waits for one goes on waiting. Raises StoreError."""

    def asked(before: tuple[object, object] | None) -> str:
        others = [one for one in _parse_requests(*before) if one.waits(now)] if before is not None else []
        return panel_value([*((one.nonce, one.at) for one in others[1 - MOST_REQUESTS :]), (nonce, int(now))])

    _write_row(store, PANEL, asked)


def read_pause(store: Path) -> Pause:
    """The pause as it stands; of one that cannot be read: paused."""
    with closing(ControlWatch(store)) as watch:
        return watch.poll()


class ControlWatch:
    """The agent's own connection for noticing what other processes ask. Used by one thread; made anew when the
    store was opened anew, because a repair replaces the file.
    """

    def __init__(self, store: Path, *, clock: Callable[[], float] = time.time) -> None:
        self._path = store
        self._clock = clock
        self._connection: sqlite3.Connection | None = None
        self._version = -1
        self._pause = Pause()
        self._requests: tuple[PanelRequest, ...] = ()
        self._known = False
        self._flagged: Pause | None = None

    @property
    def panel_requests(self) -> tuple[PanelRequest, ...]:
        """Who asked for the panel lately, as of the last `poll`; they stay until the next one asks."""
        return self._requests

    @property
    def version(self) -> int:
        """Changes whenever another connection committed to the store; negative while it cannot be read."""
        return self._version

    def poll(self) -> Pause:
        """The pause now; costs microseconds while nothing changed. A damaged store or row means paused, and so does one
        that could never be read. Once it was read, a full or busy disk changes nothing: it does not look like a pause.
        """
        try:
            if self._connection is None:
                self._connection = connect(self._path)
            (version,) = self._connection.execute("PRAGMA data_version").fetchone()
            if version != self._version:
                rows = self._connection.execute("SELECT id, value, digest FROM control").fetchall()
                held = {number: (value, digest) for number, value, digest in rows}
                self._pause = _parse(*held[PAUSE], now=self._clock()) if PAUSE in held else Pause()
                self._requests = _parse_requests(*held[PANEL]) if PANEL in held else ()
                self._version, self._known = version, True
        except (*SQLITE_ERRORS, StoreError) as error:
            self.close()  # the next poll looks again, with a new connection
            wrong = error if isinstance(error, StoreError) else explain(error, self._path)
            if not self._known or not isinstance(wrong, StoreUnavailable):
                self._pause = _parse(damaged_pause(self._clock()), None, now=self._clock())
        return self._newer(self._pause)

    def close(self) -> None:
        """Close the connection; the next poll opens it again. Safe to call twice."""
        if self._connection is not None:
            self._connection.close()
        self._connection, self._version = None, -1

    def _newer(self, row: Pause) -> Pause:
        """The flag's pause where there is one, else the store's: who writes a pause there takes the flag away. Only once
        the flag's is over, what stands in for a damaged row may be newer.
        """
        if not pause_flag(self._path).exists():
            self._flagged = None
            return row
        until = flag_end(self._path)
        if self._flagged is None or self._flagged.until != until:
            self._flagged = Pause(True, until, flag_made(self._path, self._clock()))
        return self._flagged if self._flagged.holds(self._clock()) or row.since < self._flagged.since else row


class InstanceLock:
    """One agent per user: a lock on a file that the operating system drops when the process dies."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle: int | None = None

    def acquire(self, *, patience: float = 1.0) -> bool:
        """Take the lock and note our process number. False when another agent holds it. `patience` seconds, since
        somebody who only looks (`holder`) holds it for an instant. Raises StoreError.
        """
        deadline = time.monotonic() + patience
        while not self._try():
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.05)
        assert self._handle is not None
        with suppress(OSError):  # a full disk: the number is only for showing
            os.ftruncate(self._handle, 0)
            os.lseek(self._handle, 0, os.SEEK_SET)
            os.write(self._handle, f"{os.getpid()}\n".encode("ascii"))
        return True

    def release(self) -> None:
        """Let go. Safe to call twice."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def holder(self) -> int | None:
        """The process number of the running agent (0 if unknown); None when no agent runs."""
        if not self._path.exists():
            return None
        if self._try():
            self.release()
            return None
        try:
            return int(self._path.read_text(encoding="ascii").strip() or 0)
        except (OSError, ValueError):
            return 0

    def _try(self) -> bool:
        try:
            handle = _open_lock(self._path)
        except OSError as error:
            raise StoreUnavailable(f"The lock file {self._path} cannot be opened ({error.strerror}).") from error
        if _lock(handle):
            self._handle = handle
            return True
        os.close(handle)
        return False


def _open_lock(path: Path) -> int:
    """A handle on the lock file; where nothing can be written any more, one for reading, which locks as well."""
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        if error.errno not in (errno.EROFS, errno.EACCES, errno.ENOSPC) or not path.exists():
            raise
        return os.open(path, os.O_RDONLY)


if sys.platform == "win32":
    import msvcrt

    _LOCK_AT = 1 << 30  # far behind the number, which others may read: Windows locks forbid reading

    def _lock(handle: int) -> bool:
        os.lseek(handle, _LOCK_AT, os.SEEK_SET)
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _lock(handle: int) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True


def _write(store: Path, wanted: Pause, *, patience: float = BUSY_SECONDS) -> Pause:
    value = pause_value(paused=wanted.paused, until=wanted.until, since=wanted.since)
    _write_row(store, PAUSE, lambda _: value, patience)
    return wanted


def _write_row(
    store: Path,
    number: int,
    change: Callable[[tuple[object, object] | None], str],
    patience: float = BUSY_SECONDS,
) -> None:
    """Put what `change` makes of the row (value and digest; None: there is none) in its place. `patience`: seconds to wait
    for another writer.
    """
    with closing(connect(store)) as connection:
        try:
            connection.execute(f"PRAGMA busy_timeout={int(patience * 1000)}")
            connection.execute("BEGIN IMMEDIATE")
            value = change(connection.execute("SELECT value, digest FROM control WHERE id=?", (number,)).fetchone())
            connection.execute(
                "INSERT OR REPLACE INTO control(id, value, digest) VALUES(?, ?, ?)",
                (number, value, row_digest(number, value)),
            )
            connection.execute("COMMIT")
        except SQLITE_ERRORS as error:
            roll_back(connection)
            raise explain(error, store) from error


def _parse_requests(value: object, digest: object) -> tuple[PanelRequest, ...]:
    """Nobody for a damaged row: whoever asked will ask again."""
    if not isinstance(value, str) or row_digest(PANEL, value) != digest:
        return ()
    asked = json.loads(value)
    if not isinstance(asked, list):  # the first stores held one asker only
        return ()
    return tuple(PanelRequest(one["nonce"], one["at"]) for one in asked)


def _parse(value: object, digest: object, *, now: float) -> Pause:
    sound = isinstance(value, str) and (digest is None or row_digest(PAUSE, value) == digest)
    fields = json.loads(value if sound and isinstance(value, str) else damaged_pause(now))
    return Pause(fields["paused"], fields["until"], fields["since"])
