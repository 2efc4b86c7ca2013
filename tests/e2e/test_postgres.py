"""The database server lives and dies with its parent, and never twice over one folder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sync_service.errors import SettingsError
from sync_service.local.database import PostgresDatabase
from sync_service.local.database_user import DatabaseUser, check_reachable, closed_folder, database_user
from sync_service.local.leftover import is_server_of
from sync_service.local.postgres import OWNER, Postgres, binaries
from sync_service.local.sockets import remove_socket_folder

CHILD = """
import sys, time
from pathlib import Path
from sync_service.local.postgres import Postgres, OWNER
from sync_service.local.database import PostgresDatabase
with Postgres(Path(sys.argv[1])) as server:
    database = PostgresDatabase(server.conninfo(OWNER))
    database.run("create table if not exists kept (id bigint)")
    database.run("insert into kept values (1)")
    print((server.cluster / "postmaster.pid").read_text().split()[0], flush=True)
    time.sleep(60)
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="fk", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o711)
        yield Path(name) / "db"


def test_it_dies_with_its_parent_and_the_next_start_finds_every_commit(folder: Path) -> None:
    for _ in range(3):
        parent = subprocess.Popen([sys.executable, "-c", CHILD, str(folder)], stdout=subprocess.PIPE, text=True)
        assert parent.stdout is not None
        server = int(parent.stdout.readline())
        assert is_server_of(server, folder / "cluster")
        parent.kill()
        parent.wait()
        parent.stdout.close()
        # at once, while the old server may still be writing its checkpoint
    with Postgres(folder) as running:
        assert not is_server_of(server, folder / "cluster")
        database = PostgresDatabase(running.conninfo(OWNER))
        assert database.run("select count(*) as n from kept") == [{"n": 3}]
        settings = {r["name"]: r["setting"] for r in database.run("select name::text, setting from pg_settings")}
        assert (settings["fsync"], settings["synchronous_commit"], settings["full_page_writes"]) == ("on", "on", "on")
        assert settings["listen_addresses"] == ""
        database.close()


def test_without_a_successor_it_is_gone_too(folder: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", CHILD, str(folder)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    server = int(parent.stdout.readline())
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 10
    while is_server_of(server, folder / "cluster"):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_note_naming_somebody_elses_process_does_not_stop_the_start(folder: Path) -> None:
    with Postgres(folder):
        pass
    stranger = subprocess.Popen(["sleep", "60"])
    (folder / "cluster" / "postmaster.pid").write_text(f"{stranger.pid}\n{folder / 'cluster'}\n")
    with Postgres(folder):
        assert stranger.poll() is None
    (folder / "cluster" / "postmaster.pid").write_text("")  # cut short by a power failure
    with Postgres(folder):
        pass
    stranger.kill()
    stranger.wait()


def test_an_interrupted_creation_is_begun_again(folder: Path) -> None:
    (folder / "cluster.new").mkdir(parents=True)
    (folder / "cluster.new" / "PG_VERSION").write_text("18\n")
    with Postgres(folder) as server:
        assert not server.stopped()
    assert server.stopped()


def test_a_long_path_gets_its_socket_elsewhere(folder: Path) -> None:
    deep = folder / ("x" * 60) / ("y" * 60)
    deep.mkdir(parents=True)
    for parent in (folder, *folder.glob("*")):
        parent.chmod(0o711)
    with Postgres(deep) as server:
        place = Path((deep / "socket-folder").read_text())
        assert place.stat().st_mode & 0o777 == 0o700
        assert PostgresDatabase(server.conninfo(OWNER)).run("select 1 as one") == [{"one": 1}]
    assert not place.exists()


def test_only_folders_made_for_the_socket_are_removed(folder: Path) -> None:
    folder.mkdir()
    precious = folder / "elsewhere" / "framekeep-precious"
    precious.mkdir(parents=True)
    (precious / "file").write_text("kept")
    for named in (precious, precious.parent / "socket", folder.parent):
        (folder / "socket-folder").write_text(str(named))
        remove_socket_folder(folder)
        assert (precious / "file").read_text() == "kept"
    (folder / "socket").symlink_to(precious)
    (folder / "socket-folder").write_text(str(folder / "socket"))
    remove_socket_folder(folder)
    assert (precious / "file").read_text() == "kept"
    (precious / "note").write_text(str(folder / "socket"))
    (folder / "socket-folder").symlink_to(precious / "note")
    remove_socket_folder(folder)
    assert (precious / "note").exists() and not (folder / "socket-folder").is_symlink()


def test_the_log_is_never_written_through_a_link(folder: Path) -> None:
    folder.mkdir()
    victim = folder.parent / "victim"
    victim.write_text("untouched")
    (folder / "postgres.log").symlink_to(victim)
    with pytest.raises(OSError), Postgres(folder):
        pass
    assert victim.read_text() == "untouched"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root hands the database to another user")
def test_as_root_the_databases_user_owns_the_cluster_only_and_may_not_connect(folder: Path) -> None:
    with Postgres(folder) as server:
        user = database_user()
        owners = {path.name: path.lstat().st_uid for path in folder.iterdir()}
        assert {name for name, uid in owners.items() if uid == user.uid} == {"cluster", "socket"}
        assert folder.stat().st_uid == 0
        assert (folder / "cluster").stat().st_mode & 0o777 == 0o700
        command = [str(binaries() / "psql"), server.conninfo(OWNER), "-c", "select 1"]
        tried = subprocess.run(command, preexec_fn=user.become, cwd="/", capture_output=True, text=True, check=False)
        assert tried.returncode != 0 and "eer authentication failed" in tried.stderr
        assert PostgresDatabase(server.conninfo(OWNER)).run("select 1 as one") == [{"one": 1}]


def test_a_folder_the_database_cannot_reach_is_refused_with_what_to_do(folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o700)
    stranger = DatabaseUser("nobody", 65534, 65534, switch=True)
    with pytest.raises(SettingsError) as info:
        check_reachable(stranger, folder / "data", "the data folder")
    message = str(info.value)
    assert str(folder) in message and f"chmod o+x {folder}" in message and "\n" not in message
    if os.geteuid() == 0:  # only root hands the database to another user
        with pytest.raises(SettingsError, match="out of reach"), Postgres(folder / "data"):
            pass


def test_the_closed_folder_is_named(folder: Path) -> None:
    inner = folder / "a" / "b"
    inner.mkdir(parents=True)
    folder.chmod(0o711)
    assert closed_folder(inner, 65534, 65534) is None
    folder.chmod(0o700)
    assert closed_folder(inner, 65534, 65534) == folder.resolve()
    assert closed_folder(inner, folder.stat().st_uid, 65534) is None
