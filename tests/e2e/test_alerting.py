"""Promise: what is found is raised once and resolved once, every message about it goes out whatever happens in between,
only to administrators, and nobody learns from an alert when somebody worked.
"""

from __future__ import annotations

import json
import re
import secrets
import signal
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from types import SimpleNamespace

import pytest

from sync_service import admin_alert_verbs, issuing
from sync_service.alerting import LEASE_SECONDS, Alerting
from sync_service.alerts import RULES
from sync_service.errors import ServiceError
from sync_service.local.outbound import Outbound
from sync_service.opener import Opener
from sync_service.ports import Sent
from sync_service.provision import RequestError
from tests.e2e.client import Client, Clock
from tests.e2e.office import MONDAY, NOW, found
from tests.fakes import FakeAlerts, FakeSealKeys
from tests.receivers import mails, make_certificate, wait_for, webhooks
from tests.world import NOW as WORLD_NOW
from tests.world import World, window

DAY = 86400


class Courier:
    """Notes what it is given; `failing` is how every attempt ends."""

    def __init__(self):
        self.sent, self.failing = [], None

    def send(self, channel, delivery, body, *, now):
        self.sent.append((channel.target, delivery, json.loads(body)))
        return self.failing or Sent()

    def told(self):
        return [(body["event"], body["alert"]["rule"]) for _, _, body in self.sent]


class Office:
    """A company with an administrator, an alerting loop and its clock."""

    def __init__(self, pg, folder):
        self.pg, self.company = pg, found(pg, folder)
        self.org = self.company.org
        issuing.rotate_seal_key(self.company.office, self.org, now=NOW)
        self.people = self.company.team("red", 6)
        self.admin = self.reader("admin")
        self.clock, self.courier, self.said = Clock(), Courier(), FakeAlerts()
        self.alerting = self.make(self.courier)

    def make(self, courier, **more):
        return Alerting(self.pg.role("alerts"), courier, self.said, clock=self.clock, version="1.0.0", **more)

    def reader(self, role, person=None):
        teams = [self.company.teams["red"]] if role == "manager" else []
        return issuing.new_token(
            self.company.office, self.org, f"the {role}", role, now=NOW, person=person, teams=teams
        )

    def verb(self, act, now=NOW, **options):
        defaults = {"org": None, "email": None, "webhook": None, "allow_private": False}
        return admin_alert_verbs.ALERT_VERBS["alerts", act](
            self.company.office, SimpleNamespace(**{**defaults, **options}), now
        )

    def channel(self, url="https://hooks.example.org/x", **more):
        return self.verb("add", reader=self.admin.manager, webhook=url, **more)

    def run(self, later=0):
        """Look, then send all that is due."""
        self.clock.now += later
        self.alerting.look()
        self.drain()

    def drain(self):
        for _ in range(50):
            if not self.alerting.deliver():
                return
        raise AssertionError("it never ends")

    def laptop(self, *, enrolled, heard=None):
        """A laptop of somebody's, last heard of on a day (UTC noon)."""
        person, device = self.people.pop(), secrets.token_hex(16)
        self.pg.owner.run(
            """insert into device (id, org, person, public, enrolled_at)
               values (:id, :org, :person, decode(repeat('01', 32), 'hex'), cast(:day as timestamp) at time zone 'UTC')""",
            id=device, org=self.org, person=person, day=f"{enrolled} 12:00",
        )  # fmt: skip
        if heard:
            self.heard(device, heard)
        return SimpleNamespace(id=device, person=person)

    def heard(self, device, day):
        self.pg.owner.run(
            """insert into device_progress (device, org, seqs, lost, last_received_at)
               values (:id, :org, '{[1,2)}', 0, cast(:day as timestamp) at time zone 'UTC')
               on conflict (device) do update set last_received_at = excluded.last_received_at""",
            id=device, org=self.org, day=f"{day} 12:00",
        )  # fmt: skip

    def open(self):
        rows = self.pg.owner.run("select rule, subject from alert where resolved_on is null order by rule, subject")
        return [row["rule"] for row in rows]

    def waiting_envelope(self, at):
        self.pg.owner.run("select create_envelope_partition(to_timestamp(:t))", t=at)
        self.pg.owner.run(
            """insert into envelope (org, device, id, created, key, suite, sealed, sig, received_at)
               values (:org, :org, gen_random_uuid(), 1, :org, 1, ''::bytea, ''::bytea, to_timestamp(:at))""",
            org=self.org, at=at,
        )  # fmt: skip

    def opened(self, at):
        self.pg.owner.run("update envelope set settled_at = to_timestamp(:at)", at=at)


