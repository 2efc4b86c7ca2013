"""The words of `framekeep-sync admin` about people: `person`, `approval` and `code`. What they do is in
`admin_people_verbs.py`, which needs the database's driver and is imported later.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import date
from typing import Any


def add_people_words(thing: Callable[[str, str], Any], act: Callable[[Any, str, str], argparse.ArgumentParser]) -> None:
    """Add them to the parser; `thing` adds a noun, `act` a verb to one."""
    people = thing("person", "people")
    parser = act(
        people, "add", "add a person to a team; they are in it from next month on, and count after ten active days"
    )
    parser.add_argument("name")
    parser.add_argument("--team", required=True, help="name or id")
    parser.add_argument("--since", type=_month, help="YYYY-MM, before anything was ever measured: a past month")
    _as(parser)
    parser = act(people, "move", "put a person into another team from next month on")
    parser.add_argument("person", help="name or id")
    parser.add_argument("--team", required=True, help="name or id")
    _as(parser)
    act(people, "list", "list people")

    approvals = thing("approval", "what one administrator asked for and another has to agree to")
    for name, text in (("approve", "agree to it"), ("refuse", "refuse it, or take back what you asked for")):
        parser = act(approvals, name, text)
        parser.add_argument("approval", help="its id, as it was told when it was asked for")
        _as(parser, required=True)
    act(approvals, "list", "list what was asked for and what has become of it")

    codes = thing("code", "one-time enrolment codes")
    parser = act(codes, "new", "make a code for one laptop, good for 72 hours")
    parser.add_argument("--person", required=True, help="name or id")
    parser = act(codes, "withdraw", "make an unused code worthless")
    parser.add_argument("code", help="its id, see code list")
    act(codes, "list", "list codes, without the codes themselves")


def _as(parser: argparse.ArgumentParser, *, required: bool = False) -> None:
    parser.add_argument(
        "--as",
        dest="acting",
        metavar="READER",
        required=required,
        help="name or id of the administrator acting; needed once anything was measured, since then two have to agree",
    )


def _month(text: str) -> date:
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no month; write it as 2026-11") from None
