"""What an administrator changes on the service's own machine is in the access log: one entry a verb, here for all of them.

An entry says who and which verb, never what was typed: names, addresses and secrets are on command lines. Verbs that write
an entry of their own, with the person it is about, are left to themselves.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Mapping
from typing import Any

from sync_service import access_log, admin_people_verbs, approving, provision
from sync_service.approving import ON_THE_MACHINE
from sync_service.provision import Office

Verb = tuple[str, str]

READS = frozenset({"list", "show", "channels", "rules", "export"})
"""Acts that change nothing."""
FOUNDING: frozenset[Verb] = frozenset({("org", "create"), ("document", "found")})
"""Before them there is no log to write to."""
LOGGED_BY_THEMSELVES: frozenset[Verb] = frozenset({("code", "new")})


def changes(verb: Verb) -> bool:
    """Whether a verb changes something; one that nobody thought of does."""
    return verb[1] not in READS


def carry_out(
    verbs: Mapping[Verb, Callable[[Office, Namespace, int], Mapping[str, Any]]],
    office: Office,
    options: Namespace,
    now: int,
) -> Mapping[str, Any]:
    """Put what `options` ask for on record and do it: as from afar, the entry is there before the act, and stays where the
    act then fails. A new organisation's log begins with it. Raises what the verb raises.
    """
    verb = (options.thing, options.act)
    if verb in FOUNDING:
        told = verbs[verb](office, options, now)
        _write(office, str(told["organisation"]), verb, None, now)
        return told
    if changes(verb) and verb not in LOGGED_BY_THEMSELVES and not getattr(options, "dry_run", False):
        org = provision.the_organisation(office, options.org)
        _write(office, org, verb, getattr(options, "acting", None), now)
    return verbs[verb](office, options, now)


def _write(office: Office, org: str, verb: Verb, acting: str | None, now: int) -> None:
    by = admin_people_verbs.acting(office, org, acting)
    entry = approving.entry(by, "_".join(verb).replace("-", "_"), ON_THE_MACHINE)
    with office.database.transaction() as tx:
        access_log.write(tx, org, entry, now=now)
