"""What follows from the accepted documents at one moment. Pure: time is an argument.

An expired or missing document, or a policy beyond the agreement with the works council, means that nothing is looked at,
and the reason is said. Which documents are accepted is `acceptance.py`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from agent.acceptance import Roots
from agent.wire.agreement import Agreement, exceeds
from agent.wire.documents import Keyset, Policy
from agent.wire.seal import SealPublicKey
from agent.wire.versions import coming, in_force


def _at_least_issued(issues: Sequence[Policy] | Sequence[Agreement], now: float) -> float:
    """Now, or when the newest of `issues` was issued: a laptop's clock that says less is behind, and must not keep from
    applying what applies at once.
    """
    return max([now, *(issue.issued for issue in issues)])


@dataclass(frozen=True, slots=True)
class Papers:
    """The accepted documents of one organisation: of policies and agreements the one in force and the one to come."""

    roots: Roots
    keyset: Keyset | None = None
    agreements: tuple[Agreement, ...] = ()
    policies: tuple[Policy, ...] = ()

    def policy(self, now: float) -> Policy | None:
        """The policy in force at `now` (epoch seconds), valid or expired; one that has yet to begin where there is no
        other, so that it can be shown.
        """
        at = _at_least_issued(self.policies, now)
        return in_force(self.policies, at) or coming(self.policies, at)

    def coming_policy(self, now: float) -> Policy | None:
        """The policy that takes its place later."""
        found = coming(self.policies, _at_least_issued(self.policies, now))
        return found if found is not self.policy(now) else None

    def agreement(self, now: float) -> Agreement | None:
        """The agreement in force, valid or expired, where the keyset names a works council."""
        if self.keyset is None or self.keyset.council is None:
            return None
        return in_force(self.agreements, _at_least_issued(self.agreements, now))

    def coming_agreement(self, now: float) -> Agreement | None:
        """The agreement that takes its place later."""
        if self.keyset is None or self.keyset.council is None:
            return None
        return coming(self.agreements, _at_least_issued(self.agreements, now))


@dataclass(frozen=True, slots=True)
class Standing:
    """What the documents allow at one moment. `reason` is "" when frames may be looked at, else one sentence that
    says why not. `policy` and `seal_key` are given as long as they are valid.
    """

    reason: str
    policy: Policy | None = None
    seal_key: SealPublicKey | None = None

    @property
    def may_look(self) -> bool:
        """Whether a camera may be opened as far as the documents go."""
        return not self.reason


def standing(
    keyset: Keyset | None,
    policy: Policy | None,
    *,
    now: float,
    revoked: bool = False,
    agreement: Agreement | None = None,
) -> Standing:
    """What may be done at `now` (epoch seconds). What was measured before stays and is sealed as soon as it may be."""
    if revoked:
        return Standing("The service revoked this device: nothing is measured. Ask your administrator for a new code.")
    if keyset is None:
        return Standing("The organisation's keyset is missing: nothing is measured until it was fetched.")
    if now >= keyset.not_after:
        return Standing(
            "The organisation's keyset has expired: nothing is measured until a new one was fetched. If your clock is"
            " right, tell your administrator."
        )
    key = keyset.seal_key(int(now))
    if key is None:
        return Standing("The keyset holds no key that may be sealed to today: nothing is measured until it does.")
    if policy is None:
        return Standing("The organisation's policy is missing: nothing is measured until it was fetched.", None, key)
    if now >= policy.not_after:
        return Standing(
            "The organisation's policy has expired: nothing is measured until a new one was fetched. If your clock is"
            " right, tell your administrator.",
            None,
            key,
        )
    if policy.begins > _at_least_issued((policy,), now):
        return Standing("The organisation's policy has yet to begin: nothing is measured until then.", None, key)
    if keyset.council is not None and (reason := _against(policy, agreement, now)):
        return Standing(reason, None, key)
    return Standing("", policy, key)


def _against(policy: Policy, agreement: Agreement | None, now: float) -> str:
    """Why a policy does not hold where an agreement is obligatory; "" if it does."""
    if agreement is None or agreement.begins > _at_least_issued((agreement,), now):
        return "The agreement with the works council is missing: nothing is measured until it was fetched."
    if now >= agreement.not_after:
        return (
            "The agreement with the works council has expired: nothing is measured until a new one was fetched. If"
            " your clock is right, tell your administrator."
        )
    if exceeds(policy, agreement):
        return (
            "The organisation's policy goes beyond the agreement with the works council: nothing is measured until it"
            " keeps within it. Tell your administrator."
        )
    return ""


def locks(keyset: Keyset, policy: Policy) -> dict[str, Any]:
    """Settings the organisation decides: configuration key -> value. The user's own value stands back visibly."""
    return {"server": keyset.endpoint, "interval_seconds": policy.interval_seconds}
