"""What the processes of a run really connected to, gathered two ways so that neither has to be believed alone.

Every connection Python makes in this process passes an audit hook (PEP 578). Native libraries and other processes do
not, so the operating system's own table of connections is read many times a second for this process and all below it.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterable
from typing import Any

import psutil

_POLL_SECONDS = 0.05
_active: list[Destinations] = []


class Destinations:
    """Collects "address:port" of every IP connection from `start` on."""

    def __init__(self) -> None:
        self._found: set[str] = set()
        self._listening: set[tuple[str, int]] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="destinations", daemon=True)

    def start(self) -> None:
        """Watch from now on. The hook stays for the life of the process: Python can add hooks, not remove them."""
        if not _active:
            sys.addaudithook(_hook)
        _active.append(self)
        self._thread.start()

    def stop(self) -> list[str]:
        """The destinations so far, sorted. The operating system's table is read once more."""
        self._stop.set()
        self._thread.join(2.0)
        return sorted(self._found)

    def add(self, address: Any) -> None:
        """Note one address tuple; a path (a local socket) is no destination."""
        if isinstance(address, tuple) and len(address) >= 2 and isinstance(address[0], str):
            self._found.add(f"{address[0]}:{address[1]}")

    def _watch(self) -> None:
        while True:
            last = self._stop.wait(_POLL_SECONDS)
            for connection in _connections():
                local, remote = connection.laddr, connection.raddr
                if connection.status == psutil.CONN_LISTEN and local:
                    self._listening.add((local.ip, local.port))
                # An accepted connection's far end is whoever called, not a destination.
                elif remote and not any(port == local.port for _, port in self._listening):
                    self._found.add(f"{remote.ip}:{remote.port}")
            if last:
                return


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect" and len(arguments) == 2:
        for each in _active:
            each.add(arguments[1])


def _connections() -> Iterable[Any]:
    try:
        parent = psutil.Process()
        family = [parent, *parent.children(recursive=True)]
    except psutil.Error:
        return
    for process in family:
        try:
            yield from process.net_connections(kind="inet")
        except (psutil.Error, OSError):
            continue  # it ended, or belongs to another user (the database's server)
