"""Holds the promises that the eyes process has no network and dies in time, that its parent holds no pixel, and
that whatever the files or the process do, the parent gets an observation or one clear error.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from agent import sandbox
from agent.errors import CameraLost, EyesError, UnreadableSource
from agent.eyes_link import Eyes, Look
from agent.sources import Source
from tests.conftest import skip_or_fail
from tests.real.pictures import REPOSITORY, SAMPLE, noise, write_video

pytestmark = pytest.mark.timeout(60)

LINUX = sys.platform.startswith("linux")
PIXEL_MODULES = {"numpy", "cv2", "mediapipe", "onnxruntime", "PIL", "matplotlib"}


@pytest.fixture(scope="module")
def eyes() -> Iterator[Eyes]:
    """One process for all tests that leave it well."""
    with Eyes() as process:
        yield process


def looks(eyes: Eyes, *files: str, every: float = 1.0) -> list[Look]:
    eyes.open(Source(files=files, every=every))
    out = []
    while not (look := eyes.look(20.0)).end:
        out.append(look)
        assert len(out) < 1000
    return out


def child(script: str) -> list[str]:
    return [sys.executable, "-u", "-c", script]


def test_a_clip_becomes_observations(eyes: Eyes) -> None:
    first, second, *_ = looks(eyes, str(SAMPLE), every=60.0)
    assert first.observation is not None and second.observation is not None
    assert first.observation.at == 0.0 and second.observation.at == pytest.approx(60.0, abs=1.0)
    assert first.observation.faces and first.observation.faces[0].yaw is not None
    assert {"camera", "lens", "face", "phone"} == set(first.stages)
    assert (first.frame, first.still, first.spacing) == (0, False, 60.0)


def test_boxes_of_a_huge_picture_are_in_its_own_pixels(eyes: Eyes, tmp_path: Path) -> None:
    import cv2

    capture = cv2.VideoCapture(str(SAMPLE))
    ok, portrait = capture.read()
    assert ok
    small, huge = str(tmp_path / "small.png"), str(tmp_path / "huge.jpg")
    cv2.imwrite(small, portrait)
    cv2.imwrite(huge, cv2.resize(portrait, (portrait.shape[1] * 8, portrait.shape[0] * 8)))
    one, eight = (look.observation for look in looks(eyes, small, huge))
    assert one is not None and eight is not None
    assert eight.size == (one.size[0] * 8, one.size[1] * 8)
    for a, b in zip(one.faces[0].box, eight.faces[0].box, strict=True):
        assert b / 8 == pytest.approx(a, abs=0.03 * one.size[0])


def test_bad_files_are_named_and_the_rest_goes_on(eyes: Eyes, tmp_path: Path) -> None:
    empty, junk, cut = tmp_path / "empty.jpg", tmp_path / "junk.png", tmp_path / "cut.avi"
    empty.touch()
    junk.write_bytes(os.urandom(5000))
    whole = Path(write_video(tmp_path / "whole.avi", frames=60, fps=10))
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    one, huge = noise(tmp_path / "one.png", 1, 1), noise(tmp_path / "8k.jpg", 7680, 4320)
    out = looks(
        eyes, str(empty), str(junk), one, huge, str(cut), str(tmp_path / "gone.mp4"), noise(tmp_path / "z.png", 64, 48)
    )
    errors = [look.error for look in out if look.error]
    assert [type(error) for error in errors] == [UnreadableSource] * 4
    assert [Path(str(error).split(" ")[0]).name for error in errors] == ["empty.jpg", "junk.png", "cut.avi", "gone.mp4"]
    sizes = [look.observation.size for look in out if look.observation]
    assert sizes[:2] == [(1, 1), (7680, 4320)] and sizes[-1] == (64, 48)


def test_a_camera_that_does_not_exist(eyes: Eyes) -> None:
    began = time.monotonic()
    with pytest.raises((UnreadableSource, CameraLost), match=r"^[^\n]*camera 97[^\n]*\.$"):
        eyes.open(Source(device="97"))
        look = eyes.look(5.0)
        raise look.error or AssertionError("there is no camera 97")
    assert time.monotonic() - began < 6
    assert looks(eyes, str(SAMPLE), every=400.0)  # and the process is as good as before


def test_a_failed_opening_is_told_once_and_the_next_look_does_not_wait_for_it() -> None:
    with Eyes(Source(device="97")) as fresh:
        assert isinstance(fresh.look(5.0).error, (UnreadableSource, CameraLost))
        began = time.monotonic()
        assert fresh.look(5.0).error is not None
        assert time.monotonic() - began < 2


def test_looking_before_opening_is_an_error() -> None:
    with Eyes() as fresh:
        assert isinstance(fresh.look(20.0).error, EyesError)


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


@pytest.mark.skipif(not LINUX, reason="the sandbox is Linux's")
def test_no_way_out_of_the_eyes_process(eyes: Eyes, neighbour: int) -> None:
    looks(eyes, str(SAMPLE), every=400.0)  # everything heavy is loaded by now
    attempts = eyes.probe(process=neighbour)
    walls = attempts.pop("sandbox")
    assert walls in ("seccomp, landlock", sandbox.WITHOUT_LANDLOCK)
    possible = {name for name, what in attempts.items() if what == "possible"}
    assert possible == (set() if walls == "seccomp, landlock" else sandbox.ONLY_LANDLOCK)
    assert {"inet", "unix", "create_file", "rename", "fork", "signal", "terminal", "other_memory"} <= set(attempts)


@pytest.mark.skipif(not LINUX, reason="the sandbox is Linux's")
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


@pytest.mark.skipif(not LINUX, reason="the probe is made of Linux's system calls")
def test_the_probe_can_tell_a_wall_from_none(tmp_path: Path) -> None:
    """Without the sandbox the same probe must succeed, or the tests above show nothing."""
    script = "import json, sys; from agent import sandbox; print(json.dumps(sandbox.probe(sys.argv[1])))"
    (file := tmp_path / "document").write_text("as it was")
    assert set(printed(script, str(file)).values()) == {"possible"}
    assert file.read_text() == "as it was"
    assert [*tmp_path.iterdir()] == [file]


@pytest.mark.skipif(not LINUX, reason="Landlock is Linux's")
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


@pytest.mark.skipif(not LINUX, reason="reads /proc")
def test_whoever_starts_eyes_closes_its_own_memory_and_keeps_its_terminal() -> None:
    script = (
        "import ctypes, json, os; from agent.eyes_link import Eyes\n"
        "with Eyes() as eyes: session = os.getsid(eyes.pid) == eyes.pid\n"
        "print(json.dumps({'dumpable': ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), 'session': session}))"
    )
    assert printed(script) == {"dumpable": 0, "session": True}


@pytest.mark.skipif(not LINUX, reason="reads /proc")
def test_the_eyes_process_holds_no_socket_and_cannot_be_dumped(eyes: Eyes) -> None:
    looks(eyes, str(SAMPLE), every=400.0)
    process = psutil.Process(eyes.pid)
    assert process.rlimit(psutil.RLIMIT_CORE) == (0, 0)
    try:
        assert process.net_connections(kind="all") == []
    except psutil.AccessDenied:  # only root may look into it: nobody else gets a dump
        with pytest.raises(PermissionError):
            Path(f"/proc/{eyes.pid}/mem").open("rb")
        return
    links = [str(Path(f"/proc/{eyes.pid}/fd/{n}").readlink()) for n in (0, 1, 2)]
    assert links == [os.devnull] * 3


def test_the_parent_never_loads_a_module_that_holds_pixels(tmp_path: Path) -> None:
    script = (
        "import sys, contextlib, io\n"
        "from agent import cli\n"
        f"code = cli.main(['analyze', {str(SAMPLE)!r}, '--every', '200', '--save-plot', {str(tmp_path / 'p.png')!r}])\n"
        "from agent.eyes_link import Eyes\n"
        "tops = {name.split('.')[0] for name in sys.modules}\n"
        f"print('held:', sorted(tops & {PIXEL_MODULES!r}), code)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert "held: [] 0" in done.stdout
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")


def test_a_child_that_ignores_everything_is_killed_in_time() -> None:
    deaf = "import signal, time\nfor s in (1, 2, 15): signal.signal(s, signal.SIG_IGN)\nprint('{}')\ntime.sleep(600)"
    for end in (Eyes.kill, Eyes.close):
        eyes = Eyes(Source(device="0"), command=child(deaf))
        assert isinstance(eyes._answers.get(timeout=10), dict)  # it is up, and has put on its ear muffs
        began = time.monotonic()
        end(eyes)
        assert time.monotonic() - began < 1.0
        assert not eyes.alive


def test_a_look_that_is_never_answered_ends_in_time() -> None:
    eyes = Eyes(command=child("import time; time.sleep(600)"))
    began = time.monotonic()
    assert isinstance(eyes.look(0.3).error, EyesError)
    assert time.monotonic() - began < 1.0
    eyes.kill()


def test_kill_from_another_thread_ends_a_look() -> None:
    eyes = Eyes(command=child("import time; time.sleep(600)"))
    timer = threading.Timer(0.3, eyes.kill)
    timer.start()
    began = time.monotonic()
    error = eyes.look(30.0).error
    assert isinstance(error, EyesError) and "ended by itself" in str(error)
    assert time.monotonic() - began < 2.0
    timer.join()


@pytest.mark.parametrize(
    "script",
    [
        "import sys; sys.exit(3)",
        "print('this is not JSON')",
        "print('[1, 2]')",
        "print('x' * 3_000_000)",
        'input(); print(\'{"id": 1, "observation": {"at": 0}}\')',
    ],
)
def test_a_child_that_dies_or_talks_nonsense_is_an_error(script: str) -> None:
    eyes = Eyes(command=child(script))
    assert isinstance(eyes.look(10.0).error, EyesError)
    assert isinstance(eyes.look(1.0).error, EyesError)
    eyes.close()


def test_a_late_answer_is_not_taken_for_the_next() -> None:
    script = (
        "import json, sys, time\n"
        "for line in sys.stdin:\n"
        "    n = json.loads(line)['id']\n"
        "    time.sleep(0.8 if n == 1 else 0)\n"
        "    print(json.dumps({'id': n, 'pss': n}))\n"
    )
    eyes = Eyes(command=child(script))
    with pytest.raises(EyesError, match="did not answer within"):
        eyes.memory(timeout=0.3)
    assert eyes.memory(timeout=10.0) == 2
    eyes.close()


def test_the_eyes_die_with_their_parent() -> None:
    script = (
        "import sys, time\n"
        "from agent.eyes_link import Eyes\n"
        "from agent.sources import Source\n"
        f"eyes = Eyes(Source(files=({str(SAMPLE)!r},)))\n"
        "eyes.look(20.0); print(eyes.pid, flush=True); time.sleep(600)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert psutil.pid_exists(pid)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    give_up = time.monotonic() + 3
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < give_up
        time.sleep(0.02)


def test_ctrl_c_is_the_parent_s_to_handle(eyes: Eyes) -> None:
    looks(eyes, str(SAMPLE), every=400.0)
    os.kill(eyes.pid, signal.SIGINT)
    assert looks(eyes, str(SAMPLE), every=400.0)


def test_a_frozen_app_starts_itself_as_its_own_child() -> None:
    with Eyes(Source(files=(str(SAMPLE),)), command=[sys.executable, "-m", "agent.cli", "_eyes"]) as eyes:
        assert eyes.look(20.0).observation is not None
        assert not LINUX or eyes.probe()["inet"] == "denied"


def test_start_to_first_observation_is_quick() -> None:
    """The whole agent has 2.5 s; the eyes take a fraction of it even on a busy machine."""
    began = time.monotonic()
    with Eyes(Source(files=(str(SAMPLE),))) as eyes:
        assert eyes.look(20.0).observation is not None
        assert time.monotonic() - began < 2.0


@pytest.mark.skipif(not LINUX, reason="Linux tells the proportional set size")
def test_the_eyes_fit_in_their_memory(eyes: Eyes) -> None:
    looks(eyes, str(SAMPLE), every=100.0)
    memory = eyes.memory()
    assert memory is not None and 20e6 < memory < 260e6


@pytest.mark.skipif(not LINUX, reason="elsewhere nobody closes their memory")
def test_a_process_that_lets_nobody_read_its_memory_is_weighed_all_the_same(neighbour: int) -> None:
    script = (
        "import ctypes, json, sys; from agent import bench, sandbox\n"
        "sandbox._drop_capabilities(ctypes.CDLL(None))\n"  # root reads everything
        "print(json.dumps({'bytes': bench._memory(int(sys.argv[1]))}))"
    )
    assert 2e6 < int(printed(script, str(neighbour))["bytes"]) < 100e6
