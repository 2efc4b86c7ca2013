"""What `framekeep-sync admin` does about readers, their tokens and the identity provider they sign in with."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from sync_service import issuing, provision, readers
from sync_service.oidc import BadProvider, Provider, check_address, discovery_address, read_discovery, read_keys
from sync_service.providers import Fetcher
from sync_service.provision import Office, RequestError

Told = Mapping[str, Any]


def _token_new(office: Office, options: argparse.Namespace, now: int) -> Told:
    org, who = _who(office, options)
    made = issuing.new_token(office, org, now=now, days=options.days, **who)
    return {
        "reader": made.manager,
        "role": who["role"],
        **({"scope": who["scope"]} if who["scope"] else {}),
        "token": made.token,
        "expires": datetime.fromtimestamp(made.expires, UTC).isoformat(),
        "_": "It is shown once.",
    }


def _reader_add(office: Office, options: argparse.Namespace, now: int) -> Told:
    org, who = _who(office, options)
    with office.database.transaction() as tx:
        provider = readers.the_provider(tx, org)
        reader = readers.add_reader(tx, org, now=now, **who)
        readers.link_account(tx, org, reader, subject=options.subject, email=options.email, now=now)
    return {
        "reader": reader,
        "role": who["role"],
        "account": options.subject or options.email.lower(),
        "issuer": provider.issuer,
    }


def _reader_link(office: Office, options: argparse.Namespace, now: int) -> Told:
    org = provision.the_organisation(office, options.org)
    with office.database.transaction() as tx:
        readers.link_account(tx, org, options.reader, subject=options.subject, email=options.email, now=now)
        issuer = readers.the_provider(tx, org).issuer
    return {"reader": options.reader, "account": options.subject or options.email.lower(), "issuer": issuer}


def _who(office: Office, options: argparse.Namespace) -> tuple[str, dict[str, Any]]:
    """The organisation, and the reader as `readers.add_reader` takes them."""
    org = provision.the_organisation(office, options.org)
    role = "integration" if options.scope else options.role
    if role in ("manager", "admin") and options.person is None and not options.not_measured:
        raise RequestError(
            "say --person ID or NAME where this reader is measured too, so that they are counted in no number they may"
            " read, or --not-measured"
        )
    return org, {
        "name": options.name or options.scope or role,
        "role": role,
        "scope": options.scope,
        "teams": [provision.the_team(office, org, team)["id"] for team in options.team],
        "person": options.person and provision.the_person(office, org, options.person),
    }


def _reader_revoke(office: Office, options: argparse.Namespace, now: int) -> Told:
    readers.revoke_reader(office.database, provision.the_organisation(office, options.org), options.reader, now=now)
    return {"reader": options.reader, "revoked": True}


def _reader_list(office: Office, options: argparse.Namespace, _: int) -> Told:
    return {"readers": readers.list_readers(office.database, provision.the_organisation(office, options.org))}


def _oidc_set(office: Office, options: argparse.Namespace, now: int) -> Told:
    org = provision.the_organisation(office, options.org)
    provider = Provider(org, options.issuer, options.client_id, *(options.require or ()))
    if not options.unchecked:
        _look_at(provider.issuer)
    readers.set_provider(office.database, provider, now=now)
    return {
        **_shown(provider),
        "_": "Nobody is a reader by that: make each account one with framekeep-sync admin reader add.",
    }


def _oidc_show(office: Office, options: argparse.Namespace, _: int) -> Told:
    return _shown(readers.the_provider(office.database, provision.the_organisation(office, options.org)))


def _oidc_remove(office: Office, options: argparse.Namespace, _: int) -> Told:
    org = provision.the_organisation(office, options.org)
    readers.remove_provider(office.database, org)
    return {"organisation": org, "removed": True}


def _shown(provider: Provider) -> Told:
    required = {"require": f"{provider.claim}={provider.claim_value}"} if provider.claim else {}
    return {"issuer": provider.issuer, "client_id": provider.client_id, **required}


def _look_at(issuer: str) -> None:
    """Whether the provider's documents are what the service will need. Raises RequestError or Unavailable."""
    fetch = Fetcher()
    try:
        check_address(issuer, "the issuer")
        read_keys(fetch(read_discovery(fetch(discovery_address(issuer)), issuer)))
    except BadProvider as error:
        raise RequestError(f"nobody could sign in with this provider: {error}") from None


READER_VERBS: Mapping[tuple[str, str], Callable[[Office, argparse.Namespace, int], Told]] = {
    ("token", "new"): _token_new,
    ("token", "revoke"): _reader_revoke,
    ("token", "list"): _reader_list,
    ("reader", "add"): _reader_add,
    ("reader", "link"): _reader_link,
    ("reader", "revoke"): _reader_revoke,
    ("reader", "list"): _reader_list,
    ("oidc", "set"): _oidc_set,
    ("oidc", "show"): _oidc_show,
    ("oidc", "remove"): _oidc_remove,
}
"""Like `admin_verbs.VERBS`."""
