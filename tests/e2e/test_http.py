"""The service over real HTTP, as laptops meet it, and the same table behind Lambda's resolver."""

from __future__ import annotations

import asyncio
import base64
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import jsonschema
import pytest
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from openapi_spec_validator import validate

from agent.wire.documents import Keyset, Policy, verify_document
from agent.wire.enrolment import EnrolmentCode, enrol_request
from agent.wire.envelope import MAX_BODY, format_body
from agent.wire.ids import organisation_id
from agent.wire.seal import SealPublicKey, seal
from agent.wire.strict import canonical
from agent.wire.token import make_token
from sync_service.device_routes import DeviceParts, device_endpoints
from sync_service.errors import PoisonError, SettingsError
from sync_service.http import Answer, Endpoint, Request
from sync_service.limits import ADDRESS
from sync_service.local.asgi import Application
from sync_service.local.serve import server_config, trusted_proxies
from sync_service.ports import Device
from sync_service.routes import answer, build_router, whole
from sync_service.table import Table
from tests.pg import FreshDatabase
from tests.world import NOW, World, summary, window


@dataclass
class Served:
    """A running service with one organisation."""

    process: subprocess.Popen[str]
    data: Path
    port: int
    org: str
    person: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def admin(self, *words: str) -> dict[str, Any]:
        command = [sys.executable, "-m", "sync_service.cli", "admin", *words, "--data", str(self.data), "--json"]
        result: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        return result

    def enrol(self) -> Ed25519PrivateKey:
        key = Ed25519PrivateKey.generate()
        code = EnrolmentCode.parse(self.admin("code", "new", "--person", self.person)["code"])
        status, _, _ = self.ask("POST", "/v1/devices", canonical(enrol_request(code, self.org, key)))
        assert status == 201
        return key

    def bearer(self, key: Ed25519PrivateKey, path: str, *, now: int | None = None) -> dict[str, str]:
        token = make_token(key, audience=self.url, method="GET", path=path, now=int(now or time.time()))
        return {"Authorization": f"Bearer {token}"}

    def keyset(self) -> Keyset:
        found = json.loads(self.ask("GET", f"/v1/keyset?org={self.org}")[2])
        roots = [base64.b64decode(root) for root in found["roots"]]
        assert organisation_id(roots[0]) == self.org
        return Keyset.from_payload(
            verify_document(canonical(found["keyset"]), "keyset", signers=[roots[-1]], org=self.org)
        )

    def seal(self, key: Ed25519PrivateKey, start: int, seq: int = 1) -> tuple[str, bytes]:
        public = self.keyset().seal_key(int(time.time()))
        assert isinstance(public, SealPublicKey)
        envelope = seal(
            summary(window(start), seq=seq), org=self.org, device_key=key, key=public, envelope_id=uuid4(),
            created=int(time.time()),
        )  # fmt: skip
        return str(envelope.id), format_body(envelope)


def refused(answer: tuple[int, dict[str, str], bytes]) -> tuple[int, str]:
    """Status and code of a refusal, which also has its sentence and its request's id."""
    status, headers, content = answer
    told = json.loads(content)
    assert told["message"].endswith(".") and told["request_id"] == headers["x-request-id"]
    return status, told["error"]


@contextmanager
def running(data: Path, port: int = 0) -> Iterator[tuple[subprocess.Popen[str], int]]:
    command = [sys.executable, "-m", "sync_service.cli", "serve", "--data", str(data), "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.search(r"serving http://127\.0\.0\.1:(\d+)", line)
        assert found, process.stderr.read() if process.stderr else line
        yield process, int(found[1])
    finally:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=30)


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with tempfile.TemporaryDirectory(prefix="fk", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o711)
        with running(folder / "data") as (process, port):
            service = Served(process, folder / "data", port, "", "")
            service.org = service.admin("org", "create", "Test", "--endpoint", service.url)["organisation"]
            service.admin("team", "create", "Team", "--timezone", "Europe/Berlin")
            service.person = service.admin("person", "add", "Somebody", "--team", "Team")["person"]
            yield service