@pytest.fixture
def office(pg, tmp_path):
    return Office(pg, tmp_path)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("certificate"))


def test_raised_once_and_resolved_once_in_this_order(office):
    office.channel()
    office.waiting_envelope(NOW - 1000)
    for _ in range(3):
        office.run(later=60)
    assert office.courier.told() == [("raised", "opener_behind")] and office.open() == ["opener_behind"]
    assert [kind for kind, *_ in office.said.raised] == ["opener_behind"]
    office.opened(NOW)
    for _ in range(3):
        office.run(later=60)
    assert office.courier.told() == [("raised", "opener_behind"), ("resolved", "opener_behind")]
    assert office.courier.sent[0][2]["alert"]["id"] == office.courier.sent[1][2]["alert"]["id"] and not office.open()
    office.waiting_envelope(office.clock.now - 901)
    office.run(later=60)
    assert office.courier.told()[2:] == [("raised", "opener_behind")], "a new time is a new alert"


def test_two_that_look_at_once_raise_once(office):
    office.channel()
    office.waiting_envelope(NOW - 1000)
    other = Alerting(office.pg.role("alerts"), office.courier, office.said, clock=office.clock)
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda one: one.look(), [office.alerting, other] * 4))
    assert office.pg.owner.run("select count(*) as n from alert_delivery") == [{"n": 1}]


def test_an_organisation_that_cannot_be_judged_silences_no_other(office, tmp_path, caplog):
    other = found(office.pg, tmp_path / "other", "Other Ltd")
    first, second = sorted((office.org, other.org))
    run = office.pg.owner.run
    run("create table broken (org text primary key)")
    run("grant select on broken to framekeep_alerts")
    run(
        """create function refuse_broken() returns trigger language plpgsql as
           'begin if exists (select from broken where org = new.org) then raise exception ''odd''; end if; return new; end'"""
    )
    run("create trigger odd before insert or update on alert_look for each row execute function refuse_broken()")
    run("insert into broken values (:org)", org=first)
    office.alerting.look()
    assert run("select org::text as org from alert_look") == [{"org": second}]
    assert f"organisation {first} cannot be judged" in caplog.text
    run("insert into broken values (:org)", org=second)
    office.clock.now += DAY
    with pytest.raises(ServiceError):
        office.alerting.look()
    run("delete from broken")
    office.alerting.look()
    assert len(run("select org from alert_look")) == 2


def test_laptops_silent_for_three_working_days_by_the_policys_hours(office):
    """NOW is Wednesday the 11th. Last heard of on Thursday the 5th, there lie Friday, Monday and Tuesday in between."""
    office.channel()
    office.laptop(enrolled="2026-11-02", heard="2026-11-06")  # Monday and Tuesday only
    office.laptop(enrolled="2026-11-02", heard="2026-11-10")
    office.run()
    assert office.open() == []
    silent = office.laptop(enrolled="2026-11-02", heard="2026-11-05")
    never = office.laptop(enrolled="2026-11-03")
    declined = office.laptop(enrolled="2026-11-03")
    revoked = office.laptop(enrolled="2026-11-03")
    office.pg.owner.run(
        "insert into participation values (:id, :org, false, '2026-11-03')", id=declined.id, org=office.org
    )
    office.pg.owner.run("update device set revoked_at = now() where id = :id", id=revoked.id)
    office.run(later=3600)
    assert office.open() == [], "laptops are looked at once a day"
    office.verb("rule", rule="devices_silent", enabled=None, at_least=3, oldest_agent=None)
    office.run(later=DAY)  # Thursday: the one last heard of on Friday has become silent as well
    assert office.open() == ["devices_silent"]
    ((_, _, body),) = office.courier.sent
    assert body["alert"]["message"].startswith("3 of 4 laptops have sent nothing for three working days")
    raw = json.dumps(body)
    for one in (silent, never):
        assert one.id not in raw and one.person not in raw, "which laptops, the list of devices says, by day"
        office.heard(one.id, "2026-11-12")
    office.run(later=3600)
    assert office.open() == ["devices_silent"], "that somebody came back shows the day after"
    office.run(later=DAY)
    assert office.open() == [] and office.courier.told()[-1] == ("resolved", "devices_silent")


