"""What this laptop saw of changes to its organisation's keys, for the person it measures. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

from agent.acceptance import Roots
from agent.wire.documents import Keyset
from agent.wire.ids import signer_id

MOST = 50
"""So many changes of seal keys are kept, the newest: a key a month for four years. Every other change is kept for good:
it is rare, and no run of seal keys may push it out of the person's sight."""


class What(StrEnum):
    """Which key changed, and how. The values are kept; words for them are the panel's."""

    ROOT = "root"
    COUNCIL = "council"
    COUNCIL_GONE = "council_gone"
    SIGNER = "signer"
    SIGNER_GONE = "signer_gone"
    SEAL_KEY = "seal_key"


@dataclass(frozen=True, slots=True)
class KeyChange:
    """One change, and when this laptop saw it (epoch seconds). `key` is the id of the key that came or went."""

    at: int
    what: What
    key: str


def key_changes(before: tuple[Roots, Keyset | None], after: tuple[Roots, Keyset], now: float) -> tuple[KeyChange, ...]:
    """What differs between the keys accepted before and now. The very first keyset changes nothing."""
    (roots, old), (new_roots, new) = before, after
    found = [(What.ROOT, signer_id(raw)) for raw in new_roots.keys[len(roots.keys) :]]
    if old is not None:
        if new.council != old.council:
            found += [(What.COUNCIL, signer_id(new.council))] if new.council is not None else []
            found += [(What.COUNCIL_GONE, signer_id(old.council))] if old.council is not None else []
        was, now_signs = set(old.policy_signers), set(new.policy_signers)
        found += [(What.SIGNER, signer_id(raw)) for raw in sorted(now_signs - was)]
        found += [(What.SIGNER_GONE, signer_id(raw)) for raw in sorted(was - now_signs)]
        known = {entry.key.id for entry in old.seal_keys}
        found += [(What.SEAL_KEY, entry.key.id) for entry in new.seal_keys if entry.key.id not in known]
    return tuple(KeyChange(int(now), what, key) for what, key in found)


def write_changes(changes: Sequence[KeyChange]) -> bytes:
    """For the store, oldest first: of seal keys the newest MOST, of everything else all."""
    spare = sum(change.what is What.SEAL_KEY for change in changes) - MOST
    kept = []
    for change in changes:
        if change.what is What.SEAL_KEY and spare > 0:
            spare -= 1
        else:
            kept.append(asdict(change))
    return json.dumps(kept, separators=(",", ":")).encode("ascii")


def read_changes(data: bytes) -> tuple[KeyChange, ...]:
    """The reverse. What a later version wrote and this one does not know is left out."""
    rows: Iterable[dict[str, object]] = json.loads(data)
    known = {what.value for what in What}
    return tuple(
        KeyChange(int(str(row["at"])), What(str(row["what"])), str(row["key"])) for row in rows if row["what"] in known
    )
