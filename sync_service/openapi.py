"""OpenAPI 3.1, written from the table of endpoints: what is mounted and what is described cannot differ.

What every endpoint does alike (`routes.py`, `local/asgi.py`) is added here and not in the table: the refusals that come
before a handler, entity tags, limits, the request's id.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from sync_service.http import ERROR, Endpoint, Schema, refuses
from sync_service.messages import BY_CODE, sentence
from sync_service.negotiation import CSV, JSON
from sync_service.samples import sample
from sync_service.schemas import ID

_SCHEMES = {
    "device": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "Made by the device for one request (EdDSA), good for a minute.",
    },
    "manager": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "Of the identity provider."},
}
_ABOUT = """Every answer has an `X-Request-Id`: the caller's own where it sent one of 8 to 64 letters, digits and \
hyphens, else a new one. Every refusal is `{"error", "message", "request_id"}`: `error` is a stable code for programs, \
`message` one sentence for a person.

Answers for readers have an `ETag`; send it back in `If-None-Match` and what has not changed is 304. They are `no-store` \
all the same: keep them in memory, not on a disk.

A caller who asks too often gets 429 and `Retry-After`. `HEAD` is answered wherever `GET` is, `OPTIONS` everywhere with \
`Allow`. Other origins are not let in (no CORS)."""
_PATH_PARAMETER = re.compile(r"<(\w+)>")
_CODE = re.compile(r"[a-z][a-z0-9_]*")
_HEADERS: dict[str, dict[str, Any]] = {
    "X-Request-Id": {"description": "Names this request.", "schema": {"type": "string"}},
    "ETag": {"description": "Of exactly this body.", "schema": {"type": "string"}},
    "Link": {"description": 'The next page, as rel="next"; not on the last one.', "schema": {"type": "string"}},
    "RateLimit": {"description": "How many calls are left, and until when.", "schema": {"type": "string"}},
    "RateLimit-Policy": {"description": "How many calls there are in how many seconds.", "schema": {"type": "string"}},
    "Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}},
    "WWW-Authenticate": {"description": "The kind of token needed.", "schema": {"type": "string"}},
    "Allow": {"description": "The methods of this address.", "schema": {"type": "string"}},
}


def openapi(endpoints: Iterable[Endpoint], *, version: str) -> dict[str, Any]:
    """The document, ready for JSON."""
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        path = _PATH_PARAMETER.sub(r"{\1}", endpoint.path)
        paths.setdefault(path, {})[endpoint.method.lower()] = _operation(endpoint)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Framekeep sync service",
            "version": version,
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "Where this description was read."}],
        "paths": paths,
        "components": {"securitySchemes": _SCHEMES, "schemas": {"Error": ERROR}, "headers": _HEADERS},
    }


def answers_of(endpoint: Endpoint) -> Mapping[int, tuple[str, Schema | None]]:
    """Every answer this endpoint gives: its own, and those that all give. Its own words win."""
    common = refuses(
        s429="too_many_requests: wait Retry-After seconds",
        s500="internal_error: a defect of the service, in its log under the request's id",
        s503="unavailable: try again after Retry-After seconds",
    )
    if endpoint.query or endpoint.body is not None or "<" in endpoint.path:
        common |= refuses(s400="malformed")
    if "<" in endpoint.path:
        common |= refuses(s404="not_found: no name looks like this")
    if endpoint.body is not None:
        common |= refuses(
            s408="too_slow: the body did not arrive in time",
            s413="too_large",
            s415="unsupported_media_type: a body is application/json",
        )
    if endpoint.auth is not None:
        common |= refuses(s401="not_authenticated")
    if endpoint.auth == "manager":
        common |= refuses(s406="not_acceptable: the Accept header names no form there is")
    if endpoint.method == "GET" and endpoint.auth in ("manager", "any"):
        common[304] = ("Not changed since the ETag in If-None-Match.", None)
    return {**common, **endpoint.answers}


def codes_in(meaning: str) -> list[str]:
    """The stable codes that the words of a refusal name: those known to `messages.py`, in order."""
    words = (part.partition(":")[0].strip() for part in re.split(r"[,;]", meaning))
    return [word for word in words if _CODE.fullmatch(word) and word in BY_CODE]


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    words = re.findall(r"\w+", endpoint.path.removeprefix("/v1/"))
    answers = answers_of(endpoint)
    operation: dict[str, Any] = {
        "operationId": "_".join([endpoint.method.lower(), *words]),
        "summary": endpoint.summary,
        "parameters": _parameters(endpoint),
        "responses": {str(status): _response(endpoint, status, *answers[status]) for status in sorted(answers)},
        "security": [{name: []} for name in (_SCHEMES if endpoint.auth == "any" else [endpoint.auth]) if name],
    }
    if endpoint.body is not None:
        example = sample(endpoint.body) if endpoint.body_example is None else endpoint.body_example
        content = {JSON: {"schema": endpoint.body, "example": example}}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    path = [
        {"name": name, "in": "path", "required": True, "schema": schema, "example": sample(schema, name)}
        for name in _PATH_PARAMETER.findall(endpoint.path)
        for schema in [endpoint.params.get(name, ID)]
    ]
    query = [
        {
            "name": one.name,
            "in": "query",
            "description": one.description,
            "required": one.required,
            "schema": one.schema,
        }
        for one in endpoint.query
    ]
    return path + query


def _response(endpoint: Endpoint, status: int, meaning: str, schema: Schema | None) -> dict[str, Any]:
    names = _header_names(endpoint, status)
    response: dict[str, Any] = {
        "description": meaning,
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in names},
    }
    if schema is ERROR:
        response["content"] = {JSON: {"schema": {"$ref": "#/components/schemas/Error"}, **_refusals(status, meaning)}}
    elif schema is not None:
        example = sample(schema) if endpoint.example is None or status >= 300 else endpoint.example
        response["content"] = {JSON: {"schema": schema, "example": example}}
        if endpoint.csv and status == 200:
            response["content"][CSV] = {"schema": {"type": "string"}}
    return response


def _header_names(endpoint: Endpoint, status: int) -> list[str]:
    names = ["X-Request-Id"]
    if status in (200, 304) and endpoint.method == "GET" and endpoint.auth in ("manager", "any"):
        names.append("ETag")
    if status == 200 and any(one.name == "after" for one in endpoint.query):
        names.append("Link")
    if endpoint.auth in ("manager", "any") or status == 429:
        names += ["RateLimit", "RateLimit-Policy"]
    if status in (429, 503):
        names.append("Retry-After")
    if status == 401 and endpoint.auth is not None:
        names.append("WWW-Authenticate")
    return names


def _refusals(status: int, meaning: str) -> dict[str, Any]:
    """An example for every code that the words name."""
    identity = sample(ERROR["properties"]["request_id"], "request_id")
    examples = {
        code: {"value": {"error": code, "message": sentence(status, code), "request_id": identity}}
        for code in codes_in(meaning)
    }
    return {"examples": examples} if examples else {}
