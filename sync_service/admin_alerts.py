"""`framekeep-sync admin alerts`: where alerts go, which rules hold, what is open."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sync_service.alerts import RULES

SECURITY = ("starttls", "tls", "none")


def add_alerts(thing: Callable[[str, str], Any], act: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the acts; `thing` and `act` are those of `admin.add_admin`."""
    alerts = thing("alerts", "what is raised about the service, laptops as a number and teams, and who is told")
    parser = act(alerts, "mail", "set the mail server that alerts go through")
    parser.add_argument("--server", required=True, metavar="HOST[:PORT]")
    parser.add_argument("--from", dest="sender", required=True, metavar="ADDRESS")
    parser.add_argument("--security", choices=SECURITY, default="starttls", help="none: on this machine only")
    parser.add_argument("--user", help="to sign in with")
    parser.add_argument("--password-file", type=Path, help="file whose first line is the password")
    parser = act(alerts, "add", "send alerts to an administrator")
    parser.add_argument("--reader", required=True, help="id of the administrator whose channel it is")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--email", metavar="ADDRESS")
    where.add_argument("--webhook", metavar="https://...")
    parser.add_argument("--allow-private", action="store_true", help="the webhook is on this machine or network")
    for name, text in (("remove", "send nothing to a channel any more"), ("test", "send a message for trying")):
        act(alerts, name, text).add_argument("channel", help="id")
    act(alerts, "channels", "list where alerts go and how that works out")
    parser = act(alerts, "rule", "change a rule")
    parser.add_argument("rule", choices=sorted(RULES))
    switch = parser.add_mutually_exclusive_group()
    switch.add_argument("--on", action="store_const", const=True, dest="enabled")
    switch.add_argument("--off", action="store_const", const=False, dest="enabled")
    parser.add_argument("--at-least", type=int, metavar="N", help="what raises it, in the rule's unit")
    parser.add_argument("--oldest-agent", metavar="1.4", help="agents_outdated: the oldest version that will do")
    act(alerts, "rules", "list the rules")
    act(alerts, "list", "list what is open and what was")
