"""The parent's end of the eyes process: start it, ask it to look, end it in time, whatever it does.

Plain pipes, JSON lines, nothing that could hold a pixel but the answer to `picture`, which is handed on and not kept
(eyes_channel.py). Deciding whether to start again is the caller's part.

On Linux the child is killed by the kernel when the *thread* that started it ends, so start it in a thread that
lives as long as it is wanted.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from agent import errors, eyes_channel, sandbox
from agent.attention.observation import Observation
from agent.errors import EyesError, FramekeepError
from agent.sources import FACE_ENGINES, Source

START_SECONDS = 20.0
"""How long the process may take to start and load its models on a slow, busy laptop."""
CLOSE_SECONDS = 0.4
KILL_SECONDS = 0.4
MAX_LINE = 1024 * 1024
_MARGIN = 0.5
LOOK_FIELDS = frozenset({"id", "observation", "frame", "source", "still", "spacing", "stages"})
"""All that an answer to `look` may hold."""

Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Look:
    """What came of one look: an observation, or the end of a finite source (`ended_at` on its clock), or an error.

    `stages` are milliseconds per stage (camera, then those of detect/look.py that ran). `frame` and `source` say
    where the observation is from, `still` whether that is a single picture, `spacing` how many seconds apart the
    looks at this file are (None for a device).
    """

    observation: Observation | None = None
    end: bool = False
    error: FramekeepError | None = None
    stages: Mapping[str, float] = field(default_factory=dict)
    frame: int = 0
    source: str = ""
    still: bool = False
    spacing: float | None = None
    ended_at: float | None = None


class Eyes:
    """One eyes process. Not for several threads at once, but `kill` may come from any."""

    def __init__(
        self, source: Source | None = None, command: Sequence[str] | None = None, *, face: str = FACE_ENGINES[0]
    ) -> None:
        """Start the process and have it open `source`, without waiting: the first look does. `face` is the engine
        that finds faces, one of FACE_ENGINES.

        This process closes its memory to the user's other programs, the child among them, for good (Linux).
        `command` is for tests. Raises EyesError when the program cannot be started at all.
        """
        sandbox.shield()
        self._face = face
        self._last_id = 0
        self._opening: int | None = None
        self._answers: queue.SimpleQueue[Answer | None] = queue.SimpleQueue()
        try:
            self._process = subprocess.Popen(
                list(command or eyes_command()),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=_environment(),
                start_new_session=True,  # without our terminal
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except OSError as error:
            raise EyesError(
                f"The eyes process cannot be started ({error.strerror}); install Framekeep again."
            ) from error
        threading.Thread(target=_read, args=(self._process.stdout, self._answers), name="eyes", daemon=True).start()
        if source is not None:
            self._opening = self._send_open(source)

    @property
    def pid(self) -> int:
        """The process id of the child."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def open(self, source: Source, timeout: float = START_SECONDS) -> str:
        """Look at another source from now on. Returns what the sandbox said. Raises FramekeepError."""
        self._opening = self._send_open(source)
        return self.wait_open(timeout)

    def wait_open(self, timeout: float = START_SECONDS) -> str:
        """Wait until the source is open (a device may still be warming up). Raises FramekeepError."""
        if self._opening is None:
            return ""
        opening, self._opening = self._opening, None
        answer = self._wait(opening, timeout)
        return str(answer["sandbox"])

    def look(self, timeout: float) -> Look:
        """Look once, waiting at most `timeout` seconds (and at the first look for the start). Never raises.

        After an EyesError the process is dead or does not answer: kill it and start another.
        """
        try:
            return _parse(self._see("look", timeout), LOOK_FIELDS)
        except FramekeepError as error:
            return Look(error=error)

    def lease(self, name: str, seconds: float) -> None:
        """Open the channel for pictures under this name for so many seconds, without waiting. Raises EyesError."""
        self._send({"cmd": "lease", "lease": name, "seconds": seconds})

    def picture(self, lease: str, timeout: float) -> tuple[Look, bytes]:
        """Look once as `look` does, and bring the picture along: a JPEG, b"" where there is no observation. It is
        refused unless this lease holds. Never raises.
        """
        try:
            answer = self._see("picture", timeout, lease=lease)
            jpeg = b"" if answer.get("end") else eyes_channel.from_answer(answer)
            return _parse(answer, LOOK_FIELDS | {"jpeg"}), jpeg
        except FramekeepError as error:
            return Look(error=error), b""

    def _see(self, command: str, timeout: float, **more: str) -> Answer:
        inner = max(timeout - _MARGIN, timeout / 2)
        if self._opening is not None:
            self.wait_open(max(timeout, START_SECONDS))
            timeout += START_SECONDS  # a device goes on opening after that; the child limits it itself
        return self._ask({"cmd": command, "timeout": inner, **more}, timeout)

    def probe(self, timeout: float = START_SECONDS, process: int | None = None) -> dict[str, str]:
        """What the child can do that it must not, tried from inside: name -> "denied" or "possible".

        `process` is one whose memory it shall try to open; only ever one started for this.
        """
        with tempfile.NamedTemporaryFile(prefix="framekeep-probe-") as file:
            answer = self._ask({"cmd": "probe", "file": file.name, "process": process}, timeout)
        return {**answer["probe"], "sandbox": answer["sandbox"]}

    def memory(self, timeout: float = 5.0) -> int | None:
        """Proportional set size of the child in bytes; None where the system does not tell."""
        pss = self._ask({"cmd": "memory"}, timeout)["pss"]
        return None if pss is None else int(pss)

    def close(self) -> None:
        """Release the camera and end the process; kills it when it does not answer. Well under a second."""
        if self.alive:
            try:
                self._ask({"cmd": "close"}, CLOSE_SECONDS)
            except FramekeepError:
                self.kill()
                return
        self._shut_pipe()
        try:
            self._process.wait(CLOSE_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End the process now, whatever it is doing. Returns within half a second."""
        self._process.kill()
        try:
            self._process.wait(KILL_SECONDS)
        except subprocess.TimeoutExpired:
            return  # it is stuck in the kernel and dies when the driver lets go; it gets no commands any more
        self._shut_pipe()

    def __enter__(self) -> Eyes:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _send_open(self, source: Source) -> int:
        return self._send({"cmd": "open", "source": source.to_json(), "face": self._face})

    def _ask(self, command: Answer, timeout: float) -> Answer:
        return self._wait(self._send(command), timeout)

    def _send(self, command: Answer) -> int:
        self._last_id += 1
        line = json.dumps({"id": self._last_id, **command}, separators=(",", ":"))
        pipe = self._process.stdin
        try:
            if pipe is None or pipe.closed:
                raise BrokenPipeError
            pipe.write(line.encode() + b"\n")
            pipe.flush()
        except (OSError, ValueError):  # ValueError: the watchman ended it, and the pipe was closed between two steps
            raise self._died() from None
        return self._last_id

    def _wait(self, wanted: int, timeout: float) -> Answer:
        give_up = time.monotonic() + timeout
        while True:
            try:
                answer = self._answers.get(timeout=max(0.0, give_up - time.monotonic()))
            except queue.Empty:
                raise EyesError(f"The eyes process did not answer within {timeout:.1f} s.") from None
            if answer is None:
                self._answers.put(None)  # also for the next to ask
                raise self._died()
            if answer.get("id") != wanted:
                continue  # the late answer to a question that was given up
            if "error" in answer:
                raise _error(str(answer["error"]), str(answer.get("message", "")))
            return answer

    def _died(self) -> EyesError:
        try:
            code = self._process.wait(0.2)
        except subprocess.TimeoutExpired:
            return EyesError("The eyes process closed its pipe.")
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        return EyesError(f"The eyes process ended by itself ({how}).")

    def _shut_pipe(self) -> None:
        if self._process.stdin is not None:
            try:
                self._process.stdin.close()
            except OSError:
                return  # what was left to flush has no reader any more


def eyes_command() -> list[str]:
    """How to start the child: this program again, in a frozen app by its hidden argument."""
    if getattr(sys, "frozen", False):
        return [sys.executable, "_eyes"]
    return [sys.executable, "-m", "agent.eyes"]


def _environment() -> dict[str, str]:
    """The child's environment: ours, quieter, and able to find this very package."""
    # Read at process start or by libraries at load; eyes.py sets the rest of them. The threshold is GNU's own, fixed:
    # left to itself it rises with every large block freed, and holes the size of a picture stay in the heap (6 MB).
    small = {
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MALLOC_ARENA_MAX": "2",
        "MALLOC_MMAP_THRESHOLD_": "131072",
    }
    root = str(Path(__file__).resolve().parent.parent)
    path = os.environ.get("PYTHONPATH")
    return {**os.environ, **small, "PYTHONPATH": f"{root}{os.pathsep}{path}" if path else root, "PYTHONSAFEPATH": "1"}


def _read(pipe: IO[bytes], answers: queue.SimpleQueue[Answer | None]) -> None:
    """Pass on the child's lines; None when it closes the pipe or writes something else."""
    with pipe:
        while _pass_on(pipe, answers):
            pass
    answers.put(None)


def _pass_on(pipe: IO[bytes], answers: queue.SimpleQueue[Answer | None]) -> bool:
    """One line; whether it was an answer. A function of its own, so that no line outlives its being passed on."""
    try:
        answer = json.loads(pipe.readline(MAX_LINE))
    except ValueError:  # also the empty line of a closed pipe
        return False
    if not isinstance(answer, dict):
        return False
    answers.put(answer)
    return True


def _parse(answer: Answer, fields: frozenset[str]) -> Look:
    """The look in an answer that has these fields and no other."""
    try:
        if answer.get("end"):
            at = answer["at"]
            return Look(end=True, ended_at=None if at is None else float(at))
        if set(answer) != fields:
            raise ValueError("an answer with other fields")
        spacing = answer["spacing"]
        return Look(
            observation=Observation.from_json(answer["observation"]),
            stages={str(name): float(ms) for name, ms in answer["stages"].items()},
            frame=int(answer["frame"]),
            source=str(answer["source"]),
            still=bool(answer["still"]),
            spacing=None if spacing is None else float(spacing),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise EyesError("The eyes process answered something that is not an observation.") from error


def _error(name: str, message: str) -> FramekeepError:
    kind = getattr(errors, name, None)
    if isinstance(kind, type) and issubclass(kind, FramekeepError):
        return kind(message)
    return EyesError(message)
