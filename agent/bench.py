"""The verb `bench`: what a look costs on this machine, how much memory the agent takes, and how fast it starts.

Frames: the bundled sample through the real eyes process, a look each second of it (`--every 10`: as far apart as by
default, when less repeats itself). A whole look is one in which faces were looked for; the cheap gates before that spare
the others nearly everything, so the mean of all looks is far below the median of the whole ones.
Memory and start: the real `framekeep run --headless` in a folder of its own. Memory is the proportional set size (shared pages counted once) of all its processes together, sampled after it settled;
they let only root read that, so for anybody else their resident sizes stand in, which count shared pages again: some
too much, never too little. The start is from launching the process to its first observation.

With `--peers FOLDER`: other programs beside our own eyes, over the same pictures in the same run (bench_peers.py).
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

from agent import bench_peers, bench_table
from agent.commands.local import say, say_json
from agent.errors import FramekeepError, UsageError
from agent.eyes_link import Eyes
from agent.lifeline import die_with_parent
from agent.paths import HOME_VARIABLE
from agent.samples import sample_clip
from agent.sources import FACE_ENGINES, Source
from agent.weighing import cpu_seconds, memory

LOOKS = 200
FEWEST_LOOKS = 20
"""Of fewer there is no 95th percentile."""
WARM_UP = 10
START_SECONDS = 60.0
SETTLE_SECONDS = 12.0
END_SECONDS = 10.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `framekeep bench` takes."""
    parser.add_argument("--json", action="store_true", help="end with one JSON object")
    parser.add_argument(
        "--face",
        choices=FACE_ENGINES,
        default=FACE_ENGINES[0],
        help="the engine that finds faces (default %(default)s)",
    )
    parser.add_argument(
        "--looks",
        type=int,
        default=LOOKS,
        metavar="N",
        help=f"how many looks to time ({LOOKS}; at least {FEWEST_LOOKS})",
    )
    parser.add_argument(
        "--every", type=float, default=1.0, metavar="S", help="seconds of the sample between two looks (default 1)"
    )
    parser.add_argument(
        "--peers",
        type=Path,
        metavar="FOLDER",
        help="measure the programs of FOLDER/peers.json beside ours instead, and print a Markdown table",
    )


def run(arguments: argparse.Namespace) -> int:
    """Measure and print. Raises FramekeepError."""
    if arguments.looks < FEWEST_LOOKS:
        raise UsageError(
            f"--looks needs at least {FEWEST_LOOKS}, or there is no 95th percentile; not {arguments.looks}."
        )
    console = Console(stderr=True)
    if arguments.peers is not None:
        with console.status("Measuring ours and theirs in turn ...") if console.is_terminal else _Quiet():
            compared = bench_peers.compare(arguments.peers, arguments.face)
            compared["agent"] = {engine: weigh(sample_clip(), engine) for engine in FACE_ENGINES}
        if arguments.json:
            say_json(compared)
        else:
            say(bench_table.markdown(compared))
        return 0
    clip = sample_clip()
    with console.status("Timing looks at the bundled sample ...") if console.is_terminal else _Quiet():
        frames = time_frames(clip, arguments.looks, arguments.face, arguments.every)
    with console.status("Running the agent to weigh it ...") if console.is_terminal else _Quiet():
        weight = weigh(clip, arguments.face)
    result = {"face": arguments.face, "every_s": arguments.every, **frames, **weight}
    if arguments.json:
        say_json(result)
        return 0
    table = Table(title=f"One look on this machine (one thread, faces by {arguments.face})")
    table.add_column("what")
    table.add_column("measured", justify="right")
    for stage, ms in result["stages_ms"].items():
        table.add_row(f"{stage}, median of the {100 * result['stages_share'][stage]:.0f} % it ran in", f"{ms:.1f} ms")
    shown = {key: f"{result[key]:.1f} ms" for key in result if key.startswith(("frame_ms", "cpu_ms"))}
    full = f"{100 * result['frames_whole']:.0f} %"
    table.add_row("every look, mean", shown["frame_ms_mean_of_all"])
    table.add_row(f"a whole look (the {full} that looked for faces), median", shown["frame_ms_p50"])
    table.add_row("a whole look, 95th percentile", shown["frame_ms_p95"])
    table.add_row("a whole look, worst", shown["frame_ms_worst"])
    table.add_row("processor time a look, decoding included", shown["cpu_ms_per_frame"])
    table.add_row(f"share of a core at a look every {arguments.every:g} s", f"{result['core_share']:.2%}")
    table.add_row("start to first observation", f"{result['first_observation_s']:.2f} s")
    table.add_row("memory of all processes", f"{result['rss_mb']:.0f} MB")
    Console().print(table)
    return 0


