"""Alerts, raised once, resolved once, and brought out of the house.

`look` compares what the rules find with what is open; raising or resolving and writing down every message that follows
is one transaction. `deliver` takes a message that is due, sends it and notes that it was sent. Killed in between, the
message is sent again under the same id: at least once, never not at all, and never twice under two ids.
"""

from __future__ import annotations

import logging
import random
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import uuid4

from sync_service.alert_facts import gather, settings_of
from sync_service.alert_message import Telling, body_of, next_attempt
from sync_service.alerts import RULES, Finding, Setting, findings, resolved_words, to_raise, to_resolve
from sync_service.ports import Alerts, Channel, Courier, Database, MailServer, Row
from sync_service.version import VERSION

LEASE_SECONDS = 60
"""How long whoever took a message has to say how it went; longer than any attempt takes."""

_DUE = """
with due as (
  select d.id from alert_delivery d
    join alert_channel c on c.id = d.channel
    join manager m on m.id = c.reader and m.role = 'admin' and m.revoked_at is null
  where d.state = 'waiting' and d.next_at <= to_timestamp(:now)
    and not (d.event = 'resolved' and exists (
      select from alert_delivery e where e.alert = d.alert and e.channel = d.channel
        and e.event = 'raised' and e.state = 'waiting'))
  order by d.next_at limit 1 for update of d skip locked
)
update alert_delivery d set attempts = d.attempts + 1, next_at = to_timestamp(:until)
from due, alert_channel c left join alert_mail s on s.org = c.org
where d.id = due.id and c.id = d.channel
returning d.id::text as id, d.org::text as org, d.channel::text as channel, d.body, d.attempts::bigint as attempts,
  extract(epoch from d.created_at)::bigint as created, c.kind, c.target, c.secret, c.allow_private,
  s.host, s.port::bigint as port, s.security, s.sender, s.username, s.password
"""
"""What is resolved waits until what was raised went out. An administrator whose account ended gets nothing more."""

log = logging.getLogger(__name__)


class Alerting:
    """The loop's two steps. `db` speaks as framekeep_alerts, `courier` takes messages out, `said` keeps the service's
    own record of what was raised, `chance` answers from [0, 1).
    """

    def __init__(
        self,
        db: Database,
        courier: Courier,
        said: Alerts,
        *,
        clock: Callable[[], int],
        chance: Callable[[], float] = random.random,
        version: str = VERSION,
    ) -> None:
        self._db, self._courier, self._said, self._clock = db, courier, said, clock
        self._chance, self._version = chance, version

    def look(self) -> int:
        """Judge every organisation; how many alerts were raised or resolved. One that cannot be judged is logged and takes
        no other's alerts away. Raises Unavailable, or the last failure when none could be judged.
        """
        organisations = self._db.run("select id::text as id, name from organisation order by id")
        changes, failed = 0, 0
        for row in organisations:
            try:
                changes += self._look_at(row)
            except Exception as error:  # whatever is odd about one organisation is not the others' trouble
                failed += 1
                if failed == len(organisations):
                    raise
                log.warning("alerts: organisation %s cannot be judged now: %s", row["id"], error, exc_info=True)
        return changes

    def deliver(self) -> bool:
        """Send one message that is due; whether there was one. Raises Unavailable."""
        now = self._clock()
        rows = self._db.run(_DUE, now=now, until=now + LEASE_SECONDS)
        if not rows:
            self._drop_orphans(now)
            return False
        row = rows[0]
        sent = self._courier.send(_channel(row), row["id"], row["body"], now=now)
        after = self._clock()
        if sent.failure is None:
            self._settle(row, "delivered", None, after)
            return True
        again = next_attempt(
            row["attempts"], now=after, created=row["created"], chance=self._chance(), retry_after=sent.retry_after
        )
        if again is None or sent.final:
            self._settle(row, "given_up", sent.failure, after)
            log.warning("an alert could not be delivered and is given up: %s", sent.failure)
            return True
        self._db.run(
            """update alert_delivery set next_at = to_timestamp(:at), last_error = :error
               where id = cast(:id as uuid) and state = 'waiting'""",
            id=row["id"],
            at=again,
            error=sent.failure[:200],
        )
        return True

    def _settle(self, row: Row, state: str, failure: str | None, now: int) -> None:
        self._db.run(
            """update alert_delivery set state = :state, last_error = :error, settled_at = to_timestamp(:now)
               where id = cast(:id as uuid) and state = 'waiting'""",
            id=row["id"],
            state=state,
            error=failure and failure[:200],
            now=now,
        )

    def _drop_orphans(self, now: int) -> None:
        """Messages to channels of accounts that ended: nobody is to get them."""
        self._db.run(
            """update alert_delivery d set state = 'given_up', settled_at = to_timestamp(:now),
                 last_error = 'the channel''s administrator reads no more'
               from alert_channel c join manager m on m.id = c.reader
               where d.state = 'waiting' and c.id = d.channel and (m.role <> 'admin' or m.revoked_at is not null)""",
            now=now,
        )

    def _look_at(self, organisation: Row) -> int:
        org, now = organisation["id"], self._clock()
        today = datetime.fromtimestamp(now, UTC).date().isoformat()
        with self._db.transaction() as tx:
            tx.run("select pg_advisory_xact_lock(hashtextextended('alerts/' || :org, 0))", org=org)
            daily = not tx.run(
                "select 1 as one from alert_look where org = :org and day >= cast(:today as date)",
                org=org,
                today=today,
            )
            open_now = {(row["rule"], row["subject"]): row for row in tx.run(_OPEN, org=org)}
            settings = settings_of(tx, org)
            found = findings(gather(tx, org, now=now, daily=daily), settings, open_now, version=self._version)
            raised = to_raise(found, open_now, daily=daily)
            over = to_resolve(found, open_now, daily=daily)
            for one in raised:
                _raise(tx, organisation, one, today, now)
            for key in over:
                _resolve(tx, organisation, open_now[key], settings.get(key[0], Setting()), today, now)
            if daily:
                tx.run(
                    """insert into alert_look (org, day) values (:org, cast(:today as date))
                       on conflict (org) do update set day = excluded.day""",
                    org=org,
                    today=today,
                )
        for one in raised:
            self._said.alert(one.rule, one.message, org=org)
        return len(raised) + len(over)


