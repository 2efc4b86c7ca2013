"""From single looks to attention states: all memory, hysteresis, gaps and doubt of Framekeep live in this file.

Theory
------
A *look* is one observation at a monotonic time (the clip's own time in replay). It speaks for the time until
the next look, so every second between two looks belongs to exactly one look, and the intervals this file hands
out are consecutive and never overlap.

1. **Raw verdict.** What one look says on its own (verdict.py), in this order: a lens that is dark, covered or
   blurred says UNKNOWN; a phone score of at least `phone_sustained` (`phone_minimum` while the state is ON_PHONE) says
   ON_PHONE, if the phone lies on the nearest person's body; nobody near says ABSENT; a body near without a face
   near says LOOKING_AWAY: the head is turned or bowed so far that nothing of the face is left, or it is out of the
   picture; a face whose pose could not be solved says UNKNOWN; a head turned by more than `yaw_away`, or bowed by
   more than `pitch_down`, *from the person's own neutral pose* says LOOKING_AWAY; else AT_SCREEN. *Near* is a matter
   of size in the picture (`face_near`, `person_near`), so that who passes in the background is nobody; of several
   the nearest counts. A phone beside that body lies on a desk, or is somebody else's. `judge_still` is this verdict
   for a picture that has no past, where a phone must reach the full `phone_threshold`.

2. **Evidence over time.** The judge holds one confirmed state. Looks that disagree with it stay *unsettled*
   until one of these settles them, and the change then counts from the look where its evidence began:
   - AT_SCREEN, LOOKING_AWAY, ABSENT: an unbroken run of looks saying so has lasted `hold_...` seconds. A run has
     at least two looks, so a single look never changes the state, however rarely we look.
   - ON_PHONE: this look says so and the median of the recent scores (the last `phone_looks`, none older than as many
     intervals, at least three) reaches `phone_sustained` too. It counts from
     the first unsettled look with a phone. It is left only when the median has fallen below `phone_leave` and the run
     that the next state needs has lasted `hold_after_phone`. Detectors miss a phone in a hand far more often than
     they see one in an empty hand, hence two thresholds.
   - The old state: two looks in a row that agree with it. All that was unsettled was a flicker, and is its.
   - Nobody: after `settle_within` seconds (or four looks, if that is longer) without a decision the state seen
     in most of the unsettled looks wins, the old one on a tie. This bounds how late an interval can come out.
   Unsettled looks older than the run that wins go to the old state.

3. **Doubt.** A look that cannot be judged is UNKNOWN at once and for its own time only: it is evidence for
   nothing, so holding it back, or giving its time to the last state, would be a guess. A hand passing the lens
   costs one look. After UNKNOWN or NOT_OBSERVED there is no old state to return to, so the first settled state
   takes all clear looks before it.

4. **Gaps.** More than two sampling intervals between two looks is NOT_OBSERVED as a whole, from the earlier
   look on, and all evidence from before it is settled as it stood. Nothing is carried across a gap but the
   neutral pose.

5. **Neutral pose.** A camera beside the screen sees a turned head that is not looking away. While a face is steadily
   present and there is no phone, poses are gathered into minutes; a calm minute (median absolute deviation within
   eight degrees) contributes its median; the neutral pose is the median of the last fifteen such minutes. Medians of
   medians: a quarter of an hour with a colleague does not move it once learned, a laptop that was turned does within
   ten minutes of work. At first it is straight ahead, and as hard to move as if that had been seen for six minutes.
   A pose chosen in the camera check (calibration.py) takes the place of all that was learned, as hard to move as
   fifteen minutes, until minutes learned later outweigh it or it is taken back. The pose is part of the local
   checkpoint; it is about one person, so it is **never sent**: the wire format has no field for it.

Time only enters as an argument. Times that go back are ignored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from statistics import median
from typing import Any

from agent.attention import verdict
from agent.attention.baseline import Baseline
from agent.attention.observation import Lens, Observation, State
from agent.attention.rules import Rules

_CLAIMS = frozenset({State.AT_SCREEN, State.LOOKING_AWAY, State.ON_PHONE, State.ABSENT})
"""States that say something about a person, and so can be held and returned to."""


@dataclass(frozen=True, slots=True)
class Interval:
    """`state` from `start` to `end`, in the time of the observations. `frames` is 1 when a look began it."""

    start: float
    end: float
    state: State
    frames: int = 0


@dataclass(frozen=True, slots=True)
class Look:
    """What is remembered of one observation until its time is settled: `seen` without regard to phones, `phone` the
    score of the best phone that somebody holds.
    """

    at: float
    seen: State
    phone: float
    label: State | None = None

    def raw(self, rules: Rules, old: State) -> State:
        """The look's own verdict, phones included, while the state is `old`."""
        enough = rules.phone_minimum if old is State.ON_PHONE else rules.phone_sustained
        return State.ON_PHONE if self.seen is not State.UNKNOWN and self.phone >= enough else self.seen


