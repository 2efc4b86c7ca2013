"""The verb `enroll`: join an organisation with a one-time code."""

from __future__ import annotations

import argparse
import time

from agent.commands.local import open_local, say
from agent.errors import UsageError
from agent.identity import enroll
from agent.outbox.link import Link


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `framekeep enroll` takes."""
    parser.add_argument("code", help="the code you were given; it begins with FK1-")
    parser.add_argument("--server", metavar="URL", help="the sync service's address (default: the setting)")


def run(arguments: argparse.Namespace) -> int:
    """Enrol. Raises FramekeepError; the same call may be repeated after any error."""
    with open_local(create=True) as local:
        server = arguments.server or local.config.server
        if not server:
            raise UsageError("Say which service: framekeep enroll CODE --server https://HOST, as in your invitation.")
        assert local.store is not None
        identity = enroll(
            arguments.code,
            server,
            store=local.store,
            keys=local.keys,
            link=Link(server.rstrip("/"), proxy=local.config.proxy),
            now=time.time(),
        )
        say(f"Enrolled with the organisation {identity.org} at {identity.endpoint} as device {identity.device}.")
        if local.running:
            say("The running agent notices after a restart.")
    return 0
