"""`framekeep` as a person meets it: every verb has help, says one sentence when something is wrong and answers with the
right code; pausing releases the camera in under a second; what is wrong with the organisation's documents is said.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from agent.cli import VERBS
from agent.keys import FileKeyStore, store_key
from agent.samples import sample_clip
from agent.status import Report
from agent.store import DocumentKind, Store
from agent.wire.summary import Window
from tests.builders import assert_log_is_clean
from tests.e2e.killing import Service, set_up

CLIP = str(sample_clip())


def framekeep(home: Path, *words: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "agent.cli", *words],
        env={**os.environ, "FRAMEKEEP_HOME": str(home), "COLUMNS": "100"},
        capture_output=True,
        text=True,
        timeout=timeout,
        stdin=subprocess.DEVNULL,
    )


@contextmanager
def running(home: Path, *words: str) -> Iterator[subprocess.Popen[str]]:
    """The agent on the bundled sample, from its first look on."""
    agent = subprocess.Popen(
        [sys.executable, "-m", "agent.cli", "run", "--headless", "--camera", CLIP, "--every", "1", *words],
        env={**os.environ, "FRAMEKEEP_HOME": str(home), "FRAMEKEEP_LOG_LEVEL": "debug"},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield agent
    finally:
        agent.terminate()
        agent.wait(10)


def wait_for(agent: subprocess.Popen[str], word: str) -> str:
    assert agent.stdout is not None
    for line in agent.stdout:
        if word in line:
            return line
    raise AssertionError(f"the agent ended without saying {word!r}")


def eyes_of(agent: subprocess.Popen[str]) -> list[psutil.Process]:
    return [each for each in psutil.Process(agent.pid).children(recursive=True) if "agent.eyes" in each.cmdline()]


def test_a_pause_releases_the_camera_though_the_agent_hangs(tmp_path: Path) -> None:
    with running(tmp_path) as agent:
        wait_for(agent, "watching")
        (eyes,) = eyes_of(agent)
        agent.send_signal(signal.SIGSTOP)
        try:
            answer = framekeep(tmp_path, "pause", "--for", "30m")
            assert answer.returncode == 0, answer.stderr
            assert "did not react" in answer.stdout
            assert not eyes.is_running() or eyes.status() == psutil.STATUS_ZOMBIE
        finally:
            agent.send_signal(signal.SIGCONT)
        wait_for(agent, "paused")
        answer = framekeep(tmp_path, "pause")
        assert answer.returncode == 0 and "did not react" not in answer.stdout
        assert framekeep(tmp_path, "resume").returncode == 0
        wait_for(agent, "watching")


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(verb: str, tmp_path: Path) -> None:
    answer = framekeep(tmp_path, verb, "--help")
    assert answer.returncode == 0
    assert f"framekeep {verb}" in answer.stdout
    assert not any(tmp_path.iterdir()), "asking for help changes nothing"


def test_help_says_that_a_recording_is_measured_whatever_the_laptop_does(tmp_path: Path) -> None:
    said = " ".join(framekeep(tmp_path, "run", "--help").stdout.split())
    assert "needs no camera" in said and "while the screen is locked" in said


@pytest.mark.parametrize(
    ("words", "code", "part"),
    [
        ((), 0, "VERB"),
        (("nonsense",), 2, "invalid choice"),
        (("run", "--headless"), 2, "visible indicator"),
        (("run",), 1, "not enrolled"),
        (("run", "--headless", "--camera", "missing.mp4"), 1, "missing.mp4"),
        (("pause", "--for", "soon"), 2, "is not a duration"),
        (("enroll", "FK1-AAAA", "--server", "https://sync.example.org"), 2, "copy it again"),
        (("enroll", "FK1-AAAA"), 2, "--server"),
        (("erase",), 2, "--yes"),
        (("analyze", "missing.jpg"), 1, "missing.jpg"),
        (("demo", "missing.mp4", "--once"), 1, "missing.mp4"),
        (("outbox", "list"), 0, "Nothing was measured"),
        (("version",), 0, "framekeep"),
        (("doctor",), 0, "cannot open a connection"),
    ],
)
def test_answers(words: tuple[str, ...], code: int, part: str, tmp_path: Path) -> None:
    answer = framekeep(tmp_path, *words)
    assert (answer.returncode, part in answer.stdout + answer.stderr) == (code, True), answer.stdout + answer.stderr
    assert "Traceback" not in answer.stderr


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes are POSIX's")
@pytest.mark.parametrize("verb", [("analyze",), ("demo", "--once"), ("run", "--headless", "--camera")])
def test_a_source_that_would_block_is_refused(verb: tuple[str, ...], tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.mp4"
    os.mkfifo(pipe)
    answer = framekeep(tmp_path / "home", *verb, str(pipe), timeout=20)
    assert answer.returncode == 1
    assert "neither a file nor a folder" in answer.stderr


def test_a_mistyped_setting_names_file_and_key(tmp_path: Path) -> None:
    (tmp_path / "framekeep.toml").write_text("intervall_seconds = 10\n")
    wrong = "framekeep.toml: there is no setting 'intervall_seconds'; did you mean 'interval_seconds'?"
    for verb in (("config", "show"), ("run", "--headless", "--camera", CLIP)):
        answer = framekeep(tmp_path, *verb)
        assert answer.returncode == 2
        assert wrong in answer.stderr
    answer = framekeep(tmp_path, "status")
    assert (answer.returncode, answer.stderr) == (0, "") and wrong in answer.stdout, "what only shows goes on"


def test_a_settings_file_that_breaks_while_it_runs_is_named_once(tmp_path: Path) -> None:
    with running(tmp_path) as agent:
        wait_for(agent, "watching")
        (tmp_path / "framekeep.toml").write_text("camera =\n")
        end = time.monotonic() + 10
        while not (report := _report_of(tmp_path)).problems:
            assert time.monotonic() < end
            time.sleep(0.2)
        status = json.loads(framekeep(tmp_path, "status", "--json").stdout)
    assert status["state"] == "watching", "the last good settings hold"
    assert [each for each in status["problems"] if "not valid TOML" in each] == list(report.problems)


def _report_of(home: Path) -> Report:
    """What the running agent wrote down last."""
    store = Store(home / "data/store.sqlite", store_key(FileKeyStore(home / "data/keys.json")))
    data = store.status()
    store.close()
    assert data is not None
    return Report.from_bytes(data)


def test_pausing_releases_the_camera_within_a_second_and_status_says_so(tmp_path: Path) -> None:
    with running(tmp_path) as agent:
        wait_for(agent, "watching")
        status = json.loads(framekeep(tmp_path, "status", "--json").stdout)
        assert (status["state"], status["camera"], status["paused_until"]) == ("watching", CLIP, None)
        (eyes,) = eyes_of(agent)
        began = time.monotonic()
        assert framekeep(tmp_path, "pause", "--for", "30m").returncode == 0
        asked = time.monotonic()
        eyes.wait(1.0)
        assert time.monotonic() - asked < 1.0, f"{time.monotonic() - began:.2f} s since the command began"
        wait_for(agent, "paused")
        assert not eyes_of(agent)
        status = json.loads(framekeep(tmp_path, "status", "--json").stdout)
        assert status["state"] == "paused"
        assert status["paused_until"].endswith("Z")
        assert status["camera"] is None
        assert framekeep(tmp_path, "resume").returncode == 0
        resumed = time.monotonic()
        wait_for(agent, "watching")
        assert time.monotonic() - resumed < 5.0, "a look comes at once, not after the sampling interval"
        assert len(eyes_of(agent)) == 1
        second = framekeep(tmp_path, "run", "--headless", "--camera", CLIP)
        assert second.returncode == 1
        assert "running already" in second.stderr
    status = json.loads(framekeep(tmp_path, "status", "--json").stdout)
    assert (status["running"], status["state"]) == (False, "not_running")


def test_a_killed_agent_does_not_seem_to_watch(tmp_path: Path) -> None:
    with running(tmp_path) as agent:
        wait_for(agent, "watching")
        (eyes,) = eyes_of(agent)
        agent.kill()
        agent.wait()
        eyes.wait(2.0)
        status = json.loads(framekeep(tmp_path, "status", "--json").stdout)
    assert (status["running"], status["state"], status["camera"]) == (False, "not_running", None)


def test_enrol_measure_deliver_show_erase(open_folder: Path) -> None:
    """A laptop's life against the real service, by its command line alone; and the log of it all holds nothing."""
    service = Service(open_folder / "service")
    service.start()
    ((code, _),) = set_up(service.data, service.url, people=1)
    home = open_folder / "home"
    answer = framekeep(home, "enroll", code, "--server", service.url)
    assert answer.returncode == 0, answer.stderr
    assert "Enrolled" in framekeep(home, "enroll", code.lower(), "--server", service.url).stdout, "the same again"
    settings = {
        each["key"]: each for each in json.loads(framekeep(home, "config", "show", "--json").stdout)["settings"]
    }
    assert settings["server"]["locked"]
    assert settings["server"]["value"] == service.url
    assert settings["interval_seconds"]["origin"] == "policy"
    with running(home) as agent:
        wait_for(agent, "watching")
        time.sleep(3)
        status = json.loads(framekeep(home, "status", "--json").stdout)
        assert status["policy_id"] == "p-1"
    assert framekeep(home, "doctor").returncode == 0
    close_a_window(home)
    with running(home) as agent:  # the agent itself seals and delivers it
        wait_for(agent, "watching")
        time.sleep(3)
    listed = [json.loads(line) for line in framekeep(home, "outbox", "list", "--json").stdout.splitlines()]
    assert [row["state"] for row in listed] in (["accepted"], ["opened"])
    assert json.loads(listed[0]["plaintext"])["windows"][0]["at_screen"] == 200
    check_log(home)
    answer = framekeep(home, "erase", "--yes")
    assert "takes it back" in answer.stdout, answer.stderr
    assert "Cancelled" in framekeep(home, "erase", "--cancel").stdout
    assert framekeep(home, "erase", "--cancel").returncode == 1
    assert "No envelope" in framekeep(home, "outbox", "list").stdout
    service.stop()
    answer = framekeep(home, "doctor")
    assert answer.returncode == 1
    assert "does not answer" in answer.stdout
    assert framekeep(home, "erase", "--yes").returncode == 1, "nothing is erased here while the service cannot be asked"
    assert "forgotten everything" in framekeep(home, "erase", "--yes", "--only-here", "--everything").stdout