@dataclass(frozen=True, slots=True)
class JudgeState:
    """The judge's whole memory; immutable, and small enough to be saved at every look.

    `state` is the confirmed state since `since`; `at` the last moment the judge was told about; `looks` those
    whose time was not handed out yet (the last one, whose end is not known, and any unsettled); `scores` the
    recent phone scores; `baseline` the neutral pose, which never leaves the laptop.
    """

    state: State = State.NOT_OBSERVED
    since: float | None = None
    at: float | None = None
    looks: tuple[Look, ...] = ()
    evidence: tuple[tuple[float, float], ...] = ()
    baseline: Baseline = field(default_factory=Baseline)

    @property
    def shown(self) -> State:
        """What to show now: the confirmed state, or what the newest look saw while nothing is confirmed."""
        return self.looks[-1].seen if self.looks and self.state not in _CLAIMS else self.state

    @property
    def scores(self) -> tuple[float, ...]:
        """The recent phone scores, oldest first."""
        return tuple(score for _, score in self.evidence)

    def to_json(self) -> dict[str, Any]:
        """The form of the local checkpoint."""
        return {
            "state": self.state.value,
            "since": self.since,
            "at": self.at,
            "looks": [[k.at, k.seen.value, k.phone, k.label and k.label.value] for k in self.looks],
            "scores": [list(pair) for pair in self.evidence],
            "baseline": self.baseline.to_json(),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> JudgeState:
        """The reverse of `to_json`; scores without a time, as they once were written, are too old to count. Raises
        KeyError, TypeError or ValueError on anything else.
        """
        timed = (pair for pair in data["scores"] if not isinstance(pair, int | float))
        looks = (Look(float(t), State(seen), float(p), State(lb) if lb else None) for t, seen, p, lb in data["looks"])
        return cls(
            state=State(data["state"]),
            since=None if data["since"] is None else float(data["since"]),
            at=None if data["at"] is None else float(data["at"]),
            looks=tuple(looks),
            evidence=tuple((float(at), float(score)) for at, score in timed),
            baseline=Baseline.from_json(data["baseline"]),
        )


Step = tuple[JudgeState, tuple[Interval, ...]]


def judge_still(observation: Observation, rules: Rules, baseline: Baseline | None = None) -> State:
    """The verdict on a picture that has no past. A phone must reach `rules.phone_threshold`."""
    alone = verdict.seen(observation, rules, baseline or Baseline())
    if alone is not State.UNKNOWN and verdict.held_phone(observation, rules) >= rules.phone_threshold:
        return State.ON_PHONE
    return alone


def step(state: JudgeState, observation: Observation | None, now: float, rules: Rules) -> Step:
    """The judge after one observation at `now`; None only lets the time pass (it can reveal a gap).

    Returns the new memory and the intervals that became certain, in order. A `now` before the last call, or a
    second look at the same moment, is ignored. `observation.at` is not used: the caller says in which clock it judges.
    """
    if state.at is not None and (now < state.at or (state.looks and now == state.at)):
        return state, ()
    if observation is None and state.looks and now - state.looks[-1].at <= rules.gap:
        return state, ()
    state, before = _pass_time(state, now, rules)
    if observation is None:
        return state, before
    look = Look(now, verdict.seen(observation, rules, state.baseline), verdict.held_phone(observation, rules))
    # A phone score read through a dark or covered lens is no evidence of an empty hand, and what was read before it
    # gets old all the same: scores from before a break must not speak for what is seen after it.
    oldest = now - rules.phone_looks * rules.interval
    read = ((now, look.phone),) if observation.lens is Lens.CLEAR else ()
    evidence = tuple(pair for pair in (*state.evidence, *read) if pair[0] >= oldest)
    state = replace(
        state,
        at=now,
        baseline=_learn(state, look, observation, rules),
        evidence=evidence[-rules.phone_looks :],
        looks=(*state.looks, look),
    )
    state, settled = _hand_out(_settle(state, rules))
    return state, before + settled


def unobserved(state: JudgeState, now: float, rules: Rules) -> Step:
    """Nobody looks from `now` on (pause, lock, call, outside hours). Call again, or `step` with None, to let time
    pass: each call hands out the time since the last one.
    """
    return _stop(state, now, rules, State.NOT_OBSERVED)


def lost(state: JudgeState, now: float, rules: Rules) -> Step:
    """The camera is lost from `now` on: UNKNOWN time, as long as it is confirmed at least every two intervals."""
    return _stop(state, now, rules, State.UNKNOWN)


def gap(state: JudgeState, now: float, rules: Rules) -> Step:
    """Nobody looked since the last call, although the clock may not show it (suspend, a clock set anew)."""
    if state.at is not None and now <= state.at:
        return _stop(state, now, rules, State.NOT_OBSERVED)
    return _gap(state, now, rules)


def finish(state: JudgeState, rules: Rules, now: float | None = None) -> Step:
    """Settle everything. The last look speaks until `now` (the end of a clip), or for one sampling interval.

    The neutral pose is kept, all else is forgotten: also right for a checkpoint of an earlier process.
    """
    until = now
    if until is None:
        until = state.looks[-1].at + rules.interval if state.looks else state.at
    state, out = (state, ()) if until is None else _stop(state, until, rules, State.NOT_OBSERVED)
    return JudgeState(baseline=state.baseline), out


def _learn(state: JudgeState, look: Look, observation: Observation, rules: Rules) -> Baseline:
    """Neutral pose after this look: only a face of somebody who was there at the look before, with no phone, teaches."""
    there_before = state.looks and state.looks[-1].seen in (State.AT_SCREEN, State.LOOKING_AWAY)
    if not there_before or look.raw(rules, state.state) not in (State.AT_SCREEN, State.LOOKING_AWAY):
        return state.baseline
    face = verdict.near_face(observation, rules)
    if face is None or face.yaw is None or face.pitch is None:
        return state.baseline
    return state.baseline.learn(face.yaw, face.pitch, look.at - state.looks[-1].at)


def _pass_time(state: JudgeState, now: float, rules: Rules) -> Step:
    """Time up to `now`, where something is going to be said about what follows."""
    if state.at is None:
        return replace(state, at=now), ()
    if state.looks:
        return (state, ()) if now - state.looks[-1].at <= rules.gap else _gap(state, now, rules)
    held = state.state if now - state.at <= rules.gap else State.NOT_OBSERVED
    return replace(state, at=now), ((Interval(state.at, now, held),) if now > state.at else ())


def _gap(state: JudgeState, now: float, rules: Rules) -> Step:
    state, out = _hand_out(_label_rest(state, rules)) if state.looks else (state, ())
    if state.at is not None:
        out = (*out, Interval(state.at, now, State.NOT_OBSERVED, frames=len(state.looks)))
    return _forget(state, now, State.NOT_OBSERVED), out


def _stop(state: JudgeState, now: float, rules: Rules, then: State) -> Step:
    now = now if state.at is None else max(now, state.at)
    before: tuple[Interval, ...] = ()
    if state.at is None or now > state.at:
        state, before = _pass_time(state, now, rules)
    if not state.looks:
        return _forget(state, now, then), before
    state, out = _hand_out(_label_rest(state, rules))
    last = state.looks[-1]
    # A look at this very moment has no time of its own and is dropped.
    final = (Interval(last.at, now, _label(last), frames=1),) if now > last.at else ()
    return _forget(state, now, then), (*out, *final)


def _forget(state: JudgeState, now: float, then: State) -> JudgeState:
    since = state.since if state.state is then and not state.looks else now
    return JudgeState(state=then, since=since, at=now, baseline=state.baseline)


def _settle(state: JudgeState, rules: Rules) -> JudgeState:
    """Label what the newest look makes certain (theory, part 2 and 3)."""
    looks = state.looks
    first = next(i for i, look in enumerate(looks) if look.label is None)
    old, now = state.state, looks[-1].at
    newest = looks[-1].raw(rules, old)
    run = len(looks) - 1
    while run > first and looks[run - 1].raw(rules, old) is newest:
        run -= 1
    level = median(state.scores) if len(state.scores) >= 3 else 0.0

    if newest is State.UNKNOWN:
        last = len(looks) - 1
        return _confirm(_label_rest(state, rules, upto=last), last, last, State.UNKNOWN)
    if newest is old and (run == first or len(looks) - run >= 2):
        return _confirm(state, first, first, old)
    if newest is State.ON_PHONE:
        if level >= rules.phone_sustained:
            began = next(i for i in range(first, len(looks)) if looks[i].phone >= rules.phone_minimum)
            return _confirm(state, first, began, State.ON_PHONE)
    elif _held(looks[run:], old, rules) and (old is not State.ON_PHONE or level < rules.phone_leave):
        return _confirm(state, first, run, newest)
    if now - looks[first].at >= max(rules.settle_within, 4 * rules.interval):
        return _confirm(state, first, first, _winner(looks[first:], old, rules))
    return state


def _held(run: tuple[Look, ...], old: State, rules: Rules) -> bool:
    """Whether this unbroken run of agreeing looks is long enough to be believed in place of `old`.

    With a quarter interval's tolerance: looks at a clip's frames, or with jitter, do not come on the dot.
    """
    hold = rules.hold(run[-1].raw(rules, old), old)
    return len(run) >= 2 and run[-1].at - run[0].at >= hold - rules.interval / 4


def _confirm(state: JudgeState, first: int, began: int, new: State) -> JudgeState:
    """`new` from look `began` on; unlabelled looks from `first` to `began` go to the old state if it claims any."""
    if state.state not in _CLAIMS:
        began = first
    looks = tuple(
        replace(look, label=state.state if i < began else new) if look.label is None and i >= first else look
        for i, look in enumerate(state.looks)
    )
    since = state.since if new is state.state else state.looks[began].at
    return replace(state, looks=looks, state=new, since=since)


def _label_rest(state: JudgeState, rules: Rules, upto: int | None = None) -> JudgeState:
    """Settle as it stands: the old state where there is one, else what most of the looks saw."""
    rest = [look for look in state.looks[:upto] if look.label is None]
    if not rest:
        return state
    label = state.state if state.state in _CLAIMS else _winner(rest, state.state, rules)
    looks = tuple(
        replace(look, label=label) if look.label is None and (upto is None or i < upto) else look
        for i, look in enumerate(state.looks)
    )
    return replace(state, looks=looks)


def _winner(looks: tuple[Look, ...] | list[Look], old: State, rules: Rules) -> State:
    """The state of most of these looks; `old` on a tie, else the later one."""
    phones = median(look.phone for look in looks)
    enough = rules.phone_sustained if len(looks) >= 3 else rules.phone_threshold
    if phones >= (rules.phone_leave if old is State.ON_PHONE else enough):
        return State.ON_PHONE
    seen = [look.seen for look in looks]

    def rank(state: State) -> tuple[int, bool, int]:
        return seen.count(state), state is old, -seen[::-1].index(state)

    return max(set(seen), key=rank)


def _label(look: Look) -> State:
    if look.label is None:
        raise AssertionError("only a settled look is handed out")
    return look.label


def _hand_out(state: JudgeState) -> Step:
    """Intervals of the labelled looks whose end is known."""
    looks = state.looks
    done = 0
    while done < len(looks) - 1 and looks[done].label is not None:
        done += 1
    out = tuple(
        Interval(look.at, following.at, _label(look), frames=1) for look, following in pairwise(looks[: done + 1])
    )
    return replace(state, looks=looks[done:]), out
