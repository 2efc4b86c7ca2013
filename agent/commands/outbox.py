"""The verb `outbox`: every envelope, word for word, and sending again what waits."""

from __future__ import annotations

import argparse
from typing import Any

from agent.commands.local import clock_time, open_local, say, say_json, size
from agent.store import EnvelopeRow


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `framekeep outbox` takes."""
    verbs = parser.add_subparsers(dest="action", metavar="list|retry", required=True)
    listing = verbs.add_parser("list", help="the newest envelopes, with what is in them")
    listing.add_argument("--json", action="store_true", help="one JSON object a line per envelope")
    listing.add_argument("--limit", type=int, default=20, metavar="N", help="how many (default 20)")
    verbs.add_parser("retry", help="send what waits now, and once more what was set aside or never confirmed as opened")


def run(arguments: argparse.Namespace) -> int:
    """List or retry. Raises StoreError."""
    with open_local() as local:
        if local.store is None:
            say("Nothing was measured or enrolled here yet.")
            return 0
        if arguments.action == "retry":
            count = local.store.envelopes.retry()
            say(f"{count} envelopes are sent again as soon as the agent runs." if count else "Nothing waits.")
            return 0
        rows = local.store.envelopes.recent(max(1, arguments.limit))
        for row in rows:
            if arguments.json:
                say_json(_as_json(row))
            else:
                _describe(row)
        if not rows and not arguments.json:
            say("No envelope was made yet.")
    return 0


def _as_json(row: EnvelopeRow) -> dict[str, Any]:
    return {
        "seq": row.seq,
        "id": str(row.id),
        "created": row.created,
        "state": row.state.value,
        "windows": row.windows,
        "bytes": len(row.body),
        "attempts": row.attempts,
        "last_error": row.last_error,
        "plaintext": row.plain.decode("ascii"),
    }


def _describe(row: EnvelopeRow) -> None:
    say(
        f"{row.seq}  {row.state.value:<9}  made {clock_time(row.created)}  {row.windows} windows  {size(len(row.body))}"
    )
    if row.last_error:
        say(f"    {row.last_error}")
    say(f"    {row.plain.decode('ascii')}")
