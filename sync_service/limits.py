"""How often one caller may ask: a bucket of calls that fills again evenly.

Readers are counted by who they are, whatever token they use; everybody else by the address they call from, and only
while they have not shown who they are. So laptops behind one address never use up each other's calls (what a laptop
sends has its own limit, `quota.py`), and whoever guesses tokens or codes is slowed down. It is forgotten with the
process: a protection, not an account, and nothing here is written anywhere.
"""

from __future__ import annotations

import hashlib
import ipaddress
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from sync_service.http import Answer, Endpoint, Refused, Request, refusal

_MOST_REMEMBERED = 20_000
TOKEN_SECONDS = 600
"""How long a token that was good is still counted under its reader before the reader has been looked up."""


@dataclass(frozen=True, slots=True)
class Rate:
    """`burst` calls at once, then `per_second` in the long run."""

    name: str
    burst: int
    per_second: float

    @property
    def window(self) -> int:
        """Seconds in which an empty bucket is full again."""
        return math.ceil(self.burst / self.per_second)


READER = Rate("reader", burst=600, per_second=20.0)
"""A dashboard asks some thirty times to draw a page; a program that fetches a year team by team is through in a minute."""
ADDRESS = Rate("address", burst=600, per_second=5.0)
"""A thousand laptops that start behind one address within two minutes fetch the keyset; later they ask once an hour."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """`left` calls at time `at` (seconds)."""

    left: float
    at: float


def refilled(bucket: Bucket | None, rate: Rate, now: float) -> Bucket:
    """The bucket at `now`; None is a full one. Time that runs backwards fills nothing."""
    if bucket is None:
        return Bucket(float(rate.burst), now)
    return Bucket(min(float(rate.burst), bucket.left + max(0.0, now - bucket.at) * rate.per_second), now)


def taken(bucket: Bucket | None, rate: Rate, now: float) -> tuple[Bucket, int]:
    """The bucket after one call and 0, or unchanged and how many whole seconds to wait for one."""
    full = refilled(bucket, rate, now)
    if full.left < 1:
        return full, max(1, math.ceil((1 - full.left) / rate.per_second))
    return replace(full, left=full.left - 1), 0


def given_back(bucket: Bucket | None, rate: Rate, now: float) -> Bucket:
    """The bucket as if one call had not been made."""
    full = refilled(bucket, rate, now)
    return replace(full, left=min(float(rate.burst), full.left + 1))


def network_of(address: str) -> str:
    """What one caller's addresses have in common: an IPv6 address counts as its /64, which one household has alone."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)


def has_shown_itself(endpoint: Endpoint, answer: Answer) -> bool:
    """Whether this answer alone means that the caller is known: only who has shown a good token is answered well where
    one is asked for; elsewhere, what was posted was accepted for its own signature or code, or failed by our own fault.
    A refusal says nothing: it may have come before anybody looked at the token (`Call.admitted` says that somebody did).
    """
    if endpoint.auth is not None:
        return answer.status < 300
    return answer.status >= 500 or (endpoint.method == "POST" and answer.status < 300)


class Call:
    """One call under way, counted in one bucket. Made by `Limits.begin`."""

    def __init__(self, limits: Limits, token: str | None, rate: Rate, name: str) -> None:
        self._limits, self._token = limits, token
        self._rate, self._name = rate, name
        self._known = False

    def admitted(self, name: str) -> None:
        """It was this reader: count the call as theirs. Raises Refused (429) when they have none left. "": somebody whose
        calls have another limit, a laptop.
        """
        if not name:
            self._known = True
            return
        if (self._rate.name, self._name) == (READER.name, name):
            return
        self._limits.give_back(self._rate, self._name)
        self._rate, self._name = self._limits.reader, name
        wait = self._limits.take(self._rate, name)
        if wait:
            raise Refused(self._limits.too_many(self._rate, wait))
        if self._token is not None:
            self._limits.remember(self._token, name)

    def end(self, endpoint: Endpoint, answer: Answer) -> Answer:
        """The handler's answer, with what the reader has left."""
        if self._rate.name == ADDRESS.name:
            if self._known or has_shown_itself(endpoint, answer):
                self._limits.give_back(self._rate, self._name)
            return answer
        if answer.status == 401 and self._token is not None:
            self._limits.forget(self._token)
        told = self._limits.told(self._rate, self._name)
        return replace(answer, headers={**told, **answer.headers})


