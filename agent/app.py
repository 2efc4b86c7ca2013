"""The composition root: the one place that builds the agent's parts, owns its threads and its stop event.

A newcomer can follow one frame from here: pipeline.py asks eyes_link.py for a look, meter.py and judge.py decide,
recorder.py commits, outbox/uploader.py seals and delivers.
"""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from types import TracebackType

from agent import log as logs
from agent.attention.hours import parse_hours
from agent.attention.rules import SENSITIVITY
from agent.attention.schedule import Availability
from agent.check import CameraCheck
from agent.clock import Clock, SystemClock
from agent.config import Config, load_config
from agent.consent import Participation, participation
from agent.control import ControlWatch, InstanceLock
from agent.detect.assets import models_fingerprint
from agent.erased import finish_erasure
from agent.errors import FramekeepError, NotEnrolled, StoreError
from agent.eyes_link import Eyes
from agent.identity import Identity, load_identity
from agent.in_force import source_in_force
from agent.keys import KeyStore, choose_key_store, device_key, store_key
from agent.live_config import LiveConfig
from agent.outbox.uploader import Uploader
from agent.paths import Paths, find_paths
from agent.pipeline import Pipeline, Plan
from agent.policy import Standing
from agent.recorder import Recorder
from agent.sources import Source
from agent.status import Report
from agent.store import Store, StoreUnavailable, open_store
from agent.wire.summary import Window

STORE_RETRY_SECONDS = 5.0
"""How often a store that cannot be opened (disk full, read-only) is tried again."""
JOIN_SECONDS = 3.0

log = logging.getLogger(__name__)


class AlreadyRunning(FramekeepError):
    """Another agent of this user holds the lock."""


@dataclass
class Home:
    """The user's folders, settings, keys and store, held by the one running agent. A context manager."""

    paths: Paths
    config: Config
    keys: KeyStore
    store: Store
    lock: InstanceLock
    problems: tuple[str, ...] = ()

    def __enter__(self) -> Home:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.store.close()
        self.lock.release()


def open_home(
    clock: Clock, *, stop: threading.Event, complain: Callable[[str], None], terminal_log: bool = False
) -> Home | None:
    """Take this user's lock and open the store, repairing what is damaged. While the disk is full, read-only or busy
    it says so and goes on trying; None when `stop` was set meanwhile. Raises AlreadyRunning, ConfigError or StoreError
    (a newer store, damaged or unreachable keys): only a person can change that.
    """
    paths = find_paths().create()
    config = load_config(paths.config_file)
    logs.set_up(paths.log_file, config.log_level, terminal=terminal_log)
    lock = InstanceLock(paths.lock)
    if not lock.acquire():
        raise AlreadyRunning(
            f"Framekeep is running already (process {lock.holder() or 'unknown'}); stop that one first."
        )
    try:
        keys = choose_key_store(paths)
        said = ""
        while not stop.is_set():
            try:
                finish_erasure(paths.store, keys)
                opened = open_store(
                    paths.store, store_key(keys, paths.store), now=clock.wall(), budget=config.store_mib * 1024 * 1024
                )
            except StoreUnavailable as error:
                if str(error) != said:
                    said = str(error)
                    complain(said)
                stop.wait(STORE_RETRY_SECONDS)
            else:
                return Home(paths, config, keys, opened.store, lock, opened.problems)
    except BaseException:
        lock.release()
        raise
    lock.release()
    return None


class Agent:
    """The built agent. `uploader` is None while this laptop is not enrolled; `stop` ends it."""

    def __init__(self, pipeline: Pipeline, uploader: Uploader | None, stop: threading.Event) -> None:
        self.pipeline, self.uploader, self.stop = pipeline, uploader, stop
        self._failures: list[BaseException] = []
        works = [("pipeline", pipeline.run), *([("uploader", uploader.run)] if uploader else [])]
        self._threads = [threading.Thread(target=self._guarded(work), name=name, daemon=True) for name, work in works]

    def start(self) -> None:
        """Measure and deliver from now on, in threads of their own. Once."""
        for thread in self._threads:
            thread.start()

    def finish(self) -> None:
        """Stop, and wait until everything measured is committed. Raises what made a thread fail."""
        self.stop.set()
        for thread in self._threads:
            thread.join(JOIN_SECONDS)
        if self._failures:
            raise self._failures[0]

    def run(self) -> None:
        """Measure and deliver until `stop` is set. An error in either thread stops both and is raised here."""
        self.start()
        while not self.stop.wait(0.5):  # a plain wait would not let Windows deliver Ctrl-C
            pass
        self.finish()

    def _guarded(self, work: Callable[[threading.Event], None]) -> Callable[[], None]:
        def guarded() -> None:
            try:
                work(self.stop)
            except BaseException as error:  # noqa: BLE001  raised again by `finish`
                self._failures.append(error)
            finally:
                self.stop.set()

        return guarded


