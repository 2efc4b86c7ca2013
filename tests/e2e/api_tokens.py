"""Hooks for schemathesis: a real token of the right kind for every request, and ids that exist.

Schemathesis imports this module by itself, in its own process; `FRAMEKEEP_TEST_API` names the file that
`test_api_described.py` wrote for it.
"""

from __future__ import annotations

import base64
import itertools
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
import schemathesis
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.wire.token import make_token

GIVEN: dict[str, Any] = json.loads(Path(os.environ["FRAMEKEEP_TEST_API"]).read_text("utf-8"))
KEY = Ed25519PrivateKey.from_private_bytes(base64.b64decode(GIVEN["device_key"]))
ADMIN, MANAGER = GIVEN["admin"], GIVEN["manager"]
AUDITOR, FOREIGN, DEVICES, ACCESS_LOG = GIVEN["others"]
# Most often whoever gets at it; in turn for each operation, so that a failure comes back.
READERS = (ADMIN, MANAGER, ADMIN, AUDITOR, ADMIN, FOREIGN, ADMIN, DEVICES, ADMIN, ACCESS_LOG)
BY_NAME = (MANAGER, ADMIN, MANAGER, AUDITOR, MANAGER, FOREIGN, MANAGER)
TURNS: dict[str, Iterator[str]] = {}
EITHER = itertools.cycle((True, False))


class TokenOf(requests.auth.AuthBase):
    """Signs what is really sent: a device's token names method, path and the body's hash."""

    def __init__(self, kinds: list[str], operation: str) -> None:
        self._kinds, self._operation = kinds, operation

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        device = "device" in self._kinds and ("manager" not in self._kinds or next(EITHER))
        readers = BY_NAME if self._operation == "GET /v1/people/{person}/summary" else READERS
        turn = TURNS.setdefault(self._operation, itertools.cycle(readers))
        request.headers["Authorization"] = f"Bearer {self._signed(request) if device else next(turn)}"
        return request

    def _signed(self, request: requests.PreparedRequest) -> str:
        body = request.body or b""
        return make_token(
            KEY,
            audience=GIVEN["audience"],
            method=request.method or "",
            path=urlsplit(request.url or "").path,
            body=body.encode() if isinstance(body, str) else body,
            now=GIVEN["now"],
        )


@schemathesis.auth()
class Tokens:
    """For operations that ask for a token."""

    def get(self, case: schemathesis.Case, context: schemathesis.AuthContext) -> list[str]:
        return [name for one in context.operation.definition.raw.get("security", []) for name in one]

    def set(self, case: schemathesis.Case, data: list[str], context: schemathesis.AuthContext) -> None:
        if data:
            case._auth = TokenOf(data, context.operation.label)


def real(named: dict[str, Any] | None) -> dict[str, Any]:
    """Ids of the right form become ids that exist, three times out of four."""
    ids = {name: one for name, one in GIVEN["ids"].items() if looks_like_an_id((named or {}).get(name))}
    return {**(named or {}), **ids}


def looks_like_an_id(value: Any) -> bool:
    return isinstance(value, str) and (value.startswith("p-") or (len(value) == 32 and value[-1] in "0123456789ab"))


@schemathesis.hook
def map_path_parameters(context: schemathesis.HookContext, path_parameters: dict[str, Any]) -> dict[str, Any]:
    """What is asked about is there, mostly."""
    return real(path_parameters)


@schemathesis.hook
def map_query(context: schemathesis.HookContext, query: dict[str, Any]) -> dict[str, Any]:
    """Mostly, days are those that something is known of; and since no cursor that was made up is good, there is none."""
    if not query:
        return query
    days = {name: day for name, day in GIVEN["days"].items() if looks_like_a_day(query.get(name))}
    made_up = isinstance(query.get("after"), str) and len(query["after"]) % 4 > 0
    return {name: value for name, value in {**query, **days}.items() if name != "after" or not made_up}


def looks_like_a_day(value: Any) -> bool:
    return isinstance(value, str) and len(value) == 10 and value[:4].isdigit() and value[-1] in "0123456"


@schemathesis.hook
def map_body(context: schemathesis.HookContext, body: Any) -> Any:
    """Likewise; and a correction is of a quarter hour that has been, where it was made up of two times."""
    if not isinstance(body, dict):
        return body
    if isinstance(body.get("from"), int) and isinstance(body.get("to"), int):
        start = GIVEN["measured"] + abs(body["from"]) % 8 * 900
        return {**body, "from": start, "to": start + 900}
    return real(body)