def check_log(home: Path) -> None:
    """At its chattiest, through enrolment, measuring and delivery, the log holds nothing measured and no secret."""
    log = (home / "logs" / "framekeep.log").read_text()
    assert "Posted." in log
    keys = FileKeyStore(home / "data" / "keys.json")
    assert_log_is_clean(log, [store_key(keys), keys.get("device-key") or b""])


def close_a_window(home: Path) -> None:
    """A window of an hour ago, as if the agent had just closed it: nobody waits five minutes here."""
    keys = FileKeyStore(home / "data" / "keys.json")
    store = Store(home / "data" / "store.sqlite", store_key(keys))
    start = int(time.time()) // 300 * 300 - 3600
    window = Window(start, at_screen=200, absent=100, frames=30)
    store.commit([window], store.checkpoint() or b"{}", policy="p-1", models="abcd")
    store.close()


def test_an_unreadable_policy_stops_capture_and_says_why(open_folder: Path) -> None:
    service = Service(open_folder / "service")
    service.start()
    ((code, _),) = set_up(service.data, service.url, people=1)
    service.stop()  # so that no good policy can be fetched again
    service.start()
    home = open_folder / "home"
    assert framekeep(home, "enroll", code, "--server", service.url).returncode == 0
    service.stop()
    keys = FileKeyStore(home / "data" / "keys.json")
    store = Store(home / "data" / "store.sqlite", store_key(keys))
    held = store.document(DocumentKind.POLICY)
    assert held is not None
    store.put_document(DocumentKind.POLICY, seq=held.seq, body=held.body.replace(b'"sig":"', b'"sig":"AAAA', 1))
    store.close()
    with running(home) as agent:
        line = wait_for(agent, "not measuring")
        assert "policy" in line
        time.sleep(0.5)
        assert not eyes_of(agent)
        status = json.loads(framekeep(home, "status", "--json").stdout)
        assert status["state"] == "blocked"
        assert any("policy" in problem for problem in status["problems"])
