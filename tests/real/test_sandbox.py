"""Holds the promise that there is no way out of the eyes process but the pipe: everything that must not work is tried
from inside, and without the walls the same attempts succeed.
"""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from agent import sandbox
from agent.eyes_link import Eyes
from agent.sources import Source
from tests.conftest import skip_or_fail
from tests.real.pictures import REPOSITORY, SAMPLE

pytestmark = [
    pytest.mark.timeout(60),
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the sandbox is Linux's"),
]


@pytest.fixture(scope="module")
def eyes() -> Iterator[Eyes]:
    """A process that has looked once: everything heavy is loaded."""
    with Eyes(Source(files=(str(SAMPLE),))) as process:
        assert process.look(20.0).observation is not None
        yield process


def printed(script: str, *arguments: str) -> dict[str, str]:
    """What a Python program of its own prints as JSON."""
    done = subprocess.run([sys.executable, "-c", script, *arguments], cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    answer: dict[str, str] = json.loads(done.stdout)
    return answer


@pytest.fixture
def neighbour() -> Iterator[int]:
    """Another program, shielded as the parent of the eyes is."""
    script = "from agent import sandbox; sandbox.shield(); print('up', flush=True); input()"
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdout.readline() == b"up\n"
        yield process.pid
        process.communicate(b"\n")


def test_no_way_out_of_the_eyes_process(eyes: Eyes, neighbour: int) -> None:
    attempts = eyes.probe(process=neighbour)
    walls = attempts.pop("sandbox")
    assert walls in ("seccomp, landlock", sandbox.WITHOUT_LANDLOCK)
    possible = {name for name, what in attempts.items() if what == "possible"}
    assert possible == (set() if walls == "seccomp, landlock" else sandbox.ONLY_LANDLOCK)
    assert {"inet", "unix", "create_file", "rename", "fork", "signal", "terminal", "other_memory"} <= set(attempts)


def test_without_landlock_the_sandbox_says_what_stays_possible(tmp_path: Path, neighbour: int) -> None:
    """And the memory of its parent, which has the network, stays closed to it even so."""
    script = (
        "import json, sys; from agent import landlock, sandbox\n"
        "landlock.confine = lambda: False\n"
        "walls = sandbox.apply()\n"
        "print(json.dumps({**sandbox.probe(sys.argv[1], int(sys.argv[2])), 'sandbox': walls}))"
    )
    (file := tmp_path / "document").touch()
    attempts = printed(script, str(file), str(neighbour))
    assert attempts.pop("sandbox") == sandbox.WITHOUT_LANDLOCK
    assert {name for name, what in attempts.items() if what == "possible"} == sandbox.ONLY_LANDLOCK
    assert attempts["other_memory"] == "denied"


def test_the_probe_can_tell_a_wall_from_none(tmp_path: Path) -> None:
    """Without the sandbox the same probe must succeed, or the tests above show nothing."""
    script = "import json, sys; from agent import sandbox; print(json.dumps(sandbox.probe(sys.argv[1])))"
    (file := tmp_path / "document").write_text("as it was")
    assert set(printed(script, str(file)).values()) == {"possible"}
    assert file.read_text() == "as it was"
    assert [*tmp_path.iterdir()] == [file]


def test_a_camera_can_be_written_to_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "video0").touch()
    (tmp_path / "document").touch()
    script = (
        "import json, os, sys; from agent import landlock\n"
        "result = {'confined': str(landlock.confine(sys.argv[1] + '/video*'))}\n"
        "for name in ('video0', 'document'):\n"
        "    try: result[name] = str(os.close(os.open(f'{sys.argv[1]}/{name}', os.O_RDWR)))\n"
        "    except PermissionError: result[name] = 'denied'\n"
        "print(json.dumps(result))"
    )
    result = printed(script, str(tmp_path))
    if result["confined"] == "False":
        skip_or_fail("this kernel has no Landlock")
    assert result == {"confined": "True", "video0": "None", "document": "denied"}


def test_a_device_that_is_allowed_takes_controls_as_a_camera_must() -> None:
    script = (
        "import fcntl, json, os; from agent import landlock\n"
        "result = {'confined': str(landlock.confine('/dev/null'))}\n"
        "for name in ('null', 'zero'):\n"
        "    try: fcntl.ioctl(os.open(f'/dev/{name}', os.O_RDWR), 0x5401, bytes(64))  # TCGETS\n"
        "    except OSError as error: result[name] = str(error.errno)\n"
        "print(json.dumps(result))"
    )
    result = printed(script)
    if result["confined"] == "False":
        skip_or_fail("this kernel has no Landlock")
    assert result == {"confined": "True", "null": str(errno.ENOTTY), "zero": str(errno.EACCES)}


def test_whoever_starts_eyes_closes_its_own_memory_and_keeps_its_terminal() -> None:
    script = (
        "import ctypes, json, os; from agent.eyes_link import Eyes\n"
        "with Eyes() as eyes: session = os.getsid(eyes.pid) == eyes.pid\n"
        "print(json.dumps({'dumpable': ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), 'session': session}))"
    )
    assert printed(script) == {"dumpable": 0, "session": True}


def test_the_eyes_process_holds_no_socket_and_cannot_be_dumped(eyes: Eyes) -> None:
    process = psutil.Process(eyes.pid)
    assert process.rlimit(psutil.RLIMIT_CORE) == (0, 0)
    try:
        assert process.net_connections(kind="all") == []
    except psutil.AccessDenied:  # only root may look into it: nobody else gets a dump
        with pytest.raises(PermissionError):
            Path(f"/proc/{eyes.pid}/environ").read_bytes()
        return
    links = [str(Path(f"/proc/{eyes.pid}/fd/{n}").readlink()) for n in (0, 1, 2)]
    assert links == [os.devnull] * 3


def test_a_process_that_lets_nobody_read_its_memory_is_weighed_all_the_same(neighbour: int) -> None:
    script = (
        "import ctypes, json, sys; from agent import sandbox, weighing\n"
        "sandbox._drop_capabilities(ctypes.CDLL(None))\n"  # root reads everything
        "print(json.dumps({'bytes': weighing.memory(int(sys.argv[1]))}))"
    )
    assert 2e6 < int(printed(script, str(neighbour))["bytes"]) < 100e6
