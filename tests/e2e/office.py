"""An organisation over the real database, and colleagues whose measurements are there: what several suites set up."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

from sync_service import provision
from sync_service.key_files import KeyFiles
from sync_service.local.documents import PostgresDocuments
from sync_service.local.seal_keys import FileSealKeys
from sync_service.provision import Office
from tests.pg import FreshDatabase

ENDPOINT = "http://127.0.0.1:8440"
NOW = int(datetime(2026, 11, 11, 12, tzinfo=UTC).timestamp())
"""A Wednesday, so that the Monday before is long fixed and shown."""
MONDAY = date(2026, 11, 9)
NOVEMBER = date(2026, 11, 1)


class Quiet:
    """Alerts, kept for looking at."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str]] = []

    def alert(self, kind: str, message: str, **facts: int | str) -> None:
        self.said.append((kind, message))


@dataclass
class Company:
    """One organisation with teams and people in a fresh database."""

    pg: FreshDatabase
    office: Office
    org: str
    alerts: Quiet = field(default_factory=Quiet)
    teams: dict[str, str] = field(default_factory=dict)

    def team(self, name: str, people: int, *, zone: str = "Europe/Berlin", since: date | None = NOVEMBER) -> list[str]:
        """A team of `people` new people; their ids."""
        self.teams[name] = provision.create_team(self.office, self.org, name, zone, now=NOW - 30 * 86400)
        return [self.person(f"{name} {n}", name, since=since) for n in range(people)]

    def person(self, name: str, team: str, *, since: date | None = NOVEMBER, new: bool = False) -> str:
        """A person of the team. They count from their first day on, unless they are `new`: then after ten active days."""
        person = provision.add_person(self.office, self.org, name, self.teams[team], now=NOW, since=since)
        if not new:
            self.pg.owner.run(
                "insert into counted_person (person, org, since) values (:person, :org, '2026-01-01')",
                person=person,
                org=self.org,
            )
        return person

    def measured(self, person: str, first: int, slots: int, *, policy: str = "p-1", **seconds: int) -> None:
        """Rollups of `slots` quarter hours from `first` on, as the opener would have written them."""
        states = {"at_screen": 0, "looking_away": 0, "on_phone": 0, "absent": 0, "unknown": 0, **seconds}
        self.pg.owner.run(
            """insert into person_rollup (org, person, slot, policy, at_screen, looking_away, on_phone, absent, unknown,
                 not_observed, frames, windows)
               select :org, :person, to_timestamp(:first + 900 * n), :policy, :at_screen, :looking_away, :on_phone,
                 :absent, :unknown, 900 - :total, 90, 3 from generate_series(0, :slots - 1) n
               on conflict do nothing""",
            org=self.org,
            person=person,
            first=first,
            policy=policy,
            slots=slots,
            total=sum(states.values()),
            **states,
        )
        self.pg.owner.run(
            """insert into device_progress (device, org, seqs, lost, last_received_at)
               values (:device, :org, '{[1,2)}', 0, to_timestamp(:first)) on conflict do nothing""",
            device=self.org,  # any id: no device is needed for these suites
            org=self.org,
            first=first,
        )

    def up_until(self, at: int) -> None:
        """The service has been up all the time until `at`, as if the publisher had run every minute."""
        self.pg.owner.run("update uptime set last_at = to_timestamp(:at)", at=at)


def found(pg: FreshDatabase, folder: Path, name: str = "Acme") -> Company:
    """A new organisation in a fresh database, its keys in `folder`."""
    admin = pg.role("admin")
    office = Office(admin, PostgresDocuments(admin), FileSealKeys(folder / "seal-keys"), KeyFiles(folder / "keys"))
    made = provision.create_organisation(office, name, ENDPOINT, now=NOW - 40 * 86400)
    return Company(pg, office, made.id)
