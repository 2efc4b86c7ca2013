"""The uploader: seals closed windows, posts envelopes oldest first, asks for receipts, keeps documents current.

One thread; the store is its only hand-off. `turn` does everything that is due and says when to look again, so tests
turn it by hand with a clock of their own. kill -9 anywhere is harmless: an envelope is marked accepted only after the
service echoed its id, and an envelope that was accepted without our knowing is posted again and counted once.

When the employee declines, what waits is withheld for good, at once and offline; the service is told that this laptop
does not participate, as long as it takes; and from its acknowledgement on there is no request at all, because each one
would say that somebody is at work here.
"""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.clock import Clock
from agent.errors import StoreError
from agent.identity import Identity
from agent.outbox.delivery import Action, Failure, Outcome, Reply, decide, later
from agent.outbox.documents import Documents
from agent.outbox.link import Link
from agent.outbox.receipts import read_receipts
from agent.outbox.schedule import Timer, pick, seal_due
from agent.outbox.telling import PATH, Telling, decide_told, message
from agent.store.rows import Draft, EnvelopeRow, SealedDraft
from agent.store.store import Store
from agent.version import VERSION
from agent.wire.envelope import Envelope, format_body, parse_body
from agent.wire.errors import WireError
from agent.wire.seal import SealPublicKey, seal
from agent.wire.summary import MAX_WINDOWS, Summary, readable
from agent.wire.token import make_token

POLL_SECONDS = 2.0
"""How often the store is looked at for new windows; also after a store error."""
DOCUMENTS_SECONDS = 3600.0
RECEIPTS_SECONDS = 600.0
AGE_OUT_SECONDS = 86400.0
_QUARANTINED = "The service could not count it and keeps it for its administrators to look at."

log = logging.getLogger(__name__)


