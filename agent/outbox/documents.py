"""Keeps the keyset and the policy current: what is held, what the service offers, what that allows."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping

from agent.errors import PolicyError
from agent.identity import Identity
from agent.outbox.delivery import Failure, Reply, clock_trouble, is_revoked
from agent.outbox.link import Link
from agent.policy import Standing, accept_keyset, accept_policy, read_roots, standing
from agent.store.rows import StoredDocument
from agent.store.store import DocumentKind, Store
from agent.wire.documents import Keyset, Policy

log = logging.getLogger(__name__)


class Documents:
    """The accepted documents of one organisation. Written by one thread; any thread may read `standing`."""

    def __init__(self, store: Store, identity: Identity) -> None:
        self._store = store
        self._roots = identity.roots
        self.revoked = identity.revoked
        """The service revoked this device; only a new code ends it."""
        self.problem = ""
        """Why the last offered document was not taken, "" when all is well."""
        keyset, self._keyset_held = None, store.document(DocumentKind.KEYSET)
        policy, self._policy_held = None, store.document(DocumentKind.POLICY)
        try:
            if self._keyset_held is not None:
                keyset = accept_keyset(self._keyset_held.body, roots=self._roots, held=None)
                if self._policy_held is not None:
                    policy = accept_policy(self._policy_held.body, roots=self._roots, keyset=keyset, held=None)
        except PolicyError as error:
            self.problem = str(error)
        self._current = (keyset, policy)

    @property
    def keyset(self) -> Keyset | None:
        """The accepted keyset, valid or expired."""
        return self._current[0]

    @property
    def policy(self) -> Policy | None:
        """The accepted policy, valid or expired."""
        return self._current[1]

    def standing(self, now: float) -> Standing:
        """What the documents allow at `now` (epoch seconds)."""
        keyset, policy = self._current
        return standing(keyset, policy, now=now, revoked=self.revoked)

    def refresh(
        self, link: Link, authorise: Mapping[str, str], *, now: float, stop: threading.Event | None = None
    ) -> bool:
        """Ask for both documents and keep what is acceptable; `authorise` is the header for `/v1/policy`. True when
        the service answered both. Raises StoreError.
        """
        tag = self._keyset_held.etag if self._keyset_held else ""
        asked = {"If-None-Match": tag} if tag else {}
        answer = link.request("GET", "/v1/keyset", query={"org": self._roots.org}, headers=asked, stop=stop)
        if not self._answered(answer, now):
            return False
        assert isinstance(answer, Reply)
        try:
            if answer.status == 200:
                self._take_keyset(answer)
            tag = self._policy_held.etag if self._policy_held else ""
            asked = {**authorise, **({"If-None-Match": tag} if tag and self.policy else {})}
            answer = link.request("GET", "/v1/policy", headers=asked, stop=stop)
            if not self._answered(answer, now):
                return False
            assert isinstance(answer, Reply)
            if answer.status == 200:
                self._take_policy(answer)
        except PolicyError as error:
            if str(error) != self.problem:
                log.error(error)
            self.problem = str(error)
            return True
        self.problem = ""
        return True

    def _take_keyset(self, answer: Reply) -> None:
        _, document = read_roots(answer.body, self._roots.org)
        keyset = accept_keyset(document, roots=self._roots, held=self._keyset_held)
        held = StoredDocument(keyset.seq, document, answer.headers.get("etag", ""))
        if held != self._keyset_held:
            self._store.put_document(DocumentKind.KEYSET, seq=held.seq, body=held.body, etag=held.etag)
            log.info("The keyset was renewed.", extra={"seq": held.seq})
        policy = self.policy
        if policy is not None and self._policy_held is not None:
            try:  # its signer may have been taken off the list
                policy = accept_policy(self._policy_held.body, roots=self._roots, keyset=keyset, held=None)
            except PolicyError:
                policy = None
        self._keyset_held, self._current = held, (keyset, policy)

    def _take_policy(self, answer: Reply) -> None:
        keyset = self.keyset
        if keyset is None:
            return
        policy = accept_policy(answer.body, roots=self._roots, keyset=keyset, held=self._policy_held)
        held = StoredDocument(policy.seq, answer.body, answer.headers.get("etag", ""))
        if held != self._policy_held:
            self._store.put_document(DocumentKind.POLICY, seq=held.seq, body=held.body, etag=held.etag)
            log.info("The policy was renewed.", extra={"policy": policy.id})
        self._policy_held, self._current = held, (keyset, policy)

    def _answered(self, answer: Reply | Failure | None, now: float) -> bool:
        if isinstance(answer, Reply) and answer.status in (200, 304):
            return True
        if isinstance(answer, Reply) and is_revoked(answer):
            self.revoked = True
        if isinstance(answer, Reply) and answer.status == 401 and (trouble := clock_trouble(answer, now)):
            self.problem = trouble
        return False
