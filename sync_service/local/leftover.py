"""A server that outlived its parent: never two over one cluster.

After a kill -9 of the service the kernel asks the old server to shut down, which takes a moment. Its
`postmaster.pid` tells who it was; a process id may since have gone to somebody else.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from sync_service.errors import DatabaseError

_PATIENCE_SECONDS = 30


def wait_for_leftover(cluster: Path) -> None:
    """Return once no server runs over `cluster`, having asked one that does to stop, and removed the note of one
    that is gone. The caller holds the data folder's lock, so no such server is in use. Raises DatabaseError.
    """
    note = cluster / "postmaster.pid"
    asked = False
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while (process := _noted_process(note)) is not None:
        if not is_server_of(process, cluster):
            with contextlib.suppress(FileNotFoundError):
                note.unlink()
            return
        if not asked:
            asked = True
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGINT)
        if time.monotonic() > deadline:
            raise DatabaseError(f"an earlier database server (process {process}) does not stop; stop it and try again")
        time.sleep(0.02)


def _noted_process(note: Path) -> int | None:
    try:
        return abs(int(note.read_text().split("\n", 1)[0]))
    except FileNotFoundError:
        return None
    except ValueError:  # cut short by a power failure
        note.unlink()
        return None


def is_server_of(process: int, cluster: Path) -> bool:
    """Whether this process is alive and a PostgreSQL server over `cluster`."""
    if sys.platform == "linux":
        try:
            # A server's working directory is its cluster.
            return Path(f"/proc/{process}/cwd").resolve(strict=True) == cluster.resolve()
        except OSError:
            return False
    if sys.platform == "win32":
        listing = ["tasklist", "/FI", f"PID eq {process}", "/FI", "IMAGENAME eq postgres.exe", "/NH"]
        return str(process) in subprocess.run(listing, capture_output=True, text=True, check=False).stdout
    command = subprocess.run(["ps", "-p", str(process), "-o", "command="], capture_output=True, text=True, check=False)
    return "postgres" in command.stdout and str(cluster) in command.stdout
