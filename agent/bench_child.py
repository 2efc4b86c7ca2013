"""The processes that `framekeep bench --peers` measures: our own eyes, and any program that speaks the protocol.

A measured child reads JSON lines, `{"picture": "/path"}`, and answers each with `{"ms": 4.2, "found": 1}`: milliseconds
for the picture once it was read, and how many people it found in it. It ends when its standard input does.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Protocol

from agent.errors import EyesError
from agent.eyes_link import Eyes
from agent.lifeline import die_with_parent
from agent.sources import Source
from agent.weighing import memory

LOOK_EVERY = 10.0
"""Seconds between two looks of the agent, where no policy says otherwise."""
ANSWER_SECONDS = 120.0
"""How long a child may take for one answer, its start included."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What came of one picture: milliseconds once it was read, of which stages (ours only), and people found."""

    ms: float
    found: int
    stages: Mapping[str, float] = field(default_factory=dict)


class Child(Protocol):
    """A started process that looks at one picture after another."""

    @property
    def pid(self) -> int:
        """Its process id."""

    def look(self) -> Looked:
        """Look at the next picture; after the last comes the first again. Raises FramekeepError."""

    def memory(self) -> int:
        """Bytes it takes now. Raises psutil.Error."""

    def close(self) -> None:
        """End it. Safe to call twice."""


class OurEyes:
    """The eyes process as the agent runs it, shown the pictures ten seconds apart in the order of `apart`."""

    def __init__(self, face: str, pictures: Sequence[Path]) -> None:
        """`face` is one of FACE_ENGINES. Raises EyesError when the process cannot be started."""
        files = tuple(str(pictures[index]) for index in apart(len(pictures)))
        self._source = Source(files=files, every=LOOK_EVERY)
        self._eyes = Eyes(self._source, face=face)

    @property
    def pid(self) -> int:
        """As in Child."""
        return self._eyes.pid

    def look(self) -> Looked:
        """As in Child."""
        look = self._eyes.look(ANSWER_SECONDS)
        if look.end:
            self._eyes.open(self._source)
            look = self._eyes.look(ANSWER_SECONDS)
        if look.error is not None:
            raise look.error
        if look.observation is None:
            raise EyesError("The eyes process found no picture to look at.")
        stages = {stage: ms for stage, ms in look.stages.items() if stage != "camera"}
        return Looked(sum(stages.values()), len(look.observation.faces), stages)

    def memory(self) -> int:
        """As in Child; the process itself tells, since nobody else may read it."""
        return self._eyes.memory() or memory(self.pid)

    def close(self) -> None:
        """As in Child."""
        self._eyes.close()


class PeerChild:
    """Any other program. Its home folder outlives it: what it stores at its first start, it finds at its next."""

    def __init__(self, name: str, command: Sequence[str], pictures: Sequence[Path], home: Path) -> None:
        """`name` is for messages; `home` is made where it is missing. Raises EyesError when it cannot be started."""
        self._name, self._pictures, self._next = name, pictures, 0
        home.mkdir(exist_ok=True)
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed in `close`
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                env=environment(os.environ, home),
                preexec_fn=die_with_parent(),
            )
        except OSError as error:
            self._errors.close()
            raise EyesError(f"{name} cannot be started ({error.strerror}).") from error

    @property
    def pid(self) -> int:
        """As in Child."""
        return self._process.pid

    def look(self) -> Looked:
        """As in Child. The message of its error ends with the last line that the program wrote to standard error."""
        picture = self._pictures[self._next % len(self._pictures)]
        self._next += 1
        guard = threading.Timer(ANSWER_SECONDS, self._process.kill)
        guard.start()
        try:
            assert self._process.stdin is not None and self._process.stdout is not None
            self._process.stdin.write(json.dumps({"picture": str(picture)}).encode() + b"\n")
            self._process.stdin.flush()
            answer = json.loads(self._process.stdout.readline())
            return Looked(float(answer["ms"]), int(answer["found"]))
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise EyesError(f"{self._name} does not run: {self._last_words()}") from error
        finally:
            guard.cancel()

    def memory(self) -> int:
        """As in Child."""
        return memory(self.pid)

    def close(self) -> None:
        """As in Child."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._errors):
            if pipe is not None and not pipe.closed:
                _close(pipe)

    def _last_words(self) -> str:
        self._process.kill()
        self._process.wait()
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        return lines[-1].strip() if lines else "it ended, or answered something else, without a word of why."


def apart(count: int) -> list[int]:
    """An order of `count` pictures in which neighbours are far from each other: a stride of the golden section."""
    stride = max(1, round(count * 0.382))
    while math.gcd(stride, count) != 1:
        stride += 1
    return [index * stride % count for index in range(count)]


def environment(inherited: Mapping[str, str], home: Path) -> dict[str, str]:
    """The user's environment without what leads to this Python or to the user's own files."""
    ours = ("PYTHON", "XDG_", "VIRTUAL_ENV", "FRAMEKEEP_", "MPLCONFIGDIR")
    kept = {name: value for name, value in inherited.items() if not name.startswith(ours)}
    return {**kept, "HOME": str(home), "USERPROFILE": str(home)}


def _close(pipe: IO[bytes]) -> None:
    try:
        pipe.close()
    except OSError:
        return  # what was left to flush has no reader any more
