"""A real desktop for tests: a bus, a screen (Xvfb), Xfce's panel with a status tray, and a notification server (dunst).

Everything lives in one folder and dies with the thread that started it, also when that is killed.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from dbus_fast.aio import MessageBus

from agent.desktop_link import Connection, Link
from tests.conftest import skip_or_fail

PROGRAMS = ("dbus-daemon", "Xvfb", "xfce4-panel", "dunst", "setpriv")
WIDTH, HEIGHT = 400, 200
BAR = 32
"""Height of the panel, in pixels; it lies along the upper edge."""
ICON = 24
"""Height of an icon in it."""
T = TypeVar("T")

_BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path={folder}/bus</listen>
  <auth>EXTERNAL</auth>
  <servicedir>{folder}/services</servicedir>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""
_PANEL = f"""<?xml version="1.0" encoding="UTF-8"?>
<channel name="xfce4-panel" version="1.0">
  <property name="configver" type="int" value="2"/>
  <property name="panels" type="array">
    <value type="int" value="1"/>
    <property name="dark-mode" type="bool" value="DARK"/>
    <property name="panel-1" type="empty">
      <property name="position" type="string" value="p=6;x=0;y=0"/>
      <property name="position-locked" type="bool" value="true"/>
      <property name="length" type="uint" value="100"/>
      <property name="size" type="uint" value="{BAR}"/>
      <property name="plugin-ids" type="array"><value type="int" value="1"/></property>
    </property>
  </property>
  <property name="plugins" type="empty">
    <property name="plugin-1" type="string" value="systray">
      <property name="icon-size" type="int" value="{ICON}"/>
    </property>
  </property>
