"""Where the database server is reached: a socket only its own user and root may open, or (Windows) TCP with a password."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from psycopg.conninfo import make_conninfo

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
_SOCKET_PATH_LIMIT = 100
"""A socket's path must fit in 104 (macOS) or 108 (Linux) bytes; `/.s.PGSQL.5432` takes 14."""


def make_socket_folder(folder: Path, user: DatabaseUser) -> Path:
    """The folder of the server's socket, open to its user only: inside `folder` where the path is short enough, else
    a fresh one in the system's temporary folder, remembered in `folder` so that the next start removes it.
    """
    remove_socket_folder(folder)
    inside = folder / "socket"
    if len(os.fsencode(inside)) + 14 <= _SOCKET_PATH_LIMIT:
        inside.mkdir(mode=0o700, exist_ok=True)
        place = inside
    else:
        place = Path(tempfile.mkdtemp(prefix="framekeep-", dir=_short_temporary_folder()))
    if user.switch:
        os.chown(place, user.uid, user.gid)
    (folder / _SOCKET_NOTE).write_text(str(place))
    return place


def remove_socket_folder(folder: Path) -> None:
    """Forget the socket folder of an earlier run; only ever one that was made for this purpose."""
    note = folder / _SOCKET_NOTE
    if not note.is_file():
        return
    place = Path(note.read_text())
    if place.name == "socket" or place.name.startswith("framekeep-"):
        shutil.rmtree(place, ignore_errors=True)
    note.unlink()


def _short_temporary_folder() -> str:
    short = tempfile.gettempdir()
    return short if len(short) < 60 else "/tmp"
