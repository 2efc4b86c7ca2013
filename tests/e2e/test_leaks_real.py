"""Promise: the house in which the counter-example search looks for leaks answers as the real service does, number by
number: the same generated organisation, lived through by the publisher over PostgreSQL and asked over the endpoint
table, gives the same blocks, days, ranges, CSV and reports by name; and the member's own page and export hold no more.
"""

from __future__ import annotations

import json
import random
import secrets
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from sync_service import issuing, provision
from sync_service.blocks import Rollup, percent
from sync_service.cohorts import memberships_of
from sync_service.http import Answer
from sync_service.key_files import KeyFiles
from sync_service.local.documents import PostgresDocuments
from sync_service.local.seal_keys import FileSealKeys
from sync_service.provision import Office
from sync_service.publisher import Publisher
from sync_service.reports import MAX_DAYS, summary, to_csv
from sync_service.timetable import days_between, instant, month_of
from tests.e2e.client import Client, Clock
from tests.e2e.office import ENDPOINT, Company
from tests.leaks_house import HOURS, TIMING, House
from tests.leaks_world import OTHER, SMALL, TEAM, Piece, World, generate, last_instant
from tests.pg import FreshDatabase

DAY = 24 * 3600
TEAMS = (TEAM, OTHER, SMALL)


def suitable(first: int) -> World:
    """The next generated organisation of the policy's k and of the past, since nothing is shown before its time."""
    return next(
        world
        for world in map(generate, range(first, first + 200))
        if world.k == 5 and world.days[0].year == 2024 and any(piece.by_name for piece in world.pieces)
    )


@dataclass
class Life:
    """A generated organisation in the real database, as far as it has been lived."""

    company: Company
    world: World
    measure: dict[tuple[str, int, str], Rollup] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    done: set[object] = field(default_factory=set)

    def found(self) -> None:
        """Teams, people and who reads, as the first month begins; and what was measured of each before."""
        world, company = self.world, self.company
        begins = instant(world.months[0], 0, world.zones[TEAM, world.months[0]])
        for team in TEAMS:
            zone = world.zones[team, world.months[0]].key
            company.teams[team] = provision.create_team(company.office, company.org, team, zone, now=begins - 60 * DAY)
        owner = company.pg.owner
        for person in world.people:
            self.ids[person] = secrets.token_hex(16)
            owner.run(
                "insert into person (id, org, name) values (:id, :org, :name)",
                id=self.ids[person], org=company.org, name=person,
            )  # fmt: skip
            for day in range(2, world.before[person] + 2):
                noon = instant(world.days[0], 720, world.zones[TEAM, world.months[0]]) // 900 * 900 - day * DAY
                company.measured(self.ids[person], noon, 2, at_screen=900)
        for member in memberships_of(world.acts):
            owner.run(
                "insert into membership (org, person, month, team) values (:org, :person, cast(:month as date), :team)",
                org=company.org, person=self.ids[member.person], month=member.month.isoformat(),
                team=company.teams[member.team],
            )  # fmt: skip
        owner.run(
            "insert into policy_terms (org, policy, seq, individual_reports, k) values (:org, 'p-9', 9, true, 5)",
            org=company.org,
        )

    def until(self, now: int) -> None:
        """What happened by `now`, then a run of the publisher."""
        world, company, owner = self.world, self.company, self.company.pg.owner
        for piece in world.pieces:
            if piece.arrives <= now and piece not in self.done:
                self.done.add(piece)
                self._deliver(piece)
        for made, word in world.corrections:
            if made <= now and (made, word) not in self.done:
                self.done.add((made, word))
                owner.run(
                    """insert into correction (id, org, person, starts_at, ends_at, counts_as, note, made_at, in_time)
                       values (gen_random_uuid(), :org, :person, to_timestamp(:a), to_timestamp(:b), :counts_as, '',
                         to_timestamp(:made), true)""",
                    org=company.org, person=self.ids[word.person], a=word.start, b=word.end, counts_as=word.counts_as,
                    made=made,
                )  # fmt: skip
        for person, at in world.erased.items():
            if at <= now:
                owner.run(
                    """insert into tombstone (kind, id, org, erasure, at)
                       values ('person', :id, :org, gen_random_uuid(), now()) on conflict do nothing""",
                    id=self.ids[person], org=company.org,
                )  # fmt: skip
        company.up_until(now)
        Publisher(company.pg.role("publisher"), company.alerts).run(now, first_day=world.days[0])

    def _deliver(self, piece: Piece) -> None:
        rollup = self.measure[piece.person, piece.slot, piece.name]
        self.company.pg.owner.run(
            """insert into person_rollup (org, person, slot, policy, at_screen, looking_away, on_phone, absent, unknown,
                 not_observed, frames, windows)
               values (:org, :person, to_timestamp(:slot), :policy, :at_screen, :looking_away, :on_phone, :absent,
                 :unknown, 0, 30, :windows)
               on conflict (person, slot, policy) do update set
                 at_screen = person_rollup.at_screen + excluded.at_screen,
                 looking_away = person_rollup.looking_away + excluded.looking_away,
                 on_phone = person_rollup.on_phone + excluded.on_phone,
                 absent = person_rollup.absent + excluded.absent,
                 unknown = person_rollup.unknown + excluded.unknown,
                 windows = person_rollup.windows + excluded.windows""",
            org=self.company.org,
            person=self.ids[piece.person],
            slot=piece.slot,
            policy="p-9" if piece.by_name else "p-1",
            windows=piece.observed // 300,
            **rollup._asdict(),
        )

    def reader(self, person: str | None, team: str, now: int) -> str:
        teams = [self.company.teams[team]]
        who = self.ids[person] if person else None
        return issuing.new_token(
            self.company.office,
            self.company.org,
            f"reads {person}",
            "manager",
            now=now,
            teams=teams,
            person=who,
            days=300,
        ).token