class Limits:
    """The buckets of everybody who calls; threads share it. `clock` never runs backwards (seconds)."""

    def __init__(
        self, *, reader: Rate = READER, address: Rate = ADDRESS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.reader, self.address = replace(reader, name=READER.name), replace(address, name=ADDRESS.name)
        self._clock = clock
        self._buckets: dict[tuple[str, str], Bucket] = {}
        self._tokens: dict[str, tuple[str, float]] = {}
        self._lock = threading.Lock()

    def begin(self, request: Request) -> Call | Answer:
        """Count the call, or 429."""
        token = _mark(request.headers.get("authorization"))
        name = self._known(token)
        rate, name = (self.reader, name) if name is not None else (self.address, network_of(request.client))
        wait = self.take(rate, name)
        return self.too_many(rate, wait) if wait else Call(self, token, rate, name)

    def take(self, rate: Rate, name: str) -> int:
        """Take a call out of this bucket: 0, or how many seconds to wait for one."""
        with self._lock:
            bucket, wait = taken(self._buckets.pop((rate.name, name), None), rate, self._clock())
            self._keep(rate, name, bucket)
            return wait

    def give_back(self, rate: Rate, name: str) -> None:
        """Put a call back."""
        with self._lock:
            bucket = given_back(self._buckets.pop((rate.name, name), None), rate, self._clock())
            self._keep(rate, name, bucket)

    def told(self, rate: Rate, name: str) -> dict[str, str]:
        """The RateLimit fields of an answer (draft-ietf-httpapi-ratelimit-headers-10)."""
        with self._lock:
            left = refilled(self._buckets.get((rate.name, name)), rate, self._clock()).left
        return {
            "RateLimit-Policy": f'"{rate.name}";q={rate.burst};w={rate.window}',
            "RateLimit": f'"{rate.name}";r={int(left)};t={math.ceil((rate.burst - left) / rate.per_second)}',
        }

    def too_many(self, rate: Rate, wait: int) -> Answer:
        """429. What others behind the same address have left is not told."""
        headers = {
            "RateLimit-Policy": f'"{rate.name}";q={rate.burst};w={rate.window}',
            "RateLimit": f'"{rate.name}";r=0;t={wait}',
        }
        answer = refusal(429, "too_many_requests", retry_after=wait)
        return replace(answer, headers={**headers, **answer.headers})

    def remember(self, token: str, name: str) -> None:
        """Count calls with this token (its hash) under this reader."""
        with self._lock:
            self._tokens.pop(token, None)
            self._tokens[token] = (name, self._clock() + TOKEN_SECONDS)
            if len(self._tokens) > _MOST_REMEMBERED:
                self._tokens.pop(next(iter(self._tokens)))

    def forget(self, token: str) -> None:
        """Count calls with this token by their address again."""
        with self._lock:
            self._tokens.pop(token, None)

    def _known(self, token: str | None) -> str | None:
        with self._lock:
            name, until = self._tokens.get(token or "", ("", 0.0))
            return name if name and self._clock() < until else None

    def _keep(self, rate: Rate, name: str, bucket: Bucket) -> None:
        """The bucket at the end of the line, out of which the oldest go; a full one need not be kept."""
        if bucket.left < rate.burst:
            self._buckets[rate.name, name] = bucket
        if len(self._buckets) > _MOST_REMEMBERED:
            self._buckets.pop(next(iter(self._buckets)))


def _mark(authorization: str | None) -> str | None:
    """What a token is recognised by; the token itself is not kept."""
    return hashlib.sha256(authorization.encode("utf-8", "surrogateescape")).hexdigest() if authorization else None
