"""The service's table of endpoints asked in this process; every answer is held against what OpenAPI promises of it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jsonschema
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.wire.enrolment import EnrolmentCode, enrol_request
from agent.wire.ids import device_id
from agent.wire.strict import canonical
from agent.wire.token import make_token
from sync_service import provision
from sync_service.app import Store, build_endpoints
from sync_service.http import Answer, Request
from sync_service.openapi import answers_of
from sync_service.routes import answer
from tests.e2e.office import ENDPOINT, NOW, Company


class NoInbox:
    """No envelope is posted in these suites."""


@dataclass
class Clock:
    now: int = NOW

    def __call__(self) -> int:
        return self.now


@dataclass
class Laptop:
    """An enrolled device that asks for its person."""

    client: Client
    key: Ed25519PrivateKey

    @property
    def id(self) -> str:
        return device_id(self.key.public_key().public_bytes_raw())

    def ask(self, method: str, path: str, body: Any = None, **query: str) -> Answer:
        raw = b"" if body is None else canonical(body)
        token = make_token(self.key, audience=ENDPOINT, method=method, path=path, body=raw, now=self.client.clock.now)
        return self.client.ask(method, path, token=token, body=raw, query=query)


@dataclass
class Client:
    company: Company
    folder: Path
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.store = Store(self.folder, self.company.pg.conninfo)
        self.endpoints = build_endpoints(self.store, NoInbox(), clock=self.clock)

    def ask(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        body: bytes = b"",
        query: dict[str, str] | None = None,
        accept: str = "application/json",
        headers: dict[str, str] | None = None,
    ) -> Answer:
        for endpoint in self.endpoints:
            match = re.fullmatch(re.sub(r"<(\w+)>", r"(?P<\1>[^/]+)", endpoint.path), path)
            if match and endpoint.method == method:
                sent = {"accept": accept, **(headers or {}), **({"authorization": f"Bearer {token}"} if token else {})}
                given = answer(endpoint, Request(method, path, sent, query or {}, body, match.groupdict()))
                declared = answers_of(endpoint)
                assert given.status in declared, f"{method} {path} does not declare {given.status}"
                schema = declared[given.status][1]
                if schema is not None and given.content_type == "application/json":
                    jsonschema.validate(
                        json.loads(given.content), dict(schema), format_checker=jsonschema.FormatChecker()
                    )
                return given
        raise AssertionError(f"no endpoint {method} {path}")

    def enrol(self, person: str, *, new: bool = False) -> Laptop:
        """A laptop for the person. It has been theirs for weeks, unless it is `new`: suites bring days that are past."""
        issued = provision.new_code(self.company.office, self.company.org, person, now=self.clock.now)
        key = Ed25519PrivateKey.generate()
        body = canonical(enrol_request(EnrolmentCode.parse(issued.code), self.company.org, key))
        assert self.ask("POST", "/v1/devices", body=body).status == 201
        laptop = Laptop(self, key)
        if not new:
            self.company.pg.owner.run(
                "update device set enrolled_at = enrolled_at - interval '60 days' where id = :id", id=laptop.id
            )
        return laptop

    def close(self) -> None:
        self.store.close()
