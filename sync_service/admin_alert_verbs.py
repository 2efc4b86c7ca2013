"""The acts of `framekeep-sync admin alerts`, as `admin_verbs.py` has the others."""

from __future__ import annotations

import argparse
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sync_service import provision
from sync_service.alert_message import Telling
from sync_service.alert_targets import email_problem, webhook_problem
from sync_service.alerting import post_message
from sync_service.alerts import RULES, Setting
from sync_service.ports import Database, Row
from sync_service.provision import Office, RequestError

Told = Mapping[str, Any]

LOOPBACK = ("127.0.0.1", "::1", "localhost")
_PORTS = {"starttls": 587, "tls": 465, "none": 25}


def _mail(office: Office, options: argparse.Namespace, _: int) -> Told:
    org = provision.the_organisation(office, options.org)
    host, port = _server(options.server, _PORTS[options.security])
    if options.security == "none" and host not in LOOPBACK:
        raise RequestError("mail goes unencrypted to this machine only; use --security starttls or tls")
    if (options.user is None) != (options.password_file is None):
        raise RequestError("give --user and --password-file together, or neither")
    if problem := email_problem(options.sender):
        raise RequestError(f"--from: {problem}")
    password = _first_line(options.password_file) if options.password_file else None
    with office.database.transaction() as tx:  # two statements, since this role may write a password and read none
        tx.run("delete from alert_mail where org = :org", org=org)
        tx.run(
            """insert into alert_mail (org, host, port, security, username, password, sender)
               values (:org, :host, :port, :security, :user, :password, :sender)""",
            org=org,
            host=host,
            port=port,
            security=options.security,
            user=options.user,
            password=password,
            sender=options.sender,
        )
    return {"server": f"{host}:{port}", "security": options.security, "from": options.sender}


def _add(office: Office, options: argparse.Namespace, now: int) -> Told:
    org = provision.the_organisation(office, options.org)
    reader = _administrator(office.database, org, options.reader)
    webhook: str | None = options.webhook
    problem = webhook_problem(webhook) if webhook else email_problem(options.email)
    if problem:
        raise RequestError(problem)
    if webhook is None:
        if options.allow_private:
            raise RequestError("--allow-private is for webhooks")
        if not office.database.run("select 1 as one from alert_mail where org = :org", org=org):
            raise RequestError("there is no mail server yet; set one with framekeep-sync admin alerts mail")
    channel, secret = secrets.token_hex(16), secrets.token_urlsafe(32) if webhook else None
    office.database.run(
        """insert into alert_channel (id, org, reader, kind, target, secret, allow_private, created_on)
           values (:id, :org, :reader, :kind, :target, :secret, :private,
             (to_timestamp(:now) at time zone 'UTC')::date)""",
        id=channel,
        org=org,
        reader=reader["id"],
        kind="webhook" if webhook else "email",
        target=webhook or options.email,
        secret=secret,
        private=options.allow_private,
        now=now,
    )
    told = {"channel": channel, "administrator": reader["name"], "target": webhook or options.email}
    if secret is None:
        return told
    return {**told, "secret": secret, "_": "The secret signs what is sent; it is shown once."}


def _remove(office: Office, options: argparse.Namespace, _: int) -> Told:
    channel = _channel(office, options)
    office.database.run("delete from alert_channel where id = :id", id=channel["id"])
    return {"channel": channel["id"], "removed": True}


def _test(office: Office, options: argparse.Namespace, now: int) -> Told:
    channel = _channel(office, options)
    org = channel["org"]
    name = office.database.run("select name from organisation where id = :org", org=org)[0]["name"]
    telling = Telling(None, "test", "test", "service", "This is a test: alerts arrive here.", org, name)
    delivery = post_message(office.database, telling, channel["id"], now=now)
    return {"message": delivery, "_": "The running service sends it within a minute; see admin alerts channels."}


def _channels(office: Office, options: argparse.Namespace, _: int) -> Told:
    rows = office.database.run(
        """select c.id::text as id, c.kind, c.target, m.name as administrator, c.allow_private,
             m.revoked_at is null and m.role = 'admin' as active,
             (select count(*) from alert_delivery d where d.channel = c.id and d.state = 'delivered') as delivered,
             (select count(*) from alert_delivery d where d.channel = c.id and d.state = 'waiting') as waiting,
             (select count(*) from alert_delivery d where d.channel = c.id and d.state = 'given_up') as given_up,
             (select d.last_error from alert_delivery d where d.channel = c.id and d.last_error is not null
              order by d.created_at desc limit 1) as last_failure
           from alert_channel c join manager m on m.id = c.reader where c.org = :org order by c.created_on, c.id""",
        org=provision.the_organisation(office, options.org),
    )
    return {"channels": rows}


