"""Promise: whatever is sent to the running service, it answers as its own description says, and never with a failure.

Schemathesis reads `/openapi.json` of a service over a real database, makes up requests that fit the description and
requests that do not, and holds every answer against it: statuses, media types, headers, shapes, refusals of what is
wrong, tokens that are really needed. The seed is fixed, so that a failure is the same at every run.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import uvicorn

from sync_service import issuing
from sync_service.app import Store, build_endpoints
from sync_service.http import Endpoint
from sync_service.limits import Limits, Rate
from sync_service.local.asgi import Application
from sync_service.local.inbox import SqliteInbox
from sync_service.publisher import Publisher
from sync_service.timetable import instant
from tests.e2e.client import Client, Clock
from tests.e2e.office import ENDPOINT, MONDAY, NOW, Quiet, found

REPOSITORY = Path(__file__).resolve().parents[2]
CASES = 10
NINE = instant(MONDAY, 9 * 60, ZoneInfo("Europe/Berlin"))
WIDE = Rate("", burst=1_000_000, per_second=1_000_000.0)
"""Limits have their own tests; here they would hide what is behind them."""

CONFIGURATION = """
# What a schema cannot say makes a request that fits it wrong all the same: two days in the wrong order, a signature
# over other bytes, a code nobody was given. Those are refused, too.
[checks.positive_data_acceptance]
expected-statuses = ["2xx", 400, 401, 403, 404, 409]
"""


@contextmanager
def listening(endpoints: list[Endpoint]) -> Iterator[str]:
    """The service's own application on a loopback socket, as `serve` runs it; its address."""
    config = uvicorn.Config(
        Application(endpoints, limits=Limits(reader=WIDE, address=WIDE)),
        port=0,
        http="h11",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 10
    while not server.started:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)


@pytest.fixture
def company(pg, tmp_path):
    """Two teams, one of which was measured on a Monday that is released."""
    company = found(pg, tmp_path)
    company.people = company.team("red", 6)
    company.team("blue", 5)
    for person in company.people:
        company.measured(person, NINE, 8, at_screen=600, on_phone=300)
    Publisher(pg.role("publisher"), Quiet()).run(NOW, first_day=MONDAY)
    return company


@pytest.fixture
def given(company, tmp_path) -> Any:
    """What schemathesis needs to be let in: a token of every kind of reader, a laptop's key, ids that exist."""
    client = Client(company, tmp_path)
    laptop = client.enrol(company.people[0])
    client.close()

    def token(role: Any, *teams: str) -> str:
        ids = [company.teams[team] for team in teams]
        return issuing.new_token(company.office, company.org, role, role, now=NOW, teams=ids).token

    def program(scope: Any) -> str:
        return issuing.new_token(company.office, company.org, scope, "integration", now=NOW, scope=scope).token

    return {
        "admin": token("admin"),
        "manager": token("manager", "red"),
        "others": [token("auditor"), token("manager", "blue"), program("devices"), program("access_log")],
        "device_key": base64.b64encode(laptop.key.private_bytes_raw()).decode(),
        "audience": ENDPOINT,
        "now": NOW,
        "measured": NINE,
        "days": {"from": MONDAY.isoformat(), "to": (MONDAY + timedelta(days=1)).isoformat()},
        "ids": {"team": company.teams["red"], "person": company.people[0], "policy": "p-1"},
    }


def test_every_answer_is_as_described(company, given, tmp_path, caplog):
    (tmp_path / "given.json").write_text(json.dumps(given), "utf-8")
    (tmp_path / "schemathesis.toml").write_text(CONFIGURATION, "utf-8")
    store, inbox = Store(tmp_path, company.pg.conninfo), SqliteInbox(tmp_path / "inbox.sqlite", alerts=Quiet())
    endpoints = build_endpoints(store, inbox, clock=Clock())
    try:
        with listening(endpoints) as url:
            run = schemathesis_over(url, tmp_path)
    finally:
        inbox.close()
        store.close()
    assert run.returncode == 0, run.stdout + run.stderr
    assert [record.getMessage() for record in caplog.records if record.name.startswith("sync_service")] == []
    report = json.loads((tmp_path / "report.json").read_text("utf-8"))
    described = {label(line) for line in endpoints} - {"GET /openapi.json"}  # read, and therefore not made requests to
    assert set(report["valid_rates"]) >= described, "it asked them all"
    assert report["operations"]["tested"] == len(described)
    let_in = {
        name
        for name, phases in report["valid_rates"].items()
        if any(one["accepted"] or one["unreachable"] for one in phases.values())
    }
    assert {name for name in described if name.startswith("GET")} <= let_in, "tokens were good everywhere"


def label(line: Endpoint) -> str:
    return f"{line.method} {line.path}".replace("<", "{").replace(">", "}")


def schemathesis_over(url: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable, "-m", "schemathesis.cli", "--config-file", str(folder / "schemathesis.toml"), "run",
        f"{url}/openapi.json", "--phases", "coverage,fuzzing", "--max-examples", str(CASES),
        "--seed", "1", "--generation-deterministic", "--no-shrink",
        "--suppress-health-check", "all", "--report-json-path", str(folder / "report.json"), "--no-color",
        "--continue-on-failure",
    ]  # fmt: skip
    environment = {
        **os.environ,
        "FRAMEKEEP_TEST_API": str(folder / "given.json"),
        "SCHEMATHESIS_HOOKS": "tests.e2e.api_tokens",
        "PYTHONPATH": str(REPOSITORY),
    }
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=240, check=False
    )
