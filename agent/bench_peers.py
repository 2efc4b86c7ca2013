"""`framekeep bench --peers FOLDER`: other programs that watch somebody at a webcam, measured beside our own eyes.

FOLDER holds `peers.json` (`make bench-peers` writes such a folder):

    {"pictures": ["0000.bmp", ...],             in the order of the recording, below FOLDER
     "source": "which recordings they are from",
     "peers": [{"name": "...", "computes": "...",
                "pace": {"words": "...", "every": 0.033, "rest": 0, "share": 1},      as in bench_table.Pace
                "command": ["python", "peer.py"]},          or "missing": "why it could not be installed"
               ...]}

A command starts a measured child (bench_child.py). Of what a peer is, nothing more is known here.

Everybody sees the same pictures. Peers see them in their order, since some follow a face from picture to picture; our
eyes, which look once in ten seconds, see them in an order where nothing is near the picture before, so that nothing
is saved because nothing moved. First each is started alone, several times, for its start and its memory (side by
side, two with the same libraries would share the pages of them). Then all run, a few pictures each in turn: what is
slow on the machine at that moment is slow for all.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil

from agent.bench_child import LOOK_EVERY, Child, OurEyes, PeerChild
from agent.bench_table import Pace, Tally, row
from agent.errors import FramekeepError, UsageError
from agent.sources import FACE_ENGINES
from agent.weighing import cpu_seconds

STARTS = 3
"""Measured starts of each; one more before them has the files read from the disk."""
SETTLE = 20
"""Looks before memory is read."""
WARM_UP = 5
TURN = 10
"""Pictures in a turn."""


@dataclass(frozen=True, slots=True)
class Peer:
    """One entry of `peers.json`; `command` is empty when `missing` says why it cannot run."""

    name: str
    computes: str
    pace: Pace
    command: tuple[str, ...] = ()
    missing: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is compared, on which pictures."""

    pictures: tuple[Path, ...]
    source: str
    peers: tuple[Peer, ...]


@dataclass(frozen=True, slots=True)
class Entrant:
    """A program, how to start it, and its figures so far."""

    tally: Tally
    start: Callable[[], Child]
    ours: bool


def compare(folder: Path, face: str) -> dict[str, Any]:
    """Measure both face engines of ours, `face` first, and every peer of the folder.

    A peer that fails keeps its line, with its error. Raises FramekeepError when ours fails or the folder is wrong.
    """
    plan = read_plan(folder)
    with TemporaryDirectory(prefix="framekeep-bench-") as homes:
        entrants = [_ours(engine, plan) for engine in sorted(FACE_ENGINES, key=lambda engine: engine != face)]
        entrants += [_peer(peer, plan, Path(homes) / str(number)) for number, peer in enumerate(plan.peers)]
        for turn in range(1 + STARTS):
            for entrant in entrants:
                _start_alone(entrant, count=turn > 0)
        _take_turns(entrants, len(plan.pictures))
    rows = [row(entrant.tally, entrants[0].tally) for entrant in entrants]
    return {"face": face, "pictures": len(plan.pictures), "source": plan.source, "rows": rows}


def read_plan(folder: Path) -> Plan:
    """`peers.json` of the folder. Raises UsageError when it is missing or not of the form above."""
    file = folder / "peers.json"
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
        peers = tuple(
            Peer(**{**each, "pace": Pace(**each["pace"]), "command": tuple(each.get("command", ()))})
            for each in data["peers"]
        )
        plan = Plan(tuple(folder / name for name in data["pictures"]), str(data["source"]), peers)
    except OSError as error:
        raise UsageError(f"{file} cannot be read ({error.strerror}); make bench-peers writes such a folder.") from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise UsageError(f"{file} is not a list of peers ({error}); make bench-peers writes such a folder.") from error
    if len(plan.pictures) < WARM_UP + TURN:
        raise UsageError(f"{file} names {len(plan.pictures)} pictures; at least {WARM_UP + TURN} are needed.")
    for peer in plan.peers:
        if bool(peer.command) == bool(peer.missing):
            raise UsageError(f"{file}: {peer.name} needs either a command, or the reason why it is missing.")
        if peer.pace.every <= 0 and peer.pace.rest <= 0:
            raise UsageError(f"{file}: {peer.name} does not say how often it looks; its pace needs every or rest.")
    return plan


def _ours(engine: str, plan: Plan) -> Entrant:
    finds = "lens condition, faces with head pose, phones, persons"
    tally = Tally(f"Framekeep, faces by {engine}", finds, Pace("once in 10 s", every=LOOK_EVERY))
    return Entrant(tally, partial(OurEyes, engine, plan.pictures), ours=True)


def _peer(peer: Peer, plan: Plan, home: Path) -> Entrant:
    tally = Tally(peer.name, peer.computes, peer.pace, failed=peer.missing)
    return Entrant(tally, partial(PeerChild, peer.name, peer.command, plan.pictures, home), ours=False)


def _start_alone(entrant: Entrant, *, count: bool) -> None:
    """Start it, look, weigh it and end it."""
    if entrant.tally.failed:
        return
    child = None
    began = time.monotonic()
    try:
        child = entrant.start()
        child.look()
        first = time.monotonic() - began
        if count:
            for _ in range(SETTLE):
                child.look()
            entrant.tally.memories.append(child.memory())
            entrant.tally.starts.append(first)
    except (FramekeepError, psutil.Error) as error:
        _fail(entrant, error)
    finally:
        if child is not None:
            child.close()


def _take_turns(entrants: Sequence[Entrant], pictures: int) -> None:
    """All run at once, but only one works: TURN pictures each until every picture was seen."""
    running: list[tuple[Entrant, Child]] = []
    try:
        for entrant in entrants:
            try:
                if not entrant.tally.failed:
                    running.append((entrant, entrant.start()))
            except FramekeepError as error:
                _fail(entrant, error)
        for begin in (-WARM_UP, *range(0, pictures - WARM_UP, TURN)):
            size = WARM_UP if begin < 0 else min(TURN, pictures - WARM_UP - begin)
            for entrant, child in running:
                try:
                    if not entrant.tally.failed:
                        _take_turn(entrant.tally, child, size, count=begin >= 0)
                except (FramekeepError, psutil.Error) as error:
                    _fail(entrant, error)
    finally:
        for _, child in running:
            child.close()


def _take_turn(tally: Tally, child: Child, size: int, *, count: bool) -> None:
    before = cpu_seconds(child.pid)
    looks = [child.look() for _ in range(size)]
    if count:
        tally.cpu += cpu_seconds(child.pid) - before
        tally.turns.append([look.ms for look in looks])
        tally.found += sum(look.found > 0 for look in looks)
        tally.several += sum(look.found > 1 for look in looks)
        for name in {name for look in looks for name in look.stages}:
            tally.stages[name] += [look.stages[name] for look in looks if name in look.stages]


def _fail(entrant: Entrant, error: Exception) -> None:
    if entrant.ours:
        if isinstance(error, FramekeepError):
            raise error
        raise FramekeepError(f"Our own eyes ended while they were measured ({error}): run framekeep doctor.") from error
    entrant.tally.failed = str(error)
