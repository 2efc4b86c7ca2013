"""`framekeep-sync admin`: a thin shell over `provision.py` and `issuing.py`, beside a running service or alone.

Every verb prints a short text, or one JSON object with --json. What is shown once (a code, a token) is not kept.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from agent.wire.documents import WorkHours
from sync_service.admin_alerts import add_alerts
from sync_service.admin_documents import add_documents
from sync_service.admin_people import add_people_words
from sync_service.admin_readers import add_reader_words
from sync_service.policy_text import parse_hours

Told = Mapping[str, Any]


def add_admin(verbs: Any, add_data: Callable[[argparse.ArgumentParser], None]) -> None:
    """Add the verb `admin` to the command's parser; `add_data` adds the option that names the data folder."""
    admin = verbs.add_parser(
        "admin", help="organisations, teams, people, codes, keys, policy, tokens, sign-in, devices, blocks"
    )
    things = admin.add_subparsers(dest="thing", required=True, metavar="THING")

    def thing(name: str, text: str) -> Any:
        return things.add_parser(name, help=text).add_subparsers(dest="act", required=True, metavar="ACT")

    def act(place: Any, name: str, text: str, *, org: bool = True) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = place.add_parser(name, help=text, description=text)
        add_data(parser)
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        if org:
            parser.add_argument("--org", help="id or name of the organisation, where there are several")
        parser.set_defaults(run=_run)
        return parser

    orgs = thing("org", "organisations")
    parser = act(orgs, "create", "make an organisation: its keys, keyset and first policy", org=False)
    parser.add_argument("name")
    parser.add_argument("--endpoint", required=True, help="address laptops send to, https://HOST[:PORT]")
    parser.add_argument("--root-out", type=Path, help="file for the root key, on a medium you keep offline")
    act(orgs, "list", "list organisations", org=False)

    teams = thing("team", "teams")
    parser = act(teams, "create", "make a team")
    parser.add_argument("name")
    parser.add_argument("--timezone", required=True, help="such as Europe/Berlin")
    act(teams, "list", "list teams")

    add_people_words(thing, act)

    keys = thing("key", "seal keys")
    parser = act(keys, "rotate", "make a new seal key and publish it (every 30 days)")
    parser.add_argument("--root", type=Path, help="file of the root key, where it is not in the data folder")
    parser.add_argument("--suite", type=int, choices=(1, 2), default=1, help="2: also against quantum computers")
    act(keys, "list", "list seal keys")

    parser = act(thing("keyset", "the signed list of keys"), "renew", "let the present keyset hold for another year")
    parser.add_argument("--root", type=Path, help="file of the root key, where it is not in the data folder")

    policies = thing("policy", "what is measured and when")
    act(policies, "show", "show the present policy")
    parser = act(policies, "publish", "change the policy: sign a new one and publish it")
    parser.add_argument(
        "--hours",
        action="append",
        type=_hours,
        metavar="'mon-fri 09:00-17:30'",
        help="work hours, in place of the present ones; again for further ones",
    )
    parser.add_argument("--interval", type=int, help="seconds between two looks, 5 to 60")
    parser.add_argument("--k", type=int, help="fewest people a team number stands on, 5 or more")
    parser.add_argument("--individual-reports", choices=("on", "off"), help="whether managers may see one person")
    parser.add_argument(
        "--quit", choices=("on", "off"), help="whether employees may end the program; pausing they always may"
    )
    parser.add_argument("--effective", type=_day, help="YYYY-MM-DD (00:00 UTC): it applies from then on, not at once")
    parser.add_argument("--dry-run", action="store_true", help="show what would change, and sign nothing")
    act(policies, "renew", "let the present policy hold for another year")

    add_reader_words(thing, act)

    devices = thing("device", "enrolled laptops")
    parser = act(devices, "revoke", "accept nothing from a laptop any more")
    parser.add_argument("device", help="id")
    act(devices, "list", "list laptops")

    add_alerts(thing, act)
    add_documents(thing, act)

    blocks = thing("block", "released team numbers")
    for name, text in (
        ("annotate", "put a note beside a released block"),
        ("withdraw", "withdraw a released block as a whole, for good"),
    ):
        parser = act(blocks, name, text)
        parser.add_argument("--team", required=True, help="name or id")
        parser.add_argument("--day", required=True, type=_day, help="YYYY-MM-DD")
        parser.add_argument("--block", required=True, type=int, help="its number within the day, from 1")
        parser.add_argument("--text", required=True, help="what readers see")


def _run(options: argparse.Namespace) -> int:
    # Imported here: the other verbs of the command start faster without the database's driver.
    from sync_service.admin_log import carry_out
    from sync_service.admin_verbs import VERBS
    from sync_service.app import build_office, join_store, wall_clock

    with join_store(options.data) as store:
        told = carry_out(VERBS, build_office(store), options, wall_clock())
    sys.stdout.write(json.dumps(_for_json(told)) + "\n" if options.json else _as_text(told))
    return 0


def _for_json(told: Told) -> Told:
    return {("advice" if name == "_" else name): value for name, value in told.items()}


def _as_text(told: Told) -> str:
    """One `name: value` a line; a list as a table; advice last."""
    lines = []
    for name, value in told.items():
        if isinstance(value, list):
            lines += _table(value) if value else [f"no {name.replace('_', ' ')} yet"]
        elif name == "_":
            lines += ["", str(value)]
        else:
            lines.append(f"{name.replace('_', ' ')}: {value}")
    return "\n".join(lines) + "\n"


def _table(rows: list[dict[str, Any]]) -> list[str]:
    cells = [list(rows[0])] + [[_cell(name, value) for name, value in row.items()] for row in rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]


def _cell(name: str, value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "-", True: "yes", False: "no"}[value]
    return datetime.fromtimestamp(value, UTC).date().isoformat() if name in _INSTANTS else str(value)


_INSTANTS = ("expires", "seal_until", "open_until")


def _hours(text: str) -> WorkHours:
    try:
        return parse_hours(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} are no work hours; write them as 'mon-fri 09:00-17:30'") from None


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no day; write it as 2026-11-09") from None
