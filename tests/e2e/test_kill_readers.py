"""Promise: kill -9 of the whole service at random moments while managers read and administrators write. Nobody got an
answer that is not in the access log, what was released reads the same before and after every kill, and every write that
was acknowledged is there exactly once, however often it was asked again.
"""

from __future__ import annotations

import http.client
import json
import random
import secrets
import threading
import time
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from sync_service.app import Store, build_office, join_store, open_store
from sync_service.issuing import new_token
from sync_service.local.database import PostgresDatabase
from sync_service.local.postgres import OWNER
from sync_service.provision import create_organisation, create_team
from tests.e2e.killing import ALWAYS, Service

pytestmark = pytest.mark.timeout(3000)

DAY = date(2026, 3, 2)
"""The day whose numbers are released."""


def ask(service: Service, token: str, method: str, path: str, body: Any = None) -> tuple[int, dict[str, Any]] | None:
    """One request on a connection of its own; None when no whole answer came."""
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=5)
    sent = None if body is None else json.dumps(body)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    try:
        connection.request(method, path, sent, headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()


@dataclass
class Reader:
    """A manager who never asks the same question twice, so that each answer has an entry of its own to be found."""

    service: Service
    token: str
    team: str
    seed: int
    answered: set[tuple[str, str]] = field(default_factory=set)
    rows: set[str] = field(default_factory=set)
    odd: list[int] = field(default_factory=list)

    def work(self, stop: threading.Event) -> None:
        chance = random.Random(self.seed)
        ranges = [(a, b) for a in range(180) for b in range(180)]
        chance.shuffle(ranges)
        while not stop.is_set() and ranges:
            before, after = ranges.pop()
            asked = ((DAY - timedelta(days=before)).isoformat(), (DAY + timedelta(days=after)).isoformat())
            given = ask(self.service, self.token, "GET", f"/v1/teams/{self.team}/summary?from={asked[0]}&to={asked[1]}")
            if given and given[0] == 200:
                self.answered.add(asked)
                self.rows.add(json.dumps([row for row in given[1]["rows"] if row["day"] == DAY.isoformat()]))
            elif given and given[0] not in (429, 503):
                self.odd.append(given[0])
            stop.wait(chance.uniform(0, 0.02))


@dataclass
class Administrator:
    """Makes teams and people, and asks again under the same id until it is told that it is done."""

    service: Service
    token: str
    team: str
    asked: dict[str, str] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)
    repeated: int = 0
    odd: list[tuple[int, Any]] = field(default_factory=list)

    def work(self, stop: threading.Event) -> None:
        while not stop.is_set():
            name = secrets.token_hex(16)
            kind = "teams" if len(self.asked) % 2 else "people"
            self.asked[name] = kind
            more = {"time_zone": "UTC"} if kind == "teams" else {"team": self.team}
            while not self.put(kind, {"id": name, "name": f"{kind} {name}", **more}):
                self.repeated += 1
                time.sleep(0.05)

    def put(self, kind: str, body: dict[str, str]) -> bool:
        given = ask(self.service, self.token, "POST", f"/v1/{kind}", body)
        if given and given[0] == 201:
            self.done.add(body["id"])
            return True
        if given and given[0] not in (429, 503):
            self.odd.append(given)
            return True
        return False


@dataclass
class Place:
    """The organisation under attack."""

    org: str
    team: str
    manager: str
    admin: str


