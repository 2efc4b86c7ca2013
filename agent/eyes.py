"""The eyes process: camera and detectors in, observations out. The frame dies here.

It is started by `eyes_link` as `python -m agent.eyes` (in a frozen app as `framekeep _eyes`) and speaks JSON, one
line a message: commands on standard input, each with an `id` that its answer repeats, answers on standard output.

    {"id":1,"cmd":"open","source":{...},    {"id":1,"opened":"camera 0","sandbox":"seccomp, landlock"}
     "face":"mediapipe"}
    {"id":2,"cmd":"look","timeout":5.0}     {"id":2,"observation":{...},"frame":7,"source":"...","stages":{...}}
                                            {"id":2,"end":true,"at":14.4}   at the end of a finite source
    {"id":6,"cmd":"lease","lease":"8c1f",   {"id":6,"seconds":3.0}
     "seconds":3.0}
    {"id":7,"cmd":"picture","lease":"8c1f", {"id":7,"observation":{...},...,"jpeg":"..."}   as to look, and a picture
     "timeout":5.0}
    {"id":3,"cmd":"probe","file":"..."}     {"id":3,"probe":{"inet":"denied",...}}
    {"id":4,"cmd":"memory"}                 {"id":4,"pss":141000000}
    {"id":5,"cmd":"close"}                  {"id":5,"closed":true}
    whatever went wrong                     {"id":2,"error":"CameraLost","message":"..."}

An answer has no field that could carry pixels, but for one: the answer to `picture`, the explicit channel of the
employee's own camera check, is refused unless the parent opened that channel for the moment (eyes_channel.py), and
nothing of it is kept once it was written. What native libraries print cannot end up in it either: the real
pipes are moved aside and the standard streams lead to nowhere before anything else is imported. The walls of
sandbox.py go up next; only then come OpenCV and the detectors, the detectors while the camera is being opened.
The process ends when its parent does: the kernel kills it on Linux, and everywhere the end of standard input,
watched by a thread of its own, ends it even in the middle of a hung read.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
import time
from typing import IO, TYPE_CHECKING, Any

from agent import eyes_channel, sandbox
from agent.errors import EyesError, FramekeepError
from agent.footprint import proportional_set_size, release_code, release_freed
from agent.sources import FACE_ENGINES, Source

if TYPE_CHECKING:
    from agent.attention.observation import Box, Observation
    from agent.camera.base import Camera, Frame
    from agent.detect.look import Looker

QUIET = {
    "ORT_DISABLE_TELEMETRY": "1",
    "OPENCV_LOG_LEVEL": "SILENT",
    "OPENCV_FFMPEG_LOGLEVEL": "-8",
    "OPENCV_VIDEOIO_PRIORITY_OBSENSOR": "0",
    "GLOG_minloglevel": "3",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "2",
}
"""Environment that keeps the libraries silent, small and on one thread. Some of it is read at process start, so
the parent sets it too."""

Command = dict[str, Any]


class Eyes:
    """The camera that is open, and the detectors once they were needed."""

    def __init__(self, walls: str) -> None:
        """`walls` is what `sandbox.apply` said."""
        self._walls = walls
        self._camera: Camera | None = None
        self._face = FACE_ENGINES[0]
        self._looker: Looker | None = None
        self._channel = eyes_channel.Channel()

    def answer(self, command: Command) -> Command:
        """The answer to one command, without its id. Raises FramekeepError."""
        match command.get("cmd"):
            case "open":
                return self.open(Source.from_json(command["source"]), command["face"])
            case "look":
                return self.look(float(command["timeout"]))
            case "lease":
                return {"seconds": self._channel.open(command["lease"], float(command["seconds"]), time.monotonic())}
            case "picture":
                return self.picture(command.get("lease"), float(command["timeout"]))
            case "probe":
                return {"probe": sandbox.probe(command["file"], command.get("process")), "sandbox": self._walls}
            case "memory":
                return {"pss": proportional_set_size()}
            case "close":
                self.close()
                return {"closed": True}
            case other:
                raise EyesError(f"The eyes process does not know the command {other!r}.")

    def open(self, source: Source, face: str) -> Command:
        """Open another source; the one before is released. `face` is the engine that finds faces from the first
        look on; a process keeps the one it loaded.
        """
        self.close()
        self._face = face
        self._camera = _camera(source)
        self._detectors()  # a device goes on opening on its own thread meanwhile
        return {"opened": source.name, "sandbox": self._walls}

    def look(self, timeout: float) -> Command:
        """One frame through the detectors."""
        if self._channel.ran_out(time.monotonic()):
            release_freed()  # nor does anything of the pictures stay in memory that is free
            release_code()
        return self._see(timeout)[0]

    def picture(self, lease: object, timeout: float) -> Command:
        """The same, and the picture itself, while the channel is open under this lease."""
        self._channel.admit(lease, time.monotonic())
        answer, frame = self._see(timeout)
        if frame is None:
            return answer
        from agent.detect.picture import to_jpeg

        began = time.perf_counter()
        answer["jpeg"] = eyes_channel.to_text(to_jpeg(frame.pixels))
        answer["stages"]["picture"] = (time.perf_counter() - began) * 1000.0
        return answer

    def _see(self, timeout: float) -> tuple[Command, Frame | None]:
        if self._camera is None:
            raise EyesError("The eyes process was asked to look before a source was opened.")
        began = time.perf_counter()
        frame = self._camera.read(timeout)
        read = time.perf_counter()
        if frame is None:
            return {"end": True, "at": getattr(self._camera, "ended_at", None)}, None
        observation, stages = self._detectors().observe(frame)
        answer = {
            "observation": in_source_pixels(observation, frame).to_json(),
            "frame": frame.index,
            "source": frame.source,
            "still": bool(getattr(self._camera, "still", False)),
            "spacing": getattr(self._camera, "spacing", None),
            "stages": {"camera": (read - began) * 1000.0, **stages},
        }
        return answer, frame

    def close(self) -> None:
        """Release the camera; the detectors stay loaded, and forget what they saw. No picture leaves any more."""
        self._channel.shut()
        if self._looker is not None:
            self._looker.forget()
        if self._camera is not None:
            self._camera.close()
            self._camera = None

    def _detectors(self) -> Looker:
        if self._looker is None:
            from agent.detect.assemble import assemble

            self._looker = assemble(self._face)
        return self._looker


def _camera(source: Source) -> Camera:
    import cv2

    cv2.setNumThreads(1)
    if source.device is not None:
        from agent.camera.opencv import OpenCVCamera

        return OpenCVCamera(source.device)
    from agent.camera.replay import Replay

    return Replay(source.files, source.every, source.realtime)


def in_source_pixels(observation: Observation, frame: Frame) -> Observation:
    """Boxes and size in the pixels of the stored picture, where the frame was decoded smaller."""
    if frame.source_size is None or frame.source_size == observation.size:
        return observation
    from dataclasses import replace

    (width, height), (w, h) = frame.source_size, observation.size
    fx, fy = width / w, height / h

    def grown(box: Box) -> Box:
        return box[0] * fx, box[1] * fy, box[2] * fx, box[3] * fy

    return replace(
        observation,
        size=frame.source_size,
        faces=tuple(replace(face, box=grown(face.box)) for face in observation.faces),
        phones=tuple(replace(phone, box=grown(phone.box)) for phone in observation.phones),
        persons=tuple(replace(person, box=grown(person.box)) for person in observation.persons),
    )


def main(_arguments: list[str] | None = None) -> int:
    """Serve commands until standard input ends. There are no arguments."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal is the parent's to handle
    commands, answers = _move_pipes_aside()
    os.environ.update(QUIET)
    sys.dont_write_bytecode = True
    eyes = Eyes(sandbox.apply())
    waiting: queue.SimpleQueue[Command] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(commands, waiting), name="commands", daemon=True).start()
    settled = False
    while True:
        saw = _serve(eyes, waiting.get(), answers)
        if saw and not settled:
            settled = True
            release_freed()
            release_code()


