"""Organisations to look at the managers' pages with, all on one running service over a real database.

`acme` is measured: its colleagues are real agents' stores, keys and outboxes whose days are invented; they enrol, seal and
send over HTTP, and writer, opener and publisher do what they always do. The others (`empty`, `one`, `many`, `clocks`) have
rollups as the opener would have left them, and the real publisher's numbers.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import uvicorn

from agent.demo.colleagues import invented_day, send_day
from agent.wire.documents import WorkHours
from agent.wire.summary import Window
from sync_service import issuing, provision
from sync_service.app import Store, build_endpoints
from sync_service.authz import Role
from sync_service.key_files import KeyFiles
from sync_service.local.asgi import Application
from sync_service.local.documents import PostgresDocuments
from sync_service.local.inbox import SqliteInbox
from sync_service.local.pages import DIST, Pages
from sync_service.local.seal_keys import FileSealKeys
from sync_service.maintenance import make_partitions
from sync_service.opener import Opener
from sync_service.provision import DEFAULT_HOURS, Office
from sync_service.publisher import Publisher
from sync_service.timetable import instant
from sync_service.writer import Writer
from tests.builders import ManualClock
from tests.e2e.office import Company
from tests.pg import FreshDatabase

NOW = int(datetime(2026, 10, 30, 9, tzinfo=UTC).timestamp())
"""A Friday, gone by: the database itself shows no number before its time. Managers see numbers up to Wednesday's."""
NIGHT = NOW - 8 * 3600
"""When the publisher ran: the people of a team see a number six hours before its managers."""
BERLIN = ZoneInfo("Europe/Berlin")
MONTH = date(2026, 10, 1)
WEEK = date(2026, 10, 12)
"""The Monday of a week whose numbers are all released: with a withdrawn day and a noted block in it."""
CHANGE = date(2026, 10, 25)
"""The Sunday on which Europe's clocks go back: a day of 25 hours."""
ALWAYS = (WorkHours((1, 2, 3, 4, 5, 6, 7), 0, 1440),)


class Gate:
    """Stands before the service and can make it slow, busy or strict, as a network and a restart would."""

    def __init__(self, behind: Any) -> None:
        self._behind = behind
        self.refuse: tuple[int, bytes, dict[str, str]] | None = None
        self.only: str = "/v1/"
        self.times = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if self.refuse and self.times > 0 and scope["type"] == "http" and scope["path"].startswith(self.only):
            self.times -= 1
            status, body, headers = self.refuse
            lines = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
            await send({"type": "http.response.start", "status": status, "headers": lines})
            await send({"type": "http.response.body", "body": body})
            return
        await self._behind(scope, receive, send)

    def answers(self, status: int, times: int, *, only: str = "/v1/", **headers: str) -> None:
        """The next `times` requests below `only` get this status instead of an answer."""
        self.refuse = (status, b'{"error":"unavailable"}', {"content-type": "application/json", **headers})
        self.only, self.times = only, times


@dataclass
class World:
    """A running service and who may ask it. `tokens`: organisation and role -> a reader's token."""

    url: str
    pg: FreshDatabase
    folder: Path
    gate: Gate
    connect: Callable[[], list[str]] = list
    """The identity providers the pages may ask."""
    companies: dict[str, Company] = field(default_factory=dict)
    tokens: dict[tuple[str, str], str] = field(default_factory=dict)

    def token(self, org: str, role: Role, *, teams: tuple[str, ...] = (), name: str | None = None) -> str:
        """A new reader's token."""
        company = self.companies[org]
        wanted = [company.teams[team] for team in teams]
        return issuing.new_token(company.office, company.org, name or role.title(), role, now=NOW, teams=wanted).token

    def found(self, name: str, hours: tuple[WorkHours, ...] = DEFAULT_HOURS) -> Company:
        """A new organisation with an administrator and an auditor."""
        admin = self.pg.role("admin")
        keys = KeyFiles(self.folder / "keys")
        office = Office(admin, PostgresDocuments(admin), FileSealKeys(self.folder / "seal-keys"), keys)
        made = provision.create_organisation(office, name, self.url, now=NOW - 40 * 86400, work_hours=hours)
        self.companies[name] = Company(self.pg, office, made.id)
        self.tokens[name, "admin"] = self.token(name, "admin", name="Ada Admin")
        self.tokens[name, "auditor"] = self.token(name, "auditor", name="Otto Auditor")
        return self.companies[name]


