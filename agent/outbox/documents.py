"""Keeps the organisation's documents current: what is held, what the service offers, what that allows."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping

from agent.acceptance import accept_agreement, accept_keyset, accept_policy, accept_roots, read_roots
from agent.errors import PolicyError
from agent.identity import Identity
from agent.key_changes import KeyChange, key_changes, read_changes, write_changes
from agent.outbox.delivery import Failure, Reply, clock_trouble, is_revoked
from agent.outbox.link import Link
from agent.outbox.papers import AGREEMENTS, POLICIES, load, put_roots, restore
from agent.policy import Papers, Standing, standing
from agent.store.rows import StoredDocument
from agent.store.store import DocumentKind, Store
from agent.wire.agreement import Agreement
from agent.wire.documents import Keyset, Policy

log = logging.getLogger(__name__)

COMING = "framekeep-coming"
"""The header that names a document which is published and yet to begin."""

NO_AGREEMENT = "The organisation's keyset names a works council, but the service has no agreement with it. Tell your administrator."

_LATER = {"coming": "1"}
_COMING_OF = {
    DocumentKind.POLICY: DocumentKind.COMING_POLICY,
    DocumentKind.AGREEMENT: DocumentKind.COMING_AGREEMENT,
}


class Documents:
    """The accepted documents of one organisation. Written by one thread; any thread may read. `clock` answers epoch
    seconds: which policy is in force depends on it.
    """

    def __init__(self, store: Store, identity: Identity, *, clock: Callable[[], float] = time.time) -> None:
        self._store, self._clock = store, clock
        self.revoked = identity.revoked
        """The service revoked this device; only a new code ends it."""
        held = load(store, identity.roots)
        self._held = held.rows
        self.problem = held.problem
        """Why the last offered document was not taken, "" when all is well."""
        self._papers = held.papers

    @property
    def papers(self) -> Papers:
        """Everything that was accepted."""
        return self._papers

    @property
    def keyset(self) -> Keyset | None:
        """The accepted keyset, valid or expired."""
        return self._papers.keyset

    @property
    def policy(self) -> Policy | None:
        """The policy in force, valid or expired."""
        return self._papers.policy(self._clock())

    @property
    def agreement(self) -> Agreement | None:
        """The agreement in force, valid or expired; None where the keyset names no works council."""
        return self._papers.agreement(self._clock())

    def standing(self, now: float) -> Standing:
        """What the documents allow at `now` (epoch seconds)."""
        papers = self._papers
        return standing(
            papers.keyset, papers.policy(now), now=now, revoked=self.revoked, agreement=papers.agreement(now)
        )

    def document(self, held: Policy | Agreement) -> bytes | None:
        """The signed document a policy or agreement was read from."""
        kinds = POLICIES if isinstance(held, Policy) else AGREEMENTS
        rows = (self._held.get(kind) for kind in kinds)
        return next((row.body for row in rows if row is not None and row.seq == held.seq), None)

    def key_changes(self) -> tuple[KeyChange, ...]:
        """What this laptop saw of changes to the organisation's keys, oldest first."""
        row = self._held.get(DocumentKind.KEY_CHANGES)
        return read_changes(row.body) if row is not None else ()

    def refresh(
        self,
        link: Link,
        authorise: Callable[[str], Mapping[str, str]],
        *,
        now: float,
        stop: threading.Event | None = None,
    ) -> bool:
        """Ask for every document and keep what is acceptable; `authorise` makes the header for a path. True when the
        service answered. Raises StoreError.
        """

        def ask(path: str, headers: Mapping[str, str], query: Mapping[str, str] | None = None) -> Reply | None:
            answer = link.request("GET", path, query=query, headers=headers, stop=stop)
            if isinstance(answer, Reply) and answer.status == 404 and (path == "/v1/agreement" or query == _LATER):
                return answer  # that there is none is an answer
            return answer if self._answered(answer, now) and isinstance(answer, Reply) else None

        def ask_for(kind: DocumentKind, path: str) -> bool:
            """The document in force, and the one that is to follow where the service names one."""
            answer = ask(path, {**authorise(path), **self._tag(kind, known=self._stands(kind))})
            if answer is None:
                return False
            self._take(kind, answer, beside=False)
            named = answer.headers.get(COMING, "")
            if named and not self._stands(_COMING_OF[kind], named):
                answer = ask(path, authorise(path), _LATER)
                if answer is None:
                    return False
                self._take(kind, answer, beside=True)
            return True

        asked = self._tag(DocumentKind.KEYSET, known=self.keyset is not None)
        answer = ask("/v1/keyset", asked, {"org": self._papers.roots.org})
        if answer is None:
            return False
        try:
            if answer.status == 200:
                self._take_keyset(answer, now)
            if self.keyset is not None and self.keyset.council and not ask_for(DocumentKind.AGREEMENT, "/v1/agreement"):
                return False
            if not ask_for(DocumentKind.POLICY, "/v1/policy"):
                return False
        except PolicyError as error:
            if str(error) != self.problem:
                log.error(error)
            self.problem = str(error)
            return True
        self.problem = ""
        return True

    def _take_keyset(self, answer: Reply, now: float) -> None:
        before = self._papers
        offered, document = read_roots(answer.body, before.roots.org)
        roots = accept_roots(offered, held=before.roots)
        held = self._held.get(DocumentKind.KEYSET) if before.keyset is not None else None
        keyset = accept_keyset(document, roots=roots, held=held)
        if roots != before.roots:  # before the keyset: one signed by a root that was replaced can still be read back
            self._held = {**self._held, DocumentKind.ROOTS: put_roots(self._store, roots)}
            log.info("The organisation's root key was replaced by a signed successor.")
        self._put(DocumentKind.KEYSET, keyset.seq, document, answer)
        changes = key_changes((before.roots, before.keyset), (roots, keyset), now)
        if changes:
            everything = (*self.key_changes(), *changes)
            row = StoredDocument(len(everything), write_changes(everything), "")
            self._store.put_document(DocumentKind.KEY_CHANGES, seq=row.seq, body=row.body)
            self._held = {**self._held, DocumentKind.KEY_CHANGES: row}
        self._papers, _ = restore(roots, keyset, self._held)

    def _take(self, kind: DocumentKind, answer: Reply, *, beside: bool) -> None:
        """Accept and keep a policy or agreement: the one in force or, `beside` it, the one that is to follow."""
        papers, keyset = self._papers, self._papers.keyset
        if answer.status == 404 and kind is DocumentKind.AGREEMENT and not beside:
            raise PolicyError(NO_AGREEMENT)
        if answer.status != 200 or keyset is None:
            return
        rows = [self._held.get(kind), self._held.get(_COMING_OF[kind])]
        if beside:  # whatever is to follow is newer than everything
            rows.sort(key=lambda row: row.seq if row is not None else 0, reverse=True)
        taken: Policy | Agreement
        if kind is DocumentKind.POLICY:
            taken = accept_policy(
                answer.body, roots=papers.roots, keyset=keyset, held=rows, agreements=papers.agreements
            )
        elif keyset.council is not None:
            taken = accept_agreement(answer.body, roots=papers.roots, council=keyset.council, held=rows)
        else:
            return
        self._put(_COMING_OF[kind] if beside else kind, taken.seq, answer.body, answer)
        self._papers, _ = restore(papers.roots, keyset, self._held)

    def _put(self, kind: DocumentKind, seq: int, body: bytes, answer: Reply) -> None:
        row = StoredDocument(seq, body, answer.headers.get("etag", ""))
        if row != self._held.get(kind):
            self._store.put_document(kind, seq=seq, body=body, etag=row.etag)
            log.info("A document was renewed.", extra={"document": kind.name.lower(), "seq": seq})
        self._held = {**self._held, kind: row}

    def _stands(self, kind: DocumentKind, named: str | None = None) -> bool:
        """Whether the kept row of this kind is acceptable (and has this id)."""
        row, papers = self._held.get(kind), self._papers
        issues: tuple[Policy | Agreement, ...] = papers.policies if kind in POLICIES else papers.agreements
        return row is not None and any(issue.seq == row.seq and named in (None, issue.id) for issue in issues)

    def _tag(self, kind: DocumentKind, *, known: bool) -> dict[str, str]:
        row = self._held.get(kind) if known else None
        return {"If-None-Match": row.etag} if row is not None and row.etag else {}

    def _answered(self, answer: Reply | Failure | None, now: float) -> bool:
        if isinstance(answer, Reply) and answer.status in (200, 304):
            return True
        if isinstance(answer, Reply) and is_revoked(answer):
            self.revoked = True
        if isinstance(answer, Reply) and answer.status == 401 and (trouble := clock_trouble(answer, now)):
            self.problem = trouble
        return False