def time_frames(clip: Path, looks: int, face: str, every: float = 1.0) -> dict[str, Any]:
    """Milliseconds per stage, of the looks in which it ran, and of whole looks, over `looks` of them, `every` seconds of
    the clip apart. `core_share` is the processor time of a look by that interval. Raises FramekeepError.
    """
    source = Source(files=(str(clip),), every=every)
    stages: dict[str, list[float]] = defaultdict(list)
    whole: list[float] = []
    full: list[float] = []
    with Eyes(source, face=face) as eyes:
        done, cpu = 0, 0.0
        while len(whole) < looks:
            look = eyes.look(30)
            if look.end:
                eyes.open(source)
                continue
            if look.error is not None:
                raise look.error
            done += 1
            if done == WARM_UP:
                cpu = cpu_seconds(eyes.pid)
            if done <= WARM_UP:
                continue
            spent = {name: ms for name, ms in look.stages.items() if name != "camera"}
            for name, ms in spent.items():
                stages[name].append(ms)
            whole.append(sum(spent.values()))
            if "face" in spent:
                full.append(whole[-1])
        cpu = cpu_seconds(eyes.pid) - cpu
    if not full:
        raise FramekeepError("No look at the bundled sample reached the search for faces: run framekeep doctor.")
    return {
        "frames_whole": round(len(full) / len(whole), 3),
        "frame_ms_p50": round(median(full), 2),
        "frame_ms_p95": round(percentile_95(full), 2),
        "frame_ms_worst": round(max(full), 2),
        "frame_ms_mean_of_all": round(sum(whole) / len(whole), 2),
        "stages_ms": {name: round(median(values), 2) for name, values in stages.items()},
        "stages_share": {name: round(len(values) / len(whole), 3) for name, values in stages.items()},
        "cpu_ms_per_frame": round(cpu * 1000 / (done - WARM_UP), 2),
        "core_share": round(cpu / (done - WARM_UP) / every, 6),
    }


def percentile_95(values: Sequence[float]) -> float:
    """Between the two values it falls between; never above the largest, since nothing is guessed beyond what was seen."""
    return quantiles(values, n=20, method="inclusive")[-1] if len(values) > 1 else values[0]


def weigh(clip: Path, face: str) -> dict[str, Any]:
    """Start the agent on the clip; its time to the first observation and its memory once it has settled.

    Raises FramekeepError when it ends early, or looks at nothing within `START_SECONDS`.
    """
    with tempfile.TemporaryDirectory(prefix="framekeep-bench-") as home:
        command = [sys.executable, "-m", "agent.cli", "run", "--headless", "--camera", str(clip), "--every", "1"]
        if getattr(sys, "frozen", False):
            command = [sys.executable, *command[3:]]
        return weigh_command(command, {**os.environ, HOME_VARIABLE: home, "FRAMEKEEP_DETECTOR_FACE": face})


def weigh_command(command: Sequence[str], environment: Mapping[str, str]) -> dict[str, Any]:
    """The same for any command line that starts an agent; it is over when this returns."""
    began = time.monotonic()
    with _ended(
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, preexec_fn=die_with_parent())
    ) as agent:
        guard = threading.Timer(START_SECONDS, agent.kill)
        guard.start()
        watching = any(" watching " in line for line in agent.stdout or ())
        guard.cancel()
        if not watching:
            raise FramekeepError(
                f"The agent made no first observation within {START_SECONDS:.0f} s, or ended before: run framekeep doctor."
            )
        first = time.monotonic() - began
        samples = []
        until = time.monotonic() + SETTLE_SECONDS
        gone = FramekeepError("The agent ended while it was weighed: run framekeep doctor.")
        while time.monotonic() < until:
            time.sleep(1.0)
            try:
                samples.append(memory(agent.pid))
            except psutil.Error as error:
                raise gone from error
            if agent.poll() is not None:  # until then what ended weighs nothing, and is no error to the system
                raise gone
    return {"rss_mb": round(median(samples[len(samples) // 2 :]) / 1e6, 1), "first_observation_s": round(first, 2)}


@contextmanager
def _ended(process: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    """The process, asked to end afterwards, and killed where it does not."""
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


class _Quiet:
    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...
