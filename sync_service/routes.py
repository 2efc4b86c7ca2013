"""How an endpoint is answered, whoever asks; and the table as a powertools Router for Lambda's `APIGatewayHttpResolver`.

The local server mounts the same table by itself (`local/asgi.py`), and both answer through `answer`.

Handlers take a Request and give an Answer, so powertools' own validation stays off: bodies are read by the strict
readers of the wire, whose refusals are part of the contract.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from sync_service.errors import PoisonError, ServiceError, Unavailable
from sync_service.http import Answer, Endpoint, Refused, Request, refusal

ALWAYS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""Headers of every answer, unless the answer sets them itself."""

log = logging.getLogger(__name__)


def answer(endpoint: Endpoint, request: Request) -> Answer:
    """Run the handler. Values the database refuses are the sender's fault (400), a part that is away is 503, a defect
    of ours 500: what went wrong stays in the log. A path names things by printable words; nothing has another name.
    """
    if not all(value.isprintable() for value in request.params.values()):
        return refusal(404, "not_found")
    try:
        return endpoint.handler(request)
    except Refused as error:
        return error.answer
    except Unavailable as error:
        return refusal(503, "unavailable", retry_after=error.retry_after)
    except PoisonError:
        return refusal(400, "malformed")
    except ServiceError:
        log.exception("%s %s failed", endpoint.method, endpoint.path)
        return refusal(503, "unavailable", retry_after=60)
    except Exception:  # nothing about a defect may reach the caller
        log.exception("%s %s failed", endpoint.method, endpoint.path)
        return refusal(500, "internal_error")


def build_router(endpoints: Iterable[Endpoint]) -> Router:
    """A Router with every endpoint, to be included in any powertools resolver."""
    router = Router()  # type: ignore[no-untyped-call]  # powertools leaves it untyped
    for endpoint in endpoints:
        router.route(endpoint.path, method=endpoint.method)(_adapter(endpoint, router))
    return router


def _adapter(endpoint: Endpoint, router: Router) -> Callable[..., Response[bytes]]:
    def handle(**params: Any) -> Response[bytes]:
        event = router.current_event
        request = Request(
            method=endpoint.method,
            path=event.path,
            headers={name.lower(): value for name, value in event.headers.items()},
            query=event.query_string_parameters or {},
            body=(event.decoded_body or "").encode(),
            params=params,
        )
        given = answer(endpoint, request)
        headers = {**ALWAYS, **given.headers}
        return Response(given.status, given.content_type, given.content.decode(), headers)  # type: ignore[arg-type]  # all our bodies are text

    return handle
