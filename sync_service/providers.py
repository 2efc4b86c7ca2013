"""The identity providers' documents: fetched when they are needed, kept for a while, and kept longer when a provider is
away.

A key set is fetched again after FRESH_SECONDS, so that a key the provider withdraws is out within the hour, and at once
(at most once a minute) for a token that names an unknown key, so that a new key works. While a provider cannot be asked,
what is here goes on serving for STALE_SECONDS; then nobody signs in, because nobody could say which keys still hold.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import urllib3

from sync_service.errors import Unavailable
from sync_service.oidc import MAX_DOCUMENT, BadProvider, check_address, discovery_address, read_discovery, read_keys

FRESH_SECONDS = 3600
STALE_SECONDS = 24 * 3600
AGAIN_SECONDS = 60
"""An unknown key, or a provider that is away, makes us ask at most this often."""
ASKING_SECONDS = 2
"""When to come back for keys that somebody else is fetching just now."""
STEP_SECONDS = 3.0
WHOLE_SECONDS = 6.0
"""At most this long for one silence, and for one document as a whole."""

log = logging.getLogger(__name__)

Keys = tuple[Mapping[str, Any], ...]
Fetch = Callable[[str], bytes]


class Fetcher:
    """GETs one small document. No redirects, no proxy from the environment, no cookies, no retries."""

    def __init__(self, *, step_seconds: float = STEP_SECONDS, whole_seconds: float = WHOLE_SECONDS) -> None:
        self._whole = whole_seconds
        self._pool = urllib3.PoolManager(
            num_pools=8,
            timeout=urllib3.Timeout(connect=step_seconds, read=step_seconds),
            retries=False,
            headers={"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "framekeep-sync"},
        )

    def __call__(self, url: str) -> bytes:
        """The document's bytes. Raises Unavailable when there is none to be had now, BadProvider for one too large."""
        deadline = time.monotonic() + self._whole
        try:
            answer = self._pool.request("GET", url, preload_content=False, redirect=False)
            try:
                if answer.status != 200:
                    raise Unavailable(f"the identity provider answers {answer.status}", AGAIN_SECONDS)
                body = b""
                # One read gives what has come, so that one byte a second does not hold us up for long.
                while part := answer.read1(MAX_DOCUMENT + 1 - len(body), decode_content=False):
                    body += part
                    if len(body) > MAX_DOCUMENT:
                        raise BadProvider("the identity provider's document is too large")
                    if time.monotonic() > deadline:
                        raise Unavailable("the identity provider takes too long", AGAIN_SECONDS)
                return body
            finally:
                answer.close()  # whatever was not read goes with the connection
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise Unavailable(
                f"the identity provider cannot be reached ({type(error).__name__})", AGAIN_SECONDS
            ) from None


@dataclass
class _Known:
    """What is known of one issuer. `tried`: when it was last asked, `got`: when it last answered well."""

    keys: Keys = ()
    got: int | None = None
    tried: int | None = None
    asking: threading.Lock = field(default_factory=threading.Lock)


class Providers:
    """The keys of every issuer that an organisation signs in with. Safe to use from several threads."""

    def __init__(self, fetch: Fetch | None = None) -> None:
        self._fetch = fetch or Fetcher()
        self._known: dict[str, _Known] = {}
        self._lock = threading.Lock()

    def keys(self, issuer: str, now: int, *, newer: bool = False) -> Keys:
        """The issuer's keys as JWKs. `newer`: a token names none of them, so ask again unless that was just done.

        Raises Unavailable when there are none, or none that may still be believed; at once while another caller asks the
        provider, so that a slow one holds up a single thread. Ask for issuers only that an
        administrator set up: a token's own word must not choose whom this machine calls.
        """
        with self._lock:
            known = self._known.setdefault(issuer, _Known())
        asked = True
        if newer or not _within(known.got, now, FRESH_SECONDS):
            asked = self._refresh(known, issuer, now)
        if known.got is None or not _within(known.got, now, STALE_SECONDS):
            if not asked:
                raise Unavailable("the identity provider is being asked", ASKING_SECONDS)
            raise Unavailable("the identity provider cannot be asked", AGAIN_SECONDS)
        return known.keys

    def _refresh(self, known: _Known, issuer: str, now: int) -> bool:
        """Ask the provider, unless that was just done; False when somebody else is at it."""
        # Nobody waits here: anybody may send tokens that name a provider, and the threads are those laptops need too.
        if not known.asking.acquire(blocking=False):
            return False
        try:
            if _within(known.tried, now, AGAIN_SECONDS):
                return True
            known.tried = now
            check_address(issuer, "the issuer")
            address = read_discovery(self._fetch(discovery_address(issuer)), issuer)
            known.keys, known.got = read_keys(self._fetch(address)), now
        except (Unavailable, BadProvider) as error:
            # What is here goes on serving for its time.
            log.warning("the identity provider %s gave no keys: %s", issuer, error)
        finally:
            known.asking.release()
        return True


def _within(at: int | None, now: int, seconds: int) -> bool:
    """Whether `at` is less than `seconds` ago. A clock set back makes nothing fresh."""
    return at is not None and 0 <= now - at < seconds
