"""A real PostgreSQL for tests: one fast server a session, one fresh migrated database a test."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sync_service.local.database import PostgresDatabase
from sync_service.local.postgres import FAST, OWNER, Postgres
from sync_service.migrate import migrate, read_migrations

_TEMPLATE = "framekeep_template"
_numbers = itertools.count(1)


class FreshDatabase:
    """One migrated, empty database; `role("opener")` speaks to it as framekeep_opener, `owner` as superuser."""

    def __init__(self, server: Postgres, name: str) -> None:
        self.server, self.name = server, name
        self._open: dict[str, PostgresDatabase] = {}

    @property
    def owner(self) -> PostgresDatabase:
        return self._connect(OWNER)

    def role(self, name: str) -> PostgresDatabase:
        return self._connect(f"framekeep_{name}")

    def conninfo(self, role: str) -> str:
        return self.server.conninfo(role, database=self.name)

    def _connect(self, role: str) -> PostgresDatabase:
        if role not in self._open:
            self._open[role] = PostgresDatabase(self.conninfo(role))
        return self._open[role]

    def close(self) -> None:
        for database in self._open.values():
            database.close()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    """The session's server (no fsync), with a migrated template database."""
    # Below /tmp and not pytest's own folder, which is closed to the database's user when tests run as root.
    with tempfile.TemporaryDirectory(prefix="fk", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)
        with Postgres(Path(folder) / "pg", settings=FAST) as server:
            _admin(server, f"create database {_TEMPLATE}")
            template = PostgresDatabase(server.conninfo(OWNER, database=_TEMPLATE))
            migrate(template, read_migrations())
            template.close()
            yield server


@pytest.fixture
def pg(postgres_server: Postgres) -> Iterator[FreshDatabase]:
    """A fresh database for this test."""
    with new_database(postgres_server) as database:
        yield database


@contextmanager
def new_database(server: Postgres) -> Iterator[FreshDatabase]:
    """A fresh database, for as long as a fixture of any scope wants it."""
    name = f"test_{next(_numbers)}"
    _admin(server, f"create database {name} template {_TEMPLATE}")
    database = FreshDatabase(server, name)
    yield database
    database.close()
    _admin(server, f"drop database {name} with (force)")


def _admin(server: Postgres, sql: str) -> None:
    database = PostgresDatabase(server.conninfo(OWNER, database="postgres"))
    database.run(sql)
    database.close()
