"""Promise: over real HTTP, people get at everything the service keeps about them, and each refusal is one clear sentence."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from pathlib import Path
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
import uvicorn
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.clock import SystemClock
from agent.identity import Identity, enroll, require_identity
from agent.keys import FileKeyStore, device_key, store_key
from agent.outbox.link import Link, ServiceUnreachable
from agent.outbox.signed import ServiceRefused, refused
from agent.outbox.uploader import Uploader
from agent.own_answers import CorrectionState, Role, Scope
from agent.own_data import OwnData
from agent.panel.language import Speech
from agent.panel.views.readers import read_lines
from agent.store import Store
from sync_service import issuing
from sync_service.http import Answer, Endpoint
from sync_service.local.asgi import Application
from sync_service.publisher import Publisher
from sync_service.timetable import instant
from tests.builders import ManualClock
from tests.e2e.client import Client
from tests.e2e.killing import Service, set_up
from tests.e2e.office import ENDPOINT, MONDAY, NOW, Company, found
from tests.pg import FreshDatabase

BERLIN = ZoneInfo("Europe/Berlin")
NINE = instant(MONDAY, 9 * 60, BERLIN)
FIXED = instant(MONDAY + timedelta(days=2), 0, BERLIN)


@contextmanager
def listening(endpoints: list[Endpoint]) -> Iterator[str]:
    """The service's own application on a loopback socket; its address."""
    started = threading.Event()
    config = uvicorn.Config(
        Application(endpoints, started=started.set),
        port=0,
        log_level="error",
        lifespan="on",
        timeout_graceful_shutdown=2,
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


@dataclass
class Desk:
    """A company of six whose Monday was measured, and one person's laptop that asks over HTTP."""

    company: Company
    client: Client
    people: list[str]
    url: str
    clock: ManualClock
    device: str
    own: OwnData

    def at(self, now: int) -> None:
        """It is `now`, here and at the service."""
        self.client.clock.now = now
        self.clock.set_wall(now)

    def publish(self) -> None:
        Publisher(self.company.pg.role("publisher"), self.company.alerts).run(self.client.clock.now, first_day=MONDAY)

    def reader(self, name: str, role: issuing.Role, **more: list[str]) -> str:
        return issuing.new_token(self.company.office, self.company.org, name, role, now=NOW - 86400, **more).token


@pytest.fixture
def desk(pg: FreshDatabase, tmp_path: Path) -> Iterator[Desk]:
    company = found(pg, tmp_path)
    people = company.team("red", 6)
    for person in people:
        company.measured(person, NINE, 4, absent=900)
    client = Client(company, tmp_path)
    laptop = client.enrol(people[0])
    clock = ManualClock(NOW)
    identity = Identity(company.org, laptop.id, "", ENDPOINT, NOW)
    with listening(client.endpoints) as url:
        own = OwnData(identity, laptop.key, Link(url), clock)
        yield Desk(company, client, people, url, clock, laptop.id, own)
    client.close()


def test_who_read_what_as_whom_and_why_they_might(desk: Desk) -> None:
    desk.at(FIXED)
    desk.publish()
    red = desk.company.teams["red"]
    path, days = f"/v1/teams/{red}/summary", {"from": MONDAY.isoformat(), "to": MONDAY.isoformat()}
    desk.client.ask("GET", path, token=desk.reader("Eve", "manager", teams=[red]), query=days)
    desk.client.ask("GET", path, token=desk.reader("Audit", "auditor"), query=days)
    desk.client.ask("GET", "/v1/devices", token=desk.reader("Ada", "admin"))
    desk.own.export()
    log = desk.own.access_log()
    assert not log.more
    assert [(read.name, read.role, read.action, read.refused, read.scope) for read in reversed(log.reads)] == [
        ("Eve", Role.MANAGER, "team_summary", False, Scope.TEAM),
        ("Audit", Role.AUDITOR, "team_summary", True, Scope.TEAM),
        ("Ada", Role.ADMIN, "devices", False, Scope.DEVICES),
        ("your own device", Role.OWN_DEVICE, "export", False, Scope.ME),
    ]
    eve = log.reads[-1]
    assert (eve.at, eve.first, eve.last, eve.team, eve.team_name) == (FIXED, MONDAY, MONDAY, red, "red")
    assert eve.why == "manager of this team"


def test_a_program_that_read_is_seen_as_one(desk: Desk) -> None:
    red, acme = desk.company.teams["red"], desk.company
    desk.at(FIXED)
    desk.publish()
    made = issuing.new_token(
        acme.office, acme.org, "BI", "integration", now=NOW - 86400, teams=[red], scope="team_summary"
    )
    assert desk.client.ask("GET", f"/v1/teams/{red}/summary", token=made.token).status == 200
    (read,) = desk.own.access_log().reads
    assert (read.name, read.role, read.scope) == ("BI", Role.PROGRAM, Scope.TEAM)
    assert read.why == "program with the scope team_summary for this team"
    said = read_lines(Speech("de", UTC), desk.own.access_log(), FIXED)[0]
    assert (said.who, said.role) == ("BI", "ein Programm")


def test_who_is_in_the_team_and_how_they_stand(desk: Desk) -> None:
    desk.at(FIXED)
    desk.publish()
    team = desk.own.team()
    assert team.name == "red" and len(team.members) == 6
    assert [(one.name, one.standing) for one in team.members if one.me] == [("red 0", "counted")]
    assert (team.days_needed, team.minutes_needed) == (10, 30)


def test_own_quarter_hours_and_the_very_page_managers_see(desk: Desk) -> None:
    desk.at(NINE + 8 * 3600)
    before = desk.own.reports(MONDAY, MONDAY)
    (day,) = before.days
    assert [one.seconds["absent"] for one in day.quarter_hours] == [900] * 4 and day.quarter_hours[0].start == NINE
    assert not day.fixed and day.corrections_close_at == FIXED and day.managers_see_it_at == FIXED + 6 * 3600
    assert before.teams == () and before.time_zone == "Europe/Berlin"
    desk.at(FIXED)
    desk.publish()
    after = desk.own.reports(MONDAY, MONDAY + timedelta(days=1))
    assert [day.fixed for day in after.days] == [True, False] and after.days[0].team_name == "red"
    (page,) = after.teams
    released = [row for row in page.rows if row.numbers is not None]
    assert released and all(row.status == "released" and row.start is not None for row in released)
    assert released[0].numbers is not None and released[0].numbers.shares["absent"].text == "95 or more"
    assert released[0].numbers.people == "5-7" and page.k == 5 and page.total is not None
    assert any(row.status == "not_released" and row.explanation for row in page.rows)
    desk.at(FIXED + 6 * 3600)
    days = {"from": page.first.isoformat(), "to": page.last.isoformat()}
    tok = desk.reader("Eve", "admin")
    theirs = desk.client.ask("GET", f"/v1/teams/{page.team}/summary", token=tok, query=days)
    assert json.loads(theirs.content) == page.answer


def test_a_correction_says_whether_it_counts_and_is_kept_once(desk: Desk) -> None:
    desk.at(NINE + 86400)
    name = uuid4()
    for _ in range(2):
        kept = desk.own.correct(NINE, NINE + 1800, "at_screen", "on a work call – büro", name=name)
        assert (kept.id, kept.day, kept.changes_team_number) == (str(name), MONDAY, True)
    assert desk.own.reports(MONDAY, MONDAY).days[0].corrections[0].state is CorrectionState.WILL_COUNT
    desk.at(FIXED)
    desk.publish()
    desk.at(FIXED + 60)
    assert not desk.own.correct(NINE + 1800, NINE + 3600, "not_observed", "").changes_team_number
    (day,) = desk.own.reports(MONDAY, MONDAY).days
    assert [(one.state, one.counts_as, one.note) for one in day.corrections] == [
        (CorrectionState.COUNTED, "at_screen", "on a work call – büro"),
        (CorrectionState.TOO_LATE, "not_observed", ""),
    ]


def test_who_counts_in_no_team_corrects_their_own_record(desk: Desk) -> None:
    issuing.new_token(desk.company.office, desk.company.org, "x", "admin", now=NOW, person=desk.people[0])
    desk.at(FIXED)
    desk.publish()
    assert not desk.own.correct(NINE, NINE + 900, "at_screen", "").changes_team_number
    (day,) = desk.own.reports(MONDAY, MONDAY).days
    assert day.team is None and day.corrections[0].state is CorrectionState.OWN_RECORD


def test_the_export_is_the_file_and_what_is_in_it(desk: Desk) -> None:
    export = desk.own.export()
    assert json.loads(export.raw) == export.value
    assert len(export.value["quarter_hours"]) == 4 and export.value["devices"][0]["id"] == desk.device


def test_an_export_of_a_whole_season_is_not_cut_off(desk: Desk) -> None:
    desk.company.pg.owner.run(
        """insert into person_rollup (org, person, slot, policy, at_screen, looking_away, on_phone, absent, unknown,
             not_observed, frames, windows)
           select :org, :person, to_timestamp(:first - 900 * n), 'p-1', 900, 0, 0, 0, 0, 0, 90, 3
           from generate_series(1, 8640) n""",
        org=desk.company.org,
        person=desk.people[0],
        first=NINE,
    )
    export = desk.own.export()
    assert len(export.value["quarter_hours"]) == 8644 and len(export.raw) > 1024 * 1024


def test_an_erasure_is_asked_for_looked_at_and_taken_back(desk: Desk) -> None:
    assert desk.own.erasure() is None
    asked = desk.own.ask_erasure()
    assert (asked.requested_at, asked.due_at, asked.can_be_cancelled) == (NOW, NOW + 86400, True)
    assert desk.own.ask_erasure() == desk.own.erasure() == asked
    assert desk.own.cancel_erasure().step == "cancelled" and desk.own.erasure() is None
    with pytest.raises(ServiceRefused, match="no erasure to cancel") as nothing:
        desk.own.cancel_erasure()
    assert nothing.value.code == "nothing_to_cancel"
    desk.own.ask_erasure()
    desk.company.pg.owner.run("update erasure_request set step = 'revoked' where step = 'held'")
    begun = desk.own.erasure()
    assert begun is not None and not begun.can_be_cancelled
    with pytest.raises(ServiceRefused, match="begun already") as late:
        desk.own.cancel_erasure()
    assert late.value.code == "too_late"


Q = 900
WRONG: list[tuple[str, Callable[[OwnData], object], str]] = [
    ("from_after_to", lambda own: own.reports(MONDAY, MONDAY - timedelta(days=1)), "exchange"),
    ("range_too_long", lambda own: own.reports(MONDAY - timedelta(days=35), MONDAY), "35 days"),
    ("malformed", lambda own: own.reports(date(1066, 10, 14), date(1066, 10, 14)), "update"),
    ("whole_quarter_hours_of_one_day_only", lambda own: own.correct(NINE + 1, NINE + Q, "absent", ""), "quarter"),
    ("not_in_the_future", lambda own: own.correct(NINE + 9000 * Q, NINE + 9001 * Q, "absent", ""), "begun"),
    ("too_old", lambda own: own.correct(Q, 2 * Q, "absent", ""), "35 days"),
    ("too_large", lambda own: own.correct(NINE, NINE + Q, "absent", "x" * 5000), "shorten"),
    ("malformed", lambda own: own.correct(NINE, NINE + Q, "busy", ""), "update"),
]


@pytest.mark.parametrize(("code", "act", "says"), WRONG, ids=[code for code, _, _ in WRONG])
def test_each_refusal_is_one_sentence(desk: Desk, code: str, act: Callable[[OwnData], object], says: str) -> None:
    with pytest.raises(ServiceRefused, match=says) as error:
        act(desk.own)
    assert error.value.code == code and str(error.value).endswith(".")


def test_every_word_the_service_declares_for_these_routes_has_a_sentence(desk: Desk) -> None:
    words = {
        (status, part.partition(":")[0].strip())
        for endpoint in desk.client.endpoints
        if endpoint.path.startswith("/v1/me/")
        for status, (meaning, _) in endpoint.answers.items()
        if status >= 400
        for part in meaning.split(", ")
    }
    words = {(status, word) for status, word in words if word.replace("_", "").isalpha() and word.islower()}
    assert {"too_many", "too_late", "malformed", "revoked", "unavailable"} <= {word for _, word in words}
    for status, word in words:
        assert "(answer" not in str(refused(status, {"error": word})), f"{word} has no sentence of its own"


def test_the_hundred_and_first_correction_of_a_day_is_refused_in_words(desk: Desk) -> None:
    desk.company.pg.owner.run(
        """insert into correction (id, org, person, starts_at, ends_at, counts_as, note, made_at, in_time)
           select gen_random_uuid(), :org, :person, to_timestamp(:at), to_timestamp(:at + 900), 'absent', '', now(), true
           from generate_series(1, 100)""",
        org=desk.company.org,
        person=desk.people[0],
        at=NINE,
    )
    with pytest.raises(ServiceRefused, match="100 corrections"):
        desk.own.correct(NINE, NINE + 900, "absent", "")


def test_a_stranger_and_a_wrong_clock_are_the_same_to_the_service(desk: Desk) -> None:
    stranger = Identity(desk.company.org, desk.device, "", ENDPOINT, NOW)
    with pytest.raises(ServiceRefused, match="does not recognise"):
        OwnData(stranger, Ed25519PrivateKey.generate(), Link(desk.url), desk.clock).access_log()
    desk.clock.set_wall(NOW + 3600)
    with pytest.raises(ServiceRefused, match="check its clock"):
        desk.own.access_log()


def test_a_revoked_laptop_is_told_so(desk: Desk) -> None:
    desk.company.pg.owner.run("update device set revoked_at = now()")
    with pytest.raises(ServiceRefused, match="revoked"):
        desk.own.access_log()


def test_a_service_that_cannot_write_down_an_export_gives_none(desk: Desk) -> None:
    desk.company.pg.owner.run("revoke insert on access_log from framekeep_person")
    with pytest.raises(ServiceRefused, match="no fault of yours") as error:
        desk.own.export()
    assert error.value.code == "unavailable"


def test_nobody_or_somebody_else_at_the_address(desk: Desk) -> None:
    identity = Identity(desk.company.org, desk.device, "", ENDPOINT, NOW)
    key = Ed25519PrivateKey.generate()
    with pytest.raises(ServiceUnreachable, match="check the network"):
        OwnData(identity, key, Link("http://127.0.0.1:9"), desk.clock).export()

    def portal(_: object) -> object:
        return Answer(200, b"<html>log in</html>", {"Content-Type": "text/html"})

    wrong = Endpoint("GET", "/v1/me/export", portal, "", {})  # type: ignore[arg-type]  # a portal knows no contract
    with listening([wrong]) as url, pytest.raises(ServiceUnreachable, match="log in to the network"):
        OwnData(identity, key, Link(url), desk.clock).export()
    with listening([wrong]) as url, pytest.raises(ServiceRefused, match="does not offer this"):
        OwnData(identity, key, Link(url), desk.clock).access_log()


def test_several_threads_may_ask_at_once(desk: Desk) -> None:
    answers: list[int] = []
    threads = [
        threading.Thread(target=lambda: answers.append(len(desk.own.reports(MONDAY, MONDAY).days))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert answers == [1] * 8


def test_the_running_service_hears_of_a_refusal_also_when_it_was_killed_meanwhile(open_folder: Path) -> None:
    """`framekeep-sync serve` as a process, an agent that enrolled with a code, and nothing made up in between."""
    service = Service(open_folder / "service")
    (open_folder / "service").mkdir()
    service.start()
    try:
        code = set_up(service.data, service.url, people=1)[0][0]
        keys = FileKeyStore(open_folder / "keys.json")
        store = Store(open_folder / "store.sqlite", store_key(keys))
        enroll(code, service.url, store=store, keys=keys, now=time.time())
        key = device_key(keys)
        assert key is not None
        service.kill()

        def uploader() -> Uploader:
            identity = require_identity(store)
            return Uploader(store, identity, key, clock=SystemClock(), chance=lambda: 0.0, participation=lambda: False)

        first = uploader()
        first.turn()
        assert require_identity(store).told is None and first.problem
        service.start()
        uploader().turn()
        assert require_identity(store).told is False
        own = OwnData(require_identity(store), key, Link(service.url), SystemClock())
        (said,) = own.export().value["participation"]
        assert said["participating"] is False
        assert [read.action for read in own.access_log().reads] == ["export"]
        assert own.reports(date.today(), date.today()).days[0].quarter_hours == ()
        store.close()
    finally:
        service.stop()
