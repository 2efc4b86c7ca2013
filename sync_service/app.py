"""The composition root: from a data folder to the service's parts. Nothing else builds them.

DIR/lock         held by the one service that runs over DIR
DIR/database/    PostgreSQL's cluster and socket, which are its user's; its log and rules, which are not
DIR/inbox.sqlite envelopes accepted and not yet in the database
DIR/seal-keys/   private seal keys
DIR/keys/        root key, policy signer, token issuer
DIR/clock-is-right  made by the operator to confirm a clock that housekeeping doubts (`maintenance.py`), removed by it
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sync_service.admin_routes import AdminParts, admin_endpoints
from sync_service.admission import ManagerParts
from sync_service.alert_routes import alert_endpoints
from sync_service.authority import Authority
from sync_service.device_auth import DeviceGate
from sync_service.device_routes import DeviceParts, device_endpoints
from sync_service.document_routes import DocumentParts, document_endpoints
from sync_service.errors import DatabaseError, SettingsError, Unavailable
from sync_service.http import Answer, Endpoint, Request
from sync_service.key_files import KeyFiles
from sync_service.keyset import CurrentKeyset
from sync_service.local.database import PostgresDatabase
from sync_service.local.documents import PostgresDocuments
from sync_service.local.inbox import SqliteInbox
from sync_service.local.lock import FolderLock
from sync_service.local.postgres import OWNER, Postgres
from sync_service.local.registry import PostgresRegistry
from sync_service.local.seal_keys import FileSealKeys
from sync_service.local.sockets import running_conninfo
from sync_service.maintenance import make_partitions
from sync_service.manager_routes import manager_endpoints, policy_for_managers
from sync_service.migrate import applied, migrate, pending, read_migrations
from sync_service.openapi import openapi
from sync_service.people_routes import people_endpoints
from sync_service.person_routes import PersonParts, person_endpoints
from sync_service.providers import Providers
from sync_service.provision import Office
from sync_service.sign_in_routes import sign_in_endpoints
from sync_service.timetable import Timing
from sync_service.version import VERSION

LOCK_SECONDS = 5.0
"""How long `serve` waits for an administrator's command to let go of the data folder."""
JOIN_SECONDS = 20.0

Clock = Callable[[], int]


def wall_clock() -> int:
    """Now, in epoch seconds."""
    return int(time.time())


@dataclass
class Store:
    """What lies in a data folder, opened. `database(role)` speaks as framekeep_<role>; one object a role."""

    data: Path
    conninfo: Callable[[str], str]
    server: Postgres | None = None
    """The database server where this process runs it; None where another does."""
    _databases: dict[str, PostgresDatabase] = field(default_factory=dict)

    def database(self, role: str, *, size: int = 4) -> PostgresDatabase:
        """The database as framekeep_<role>; `size` is the most connections at a time."""
        if role not in self._databases:
            self._databases[role] = PostgresDatabase(self.conninfo(f"framekeep_{role}"), size=size)
        return self._databases[role]

    @property
    def seal_keys(self) -> FileSealKeys:
        """The private seal keys: for the opener, and for the administrator who makes them."""
        return FileSealKeys(self.data / "seal-keys")

    @property
    def keys(self) -> Path:
        """Folder of the Ed25519 keys."""
        return self.data / "keys"

    def close(self) -> None:
        """Close the connections."""
        for database in self._databases.values():
            database.close()


@contextmanager
def open_store(data: Path, *, settings: dict[str, str] | None = None) -> Iterator[Store]:
    """Open a data folder alone, starting and migrating its database. `settings` are PostgreSQL's, durable ones when
    None. Raises SettingsError when a service runs over it already.
    """
    _make_data_folder(data)
    lock = FolderLock(data)
    deadline = time.monotonic() + LOCK_SECONDS
    while not lock.acquire():
        if time.monotonic() > deadline:
            raise SettingsError(
                f"another service already runs on the data folder {data}; stop it or use another --data"
            )
        time.sleep(0.1)
    with _locked_store(data, lock, settings) as store:
        yield store


@contextmanager
def join_store(data: Path) -> Iterator[Store]:
    """Open a data folder beside the service that runs over it, or alone when none does: for administration."""
    _make_data_folder(data)
    lock = FolderLock(data)
    deadline = time.monotonic() + JOIN_SECONDS
    while True:
        if lock.acquire():
            with _locked_store(data, lock, None) as store:
                yield store
            return
        found = running_conninfo(data / "database")
        if found is not None and _migrated(found):
            break
        if time.monotonic() > deadline:
            raise DatabaseError(f"a service holds {data} but its database does not answer; restart the service")
        time.sleep(0.1)
    store = Store(data, found)
    try:
        yield store
    finally:
        store.close()