</channel>
"""


@dataclass(frozen=True)
class Picture:
    """A picture of the screen: rows from the top, of (red, green, blue)."""

    rows: list[list[tuple[int, int, int]]]

    def like(self, colour: tuple[int, int, int], *, within: int = 6) -> list[tuple[int, int]]:
        """The places (x, y) of that colour, each part at most `within` off."""
        return [
            (x, y)
            for y, row in enumerate(self.rows)
            for x, pixel in enumerate(row)
            if all(abs(a - b) <= within for a, b in zip(pixel, colour, strict=True))
        ]

    def save(self, file: Path) -> None:
        """As a PPM file, to look at."""
        body = b"".join(bytes(part for pixel in row for part in pixel) for row in self.rows)
        file.write_bytes(f"P6 {len(self.rows[0])} {len(self.rows)} 255\n".encode() + body)


@dataclass
class TrayDesktop:
    """Bus and screen; the rest on demand. Use `tray_desktop` to get one that is ended for sure."""

    folder: Path
    dark: bool = False
    _running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    _display: str = ""

    @property
    def address(self) -> str:
        """The bus's address."""
        return f"unix:path={self.folder}/bus"

    @property
    def environment(self) -> dict[str, str]:
        """What a program on this desktop gets: nothing of the desktop the tests run on."""
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "CI") if name in os.environ}
        return kept | {
            "DISPLAY": self._display,
            "DBUS_SESSION_BUS_ADDRESS": self.address,
            "HOME": str(self.folder / "home"),
            "XDG_CONFIG_HOME": str(self.folder / "home/.config"),
            "XDG_CACHE_HOME": str(self.folder / "home/.cache"),
            "XDG_DATA_HOME": str(self.folder / "home/.local/share"),
            "XDG_RUNTIME_DIR": str(self.folder / "run"),
            "XDG_CURRENT_DESKTOP": "XFCE",
            "GDK_BACKEND": "x11",
            "NO_AT_BRIDGE": "1",
        }

    def start(self) -> None:
        """Bus and screen."""
        for name in (
            "home/.config/xfce4/xfconf/xfce-perchannel-xml",
            "home/.config/dunst",
            "run",
            "services",
            "screen",
        ):
            (self.folder / name).mkdir(parents=True, mode=0o700)
        (self.folder / "bus.conf").write_text(_BUS.format(folder=self.folder))
        settings = self.folder / "home/.config/xfce4/xfconf/xfce-perchannel-xml/xfce4-panel.xml"
        settings.write_text(_PANEL.replace("DARK", str(self.dark).lower()))
        shutil.copy("/usr/share/dbus-1/services/org.xfce.Xfconf.service", self.folder / "services")
        read, write = os.pipe()
        with os.fdopen(read) as numbers:
            command = ["Xvfb", "-displayfd", str(write), "-screen", "0", f"{WIDTH}x{HEIGHT}x24", "-nolisten", "tcp"]
            self._start("screen", [*command, "-fbdir", str(self.folder / "screen")], pass_fds=(write,))
            os.close(write)
            self._display = f":{int(numbers.readline())}"
        self.start_bus()

    def start_bus(self) -> None:
        """The bus, at the same address as before."""
        (self.folder / "bus").unlink(missing_ok=True)
        self._start("bus", ["dbus-daemon", "--nofork", f"--config-file={self.folder}/bus.conf"])
        wait_until((self.folder / "bus").exists)

    def start_panel(self) -> None:
        """Xfce's panel; ready when it can take icons."""
        self._start("panel", ["xfce4-panel", "--disable-wm-check"])
        wait_until(lambda: self.owned("org.kde.StatusNotifierWatcher"), seconds=20)

    def start_notifications(self) -> None:
        """The notification server."""
        self._start("notifications", ["dunst"])
        wait_until(lambda: self.owned("org.freedesktop.Notifications"))

    def run(self, name: str, command: list[str], **options: Any) -> subprocess.Popen[bytes]:
        """A program of the test's own on this desktop."""
        return self._start(name, command, **options)

    def kill(self, name: str) -> None:
        """End "panel", "bus", "notifications", "screen" or one of the test's own at once, with all it started."""
        process = self._running.pop(name)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def signal(self, name: str, number: signal.Signals) -> None:
        """Send one of them, with all it started, a signal."""
        os.killpg(self._running[name].pid, number)

    def close(self) -> None:
        """End everything."""
        for name in reversed(list(self._running)):
            self.kill(name)

    def owned(self, name: str) -> bool:
        """Whether somebody owns that name on the bus."""
        return bool(self.talk(lambda link: link.owner(name)))

    def talk(self, work: Callable[[Link], Coroutine[Any, Any, T]]) -> T:
        """What `work` answers, done over a connection of its own to the bus."""

        async def connected() -> T:
            bus = await MessageBus(bus_address=self.address).connect()
            try:
                return await work(Link(Connection(bus)))
            finally:
                bus.disconnect()

        # In a thread of its own: a browser that other tests opened keeps a loop running in this one.
        with ThreadPoolExecutor(1) as elsewhere:
            return elsewhere.submit(lambda: asyncio.run(connected())).result()

    def picture(self) -> Picture:
        """The screen now. Xvfb keeps it in a file of the format of xwd (X11/XWDFile.h), 32 bits a pixel."""
        data = (self.folder / "screen/Xvfb_screen0").read_bytes()
        word = lambda number: int.from_bytes(data[4 * number : 4 * number + 4], "big")  # noqa: E731  used here only
        start, width, height, line = word(0) + 12 * word(19), word(4), word(5), word(12)
        assert (word(1), word(11)) == (7, 32)
        little = word(7) == 0
        order = (2, 1, 0) if little else (1, 2, 3)
        return Picture(
            [
                [
                    tuple(data[at + part] for part in order)  # type: ignore[misc]  three parts
                    for at in range(start + y * line, start + y * line + 4 * width, 4)
                ]
                for y in range(height)
            ]
        )

    def _start(self, name: str, command: list[str], **options: Any) -> subprocess.Popen[bytes]:
        assert name not in self._running, f"{name} runs already"
        log = (self.folder / f"{name}.log").open("ab")
        with log:
            self._running[name] = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *command],
                **{
                    "env": self.environment,
                    "stdin": subprocess.DEVNULL,
                    "stdout": log,
                    "stderr": log,
                    "start_new_session": True,
                    **options,
                },
            )
        return self._running[name]


@contextmanager
def tray_desktop(folder: Path, *, dark: bool = False) -> Iterator[TrayDesktop]:
    """A desktop with bus and screen in an empty folder. Skips, or fails in CI, where its programs are missing."""
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing:
        skip_or_fail(f"a desktop to test with lacks {', '.join(missing)}: run installer/linux/prepare.sh --tests")
    desktop = TrayDesktop(folder, dark=dark)
    try:
        desktop.start()
        yield desktop
    finally:
        desktop.close()


def wait_until(true: Callable[[], Any], *, seconds: float = 10.0) -> float:
    """Wait until `true()` is, and return how many seconds that took."""
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < seconds, "waited in vain"
        time.sleep(0.05)
    return time.monotonic() - began
