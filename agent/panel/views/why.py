"""Why the shown state is what it is: the signals behind it in words, and how firm it is. Pure.

The judge (agent/attention/judge.py) keeps one confirmed state, the looks that are not settled yet, and the recent
scores for phones. That is all there is to explain, and all of it is said.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from agent.attention.baseline import Origin
from agent.attention.explain import Explanation
from agent.attention.meter import Meter
from agent.attention.observation import State
from agent.attention.rules import Rules
from agent.panel.language import Speech
from agent.panel.views.states import SEEN, STATE_NAMES


@dataclass(frozen=True, slots=True)
class Why:
    """`state` is its name in words and `key` in code; `firmness` one sentence on how sure it is; `signals` sentences."""

    key: str
    state: str
    firmness: str
    signals: tuple[str, ...]


def why(say: Speech, meter: Meter, newest: tuple[float, Explanation] | None, rules: Rules, *, now: float) -> Why | None:
    """The explanation at `now`; None when the last look is too long ago to say anything about now. `newest` is when the
    newest look was (epoch seconds) and what it said, where that is at hand; it may be one for the camera check, which
    counts for nothing. Else the checkpoint says what it can.
    """
    judge, clock = meter.judge, meter.clock
    if not judge.looks or clock is None:
        return None
    _, last = say.gettext, judge.looks[-1]
    at = clock.label(last.at)
    if not -rules.gap <= now - at <= max(rules.gap, 60.0):
        return None
    shown = judge.shown
    against = sum(1 for look in judge.looks if look.raw(rules, judge.state) is not shown)
    saw = last.raw(rules, judge.state)  # with the phone, which `seen` knows nothing of
    if newest is not None:
        at, saw = newest[0], newest[1].seen
    signals = [_("The last look, at %(time)s, saw %(what)s.", time=say.exact(at), what=_(SEEN[saw.value]))]
    if newest is not None:
        signals += [fact.sentence(say.gettext, say.decimals) for fact in newest[1].facts]
    else:
        signals.append(_phone(say, judge.scores, rules))
    if judge.baseline.origin is not Origin.DEFAULT:
        signals.append(_("Your own neutral position is known, so a camera at the side is allowed for."))
    return Why(shown.value, _(STATE_NAMES[shown.value]), _firmness(say, judge.state, shown, against), tuple(signals))


def _firmness(say: Speech, confirmed: State, shown: State, against: int) -> str:
    if confirmed is not shown:
        return say.gettext("Confidence: low. This is the newest look alone; nothing is confirmed yet.")
    if against:
        return say.ngettext(
            "Confidence: medium. %(num)s recent look says otherwise; the state changes if that goes on.",
            "Confidence: medium. %(num)s recent looks say otherwise; the state changes if that goes on.",
            against,
        )
    if shown is State.UNKNOWN:
        return say.gettext("One picture that cannot be judged is enough to say so, and for its own time only.")
    return say.gettext("Confidence: high. The newest look agrees, and none before it is in doubt any more.")


def _phone(say: Speech, scores: tuple[float, ...], rules: Rules) -> str:
    if not scores:
        return say.gettext("Nothing like a mobile phone was looked at yet.")
    return say.gettext(
        "Chance of a phone in hand: %(chance)s. From %(limit)s on it counts as one.",
        chance=say.percent(median(scores)),
        limit=say.percent(rules.phone_sustained),
    )
