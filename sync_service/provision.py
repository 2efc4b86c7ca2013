"""Setting up an organisation, one plain function a step: what `framekeep-sync admin` and `framekeep demo` call.

Every function takes an `Office`, the parts they need, and `now` in epoch seconds. A wrong request raises RequestError,
one sentence that says what to do.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.wire.documents import Keyset, Policy, SealKeyEntry, WorkHours, check_endpoint, sign_document
from agent.wire.errors import WireError
from agent.wire.ids import organisation_id
from agent.wire.seal import SealKey
from sync_service import people
from sync_service.key_files import KeyFiles, write_key
from sync_service.people import IssuedCode as IssuedCode
from sync_service.people import RequestError as RequestError
from sync_service.people import check_name as check_name
from sync_service.people import check_person as check_person
from sync_service.people import team_zone as team_zone
from sync_service.ports import Database, Documents, Row, SealKeys

DAY = 24 * 3600
SEAL_DAYS = 45
"""A seal key is sealed to this long: rotation is every 30 days, and may be two weeks late."""
OPEN_DAYS = 40
"""It still opens this long afterwards: a laptop may have been offline for 30 days."""
DOCUMENT_DAYS = 365
DEFAULT_HOURS = (WorkHours((1, 2, 3, 4, 5), 8 * 60, 18 * 60),)


@dataclass(frozen=True)
class Office:
    """What setting up needs: `database` as framekeep_admin, documents over it, the seal keys and the key files."""

    database: Database
    documents: Documents
    seal_keys: SealKeys
    keys: KeyFiles


@dataclass(frozen=True)
class Organisation:
    """A new organisation. `root_file` holds the key behind its id, to be kept offline."""

    id: str
    name: str
    endpoint: str
    policy: str
    seal_key: str
    root_file: Path


def create_organisation(
    office: Office,
    name: str,
    endpoint: str,
    *,
    now: int,
    root_out: Path | None = None,
    work_hours: tuple[WorkHours, ...] = DEFAULT_HOURS,
    interval_seconds: int = 10,
) -> Organisation:
    """A new organisation: root key, policy signer, first seal key, signed keyset, first policy.

    `endpoint` is where laptops send (`https://host`, plain http for this machine only); `root_out` another place for
    the root key's file.
    """
    check_name(name)
    try:
        check_endpoint(endpoint)
    except WireError as error:
        raise RequestError(f"the endpoint {endpoint!r} is not usable: {error}") from None
    if office.database.run("select 1 as one from organisation where name = :name", name=name):
        raise RequestError(f"there is an organisation {name!r} already; choose another name")
    root, signer, seal_key = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate(), SealKey.generate()
    org = organisation_id(root.public_key().public_bytes_raw())
    root_file = root_out or office.keys.root_path(org)
    try:
        write_key(root_file, root)
    except FileExistsError:
        raise RequestError(f"{root_file} exists already; name a new file for the root key") from None
    write_key(office.keys.policy_path(org), signer)
    office.seal_keys.add(seal_key)
    with office.database.transaction() as tx:
        tx.run(
            "insert into organisation (id, name, root_public, created_at) values (:id, :name, :root, to_timestamp(:now))",
            id=org,
            name=name,
            root=root.public_key().public_bytes_raw(),
            now=now,
        )
        entry = seal_entry(seal_key, now)
        record_seal_key(tx, org, entry, now)
    keyset = Keyset(
        org=org,
        seq=1,
        issued=now,
        not_after=now + DOCUMENT_DAYS * DAY,
        endpoint=endpoint,
        seal_keys=(entry,),
        policy_signers=(signer.public_key().public_bytes_raw(),),
    )
    office.documents.publish(sign_document("keyset", keyset.to_payload(), [root]), now=now)
    policy = Policy(
        org=org,
        seq=1,
        issued=now,
        not_after=now + DOCUMENT_DAYS * DAY,
        id="p-1",
        work_hours=work_hours,
        interval_seconds=interval_seconds,
    )
    office.documents.publish(sign_document("policy", policy.to_payload(), [signer]), now=now)
    return Organisation(org, name, endpoint, policy.id, seal_key.public.id, root_file)


def the_organisation(office: Office, wanted: str | None = None) -> str:
    """The id of the organisation meant: `wanted`, or the only one there is."""
    rows = office.database.run("select id, name from organisation order by created_at")
    if wanted is not None:
        matching = [row["id"] for row in rows if wanted in (row["id"], row["name"])]
        if len(matching) != 1:
            raise RequestError(f"there is no organisation {wanted!r}; see framekeep-sync admin org list")
        return str(matching[0])
    if not rows:
        raise RequestError("there is no organisation yet; create one with framekeep-sync admin org create")
    if len(rows) > 1:
        raise RequestError("there are several organisations; say which with --org")
    return str(rows[0]["id"])


def create_team(office: Office, org: str, name: str, time_zone: str, *, now: int) -> str:
    """A new team, its days in `time_zone` (an IANA name such as Europe/Berlin); answers its id."""
    with office.database.transaction() as tx:
        return people.create_team(tx, org, name, time_zone, now=now)


def the_team(office: Office, org: str, wanted: str) -> Row:
    """The team named or numbered `wanted`: its id, name and time_zone."""
    rows = office.database.run(
        "select id, name, time_zone from team where org = :org and (id = :wanted or name = :wanted)",
        org=org,
        wanted=wanted,
    )
    if len(rows) != 1:
        raise RequestError(f"there is no team {wanted!r}; see framekeep-sync admin team list", "unknown_team")
    return rows[0]


def the_person(office: Office, org: str, wanted: str) -> str:
    """The id of the person named or numbered `wanted`."""
    rows = office.database.run(
        "select id::text as id from person where org = :org and (id = :wanted or name = :wanted)",
        org=org,
        wanted=wanted,
    )
    if not rows:
        raise RequestError(f"there is no person {wanted!r}; see framekeep-sync admin person list", "unknown_person")
    if len(rows) > 1:
        raise RequestError(
            f"{len(rows)} people are called {wanted!r}; give the id, see framekeep-sync admin person list"
        )
    return str(rows[0]["id"])


def add_person(office: Office, org: str, name: str, team: str, *, now: int, since: date | None = None) -> str:
    """A new person in `team`, by nobody's leave: for setting up, before anything is measured (`approving.py` asks a
    second administrator). Answers their id; they count from the month `since` on (see `people.joining_month`).
    """
    person = secrets.token_hex(16)
    with office.database.transaction() as tx:
        month = people.joining_month(tx, org, team, since, now=now)
        people.add_person(tx, org, person, name, team, month, now=now)
    return person


def move_person(office: Office, org: str, person: str, team: str, *, now: int) -> date:
    """Put a person into another team, by nobody's leave; answers the month (its first day) from which they count there."""
    with office.database.transaction() as tx:
        return people.move_person(tx, org, person, team, now=now)


def new_code(office: Office, org: str, person: str, *, now: int) -> IssuedCode:
    """A one-time enrolment code for a person's laptop, good for 72 hours. Only a hash of it is kept."""
    with office.database.transaction() as tx:
        return people.new_code(tx, org, person, now=now)


def seal_entry(key: SealKey, now: int) -> SealKeyEntry:
    """How a key made at `now` stands in a keyset."""
    return SealKeyEntry(key.public, now + SEAL_DAYS * DAY, now + (SEAL_DAYS + OPEN_DAYS) * DAY)


def record_seal_key(tx: Database, org: str, entry: SealKeyEntry, now: int) -> None:
    """Remember the public half of a seal key and its dates."""
    tx.run(
        """insert into seal_key (id, org, suite, public, created_at, seal_until, open_until)
           values (:id, :org, :suite, :public, to_timestamp(:now), to_timestamp(:seal_until), to_timestamp(:open_until))""",
        id=entry.key.id,
        org=org,
        suite=entry.key.suite,
        public=entry.key.raw,
        now=now,
        seal_until=entry.seal_until,
        open_until=entry.open_until,
    )
