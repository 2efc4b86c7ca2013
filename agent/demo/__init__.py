"""The verb `demo`: the whole path on this machine, shown from both sides."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import psutil
from rich.console import Console
from rich.status import Status

from agent.clock import SystemClock
from agent.errors import FramekeepError, UsageError
from agent.eyes_link import Eyes
from agent.outbox.delivery import Reply
from agent.outbox.link import Link
from agent.replay import Replayed
from agent.samples import sample_clip
from agent.sources import Source, parse_source
from agent.wire.summary import STATES, WINDOW_SECONDS

PREFIX = "framekeep-demo-"
"""How a demonstration's temporary folder is named; its process number follows."""
CAMERA_SECONDS = 60.0
"""How long a live camera is looked at."""
RECORDED_AT_MINUTE = 9 * 60
"""A recording is taken for the beginning of the simulated colleagues' working day."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `framekeep demo` takes."""
    parser.add_argument(
        "source",
        nargs="?",
        metavar="SOURCE",
        help="a camera's number, a recording, picture or folder (default: the webcam if one opens, else the bundled"
        " sample)",
    )
    parser.add_argument("--once", action="store_true", help="end after the tables instead of serving on")
    parser.add_argument("--json", action="store_true", help="end with one JSON object on standard output")
    parser.add_argument("--port", type=int, default=0, metavar="N", help="the service's port (default: any free one)")
    parser.add_argument("--every", type=float, default=1.0, metavar="S", help="seconds between two looks (default 1)")


def run(arguments: argparse.Namespace) -> int:
    """Run the demonstration. Raises FramekeepError."""
    try:
        from agent.demo.destinations import Destinations
        from agent.demo.organisation import publish, set_up
        from agent.demo.service import LocalService
    except ModuleNotFoundError as error:
        raise FramekeepError(
            f"The demonstration needs the sync service on this machine ({error.name} is missing): install"
            " framekeep[service]."
        ) from None
    from agent.demo import show
    from agent.demo.agent import DemoAgent
    from agent.demo.colleagues import NAMES, invented_day, last_working_day, send_day

    if not 0 <= arguments.port <= 65535:
        raise UsageError(f"--port takes a number from 0 to 65535, not {arguments.port}.")
    console = Console(stderr=arguments.json)
    clock = SystemClock()
    destinations = Destinations()
    destinations.start()
    zone_name = local_zone_name()
    zone = ZoneInfo(zone_name)
    day = last_working_day(datetime.now(zone))
    with ExitStack() as stack:
        eyes, source = _open(arguments, console)
        stack.callback(eyes.close)
        sweep()
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=f"{PREFIX}{os.getpid()}-")))
        folder.chmod(0o711)  # as root the database runs as another user, who has to reach its own part of it
        data = folder / "service"
        with console.status("Starting the sync service and its database ...") as doing:
            service = stack.enter_context(LocalService(data, arguments.port))
            doing.update("Creating an organisation, a team and enrolment codes ...")
            demo = set_up(data, service.url, zone=zone_name, day=day, now=int(clock.wall()))
            for number, (name, code) in enumerate(zip(NAMES, demo.codes, strict=True)):
                doing.update(f"{name} (simulated) enrols and sends {day:%A}'s sealed summaries ...")
                send_day(folder / "colleagues" / str(number), code, service.url, invented_day(day, zone, number), clock)
            doing.update("Enrolling this agent ...")
            agent = DemoAgent.enrolled(folder / "agent", demo.own_code, service.url, clock)
            stack.callback(agent.store.close)
            replayed = _watch(agent, eyes, source, day=day, zone=zone, doing=doing)
            if replayed.problems and not replayed.observations:
                raise FramekeepError(replayed.problems[0])
            doing.update("Sealing, sending, opening ...")
            eyes.close()
            sent = agent.send()
            stored, states = agent.stored()
            publish(data, day=day, now=int(clock.wall()))
            report = _team_report(service.url, demo.team, demo.token, day)
        for problem in replayed.problems:
            console.print(f"[yellow]{problem}[/]")
        show.own_timeline(console, _title(source), replayed.windows, agent.shown, observations=replayed.observations)
        show.manager_table(console, report, team=demo_team_name(), day=day, simulated=len(NAMES))
        show.own_access_log(console, agent.ask("GET", "/v1/me/access-log")["entries"])
        result = {
            "windows_measured": len(replayed.windows),
            "windows_sent": sent,
            "windows_stored": stored,
            "states": {state: states[state] for state in STATES},
            "team": report,
        }
        if not arguments.once:
            _serve_on(console, service, demo.team, demo.token, day, folder)
        result["destinations"] = destinations.stop()
    if arguments.json:
        sys.stdout.write(json.dumps(result) + "\n")
    return 1 if replayed.problems else 0