@contextmanager
def _locked_store(data: Path, lock: FolderLock, settings: dict[str, str] | None) -> Iterator[Store]:
    """The store under a lock that is held already, and let go of at the end."""
    with ExitStack() as stack:
        stack.callback(lock.release)
        server = stack.enter_context(Postgres(data / "database", settings=settings))
        owner = PostgresDatabase(server.conninfo(OWNER), size=1)
        stack.callback(owner.close)
        migrate(owner, read_migrations())
        store = Store(data, server.conninfo, server)
        stack.callback(store.close)
        make_partitions(store.database("maintenance"), now=wall_clock())
        yield store


def _migrated(conninfo: Callable[[str], str]) -> bool:
    """Whether a service that has just started is past its migrations."""
    owner = PostgresDatabase(conninfo(OWNER), size=1)
    try:
        return pending(read_migrations(), applied(owner)) == []
    except (Unavailable, DatabaseError):
        return False
    finally:
        owner.close()


def _make_data_folder(data: Path) -> None:
    """The data folder, closed to others; as root the database's user may pass through (not look around)."""
    root = os.name != "nt" and os.geteuid() == 0
    try:
        if not data.is_dir():
            data.mkdir(parents=True)
            data.chmod(0o711 if root else 0o700)
    except OSError as error:
        raise SettingsError(
            f"the data folder {data} cannot be made ({error.strerror}); choose another with --data"
        ) from None


def build_office(store: Store) -> Office:
    """What setting up an organisation over a data folder needs."""
    admin = store.database("admin")
    return Office(admin, PostgresDocuments(admin), store.seal_keys, KeyFiles(store.keys))


def build_endpoints(
    store: Store,
    inbox: SqliteInbox,
    *,
    clock: Clock = wall_clock,
    timing: Timing | None = None,
    local_issuer: bool = True,
) -> list[Endpoint]:
    """The whole table over a data folder. `timing`: when team numbers are fixed and shown. `local_issuer`: whether
    tokens made on this machine are accepted; only `serve` may, which runs where they are made.
    """
    lookups = store.database("ingest", size=8)
    registry = PostgresRegistry(lookups)
    documents = PostgresDocuments(lookups)
    keysets = CurrentKeyset(documents)
    gate = DeviceGate(registry, keysets, clock=clock)
    parts = DeviceParts(
        registry=registry,
        keys=keysets,
        inbox=inbox,
        documents=documents,
        gate=gate,
        lookups=lookups,
        person=store.database("person"),
        clock=clock,
    )
    people = PersonParts(
        gate=gate,
        person=store.database("person"),
        enrolling=store.database("enroll"),
        registry=PostgresRegistry(store.database("enroll")),
        documents=documents,
        timing=timing or Timing(),
        clock=clock,
    )
    api = store.database("api")
    readers = ManagerParts(
        authority=Authority(api, KeyFiles(store.keys).issuer().public_key() if local_issuer else None, Providers()),
        api=api,
        documents=documents,
        clock=clock,
    )
    devices = [
        policy_for_managers(readers, line) if (line.method, line.path) == ("GET", "/v1/policy") else line
        for line in device_endpoints(parts)
    ]
    administrators = AdminParts(readers, store.database("admin"))
    return with_service_endpoints(
        [
            *devices,
            *person_endpoints(people),
            *sign_in_endpoints(readers),
            *manager_endpoints(readers),
            *alert_endpoints(readers),
            *document_endpoints(DocumentParts(readers, gate, build_office(store))),
            *admin_endpoints(administrators),
            *people_endpoints(administrators),
        ]
    )


def with_service_endpoints(endpoints: Sequence[Endpoint]) -> list[Endpoint]:
    """The table with the service's own two lines."""
    whole: list[Endpoint] = []

    def health(_: Request) -> Answer:
        return Answer(200, {"status": "ok", "version": VERSION})

    def description(_: Request) -> Answer:
        return Answer(200, openapi(whole, version=VERSION))

    anything = {"type": "object"}
    whole += [
        *endpoints,
        Endpoint("GET", "/healthz", health, "Whether the service runs", {200: ("It does.", anything)}),
        Endpoint("GET", "/openapi.json", description, "This description", {200: ("OpenAPI 3.1.", anything)}),
    ]
    return whole
