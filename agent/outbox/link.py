"""The one connection to the outside: requests to the sync service's address and to no other.

Nothing is taken from the environment (no proxy, no netrc, no other certificates), redirects are not followed,
connections do not outlive a burst of requests, and every request has a limit in time and in size. A request runs in
a thread of its own, so that stopping never waits for a slow network: the abandoned answer is simply not read, and
whatever it acknowledged is sent again later and counted once.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping

import requests
import urllib3
from requests.adapters import HTTPAdapter

from agent.errors import FramekeepError
from agent.outbox.delivery import Failure, FailureKind, Reply
from agent.version import VERSION

CONNECT_SECONDS = 5.0
READ_SECONDS = 15.0
TOTAL_SECONDS = 30.0
MAX_ANSWER = 512 * 1024
"""Most bytes of an answer, unless the asker expects more."""
_LOOK_SECONDS = 0.1


class ServiceUnreachable(FramekeepError):
    """The sync service did not answer, or somebody else answered in its place."""


class Link:
    """Requests to `endpoint` (https://HOST[:PORT]), through `proxy` if one is given. Used by one thread."""

    def __init__(
        self,
        endpoint: str,
        *,
        proxy: str = "",
        connect_seconds: float = CONNECT_SECONDS,
        read_seconds: float = READ_SECONDS,
        total_seconds: float = TOTAL_SECONDS,
    ) -> None:
        self.endpoint = endpoint
        self._proxies = {"http": proxy, "https": proxy} if proxy else {}
        self._timeout = (connect_seconds, read_seconds)
        self._total = total_seconds
        self._session: requests.Session | None = None

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        stop: threading.Event | None = None,
        most: int = MAX_ANSWER,
    ) -> Reply | Failure | None:
        """One request. None when `stop` was set before the answer was there; a Failure when none came, or one of more
        than `most` bytes.
        """
        session = self._session or self._new_session()
        self._session = session
        result: list[Reply | Failure] = []
        done = threading.Event()

        def work() -> None:
            try:
                result.append(self._send(session, method, path, query, body, headers or {}, most))
            finally:
                done.set()

        threading.Thread(target=work, name="framekeep-request", daemon=True).start()
        deadline = time.monotonic() + self._total
        while not done.wait(_LOOK_SECONDS if stop is not None else self._total):
            if (stop is not None and stop.is_set()) or time.monotonic() >= deadline:
                self._session = None  # the thread still uses it
                return None if stop is not None and stop.is_set() else Failure(FailureKind.TIMEOUT)
        return result[0] if result else Failure(FailureKind.BROKEN)

    def move(self, endpoint: str) -> None:
        """From the next request on, talk to `endpoint` instead."""
        self.close()
        self.endpoint = endpoint

    def close(self) -> None:
        """Close idle connections; the next request opens a new one. Safe to call twice."""
        if self._session is not None:
            self._session.close()
            self._session = None

    def _send(
        self,
        session: requests.Session,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        body: bytes | None,
        headers: Mapping[str, str],
        most: int,
    ) -> Reply | Failure:
        try:
            with session.request(
                method,
                self.endpoint + path,
                params=dict(query or {}),
                data=body,
                headers=dict(headers),
                timeout=self._timeout,
                allow_redirects=False,
                stream=True,
            ) as response:
                content = bytearray()
                for chunk in response.iter_content(16 * 1024):
                    content += chunk
                    if len(content) > most:
                        return Failure(FailureKind.BROKEN)
                names = {name.lower(): value for name, value in response.headers.items()}
                return Reply(response.status_code, names, bytes(content))
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            return Failure(failure_kind(error))

    def _new_session(self) -> requests.Session:
        session = requests.Session()
        session.trust_env = False
        session.proxies = dict(self._proxies)
        session.headers.clear()
        session.headers.update({"User-Agent": f"framekeep/{VERSION}", "Accept-Encoding": "identity"})
        session.mount("https://", HTTPAdapter(max_retries=0))
        session.mount("http://", HTTPAdapter(max_retries=0))
        return session


def failure_kind(error: BaseException) -> FailureKind:
    """What an exception of the HTTP library means."""
    causes = []
    cause: BaseException | None = error
    while cause is not None and cause not in causes:
        causes.append(cause)
        reason = getattr(cause, "reason", None)
        inner = cause.args[0] if cause.args and isinstance(cause.args[0], BaseException) else None
        cause = reason if isinstance(reason, BaseException) else inner or cause.__cause__ or cause.__context__
    kinds: tuple[tuple[FailureKind, tuple[type[BaseException], ...]], ...] = (
        (FailureKind.PROXY, (requests.exceptions.ProxyError, urllib3.exceptions.ProxyError)),
        (FailureKind.TLS, (requests.exceptions.SSLError, urllib3.exceptions.SSLError)),
        (FailureKind.NAME, (urllib3.exceptions.NameResolutionError,)),
        # Before TIMEOUT, because urllib3 counts a refused connection as one.
        (FailureKind.REFUSED, (urllib3.exceptions.NewConnectionError, ConnectionRefusedError)),
        (FailureKind.TIMEOUT, (requests.exceptions.Timeout, urllib3.exceptions.TimeoutError, TimeoutError)),
    )
    for kind, types in kinds:
        if any(isinstance(each, types) for each in causes):
            return kind
    return FailureKind.BROKEN
