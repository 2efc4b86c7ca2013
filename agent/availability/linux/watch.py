"""The thread that keeps camera, shutter and battery up to date. It may wait for slow hardware; nobody waits for it."""

from __future__ import annotations

import logging
import os
import select
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from agent.availability.board import Board
from agent.availability.linux import battery, camera, devices, holders, pipewire, shutter
from agent.availability.linux.inotify import Event, Inotify, is_one_visit
from agent.availability.settle import Signal

BATTERY_SECONDS = 5.0
SHUTTER_SECONDS = 3.0
CHECK_SECONDS = 5.0
"""How often it is checked that whoever held a camera still does, should its end not have been told."""
JOIN_SECONDS = 3.0
RETRY_SECONDS = 30.0
"""After an error of our own: until everything is looked at again."""
SOURCES = (camera.SOURCE, shutter.SOURCE, battery.SOURCE)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Places:
    """Where to look; tests hand in folders of their own."""

    dev: Path = devices.DEV
    udev: Path = devices.UDEV
    classes: Path = devices.VIDEO_CLASS
    proc: str = holders.PROC
    supplies: Path = battery.FOLDER
    read_shutter: Callable[[Path], bool | None] = shutter.read_shutter
    ask_pipewire: Callable[[], bool | None] = pipewire.ask_pipewire


class Job(StrEnum):
    """What the thread does from time to time."""

    SCAN = "scan"
    SCAN_AGAIN = "scan again"
    SCAN_LAST = "scan last"
    SCAN_UNTOLD = "scan untold"
    CHECK = "check"
    PIPEWIRE = "pipewire"
    SHUTTER = "shutter"
    BATTERY = "battery"


