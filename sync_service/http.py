"""HTTP as the service's functions see it: a request is a value, an answer is a value, an endpoint is a line in a table.

Handlers know no framework: the same table is mounted on Lambda's resolver and on the local server (`routes.py`), and
OpenAPI is written from it (`openapi.py`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Schema = Mapping[str, Any]
"""A JSON Schema (2020-12, the dialect of OpenAPI 3.1)."""


def _nobody_counts(_: str) -> None:
    """For a request that nobody limits."""


@dataclass(frozen=True, slots=True)
class Request:
    """`headers` have lower-case names; `query` holds each parameter's last value; `params` are the path's `<name>`s.

    `id` is what the answer and any log line of a failure name it by, `client` the address it came from ("" where nobody
    knows). Whoever finds out who is asking calls `admitted` with a name that is the same for all their tokens: from then
    on their calls are counted under that name instead of the address (`limits.py`); "" for a laptop's, not counted here.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    params: Mapping[str, str] = field(default_factory=dict)
    id: str = ""
    client: str = ""
    admitted: Callable[[str], None] = _nobody_counts


@dataclass(frozen=True, slots=True)
class Answer:
    """`body` is a JSON object, or bytes sent as they are (give their Content-Type if it is not JSON)."""

    status: int
    body: Mapping[str, object] | bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        """The body's bytes."""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body, separators=(",", ":")).encode()

    @property
    def content_type(self) -> str:
        """The body's media type."""
        return self.headers.get("Content-Type", "application/json")


def refusal(status: int, error: str, *, retry_after: int | None = None, message: str | None = None) -> Answer:
    """`{"error": error}`, a stable code, with Retry-After (seconds) where waiting helps. `message` is one sentence for a
    person; left out, it is the one `messages.py` has for the code. On its way out every refusal also gets its message and
    its request's id (`routes.answer`).
    """
    body: dict[str, object] = {"error": error} if message is None else {"error": error, "message": message}
    return Answer(status, body, {} if retry_after is None else {"Retry-After": str(retry_after)})


class Refused(Exception):
    """Raised by what a handler calls, to end the request with this answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


@dataclass(frozen=True, slots=True)
class Parameter:
    """A query parameter (path parameters are read off the path)."""

    name: str
    description: str
    schema: Schema = field(default_factory=lambda: {"type": "string"})
    required: bool = False


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One line of the service's table. `path` writes parameters as `<name>`. `auth` says whose token it asks for: a
    device's, a manager's, either (`any`), or nobody's; checking it is the handler's work. `answers` is status ->
    (what it means, schema of the body or None).
    """

    method: Literal["GET", "POST", "PUT", "DELETE"]
    path: str
    handler: Callable[[Request], Answer]
    summary: str
    answers: Mapping[int, tuple[str, Schema | None]]
    auth: Literal["device", "manager", "any"] | None = None
    query: Sequence[Parameter] = ()
    body: Schema | None = None
    csv: bool = False
    """Whether the 200 answer may also be text/csv: the handler asks `negotiation.chosen`."""
    example: object | None = None
    """The body of a good answer, for the description; one is made from the schema when there is none."""
    body_example: object | None = None
    """A body that is sent, likewise."""
    params: Mapping[str, Schema] = field(default_factory=dict)
    """What the path's parameters look like; 32 hexadecimal digits where nothing is said."""


ERROR: Schema = {
    "type": "object",
    "properties": {
        "error": {"type": "string", "description": "A stable code, for programs.", "pattern": "^[a-z][a-z0-9_]*$"},
        "message": {"type": "string", "description": "One sentence for a person: what is wrong and what to do next."},
        "request_id": {
            "type": "string",
            "description": "Also in X-Request-Id; the service's log names failures by it.",
        },
    },
    "required": ["error", "message", "request_id"],
}
"""The body of every refusal."""


def refuses(**meanings: str) -> dict[int, tuple[str, Schema | None]]:
    """`refuses(s401="...", s503="...")`: answers whose body is ERROR, for `Endpoint.answers`."""
    return {int(name[1:]): (meaning, ERROR) for name, meaning in meanings.items()}
