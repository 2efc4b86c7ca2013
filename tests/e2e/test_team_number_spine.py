"""Promise: real sealed envelopes of a past working day become the number a manager reads, through every real part."""

from __future__ import annotations

import uuid
from zoneinfo import ZoneInfo

from agent.wire.envelope import format_body
from agent.wire.seal import seal
from agent.wire.summary import Summary, Window
from sync_service import issuing
from sync_service.app import build_endpoints
from sync_service.local.inbox import SqliteInbox
from sync_service.maintenance import make_partitions
from sync_service.opener import Opener
from sync_service.policies import current_keyset
from sync_service.publisher import Published, Publisher
from sync_service.timetable import Timing, instant
from sync_service.writer import Writer
from tests.e2e.client import Client
from tests.e2e.office import MONDAY, NOW, found

NINE = instant(MONDAY, 9 * 60, ZoneInfo("Europe/Berlin"))
HOURS = 4


def test_from_envelopes_to_the_managers_answer(pg, tmp_path):
    company = found(pg, tmp_path)
    people = company.team("red", 6)
    make_partitions(pg.role("maintenance"), now=NOW)
    client = Client(company, tmp_path)
    inbox = SqliteInbox(tmp_path / "inbox.sqlite")
    client.endpoints = build_endpoints(client.store, inbox, clock=client.clock)
    key = current_keyset(pg.role("publisher"), company.org).seal_key(NOW)
    try:
        for number, person in enumerate(people):
            laptop = client.enrol(person)
            windows = tuple(
                Window(NINE + 300 * n, at_screen=240 - 10 * number, on_phone=60 + 10 * number, frames=30)
                for n in range(HOURS * 12)
            )
            summary = Summary(1, windows, 0, "1.0.0", "3f9c", "p-1")
            envelope = seal(
                summary, org=company.org, device_key=laptop.key, key=key, envelope_id=uuid.uuid4(), created=NOW
            )
            assert client.ask("POST", "/v1/envelopes", body=format_body(envelope)).status == 202
        while Writer(inbox, pg.role("writer"), company.alerts).step().stored:
            pass
        opener = Opener(pg.role("opener"), client.store.seal_keys, company.alerts, clock=client.clock)
        while opener.step().rows:
            pass
        done = Publisher(pg.role("publisher"), company.alerts, Timing.without_delay()).run(NOW, first_day=MONDAY)
        assert done == Published(months=1, days=2, blocks=8, suppressed=1)
        token = issuing.new_token(
            company.office, company.org, "boss", "manager", now=NOW, teams=[company.teams["red"]]
        ).token
        answer = client.ask(
            "GET",
            f"/v1/teams/{company.teams['red']}/summary",
            token=token,
            query={"from": MONDAY.isoformat(), "to": MONDAY.isoformat(), "bucket": "day"},
        )
        (row,) = answer.body["rows"]
        # The mean over six people of (240 - 10 n) / 300 is 71.7 %.
        assert (row["status"], row["people"], row["shares"]["at_screen"]["text"]) == ("released", "5-7", "70")
        assert row["shares"]["on_phone"]["percent"] == 30 and row["shares"]["absent"]["text"] == "5 or less"
        # Four of ten hours were observed; the afternoon belongs to the last block.
        assert row["minutes"] == 600 and row["coverage"]["percent"] == 40
        assert not company.alerts.said
    finally:
        inbox.close()
        client.close()
