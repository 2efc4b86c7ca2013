"""Which user runs the database, and whether that user can reach a folder.

PostgreSQL refuses to run as root. As root it therefore runs as an unprivileged user: `framekeep` or `postgres` where
there is one, else `nobody`.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from sync_service.errors import SettingsError

CANDIDATES = ("framekeep", "postgres", "nobody")


@dataclass(frozen=True, slots=True)
class DatabaseUser:
    """`switch` says whether this process has to become that user first (only root does)."""

    name: str
    uid: int
    gid: int
    switch: bool

    def become(self) -> None:
        """Give up root for good; for a child between fork and exec."""
        if self.switch:
            os.setgroups([])
            os.setgid(self.gid)
            os.setuid(self.uid)


def database_user() -> DatabaseUser:
    """The user the database runs as. Raises SettingsError when root finds nobody to hand over to."""
    if os.name == "nt":
        return DatabaseUser("", 0, 0, switch=False)
    import pwd

    if os.geteuid() != 0:
        return DatabaseUser(str(os.geteuid()), os.geteuid(), os.getegid(), switch=False)
    for name in CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return DatabaseUser(name, entry.pw_uid, entry.pw_gid, switch=True)
    raise SettingsError(
        "the database does not run as root and there is no user `nobody`; start the service as another user"
    )


def closed_folder(path: Path, uid: int, gid: int) -> Path | None:
    """The outermost folder on the way to `path` that this user may not enter; None when the way is free.
    Reads the permission bits (access lists are not considered).
    """
    for folder in reversed(path.resolve().parents):
        status = folder.stat()
        if status.st_uid == uid:
            allowed = status.st_mode & stat.S_IXUSR
        elif status.st_gid == gid:
            allowed = status.st_mode & stat.S_IXGRP
        else:
            allowed = status.st_mode & stat.S_IXOTH
        if not allowed:
            return folder
    return None


def check_reachable(user: DatabaseUser, path: Path, what: str) -> None:
    """Raises SettingsError, saying what to do, when the database's user cannot get to `path`."""
    if not user.switch:
        return
    closed = closed_folder(path, user.uid, user.gid)
    if closed is not None:
        raise SettingsError(
            f"{what} {path} is out of reach for the database, which runs as user {user.name} because you are root: "
            f"{closed} is closed to that user; use a folder outside it, run the service as another user than root, "
            f"or open it with `chmod o+x {closed}`"
        )
