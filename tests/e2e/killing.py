"""What the kill loops share: the real service as a process that may be killed at any moment, people and devices in its
data folder, and the count at the end: every window a laptop closed stands in the ledger exactly once.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from agent.lifeline import die_with_parent
from agent.wire.documents import WorkHours
from agent.wire.summary import STATES, Window
from sync_service.app import build_office, join_store, open_store
from sync_service.local.postgres import OWNER
from sync_service.provision import add_person, create_organisation, create_team, new_code

ALWAYS = (WorkHours((1, 2, 3, 4, 5, 6, 7), 0, 1440),)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Service:
    """`framekeep-sync serve` over one data folder, on one port, however often it is killed."""

    data: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, *, wait: bool = True) -> None:
        command = [sys.executable, "-m", "sync_service.cli", "serve", "--data", str(self.data)]
        self.process = subprocess.Popen(
            [*command, "--port", str(self.port)],
            stdout=subprocess.PIPE,
            stderr=(self.data.parent / "service.log").open("a"),
            text=True,
            preexec_fn=die_with_parent(),
        )
        if wait:
            assert self.process.stdout is not None
            line = self.process.stdout.readline()
            assert "serving" in line, (self.data.parent / "service.log").read_text()[-2000:]

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(30)


def set_up(data: Path, url: str, people: int) -> list[list[str]]:
    """An organisation whose policy holds around the clock, and two codes for each of `people`: two laptops each."""
    now = int(time.time())
    with join_store(data) as store:
        office = build_office(store)
        org = create_organisation(office, "Kill loop", url, now=now, work_hours=ALWAYS).id
        team = create_team(office, org, "Team", "UTC", now=now)
        persons = [add_person(office, org, f"Person {n}", team, now=now) for n in range(people)]
        return [[new_code(office, org, person, now=now).code for _ in range(2)] for person in persons]


def check_counts(data: Path, closed: dict[str, Iterable[Window]], *, seconds: float = 60.0) -> Counter[str]:
    """Wait until the service settled everything, then compare it with what each device (by id) closed.

    Every window is in the ledger once and no other is; of a person's two devices the first counts; the rollups are the
    sums of the counted windows; nothing is quarantined. Returns counts for the report.
    """
    with open_store(data) as store:
        database = store.database("opener")
        from sync_service.local.alerts import LogAlerts
        from sync_service.local.inbox import SqliteInbox
        from sync_service.opener import Opener
        from sync_service.writer import Writer

        inbox = SqliteInbox(data / "inbox.sqlite", arrived=lambda: None)
        writer = Writer(inbox, store.database("writer"), LogAlerts())
        opener = Opener(database, store.seal_keys, LogAlerts(), clock=lambda: int(time.time()))
        deadline = time.monotonic() + seconds
        while writer.step().stored or opener.step().rows:
            assert time.monotonic() < deadline
        inbox.close()
        assert store.server is not None
        from sync_service.local.database import PostgresDatabase

        owner = PostgresDatabase(store.server.conninfo(OWNER), size=1)
        try:
            assert owner.run("select reason, count(*) as n from quarantine group by reason") == []
            ledger = owner.run(
                "select device::text as device, person::text as person, counted,"
                " extract(epoch from window_start)::bigint as start from ledger"
            )
            rollups = owner.run(
                f"""select person::text as person, sum(windows)::bigint as windows, sum(frames)::bigint as frames,
                {", ".join(f"sum({state})::bigint as {state}" for state in STATES)} from person_rollup group by person"""
            )
        finally:
            owner.close()
    found: dict[str, set[int]] = {}
    for row in ledger:
        found.setdefault(row["device"], set()).add(row["start"])
    content = {device: {window.start: window for window in windows} for device, windows in closed.items()}
    for device in content.keys() | found.keys():
        here, there = set(content.get(device, {})), found.get(device, set())
        assert here == there, f"not in the ledger: {sorted(here - there)}; not closed: {sorted(there - here)}"
    expected: dict[str, Counter[str]] = {}
    taken: set[tuple[str, int]] = set()
    for row in ledger:
        if not row["counted"]:
            continue
        assert (row["person"], row["start"]) not in taken, "a window of one person was counted twice"
        taken.add((row["person"], row["start"]))
        window = content[row["device"]][row["start"]]
        total = expected.setdefault(row["person"], Counter())
        total.update({"windows": 1, "frames": window.frames, **window.seconds})
    assert taken == {(row["person"], row["start"]) for row in ledger}, "a window was counted for nobody"
    for row in rollups:
        person = row.pop("person")
        assert {name: int(value) for name, value in row.items()} == {
            name: expected[person][name] for name in ("windows", "frames", *STATES)
        }
    assert len(rollups) == len(expected)
    return Counter(windows=len(ledger), counted=len(taken), people=len(rollups))
