"""`framekeep-sync bench --queries`: how long every question of a manager takes in a large organisation.

Ten thousand people, ninety days of their quarter hours and thirteen months of released blocks lie in an embedded
PostgreSQL with fsync on. Every GET a reader may ask is asked through the very table of endpoints the service mounts,
sign-in, access-log commit and JSON included, about teams and people drawn at random. A GET that is in the table and not
in the list here is asked plainly: nothing is left out by being forgotten.
"""

from __future__ import annotations

import json
import random
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sync_service import provision
from sync_service.app import Store, build_endpoints, build_office, open_store, wall_clock
from sync_service.authz import Role
from sync_service.bench_organisation import DAY, Size, fill, last_workday, person_id, team_id
from sync_service.errors import ServiceError
from sync_service.http import Answer, Endpoint, Request
from sync_service.issuing import new_token
from sync_service.local.alerts import LogAlerts
from sync_service.local.database import PostgresDatabase
from sync_service.local.inbox import SqliteInbox
from sync_service.local.postgres import FAST, OWNER
from sync_service.publisher import Publisher
from sync_service.routes import answer

GOAL_MS = 150
ROUNDS = 60
_PLACE = re.compile(r"<(\w+)>")


@dataclass(frozen=True)
class Question:
    """One kind of question: `path` as the table writes it, who asks, and what is asked of today. `goal`: whether it is
    asked of somebody who waits before a page; not so for what is downloaded whole.
    """

    name: str
    path: str
    role: Role = "admin"
    days: int | None = None
    query: Mapping[str, str] = field(default_factory=dict)
    accept: str = "application/json"
    goal: bool = True


QUESTIONS = (
    Question("who am I", "/v1/me"),
    Question("teams, administrator", "/v1/teams"),
    Question("teams, manager", "/v1/teams", "manager"),
    Question("team, 1 day by block", "/v1/teams/<team>/summary", "manager", 1),
    Question("team, 14 days by block", "/v1/teams/<team>/summary", "manager", 14),
    Question("team, 31 days by day", "/v1/teams/<team>/summary", "manager", 31, {"bucket": "day"}),
    Question("team, 90 days by block", "/v1/teams/<team>/summary", "manager", 90),
    Question("team, 13 months by day", "/v1/teams/<team>/summary", "admin", 396, {"bucket": "day"}),
    Question("team, 13 months by block", "/v1/teams/<team>/summary", "admin", 396, goal=False),
    Question("team, 90 days as CSV", "/v1/teams/<team>/summary", "admin", 90, accept="text/csv"),
    Question("team, 13 months as CSV", "/v1/teams/<team>/summary", "admin", 396, accept="text/csv", goal=False),
    Question("one person, 35 days", "/v1/people/<person>/summary", "manager", 35),
    Question("devices, a page of 100", "/v1/devices", query={"limit": "100"}),
    Question("devices, all at once", "/v1/devices", goal=False),
    Question("access log, 14 days", "/v1/access-log", "auditor", 14),
    Question("access log, a year", "/v1/access-log", "auditor", 365),
    Question("policy", "/v1/policy", "manager"),
    Question("agreement", "/v1/agreement", "manager"),
    Question("policies", "/v1/policies"),
    Question("one policy", "/v1/policies/<policy>"),
    Question("changes of a policy", "/v1/policies/<policy>/changes"),
    Question("people", "/v1/people"),
    Question("readers", "/v1/readers"),
    Question("codes", "/v1/codes"),
    Question("approvals", "/v1/approvals"),
    Question("alerts", "/v1/alerts"),
)


