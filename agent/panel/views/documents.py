"""The signed documents in plain words, and what this installation consists of. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agent.acceptance import Roots
from agent.key_changes import KeyChange, What
from agent.panel.language import N_, Speech
from agent.panel.views.hours import hours_lines
from agent.wire.agreement import Agreement
from agent.wire.documents import Keyset, Policy
from agent.wire.ids import signer_id

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
        (_("In force since"), say.moment(policy.begins, now)),
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


def coming_facts(say: Speech, policy: Policy, coming: Policy, now: float) -> Facts:
    """What a policy that is yet to begin changes: its own words for whatever is then another."""
    _ = say.gettext
    settled = {_("Number"), _("In force since"), _("Valid until")}
    present = dict(policy_facts(say, policy, now))
    return tuple(
        (name, value)
        for name, value in policy_facts(say, coming, now)
        if name not in settled and present.get(name) != value
    )


def agreement_facts(say: Speech, agreement: Agreement, now: float) -> Facts:
    """What the organisation and its works council agreed that no policy may go beyond."""
    _ = say.gettext
    return (
        (_("Number"), agreement.id),
        (_("In force since"), say.moment(agreement.begins, now)),
        (_("Valid until"), say.moment(agreement.not_after, now)),
        (_("Widest hours"), "; ".join(hours_lines(say, agreement.work_hours))),
        (
            _("Least time between two looks"),
            say.ngettext("about %(num)s second", "about %(num)s seconds", agreement.interval_at_least),
        ),
        (
            _("Smallest group any number may ever rest on"),
            say.ngettext("%(num)s person", "%(num)s people", agreement.k_at_least),
        ),
        (_("Reports by name"), _("allowed") if agreement.individual_reports_allowed else _("not allowed")),
        (_("Pictures checked elsewhere"), _("not allowed")),
        (_("Its fingerprint"), agreement.digest),
    )


_CHANGES = {
    What.ROOT: N_("The organisation's root key was replaced; the new one: %(key)s"),
    What.COUNCIL: N_("A works council's key is in force: %(key)s"),
    What.COUNCIL_GONE: N_("A works council's key is no longer in force: %(key)s"),
    What.SIGNER: N_("A key may sign policies: %(key)s"),
    What.SIGNER_GONE: N_("A key may no longer sign policies: %(key)s"),
    What.SEAL_KEY: N_("A new key is there to seal to: %(key)s"),
}


def key_lines(say: Speech, changes: Sequence[KeyChange], now: float) -> Facts:
    """When this laptop saw which change of a key, the newest first."""
    return tuple(
        (say.moment(change.at, now), say.gettext(_CHANGES[change.what], key=fingerprint(change.key)))
        for change in reversed(changes)
    )


def fingerprint(key: str) -> str:
    """A key's id as people compare it: groups of four."""
    return " ".join(key[start : start + 4] for start in range(0, len(key), 4))


def keyset_facts(say: Speech, keyset: Keyset, now: float, roots: Roots | None = None) -> Facts:
    """Where everything goes, what it is sealed to, and the fingerprints of who speaks for the organisation."""
    _ = say.gettext
    key = keyset.seal_key(int(now))
    return (
        (_("The one destination"), keyset.endpoint),
        (_("Organisation"), keyset.org),
        (_("Sealed to key"), key.id if key else _("none")),
        (_("Keys valid until"), say.moment(keyset.not_after, now)),
        *(((_("Root key"), fingerprint(signer_id(roots.root))),) if roots is not None else ()),
        (_("Works council's key"), fingerprint(signer_id(keyset.council)) if keyset.council else _("none")),
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
