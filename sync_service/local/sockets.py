"""Where the database server is reached: a socket only its own user and root may open, or (Windows) TCP with a password."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from psycopg.conninfo import make_conninfo

from sync_service.errors import DatabaseError
from sync_service.local.database_user import DatabaseUser
from sync_service.local.leftover import is_server_of

DATABASE = "framekeep"
TCP = os.name == "nt"


def conninfo(folder: Path, *, host: str, port: str, role: str, database: str = DATABASE) -> str:
    """A psycopg connection string; over TCP with the password beside the cluster."""
    password = (folder / "password").read_text().strip() if TCP else None
    options = {"host": host, "port": port, "user": role, "dbname": database, "password": password}
    return make_conninfo("", **{name: value for name, value in options.items() if value}, application_name="framekeep")


def running_conninfo(folder: Path) -> Callable[[str], str] | None:
    """How to reach, by role, the server that runs over `folder` now; None while there is none that is ready.
    PostgreSQL writes into postmaster.pid: process, data folder, start, port, socket folder, address, memory, status.
    """
    try:
        lines = (folder / "cluster" / "postmaster.pid").read_text().splitlines()
    except OSError:
        return None
    if len(lines) < 8 or lines[7].strip() != "ready" or not is_server_of(abs(int(lines[0])), folder / "cluster"):
        return None
    return lambda role: conninfo(folder, host=lines[4] or lines[5], port=lines[3], role=role)


_SOCKET_NOTE = "socket-folder"
_PREFIX = "framekeep-"
_SOCKET_PATH_LIMIT = 100
"""A socket's path must fit in 104 (macOS) or 108 (Linux) bytes; `/.s.PGSQL.5432` takes 14."""


def make_socket_folder(folder: Path, user: DatabaseUser) -> Path:
    """The folder of the server's socket, open to its user only: inside `folder` where the path is short enough, else
    a fresh one in the system's temporary folder, remembered in `folder` so that the next start removes it.
    """
    remove_socket_folder(folder)
    inside = folder / "socket"
    if len(os.fsencode(inside)) + 14 <= _SOCKET_PATH_LIMIT:
        place = inside
        place.mkdir(mode=0o700, exist_ok=True)
    else:
        place = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=_short_temporary_folder()))
    if place.is_symlink():
        raise DatabaseError(f"{place} is a link that nobody but an intruder makes; remove it and start again")
    if user.switch:
        os.chown(place, user.uid, user.gid, follow_symlinks=False)
    note = folder / _SOCKET_NOTE
    note.unlink(missing_ok=True)
    with note.open("x") as file:  # a new file: never through a link
        file.write(str(place))
    return place


def remove_socket_folder(folder: Path) -> None:
    """Forget the socket folder of an earlier run. Only the socket and its lock are removed, and only from a folder of
    the kind made here; whatever else a note names stays.
    """
    note = folder / _SOCKET_NOTE
    if note.is_symlink() or not note.is_file():
        note.unlink(missing_ok=True)
        return
    place = Path(note.read_text())
    ours = place.parent == Path(_short_temporary_folder()) and place.name.startswith(_PREFIX)
    if place == folder / "socket" or ours:
        _empty(place)
    note.unlink()


def _empty(place: Path) -> None:
    """Remove a socket folder by a handle on the folder itself, so that no link put in its place is followed."""
    with contextlib.suppress(OSError):  # gone, a link, or not empty: then it is not ours to remove
        handle = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            with os.scandir(handle) as entries:
                names = [entry.name for entry in entries if entry.name.startswith(".s.PGSQL.")]
            for name in names:
                os.unlink(name, dir_fd=handle)
        finally:
            os.close(handle)
        place.rmdir()


def _short_temporary_folder() -> str:
    short = tempfile.gettempdir()
    return short if len(short) < 60 else "/tmp"