def _serve(eyes: Eyes, command: Command, answers: IO[bytes]) -> bool:
    """Answer one command. Returns whether that was a look. A function of its own: an answer ends with it, and does not
    wait in memory for the next one.
    """
    try:
        answer = eyes.answer(command)
    except FramekeepError as error:
        answer = {"error": type(error).__name__, "message": str(error)}
    except Exception as error:  # noqa: BLE001 - the edge of the process: an answer tells more than a death
        answer = {"error": "EyesError", "message": f"The detectors failed on this picture ({_place(error)})."}
    _send(answers, {"id": command.get("id"), **answer})
    return "observation" in answer


def _move_pipes_aside() -> tuple[IO[bytes], IO[bytes]]:
    """Keep the real pipes under other numbers and let 0, 1 and 2 lead to nowhere, for every library to come."""
    commands, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    os.close(nowhere)
    return commands, answers


def _listen(commands: IO[bytes], waiting: queue.SimpleQueue[Command]) -> None:
    for line in commands:
        waiting.put(json.loads(line))
    os._exit(0)


def _send(answers: IO[bytes], answer: Command) -> None:
    try:
        answers.write(json.dumps(answer, separators=(",", ":")).encode() + b"\n")
        answers.flush()
    except BrokenPipeError:  # the parent is gone
        os._exit(0)


def _place(error: BaseException) -> str:
    """Type and place of an error, never its text, which could quote data."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f" at {os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}" if trace else ""  # noqa: PTH119 - text only
    return type(error).__name__ + where


if __name__ == "__main__":
    sys.exit(main())
