"""PURE. The next issue of a document, from the present one: what is about to be signed. Nothing is signed here.

RequestError, one sentence, for what no document may say. Times are epoch seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TypeVar

from agent.wire.agreement import Agreement
from agent.wire.documents import Keyset, Policy, SealKeyEntry, WorkHours
from agent.wire.errors import WireError
from agent.wire.roots import RootLink
from agent.wire.versions import coming, in_force
from sync_service.people import RequestError

DAY = 24 * 3600
DOCUMENT_DAYS = 365
"""How long a keyset or policy holds."""
AGREEMENT_DAYS = 5 * 365
"""How long an agreement holds unless the two parties say otherwise."""

_Made = TypeVar("_Made")


@dataclass(frozen=True, slots=True)
class Ground:
    """What a new policy is built on and compared with. `present`: the policy in force (where none has begun, the newest).
    `falls`: the one that was to come, which any new policy withdraws. `seq`: the highest number given so far.
    """

    present: Policy
    falls: Policy | None
    seq: int


def ground(policies: Iterable[Policy], now: float) -> Ground | None:
    """The ground of a policy that is issued at `now` behind these, None where there are none."""
    known = list(policies)
    newest = max(known, key=lambda policy: policy.seq, default=None)
    if newest is None:
        return None
    return Ground(in_force(known, now) or newest, coming(known, now), newest.seq)


def next_policy(
    old: Policy,
    *,
    now: int,
    agreement: str,
    seq: int | None = None,
    work_hours: tuple[WorkHours, ...] | None = None,
    interval_seconds: int | None = None,
    individual_reports: bool | None = None,
    k: int | None = None,
    may_quit: bool | None = None,
    effective: int | None = None,
) -> Policy:
    """`old` with what is given changed; it names `agreement` (a digest, or "") and applies from `effective` on, at once
    when None. `seq`: its number, that behind `old` when None.
    """
    seq = old.seq + 1 if seq is None else seq
    return _made(
        "policy",
        lambda: Policy(
            org=old.org,
            seq=seq,
            issued=now,
            not_after=max(now, effective or now) + DOCUMENT_DAYS * DAY,
            id=f"p-{seq}",
            agreement=agreement,
            work_hours=old.work_hours if work_hours is None else work_hours,
            interval_seconds=old.interval_seconds if interval_seconds is None else interval_seconds,
            individual_reports=old.individual_reports if individual_reports is None else individual_reports,
            k=old.k if k is None else k,
            may_quit=old.may_quit if may_quit is None else may_quit,
            effective=effective,
        ),
    )


def next_keyset(
    old: Keyset,
    *,
    now: int,
    added: tuple[SealKeyEntry, ...] = (),
    council: bytes | None = None,
    drop_council: bool = False,
    endpoint: str | None = None,
) -> Keyset:
    """The keyset behind `old`, without seal keys that open nothing any more, for another DOCUMENT_DAYS days. `council`
    is the works council's key (raw), the present one when None.
    """
    kept = tuple(entry for entry in old.seal_keys if entry.open_until > now)
    return _made(
        "keyset",
        lambda: replace(
            old,
            seq=old.seq + 1,
            issued=now,
            not_after=now + DOCUMENT_DAYS * DAY,
            seal_keys=(*kept, *added),
            council=None if drop_council else (council or old.council),
            endpoint=endpoint or old.endpoint,
        ),
    )


def next_agreement(
    org: str,
    old: Agreement | None,
    *,
    now: int,
    work_hours: tuple[WorkHours, ...] | None = None,
    k_at_least: int | None = None,
    individual_reports_allowed: bool | None = None,
    interval_at_least: int | None = None,
    effective: int | None = None,
    days: int = AGREEMENT_DAYS,
) -> Agreement:
    """The agreement behind `old` (None: the first one) with what is given changed, for `days` days."""
    if work_hours is None and old is None:
        raise RequestError("a first agreement says the widest work hours; give them with --hours")
    seq = old.seq + 1 if old else 1
    return _made(
        "agreement",
        lambda: Agreement(
            org=org,
            seq=seq,
            issued=now,
            not_after=max(now, effective or now) + days * DAY,
            id=f"a-{seq}",
            work_hours=work_hours or (old.work_hours if old else ()),
            k_at_least=_pick(k_at_least, old.k_at_least if old else 5),
            individual_reports_allowed=_pick(
                individual_reports_allowed, old.individual_reports_allowed if old else False
            ),
            interval_at_least=_pick(interval_at_least, old.interval_at_least if old else 5),
            effective=effective,
        ),
    )


def next_root(org: str, *, seq: int, old: bytes, new: bytes, now: int) -> RootLink:
    """The document by which `old` hands over to `new` (raw keys); it is the `seq`-th change of this root."""
    return _made("root document", lambda: RootLink(org, seq, now, now + AGREEMENT_DAYS * DAY, old, new))


def _pick(given: _Made | None, otherwise: _Made) -> _Made:
    return otherwise if given is None else given


def _made(name: str, make: Callable[[], _Made]) -> _Made:
    try:
        return make()
    except WireError as error:
        raise RequestError(f"this {name} is not possible: {error}") from None
