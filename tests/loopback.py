"""A sync service on a real loopback socket, in memory, that can be told to misbehave. It verifies and opens what it
gets with the wire's own code, and remembers in which order windows were first counted.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from agent.wire.enrolment import EnrolmentCode, EnrolRequest, enrol_proof
from agent.wire.envelope import parse_body
from agent.wire.errors import BadSignature, WireError
from agent.wire.ids import device_id
from agent.wire.seal import open_sealed, verify
from agent.wire.strict import strict_json, to_b64
from agent.wire.summary import Summary
from agent.wire.token import read_token
from tests.builders import Organisation

Answer = tuple[int, dict[str, str], bytes]


def answer(status: int, value: Any, **headers: str) -> Answer:
    """A JSON answer; header names are written with underscores."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return status, {"Content-Type": "application/json", **named}, json.dumps(value).encode()


class LoopbackService:
    """Listens at `endpoint`. `wall` tells the time it believes. `trouble`, when set, is asked first about every
    request (method, path): an Answer is sent in place of the service's own, "drop" closes the connection, "hang" says
    nothing until `release`, "cut" sends half of the real answer after doing the work, None lets it through.
    """

    def __init__(self, org: Organisation, wall: Callable[[], float] = time.time) -> None:
        self.org, self.wall = org, wall
        self.keyset, self.policy = b"", b""
        self.devices: dict[str, bytes] = {}
        self.codes: dict[str, EnrolmentCode] = {}
        self.used: dict[str, bytes] = {}
        self.revoked = False
        self.trouble: Callable[[str, str], Answer | str | None] | None = None
        self.release = threading.Event()
        self.requests: list[tuple[str, str]] = []
        self.posted: list[UUID] = []
        self.summaries: list[Summary] = []
        self.counted: dict[int, int] = {}
        self.repeated = 0
        self.conflicts = 0
        self.participation: list[bool] = []
        self.receipts: dict[UUID, dict[str, Any]] = {}
        self.page = 1000
        self.cursor = True
        self._server: ThreadingHTTPServer | None = None
        self._port = 0
        self.up()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def up(self) -> None:
        """Listen (again, at the same port)."""
        service = self

        class Handler(_Handler):
            owner = service

        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
        self._server.daemon_threads = True
        self._port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def down(self) -> None:
        """Stop listening: connections are refused."""
        self.release.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def reply(self, method: str, path: str, query: dict[str, list[str]], headers: Any, body: bytes) -> Answer:
        """What an honest service answers."""
        if (method, path) == ("GET", "/v1/keyset"):
            if query.get("org") != [self.org.id]:
                return answer(404, {"error": "not_found"})
            return answer(200, {"roots": [to_b64(self.org.root_public)], "keyset": json.loads(self.keyset)})
        if (method, path) == ("POST", "/v1/devices"):
            return self._enrol(body)
        if (method, path) == ("POST", "/v1/envelopes"):
            return self._ingest(body)
        try:
            read_token(
                headers.get("Authorization", "").removeprefix("Bearer "),
                device_public=self.devices.get,
                audience=self.endpoint,
                method=method,
                path=path,
                body=body,
                now=int(self.wall()),
            )
        except BadSignature:
            return answer(401, {"error": "not_authenticated"})
        if (method, path) == ("PUT", "/v1/me/participation"):
            self.participation.append(strict_json(body, 64)["participating"])
            return answer(200, {"participating": self.participation[-1], "since": "2025-11-20"})
        if path == "/v1/policy":
            tag = f'"{len(self.policy)}-{hash(self.policy)}"'
            if headers.get("If-None-Match") == tag:
                return 304, {"ETag": tag}, b""
            return 200, {"ETag": tag, "Content-Type": "application/json"}, self.policy
        if path == "/v1/me/receipts":
            since = int(query.get("since", ["0"])[0])
            rows = [row for row in self.receipts.values() if row["at"] >= since]
            rows.sort(key=lambda row: (row["at"], row["id"]))
            if "after" in query:
                rows = [row for row in rows if f"{row['at']}/{row['id']}" > query["after"][0]]
            more = len(rows) > self.page
            last = rows[: self.page][-1] if more else {}
            following = {"next": f"{last['at']}/{last['id']}"} if more and self.cursor else {}
            return answer(200, {"receipts": rows[: self.page], "more": more, **following})
        return answer(404, {"error": "not_found"})

    def _enrol(self, body: bytes) -> Answer:
        try:
            request = EnrolRequest.parse(strict_json(body, 65536))
            code = self.codes[request.code_id]
            request.check(org=self.org.id, secret_hash=code.secret_hash)
        except (WireError, KeyError):
            return answer(403, {"error": "code_refused"})
        public = request.device_public
        if self.used.setdefault(request.code_id, public) != public:
            return answer(403, {"error": "code_refused"})
        self.devices[device_id(public)] = public
        proof = enrol_proof(secret_hash=code.secret_hash, org=self.org.id, device_public=public)
        documents = {"keyset": json.loads(self.keyset), "policy": json.loads(self.policy)}
        return answer(201, {"device": device_id(public), "org": self.org.id, **documents, "proof": to_b64(proof)})

    def _ingest(self, body: bytes) -> Answer:
        try:
            envelope = parse_body(body)
        except WireError as error:
            return answer(400, {"error": error.code})
        public = self.devices.get(envelope.device)
        try:
            verify(envelope, org=self.org.id, device_public=public or b"")
        except (BadSignature, ValueError):
            return answer(401, {"error": "not_authenticated"})
        if envelope.created > self.wall() + 600:
            return answer(401, {"error": "not_authenticated"})
        if self.revoked:
            return answer(403, {"error": "revoked"})
        key = next((key for key in self.org.seal_keys if key.public.id == envelope.key), None)
        if key is None:
            return answer(400, {"error": "key_unknown"})
        summary = open_sealed(envelope, org=self.org.id, key=key)
        self.posted.append(envelope.id)
        self.summaries.append(summary)
        for window in summary.windows:
            if window.start in self.counted:
                self.repeated += 1
                self.conflicts += self.counted[window.start] != window.at_screen
            else:
                self.counted[window.start] = window.at_screen
        receipt = {"id": str(envelope.id), "outcome": "opened", "at": int(self.wall())}
        self.receipts.setdefault(envelope.id, receipt)
        return answer(202, {"id": str(envelope.id)})


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or every answer waits 40 ms for an acknowledgement
    owner: LoopbackService

    def do_GET(self) -> None:
        self._serve("GET")

    def do_POST(self) -> None:
        self._serve("POST")

    def do_PUT(self) -> None:
        self._serve("PUT")

    def log_message(self, format: str, *args: object) -> None:
        pass

    def date_time_string(self, timestamp: float | None = None) -> str:
        return super().date_time_string(self.owner.wall() if timestamp is None else timestamp)

    def _serve(self, method: str) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        self.owner.requests.append((method, parts.path))
        trouble = self.owner.trouble(method, parts.path) if self.owner.trouble else None
        if trouble == "drop":
            self.close_connection = True
            self.connection.close()
            return
        if trouble == "hang":
            self.owner.release.wait(30)
            self.close_connection = True
            return
        honest = not isinstance(trouble, tuple)
        found = self.owner.reply(method, parts.path, parse_qs(parts.query), self.headers, body) if honest else trouble
        assert isinstance(found, tuple)
        status, headers, content = found
        self.send_response(status)
        for name, text in headers.items():
            self.send_header(name, text)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if trouble == "cut":
            self.wfile.write(content[: len(content) // 2])
            self.wfile.flush()
            self.close_connection = True
            return
        self.wfile.write(content)
