"""Promise: every refusal has a sentence, every answer an example that is valid, and the description is the table."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any, cast

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openapi_spec_validator import validate

import sync_service
from sync_service import schemas
from sync_service.admin_routes import admin_endpoints
from sync_service.alert_routes import alert_endpoints
from sync_service.device_routes import device_endpoints
from sync_service.document_routes import document_endpoints
from sync_service.http import ERROR, Answer, Endpoint, Refused, Request, refusal
from sync_service.manager_routes import manager_endpoints
from sync_service.messages import BY_CODE, BY_STATUS, sentence
from sync_service.openapi import answers_of, codes_in, openapi
from sync_service.people_routes import people_endpoints
from sync_service.person_routes import person_endpoints
from sync_service.routes import answer, request_id
from sync_service.samples import sample
from sync_service.sign_in_routes import sign_in_endpoints

PACKAGE = Path(sync_service.__file__).parent
NOBODY = cast(Any, None)  # a table is written without asking its parts anything
WRITERS = (
    device_endpoints, person_endpoints, sign_in_endpoints, manager_endpoints, alert_endpoints, document_endpoints,
    admin_endpoints, people_endpoints,
)  # fmt: skip
TABLE: list[Endpoint] = [line for write in WRITERS for line in write(NOBODY)]


def codes_without_a_sentence(source: str) -> list[str]:
    """Codes of `refusal(status, "code")` that bring no message of their own and are not in the list."""
    return [
        node.args[1].value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == "refusal"
        if len(node.args) == 2 and isinstance(node.args[1], ast.Constant)
        if not any(keyword.arg == "message" for keyword in node.keywords)
        if node.args[1].value not in BY_CODE
    ]


@pytest.mark.parametrize("file", sorted(PACKAGE.rglob("*.py")), ids=lambda file: str(file.relative_to(PACKAGE)))
def test_every_code_has_its_sentence(file):
    assert codes_without_a_sentence(file.read_text("utf-8")) == [], "add it to sync_service/messages.py"


def test_a_code_without_a_sentence_would_be_noticed():
    assert codes_without_a_sentence('refusal(400, "made_up")') == ["made_up"]


@pytest.mark.parametrize("text", [*BY_CODE.values(), *BY_STATUS.values()])
def test_a_sentence_is_one_and_ends(text):
    assert text[0].isupper() and text.endswith(".") and not re.search(r"[.!?] [A-Z]|\n|  ", text)


@given(st.integers(400, 599), st.text(max_size=20))
def test_there_is_always_something_to_say(status, code):
    assert sentence(status, code).endswith(".")


@pytest.mark.parametrize("line", TABLE, ids=lambda line: f"{line.method} {line.path}")
def test_what_is_declared_names_its_codes(line):
    for status, (meaning, schema) in line.answers.items():
        if schema is ERROR:
            assert codes_in(meaning), (
                f"{status}: begin with the code, as in `not_allowed: why`; it needs a sentence, too"
            )


def test_codes_are_read_out_of_words():
    assert codes_in("malformed, unsupported_version: never accepted; key_unknown: seal again, whatever") == [
        "malformed", "unsupported_version", "key_unknown",
    ]  # fmt: skip


def examples(document: Any) -> Any:
    """Every example with its schema, references followed."""

    def schema_of(part: Any) -> Any:
        return ERROR if "$ref" in part["schema"] else part["schema"]

    if isinstance(document, dict):
        if "schema" in document and "example" in document:
            yield schema_of(document), document["example"]
        for one in document.get("examples", {}).values() if "schema" in document else ():
            yield schema_of(document), one["value"]
        for part in document.values():
            yield from examples(part)
    elif isinstance(document, list):
        for part in document:
            yield from examples(part)


def test_every_example_is_valid():
    document = openapi(TABLE, version="1")
    validate(document)
    found = list(examples(document["paths"]))
    assert len(found) > 2 * len(TABLE)
    for schema, example in found:
        jsonschema.validate(example, schema, format_checker=jsonschema.FormatChecker())


@pytest.mark.parametrize(
    "name", [name for name in dir(schemas) if name.isupper() and isinstance(getattr(schemas, name), dict)]
)
def test_every_shape_has_a_sample(name):
    schema = getattr(schemas, name)
    assert sample(schema) == sample(schema)
    jsonschema.validate(sample(schema), schema, format_checker=jsonschema.FormatChecker())


def test_every_refusal_of_every_endpoint_is_described_with_a_body():
    for path in openapi(TABLE, version="1")["paths"].values():
        for operation in path.values():
            assert {"429", "500", "503"} <= set(operation["responses"])
            for status, response in operation["responses"].items():
                if int(status) >= 400:
                    content = response["content"]["application/json"]
                    assert content["schema"] == {"$ref": "#/components/schemas/Error"} and content["examples"]
                assert "X-Request-Id" in response["headers"]


def line(handler, **more):
    return Endpoint(more.pop("method", "GET"), "/v1/x", handler, "", {200: ("", None)}, **more)


def asked(method: str = "GET", headers: Any = None, body: bytes = b"") -> Request:
    return Request(method, "/v1/x", {"authorization": "Bearer x", **(headers or {})}, body=body)


def told(given: Answer) -> Any:
    jsonschema.validate(given.body, dict(ERROR))
    return given.body


def test_a_request_keeps_its_id_where_it_is_one():
    for good in ("a" * 8, "A-1" * 20, "0" * 64):
        given = answer(line(lambda _: refusal(404, "unknown_team")), Request("GET", "/v1/x", {"x-request-id": good}))
        assert given.headers["X-Request-Id"] == told(given)["request_id"] == good
    made = {request_id({"x-request-id": bad}) for bad in ("short", "0" * 65, "a" * 8 + "\n", "a b" * 5, "é" * 9, "")}
    assert len(made) == 6 and all(re.fullmatch("[0-9a-f]{32}", one) for one in made)


def test_a_failure_is_found_in_the_log_by_the_id_that_was_told(caplog):
    def fail(_: Request) -> Answer:
        raise ValueError("a secret")

    given = answer(line(fail, auth="device"), asked(headers={"x-request-id": "wanted-by-me"}))
    assert given.status == 500 and b"secret" not in given.content
    assert [record.getMessage() for record in caplog.records] == ["GET /v1/x failed (request wanted-by-me)"]


def test_what_went_well_or_was_refused_leaves_no_line(caplog):
    caplog.set_level(0)
    for handler in (lambda _: Answer(200, {}), lambda _: refusal(401, "not_authenticated")):
        answer(line(handler, auth="device"), asked())
    assert caplog.records == []


def test_a_refusal_may_bring_its_own_sentence():
    given = answer(line(lambda _: refusal(409, "conflict", message="It is so.")), Request("GET", "/v1/x"))
    assert told(given) | {"request_id": ""} == {"error": "conflict", "message": "It is so.", "request_id": ""}


def test_readers_are_told_when_nothing_changed_and_the_handler_has_run():
    runs = []

    def handler(_: Request) -> Answer:
        runs.append(1)
        return Answer(200, b"a,b", {"Content-Type": "text/csv", "Content-Disposition": "attachment", "Vary": "Accept"})

    first = answer(line(handler, auth="manager"), asked())
    tag = first.headers["ETag"]
    again = answer(line(handler, auth="manager"), asked(headers={"if-none-match": tag}))
    assert (again.status, again.content, again.headers["ETag"], len(runs)) == (304, b"", tag, 2)
    assert "Content-Disposition" not in again.headers and again.headers["Vary"] == "Accept"
    assert "ETag" not in answer(line(handler, auth="device"), asked()).headers


def test_a_refused_reader_learns_nothing_from_a_tag():
    def refuse(_: Request) -> Answer:
        raise Refused(refusal(403, "not_allowed"))

    given = answer(line(refuse, auth="manager"), asked(headers={"if-none-match": "*"}))
    assert given.status == 403 and "ETag" not in given.headers


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"content-type": "application/json"}, 200),
        ({"content-type": "Application/JSON; charset=utf-8"}, 200),
        ({"content-type": "text/plain"}, 415),
        ({"content-type": "application/x-www-form-urlencoded"}, 415),
        ({"accept": "text/html"}, 406),
        ({"accept": "text/csv"}, 406),
        ({"accept": "text/html, */*;q=0.1"}, 200),
    ],
)
def test_other_forms_are_refused(headers, status):
    def fine(_: Request) -> Answer:
        return Answer(200, {})

    post = line(fine, method="POST", auth="manager", body={"type": "object"})
    assert answer(post, asked("POST", headers, b"{}")).status == status
    assert status in answers_of(post)


def test_whoever_is_not_known_is_told_what_kind_of_token_is_needed():
    given = answer(line(lambda _: refusal(401, "not_authenticated"), auth="device"), Request("GET", "/v1/x"))
    assert given.headers["WWW-Authenticate"].startswith("Bearer")


def test_whoever_shows_no_token_reaches_no_handler():
    def reach(_: Request) -> Answer:
        raise AssertionError

    for kind in ("device", "manager", "any"):
        assert answer(line(reach, auth=kind), Request("GET", "/v1/x")).status == 401