def _rule(office: Office, options: argparse.Namespace, _: int) -> Told:
    org = provision.the_organisation(office, options.org)
    if options.oldest_agent is not None and options.rule != "agents_outdated":
        raise RequestError("--oldest-agent is for the rule agents_outdated")
    if options.at_least is not None and not 1 <= options.at_least <= 1_000_000:
        raise RequestError("--at-least is a whole number from 1 to 1000000")
    if options.rule == "could_not_tell" and options.at_least is not None and options.at_least > 95:
        raise RequestError("a share is at most 95 percent, since released numbers end there; give less")
    if options.oldest_agent is not None and not _is_version(options.oldest_agent):
        raise RequestError("--oldest-agent is written 1.4 or 1.4.2")
    office.database.run(
        """insert into alert_setting as s (org, rule, enabled, at_least, oldest_agent)
           values (:org, :rule, coalesce(cast(:enabled as boolean), true), :at_least, :oldest)
           on conflict (org, rule) do update set enabled = coalesce(cast(:enabled as boolean), s.enabled),
             at_least = coalesce(excluded.at_least, s.at_least),
             oldest_agent = coalesce(excluded.oldest_agent, s.oldest_agent)""",
        org=org,
        rule=options.rule,
        enabled=options.enabled,
        at_least=options.at_least,
        oldest=options.oldest_agent,
    )
    return next(row for row in _rules(office, options, 0)["rules"] if row["rule"] == options.rule)


def _rules(office: Office, options: argparse.Namespace, _: int) -> Told:
    org = provision.the_organisation(office, options.org)
    rows = office.database.run("select rule, enabled, at_least, oldest_agent from alert_setting where org = :o", o=org)
    known = {row["rule"]: Setting(row["enabled"], row["at_least"], row["oldest_agent"]) for row in rows}
    told = []
    for name, rule in RULES.items():
        setting = known.get(name, Setting())
        told.append(
            {
                "rule": name,
                "about": rule.about,
                "on": setting.enabled,
                "at_least": setting.at_least or rule.at_least,
                "unit": rule.unit,
                "oldest_agent": setting.oldest_agent,
            }
        )
    return {"rules": told}


def _list(office: Office, options: argparse.Namespace, _: int) -> Told:
    rows = office.database.run(
        """select rule, raised_on::text as raised_on, resolved_on::text as resolved_on, message from alert
           where org = :org order by row desc limit 200""",
        org=provision.the_organisation(office, options.org),
    )
    return {"alerts": rows}


def _administrator(db: Database, org: str, reader: str) -> Row:
    rows = db.run(
        """select id::text as id, name from manager
           where org = :org and id = cast(:id as text) and role = 'admin' and revoked_at is null""",
        org=org,
        id=reader,
    )
    if not rows:
        raise RequestError(
            f"{reader} is no administrator's id; alerts go to administrators only, see framekeep-sync admin token list"
        )
    return rows[0]


def _channel(office: Office, options: argparse.Namespace) -> Row:
    org = provision.the_organisation(office, options.org)
    rows = office.database.run(
        "select id::text as id, org::text as org from alert_channel where org = :org and id = cast(:id as text)",
        org=org,
        id=options.channel,
    )
    if not rows:
        raise RequestError(f"there is no channel {options.channel}; see framekeep-sync admin alerts channels")
    return rows[0]


def _server(text: str, port: int) -> tuple[str, int]:
    host, colon, number = text.rpartition(":")
    if colon and number.isascii() and number.isdigit() and "]" not in number and (":" not in host or host[:1] == "["):
        text, port = host, int(number)
    if not text or not 1 <= port <= 65535:
        raise RequestError("write the mail server as HOST or HOST:PORT")
    return text.strip("[]"), port


def _first_line(path: Path) -> str:
    try:
        line = path.read_text(encoding="utf-8").partition("\n")[0].rstrip("\r")
    except (OSError, UnicodeDecodeError):
        raise RequestError(f"{path} cannot be read; give a file that holds the password") from None
    if not line:
        raise RequestError(f"{path} is empty; its first line is the password")
    return line


def _is_version(text: str) -> bool:
    parts = text.split(".")
    return len(parts) <= 3 and all(part.isascii() and part.isdigit() and len(part) <= 6 for part in parts)


ALERT_VERBS: Mapping[tuple[str, str], Callable[[Office, argparse.Namespace, int], Told]] = {
    ("alerts", "mail"): _mail,
    ("alerts", "add"): _add,
    ("alerts", "remove"): _remove,
    ("alerts", "test"): _test,
    ("alerts", "channels"): _channels,
    ("alerts", "rule"): _rule,
    ("alerts", "rules"): _rules,
    ("alerts", "list"): _list,
}
"""As `admin_verbs.VERBS`."""