class Uploader:
    """Delivers the store's windows for `identity`. `turn`, `flush` and `run` belong to one thread; `documents` and
    `problem` may be read by any. `chance` gives random numbers in [0, 1). `participation` says whether the employee
    takes part (None: not decided, and nothing is told); what it raises ends the turn before anything is sent.
    """

    def __init__(
        self,
        store: Store,
        identity: Identity,
        device_key: Ed25519PrivateKey,
        *,
        clock: Clock,
        link: Link | None = None,
        proxy: str = "",
        chance: Callable[[], float] = random.random,
        participation: Callable[[], bool | None] = lambda: None,
    ) -> None:
        self._store = store
        self._identity = identity
        self._key = device_key
        self._clock = clock
        self._link = link or Link(identity.endpoint, proxy=proxy)
        self._chance = chance
        self._participation = participation
        self._telling = Telling()
        self.documents = Documents(store, identity, clock=clock.wall)
        self.problem = ""
        """Why nothing goes out just now, for the status; "" when all is well."""
        self._faults: dict[int, int] = {}
        self._unrecorded: set[int] = set()
        self._documents_timer = Timer(DOCUMENTS_SECONDS)
        self._receipts_timer = Timer(RECEIPTS_SECONDS)
        self._age_timer = Timer(AGE_OUT_SECONDS)

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set; returns within a second of it."""
        while not stop.is_set():
            try:
                wait = self.turn(stop)
            except StoreError as error:
                if str(error) != self.problem:
                    log.error(error)
                self.problem = str(error)
                wait = POLL_SECONDS
            stop.wait(wait)
        self._link.close()

    def turn(self, stop: threading.Event | None = None) -> float:
        """Do what is due; returns seconds until the next look. Raises StoreError."""
        now = self._clock.wall()
        self._follow()
        declined = self._withhold(now)
        if not self._identity.revoked:
            # Who declined needs them only to find where to say so.
            if not declined or self._identity.told is not False:
                self._keep_documents(now, stop)
            self._tell(stop)
            if not declined:
                self._seal(now)
                self._deliver(stop)
                if self._receipts_timer.due(now):
                    self.ask_receipts(stop)
            self._link.close()
        if self._age_timer.due(now):
            self._store.envelopes.age_out(now=now)
            self._age_timer.done(now, self._chance(), ok=True)
        return POLL_SECONDS

    def flush(self, stop: threading.Event | None = None) -> bool:
        """Seal every closed window now, due or not, and deliver what can be delivered at once. True when nothing is
        left. For the end of a recording. Raises StoreError.
        """
        if not self._withhold(self._clock.wall()):
            self._seal(self._clock.wall(), everything=True)
            self._deliver(stop)
        self._link.close()
        return not self._store.unsealed(1) and not self._store.envelopes.waiting(1)

    def refresh_documents(self, stop: threading.Event | None = None) -> bool:
        """Ask for keyset, agreement and policy now. True when the service answered. Raises StoreError."""
        now = self._clock.wall()

        def authorise(path: str) -> Mapping[str, str]:
            return self._token("GET", path)

        ok = self.documents.refresh(self._link, authorise, now=now, stop=stop)
        if self._follow():
            ok = self.documents.refresh(self._link, authorise, now=now, stop=stop)
        good = ok and not self.documents.problem and self.documents.standing(now).may_look
        self._documents_timer.done(now, self._chance(), ok=good)
        if self.documents.revoked and not self._identity.revoked:
            self._remember_revoked()
        return ok

    def ask_receipts(self, stop: threading.Event | None = None) -> int:
        """Ask what became of accepted envelopes, and let those wait again of which the service knows nothing any more.
        Returns how many were settled. Raises StoreError.
        """
        now = self._clock.wall()
        oldest, settled = self._store.envelopes.oldest_accepted(), 0
        # The service's clock counts here; a day covers any difference that lets a token pass.
        query: Mapping[str, str] | None
        query = None if oldest is None else {"since": str(max(0, min(oldest, int(now)) - 86400))}
        while query is not None and (stop is None or not stop.is_set()):
            answer = self._link.request(
                "GET",
                "/v1/me/receipts",
                query=query,
                headers=self._token("GET", "/v1/me/receipts"),
                stop=stop,
            )
            page = read_receipts(answer) if isinstance(answer, Reply) and answer.status == 200 else None
            if page is None:
                self._receipts_timer.done(now, self._chance(), ok=False)
                return settled
            settled += self._store.envelopes.settle_receipts(page.outcomes, now=now, reason=_QUARANTINED)
            if page.following == query:  # a whole page of one second, or a service that turns in a circle
                break
            query = page.following
        self._receipts_timer.done(now, self._chance(), ok=True)
        if query is None and (count := self._store.envelopes.send_again(now=now)):
            log.warning("Accepted envelopes have no receipt; they are sent again.", extra={"count": count})
        return settled

    def _withhold(self, now: float) -> bool:
        """Whether the employee declined; then nothing that was measured before is sent any more."""
        if self._participation() is not False:
            return False
        self._note_accepted()
        if self._store.unsealed(1) or self._store.envelopes.waiting(1):
            count = self._store.envelopes.withhold(now=now)
            log.info("Withheld: the employee does not take part.", extra={"count": count})
        self._faults.clear()
        return True

    def _tell(self, stop: threading.Event | None) -> None:
        """Say whether the employee takes part, if the service does not know."""
        participating, now = self._participation(), self._clock.wall()
        if participating is None or participating is self._identity.told:
            if participating is False:
                self.problem = ""
            return
        self._telling = self._telling.of(participating)
        if self._identity.revoked or not self._telling.due(now):
            return
        body = message(participating)
        headers = {"Content-Type": "application/json", **self._token("PUT", PATH, body)}
        answer = self._link.request("PUT", PATH, body=body, headers=headers, stop=stop)
        if answer is None:
            return
        attempts, chance = self._telling.attempts, self._chance()
        outcome = decide_told(answer, participating, attempts=attempts, chance=chance, now=self._clock.wall())
        self.problem = outcome.reason
        if outcome.action is Action.ACCEPTED:
            self._identity = replace(self._identity, told=participating)
            self._store.put_identity(self._identity.to_bytes())
            log.info("The service knows whether the employee takes part.")
        elif outcome.action is Action.STOP:
            self._remember_revoked()
        else:
            self._telling = self._telling.failed(outcome)

    def _keep_documents(self, now: float, stop: threading.Event | None) -> None:
        if self._documents_timer.due(now) or (
            not self.documents.standing(now).may_look and self._documents_timer.failures == 0
        ):
            self.refresh_documents(stop)

    def _seal(self, now: float, *, everything: bool = False) -> None:
        key = self._seal_key(now)
        while key is not None and self._participation() is not False:
            starts = self._store.unsealed(MAX_WINDOWS)
            count = len(starts) if everything else seal_due(starts, device=self._identity.device, now=now)
            if count == 0:
                return
            row = self._store.envelopes.seal(self._sealer(key), now=now, limit=count)
            if row is not None:
                log.info("Sealed.", extra={"seq": row.seq, "count": row.windows})

    def _deliver(self, stop: threading.Event | None) -> None:
        self._note_accepted()
        while not self._identity.revoked and (stop is None or not stop.is_set()):
            if self._participation() is False:  # also in the middle of a month's backlog
                return
            now = self._clock.wall()
            queue = self._store.envelopes.waiting(1 + len(self._faults))
            row = pick(queue, self._faults, now)
            if row is None:
                if not queue:
                    self.problem = ""
                return
            if _device_of(row) != self._identity.device:  # made under an earlier key of this laptop
                if not self._reseal(row, now, until=now):
                    return
                continue
            answer = self._link.request(
                "POST", "/v1/envelopes", body=row.body, headers={"Content-Type": "application/json"}, stop=stop
            )
            if answer is None:
                return
            self._settle(row, queue[0], answer, stop)

    def _note_accepted(self) -> None:
        for seq in list(self._unrecorded):  # accepted, and the store could not be written then
            self._store.envelopes.accept(seq, now=self._clock.wall())
            self._unrecorded.discard(seq)

    def _settle(
        self, row: EnvelopeRow, head: EnvelopeRow, answer: Reply | Failure, stop: threading.Event | None
    ) -> None:
        now = self._clock.wall()
        outcome = decide(
            answer,
            envelope=row.id,
            created=row.created,
            attempts=row.attempts,
            chance=self._chance(),
            now=now,
        )
        status = answer.status if isinstance(answer, Reply) else answer.kind.value
        log.info("Posted.", extra={"seq": row.seq, "status": status, "state": outcome.action.value})
        self.problem = outcome.reason
        if outcome.action is Action.ACCEPTED:
            if row.seq == head.seq:
                self._faults.clear()  # the service works again: whatever failed behind it gets its turn, in order
            self._unrecorded.add(row.seq)
            self._store.envelopes.accept(row.seq, now=now)
            self._unrecorded.discard(row.seq)
        elif outcome.action is Action.SET_ASIDE:
            self._faults.pop(row.seq, None)
            self._store.envelopes.set_aside(row.seq, reason=outcome.reason, now=now)
        elif outcome.action is Action.RESEAL:
            self.refresh_documents(stop)
            # At once the first time; when that did not help, with growing patience.
            self._reseal(row, now, until=later(row.attempts, self._chance(), now) if row.attempts else now)
        elif outcome.action is Action.STOP:
            self._remember_revoked()
            self._store.envelopes.postpone(row.seq, until=now, reason=outcome.reason)
        else:
            self._postpone(row, head, outcome)

    def _follow(self) -> bool:
        """Move to the address the accepted keyset names. True when it is another one."""
        keyset = self.documents.keyset
        if keyset is None or keyset.endpoint == self._identity.endpoint:
            return False
        self._identity = replace(self._identity, endpoint=keyset.endpoint)
        self._store.put_identity(self._identity.to_bytes())
        self._link.move(keyset.endpoint)
        log.info("The service moved; it is followed.")
        return True

    def _remember_revoked(self) -> None:
        """Over restarts: only a new code ends it."""
        self._identity = replace(self._identity, revoked=True)
        self.documents.revoked = True
        self._store.put_identity(self._identity.to_bytes())

    def _postpone(self, row: EnvelopeRow, head: EnvelopeRow, outcome: Outcome) -> None:
        if outcome.own_fault:
            self._faults[row.seq] = self._faults.get(row.seq, 0) + 1
        else:
            self._faults.clear()  # the connection is the trouble, not any envelope
        # One that was tried past a failing head waits for it: when the service works again, the head goes first.
        until = outcome.at if row.seq == head.seq else max(outcome.at, head.next_try)
        self._store.envelopes.postpone(row.seq, until=until, reason=outcome.reason)

    def _reseal(self, row: EnvelopeRow, now: float, *, until: float) -> bool:
        """Seal the same windows again, to be sent at `until`. False when there is no key to seal to now."""
        key = self._seal_key(now)
        if key is None:
            until = later(row.attempts, self._chance(), now)
            self._store.envelopes.postpone(row.seq, until=until, reason=self.documents.standing(now).reason)
            return False
        self._store.envelopes.reseal(row.seq, self._sealer(key), attempts=row.attempts + 1, not_before=until)
        log.info("Sealed again.", extra={"seq": row.seq})
        return True

    def _seal_key(self, now: float) -> SealPublicKey | None:
        keyset = self.documents.keyset
        return None if keyset is None else keyset.seal_key(int(now))

    def _sealer(self, key: SealPublicKey) -> Callable[[Draft], SealedDraft]:
        def make(draft: Draft) -> SealedDraft:
            summary = Summary(draft.seq, draft.windows, draft.lost, VERSION, draft.models, draft.policy)
            envelope = seal(
                summary,
                org=self._identity.org,
                device_key=self._key,
                key=key,
                envelope_id=uuid4(),
                created=int(self._clock.wall()),
            )
            return SealedDraft(envelope.id, envelope.created, format_body(envelope), readable(summary))

        return make

    def _token(self, method: str, path: str, body: bytes = b"") -> dict[str, str]:
        endpoint, now = self._identity.endpoint, int(self._clock.wall())
        token = make_token(self._key, audience=endpoint, method=method, path=path, body=body, now=now)
        return {"Authorization": f"Bearer {token}"}


def _device_of(row: EnvelopeRow) -> str:
    with suppress(WireError):
        envelope: Envelope = parse_body(row.body)
        return envelope.device
    return ""
