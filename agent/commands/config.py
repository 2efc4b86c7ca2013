"""The verb `config`: the settings in force, where each comes from, and which the organisation has locked."""

from __future__ import annotations

import argparse

from rich.console import Console
from rich.table import Table

from agent.commands.local import Local, open_local, say_json
from agent.config import Config
from agent.identity import load_identity
from agent.outbox.documents import Documents
from agent.policy import locks


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `framekeep config` takes."""
    verbs = parser.add_subparsers(dest="action", metavar="show", required=True)
    show = verbs.add_parser("show", help="the settings in force")
    show.add_argument("--json", action="store_true", help="one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Show the settings. Raises ConfigError or StoreError."""
    with open_local() as local:
        config = in_force(local)
        file = local.paths.config_file
    if arguments.json:
        say_json({"file": str(file), "settings": config.show()})
        return 0
    table = Table()
    for column in ("setting", "value", "from", ""):
        table.add_column(column)
    for entry in config.show():
        origin = f"{entry['origin']} ({entry['place']})" if entry["place"] else entry["origin"]
        table.add_row(entry["key"], str(entry["value"]), origin, "locked" if entry["locked"] else "")
    console = Console()
    console.print(table)
    missing = "" if file.exists() else " (it does not exist yet)"
    console.print(f"Your own settings are read from {file}{missing}.", soft_wrap=True, markup=False, highlight=False)
    return 0


def in_force(local: Local) -> Config:
    """The settings with what the signed policy decides on top."""
    identity = load_identity(local.store) if local.store is not None else None
    if local.store is None or identity is None:
        return local.config
    documents = Documents(local.store, identity)
    if documents.keyset is None or documents.policy is None:
        return local.config
    return local.config.with_policy(locks(documents.keyset, documents.policy), documents.policy.id)