_OPEN = """
select a.id::text as id, a.rule, a.subject, a.team::text as team, t.name as team_name, a.raised_on::text as raised_on,
  c.kind as channel_kind
from alert a left join team t on t.id = a.team left join alert_channel c on c.id = a.subject
where a.org = :org and a.resolved_on is null
"""


def _raise(tx: Database, organisation: Row, found: Finding, today: str, now: int) -> None:
    rows = tx.run(
        """insert into alert (id, org, rule, subject, team, from_day, to_day, message, raised_on)
           values (:id, :org, :rule, :subject, :team, cast(:first as date), cast(:last as date), :message,
             cast(:today as date))
           on conflict (org, rule, subject) where resolved_on is null do nothing
           returning id::text as id, (select name from team where team.id = alert.team) as team_name""",
        id=secrets.token_hex(16),
        org=organisation["id"],
        rule=found.rule,
        subject=found.subject,
        team=found.team,
        first=found.first.isoformat() if found.first else None,
        last=found.last.isoformat() if found.last else None,
        message=found.message,
        today=today,
    )
    for row in rows:
        telling = Telling(
            row["id"], "raised", found.rule, RULES[found.rule].about, found.message, organisation["id"],
            organisation["name"], found.team, row["team_name"], raised_on=today,
        )  # fmt: skip
        _post(tx, telling, found.subject, now)


def _resolve(tx: Database, organisation: Row, alert: Row, setting: Setting, today: str, now: int) -> None:
    done = tx.run(
        """update alert set resolved_on = cast(:today as date) where id = :id and resolved_on is null
           returning 1 as one""",
        id=alert["id"],
        today=today,
    )
    if not done:
        return
    rule = RULES.get(alert["rule"])
    what = {"email": "e-mail address", "webhook": "webhook"}.get(alert["channel_kind"], alert["subject"] or "channel")
    if rule is not None and rule.about == "channel" and alert["channel_kind"] is None:
        what = "channel"
    message = resolved_words(alert["rule"], setting, team=alert["team_name"] or "", what=what)
    telling = Telling(
        alert["id"], "resolved", alert["rule"], rule.about if rule else "service", message, organisation["id"],
        organisation["name"], alert["team"], alert["team_name"], alert["raised_on"], today,
    )  # fmt: skip
    _post(tx, telling, alert["subject"], now)


def _post(tx: Database, telling: Telling, subject: str, now: int) -> None:
    """A message for every channel of an administrator but the one it is about. What ends is told to those who were told
    that it began.
    """
    channels = tx.run(
        """select c.id::text as id from alert_channel c
             join manager m on m.id = c.reader and m.role = 'admin' and m.revoked_at is null
           where c.org = :org and c.id <> :subject and (:event = 'raised' or exists (
             select from alert_delivery d where d.alert = :alert and d.channel = c.id and d.event = 'raised'))
           order by c.id""",
        org=telling.organisation,
        subject=subject,
        event=telling.event,
        alert=telling.alert,
    )
    for channel in channels:
        post_message(tx, telling, channel["id"], now=now)


def post_message(tx: Database, telling: Telling, channel: str, *, now: int) -> str:
    """Write down one message for one channel, to be sent from now on; its id. `tx` may insert into alert_delivery."""
    delivery = str(uuid4())
    tx.run(
        """insert into alert_delivery (id, org, alert, channel, event, body, created_at, next_at)
           values (cast(:id as uuid), :org, :alert, :channel, :event, :body, to_timestamp(:now), to_timestamp(:now))""",
        id=delivery,
        org=telling.organisation,
        alert=telling.alert,
        channel=channel,
        event=telling.event,
        body=body_of(delivery, telling),
        now=now,
    )
    return delivery


def _channel(row: Row) -> Channel:
    mail = None
    if row["host"] is not None:
        mail = MailServer(
            **{name: row[name] for name in ("host", "port", "security", "sender", "username", "password")}
        )
    return Channel(row["kind"], row["target"], row["secret"], row["allow_private"], mail)