@pytest.fixture
def life(pg: FreshDatabase, tmp_path: Path) -> Life:
    world = suitable(0)
    begins = instant(world.months[0], 0, world.zones[TEAM, world.months[0]])
    admin = pg.role("admin")
    office = Office(admin, PostgresDocuments(admin), FileSealKeys(tmp_path / "seal-keys"), KeyFiles(tmp_path / "keys"))
    org = provision.create_organisation(office, "Generated", ENDPOINT, now=begins - 60 * DAY, work_hours=HOURS).id
    rng = random.Random(7)
    life = Life(Company(pg, office, org), world)
    for piece in world.pieces:
        cuts = sorted(rng.randint(0, piece.observed) for _ in range(4))
        parts = [b - a for a, b in zip([0, *cuts], [*cuts, piece.observed], strict=True)]
        life.measure[piece.person, piece.slot, piece.name] = Rollup(*parts)
    return life


def rows(told: object) -> list[dict[str, object]]:
    """Rows without the note that says that a correction went in, which the house does not keep."""
    assert isinstance(told, list)
    return [{name: value for name, value in row.items() if name != "corrected"} for row in told]


def body(answer: Answer) -> dict[str, object]:
    assert answer.status == 200, answer.content
    return dict(json.loads(answer.content))


def test_the_house_of_the_search_answers_as_the_service_does(life: Life, tmp_path: Path) -> None:
    world, company = life.world, life.company
    house = House(world, lambda person, slot, piece, _: life.measure[person, slot, piece], percent, words_unknown=False)
    house.live()

    life.found()
    reader = life.reader("reader", TEAM, instant(world.months[0], 0, world.zones[TEAM, world.months[0]]))
    life.until(instant(world.days[0], 720, world.zones[TEAM, world.months[0]]))  # the first month is frozen
    promoted = life.reader("promoted", TEAM, instant(world.days[0], 720, world.zones[TEAM, world.months[0]]))
    for team in TEAMS:
        company.pg.owner.run(
            "update team set time_zone = :zone where id = :team",
            zone=world.zones[team, world.months[1]].key, team=company.teams[team],
        )  # fmt: skip
    for now in sorted({TIMING.fixed_at(day, world.zone(team, day)) for team in TEAMS for day in world.days}):
        life.until(now)
    for team, day in world.withdrawn:
        if (team, day) in house.released and house.released[team, day][0].blocks:
            place = {"org": company.org, "team": company.teams[team], "day": day.isoformat()}
            company.pg.owner.run(
                """insert into block_withdrawal (org, team, day, number, reason)
                   values (:org, :team, cast(:day as date), 1, 'a device was wrong')""", **place
            )  # fmt: skip
            company.pg.owner.run(
                """insert into block_annotation (org, team, day, number, note)
                   values (:org, :team, cast(:day as date), 1, 'a note')""", **place
            )  # fmt: skip
    life.until(last_instant(world))

    client = Client(company, tmp_path, Clock(last_instant(world)))
    try:
        compare(life, house, client, reader, promoted)
    finally:
        client.close()


