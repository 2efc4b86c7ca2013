"""How an endpoint is answered, whoever asks; and the table as a powertools Router for Lambda's `APIGatewayHttpResolver`.

The local server mounts the same table by itself (`local/asgi.py`), and both answer through `answer`: limits, media
types, tags, the body of every refusal and the request's id are added here, so that no handler has to think of them.

Handlers take a Request and give an Answer, so powertools' own validation stays off: bodies are read by the strict
readers of the wire, whose refusals are part of the contract.
"""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.exceptions import NotFoundError

from sync_service.errors import PoisonError, ServiceError, Unavailable
from sync_service.http import Answer, Endpoint, Refused, Request, refusal
from sync_service.limits import Limits
from sync_service.messages import sentence
from sync_service.negotiation import CSV, JSON, preferred
from sync_service.table import Table
from sync_service.tags import tagged

ALWAYS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""Headers of every answer, unless the answer sets them itself."""

CHALLENGE = 'Bearer realm="framekeep"'
_REQUEST_ID = re.compile(r"[A-Za-z0-9-]{8,64}")

log = logging.getLogger(__name__)


def request_id(headers: Mapping[str, str]) -> str:
    """The caller's X-Request-Id where it is 8 to 64 letters, digits and hyphens, else a new one."""
    given = headers.get("x-request-id", "")
    return given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(16)


def answer(endpoint: Endpoint, request: Request, limits: Limits | None = None) -> Answer:
    """Run the handler, and make its answer whole. Values the database refuses are the sender's fault (400), a part that
    is away is 503, a defect of ours 500: what went wrong stays in the log, under the request's id.
    """
    request = replace(request, id=request.id or request_id(request.headers))
    given = _limited(endpoint, request, limits)
    if endpoint.method == "GET" and endpoint.auth in ("manager", "any"):
        given = tagged(request, given)
    if given.status == 401 and endpoint.auth is not None:
        given = replace(given, headers={"WWW-Authenticate": CHALLENGE, **given.headers})
    return whole(given, request.id)


def whole(given: Answer, request: str) -> Answer:
    """The answer with the id of its request; a refusal also with its sentence."""
    headers = {**given.headers, "X-Request-Id": request}
    if given.status < 400 or isinstance(given.body, bytes) or "error" not in given.body:
        return replace(given, headers=headers)
    told = {"message": sentence(given.status, str(given.body["error"])), **given.body, "request_id": request}
    return Answer(given.status, {"error": told.pop("error"), **told}, headers)


def _limited(endpoint: Endpoint, request: Request, limits: Limits | None) -> Answer:
    if limits is None:
        return _answered(endpoint, request)
    call = limits.begin(request)
    if isinstance(call, Answer):
        return call
    return call.end(endpoint, _answered(endpoint, replace(request, admitted=call.admitted)))


def _answered(endpoint: Endpoint, request: Request) -> Answer:
    """The handler's answer, or what its failure means to the caller."""
    unfit = _unfit(endpoint, request)
    if unfit is not None:
        return unfit
    try:
        return endpoint.handler(request)
    except Refused as error:
        return error.answer
    except Unavailable as error:
        return refusal(503, "unavailable", retry_after=error.retry_after)
    except PoisonError:
        return refusal(400, "malformed")
    except ServiceError:
        log.exception("%s %s failed (request %s)", endpoint.method, endpoint.path, request.id)
        return refusal(503, "unavailable", retry_after=60)
    except Exception:  # nothing about a defect may reach the caller
        log.exception("%s %s failed (request %s)", endpoint.method, endpoint.path, request.id)
        return refusal(500, "internal_error")


def _unfit(endpoint: Endpoint, request: Request) -> Answer | None:
    """The answer to a request that no handler needs to see. Whoever shows no token learns nothing else. A path names things by printable words; nothing has another
    name. Laptops neither ask for a form nor need to name the one they send; who names another form is told.
    """
    if endpoint.auth is not None and not request.headers.get("authorization"):
        return refusal(401, "not_authenticated")
    if not all(value.isprintable() for value in request.params.values()):
        return refusal(404, "not_found")
    if endpoint.auth == "manager":
        offered = (JSON, CSV) if endpoint.csv else (JSON,)
        if preferred(request.headers.get("accept"), offered) is None:
            return refusal(406, "not_acceptable", message=f"Ask for {' or '.join(offered)} in the Accept header.")
    sent = request.headers.get("content-type", JSON).partition(";")[0].strip().lower()
    if endpoint.body is not None and request.body and sent != JSON:
        return refusal(415, "unsupported_media_type")
    return None


def build_router(endpoints: Sequence[Endpoint], limits: Limits | None = None) -> Router:
    """A Router with every endpoint, to be included in any powertools resolver; what is in no endpoint is answered as the
    local server answers it. `limits` hold for one instance of the function; the gateway has its own.
    """
    router, table = Router(), Table(endpoints)  # type: ignore[no-untyped-call]  # powertools leaves Router untyped
    for endpoint in endpoints:
        router.route(endpoint.path, method=endpoint.method)(_adapter(endpoint, router, limits))

    @router.exception_handler(NotFoundError)  # type: ignore[untyped-decorator]  # powertools leaves it untyped
    def elsewhere(_: NotFoundError) -> Response[str]:
        event = router.current_event
        found = table.match(event.http_method, event.path)
        if isinstance(found, Answer):
            return _response(whole(found, request_id(_headers(event.headers))))
        given = _response(answer(found[0], _request(router, found[0], found[1]), limits))
        given.body = ""  # HEAD, which powertools does not know
        return given

    return router


def _adapter(endpoint: Endpoint, router: Router, limits: Limits | None) -> Callable[..., Response[str]]:
    def handle(**params: Any) -> Response[str]:
        return _response(answer(endpoint, _request(router, endpoint, params), limits))

    return handle


def _request(router: Router, endpoint: Endpoint, params: Mapping[str, str]) -> Request:
    event = router.current_event
    return Request(
        method=endpoint.method,
        path=event.path,
        headers=_headers(event.headers),
        query=event.query_string_parameters or {},
        body=(event.decoded_body or "").encode(),
        params=params,
        client=str(event.raw_event.get("requestContext", {}).get("http", {}).get("sourceIp", "")),
    )


def _headers(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _response(given: Answer) -> Response[str]:
    content_type = None if given.status in (204, 304) else given.content_type
    return Response(given.status, content_type, given.content.decode(), {**ALWAYS, **given.headers})