def free_port() -> int:
    """A loopback port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running(pg: FreshDatabase, folder: Path, *, dist: Path = DIST) -> Iterator[World]:
    """The service on a free port with its pages in front, its clock standing at NOW, nothing in it yet."""
    port = free_port()
    store = Store(folder, pg.conninfo)
    inbox = SqliteInbox(folder / "inbox.sqlite")
    make_partitions(pg.role("maintenance"), now=NOW)
    gate = Gate(Application(build_endpoints(store, inbox, clock=lambda: NOW)))
    world = World(f"http://127.0.0.1:{port}", pg, folder, gate)
    config = uvicorn.Config(
        Pages(gate, folder=dist, connect=lambda: world.connect(), kept=0.0),
        host="127.0.0.1",
        port=port,
        log_config=None,
        access_log=False,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.02)
        assert thread.is_alive()
    try:
        yield world
    finally:
        server.should_exit = True
        thread.join(10)
        inbox.close()
        store.close()


def fill(world: World, *, whole_month: bool = False) -> None:
    """Every organisation, measured and published; `whole_month`: not only a week and two days, as a picture wants it."""
    acme = measured_by_agents(world, whole_month)
    several(world)
    for company in world.companies.values():
        company.up_until(NIGHT)
    publisher = Publisher(world.pg.role("publisher"), acme.alerts)
    publisher.run(NIGHT, first_day=MONTH)
    office, care = acme.office, acme.teams["Customer care"]
    for number in range(1, 20):
        try:
            issuing.withdraw_block(
                office, acme.org, care, WEEK + timedelta(days=1), number, "a fault of the camera driver"
            )
        except provision.RequestError:
            break
    many = world.found("many")
    last = date(2026, 10, 26)
    measured(many, [f"Team {number + 1:02d} of a name that is rather long" for number in range(40)], [last])
    publisher.run(NIGHT, first_day=last)
    issuing.withdraw_block(office, acme.org, care, WEEK + timedelta(days=2), 3, "a fire drill")
    issuing.annotate_block(office, acme.org, care, WEEK, 2, "Half of the team was in a workshop.")
    world.tokens["acme", "manager"] = world.token(
        "acme", "manager", teams=("Customer care", "Night shift"), name="Mara Manager"
    )
    world.tokens["acme", "second"] = world.token("acme", "admin", name="Sana Second")


def measured_by_agents(world: World, whole_month: bool) -> Company:
    """`acme`: a team of seven and one of four over October, each an agent that seals and sends; one team still empty."""
    acme = world.found("acme")
    for name, people in (("Customer care", 7), ("Night shift", 4), ("Workshop", 0)):
        acme.team(name, 0, since=MONTH)
        for number in range(people):
            person = acme.person(f"{name.split()[0]} {number + 1}", name, since=MONTH)
            wanted = [day for day in measured_days(people, whole_month) if number or day != WEEK]
            windows: tuple[Window, ...] = tuple(
                window for day in wanted for window in invented_day(day, BERLIN, number if people > 4 else number + 10)
            )
            code = provision.new_code(acme.office, acme.org, person, now=NOW).code
            send_day(world.folder / "agents" / f"{name[:1]}{number}", code, world.url, windows, ManualClock(NOW))
    # Their laptops have been there as long as what they bring.
    world.pg.owner.run("update device set enrolled_at = enrolled_at - interval '60 days'")
    inbox = SqliteInbox(world.folder / "inbox.sqlite")
    try:
        while Writer(inbox, world.pg.role("writer"), acme.alerts).step().stored:
            pass
    finally:
        inbox.close()
    opener = Opener(world.pg.role("opener"), FileSealKeys(world.folder / "seal-keys"), acme.alerts, clock=lambda: NOW)
    while opener.step().rows:
        pass
    return acme


def measured_days(people: int, whole_month: bool) -> list[date]:
    """The working days a team of so many was measured on."""
    if people < 5:
        return [WEEK, WEEK + timedelta(days=1)]
    days = [MONTH + timedelta(days=n) for n in range(28)]
    return [day for day in days if day.isoweekday() <= 5 and (whole_month or WEEK <= day < WEEK + timedelta(days=9))]


def several(world: World) -> None:
    """Organisations without a team, with one, and with work around the clock when the clocks change."""
    world.found("empty")
    measured(world.found("one"), ["Archive"], [WEEK + timedelta(days=n) for n in range(5)])
    around = [CHANGE + timedelta(days=n) for n in (-1, 0, 1)]
    measured(world.found("clocks", ALWAYS), ["Around the clock"], around, (0, 24 * 60))


def measured(company: Company, teams: list[str], days: list[date], minutes: tuple[int, int] = (540, 1020)) -> None:
    """Teams of six with quarter hours from minute to minute of these days."""
    members = {team: company.team(team, 6, since=min(days).replace(day=1)) for team in teams}
    for number, people in enumerate(members.values()):
        away = 60 + 5 * number
        states = {"at_screen": 740 - away, "looking_away": away, "on_phone": 40, "absent": 90, "unknown": 30}
        for day in days:
            first, last = (instant(day, minute, BERLIN) for minute in minutes)
            for person in people:
                company.measured(person, first, (last - first) // 900, **states)