def lines(text: str) -> list[str]:
    """A CSV's lines in their order, whether a row was corrected left out: the model does not say it."""
    return text.replace(",yes,", ",no,").splitlines()


def compare(life: Life, house: House, client: Client, reader: str, promoted: str) -> None:
    world, company = life.world, life.company
    first, last = world.days[0], world.days[-1]
    compared = 0
    for team in TEAMS:
        token = reader if team == TEAM else life.reader(None, team, client.clock.now)
        kept = [one for (where, _), (one, _) in sorted(house.released.items()) if where == team]
        path = f"/v1/teams/{company.teams[team]}/summary"
        for begin in days_between(first, last):
            for end in days_between(begin, last):
                for bucket in ("block", "day"):
                    asked = {"from": begin.isoformat(), "to": end.isoformat(), "bucket": bucket}
                    expected = summary(company.teams[team], world.zone(team, last), kept, begin, end, bucket)
                    told = body(client.ask("GET", path, token=token, query=asked))
                    assert rows(told["rows"]) == rows(expected["rows"]) and told["total"] == expected["total"]
                    compared += len(expected["rows"])
        text = client.ask("GET", path, token=token, query=asked, accept="text/csv").content.decode()
        assert lines(text) == lines(to_csv(expected))
    assert compared > 3 * 10 * 2 and any(one.blocks for one, _ in house.released.values()), "nothing was compared"

    path, begin = f"/v1/teams/{company.teams[TEAM]}/summary", month_of(last)
    counted = {"from": first.isoformat(), "to": last.isoformat()}
    assert client.ask("GET", path, token=promoted, query=counted).status == 403, "they were counted in it"
    after = {"from": begin.isoformat(), "to": last.isoformat()}
    assert client.ask("GET", path, token=promoted, query=after).status == 200

    named = {piece.person for piece in world.pieces if piece.by_name}
    for person in sorted(named - world.erased.keys()):
        told = body(client.ask("GET", f"/v1/people/{life.ids[person]}/summary", token=reader, query=counted))
        house_told = House(replace(world, corrections=[]), house.measure, percent, words_unknown=False).by_name(person)
        corrected = any(word.person == person for _, word in world.corrections)
        assert isinstance(told["days"], list) and len(told["days"]) == len(house_told)
        assert corrected or [row["at_screen"] for row in told["days"]] == house_told
    member = next(p for p in sorted(house.cohorts[TEAM, begin]) if p not in world.erased and p.startswith(TEAM))
    laptop = client.enrol(life.ids[member])
    assert (last - first).days < MAX_DAYS
    page = body(laptop.ask("GET", "/v1/me/reports", **counted))
    manager_sees = summary(
        company.teams[TEAM], world.zone(TEAM, last),
        [one for (where, day), (one, _) in sorted(house.released.items()) if where == TEAM and day >= begin],
        begin, last, "block",
    )  # fmt: skip
    assert isinstance(page["teams"], list)
    assert rows(page["teams"][-1]["rows"]) == rows(manager_sees["rows"])
    export = laptop.ask("GET", "/v1/me/export").content.decode()
    for person, id in life.ids.items():
        if person != member:
            assert id not in export and id not in json.dumps(page), f"{member} is told about {person}"