def sweep() -> None:
    """Remove what demonstrations left that were killed: nobody else will, and they hold keys and measurements."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        pid = folder.name.removeprefix(PREFIX).partition("-")[0]
        if pid.isdigit() and not psutil.pid_exists(int(pid)) and not folder.is_symlink():
            shutil.rmtree(folder, ignore_errors=True)


def local_zone_name() -> str:
    """The machine's time zone as an IANA name; UTC where it does not say."""
    link = Path("/etc/localtime")
    name = str(link.resolve()).partition("/zoneinfo/")[2] if link.exists() else ""
    return name if name in available_timezones() else "UTC"


def demo_team_name() -> str:
    """The team's name, from the one module that knows the service."""
    from agent.demo.organisation import TEAM

    return TEAM


def _open(arguments: argparse.Namespace, console: Console) -> tuple[Eyes, Source]:
    """The eyes on what was asked for; without a wish on the webcam, or on the sample where none opens."""
    if arguments.source is not None:
        source = parse_source(arguments.source, every=arguments.every)
        eyes = Eyes(source)
        try:
            eyes.wait_open()
        except FramekeepError:
            eyes.close()
            raise
        return eyes, source
    camera = Source(device="0", every=arguments.every)
    eyes = Eyes(camera)
    try:
        eyes.wait_open()
    except FramekeepError as error:
        eyes.close()
        console.print(f"No webcam ({error}) So here is the bundled sample.", style="dim", markup=False)
        source = Source(files=(str(sample_clip()),), every=arguments.every)
        return Eyes(source), source
    return eyes, camera


def _watch(agent: Any, eyes: Eyes, source: Source, *, day: date, zone: ZoneInfo, doing: Status) -> Replayed:
    live = source.device is not None
    if live:
        start, limit = time.time(), CAMERA_SECONDS
        line = f"[bold red]CAMERA ON[/] for {limit:.0f} s, nothing is stored of a picture: looks so far"
    else:
        wall = datetime(day.year, day.month, day.day, RECORDED_AT_MINUTE // 60, tzinfo=zone).astimezone(UTC)
        start, limit = wall.timestamp() // WINDOW_SECONDS * WINDOW_SECONDS, None
        line = f"Looking at {_title(source)}: looks so far"
    replayed: Replayed = agent.watch(
        eyes, source, wall_start=start, seconds=limit, progress=lambda looks: doing.update(f"{line} {looks}")
    )
    return replayed


def _title(source: Source) -> str:
    """The source's name without its folders."""
    return source.name if source.device is not None or len(source.files) > 1 else Path(source.name).name


def _team_report(url: str, team: str, token: str, day: date) -> Mapping[str, Any]:
    link = Link(url)
    try:
        query = {"from": day.isoformat(), "to": day.isoformat(), "bucket": "block"}
        answer = link.request(
            "GET", f"/v1/teams/{team}/summary", query=query, headers={"Authorization": f"Bearer {token}"}
        )
    finally:
        link.close()
    if not isinstance(answer, Reply) or answer.status != 200:
        raise FramekeepError("The demonstration's service did not answer the manager; please report this.")
    value: Mapping[str, Any] = json.loads(answer.body)
    return value


def _serve_on(console: Console, service: Any, team: str, token: str, day: date, folder: Path) -> None:
    """Keep serving until Ctrl-C, and say where."""
    header = folder / "manager-header"
    with os.fdopen(os.open(header, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(f"Authorization: Bearer {token}\n")
    days = f"from={day}&to={day}"
    console.print(f"\nThe service goes on at {service.url} until Ctrl-C. Try, in another terminal:")
    for line in (
        f"curl {service.url}/openapi.json",
        f'curl -H @{header} "{service.url}/v1/teams/{team}/summary?{days}"',
        f'curl -H @{header} -H "Accept: text/csv" "{service.url}/v1/teams/{team}/summary?{days}&bucket=day"',
    ):
        console.print(f"  {line}", soft_wrap=True, highlight=False, markup=False)
    try:
        while service.running:
            time.sleep(0.5)
    except KeyboardInterrupt:
        console.print("Stopped; the demonstration's data is deleted.")
