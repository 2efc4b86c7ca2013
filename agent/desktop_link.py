"""A guest's use of a D-Bus connection: calls with a time limit and checked answers, signals with a checked sender, names.

The other side may be slow, wrong or gone: whatever it does ends as one of BUS_ERRORS.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from dbus_fast import Message, MessageType
from dbus_fast.aio import MessageBus
from dbus_fast.errors import DBusError, DBusFastError

CALL_SECONDS = 2.0
"""How long an answer may take. What takes longer on the same machine hangs."""
BUS_ERRORS = (DBusFastError, OSError, EOFError, TimeoutError)
"""What a call over the bus raises when the other side, or the bus, does not do its part."""

_DAEMON = "org.freedesktop.DBus"
_DAEMON_PATH = "/org/freedesktop/DBus"
_PROPERTIES = "org.freedesktop.DBus.Properties"


class Bus(StrEnum):
    """Which bus."""

    SESSION = "session"
    SYSTEM = "system"


@dataclass
class Connection:
    """What the links over one connection share: the rules it has, and who owns the names that are followed."""

    bus: MessageBus
    rules: set[str] = field(default_factory=set)
    owners: dict[str, str] = field(default_factory=lambda: {_DAEMON: _DAEMON})


class Link:
    """A guest's use of one connection, as long as that lasts. In the loop's thread only."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._handlers: list[Callable[[Message], None]] = []

    @property
    def bus(self) -> MessageBus:
        """The library's connection, for exporting objects and sending signals."""
        return self._connection.bus

    @property
    def name(self) -> str:
        """Our unique name on this bus, ":1.42"."""
        return self.bus.unique_name or ""

    async def call(
        self,
        destination: str,
        path: str,
        interface: str,
        member: str,
        signature: str = "",
        *body: Any,
        answer: str,
        seconds: float = CALL_SECONDS,
    ) -> list[Any]:
        """The answer's values, which have the signature `answer` ("" for none). Raises one of BUS_ERRORS."""
        message = Message(
            destination=destination,
            path=path,
            interface=interface,
            member=member,
            signature=signature,
            body=list(body),
        )
        async with asyncio.timeout(seconds):
            reply = await self.bus.call(message)
        if reply is None:
            raise ConnectionResetError("the bus is gone")
        if reply.message_type is MessageType.ERROR:
            raise DBusError(reply.error_name or "", "", reply)
        if reply.signature != answer:
            raise DBusError("org.freedesktop.DBus.Error.InvalidSignature", f"{member} answers {reply.signature!r}")
        return list(reply.body)

    async def get(self, destination: str, path: str, interface: str, name: str, kind: str) -> Any:
        """The value of a property of the signature `kind`. Raises one of BUS_ERRORS."""
        (value,) = await self.call(destination, path, _PROPERTIES, "Get", "ss", interface, name, answer="v")
        if value.signature != kind:
            raise DBusError("org.freedesktop.DBus.Error.InvalidSignature", f"{name} is {value.signature!r}")
        return value.value

    async def owner(self, name: str) -> str:
        """The unique name of whoever owns `name`, "" for nobody. Raises one of BUS_ERRORS."""
        try:
            (owner,) = await self.call(_DAEMON, _DAEMON_PATH, _DAEMON, "GetNameOwner", "s", name, answer="s")
        except DBusError as error:
            if error.type == "org.freedesktop.DBus.Error.NameHasNoOwner":
                return ""
            raise
        return str(owner)

    async def listen(
        self,
        heard: Callable[[Message], None],
        *,
        sender: str,
        interface: str,
        signature: str,
        member: str = "",
        path: str = "",
        first: str = "",
    ) -> None:
        """Have `heard` called with every such signal while the connection lasts. It comes from whoever then owns the
        name `sender`, since anybody may send anybody a signal; its values have `signature`; `first` is the first of
        them, a text. `heard` runs in the loop's thread and must be quick. Raises one of BUS_ERRORS.
        """
        if sender != _DAEMON and not sender.startswith(":"):
            await self.watch_name(sender, lambda _: None)
        rule = f"type='signal',sender='{sender}',interface='{interface}'"
        for key, value in (("member", member), ("path", path), ("arg0", first)):
            rule += f",{key}='{value}'" if value else ""
        await self._add_rule(rule)
        owners = self._connection.owners

        def handle(message: Message) -> None:
            if (
                message.message_type is MessageType.SIGNAL
                and message.interface == interface
                and message.signature == signature
                and message.sender == owners.get(sender, sender)
                and (not member or message.member == member)
                and (not path or message.path == path)
                and (not first or message.body[0] == first)
            ):
                heard(message)

        self._handlers.append(handle)
        self.bus.add_message_handler(handle)

    async def watch_name(self, name: str, changed: Callable[[str], None]) -> str:
        """Its owner now, and have `changed` called with each later one ("": it vanished). Raises one of BUS_ERRORS."""

        def heard(message: Message) -> None:
            self._connection.owners[name] = message.body[2]
            changed(message.body[2])

        await self.listen(
            heard,
            sender=_DAEMON,
            interface=_DAEMON,
            member="NameOwnerChanged",
            path=_DAEMON_PATH,
            signature="sss",
            first=name,
        )
        owner = await self.owner(name)
        self._connection.owners[name] = owner
        return owner

    def deafen(self) -> None:
        """Call nobody any more."""
        for handle in self._handlers:
            self.bus.remove_message_handler(handle)
        self._handlers.clear()

    async def _add_rule(self, rule: str) -> None:
        if rule not in self._connection.rules:
            await self.call(_DAEMON, _DAEMON_PATH, _DAEMON, "AddMatch", "s", rule, answer="")
            self._connection.rules.add(rule)


def bus_address(bus: Bus, environ: Mapping[str, str]) -> str:
    """Where `bus` listens by the environment, "" when nothing says so. The user's bus is also looked for where systemd
    puts it, since a service may be started without the variable.
    """
    if bus is Bus.SYSTEM:
        return environ.get("DBUS_SYSTEM_BUS_ADDRESS") or "unix:path=/run/dbus/system_bus_socket"
    if address := environ.get("DBUS_SESSION_BUS_ADDRESS"):
        return address
    folder = environ.get("XDG_RUNTIME_DIR", "")
    return f"unix:path={folder}/bus" if folder and (Path(folder) / "bus").exists() else ""
