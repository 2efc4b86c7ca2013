"""Holds that `framekeep bench --peers` measures our real eyes and any program that speaks the protocol side by side,
with the peers' own end of it (models/peers/child.py), and that a peer which fails costs only its own line.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest

from agent import bench
from agent.bench import percentile_95, time_frames
from agent.bench_peers import compare
from agent.errors import FramekeepError
from tests.real.pictures import REPOSITORY, SAMPLE

sys.path.insert(0, str(REPOSITORY / "models"))

from peers.environments import entries, folders, prepare
from peers.pictures import chosen, extract

pytestmark = pytest.mark.timeout(120)

PEER = f"""
import sys, time
sys.path.insert(0, {str(REPOSITORY / "models" / "peers")!r})
from child import serve

def load():
    ballast = bytearray(b"x" * 60_000_000)
    seen = []
    def look(picture):
        print("not an answer")
        seen.append(picture.shape)
        if sys.argv[1] == "fail" and len(seen) > 22:  # later than it is weighed, before all turns are over
            raise RuntimeError("the battery is flat")
        until = time.process_time() + 0.03
        while time.process_time() < until:
            pass
        return (0, 1, 0, 2)[len(seen) % 4] + len(ballast) * 0
    return look

serve(load)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("peers")
    names = extract([SAMPLE], folder)[::5]
    script = folder / "peer.py"
    script.write_text(PEER)

    def peer(name: str, **how: object) -> dict[str, object]:
        return {"name": name, "computes": "nothing", "pace": {"words": "often", "every": 0.1}, **how}

    peers = [
        peer("busy", command=[sys.executable, str(script), "work"]),
        peer("failing", command=[sys.executable, str(script), "fail"]),
        peer("silent", command=[sys.executable, "-c", "raise SystemExit('I need a screen')"]),
        peer("nowhere", command=[str(folder / "nowhere")]),
        peer("missing", missing="no wheel for this machine"),
    ]
    (folder / "peers.json").write_text(json.dumps({"pictures": names, "source": "the sample", "peers": peers}))
    return folder


def test_ours_and_theirs_in_one_table(folder: Path) -> None:
    result = compare(folder, "onnx")
    ours, other, busy, *failed = result["rows"]
    assert (ours["name"], other["name"]) == ("Framekeep, faces by onnx", "Framekeep, faces by mediapipe")
    assert ours["pictures"] == other["pictures"] == busy["pictures"] == result["pictures"] - 5
    assert ours["ratio"] == 1 and "face" in ours["stages_ms"] and ours["found_share"] > 0.4
    assert ours["cpu_s_per_hour"] < 100 and 40 < ours["memory_mb"] < 400
    # what the busy one does is known: 30 ms of processor time a picture, 60 MB, somebody in every other picture, two in every fourth
    assert busy["ms_p50"] >= 30 and 2.9 < busy["cpu_s_per_100"] < 6
    assert busy["memory_mb"] > 60 and 0 < busy["start_s"] < 20
    assert busy["found_share"] == pytest.approx(0.5, abs=0.1)
    assert busy["several_share"] == pytest.approx(0.25, abs=0.1) and ours["several_share"] == 0
    assert {each["name"]: each["failed"].rpartition(": ")[2] for each in failed} == {
        "failing": "the battery is flat",
        "silent": "I need a screen",
        "nowhere": "nowhere cannot be started (No such file or directory).",
        "missing": "no wheel for this machine",
    }


def test_our_own_bench_ends_whichever_stages_a_look_has() -> None:
    figures = time_frames(SAMPLE, 60, "onnx")
    assert figures["stages_share"]["lens"] == 1 and 0 < figures["stages_share"]["face"] <= 1
    assert 0 < figures["frame_ms_p50"] <= figures["frame_ms_p95"] <= figures["frame_ms_worst"]
    assert figures["frame_ms_mean_of_all"] > 0 and figures["frames_whole"] == figures["stages_share"]["face"]
    assert figures["core_share"] == pytest.approx(figures["cpu_ms_per_frame"] / 1000, rel=0.01)


