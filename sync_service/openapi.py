"""OpenAPI 3.1, written from the table of endpoints: what is mounted and what is described cannot differ."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from sync_service.http import Endpoint

_SCHEMES = {
    "device": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "Made by the device for one request (EdDSA), good for a minute.",
    },
    "manager": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "Of the identity provider."},
}
_PATH_PARAMETER = re.compile(r"<(\w+)>")


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
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {"securitySchemes": _SCHEMES},
    }


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    words = re.findall(r"\w+", endpoint.path.removeprefix("/v1/"))
    operation: dict[str, Any] = {
        "operationId": "_".join([endpoint.method.lower(), *words]),
        "summary": endpoint.summary,
        "parameters": _parameters(endpoint),
        "responses": {str(status): _response(endpoint, status) for status in sorted(endpoint.answers)},
        "security": [{name: []} for name in (_SCHEMES if endpoint.auth == "any" else [endpoint.auth]) if name],
    }
    if endpoint.body is not None:
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": endpoint.body}}}
    return operation


def _parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    path = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PATH_PARAMETER.findall(endpoint.path)
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


def _response(endpoint: Endpoint, status: int) -> dict[str, Any]:
    meaning, schema = endpoint.answers[status]
    response: dict[str, Any] = {"description": meaning}
    if schema is not None:
        response["content"] = {"application/json": {"schema": schema}}
        if endpoint.csv and status == 200:
            response["content"]["text/csv"] = {"schema": {"type": "string"}}
    if status in (429, 503):
        response["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}}
    return response