def test_whom_the_service_could_not_hear_is_not_silent(office):
    office.laptop(enrolled="2026-10-20", heard="2026-10-30")
    office.pg.owner.run("delete from uptime")
    for began, ended in (("2026-10-01", "2026-11-01"), ("2026-11-06 03:00", "2026-11-11 12:00")):
        office.pg.owner.run(
            """insert into uptime values (cast(:a as timestamp) at time zone 'UTC',
                 cast(:b as timestamp) at time zone 'UTC')""", a=began, b=ended,
        )  # fmt: skip
    office.run()
    assert office.open() == [], "Monday and Tuesday only since the service came back"
    office.run(later=DAY)
    assert office.open() == ["devices_silent"]


def test_no_time_of_day_is_stored_with_an_alert_or_a_version(office):
    office.laptop(enrolled="2026-10-20", heard="2026-10-30")
    office.channel()
    office.run()
    for table in ("alert", "alert_look", "device_agent", "alert_channel"):
        columns = office.pg.owner.run(
            "select data_type::text as t from information_schema.columns where table_name = :table", table=table
        )
        assert {column["t"] for column in columns}.isdisjoint(
            {"timestamp with time zone", "timestamp without time zone", "time without time zone"}
        ), table
    assert not re.search(r"\d\d:\d\d", json.dumps(office.courier.sent))


def test_agents_that_are_outdated_are_counted_by_version(pg, tmp_path):
    """From what laptops really send: sealed, opened, the version of the newest envelope kept."""
    world = World(pg.owner)
    old, new = world.laptop(), world.laptop()
    keys = FakeSealKeys(world.seal_key)
    world.store(old.seal(window(WORLD_NOW - 900), seq=2), old.seal(window(WORLD_NOW - 600), seq=1))
    world.store(new.seal(window(WORLD_NOW - 900)))
    Opener(pg.role("opener"), keys, FakeAlerts(), clock=lambda: WORLD_NOW).drain()
    rows = pg.owner.run("select version, seq, since::text as since from device_agent order by seq")
    assert rows == [
        {"version": "1.0.0", "seq": 1, "since": "2025-11-21"},
        {"version": "1.0.0", "seq": 2, "since": "2025-11-21"},
    ]
    for days, (version, open_now) in enumerate([("1.0.9", 0), ("1.1.0", 1), ("1.0.3", 0)], start=1):
        clock = Clock(WORLD_NOW + DAY * days)
        Alerting(pg.role("alerts"), Courier(), FakeAlerts(), clock=clock, version=version).look()
        found_now = pg.owner.run("select message from alert where rule = 'agents_outdated' and resolved_on is null")
        assert len(found_now) == open_now, version
        if found_now:
            assert found_now[0]["message"].startswith("2 of 2 laptops run a version of the program older than 1.1;")


def test_the_version_that_is_kept_of_a_laptop_is_in_its_persons_export(office, tmp_path):
    client = Client(office.company, tmp_path)
    try:
        laptop = client.enrol(office.people[0])
        office.pg.owner.run(
            "insert into device_agent values (:id, :org, '1.0.0', 7, '2026-11-10')", id=laptop.id, org=office.org
        )
        (told,) = laptop.ask("GET", "/v1/me/export").body["devices"]
        assert (told["agent"], told["agent_since"]) == ("1.0.0", "2026-11-10")
    finally:
        client.close()