def test_an_envelope_goes_the_whole_way_to_its_receipt(served: Served) -> None:
    key = served.enrol()
    start = int(time.time()) // 300 * 300 - 600
    identity, body = served.seal(key, start)
    status, headers, content = served.ask("POST", "/v1/envelopes", body)
    assert (status, json.loads(content)) == (202, {"id": identity})
    assert headers["cache-control"] == "no-store" and "server" not in headers and "date" in headers
    deadline = time.monotonic() + 10
    path = "/v1/me/receipts"
    while not (receipts := json.loads(served.ask("GET", path, headers=served.bearer(key, path))[2])["receipts"]):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert [(one["id"], one["outcome"]) for one in receipts] == [(identity, "opened")]
    later = f"{path}?since={receipts[0]['at'] + 1}"
    assert json.loads(served.ask("GET", later, headers=served.bearer(key, path))[2]) == {"receipts": [], "more": False}


def test_the_policy_is_the_signed_bytes_and_has_a_tag(served: Served) -> None:
    key = served.enrol()
    status, headers, content = served.ask("GET", "/v1/policy", headers=served.bearer(key, "/v1/policy"))
    assert status == 200
    policy = Policy.from_payload(
        verify_document(content, "policy", signers=served.keyset().policy_signers, org=served.org)
    )
    assert policy.id == "p-1"
    again = {**served.bearer(key, "/v1/policy"), "If-None-Match": headers["etag"]}
    assert (served.ask("GET", "/v1/policy", headers=again)[0], served.ask("GET", "/v1/policy", headers=again)[2]) == (
        304,
        b"",
    )


def test_every_fault_of_a_token_is_the_same_answer(served: Served) -> None:
    key, stranger, path = served.enrol(), Ed25519PrivateKey.generate(), "/v1/me/receipts"
    good = served.bearer(key, path)
    assert served.ask("GET", path, headers=good)[0] == 200
    bad: list[dict[str, str]] = [
        {},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer x.y.z"},
        {"Authorization": good["Authorization"].replace("Bearer", "Basic")},
        {"Authorization": good["Authorization"][:-4] + "AAAA"},
        served.bearer(stranger, path),
        served.bearer(key, "/v1/policy"),
        served.bearer(key, path, now=int(time.time()) - 600),
        served.bearer(key, path, now=int(time.time()) + 600),
    ]
    for headers in bad:
        status, _, content = served.ask("GET", path, headers=headers)
        assert (status, json.loads(content)["error"]) == (401, "not_authenticated"), headers


def test_what_is_not_there_or_not_allowed_says_so(served: Served) -> None:
    assert served.ask("GET", "/nothing")[0] == 404
    assert refused(served.ask("GET", "/v1/keyset?org=" + "0" * 32)) == (404, "unknown_organisation")
    assert served.ask("GET", "/v1/keyset?org=x")[0] == 400
    assert served.ask("GET", "/v1/keyset")[0] == 200  # there is only one organisation
    status, headers, _ = served.ask("GET", "/v1/envelopes")
    assert (status, headers["allow"]) == (405, "OPTIONS, POST")
    status, _, content = served.ask("HEAD", "/healthz")
    assert (status, content) == (200, b"")
    assert refused(served.ask("GET", "/v1/nothing")) == (404, "not_found")
    assert refused(served.ask("TRACE", "/v1/teams")) == (405, "method_not_allowed")
    assert refused(served.ask("GET", "/v1/teams")) == (401, "not_authenticated")