@dataclass
class Office:
    """The organisation to ask about: tokens by role, and the table to ask."""

    store: Store
    org: str
    size: Size
    now: int
    rng: random.Random = field(default_factory=lambda: random.Random(1))

    def __post_init__(self) -> None:
        self._inbox = SqliteInbox(self.store.data / "inbox.sqlite")
        self.endpoints = build_endpoints(self.store, self._inbox, clock=lambda: self.now)
        self._names = self.store.database("publisher")
        self._tokens: dict[tuple[str, str], str] = {}

    def close(self) -> None:
        """Let go of the data folder's files."""
        self._inbox.close()

    def ask(self, question: Question, endpoint: Endpoint) -> Answer:
        """Ask once, about somebody drawn at random."""
        number = self.rng.randrange(1, self.size.teams + 1)
        team = team_id(self.org, number, self._names)
        # Reports by name exist of every hundredth person.
        hundred = self.rng.randrange(100, self.size.people + 1, 100) if self.size.people >= 100 else 1
        if "<person>" in question.path:
            team = team_id(self.org, 1 + (hundred - 1) // self.size.team, self._names)
        filled = {"team": team, "person": person_id(self.org, hundred, self._names), "policy": "p-1"}
        params = {name: filled.get(name, team) for name in _PLACE.findall(question.path)}
        path = _PLACE.sub(lambda match: params[match[1]], question.path)
        headers = {"authorization": f"Bearer {self.token(question.role, team)}", "accept": question.accept}
        query = dict(question.query)
        if question.days is not None:
            last = datetime.fromtimestamp(self.now, UTC).date()
            query |= {"from": (last - timedelta(days=question.days - 1)).isoformat(), "to": last.isoformat()}
        return answer(endpoint, Request("GET", path, headers, query, b"", params))

    def token(self, role: Role, team: str) -> str:
        """A token of a reader of this role, for this team where the role has teams."""
        key = (role, team if role == "manager" else "")
        if key not in self._tokens:
            teams = [team] if role == "manager" else []
            issued = new_token(
                build_office(self.store), self.org, f"{role} {key[1][:8]}", role, now=self.now, teams=teams
            )
            self._tokens[key] = issued.token
        return self._tokens[key]

    def questions(self) -> list[tuple[Question, Endpoint]]:
        """Those of QUESTIONS whose endpoint is mounted, and a plain one for every other GET of a reader."""
        table = {one.path: one for one in self.endpoints if one.method == "GET" and one.auth in ("manager", "any")}
        named = {question.path for question in QUESTIONS}
        others = [Question(path, path) for path in sorted(table) if path not in named]
        return [(question, table[question.path]) for question in (*QUESTIONS, *others) if question.path in table]


def bench_queries(*, size: Size, rounds: int = ROUNDS, as_json: bool, folder: Path | None = None) -> int:
    """Make the organisation in a fresh folder below `folder` and ask. Prints the result; 1 when a question's 95th
    percentile is over GOAL_MS.
    """
    with tempfile.TemporaryDirectory(prefix="framekeep-queries-", dir=folder, ignore_cleanup_errors=True) as name:
        data = Path(name)
        data.chmod(0o711)
        now = wall_clock()
        begun = time.perf_counter()
        # Nothing here is worth keeping until it is measured: then with a server that pulls no punches.
        with open_store(data, settings=FAST) as store:
            org = make_organisation(store, size, now=now, said=_say)
        loaded = time.perf_counter() - begun
        with open_store(data) as store:
            office = Office(store, org, size, now)
            queries = measure(office, rounds)
            office.close()
            result = {
                "people": size.people,
                "rows": _rows(store),
                "load_seconds": round(loaded, 1),
                "queries": queries,
                "publish_day_seconds": _publish(store, now),
            }
    slow = [name for name, one in queries.items() if one["goal"] and one["p95_ms"] > GOAL_MS]
    _report(result, slow, as_json=as_json)
    return 1 if slow else 0


def make_organisation(store: Store, size: Size, *, now: int, said: Callable[[str], None] = lambda _: None) -> str:
    """A large organisation in an empty store; its id."""
    begins = now - 400 * DAY
    org = provision.create_organisation(build_office(store), "bench", "http://127.0.0.1:1", now=begins).id
    assert store.server is not None
    owner = PostgresDatabase(store.server.conninfo(OWNER), size=1)
    try:
        fill(owner, org, size, now=now, said=said)
        said("vacuum")
        owner.run("vacuum")
    finally:
        owner.close()
    return org


def measure(office: Office, rounds: int) -> dict[str, dict[str, float]]:
    """Name -> median and 95th percentile in milliseconds, bytes of the largest answer, and whether the goal holds of it."""
    found: dict[str, dict[str, float]] = {}
    for question, endpoint in office.questions():
        times, size = [], 0
        for number in range(rounds + 3):  # the first three fill caches, as a running service has them
            begun = time.perf_counter()
            given = office.ask(question, endpoint)
            content = given.content
            took = time.perf_counter() - begun
            if given.status not in (200, 404):  # 404: an organisation without an agreement, or an id of something else
                raise ServiceError(f"{question.name} was answered with {given.status}: {content.decode()[:200]}")
            if number >= 3:
                times.append(took * 1000)
            size = max(size, len(content))
        found[question.name] = {
            "p50_ms": _at(times, 0.5),
            "p95_ms": _at(times, 0.95),
            "bytes": size,
            "goal": question.goal,
        }
    return found


def _publish(store: Store, now: int) -> float:
    """Seconds in which the publisher releases one working day of every team."""
    day = last_workday(now)
    due = now + 3 * DAY
    database = store.database("publisher")
    database.run(
        "insert into uptime (started_at, last_at) values (to_timestamp(:began), to_timestamp(:due)) on conflict do nothing",
        began=now - 30 * DAY,
        due=due,
    )
    begun = time.perf_counter()
    done = Publisher(database, LogAlerts()).run(due, first_day=day)
    if not done.blocks:
        raise ServiceError("the publisher had nothing to release")
    return round(time.perf_counter() - begun, 2)


def _rows(store: Store) -> dict[str, int]:
    assert store.server is not None
    owner = PostgresDatabase(store.server.conninfo(OWNER), size=1)
    tables = ("person_rollup", "released_block", "released_day", "cohort", "access_log", "device")
    try:
        return {table: int(owner.run(f"select count(*) as n from {table}")[0]["n"]) for table in tables}
    finally:
        owner.close()


def _at(times: Iterable[float], part: float) -> float:
    ordered = sorted(times)
    return round(ordered[min(len(ordered) - 1, int(part * len(ordered)))], 1)


def _report(result: Mapping[str, Any], slow: list[str], *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps({**result, "goal_ms": GOAL_MS, "slow": slow}) + "\n")
        return
    sys.stdout.write(f"{result['people']} people; rows: {result['rows']}; filled in {result['load_seconds']} s\n")
    for name, one in result["queries"].items():
        mark = "  over the goal" if name in slow else "" if one["goal"] else "  (a download: no goal)"
        sys.stdout.write(
            f"{name:28} p50 {one['p50_ms']:>7} ms   p95 {one['p95_ms']:>7} ms {one['bytes']:>9} bytes{mark}\n"
        )
    sys.stdout.write(f"the publisher releases a day of every team in {result['publish_day_seconds']} s\n")


def _say(what: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"bench: {what} ...\n")