def test_a_teams_share_of_could_not_tell_comes_from_shown_blocks_only(office, tmp_path):
    office.channel()
    team_people = office.people
    team = office.company.teams["red"]

    def block(day, unknown, shown_at, withdrawn=False):
        at = int(datetime(day.year, day.month, day.day, 9, tzinfo=UTC).timestamp())
        common = {"org": office.org, "team": team, "day": day.isoformat(), "at": at, "shown": shown_at}
        office.pg.owner.run(
            """insert into released_day values (:org, :team, cast(:day as date), 'Europe/Berlin', 'p-1', 5, null,
                 to_timestamp(:shown), to_timestamp(:shown))""",
            **common,
        )
        office.pg.owner.run(
            """insert into released_block values (:org, :team, cast(:day as date), 1, to_timestamp(:at),
                 to_timestamp(:at + 900), 900, 20, 20, 20, 20, :unknown, 95, '5-7', false, to_timestamp(:shown))""",
            unknown=unknown,
            **common,
        )
        if withdrawn:
            office.pg.owner.run(
                "insert into block_withdrawal values (:org, :team, cast(:day as date), 1, 'wrong')",
                org=office.org, team=team, day=day.isoformat(),
            )  # fmt: skip

    monday = MONDAY - timedelta(days=7)
    for n in range(2):
        block(monday + timedelta(days=n), 60, NOW - 5 * DAY)
    block(monday + timedelta(days=2), 95, NOW - 4 * DAY, withdrawn=True)
    block(monday + timedelta(days=3), 90, NOW + 5 * DAY)  # fixed, and not yet shown to managers
    office.run()
    assert office.open() == []
    block(monday + timedelta(days=4), 40, NOW - DAY)
    office.run(later=DAY)
    assert office.open() == ["could_not_tell"]
    told = office.courier.sent[-1][2]["alert"]
    assert told["team"] == {"id": team, "name": "red"} and "40 %" in told["message"] and "53" not in told["message"]

    # An administrator who was counted in the team reads none of its numbers, and no alert about them either.
    client = Client(office.company, tmp_path)
    client.clock = office.clock
    try:
        path = ("GET", "/v1/alerts")
        counted = office.reader("admin", person=team_people[0])
        assert [a["rule"] for a in client.ask(*path, token=counted.token).body["alerts"]] == ["could_not_tell"]
        office.pg.owner.run(
            "insert into cohort_month values (:org, :team, '2026-11-01', 'Europe/Berlin', now())",
            org=office.org, team=team,
        )  # fmt: skip
        office.pg.owner.run(
            "insert into cohort values (:org, :person, '2026-11-01', :team)",
            org=office.org, team=team, person=team_people[0],
        )  # fmt: skip
        assert client.ask(*path, token=counted.token).body["alerts"] == []
        assert len(client.ask(*path, token=office.admin.token).body["alerts"]) == 1
    finally:
        client.close()


def test_documents_and_quarantine(office):
    office.channel()
    office.run(later=30 * DAY)
    assert office.open() == []
    office.run(later=2 * DAY)  # the seal key, which nobody rotated, ends on day 45
    office.run(later=264 * DAY)  # the policy ends on day 325
    told = [body["alert"]["message"] for _, _, body in office.courier.sent]
    assert [message.partition(";")[0] for message in told] == [
        "The seal key holds for 13 more days", "The policy holds for 29 more days",
    ]  # fmt: skip
    issuing.rotate_seal_key(office.company.office, office.org, now=office.clock.now)
    office.run(later=60)
    told = [(body["event"], body["alert"]["message"]) for _, _, body in office.courier.sent]
    assert told[2:] == [("resolved", "The seal key was renewed.")] and office.open() == ["documents_running_out"]
    for n in range(10):
        office.pg.owner.run(
            """insert into quarantine (device, digest, reason, org, envelope, created, key, suite, sealed, sig, received_at, at)
               values (:org, substring(sha256(cast(:n as text)::bytea) for 16), 'conflict', :org, gen_random_uuid(), 1, :org, 1,
                 ''::bytea, ''::bytea, to_timestamp(:now), to_timestamp(:now))""",
            org=office.org, n=str(n), now=office.clock.now,
        )  # fmt: skip
    office.run(later=60)
    assert "quarantine_growing" in office.open()
    office.run(later=2 * DAY)
    assert "quarantine_growing" not in office.open()


def test_what_fails_is_tried_again_with_the_same_id_for_a_day_and_then_given_up(office):
    broken, fine = office.channel(), office.channel("https://other.example.org/y")
    office.waiting_envelope(NOW - 1000)
    calls = []

    class HalfBroken(Courier):
        def send(self, channel, delivery, body, *, now):
            super().send(channel, delivery, body, now=now)
            bad = "hooks" in channel.target
            calls.append((now, delivery)) if bad else None
            return Sent("answered 500") if bad else Sent()

    courier = HalfBroken()
    office.alerting = office.make(courier, chance=lambda: 0.5)
    for _ in range(26 * 6):
        office.run(later=600)
    assert len({delivery for _, delivery in calls if calls[0][1] == delivery}) == 1
    first = [now for now, delivery in calls if delivery == calls[0][1]]
    assert 14 <= len(first) <= 25 and first[-1] - first[0] <= DAY
    assert all(later - earlier >= 600 for earlier, later in pairwise(first))
    states = office.pg.owner.run(
        "select state from alert_delivery where channel = :c and event = 'raised' order by created_at",
        c=broken["channel"],
    )
    assert states[0]["state"] == "given_up"
    assert "channel_failing" in office.open()
    about = [(target, body["alert"]["rule"]) for target, _, body in courier.sent]
    assert ("https://other.example.org/y", "channel_failing") in about
    assert not any("hooks" in target and rule == "channel_failing" for target, rule in about), "not through itself"
    office.alerting = office.make(office.courier)
    office.verb("test", now=office.clock.now, channel=broken["channel"])
    office.run(later=60)
    office.run(later=60)
    assert "channel_failing" not in office.open()
    told = office.verb("channels")["channels"]
    assert {row["id"]: row["active"] for row in told} == {broken["channel"]: True, fine["channel"]: True}