def test_other_origins_are_let_into_nothing(served: Served) -> None:
    foreign = {"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "GET"}
    for method, path, status, allow in (
        ("OPTIONS", "/v1/teams", 204, "GET, HEAD, OPTIONS"),
        ("GET", "/healthz", 200, None),
        ("OPTIONS", "/v1/nothing", 404, None),
    ):
        given, headers, content = served.ask(method, path, headers=foreign)
        assert given == status and not any(name.startswith("access-control") for name in headers)
        if allow:
            assert allow in headers["allow"] and content == b"" and "content-type" not in headers


def test_a_request_is_named_by_its_caller_or_by_the_service(served: Served) -> None:
    for path in ("/healthz", "/v1/teams", "/v1/nothing"):
        assert served.ask("GET", path, headers={"X-Request-Id": "Mine-12345"})[1]["x-request-id"] == "Mine-12345"
        made = {served.ask("GET", path, headers={"X-Request-Id": "a b"})[1]["x-request-id"] for _ in range(2)}
        assert len(made) == 2 and all(re.fullmatch("[0-9a-f]{32}", one) for one in made)


def test_whoever_asks_too_often_waits_and_nobody_else() -> None:
    def whoever(_: Request) -> Answer:
        return Answer(200, {})

    application = Application([Endpoint("GET", "/v1/open", whoever, "", {200: ("", None)})])

    async def ask(address: str) -> tuple[int, dict[str, str], bytes]:
        sent: list[Any] = []
        scope = {
            "type": "http", "method": "GET", "path": "/v1/open", "query_string": b"", "headers": [],
            "client": (address, 1),
        }  # fmt: skip

        async def receive() -> dict[str, Any]:
            return {"type": "http.request"}

        async def send(message: Any) -> None:
            sent.append(message)

        await application(scope, receive, send)
        headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return sent[0]["status"], headers, sent[1]["body"]

    async def ask_often() -> None:
        for _ in range(5 * ADDRESS.burst):
            answer = await ask("192.0.2.55")
            if answer[0] != 200:
                break
        assert refused(answer) == (429, "too_many_requests")
        assert int(answer[1]["retry-after"]) >= 1 and answer[1]["ratelimit-policy"].startswith('"address";q=600;')
        assert (await ask("192.0.2.56"))[0] == 200

    asyncio.run(ask_often())


@pytest.mark.parametrize(
    ("trusted", "connects", "counted"),
    [
        ([], "127.0.0.1", "127.0.0.1"),
        (["10.1.0.0/16", "::1"], "127.0.0.1", "127.0.0.1"),
        (["10.1.0.0/16", "::1"], "10.1.2.3", "192.0.2.77"),
        (["127.0.0.1"], "127.0.0.1", "192.0.2.77"),
    ],
)
def test_only_a_proxy_that_is_named_says_who_calls(
    trusted: list[str], connects: str, counted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")
    seen: list[str] = []

    def whoever(request: Request) -> Answer:
        seen.append(request.client)
        return Answer(200, {})

    application = Application([Endpoint("GET", "/v1/open", whoever, "", {200: ("", None)})])
    config = server_config(application, trusted_proxies(trusted))
    config.load()
    scope: Any = {
        "type": "http", "method": "GET", "path": "/v1/open", "query_string": b"", "client": (connects, 1),
        "headers": [(b"x-forwarded-for", b"198.51.100.1, 192.0.2.77")],
    }  # fmt: skip

    async def receive() -> Any:
        return {"type": "http.request"}

    async def send(_: Any) -> None:
        """The answer is not looked at."""

    asyncio.run(config.loaded_app(scope, receive, send))
    assert seen == [counted]


def test_a_proxy_is_named_by_its_address() -> None:
    for odd in ("*", "proxy.example.com", "10.0.0.1/8", ""):
        with pytest.raises(SettingsError, match="--trust-proxy"):
            trusted_proxies([odd])


def test_another_form_of_body_is_refused_before_it_is_looked_at(served: Served) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert refused(served.ask("POST", "/v1/envelopes", b"a=1", form)) == (415, "unsupported_media_type")
    assert refused(served.ask("POST", "/v1/envelopes", b"a=1")) == (400, "malformed")


def test_bodies_are_bounded_before_they_are_read(served: Served) -> None:
    assert refused(served.ask("POST", "/v1/envelopes", b"x" * (MAX_BODY + 1))) == (413, "too_large")
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as raw:
        raw.sendall(b"POST /v1/envelopes HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n")
        assert raw.recv(100).startswith(b"HTTP/1.1 413")
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as raw:
        raw.sendall(b"POST /v1/envelopes HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            for _ in range(200):
                raw.sendall(b"1000\r\n" + b"x" * 4096 + b"\r\n")
        except OSError:
            pass  # it hung up: what it answered is still to be read
        assert raw.recv(100).startswith(b"HTTP/1.1 413")
    assert served.ask("GET", "/healthz")[0] == 200


def test_garbage_on_the_wire_never_ends_the_service(served: Served) -> None:
    for blob in (
        os.urandom(3000),
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /v1/envelopes HTTP/1.1\r\n\xff: \xff\r\n\r\n",
        b"\x16\x03\x01",
    ):
        with socket.create_connection(("127.0.0.1", served.port), timeout=10) as raw:
            raw.sendall(blob)
            raw.shutdown(socket.SHUT_WR)
            raw.recv(1000)
    for path in ("/v1/policy?%ff=%fe", "/v1/me/receipts?since=" + "9" * 50, "/%2e%2e/%00", "/v1/keyset?" + "a=1&" * 50):
        assert served.ask("GET", path)[0] in (400, 401, 404)
    assert served.process.poll() is None


def test_bad_input_is_the_senders_fault_not_an_outage(served: Served) -> None:
    key, manager = served.enrol(), {"Authorization": "Bearer x.y.z"}
    for path in ("/v1/teams/%00/summary", "/v1/teams/a%00b/summary", "/v1/teams/%0a/summary"):
        assert served.ask("GET", path, headers=manager)[0] == 404, path
    path = "/v1/me/corrections"
    body = b'{"id":"' + str(uuid4()).encode() + b'","from":0,"to":900,"as":"absent","note":"\\ud800"}'
    token = make_token(key, audience=served.url, method="POST", path=path, body=body, now=int(time.time()))
    status, _, content = served.ask("POST", path, body, {"Authorization": f"Bearer {token}"})
    assert (status, json.loads(content)["error"]) == (400, "malformed")
    named = base64.urlsafe_b64encode(b'{"alg":"EdDSA","kid":"a\\u0000"}').rstrip(b"=").decode()
    bad = {"Authorization": f"Bearer {named}.e30.AAAA"}
    assert refused(served.ask("GET", "/v1/me/receipts", headers=bad)) == (401, "not_authenticated")


def test_what_the_database_refuses_is_malformed() -> None:
    def refuse(_: Request) -> Answer:
        raise PoisonError("no")

    line = Endpoint("GET", "/v1/x", refuse, "", {200: ("", None)})
    assert answer(line, Request("GET", "/v1/x")).status == 400


def test_receipts_of_one_second_come_page_by_page_and_all_of_them(pg: FreshDatabase) -> None:
    world = World(pg.owner)
    laptop = world.laptop()
    pg.owner.run(
        """insert into receipt (device, envelope, org, outcome, at)
           select :device, gen_random_uuid(), :org, 'opened', to_timestamp(:now + number / 1500)
           from generate_series(1, 2700) as number""",
        device=laptop.id, org=world.org, now=NOW,
    )  # fmt: skip
    unused: Any = None

    class Gate:
        def device(self, _: Request) -> Device:
            return laptop.device

    parts = DeviceParts(
        unused, unused, unused, unused, cast(Any, Gate()), pg.role("ingest"), pg.role("person"), lambda: NOW
    )
    line = next(one for one in device_endpoints(parts) if one.path == "/v1/me/receipts")
    schema = line.answers[200][1]
    assert schema is not None
    query: dict[str, str] = {}
    token = {"authorization": "Bearer the gate's"}
    seen: list[str] = []
    pages = 0
    while pages < 4:
        pages += 1
        body = cast(dict[str, Any], answer(line, Request("GET", line.path, token, query)).body)
        jsonschema.validate(body, schema)
        seen += [one["id"] for one in body["receipts"]]
        if not body["more"]:
            break
        query = {"after": body["next"]}
    assert (pages, len(seen), len(set(seen))) == (3, 2700, 2700)
    only = cast(dict[str, Any], answer(line, Request("GET", line.path, token, {"since": str(NOW + 1)})).body)
    assert only["more"] is True and {one["at"] for one in only["receipts"]} == {NOW + 1}
    for wrong in ("", "x", "1.2", f"{NOW}.{'g' * 36}", f"-1.{uuid4()}"):
        assert answer(line, Request("GET", line.path, token, {"after": wrong})).status == 400


def test_openapi_is_valid_and_names_every_route(served: Served) -> None:
    document = json.loads(served.ask("GET", "/openapi.json")[2])
    validate(document)
    assert document["openapi"].startswith("3.1")
    devices = {"/v1/devices", "/v1/envelopes", "/v1/keyset", "/v1/policy", "/v1/me/receipts", "/v1/me/access-log"}
    assert devices | {"/healthz", "/openapi.json", "/v1/teams/{team}/summary"} <= set(document["paths"])
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    assert len({operation["operationId"] for operation in operations}) == len(operations)


def test_a_second_service_over_the_same_folder_is_refused_with_what_to_do(served: Served) -> None:
    command = [sys.executable, "-m", "sync_service.cli", "serve", "--data", str(served.data), "--port", "0"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 2
    assert "another service already runs" in result.stderr and result.stderr.count("\n") == 1


def test_a_taken_port_is_refused_with_what_to_do(served: Served) -> None:
    with tempfile.TemporaryDirectory() as other:
        command = [sys.executable, "-m", "sync_service.cli", "serve", "--data", other, "--port", str(served.port)]
        result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 2
    assert "choose another with --port" in result.stderr and result.stderr.count("\n") == 1


def test_a_stop_is_orderly_and_loses_nothing() -> None:
    with tempfile.TemporaryDirectory(prefix="fk", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o711)
        data = Path(name) / "data"
        for number in (signal.SIGTERM, signal.SIGINT):
            with running(data) as (process, _):
                process.send_signal(number)
                assert process.wait(20) == 0
        server = (data / "database" / "cluster" / "postmaster.pid").exists()
        assert not server


def test_a_database_that_ends_by_itself_ends_the_service_with_a_failure() -> None:
    with tempfile.TemporaryDirectory(prefix="fk", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o711)
        data = Path(name) / "data"
        with running(data) as (process, _):
            database = int((data / "database" / "cluster" / "postmaster.pid").read_text().split()[0])
            os.kill(database, signal.SIGQUIT)
            assert process.wait(30) == 1
        with running(data) as (process, _):
            assert process.poll() is None


def test_the_same_table_answers_alike_on_both_resolvers() -> None:
    def echo(request: Request) -> Answer:
        seen = {
            "path": request.path,
            "query": dict(request.query),
            "body": request.body.decode(),
            "params": dict(request.params),
            "token": request.headers.get("authorization", ""),
        }
        return Answer(201, seen, {"ETag": '"x"'})

    endpoints = [Endpoint("POST", "/v1/things/<thing>/parts", echo, "Echo", {201: ("ok", None)})]
    resolver = APIGatewayHttpResolver()
    resolver.include_router(build_router(endpoints))
    event = {
        "version": "2.0",
        "rawPath": "/v1/things/7/parts",
        "rawQueryString": "a=1&b=%C3%A9",
        "queryStringParameters": {"a": "1", "b": "é"},
        "headers": {"Authorization": "Bearer x", "content-type": "application/json"},
        "requestContext": {"http": {"method": "POST", "path": "/v1/things/7/parts"}, "stage": "$default"},
        "body": base64.b64encode(b'{"x":1}').decode(),
        "isBase64Encoded": True,
    }
    answer = resolver.resolve(event, None)
    found = Table(endpoints).match("POST", "/v1/things/7/parts")
    assert not isinstance(found, Answer)
    endpoint, params = found
    local = endpoint.handler(
        Request("POST", "/v1/things/7/parts", {"authorization": "Bearer x"}, {"a": "1", "b": "é"}, b'{"x":1}', params)
    )
    assert (answer["statusCode"], json.loads(answer["body"])) == (local.status, local.body)
    assert answer["headers"]["ETag"] == '"x"'
    assert answer["headers"]["X-Content-Type-Options"] == "nosniff"


def test_what_is_in_no_table_is_answered_alike_on_both_resolvers() -> None:
    def page(_: Request) -> Answer:
        return Answer(200, {"a": 1})

    endpoints = [Endpoint("GET", "/v1/things", page, "", {200: ("", None)})]
    resolver = APIGatewayHttpResolver()
    resolver.include_router(build_router(endpoints))

    def ask(method: str, path: str) -> Any:
        event = {
            "version": "2.0", "rawPath": path, "rawQueryString": "", "headers": {"x-request-id": "the-very-same"},
            "requestContext": {"http": {"method": method, "path": path}, "stage": "$default"}, "isBase64Encoded": False,
        }  # fmt: skip
        return resolver.resolve(event, None)

    for method, path in (("GET", "/v1/nothing"), ("POST", "/v1/things"), ("OPTIONS", "/v1/things")):
        found = Table(endpoints).match(method, path)
        assert isinstance(found, Answer)
        local, lambdas = whole(found, "the-very-same"), ask(method, path)
        assert (lambdas["statusCode"], lambdas["body"].encode()) == (local.status, local.content)
        assert lambdas["headers"]["X-Request-Id"] == "the-very-same"
        assert lambdas["headers"].get("Allow") == local.headers.get("Allow")
    assert (ask("GET", "/v1/things")["body"], ask("HEAD", "/v1/things")["body"]) == ('{"a":1}', "")
    assert ask("HEAD", "/v1/things")["statusCode"] == 200


def test_posts_at_once_share_the_disk(served: Served) -> None:
    key = served.enrol()
    start = int(time.time()) // 300 * 300 - 300 * 200
    bodies = [served.seal(key, start + 300 * n, seq=n + 1)[1] for n in range(60)]
    with ThreadPoolExecutor(20) as pool:
        statuses = list(pool.map(lambda body: served.ask("POST", "/v1/envelopes", body)[0], bodies))
    assert statuses == [202] * 60
