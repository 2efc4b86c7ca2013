"""Keeps what `access.py` decides on: one value, changed under a lock, with fresh secrets. Lives as long as a server."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable

from agent.panel.access import Access, Entry, admit, exchange, issue

_BYTES = 32


class Doors:
    """Codes and cookies of one server. Any thread may use it; `monotonic` tells the time (seconds)."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._access = Access()

    def issue(self) -> str:
        """A fresh one-time code."""
        code = secrets.token_urlsafe(_BYTES)
        with self._lock:
            self._access = issue(self._access, code, self._monotonic())
        return code

    def exchange(self, code: str) -> str | None:
        """Use up a code: the cookie it opens; None when it opens nothing."""
        cookie, csrf = secrets.token_urlsafe(_BYTES), secrets.token_urlsafe(_BYTES)
        with self._lock:
            self._access, opened = exchange(self._access, code, cookie=cookie, csrf=csrf, now=self._monotonic())
        return cookie if opened else None

    def admit(self, cookie: str) -> Entry | None:
        """Whom a cookie belongs to, noted as used now; None for nobody."""
        with self._lock:
            self._access, entry = admit(self._access, cookie, self._monotonic())
        return entry
