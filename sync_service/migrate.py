"""Migrations: plain SQL files, applied in order, once, each in a transaction of its own. Forward only.

What was applied is recorded with the file's SHA-256; a file edited afterwards is refused, since nobody could say
which of its two texts a database follows.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from sync_service.errors import MigrationError
from sync_service.ports import Database

FOLDER = Path(__file__).parent / "migrations"

_NAME = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")
_LOCK = 0x66_6B_6D_69_67
"""Advisory lock ("fkmig"): two programs that start at once do not migrate at once."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file: its name (`0001_identity.sql`) and its text."""

    name: str
    sql: str

    @property
    def sha256(self) -> str:
        """Of the text in UTF-8, hex."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def read_migrations(folder: Path = FOLDER) -> list[Migration]:
    """Every migration of the folder in order. Raises MigrationError when numbers do not run 1, 2, 3 ..."""
    files = sorted(path for path in folder.iterdir() if path.suffix == ".sql")
    for number, path in enumerate(files, start=1):
        match = _NAME.fullmatch(path.name)
        if match is None or int(match[1]) != number:
            raise MigrationError(f"{path.name} is not migration {number:04}; name the files 0001_word.sql, 0002_...")
    return [Migration(path.name, path.read_text(encoding="utf-8")) for path in files]


def pending(migrations: list[Migration], recorded: dict[str, str]) -> list[Migration]:
    """Those still to apply. `recorded` is name -> SHA-256 as recorded. Raises MigrationError when a recorded one was
    edited, is missing here, or would have to come before one already applied.
    """
    known = {migration.name: migration for migration in migrations}
    for name, digest in recorded.items():
        if name not in known:
            raise MigrationError(f"the database has {name}, which this version does not know; install a newer one")
        if known[name].sha256 != digest:
            raise MigrationError(f"{name} was edited after it was applied; restore it and add a new migration instead")
    rest = [migration for migration in migrations if migration.name not in recorded]
    if recorded and rest and rest[0].name < max(recorded):
        raise MigrationError(f"{rest[0].name} comes before {max(recorded)}, which is already applied; renumber it")
    return rest


def applied(database: Database) -> dict[str, str]:
    """Name -> SHA-256 of what a database has; the database's owner asks."""
    return {row["name"]: row["sha256"] for row in database.run("select name, sha256 from schema_migration")}


def migrate(database: Database, migrations: list[Migration]) -> list[str]:
    """Bring the database up to date as its owner; answers the names applied now. Raises MigrationError."""
    with database.transaction() as tx:
        tx.run("select pg_advisory_xact_lock(:lock)", lock=_LOCK)
        tx.run(
            """create table if not exists schema_migration (
                 name text primary key,
                 sha256 text not null,
                 applied_at timestamptz not null default now()
               )"""
        )
    done: list[str] = []
    while True:
        with database.transaction() as tx:
            tx.run("select pg_advisory_xact_lock(:lock)", lock=_LOCK)
            rest = pending(migrations, applied(tx))
            if not rest:
                return done
            tx.run(rest[0].sql)
            tx.run(
                "insert into schema_migration (name, sha256) values (:name, :sha256)",
                name=rest[0].name,
                sha256=rest[0].sha256,
            )
            done.append(rest[0].name)