def test_looks_farther_apart_repeat_less_and_take_a_smaller_share_of_a_core() -> None:
    figures = time_frames(SAMPLE, 60, "onnx", every=10.0)
    assert figures["frames_whole"] > 0.6
    assert figures["core_share"] == pytest.approx(figures["cpu_ms_per_frame"] / 10_000, rel=0.01)


def test_a_percentile_is_never_above_the_worst() -> None:
    assert percentile_95([3.0]) == 3.0
    assert percentile_95([27.0, 28.0]) <= 28.0
    assert percentile_95([float(n) for n in range(101)]) == 95.0


@pytest.mark.parametrize("arguments", [["--looks", "0"], ["--looks", "19"], ["--every", "0"]])
def test_too_few_looks_are_refused_in_one_sentence(arguments: list[str]) -> None:
    command = [sys.executable, "-m", "agent.cli", "bench", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and arguments[0] in done.stderr and "Traceback" not in done.stderr


def test_a_folder_that_is_none_ends_in_one_sentence(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "agent.cli", "bench", "--peers", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and done.stdout == ""
    assert "make bench-peers" in done.stderr and "Traceback" not in done.stderr


def test_every_peer_is_locked_by_hash_and_says_what_it_does(tmp_path: Path) -> None:
    assert [folder.name for folder in folders()] == ["mediapipe_legacy", "gaze_guard", "batesposture"]
    for peer in folders():
        (tmp_path / peer.name).mkdir()
        (tmp_path / peer.name / ".installed").write_text((peer / "requirements.lock").read_text())
        programs = tomllib.loads((peer / "peer.toml").read_text())["program"]
        listed = entries(peer, tmp_path)
        assert [each["name"] for each in listed] == [each["name"] for each in programs]
        assert all(each["command"][1] == str(peer / "peer.py") for each in listed)
        wanted = [line for line in (peer / "requirements.in").read_text().splitlines() if "==" in line]
        assert wanted and all(f"{line} \\" in (peer / "requirements.lock").read_text() for line in wanted)


def test_an_environment_that_cannot_be_made_says_why(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text("no-such-file-of-ours @ file:///nowhere.whl --hash=sha256:" + "0" * 64)
    told = prepare(tmp_path / "environment", lock)
    assert "nowhere.whl" in told and not (tmp_path / "environment" / ".installed").exists()


def test_pictures_are_a_tenth_of_a_second_apart_and_of_a_long_recording_evenly_spread() -> None:
    assert sorted(chosen(100, 20)) == list(range(0, 100, 2))
    assert sorted(chosen(50, 5)) == list(range(50))
    spread = sorted(chosen(620, 1))
    assert len(spread) == 120 and spread[-1] > 610
    assert chosen(0, 0) == set()


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("pass", "no first observation"),
        ("import time; time.sleep(60)", "no first observation"),
        ("import time; print('is watching now', flush=True); time.sleep(0.5)", "ended while it was weighed"),
    ],
    ids=["ends at once", "never looks", "ends while it is weighed"],
)
def test_an_agent_that_does_not_stay_is_said_to_be_gone(
    program: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "START_SECONDS", 1.5)
    with pytest.raises(FramekeepError, match=said):
        bench.weigh_command([sys.executable, "-c", program], dict(os.environ))


def test_an_agent_that_will_not_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "SETTLE_SECONDS", 1.0)
    monkeypatch.setattr(bench, "END_SECONDS", 0.5)
    stubborn = "import os, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(os.getpid(), ' watching ', flush=True); time.sleep(60)"
    began = time.monotonic()
    assert bench.weigh_command([sys.executable, "-c", stubborn], dict(os.environ))["rss_mb"] > 0
    assert time.monotonic() - began < 20