def build_agent(
    home: Home,
    source: Source,
    *,
    clock: Clock | None = None,
    stop: threading.Event | None = None,
    open_eyes: Callable[[Source], Eyes] | None = None,
    on_report: Callable[[Report], None] | None = None,
    on_closed: Callable[[Window], None] | None = None,
    interval: float | None = None,
    must_ask: bool = False,
    unseen: Callable[[], str] | None = None,
    availability: Callable[[], Availability] = Availability,
    settings: LiveConfig | None = None,
    on_request: Callable[[ControlWatch], None] | None = None,
    check: CameraCheck | None = None,
    follow_camera: bool = False,
) -> Agent:
    """Build the parts for `source`; `interval` fixes the seconds between looks where no policy does. With `must_ask`
    nothing is captured before the notice was accepted (a refusal is respected without it, too). `unseen` says why
    nobody could see that the agent works; `on_request` is told when another process or thread wrote to the store; `check`
    is the panel's camera check; with `follow_camera` another camera in the settings is taken up. Raises NotEnrolled for a live camera on a laptop that belongs to nobody.
    """
    clock = clock or SystemClock()
    identity = load_identity(home.store)
    replay = source.device is None
    if identity is None and not replay:
        raise NotEnrolled(
            "This laptop is not enrolled, so no camera is opened: run framekeep enroll CODE with the code you were"
            " given, or measure a recording with --camera FILE."
        )
    uploader = _uploader(home, identity, clock) if identity else None
    settings = settings or LiveConfig(home.paths.config_file, home.config)
    fixed = Plan(source, replay, interval or 0.0, home.keys.kind, home.problems)
    pipeline = Pipeline(
        lambda: _plan(fixed, settings, follow_camera=follow_camera),
        recorder=Recorder(home.store, models=models_fingerprint(), on_closed=on_closed),
        clock=clock,
        watch=lambda: ControlWatch(home.paths.store, clock=clock.wall),
        participation=lambda: _participation(home.store, must_ask=must_ask or not replay),
        unseen=unseen or (lambda: ""),
        standing=lambda: _standing(uploader, clock),
        policy_held=lambda: _policy_held(home.store, uploader),
        policy_before=policy_before(home.store),
        availability=availability,
        chance=random.random,
        open_eyes=open_eyes or partial(Eyes, face=home.config.detector_face),
        on_report=on_report,
        on_request=on_request,
        check=check,
    )
    return Agent(pipeline, uploader, stop or threading.Event())


def _plan(fixed: Plan, settings: LiveConfig, *, follow_camera: bool) -> Plan:
    """What the settings make of the plan the agent started with."""
    config = settings()
    return replace(
        fixed,
        source=source_in_force(fixed.source, config) if follow_camera else fixed.source,
        interval=fixed.interval or float(config.interval_seconds),
        problems=(*fixed.problems, *filter(None, (settings.problem,))),
        hours=parse_hours(config.hours),
        angles=SENSITIVITY[config.sensitivity],
    )


def _participation(store: Store, *, must_ask: bool) -> Participation:
    """What the employee answered, as far as it matters here: without `must_ask` (recordings, which show nobody who sits
    there now) only a refusal does. What cannot be read counts as not answered in any case.
    """
    try:
        answer = participation(store.acknowledgements())
    except StoreError as error:
        log.error("%s", error)
        return Participation.UNDECIDED  # it may have been a refusal
    if answer is Participation.DECLINED or must_ask:
        return answer
    return Participation.ACCEPTED


def _uploader(home: Home, identity: Identity, clock: Clock) -> Uploader:
    key = device_key(home.keys)
    if key is None:
        raise NotEnrolled(
            "The device key is missing from your key store, so nothing can be signed: run framekeep enroll with a new"
            " code."
        )
    takes_part = {Participation.ACCEPTED: True, Participation.DECLINED: False}
    return Uploader(
        home.store,
        identity,
        key,
        clock=clock,
        proxy=home.config.proxy,
        participation=lambda: takes_part.get(participation(home.store.acknowledgements())),  # None: not asked yet
    )


def _policy_held(store: Store, uploader: Uploader | None) -> str | None:
    """Under which policy what is measured now is sealed: the one held, valid or expired; if it cannot be read any
    more, the one of the last status. None while not enrolled: those windows never leave this laptop.
    """
    if uploader is None:
        return None
    if uploader.documents.policy is not None:
        return uploader.documents.policy.id
    return policy_before(store)


def policy_before(store: Store) -> str | None:
    """Under which policy the agent measured last; None when it measured for nobody, or that cannot be read."""
    try:
        status = store.status()
        return Report.from_bytes(status).policy if status is not None else None
    except (StoreError, ValueError, KeyError, TypeError):
        return None


def _standing(uploader: Uploader | None, clock: Clock) -> Standing | None:
    if uploader is None:
        return None
    standing = uploader.documents.standing(clock.wall())
    if standing.reason and uploader.documents.problem:
        return replace(standing, reason=f"{standing.reason} {uploader.documents.problem}")
    return standing