class Watch:
    """Puts in_call, shutter_closed and on_battery on the board."""

    def __init__(
        self, board: Board, chosen: Callable[[], Path | None], looking: Callable[[], bool], places: Places
    ) -> None:
        """`chosen` is the camera whose shutter counts, asked every few seconds. `looking`: whether our own eyes have it open, so that asking
        after the shutter wakes nothing.
        """
        self._board, self._chosen, self._looking, self._places = board, chosen, looking, places
        self._bell, self._ring = os.pipe()
        self._thread = threading.Thread(target=self._run, name="signals", daemon=True)
        self._stop = threading.Event()
        self._inotify: Inotify | None = None
        self._told = False
        self._cameras: list[Path] = []
        self._holders: tuple[holders.Holder, ...] = ()
        self._pipewire: bool | None = None
        self._asked: Path | None = None
        self._shutter_works, self._shutter_known = True, False
        self._cost = 0.0
        self._scanned = float("-inf")
        self._due: dict[Job, float] = {}

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def close(self) -> None:
        """End the thread; one that waits for hung hardware is left behind. Safe to call twice."""
        if self._stop.is_set():
            return
        self._stop.set()
        os.write(self._ring, b".")
        if self._thread.ident is not None:
            self._thread.join(JOIN_SECONDS)
        else:
            os.close(self._bell)
        os.close(self._ring)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._listen()
            except Exception:
                # What nobody asks after any more must not go on to hold, nor to seem free.
                log.exception("Cameras and battery are not watched for %s s.", RETRY_SECONDS)
                self._board.forget("watching failed", SOURCES)
                self._stop.wait(RETRY_SECONDS)
            finally:
                if self._inotify is not None:
                    self._inotify.close()
                self._inotify = None
        os.close(self._bell)

    def _listen(self) -> None:
        """Watch until it is closed."""
        poll = select.poll()
        poll.register(self._bell, select.POLLIN)
        try:
            self._inotify = Inotify(self._places.dev)
            poll.register(self._inotify.fd, select.POLLIN)
        except OSError as error:
            log.info("the kernel does not tell of opened cameras (%s)", error.strerror)
        self._find_cameras()
        for job in (Job.SCAN, Job.SHUTTER, Job.BATTERY):
            self._in(0.0, job)
        while not self._stop.is_set():
            self._work()
            wait = max(0.0, min(self._due.values()) - time.monotonic())
            ready = {fd for fd, _ in poll.poll(wait * 1000 + 1)}
            if self._inotify is not None and self._inotify.fd in ready:
                self._hear(self._inotify.drain())

    def _in(self, seconds: float, job: Job) -> None:
        self._due[job] = time.monotonic() + seconds

    def _work(self) -> None:
        now = time.monotonic()
        for job in [job for job, due in self._due.items() if due <= now]:
            del self._due[job]
            match job:
                case Job.BATTERY:
                    self._read_battery()
                case Job.SHUTTER:
                    self._read_shutter()
                case Job.CHECK:
                    self._check()
                case Job.PIPEWIRE:
                    self._ask_pipewire()
                case _:
                    self._scan()

    def _hear(self, events: list[Event]) -> None:
        """The kernel told something."""
        if events and all(event.name and not event.name.startswith("video") for event in events):
            return  # another device came or went
        if any(event.name for event in events):
            self._find_cameras()
            self._shutter_works = True
            self._in(1.0, Job.SHUTTER)  # udev first gives the user the right to open it
        rest = self._scanned + camera.spacing(self._cost, (0.0, 10.0), camera.BUSY_SHARE) - time.monotonic()
        for job, seconds in zip((Job.SCAN, Job.SCAN_AGAIN, Job.SCAN_LAST), camera.AFTER_EVENT, strict=True):
            self._in(max(seconds, rest), job)

    def _find_cameras(self) -> None:
        self._cameras = devices.cameras(self._places.dev, self._places.udev)
        self._told = self._inotify is not None and self._inotify.watch(self._cameras)

    def _scan(self) -> None:
        """Look through the processes for whoever has a camera open."""
        began = time.thread_time()
        self._holders = holders.find_holders(self._cameras, os.getpid(), self._places.proc)
        self._cost, self._scanned = time.thread_time() - began, time.monotonic()
        self._in(camera.spacing(self._cost, camera.LOOK_UNTOLD if self._told else camera.LOOK_BLIND), Job.SCAN_UNTOLD)
        if camera.only_kept(self._holders):
            self._ask_pipewire()
        self._say_in_use()

    def _check(self) -> None:
        """Whether those found last still have a camera open; costs next to nothing."""
        if holders.still_held(self._holders, self._cameras, self._places.proc):
            self._in(CHECK_SECONDS, Job.CHECK)
        else:
            self._scan()

    def _ask_pipewire(self) -> None:
        if not camera.only_kept(self._holders):
            return
        began = time.monotonic()
        self._pipewire = self._places.ask_pipewire()
        self._in(camera.spacing(time.monotonic() - began, camera.ASK_PIPEWIRE), Job.PIPEWIRE)
        self._say_in_use()

    def _say_in_use(self) -> None:
        self._board.put(Signal.IN_CALL, camera.SOURCE, camera.in_use(self._holders, self._pipewire))
        if self._holders:
            self._in(CHECK_SECONDS, Job.CHECK)

    def _read_battery(self) -> None:
        value = battery.read_battery(self._places.supplies)
        self._board.put(Signal.ON_BATTERY, battery.SOURCE, value, "they tell of no battery")
        self._in(BATTERY_SECONDS, Job.BATTERY)

    def _read_shutter(self) -> None:
        """Ask while our eyes have the camera open anyway, or to learn that a closed shutter was opened; and once."""
        self._in(SHUTTER_SECONDS, Job.SHUTTER)
        chosen = self._chosen()
        if chosen != self._asked:
            self._asked, self._shutter_works, self._shutter_known = chosen, True, False
        if chosen is None or not self._shutter_works:
            self._board.put(Signal.SHUTTER_CLOSED, shutter.SOURCE, None, "the camera tells of no shutter")
            return
        if self._shutter_known and not self._looking() and not self._board.holds(Signal.SHUTTER_CLOSED):
            return
        earlier = self._inotify.drain() if self._inotify is not None else []
        try:
            closed = self._places.read_shutter(chosen)
        except shutter.NoShutter:
            self._shutter_works = False
            self._read_shutter()
        else:
            self._shutter_known = True
            self._board.put(Signal.SHUTTER_CLOSED, shutter.SOURCE, closed, "it does not answer")
        later = self._inotify.drain() if self._inotify is not None else []
        if earlier or not (not later or is_one_visit(later)):  # more than our own opening and closing
            self._hear([*earlier, *later])
