"""The verb `analyze`: judge pictures and recordings, print what was seen. Keeps nothing, sends nothing.

A picture is judged alone. A recording is judged with the judge's memory, on its own clock: the state printed for a
frame is the one its time was counted for, so the lines and the totals say the same. A file that cannot be read is
one line on standard error, the rest go on, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from agent.attention import judge
from agent.attention.judge import Interval, JudgeState, judge_still
from agent.attention.observation import Observation, State
from agent.attention.rules import Rules
from agent.errors import EyesError, FramekeepError, UnreadableSource, UsageError
from agent.eyes_link import Eyes, Look
from agent.output import Output
from agent.plot_link import save_plot
from agent.sources import FACE_ENGINES, Source, expand

LOOK_SECONDS = 60.0
"""The longest a file may take between two looks; the slowest part is skipping frames of a long, large video."""


@dataclass(slots=True)
class Judged:
    """One file's outcome: per frame what was seen and the state its time went to."""

    source: str
    still: bool = False
    frames: list[tuple[Look, Interval]] = field(default_factory=list)
    error: FramekeepError | None = None

    def seconds(self) -> Counter[State]:
        """Seconds per state (a picture counts as one)."""
        total: Counter[State] = Counter()
        for _, interval in self.frames:
            total[interval.state] += 1 if self.still else interval.end - interval.start  # type: ignore[assignment]  # a Counter of floats
        return total


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `framekeep analyze` takes."""
    parser.add_argument("sources", nargs="+", metavar="SOURCE", help="a picture, a recording, or a folder of them")
    parser.add_argument("--json", action="store_true", help="one JSON object a line per frame, and nothing else")
    parser.add_argument(
        "--every", type=float, default=1.0, metavar="S", help="seconds between two looks at a recording (default 1)"
    )
    parser.add_argument(
        "--face",
        choices=FACE_ENGINES,
        default=FACE_ENGINES[0],
        help="the engine that finds faces (default %(default)s)",
    )
    parser.add_argument("--save-plot", type=Path, metavar="FILE.png", help="draw the states over time")


def run(arguments: argparse.Namespace) -> int:
    """Judge every file. Returns 0, or 1 when any could not be read. Raises FramekeepError."""
    plot: Path | None = arguments.save_plot
    if plot is not None and (plot.suffix.lower() != ".png" or not plot.absolute().parent.is_dir()):
        raise UsageError(f"--save-plot needs a file name ending in .png in a folder that exists, not {plot}.")
    files, failed = find(arguments.sources)
    results: list[tuple[str, Judged]] = []
    output = Output()
    with _progress(len(files), shown=sys.stderr.isatty()) as advance:
        for argument, judged in zip(
            (argument for argument, _ in files),
            analyze([file for _, file in files], arguments.every, arguments.face),
            strict=True,
        ):
            if arguments.json:
                output.write("".join(_lines(judged)))
            if judged.error is not None:
                failed = True
                _complain(judged.error)
            results.append((argument, judged))
            advance()
            if output.unread and plot is None:
                break
    if not arguments.json:
        output.write("".join(map(_rendered, tables(results))))
    if plot is not None:
        save_plot([as_ribbon(judged) for _, judged in results if judged.frames], plot)
    return 1 if failed else 0


def find(sources: Sequence[str]) -> tuple[list[tuple[str, str]], bool]:
    """(argument, file) for every file meant, and whether an argument meant nothing (which is complained about)."""
    files: list[tuple[str, str]] = []
    failed = False
    for source in sources:
        try:
            files += [(source, str(path)) for path in expand(source)]
        except UnreadableSource as error:
            failed = True
            _complain(error)
    return files, failed


def analyze(files: Sequence[str], every: float = 1.0, face: str = FACE_ENGINES[0]) -> Iterator[Judged]:
    """Judge files one after another in one eyes process. Reading errors are in the result.

    A file whose decoder kills the process is an unreadable file; a new process goes on with the next. Raises
    UsageError for a nonsensical `every`, EyesError when the eyes process does not start.
    """
    eyes: Eyes | None = None
    try:
        for file in files:
            source = Source(files=(file,), every=every)
            if eyes is None or not eyes.alive:
                eyes = Eyes(source, face=face)
                eyes.wait_open()
            judged, broken = _analyze_file(eyes, source)
            if broken:
                eyes.kill()
                eyes = None
            yield judged
    finally:
        if eyes is not None:
            eyes.close()


def _analyze_file(eyes: Eyes, source: Source) -> tuple[Judged, bool]:
    """The outcome, and whether the process is of no more use."""
    judged = Judged(source.files[0])
    looks: list[Look] = []
    intervals: list[Interval] = []
    state, rules = JudgeState(), Rules()
    broken = False
    try:
        eyes.open(source)
    except EyesError as error:
        judged.error = _unreadable(source, error)
        return judged, True
    while not (look := eyes.look(LOOK_SECONDS)).end:
        if look.error is not None:
            broken = isinstance(look.error, EyesError)
            judged.error = _unreadable(source, look.error) if broken else look.error
            if broken:
                break
            continue
        observation = look.observation
        if observation is None:
            break
        if look.still:
            judged.still = True
            verdict = judge_still(observation, rules)
            judged.frames.append((look, Interval(0.0, source.every, verdict, 1)))
            continue
        if not looks:
            rules = Rules(interval=look.spacing or source.every)
        looks.append(look)
        state, certain = judge.step(state, observation, observation.at, rules)
        intervals += certain
    if looks:
        last, end = _observed(looks[-1]).at, look.ended_at
        until = last + rules.interval if end is None else min(max(end, last), last + rules.interval)
        intervals += judge.finish(state, rules, now=until)[1]
        judged.frames = _paired(looks, intervals, rules)
    return judged, broken


def _paired(looks: list[Look], intervals: list[Interval], rules: Rules) -> list[tuple[Look, Interval]]:
    """Each look with the interval it began. A look before a gap has no time of its own and is judged alone."""
    begun = {interval.start: interval for interval in intervals if interval.frames}
    pairs = []
    for look in looks:
        observation = _observed(look)
        interval = begun.get(observation.at)
        if interval is None:
            continue  # a second frame with the same time stamp
        if interval.state is State.NOT_OBSERVED:
            interval = Interval(observation.at, observation.at, judge_still(observation, rules), 1)
        pairs.append((look, interval))
    return pairs


def as_line(source: str, look: Look, state: State) -> dict[str, Any]:
    """One frame as the public JSON line. Boxes are in the pixels of the source; `ms` is per stage that ran."""
    seen = _observed(look)
    return {
        "source": source,
        "frame": look.frame,
        "time": round(seen.at, 3),
        "lens": seen.lens.value,
        "faces": [
            {"box": _round(f.box), "score": round(f.score, 4), "yaw": _degrees(f.yaw), "pitch": _degrees(f.pitch)}
            for f in seen.faces
        ],
        "phones": [{"box": _round(p.box), "score": round(p.score, 4)} for p in seen.phones],
        "persons": [{"box": _round(p.box), "score": round(p.score, 4)} for p in seen.persons],
        "phone_score": round(seen.phone_score, 4),
        "state": state.value,
        "ms": {stage: round(spent, 2) for stage, spent in look.stages.items()},
    }


def as_ribbon(judged: Judged) -> dict[str, Any]:
    """What the plot needs of one file."""
    spans = [[i.start, i.end, i.state.value] for _, i in judged.frames]
    return {"name": judged.source, "still": judged.still, "spans": spans}


def tables(results: Sequence[tuple[str, Judged]]) -> Iterator[Table]:
    """Recordings with their time per state, and pictures counted per state, those of one argument together."""
    recordings = [(Path(j.source).name, len(j.frames), j.seconds()) for _, j in results if j.frames and not j.still]
    pictures: dict[str, tuple[int, Counter[State]]] = {}
    for argument, judged in results:
        if judged.still and judged.frames:
            count, total = pictures.get(argument, (0, Counter()))
            pictures[argument] = (count + len(judged.frames), total + judged.seconds())
    if recordings:
        yield _table("Recordings, minutes and seconds", recordings, "looks", _clock)
    if pictures:
        rows = [(name, count, total) for name, (count, total) in pictures.items()]
        yield _table("Pictures, each judged alone", rows, "pictures", lambda n: f"{n:.0f}" if n else "-")


def _table(
    title: str, rows: Sequence[tuple[str, int, Counter[State]]], what: str, show: Callable[[float], str]
) -> Table:
    result = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    result.add_column("source", overflow="ellipsis", no_wrap=True)
    result.add_column(what, justify="right", no_wrap=True)
    columns = [state for state in State if any(total[state] for _, _, total in rows)]
    for state in columns:
        result.add_column(state.value.replace("_", " "), justify="right")
    for name, count, total in rows:
        result.add_row(name, str(count), *(show(total[state]) for state in columns))
    return result


def _rendered(table: Table) -> str:
    """As wide and as coloured as standard output allows."""
    there, drawn = Console(), io.StringIO()
    Console(file=drawn, width=there.width, force_terminal=there.is_terminal).print(table)
    return drawn.getvalue()


def _lines(judged: Judged) -> Iterator[str]:
    for look, interval in judged.frames:
        yield json.dumps(as_line(judged.source, look, interval.state)) + "\n"


def _complain(error: FramekeepError) -> None:
    sys.stderr.write(f"framekeep: {error}\n")


def _unreadable(source: Source, error: FramekeepError) -> FramekeepError:
    return UnreadableSource(f"{source.name} could not be looked at to its end. {error}")


def _observed(look: Look) -> Observation:
    if look.observation is None:
        raise AssertionError("only looks with an observation are kept")
    return look.observation


def _round(box: Sequence[float]) -> list[float]:
    return [round(value, 1) for value in box]


def _degrees(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def _clock(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02d}" if whole else "-"


@contextmanager
def _progress(total: int, shown: bool) -> Iterator[Any]:
    bar = Progress(
        TextColumn("looking"), BarColumn(), MofNCompleteColumn(), console=Console(stderr=True), transient=True
    )
    bar.disable = not (shown and total > 1)
    with bar:
        task = bar.add_task("looking", total=total)
        yield lambda: bar.advance(task)
