"""An example made from a JSON Schema, for descriptions: the same every time, and valid by its own schema.

It knows the keywords this service's schemas use (`schemas.py`); a test holds every example against its schema.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from sync_service.http import Schema

_FORMATS = {
    "date": "2026-11-09",
    "date-time": "2026-11-09T09:00:00+01:00",
    "uuid": "1f0e4c2a-6f5b-4c3d-8a7e-9b8c7d6e5f40",
    "uri": "https://id.example.org",
    "email": "someone@example.org",
}
_PATTERNS = {
    "^[0-9a-f]{32}$": "0f1e2d3c4b5a69788796a5b4c3d2e1f0",
    "^[0-9a-f]{64}$": "0f1e2d3c4b5a69788796a5b4c3d2e1f0" * 2,
    "^[a-z][a-z0-9_]*$": "malformed",
    "^a-[0-9]{1,9}$": "a-1",
    "^p-[0-9]{1,9}$": "p-2",
}
_INSTANT = 1_762_700_400
_TEXTS = {
    "action": "team_summary",
    "allowed_because": "manager of this team",
    "explanation": "Fewer than 5 people were measured long enough here.",
    "name": "Support",
    "note": "I was with a customer.",
    "person_name": "Robin Meyer",
    "reader_name": "Dana Okafor",
    "team_name": "Support",
    "time_zone": "Europe/Berlin",
    "request_id": "5b1c0d9e8f7a6b5c4d3e2f1a0b9c8d7e",
    "message": "The request is not as this service's description has it: compare it with /openapi.json.",
}


def sample(schema: Schema, name: str = "") -> Any:
    """A value this schema allows; `name` is the field it is for, so that it reads like one."""
    for keyword in ("example", "const", "default"):
        if keyword in schema:
            return schema[keyword]
    if "examples" in schema:
        return schema["examples"][0]
    if "enum" in schema:
        return schema["enum"][0]
    for keyword in ("oneOf", "anyOf", "allOf"):
        if keyword in schema:
            return sample(schema[keyword][0], name)
    kind = schema.get("type", "object")
    match kind if isinstance(kind, str) else kind[0]:
        case "object":
            properties: Mapping[str, Schema] = schema.get("properties", {})
            return {field: sample(properties[field], field) for field in properties}
        case "array":
            return [sample(schema.get("items", {"type": "string"}), name)] * max(1, schema.get("minItems", 1))
        case "integer" | "number":
            return _integer(schema)
        case "boolean":
            return True
        case "null":
            return None
        case _:
            return _string(schema, name)


def _integer(schema: Schema) -> int:
    least = int(schema.get("minimum", 0))
    if "Epoch seconds" in schema.get("description", ""):
        return max(_INSTANT, least)
    step = int(schema.get("multipleOf", 1))
    return -(-least // step) * step


def _string(schema: Schema, name: str) -> str:
    if schema.get("contentEncoding") == "base64":
        return base64.b64encode(bytes(schema.get("minLength", 88) * 3 // 4)).decode()[: schema.get("maxLength", 88)]
    if "pattern" in schema and schema["pattern"] in _PATTERNS:
        return _PATTERNS[schema["pattern"]]
    text = _FORMATS.get(schema.get("format", ""), _TEXTS.get(name, "text"))
    return text.ljust(schema.get("minLength", 0), "x")[: schema.get("maxLength", len(text) + 1000)]
