"""Signing for tests: an organisation's root, its works council, and a laptop that follows what the service serves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.identity import Identity
from agent.outbox.delivery import Reply
from agent.outbox.documents import Documents
from agent.store import Store
from agent.wire.agreement import Agreement
from agent.wire.documents import Keyset, Policy, sign_document
from agent.wire.roots import RootLink
from agent.wire.strict import to_b64
from sync_service.drafting import next_agreement, next_keyset, next_policy, next_root
from sync_service.key_files import read_key
from sync_service.policies import current_papers
from sync_service.provision import DEFAULT_HOURS
from tests.e2e.client import Client, Laptop
from tests.e2e.office import Company


def public(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes_raw()


class Ceremony:
    """Who signs for `company`: the keys, and drafts of what follows what is published."""

    def __init__(self, company: Company) -> None:
        self.company, self.org = company, company.org
        self.root = read_key(company.office.keys.root_path(company.org))
        self.signer = read_key(company.office.keys.policy_path(company.org))
        self.council, self.new_root = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()

    @property
    def papers(self):
        return current_papers(self.company.office.database, self.org)

    def keyset(self, now: int, *by: Ed25519PrivateKey, **changes) -> bytes:
        value: Keyset = replace(next_keyset(self.papers.keyset, now=now), **changes)
        return sign_document("keyset", value.to_payload(), by or [self.root])

    def agreement_value(self, now: int, **changes) -> Agreement:
        old = max(self.papers.agreements, key=lambda one: one.seq, default=None)
        return replace(next_agreement(self.org, old, now=now, work_hours=DEFAULT_HOURS), **changes)

    def agreement(self, value: Agreement, *by: Ed25519PrivateKey) -> bytes:
        return sign_document("agreement", value.to_payload(), by or [self.root, self.council])

    def policy(self, now: int, on: Agreement | None, by: Ed25519PrivateKey | None = None, **changes) -> bytes:
        old: Policy = max(self.papers.policies, key=lambda one: one.seq)
        value = replace(next_policy(old, now=now, agreement=on.digest if on else ""), **changes)
        return sign_document("policy", value.to_payload(), [by or self.signer])

    def link(self, now: int, *by: Ed25519PrivateKey, seq: int = 1) -> bytes:
        value: RootLink = next_root(self.org, seq=seq, old=public(self.root), new=public(self.new_root), now=now)
        return sign_document("root", value.to_payload(), by or [self.root, self.new_root])

    def with_council(self, now: int, **limits) -> list[bytes]:
        """All it takes to make an agreement obligatory: keyset, agreement, and a policy within it."""
        agreed = self.agreement_value(now, **limits)
        keyset = self.keyset(now, council=public(self.council))
        return [keyset, self.agreement(agreed), self.policy(now, agreed, k=max(5, agreed.k_at_least))]

    def publish(self, *documents: bytes, now: int) -> None:
        self.company.office.documents.publish_all(list(documents), now=now)


class Served:
    """The agent's link to a service in this process; `saved` answers in its place, as an old copy would."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.saved: dict[str, Reply] = {}
        self.asked: list[str] = []

    def request(self, method, path, *, query=None, body=None, headers=None, stop=None, most=0) -> Reply:
        name = path + ("?coming" if query and "coming" in query else "")
        self.asked.append(name)
        if name in self.saved:
            return self.saved[name]
        sent = {name.lower(): value for name, value in (headers or {}).items()}
        token = sent.pop("authorization", "").removeprefix("Bearer ") or None
        given = self.client.ask(method, path, token=token, query=dict(query or {}), headers=sent)
        found = {name.lower(): value for name, value in given.headers.items()}
        reply = Reply(given.status, found, given.content)
        self.last = {**getattr(self, "last", {}), name: reply}
        return reply


class Follower:
    """A laptop's documents, kept in a store of its own and asked for at the service."""

    def __init__(self, client: Client, laptop: Laptop, folder: Path) -> None:
        self.client, self.laptop = client, laptop
        self.store = Store(folder / f"{laptop.id}.sqlite", bytes(32))
        first = client.company.pg.owner.run("select root_public from organisation where id = :o", o=client.company.org)
        self.identity = Identity(
            client.company.org, laptop.id, to_b64(bytes(first[0]["root_public"])), "http://127.0.0.1:8440", 1
        )
        self.served = Served(client)
        self.start()

    def start(self) -> None:
        """As after a restart."""
        self.documents = Documents(self.store, self.identity, clock=lambda: float(self.client.clock.now))

    def refresh(self) -> str:
        """Ask the service; the problem there is, "" when all is well."""
        assert self.documents.refresh(self.served, self._authorise, now=self.client.clock.now)  # type: ignore[arg-type]  # the two methods it needs
        return self.documents.problem

    @property
    def may_look(self) -> bool:
        return self.documents.standing(self.client.clock.now).may_look

    def _authorise(self, path: str) -> dict[str, str]:
        from agent.wire.token import make_token

        token = make_token(
            self.laptop.key,
            audience="http://127.0.0.1:8440",
            method="GET",
            path=path,
            body=b"",
            now=self.client.clock.now,
        )
        return {"Authorization": f"Bearer {token}"}
