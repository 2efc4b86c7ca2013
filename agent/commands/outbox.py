"""The verb `outbox`: every envelope, word for word, and sending again what waits."""

from __future__ import annotations

import argparse
from typing import Any

from agent.commands.local import Local, clock_time, open_local, say, say_json, size
from agent.store import EnvelopeRow
from agent.version import VERSION
from agent.wire.summary import Summary, readable


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `framekeep outbox` takes."""
    verbs = parser.add_subparsers(dest="action", metavar="list|retry", required=True)
    listing = verbs.add_parser("list", help="the newest envelopes, with what is in them")
    listing.add_argument("--json", action="store_true", help="one JSON object a line per envelope")
    listing.add_argument("--limit", type=int, default=20, metavar="N", help="how many (default 20)")
    verbs.add_parser("retry", help="send what waits now, and what was set aside once more")


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
                say_json(_as_json(local, row))
            else:
                _describe(local, row)
        if not rows and not arguments.json:
            say("No envelope was made yet.")
    return 0


def _plaintext(local: Local, row: EnvelopeRow) -> str:
    """What the envelope says. It is made again from the stored windows: sealed for the organisation, the envelope
    itself cannot be opened here.
    """
    assert local.store is not None
    stored = local.store.windows_of(row.seq)
    if not stored:
        return ""
    windows = tuple(each.window for each in stored)
    return readable(Summary(row.seq, windows, local.store.lost(), VERSION, stored[0].models, stored[0].policy)).decode(
        "ascii"
    )


def _as_json(local: Local, row: EnvelopeRow) -> dict[str, Any]:
    return {
        "seq": row.seq,
        "id": str(row.id),
        "created": row.created,
        "state": row.state.value,
        "windows": row.windows,
        "bytes": len(row.body),
        "attempts": row.attempts,
        "last_error": row.last_error,
        "plaintext": _plaintext(local, row),
    }


def _describe(local: Local, row: EnvelopeRow) -> None:
    say(
        f"{row.seq}  {row.state.value:<9}  made {clock_time(row.created)}  {row.windows} windows  {size(len(row.body))}"
    )
    if row.last_error:
        say(f"    {row.last_error}")
    say(f"    {_plaintext(local, row)}")
