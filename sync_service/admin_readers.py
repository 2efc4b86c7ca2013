"""The words of `framekeep-sync admin` about readers: `token`, `reader` and `oidc`. What they do is in
`admin_reader_verbs.py`, which needs the database's driver and is imported later.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

ROLES = ("admin", "manager", "auditor", "integration")
SCOPES = ("team_summary", "access_log", "devices", "alerts")


def add_reader_words(thing: Callable[[str, str], Any], act: Callable[[Any, str, str], argparse.ArgumentParser]) -> None:
    """Add them to the parser; `thing` adds a noun, `act` a verb to one."""
    tokens = thing("token", "readers and their tokens")
    parser = act(tokens, "new", "make a reader and their token")
    _who(parser)
    parser.add_argument("--days", type=int, default=30, help="how long it is valid (default: %(default)s)")
    parser = act(tokens, "revoke", "accept no token of a reader any more")
    parser.add_argument("reader", help="id")
    act(tokens, "list", "list readers")

    readers = thing("reader", "readers who sign in with the organisation's identity provider")
    parser = act(readers, "add", "make an account at the identity provider a reader")
    _account(parser)
    _who(parser)
    parser = act(readers, "link", "let a reader in by another account from now on, and by the one before no more")
    parser.add_argument("reader", help="id")
    _account(parser)
    parser = act(readers, "revoke", "let a reader in no more, whatever token they have")
    parser.add_argument("reader", help="id")
    act(readers, "list", "list readers")

    providers = thing("oidc", "the identity provider readers sign in with (OpenID Connect)")
    parser = act(providers, "set", "sign in with this provider from now on; its documents are looked at first")
    parser.add_argument("--issuer", required=True, help="https://..., exactly as the provider names itself")
    parser.add_argument("--client-id", required=True, help="of the dashboard, a public client with PKCE")
    parser.add_argument(
        "--require",
        type=_claim,
        metavar="CLAIM=VALUE",
        help="let in only tokens with this claim, such as hd=example.com (Google) or tid=... (Entra)",
    )
    parser.add_argument("--unchecked", action="store_true", help="do not ask the provider now")
    act(providers, "show", "show the provider")
    act(providers, "remove", "sign in with no provider any more; readers stay on the list")


def _account(parser: argparse.ArgumentParser) -> None:
    account = parser.add_mutually_exclusive_group(required=True)
    account.add_argument(
        "--email", help="the account's verified address; it counts until the first sign-in ties it to one account"
    )
    account.add_argument("--subject", help="the provider's own id of the account (`sub`)")


def _who(parser: argparse.ArgumentParser) -> None:
    kind = parser.add_mutually_exclusive_group(required=True)
    kind.add_argument("--role", choices=ROLES[:-1])
    kind.add_argument("--scope", choices=SCOPES, help="a program instead of a person: the one thing it may read")
    parser.add_argument("--team", action="append", default=[], help="name or id; again for further teams")
    parser.add_argument("--name", help="shown to the people whose numbers are read (default: the role)")
    measured = parser.add_mutually_exclusive_group()
    measured.add_argument("--person", help="the reader's own name or id, where they are measured too")
    measured.add_argument("--not-measured", action="store_true", help="the reader is nobody who is measured")


def _claim(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise argparse.ArgumentTypeError(f"{text!r} is no claim; write it as hd=example.com")
    return name, value
