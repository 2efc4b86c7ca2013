"""The agent's connections to D-Bus, on a bus of their own. Holds the promise that a bus which is missing, dies or carries
lies changes nothing but what is known.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from dbus_fast import Message, MessageType
from dbus_fast.errors import DBusError

from agent.desktop_bus import Desktop
from agent.desktop_link import Bus, Link, bus_address
from tests.tray_desktop import TrayDesktop, tray_desktop, wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has D-Bus")
NAME = "org.example.Screen"


class Listener:
    """Follows a name and hears its signals."""

    def __init__(self) -> None:
        self.link: Link | None = None
        self.owners: list[str] = []
        self.heard: list[bool] = []
        self.attached = 0
        self.refusals = 0

    async def attach(self, link: Link) -> None:
        if self.refusals:
            self.refusals -= 1
            raise DBusError("org.example.NotYet", "not yet")
        await link.watch_name(NAME, self.owners.append)
        await link.listen(
            lambda message: self.heard.append(message.body[0]),
            sender=NAME,
            interface=NAME,
            member="Locked",
            signature="b",
        )
        self.link = link
        self.attached += 1

    def detach(self) -> None:
        self.link = None


@pytest.fixture(scope="module")
def desktop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrayDesktop]:
    with tray_desktop(tmp_path_factory.mktemp("desktop")) as started:
        yield started


@pytest.fixture
def connections(desktop: TrayDesktop) -> Iterator[Desktop]:
    started = Desktop({Bus.SESSION: desktop.address})
    yield started
    started.close()


def test_guests_may_come_before_and_after_the_start_and_each_attaches_once(connections: Desktop) -> None:
    early, late = Listener(), Listener()
    connections.join(Bus.SESSION, early)
    connections.start()
    wait_until(lambda: early.attached)
    connections.join(Bus.SESSION, late)
    wait_until(lambda: late.attached)
    assert (early.attached, late.attached) == (1, 1)


def test_a_bus_that_comes_back_is_joined_again(desktop: TrayDesktop, connections: Desktop) -> None:
    guest = Listener()
    connections.join(Bus.SESSION, guest)
    connections.start()
    wait_until(lambda: guest.attached)
    desktop.kill("bus")
    wait_until(lambda: guest.link is None)
    desktop.start_bus()
    wait_until(lambda: guest.attached == 2)


def test_a_guest_whose_other_side_is_not_ready_tries_again_and_hears_once(
    desktop: TrayDesktop, connections: Desktop
) -> None:
    guest = Listener()
    guest.refusals = 2
    connections.join(Bus.SESSION, guest)
    connections.start()
    wait_until(lambda: guest.attached)
    desktop.talk(own_and_signal)
    wait_until(lambda: guest.heard)
    assert guest.heard == [True]
    wait_until(lambda: len(guest.owners) == 2)
    assert guest.owners[1] == "", "it came and went"


async def own_and_signal(link: Link) -> None:
    await link.bus.request_name(NAME)
    await link.bus.send(Message.new_signal("/", NAME, "Locked", "b", [True]))


def test_a_signal_sent_by_somebody_else_or_of_another_kind_is_not_heard(
    desktop: TrayDesktop, connections: Desktop
) -> None:
    guest = Listener()
    connections.join(Bus.SESSION, guest)
    connections.start()
    wait_until(lambda: guest.attached)
    assert guest.link is not None
    ours = guest.link.name

    async def forge(link: Link) -> None:
        for body, signature in (([False], "b"), (["x"], "s")):
            await link.bus.send(
                Message(
                    message_type=MessageType.SIGNAL,
                    destination=ours,
                    path="/",
                    interface=NAME,
                    member="Locked",
                    signature=signature,
                    body=body,
                )
            )

    async def malformed(link: Link) -> None:
        await link.bus.request_name(NAME)
        await link.bus.send(Message.new_signal("/", NAME, "Locked", "s", ["x"]))

    desktop.talk(forge)
    desktop.talk(malformed)
    desktop.talk(own_and_signal)
    wait_until(lambda: guest.heard)
    assert guest.heard == [True]


def test_an_answer_of_another_kind_is_an_error_and_no_answer_too(desktop: TrayDesktop) -> None:
    async def wrong(link: Link) -> None:
        await link.call("org.freedesktop.DBus", "/", "org.freedesktop.DBus", "ListNames", answer="s")

    async def nobody(link: Link) -> None:
        await link.get("org.example.Nobody", "/", "org.example", "Name", "s")

    for work in (wrong, nobody):
        with pytest.raises(DBusError):
            desktop.talk(work)


def test_without_a_bus_nothing_happens_and_nobody_waits(tmp_path: Path) -> None:
    connections = Desktop({Bus.SESSION: f"unix:path={tmp_path}/none"})
    guest = Listener()
    connections.join(Bus.SESSION, guest)
    connections.start()

    async def answer() -> bool:
        return guest.link is not None

    assert connections.ask(answer) is False
    connections.close()
    assert connections.ask(answer) is False and guest.attached == 0
    connections.close()


def test_the_bus_is_found_where_the_environment_or_systemd_has_it(tmp_path: Path) -> None:
    assert bus_address(Bus.SESSION, {"DBUS_SESSION_BUS_ADDRESS": "unix:path=/x"}) == "unix:path=/x"
    assert bus_address(Bus.SESSION, {"XDG_RUNTIME_DIR": str(tmp_path)}) == ""
    (tmp_path / "bus").touch()
    assert bus_address(Bus.SESSION, {"XDG_RUNTIME_DIR": str(tmp_path)}) == f"unix:path={tmp_path}/bus"
    assert bus_address(Bus.SYSTEM, {}) == "unix:path=/run/dbus/system_bus_socket"


@pytest.mark.parametrize("name", ["aio.message_bus", "aio.message_reader", "message_bus", "send_reply"])
def test_the_librarys_tracebacks_of_a_connection_that_ended_are_kept_out_of_the_log_and_those_of_mistakes_are_not(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    library = logging.getLogger(f"dbus_fast.{name}")
    library.error("an answer found the connection closed", exc_info=OSError(9, "Bad file descriptor"))
    library.error("a mistake of ours", exc_info=TypeError("not a property"))
    assert [record.getMessage() for record in caplog.records] == ["a mistake of ours"]
