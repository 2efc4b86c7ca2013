"""The employee's rights over what the service keeps about them: see it and who read it, take it away, contradict it,
have it erased. (Whether they take part is the uploader's to tell, see outbox/telling.py.)

Every method is one signed request to the one destination and may be called from any thread; they take turns. Each
raises ServiceUnreachable (nobody answered, or somebody else), ServiceRefused (one sentence and the service's stable
`code`), and nothing else of the network.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, TypeVar
from uuid import UUID, uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.clock import Clock
from agent.identity import Identity
from agent.outbox.delivery import Reply
from agent.outbox.link import Link, ServiceUnreachable
from agent.outbox.signed import read_object, refused, signed_reply
from agent.own_answers import AccessLog, Erasure, Export, KeptCorrection, Reports
from agent.team_page import OwnTeam
from agent.wire.strict import canonical

MOST_DAYS = 35
"""Most days `reports` answers at once: as long as the service keeps a person's quarter hours."""
MOST_NOTE = 500
"""Most characters of a correction's note."""
MOST_BYTES = 16 * 1024 * 1024
"""Most bytes of an answer: an export of 90 days is about 3 MB."""

T = TypeVar("T")


class OwnData:
    """What the service keeps about the employee whose laptop this is. `link` talks to `identity.endpoint`."""

    def __init__(self, identity: Identity, key: Ed25519PrivateKey, link: Link, clock: Clock) -> None:
        self._identity, self._key, self._link, self._clock = identity, key, link, clock
        self._turn = threading.Lock()

    def access_log(self) -> AccessLog:
        """Who read something about the employee, or of their team, newest first."""
        return _read(self._ask("GET", "/v1/me/access-log"), 200, AccessLog.parse)

    def reports(self, first: date, last: date) -> Reports:
        """Own quarter hours from `first` to `last` (at most MOST_DAYS), what was corrected, until when it can be, and the
        page managers see of the team, as soon as its numbers are fixed.
        """
        days = {"from": first.isoformat(), "to": last.isoformat()}
        return _read(self._ask("GET", "/v1/me/reports", query=days), 200, Reports.parse)

    def team(self) -> OwnTeam:
        """Who is in the employee's team, and how each of them stands to its numbers."""
        return _read(self._ask("GET", "/v1/me/team"), 200, OwnTeam.parse)

    def export(self) -> Export:
        """Everything kept under the employee's name. It leaves an entry in the access log."""
        reply = self._ask("GET", "/v1/me/export")
        return _read(reply, 200, lambda value: Export(reply.body, value))

    def correct(self, start: int, end: int, counts_as: str, note: str, *, name: UUID | None = None) -> KeptCorrection:
        """Contradict what was measured from `start` to `end` (epoch seconds, whole quarter hours of one day): it counts as
        `counts_as`, an attention state; `not_observed` leaves it out. `note` has at most MOST_NOTE characters. With the
        same `name` again after an error it is kept once.
        """
        correction = {"id": str(name or uuid4()), "from": start, "to": end, "as": counts_as, "note": note}
        return _read(self._ask("POST", "/v1/me/corrections", body=canonical(correction)), 201, KeptCorrection.parse)

    def erasure(self) -> Erasure | None:
        """The erasure that was asked for and not cancelled."""
        return _read(self._ask("GET", "/v1/me/erasure"), 200, _open_erasure)

    def ask_erasure(self) -> Erasure:
        """Have everything the service keeps erased, after a day in which it can be taken back. Asking again changes
        nothing.
        """
        return _read(self._ask("POST", "/v1/me/erasure"), 202, Erasure.parse)

    def cancel_erasure(self) -> Erasure:
        """Take the erasure back. ServiceRefused `nothing_to_cancel`, or `too_late` once it has begun."""
        return _read(self._ask("DELETE", "/v1/me/erasure"), 200, Erasure.parse)

    def _ask(self, method: str, path: str, *, query: Mapping[str, str] | None = None, body: bytes = b"") -> Reply:
        with self._turn:
            try:
                return signed_reply(
                    method,
                    path,
                    link=self._link,
                    identity=self._identity,
                    key=self._key,
                    clock=self._clock,
                    query=query,
                    body=body,
                    most=MOST_BYTES,
                )
            finally:
                self._link.close()


def _read(reply: Reply, status: int, parse: Callable[[dict[str, Any]], T]) -> T:
    """What an answer says if it has the status hoped for."""
    value = read_object(reply)
    if reply.status != status:
        raise refused(reply.status, value)
    try:
        return parse(value)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ServiceUnreachable(
            "The service's answer is not one this Framekeep understands: one of the two needs an update."
        ) from error


def _open_erasure(value: dict[str, Any]) -> Erasure | None:
    found = value["erasure"]
    return None if found is None else Erasure.parse(found)
