"""The signed documents in plain words, and what this installation consists of. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from agent.panel.language import Speech
from agent.panel.views.hours import hours_lines
from agent.wire.documents import Keyset, Policy

Facts = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ModelLine:
    """One model file: what it is, its file, size, SHA-256 and licence."""

    what: str
    file: str
    size: str
    sha256: str
    licence: str
    authors: str


def policy_facts(say: Speech, policy: Policy, now: float) -> Facts:
    """What the organisation decided."""
    _ = say.gettext
    return (
        (_("Number"), policy.id),
        (_("In force since"), say.moment(policy.issued, now)),
        (_("Valid until"), say.moment(policy.not_after, now)),
        (_("Hours"), "; ".join(hours_lines(say, policy.work_hours))),
        (
            _("Time between two looks"),
            say.ngettext("about %(num)s second", "about %(num)s seconds", policy.interval_seconds),
        ),
        (_("Smallest group a number may rest on"), say.ngettext("%(num)s person", "%(num)s people", policy.k)),
        (_("Reports by name"), _("allowed") if policy.individual_reports else _("not allowed")),
        (_("Agreement it rests on"), policy.agreement or _("none")),
    )


def keyset_facts(say: Speech, keyset: Keyset, now: float) -> Facts:
    """Where everything goes, and what it is sealed to."""
    _ = say.gettext
    key = keyset.seal_key(int(now))
    return (
        (_("The one destination"), keyset.endpoint),
        (_("Organisation"), keyset.org),
        (_("Sealed to key"), key.id if key else _("none")),
        (_("Keys valid until"), say.moment(keyset.not_after, now)),
        (_("Works council's key"), _("present") if keyset.council else _("none")),
    )


def signers(document: bytes) -> tuple[str, ...]:
    """The ids of the keys whose signatures stand on a document that was accepted before."""
    try:
        return tuple(str(signature["key"]) for signature in json.loads(document)["sigs"])
    except (ValueError, KeyError, TypeError):
        return ()


def model_lines(say: Speech, manifest: Mapping[str, Mapping[str, object]]) -> tuple[ModelLine, ...]:
    """The model files as the manifest names them."""
    found = []
    for entry in manifest.values():
        size = entry.get("bytes", 0)
        found.append(
            ModelLine(
                str(entry.get("what", "")),
                str(entry.get("file", "")),
                say.size(size if isinstance(size, int) else 0),
                str(entry.get("sha256", "")),
                str(entry.get("licence", "")),
                str(entry.get("authors", "")),
            )
        )
    return tuple(found)
