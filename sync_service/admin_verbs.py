"""The acts of `framekeep-sync admin`, each a call into `provision.py` or `issuing.py` and what is told about it."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from sync_service import issuing, provision
from sync_service.admin_alert_verbs import ALERT_VERBS
from sync_service.admin_document_verbs import DOCUMENT_VERBS
from sync_service.admin_people_verbs import PEOPLE_VERBS
from sync_service.admin_reader_verbs import READER_VERBS
from sync_service.drafting import ground
from sync_service.local.registry import PostgresRegistry
from sync_service.policies import current_papers, current_policy, policy_ground
from sync_service.policy_text import changes, terms
from sync_service.provision import Office, RequestError

Told = Mapping[str, Any]


def _org_create(office: Office, options: argparse.Namespace, now: int) -> Told:
    made = provision.create_organisation(office, options.name, options.endpoint, now=now, root_out=options.root_out)
    return {
        "organisation": made.id,
        "name": made.name,
        "endpoint": made.endpoint,
        "policy": made.policy,
        "seal_key": made.seal_key,
        "root_key_file": str(made.root_file),
        "_": "Move the root key's file to a medium you keep offline, with a copy elsewhere. It is needed for"
        " `key rotate` every 30 days and for nothing else; who has it can speak for the organisation.",
    }


def _org_list(office: Office, _: argparse.Namespace, __: int) -> Told:
    return {"organisations": office.database.run("select id::text as id, name from organisation order by name, id")}


def _team_create(office: Office, options: argparse.Namespace, now: int) -> Told:
    org = provision.the_organisation(office, options.org)
    team = provision.create_team(office, org, options.name, options.timezone, now=now)
    return {"team": team, "name": options.name, "time_zone": options.timezone}


def _team_list(office: Office, options: argparse.Namespace, _: int) -> Told:
    return _listed(
        office, options, "teams", "select id::text as id, name, time_zone from team where org = :org order by name"
    )


def _key_rotate(office: Office, options: argparse.Namespace, now: int) -> Told:
    org = provision.the_organisation(office, options.org)
    return {"seal_key": issuing.rotate_seal_key(office, org, now=now, suite=options.suite, root_file=options.root)}


def _keyset_renew(office: Office, options: argparse.Namespace, now: int) -> Told:
    org = provision.the_organisation(office, options.org)
    keyset = issuing.renew_keyset(office, org, now=now, root_file=options.root)
    return {"keyset": keyset.seq, "expires": _time(keyset.not_after)}


def _policy_show(office: Office, options: argparse.Namespace, now: int) -> Told:
    policy = current_policy(office.database, provision.the_organisation(office, options.org), now=now)
    return {"policy": policy.id, **terms(policy), "expires": _time(policy.not_after)}


def _policy_publish(office: Office, options: argparse.Namespace, now: int) -> Told:
    org = provision.the_organisation(office, options.org)
    reports = options.individual_reports
    policy = issuing.next_policy(
        office,
        org,
        now=now,
        work_hours=tuple(options.hours) if options.hours else None,
        interval_seconds=options.interval,
        individual_reports=None if reports is None else reports == "on",
        k=options.k,
        may_quit=None if options.quit is None else options.quit == "on",
        effective=_midnight(options.effective) if options.effective else None,
    )
    before = policy_ground(office.database, org, now=now)
    differences = changes(before.present, policy, before.falls)
    if not differences:
        raise RequestError("nothing would change; to let the present policy hold longer, use policy renew")
    if not options.dry_run:
        issuing.publish_policy(office, policy, now=now)
    return {
        "policy": policy.id,
        "published": not options.dry_run,
        "changes": [{"change": line} for line in differences],
        **terms(policy),
        "applies_from": _time(policy.begins),
        "expires": _time(policy.not_after),
    }


def _policy_renew(office: Office, options: argparse.Namespace, now: int) -> Told:
    org = provision.the_organisation(office, options.org)
    before = ground(
        current_papers(office.database, org).policies, now
    )  # believed or not: it may be renewed with a new key
    policy = issuing.next_policy(office, org, now=now)
    issuing.publish_policy(office, policy, now=now)
    told = [{"change": line} for line in changes(before.present, policy, before.falls)] if before else []
    return {
        "policy": policy.id,
        **({"changes": told} if told else {}),
        **terms(policy),
        "expires": _time(policy.not_after),
    }


def _key_list(office: Office, options: argparse.Namespace, _: int) -> Told:
    return _listed(
        office,
        options,
        "seal_keys",
        """select id::text as id, suite, extract(epoch from seal_until)::bigint as seal_until,
             extract(epoch from open_until)::bigint as open_until, destroyed_at is not null as destroyed
           from seal_key where org = :org order by created_at desc""",
    )


def _device_revoke(office: Office, options: argparse.Namespace, now: int) -> Told:
    org = provision.the_organisation(office, options.org)
    device = PostgresRegistry(office.database).find(options.device)
    if device is None or device.org != org:
        raise RequestError(f"there is no device {options.device}; see framekeep-sync admin device list")
    PostgresRegistry(office.database).revoke(device.id, now=now)
    return {"device": device.id, "revoked": True}


def _device_list(office: Office, options: argparse.Namespace, _: int) -> Told:
    return _listed(
        office,
        options,
        "devices",
        """select d.id::text as id, p.name as person, (d.enrolled_at at time zone 'UTC')::date::text as enrolled_on,
             d.revoked_at is not null as revoked, n.since::text as not_participating_since
           from device d join person p on p.id = d.person
             left join participation n on n.device = d.id and not n.participating
           where d.org = :org order by p.name, d.enrolled_at""",
    )


def _block_annotate(office: Office, options: argparse.Namespace, _: int) -> Told:
    return _about_block(office, options, issuing.annotate_block, "annotated")


def _block_withdraw(office: Office, options: argparse.Namespace, _: int) -> Told:
    return _about_block(office, options, issuing.withdraw_block, "withdrawn")


def _about_block(office: Office, options: argparse.Namespace, act: Callable[..., None], done: str) -> Told:
    org = provision.the_organisation(office, options.org)
    team = provision.the_team(office, org, options.team)
    act(office, org, team["id"], options.day, options.block, options.text)
    return {"team": team["name"], "day": options.day.isoformat(), "block": options.block, done: True}


def _listed(office: Office, options: argparse.Namespace, name: str, sql: str) -> Told:
    return {name: office.database.run(sql, org=provision.the_organisation(office, options.org))}


def _midnight(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


def _time(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()


VERBS: Mapping[tuple[str, str], Callable[[Office, argparse.Namespace, int], Told]] = {
    ("org", "create"): _org_create,
    ("org", "list"): _org_list,
    ("team", "create"): _team_create,
    ("team", "list"): _team_list,
    ("key", "rotate"): _key_rotate,
    ("key", "list"): _key_list,
    ("keyset", "renew"): _keyset_renew,
    ("policy", "show"): _policy_show,
    ("policy", "publish"): _policy_publish,
    ("policy", "renew"): _policy_renew,
    **PEOPLE_VERBS,
    **READER_VERBS,
    ("device", "revoke"): _device_revoke,
    ("device", "list"): _device_list,
    **ALERT_VERBS,
    **DOCUMENT_VERBS,
    ("block", "annotate"): _block_annotate,
    ("block", "withdraw"): _block_withdraw,
}
"""(thing, act) -> what does it: office, options, now in epoch seconds -> what is told. `_` holds advice."""