def test_410_is_given_up_at_once(office):
    office.channel()
    office.waiting_envelope(NOW - 1000)
    office.courier.failing = Sent("answered 410", final=True)
    office.run()
    office.run(later=DAY)
    assert len([1 for event in office.courier.told() if event == ("raised", "opener_behind")]) == 1


def test_alerts_are_for_administrators(office):
    for role in ("auditor", "manager"):
        with pytest.raises(RequestError, match="administrators only"):
            office.verb("add", reader=office.reader(role).manager, webhook="https://hooks.example.org/x")
    office.channel()
    office.waiting_envelope(NOW - 1000)
    office.alerting.look()
    issuing.revoke_manager(office.company.office, office.org, office.admin.manager, now=NOW)
    office.run(later=60)
    assert office.courier.sent == [], "not even what waited already"
    assert office.pg.owner.run("select state from alert_delivery") == [{"state": "given_up"}]


def test_the_command_refuses_what_cannot_work(office, tmp_path):
    for act, options, words in (
        ("add", {"reader": office.admin.manager, "webhook": "http://x.example/"}, "https://"),
        ("add", {"reader": office.admin.manager, "email": "ops@example.org"}, "no mail server yet"),
        ("rule", {"rule": "could_not_tell", "at_least": 96, "oldest_agent": None, "enabled": None}, "95 percent"),
        ("rule", {"rule": "opener_behind", "at_least": 0, "oldest_agent": None, "enabled": None}, "whole number"),
        ("rule", {"rule": "opener_behind", "at_least": None, "oldest_agent": "1", "enabled": None}, "agents_outdated"),
        ("remove", {"channel": "0" * 32}, "no channel"),
        ("mail", {"server": "mail.example.org", "sender": "a@b.example", "security": "none", "user": None,
                  "password_file": None}, "this machine only"),
        ("mail", {"server": "mail.example.org", "sender": "a@b.example", "security": "tls", "user": "x",
                  "password_file": None}, "together"),
    ):  # fmt: skip
        with pytest.raises(RequestError, match=words):
            office.verb(act, **options)
    (tmp_path / "password").write_text("secret\n")
    made = office.verb(
        "mail", server="mail.example.org:2525", sender="a@b.example", security="starttls", user="x",
        password_file=tmp_path / "password",
    )  # fmt: skip
    assert made["server"] == "mail.example.org:2525" and "secret" not in json.dumps(made)
    assert "secret" not in office.verb("add", reader=office.admin.manager, email="ops@example.org")
    assert {row["rule"] for row in office.verb("rules")["rules"]} == set(RULES)


def test_administrators_read_alerts_page_by_page_and_the_log_says_so(office, tmp_path):
    office.waiting_envelope(NOW - 1000)
    for _ in range(2):
        office.run(later=60)
        office.opened(NOW)
        office.run(later=60)
        office.waiting_envelope(office.clock.now - 950)
    office.run(later=60)
    client = Client(office.company, tmp_path)
    client.clock = office.clock
    try:
        first = client.ask("GET", "/v1/alerts", token=office.admin.token, query={"limit": "2"})
        assert first.status == 200 and [a["resolved_on"] is None for a in first.body["alerts"]] == [True, False]
        rest = client.ask(
            "GET", "/v1/alerts", token=office.admin.token, query={"limit": "2", "after": first.body["next"]}
        )
        assert len(rest.body["alerts"]) == 1 and rest.body["next"] is None
        only = client.ask("GET", "/v1/alerts", token=office.admin.token, query={"state": "open"})
        assert len(only.body["alerts"]) == 1 and only.body["alerts"][0]["about"] == "service"
        assert client.ask("GET", "/v1/alerts", token=office.admin.token, query={"state": "x"}).status == 400
        for role in ("manager", "auditor"):
            assert client.ask("GET", "/v1/alerts", token=office.reader(role).token).status == 403
        assert client.ask("GET", "/v1/alerts").status == 401
        log = office.pg.owner.run("select action, count(*) as n from access_log group by action order by action")
        assert log == [{"action": "alerts", "n": 3}, {"action": "alerts_refused", "n": 2}]
    finally:
        client.close()


