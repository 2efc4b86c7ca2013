"""Promise 1: one destination. A whole run, on a machine where every address answers, contacts the sync service and
nothing else, and leaves no picture in any file it writes. `CI` is unset, since some libraries are quiet where it is set.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from agent.samples import sample_clip
from tests.conftest import skip_or_fail

REPOSITORY = Path(__file__).resolve().parents[2]
IMAGE_MAGIC = (b"\xff\xd8\xff", b"\x89PNG\r\n", b"RIFF", b"GIF8", b"ftyp", b"\x93NUMPY")

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="network namespaces are Linux's"),
    pytest.mark.timeout(400),
]


def isolated(command: list[str], folder: Path, **environment: str) -> dict[str, Any]:
    """Run a command in a network namespace of its own; what it tried to reach."""
    report = folder / "egress.json"
    root = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--net", "--map-current-user", "--keep-caps"]
    probe = subprocess.run([*root, "ip", "link", "set", "lo", "up"], capture_output=True, text=True)
    if probe.returncode != 0:
        skip_or_fail(f"no network namespace can be made here ({probe.stderr.strip()}); iproute2 and unshare are needed")
    done = subprocess.run(
        [*root, sys.executable, str(REPOSITORY / "tests/real/egress.py"), str(report), *command],
        env={**os.environ, **environment},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=390,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    result: dict[str, Any] = json.loads(report.read_text())
    return result


def foreign(result: dict[str, Any]) -> list[str]:
    """Everything tried that is not this machine itself."""
    tried = [f"{kind} {address}:{port}" for address, port, kind in result["attempts"]]
    away = [each for each in tried if not each.split()[1].startswith(("127.", "::1:"))]
    return away + [f"name {name}" for name in result["names"]] + [f"sent {data}" for data in result["sent"]]


def test_the_sink_sees_every_kind_of_attempt(tmp_path: Path) -> None:
    """Otherwise the tests below could not fail."""
    attempts = """
import socket
for address in (("telemetry.example.com", 443), ("203.0.113.9", 8080), ("2001:db8::1", 443)):
    try: socket.create_connection(address, 1).sendall(b"hello")
    except OSError: pass
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("198.51.100.99", 123))
"""
    result = isolated([sys.executable, "-c", attempts], tmp_path)
    seen = " ".join(foreign(result))
    for part in ("name telemetry.example.com", "203.0.113.9:8080", "udp 198.51.100.99:123", "hello", "2001:db8::1:443"):
        assert part in seen, seen


def test_the_whole_path_contacts_the_sync_service_and_nothing_else(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "agent.cli", "demo", str(sample_clip()), "--once", "--json", "--every", "4"]
    result = isolated(command, tmp_path)
    assert result["exit"] == 0, result["stderr"]
    assert foreign(result) == []
    answer = json.loads(result["stdout"])
    assert answer["windows_measured"] == answer["windows_sent"] == answer["windows_stored"] > 0
    ports = {port for address, port, kind in result["attempts"] if kind == "tcp"}
    assert {f"127.0.0.1:{port}" for port in ports} == set(answer["destinations"])
    assert len(answer["destinations"]) == 1


def test_an_enrolled_agent_that_runs_for_a_while_talks_to_its_service_only_and_writes_no_picture(
    open_folder: Path, tmp_path: Path
) -> None:
    """Longer than the minute after which the libraries we avoid were seen to call home; uploader, documents and all."""
    command = [sys.executable, "-m", "tests.real.enrolled_run", str(open_folder), "75"]
    result = isolated(command, tmp_path)
    assert result["exit"] == 0, result["stderr"]
    assert foreign(result) == []
    told = json.loads(result["stdout"].splitlines()[-1])
    assert told["exit"] == 0
    assert told["delivered"] == 1
    assert {port for _, port, _ in result["attempts"]} == {told["port"]}
    files = [file for file in (open_folder / "home").rglob("*") if file.is_file()]
    assert {"store.sqlite", "framekeep.log"} <= {file.name for file in files}
    for file in files:
        data = file.read_bytes()
        assert not any(magic in data for magic in IMAGE_MAGIC), f"{file} may hold a picture"
        assert file.stat().st_mode & 0o077 == 0, f"{file} can be read by others"