def prepare(data: Path, url: str) -> Place:
    """One team, one released day of three blocks, a manager and an administrator."""
    now = int(time.time())
    with join_store(data) as store:
        office = build_office(store)
        org = create_organisation(office, "Kill loop", url, now=now, work_hours=ALWAYS).id
        team = create_team(office, org, "Team", "UTC", now=now)
        manager = new_token(office, org, "Reader", "manager", now=now, teams=[team]).token
        admin = new_token(office, org, "Administrator", "admin", now=now).token
        owner = PostgresDatabase(store.conninfo(OWNER), size=1)
        try:
            owner.run(
                """insert into released_day (org, team, day, time_zone, policy, k, fixed_at, shown_at)
                   values (:org, :team, cast(:day as date), 'UTC', 'p-1', 5, now() - interval '1 day', now() - interval '1 day')""",
                org=org, team=team, day=DAY.isoformat(),
            )  # fmt: skip
            owner.run(
                """insert into released_block (org, team, day, number, starts_at, ends_at, seconds, at_screen,
                     looking_away, on_phone, absent, unknown, coverage, people, corrected, shown_at)
                   select :org, :team, cast(:day as date), n, cast(:day as date) + n * interval '2 hours',
                     cast(:day as date) + (n + 1) * interval '2 hours', 7200, 50 + 5 * n, 10, 5, 15, 5, 80, '5-7', false,
                     now() - interval '1 day' from generate_series(1, 3) n""",
                org=org, team=team, day=DAY.isoformat(),
            )  # fmt: skip
        finally:
            owner.close()
    return Place(org, team, manager, admin)


def kill_loop(folder: Path, kills: int) -> None:
    chance = random.Random(20261122)
    service = Service(folder / "service")
    service.start()
    place = prepare(service.data, service.url)
    readers = [Reader(service, place.manager, place.team, seed) for seed in range(2)]
    administrator = Administrator(service, place.admin, place.team)
    stop = threading.Event()
    threads = [threading.Thread(target=one.work, args=(stop,)) for one in (*readers, administrator)]
    for thread in threads:
        thread.start()
    for _ in range(kills):
        time.sleep(chance.uniform(0.1, 0.8))
        service.kill()
        service.start(wait=chance.random() < 0.8)  # sometimes it is killed while it starts
    service.kill()
    service.start()
    time.sleep(0.5)
    stop.set()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert service.stop() == 0
    with open_store(service.data) as store:
        check(store, place, readers, administrator)
    answered = sum(len(reader.answered) for reader in readers)
    print(
        f"{kills} kills: {answered} answers, each in the access log; {len(administrator.done)} writes acknowledged, "
        f"{administrator.repeated} asked again"
    )
    assert answered > kills and len(administrator.done) > kills, "next to nothing went on between the kills"


def check(store: Store, place: Place, readers: list[Reader], administrator: Administrator) -> None:
    assert store.server is not None
    owner = PostgresDatabase(store.server.conninfo(OWNER), size=1)
    try:
        logged = {
            (row["first"], row["last"])
            for row in owner.run(
                """select from_day::text as first, to_day::text as last from access_log
                   where action = 'team_summary' and reader_name = 'Reader'"""
            )
        }
        writes = owner.run("select count(*) as n from access_log where action = 'people_edit'")[0]["n"]
        teams = [row["id"] for row in owner.run("select id::text as id from team where name <> 'Team'")]
        names = [row["name"] for row in owner.run("select name from person")]
        places = owner.run("select count(*) as n from membership")[0]["n"]
    finally:
        owner.close()
    for reader in readers:
        assert reader.odd == [], "a reader was refused"
        assert reader.answered <= logged, "an answer was given that nobody can find out about"
        assert len(reader.rows) == 1, "what was released reads differently"
    assert readers[0].rows == readers[1].rows
    assert administrator.odd == []
    assert writes >= len(administrator.done), "a write was acknowledged that nobody can find out about"
    assert len(teams) == len(set(teams)) and len(names) == len(set(names)), "a write was done twice"
    wanted_teams = {name for name, kind in administrator.asked.items() if kind == "teams"}
    wanted_people = {f"people {name}" for name, kind in administrator.asked.items() if kind == "people"}
    assert set(teams) <= wanted_teams and set(names) <= wanted_people, "something is there that nobody asked for"
    assert administrator.done & wanted_teams <= set(teams), "an acknowledged team is lost"
    done_people = {f"people {name}" for name in administrator.done if administrator.asked[name] == "people"}
    assert done_people <= set(names) and places == len(names), "an acknowledged person is lost, or is in no team"


def test_six_kills_of_the_service_under_readers_and_administrators(open_folder: Path) -> None:
    kill_loop(open_folder, 6)


@pytest.mark.long
def test_a_hundred_kills_of_the_service_under_readers_and_administrators(open_folder: Path) -> None:
    kill_loop(open_folder, 100)