SENDER = """
import ssl, sys, time
from sync_service.alerting import Alerting
from sync_service.local.alerts import LogAlerts
from sync_service.local.database import PostgresDatabase
from sync_service.local.outbound import Outbound
conninfo, certificate, now, act = sys.argv[1:]
db = PostgresDatabase(conninfo, size=2)
courier = Outbound(ssl.create_default_context(cafile=certificate))
alerting = Alerting(db, courier, LogAlerts(), clock=lambda: int(now))
if act == "look":
    alerting.look()
    print("looked", flush=True)
    time.sleep(60)
while alerting.deliver():
    print("sent", flush=True)
"""


def test_killed_between_raised_and_delivered_it_is_neither_lost_nor_told_under_two_ids(office, certificate):
    """A real process and kill -9: after raising and before sending; while the receiver has the message and the sender does
    not know it yet; then a sender that is let live. A receiver that keeps ids has the alert once.
    """

    def sender(act, later=0):
        return subprocess.Popen(
            [sys.executable, "-c", SENDER, office.pg.conninfo("framekeep_alerts"), str(certificate.file),
             str(NOW + later), act],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def kill(process):
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()

    with webhooks(certificate) as receiver, mails(certificate) as mail:
        office.verb(
            "mail", server=f"localhost:{mail.port}", sender="alerts@acme.example", security="starttls", user=None,
            password_file=None,
        )  # fmt: skip
        office.channel(receiver.url(), allow_private=True)
        office.waiting_envelope(NOW - 1000)
        process = sender("look")
        assert process.stdout.readline() == "looked\n"
        kill(process)
        assert receiver.posts == [] and office.open() == ["opener_behind"]
        office.alerting.look()
        assert office.pg.owner.run("select count(*) as n from alert_delivery") == [{"n": 1}], "raised once"

        import threading

        receiver.hold = threading.Event()
        process = sender("deliver")
        assert receiver.came.wait(20)
        kill(process)
        receiver.hold.set()
        receiver.hold = None
        assert sender("deliver", later=LEASE_SECONDS - 1).wait(30) == 0
        assert len(receiver.posts) == 1, "who took it has its time to say how it went"
        assert sender("deliver", later=LEASE_SECONDS).wait(30) == 0
        assert sender("deliver", later=DAY).wait(30) == 0
        assert len(receiver.posts) == 2 and len({post.headers["framekeep-delivery"] for post in receiver.posts}) == 1
        assert receiver.posts[0].body == receiver.posts[1].body
        assert receiver.posts[0].headers["framekeep-signature"] != receiver.posts[1].headers["framekeep-signature"]
        states = office.pg.owner.run("select state, attempts::bigint as attempts from alert_delivery")
        assert states == [{"state": "delivered", "attempts": 2}]


def test_a_real_mail_and_a_real_webhook_say_the_same(office, certificate):
    with webhooks(certificate) as receiver, mails(certificate) as mail:
        office.verb(
            "mail", server=f"localhost:{mail.port}", sender="alerts@acme.example", security="starttls", user=None,
            password_file=None,
        )  # fmt: skip
        office.verb("add", reader=office.admin.manager, email="ops@example.org")
        office.channel(receiver.url(), allow_private=True)
        office.waiting_envelope(NOW - 1000)
        office.alerting = office.make(Outbound(certificate.client))
        office.run()
        office.opened(NOW)
        office.run(later=60)
        wait_for(lambda: len(mail.mails) == 2 and len(receiver.posts) == 2)
        bodies = [json.loads(post.body)["alert"] for post in receiver.posts]
        assert [one["resolved_on"] is None for one in bodies] == [True, False]
        for body, letter in zip(bodies, mail.mails, strict=True):
            assert letter.get_payload(decode=True).decode().startswith(body["message"])
        day = date.fromtimestamp(NOW).isoformat()
        assert bodies[1]["raised_on"] == bodies[1]["resolved_on"] == day
