"""What `framekeep bench --peers` says: the figures of each program, and the table. Numbers in, numbers and text out."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from statistics import median
from typing import Any

HEAD = (
    "program",
    "finds",
    "ms a picture: median / worst",
    "times ours",
    "CPU s for 100 pictures",
    "memory, MB",
    "start, s",
    "found somebody / several",
    "looks by default",
    "CPU s an hour of work",
)


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a program looks by default.

    `every`: it begins a look that often (seconds), or as soon as it can. `rest`, unless 0: it waits that long after
    each look instead. `share` of the hour of work in which it looks at all. `words` say the same to a person.
    """

    words: str
    every: float = 0.0
    rest: float = 0.0
    share: float = 1.0


@dataclass
class Tally:
    """What one program took so far: seconds from its launch to its first answer and bytes, once a start; milliseconds
    by turn; milliseconds by stage, of the pictures in which that ran (ours only); processor seconds of all turns;
    pictures in which it found somebody, and more than one. `failed` says why it has no figures.
    """

    name: str
    computes: str
    pace: Pace
    starts: list[float] = field(default_factory=list)
    memories: list[int] = field(default_factory=list)
    turns: list[list[float]] = field(default_factory=list)
    stages: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    cpu: float = 0.0
    found: int = 0
    several: int = 0
    failed: str = ""


def looks_an_hour(pace: Pace, ms: float) -> float:
    """How often a program looks in an hour of work, when a look takes it `ms`."""
    seconds = ms / 1000
    return 3600 * pace.share / (pace.rest + seconds if pace.rest else max(pace.every, seconds))


def row(tally: Tally, ours: Tally) -> dict[str, Any]:
    """The figures of one program; the ratio is the median of those of each turn to `ours` in the same turn."""
    about: dict[str, Any] = {"name": tally.name, "computes": tally.computes, "pace": tally.pace.words}
    if tally.failed:
        return {**about, "failed": tally.failed}
    every = [ms for turn in tally.turns for ms in turn]
    cpu = tally.cpu / len(every)
    looks = looks_an_hour(tally.pace, sum(every) / len(every))
    ratios = [median(theirs) / median(mine) for theirs, mine in zip(tally.turns, ours.turns, strict=True)]
    return {
        **about,
        "pictures": len(every),
        "ms_p50": round(median(every), 2),
        "ms_worst": round(max(every), 1),
        "ratio": round(median(ratios), 2),
        "stages_ms": {name: round(median(spent), 2) for name, spent in sorted(tally.stages.items())},
        "stages_share": {name: round(len(spent) / len(every), 3) for name, spent in sorted(tally.stages.items())},
        "cpu_s_per_100": round(cpu * 100, 2),
        "memory_mb": round(median(tally.memories) / 1e6, 1),
        "start_s": round(median(tally.starts), 2),
        "found_share": round(tally.found / len(every), 3),
        "several_share": round(tally.several / len(every), 3),
        "looks_per_hour": round(looks),
        "cpu_s_per_hour": round(cpu * looks, 1),
    }


def markdown(result: dict[str, Any]) -> str:
    """The whole answer as Markdown: a sentence, the table, and a line for each program without figures. The whole
    agent's figures, where they were measured, are under `agent`.
    """
    lines = [
        f"{result['pictures']} pictures ({result['source']}), each seen by everybody; "
        f"times ours: against faces by {result['face']}, turn by turn.",
        "",
        "| " + " | ".join(HEAD) + " |",
        "| " + " | ".join("---" for _ in HEAD) + " |",
    ]
    notes = []
    for each in result["rows"]:
        if "failed" in each:
            cells = [each["name"], each["computes"], *("-" for _ in HEAD[2:])]
            notes.append(f"No figures for {each['name']}: {each['failed']}")
        else:
            cells = _cells(each)
            if each["stages_ms"]:
                notes.append(f"{each['name']}, by stage: {_stages(each)}.")
        lines.append("| " + " | ".join(cells) + " |")
    for engine, whole in result.get("agent", {}).items():
        notes.append(
            f"The whole agent around it, faces by {engine}: {whole['rss_mb']:.0f} MB, "
            f"{whole['first_observation_s']:.2f} s to the first observation."
        )
    return "\n".join([*lines, "", *(f"- {note}" for note in notes)])


def _stages(each: dict[str, Any]) -> str:
    shares = each["stages_share"]
    return ", ".join(f"{name} {ms:.1f} ms in {100 * shares[name]:.0f} %" for name, ms in each["stages_ms"].items())


def _cells(each: dict[str, Any]) -> list[str]:
    return [
        each["name"],
        each["computes"],
        f"{each['ms_p50']:.1f} / {each['ms_worst']:.0f}",
        f"{each['ratio']:.2f}",
        f"{each['cpu_s_per_100']:.2f}",
        f"{each['memory_mb']:.0f}",
        f"{each['start_s']:.2f}",
        f"{100 * each['found_share']:.0f} / {100 * each['several_share']:.0f} %",
        f"{each['pace']}: {each['looks_per_hour']} an hour",
        f"{each['cpu_s_per_hour']:.0f}",
    ]
