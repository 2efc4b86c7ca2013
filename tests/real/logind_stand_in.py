"""A small logind for a private bus, in a process of its own: python -m tests.real.logind_stand_in

Takes words on its standard input (lock, unlock, away, front, sleep, wake, shut, open, leave, come, logout, login,
saver, blank, shown, upower) and answers each with "done". As much of logind out there it tells nobody when the lid is shut.
"""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Annotated

from dbus_fast import Message, PropertyAccess
from dbus_fast.aio import MessageBus
from dbus_fast.annotations import DBusBool, DBusObjectPath, DBusSignature, DBusStr, DBusUInt32
from dbus_fast.errors import DBusError
from dbus_fast.service import ServiceInterface, dbus_method, dbus_property, dbus_signal

NAME = "org.freedesktop.login1"
ROOT = "/org/freedesktop/login1"
SESSION_PATH = f"{ROOT}/session/_32"
PING = Message("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "GetId")
USER_PATH = f"{ROOT}/user/_{os.getuid()}"

IdAndPath = Annotated[list[str], DBusSignature("(so)")]
IdThenPath = Annotated[tuple[str, str], DBusSignature("so")]


class Session(ServiceInterface):
    """The user's graphical session."""

    def __init__(self) -> None:
        super().__init__("org.freedesktop.login1.Session")
        self.locked, self.active = False, True

    @dbus_property(access=PropertyAccess.READ)
    def LockedHint(self) -> DBusBool:
        return self.locked

    @dbus_property(access=PropertyAccess.READ)
    def Active(self) -> DBusBool:
        return self.active


class User(ServiceInterface):
    """The user."""

    def __init__(self) -> None:
        super().__init__("org.freedesktop.login1.User")
        self.here = True

    @dbus_property(access=PropertyAccess.READ)
    def Display(self) -> IdAndPath:
        return ["2", SESSION_PATH] if self.here else ["", "/"]


class Manager(ServiceInterface):
    """The machine."""

    def __init__(self) -> None:
        super().__init__("org.freedesktop.login1.Manager")
        self.sleeping = self.lid = False

    @dbus_method()
    def GetUser(self, uid: DBusUInt32) -> DBusObjectPath:
        if uid != os.getuid():
            raise DBusError("org.freedesktop.login1.NoSuchUser", "no such user")
        return USER_PATH

    @dbus_method()
    def GetSessionByPID(self, pid: DBusUInt32) -> DBusObjectPath:
        raise DBusError("org.freedesktop.login1.NoSessionForPID", f"{pid} does not belong to any known session")

    @dbus_method()
    def GetSession(self, name: DBusStr) -> DBusObjectPath:
        raise DBusError("org.freedesktop.login1.NoSuchSession", f"no session {name}")

    @dbus_property(access=PropertyAccess.READ)
    def PreparingForSleep(self) -> DBusBool:
        return self.sleeping

    @dbus_property(access=PropertyAccess.READ)
    def LidClosed(self) -> DBusBool:
        return self.lid

    @dbus_signal()
    def PrepareForSleep(self) -> DBusBool:
        return self.sleeping

    @dbus_signal()
    def SessionNew(self) -> IdThenPath:
        return "2", SESSION_PATH

    @dbus_signal()
    def SessionRemoved(self) -> IdThenPath:
        return "2", SESSION_PATH


class Saver(ServiceInterface):
    """GNOME's screen saver, which would be on the user's bus."""

    def __init__(self) -> None:
        super().__init__("org.gnome.ScreenSaver")
        self.active = False

    @dbus_method()
    def GetActive(self) -> DBusBool:
        return self.active

    @dbus_signal()
    def ActiveChanged(self) -> DBusBool:
        return self.active


class UPower(ServiceInterface):
    """What tells of the lid in place of logind."""

    def __init__(self) -> None:
        super().__init__("org.freedesktop.UPower")
        self.lid = False

    @dbus_property(access=PropertyAccess.READ)
    def LidIsClosed(self) -> DBusBool:
        return self.lid


class Login1:
    """The three together."""

    def __init__(self, bus: MessageBus) -> None:
        self.bus, self.session, self.user, self.manager = bus, Session(), User(), Manager()
        bus.export(SESSION_PATH, self.session)
        bus.export(USER_PATH, self.user)
        bus.export(ROOT, self.manager)
        self.saver, self.upower = Saver(), UPower()
        bus.export("/org/freedesktop/UPower", self.upower)
        bus.export("/org/gnome/ScreenSaver", self.saver)

    async def obey(self, word: str) -> None:
        match word:
            case "lock" | "unlock":
                self.session.locked = word == "lock"
                self.session.emit_properties_changed({"LockedHint": self.session.locked})
            case "away" | "front":
                self.session.active = word == "front"
                self.session.emit_properties_changed({"Active": self.session.active})
            case "sleep" | "wake":
                self.manager.sleeping = word == "sleep"
                self.manager.PrepareForSleep()
            case "shut" | "open":
                self.manager.lid = self.upower.lid = word == "shut"
                self.upower.emit_properties_changed({"LidIsClosed": self.upower.lid})
            case "upower":
                await self.bus.request_name("org.freedesktop.UPower")
            case "logout":
                self.user.here = False
                self.bus.unexport(SESSION_PATH, self.session)
                self.manager.SessionRemoved()
            case "login":
                self.user.here, self.session = True, Session()
                self.bus.export(SESSION_PATH, self.session)
                self.manager.SessionNew()
            case "leave":
                await self.bus.release_name(NAME)
            case "come":
                await self.bus.request_name(NAME)
            case "saver":
                await self.bus.request_name("org.gnome.ScreenSaver")
            case "blank" | "shown":
                self.saver.active = word == "blank"
                self.saver.ActiveChanged()
            case _:
                raise ValueError(word)


async def main() -> None:
    bus = await MessageBus(bus_address=os.environ["DBUS_SYSTEM_BUS_ADDRESS"]).connect()
    login = Login1(bus)
    await bus.request_name(NAME)
    print("done", flush=True)
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        await login.obey(line.strip())
        await bus.call(PING)  # what was told before is on the bus now
        print("done", flush=True)
    bus.disconnect()


if __name__ == "__main__":
    asyncio.run(main())
