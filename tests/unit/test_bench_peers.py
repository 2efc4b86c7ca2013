"""Holds that the figures of `framekeep bench --peers` are what they are called, and that a wrong folder is named."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from agent.bench_child import apart, environment
from agent.bench_peers import read_plan
from agent.bench_table import Pace, Tally, looks_an_hour, markdown, row
from agent.errors import UsageError


def tally(name: str, *turns: list[float], cpu: float = 0.1, **more: Any) -> Tally:
    return Tally(
        name, "faces", Pace("now and then", every=10), [0.5, 0.3, 0.4], [3_000_000], list(turns), cpu=cpu, **more
    )


@pytest.mark.parametrize("count", [1, 2, 15, 100, 359, 360])
def test_our_eyes_see_every_picture_once_and_never_neighbours_in_turn(count: int) -> None:
    order = apart(count)
    assert sorted(order) == list(range(count))
    if count > 10:
        assert all(count / 5 < (b - a) % count < count * 4 / 5 for a, b in pairwise(order))


def test_a_program_slower_than_its_pace_looks_as_often_as_it_can() -> None:
    assert looks_an_hour(Pace("", every=10), ms=16) == 360
    assert looks_an_hour(Pace("", every=0.05), ms=100) == pytest.approx(36_000)
    assert looks_an_hour(Pace("", rest=0.1), ms=100) == pytest.approx(18_000)
    assert looks_an_hour(Pace("", every=0.1, share=0.5), ms=1) == pytest.approx(18_000)


def test_the_ratio_compares_turn_with_turn_so_that_a_slow_minute_of_the_machine_is_nobodys() -> None:
    ours = tally("ours", [10, 10], [100, 100], [10, 10])  # the machine was slow in the second turn
    theirs = tally("theirs", [20, 20], [200, 200], [20, 22], cpu=0.12, found=3)
    figures = row(theirs, ours)
    assert figures["ratio"] == 2.0
    assert figures["ms_p50"] == 21 and figures["ms_worst"] == 200
    assert figures["cpu_s_per_100"] == 2.0 and figures["cpu_s_per_hour"] == pytest.approx(0.02 * 360)
    assert figures["start_s"] == 0.4 and figures["memory_mb"] == 3.0 and figures["found_share"] == 0.5


def test_who_has_no_figures_keeps_a_line_and_its_reason() -> None:
    ours = tally("ours", [10, 20], stages={"face": [4.0, 5.0], "phone": [8.0]})
    rows = [row(ours, ours), row(tally("theirs", failed="no wheel for this machine"), ours)]
    lines = markdown({"face": "onnx", "pictures": 2, "source": "a clip", "rows": rows}).splitlines()
    assert [line.count("|") for line in lines if line.startswith("|")] == [11] * 4
    assert "- No figures for theirs: no wheel for this machine" in lines
    assert "- ours, by stage: face 4.5 ms in 100 %, phone 8.0 ms in 50 %." in lines


def test_a_peer_gets_a_home_of_its_own_and_nothing_that_leads_to_our_python(tmp_path: Path) -> None:
    ours = {"PATH": "/bin", "HOME": "/me", "PYTHONPATH": "/x", "VIRTUAL_ENV": "/v", "XDG_CONFIG_HOME": "/c"}
    assert environment(ours, tmp_path) == {"PATH": "/bin", "HOME": str(tmp_path), "USERPROFILE": str(tmp_path)}


GOOD: dict[str, Any] = {"name": "p", "computes": "faces", "pace": {"words": "often", "every": 1}, "command": ["p"]}


@pytest.mark.parametrize(
    ("pictures", "peer", "told"),
    [
        (3, GOOD, "names 3 pictures"),
        (20, {**GOOD, "missing": "but it has a command"}, "either a command, or the reason"),
        (20, {**GOOD, "command": []}, "either a command, or the reason"),
        (20, {**GOOD, "pace": {"words": "never"}}, "how often it looks"),
        (20, {**GOOD, "colour": "red"}, "is not a list of peers"),
        (20, {"name": "p"}, "is not a list of peers"),
    ],
)
def test_a_wrong_plan_is_refused_in_one_sentence(
    tmp_path: Path, pictures: int, peer: dict[str, Any], told: str
) -> None:
    names = [f"{number}.bmp" for number in range(pictures)]
    (tmp_path / "peers.json").write_text(json.dumps({"pictures": names, "source": "none", "peers": [peer]}))
    with pytest.raises(UsageError, match=told):
        read_plan(tmp_path)


def test_a_folder_without_a_plan_names_what_writes_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="make bench-peers"):
        read_plan(tmp_path)
