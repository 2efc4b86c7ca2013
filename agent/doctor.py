"""The verb `doctor`: check this machine part by part and say what to do about what is wrong.

A live camera is not opened here: that needs a visible indicator.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from rich.console import Console
from rich.markup import escape

from agent import sandbox
from agent.availability.base import open_signals
from agent.commands.local import Local, open_local, say_json
from agent.config import load_config
from agent.detect.assets import load_model, models_folder, read_manifest
from agent.errors import FramekeepError
from agent.eyes_link import Eyes
from agent.identity import load_identity
from agent.outbox.delivery import Reply
from agent.outbox.documents import Documents
from agent.outbox.link import Link
from agent.paths import find_paths
from agent.samples import sample_clip
from agent.sources import Source, parse_source

FREE_BYTES = 200 * 1024 * 1024
SIGNALS_SECONDS = 1.5
"""How long the system's signals take until it is known which of them work."""


class Verdict(StrEnum):
    """How a check came out. A note is not a fault."""

    GOOD = "good"
    NOTE = "note"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: its name, how it came out, and a sentence."""

    check: str
    verdict: Verdict
    text: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `framekeep doctor` takes."""
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Check everything; 1 when anything is bad."""
    findings: list[Finding] = []
    checks: list[tuple[str, Callable[[], Finding]]] = [
        ("models", _models),
        ("eyes process", _eyes),
        ("settings and store", _home),
        ("service", _service),
        ("disk", _disk),
        ("reasons to rest", _rest),
        ("tray", _tray),
    ]
    console = Console()
    for name, check in checks:
        try:
            finding = check()
        except FramekeepError as error:
            finding = Finding(name, Verdict.BAD, str(error))
        findings.append(finding)
        if not arguments.json:
            colour = {Verdict.GOOD: "green", Verdict.NOTE: "yellow", Verdict.BAD: "red"}[finding.verdict]
            console.print(f"[{colour}]{finding.verdict.value:<5}[/] {name}: {escape(finding.text)}", soft_wrap=True)
    bad = any(finding.verdict is Verdict.BAD for finding in findings)
    if arguments.json:
        say_json({"ok": not bad, "checks": [_as_json(finding) for finding in findings]})
    return 1 if bad else 0


def _models() -> Finding:
    names = sorted(read_manifest(models_folder()))
    for name in names:
        load_model(name)
    return Finding(
        "models", Verdict.GOOD, f"{len(names)} model files ({', '.join(names)}) are what the manifest names."
    )


def _eyes() -> Finding:
    """Starts the real process on the bundled sample, with the face engine of the settings, and asks it to break out."""
    face = load_config(find_paths().config_file).detector_face
    began = time.monotonic()
    with Eyes(Source(files=(str(sample_clip()),)), face=face) as eyes:
        look = eyes.look(30)
        if look.error is not None:
            raise look.error
        first = time.monotonic() - began
        probe = eyes.probe()
    possible = sorted(name for name, outcome in probe.items() if outcome == "possible")
    text = f"first look after {first:.1f} s, faces by {face}; sandbox: {probe['sandbox']}"
    if possible:
        beyond_help = sys.platform != "linux" or sandbox.ONLY_LANDLOCK.issuperset(possible)
        verdict = Verdict.NOTE if beyond_help else Verdict.BAD
        return Finding("eyes process", verdict, f"{text}; it could, but does not: {', '.join(possible)}.")
    return Finding(
        "eyes process", Verdict.GOOD, f"{text}; it cannot open a connection, start a program or write a file."
    )


def _home() -> Finding:
    with open_local() as local:
        if local.store is None:
            return Finding("store", Verdict.NOTE, "Nothing was measured or enrolled here yet.")
        local.store.envelopes.summary()
        kind = "the system's key store" if local.keys.kind == "os" else f"the file {local.paths.key_file}"
        verdict = Verdict.GOOD if local.keys.kind == "os" else Verdict.NOTE
        return Finding("store", verdict, f"{local.paths.store} is readable; the keys are in {kind}.")


def _service() -> Finding:
    with open_local() as local:
        identity = load_identity(local.store) if local.store is not None else None
        if local.store is None or identity is None:
            return Finding("service", Verdict.NOTE, "This laptop is not enrolled, so it contacts nobody.")
        standing = Documents(local.store, identity).standing(time.time())
        answer = _ask(local, identity.endpoint)
        if not answer:
            return Finding(
                "service", Verdict.BAD, f"{identity.endpoint} does not answer: check the network; data waits."
            )
        if not standing.may_look:
            return Finding("service", Verdict.BAD, standing.reason)
        return Finding("service", Verdict.GOOD, f"{identity.endpoint} answers; the documents are valid.")


def _ask(local: Local, endpoint: str) -> bool:
    link = Link(endpoint, proxy=local.config.proxy)
    try:
        answer = link.request("GET", "/healthz")
    finally:
        link.close()
    return isinstance(answer, Reply) and answer.status == 200


def _disk() -> Finding:
    with open_local() as local:
        folder = local.paths.data
        while not folder.exists():
            folder = folder.parent
    free = shutil.disk_usage(folder).free
    text = f"{free // 2**20} MiB free in {folder}"
    if free < FREE_BYTES:
        return Finding(
            "disk", Verdict.BAD, f"{text}: free some space, or measured windows wait in memory and are lost."
        )
    return Finding("disk", Verdict.GOOD, f"{text}.")


def _rest() -> Finding:
    """Which of the system's signals reach us. One that does not is no fault of anybody: it is no reason to rest then."""
    with contextlib.ExitStack() as ending:
        desktop = None
        if sys.platform.startswith("linux"):
            from agent.desktop_bus import Desktop

            desktop = Desktop()
            ending.callback(desktop.close)
            desktop.start()
        camera = parse_source(load_config(find_paths().config_file).camera)
        signals = open_signals(
            rest_on_battery=lambda: True, camera=lambda: camera.device, desktop=desktop, looking=lambda: False
        )
        ending.callback(signals.close)
        signals.start()
        time.sleep(SIGNALS_SECONDS)
        known = signals.describe()
    works = [f"{each.signal.value.replace('_', ' ')} ({each.how})" for each in known if each.works]
    lacks = [f"{each.signal.value.replace('_', ' ')}: {each.how}" for each in known if not each.works]
    text = f"The camera is let go of when: {', '.join(works) or 'nothing is known here'}."
    if lacks:
        return Finding("reasons to rest", Verdict.NOTE, f"{text} Not told here: {'; '.join(lacks)}.")
    return Finding("reasons to rest", Verdict.GOOD, text)


def _tray() -> Finding:
    """Whether something here shows status icons. The icon itself is not made: the agent may be showing it already."""
    if not sys.platform.startswith("linux"):
        return Finding("tray", Verdict.GOOD, "This system has a place for status icons.")
    from agent.desktop_bus import Desktop
    from agent.tray.linux import host_is_there

    desktop = Desktop()
    desktop.start()
    try:
        there = host_is_there(desktop)
    finally:
        desktop.close()
    if there:
        return Finding("tray", Verdict.GOOD, "This desktop shows status icons.")
    return Finding(
        "tray",
        Verdict.NOTE,
        "Nothing here shows status icons, so no camera is used: add a system tray to the desktop's panel (GNOME needs the"
        " AppIndicator extension).",
    )


def _as_json(finding: Finding) -> dict[str, str]:
    return {"check": finding.check, "verdict": finding.verdict.value, "text": finding.text}
