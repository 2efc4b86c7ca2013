"""Holds the promises that the eyes process has no network and dies in time, that its parent holds no pixel, and
that whatever the files or the process do, the parent gets an observation or one clear error.
"""

from __future__ import annotations

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

from agent.errors import CameraLost, EyesError, UnreadableSource
from agent.eyes_link import Eyes, Look
from agent.sources import Source
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
    assert {"camera", "lens", "still", "face", "objects"} <= set(first.stages)
    assert (first.frame, first.still, first.spacing) == (0, False, 60.0)


def test_the_other_face_engine_needs_nothing_of_mediapipe(tmp_path: Path) -> None:
    """A process in which `import mediapipe` fails looks as well, and sees the same faces."""
    refuse = tmp_path / "mediapipe.py"
    refuse.write_text("raise ImportError('mediapipe must not be imported')")
    script = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from agent import eyes; sys.exit(eyes.main())"
    with Eyes(command=child(script), face="onnx") as lean, Eyes() as usual:
        ours, theirs = (looks(process, str(SAMPLE), every=100.0) for process in (lean, usual))
    assert len(ours) == len(theirs) > 3
    for one, other in zip(ours, theirs, strict=True):
        assert one.observation is not None and other.observation is not None
        for a, b in zip(one.observation.faces, other.observation.faces, strict=True):
            assert a.box == pytest.approx(b.box, abs=2.0)
            assert a.yaw == pytest.approx(b.yaw, abs=0.5) and a.pitch == pytest.approx(b.pitch, abs=0.5)
    with Eyes(command=child(script)) as broken:
        assert isinstance(broken.look(20.0).error, EyesError)


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
    with pytest.raises(CameraLost, match=r"^[^\n]*camera 97[^\n]*\.$"):
        eyes.open(Source(device="97"))
        look = eyes.look(5.0)
        raise look.error or AssertionError("there is no camera 97")
    assert time.monotonic() - began < 6
    assert looks(eyes, str(SAMPLE), every=400.0)  # and the process is as good as before


def test_a_failed_opening_is_told_once_and_the_next_look_does_not_wait_for_it() -> None:
    with Eyes(Source(device="97")) as fresh:
        assert isinstance(fresh.look(5.0).error, CameraLost)
        began = time.monotonic()
        assert fresh.look(5.0).error is not None
        assert time.monotonic() - began < 2


def test_looking_before_opening_is_an_error() -> None:
    with Eyes() as fresh:
        assert isinstance(fresh.look(20.0).error, EyesError)


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
