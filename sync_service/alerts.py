"""PURE. What the service tells its administrators without being asked: the rules, and what follows from the facts.

Every rule is about the service, its documents, its channels, a number of laptops or a whole team. None is about one
person: `Facts` holds no person and no laptop, so no rule could be. What concerns laptops is judged once a day and told
by day, since an hour at which a laptop fell silent or came back would be a record of when somebody works.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Literal

About = Literal["service", "documents", "channel", "laptops", "team"]

SILENT_WORKING_DAYS = 3
"""So many working days without a word make a laptop silent."""
SHARE_DAYS = 5
"""A team's share of "could not tell" is taken over its newest released days, at most this many."""
SHARE_FEWEST_DAYS = 3
"""One dark day is weather, not a fault."""
FAILING_ATTEMPTS = 5
"""Attempts in vain after which a channel counts as failing: some eight minutes."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. It raises at `at_least` (in `unit`), which an organisation may change. `told` and `over` are sentences
    for people; they may name {n}, {at_least}, {of}, {team}, {what}. `daily`: judged once a day.
    """

    about: About
    at_least: int
    unit: str
    told: str
    over: str
    daily: bool = False


RULES: Mapping[str, Rule] = {
    "agents_outdated": Rule(
        "laptops",
        1,
        "laptops",
        "{n} of {of} laptops run a version of the program older than {what}; install the present one on them.",
        "Every laptop runs a version of the program that is new enough.",
        daily=True,
    ),
    "devices_silent": Rule(
        "laptops",
        1,
        "laptops",
        "{n} of {of} laptops have sent nothing for three working days or more. Leave and public holidays look the same,"
        " and so says nothing about anybody; see the list of devices for laptops that need help.",
        "Laptops send again, or no longer take part: fewer than {at_least} are silent.",
        daily=True,
    ),
    "could_not_tell": Rule(
        "team",
        40,
        "percent of observed time",
        'In team {team} "could not tell" is {at_least} % of the observed time or more over the newest released days;'
        " check light, camera placement and lens covers.",
        'In team {team} "could not tell" is no longer {at_least} % of the observed time or more.',
        daily=True,
    ),
    "opener_behind": Rule(
        "service",
        900,
        "seconds",
        "Received envelopes have waited {n} seconds to be opened; see the service's log and its seal keys.",
        "Received envelopes are opened in time again.",
    ),
    "quarantine_growing": Rule(
        "service",
        10,
        "envelopes in 24 hours",
        "{n} envelopes of the last 24 hours could not be counted and were set aside; see the service's log for reasons.",
        "Fewer envelopes are set aside again.",
    ),
    "documents_running_out": Rule(
        "documents",
        30,
        "days left",
        "The {what} holds for {n} more days; renew it (framekeep-sync admin), or laptops will stop measuring.",
        "The {what} was renewed.",
    ),
    "channel_failing": Rule(
        "channel",
        FAILING_ATTEMPTS,
        "attempts in vain",
        "Alerts no longer arrive at one {what}; see framekeep-sync admin alerts channels.",
        "The {what} that failed takes alerts again, or was removed.",
    ),
}
"""Every rule there is, by its stable name."""

SEAL_KEY_DAYS = 14
"""A seal key is made every 30 days and sealed to for 45: from here on its successor is late."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What an organisation changed about a rule; None: as shipped."""

    enabled: bool = True
    at_least: int | None = None
    oldest_agent: str | None = None


@dataclass(frozen=True, slots=True)
class HeardOn:
    """So many laptops were last heard of on `day` (in their team's zone, or enrolled then and never heard of), where it
    is `today` now.
    """

    day: date
    today: date
    laptops: int


@dataclass(frozen=True, slots=True)
class TeamShare:
    """A team's share of "could not tell" in whole percent over `days` released days from `first` to `last`."""

    team: str
    name: str
    percent: int
    days: int
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class ChannelState:
    """How it goes with a channel (`kind`: email or webhook): attempts in vain of what waits, and whether the newest
    message that was settled had to be given up.
    """

    id: str
    kind: str
    attempts: int
    gave_up: bool


@dataclass(frozen=True, slots=True)
class Facts:
    """What the rules look at, of one organisation: numbers of laptops, whole teams, the service. Never one person."""

    work_days: frozenset[int] = frozenset()
    """ISO weekdays the policy has work hours on."""
    heard: Sequence[HeardOn] = ()
    versions: Mapping[str, int] = field(default_factory=dict)
    """Version of the program -> laptops that run it."""
    shares: Sequence[TeamShare] = ()
    opener_waits: int = 0
    """Seconds the oldest unopened envelope has waited."""
    quarantined: int = 0
    days_left: Mapping[str, int] = field(default_factory=dict)
    """`keyset`, `policy`, `agreement`, `seal key` -> days it still holds, 0 where it cannot be used."""
    channels: Sequence[ChannelState] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """Something a rule found: raised once for (`rule`, `subject`). `subject` is a team's or channel's id, a document's
    kind, or "".
    """

    rule: str
    subject: str
    message: str
    team: str | None = None
    first: date | None = None
    last: date | None = None

    @property
    def key(self) -> tuple[str, str]:
        """What is open at most once."""
        return self.rule, self.subject


def working_days_silent(last: date, today: date, work_days: Collection[int]) -> int:
    """Whole working days between the day a laptop was last heard of and today; neither of the two counts."""
    return sum((last + timedelta(days=n)).isoweekday() in work_days for n in range(1, (today - last).days))


def older(version: str, than: str) -> bool:
    """Whether a version is older, by the numbers it begins with; a version without numbers is not known to be."""
    found = re.match(r"\d+(\.\d+)*", version)
    if not found:
        return False
    mine, theirs = ([int(part) for part in text.split(".")] for text in (found[0], than))
    width = max(len(mine), len(theirs))
    return mine + [0] * (width - len(mine)) < theirs + [0] * (width - len(theirs))


def release_line(version: str) -> str:
    """`1.4` of `1.4.2`: corrections of one release need no alert. "0" where a version has no numbers."""
    found = re.match(r"\d+(\.\d+)?", version)
    return found[0] if found else "0"


def findings(
    facts: Facts,
    settings: Mapping[str, Setting],
    already: Collection[tuple[str, str]],
    *,
    version: str,
) -> list[Finding]:
    """What the rules find. `already` are the open (rule, subject)s: such a one stays until the number falls to under
    three quarters of what raised it, so that an alert does not flicker. `version` is the service's own.
    """
    found = []
    for rule in RULES:
        setting = settings.get(rule, Setting())
        if setting.enabled:
            at_least = setting.at_least or RULES[rule].at_least
            found += list(_JUDGES[rule](_Judging(rule, facts, at_least, setting, frozenset(already), version)))
    return found


@dataclass(frozen=True, slots=True)
class _Judging:
    rule: str
    facts: Facts
    at_least: int
    setting: Setting
    already: frozenset[tuple[str, str]]
    version: str

    def high(self, n: int, subject: str = "") -> bool:
        return n >= (max(1, self.at_least * 3 // 4) if (self.rule, subject) in self.already else self.at_least)

    def found(self, subject: str = "", **words: int | str) -> Finding:
        return Finding(self.rule, subject, RULES[self.rule].told.format(at_least=self.at_least, **words))


def _agents_outdated(judging: _Judging) -> Iterable[Finding]:
    oldest = judging.setting.oldest_agent or release_line(judging.version)
    versions = judging.facts.versions
    n = sum(count for version, count in versions.items() if older(version, oldest))
    if judging.high(n):
        yield judging.found(n=n, of=sum(versions.values()), what=oldest)


def _devices_silent(judging: _Judging) -> Iterable[Finding]:
    facts = judging.facts
    n = sum(
        heard.laptops
        for heard in facts.heard
        if working_days_silent(heard.day, heard.today, facts.work_days) >= SILENT_WORKING_DAYS
    )
    if judging.high(n):
        yield judging.found(n=n, of=sum(heard.laptops for heard in facts.heard))


def _could_not_tell(judging: _Judging) -> Iterable[Finding]:
    for share in judging.facts.shares:
        if share.days >= SHARE_FEWEST_DAYS and judging.high(share.percent, share.team):
            told = judging.found(share.team, team=share.name)
            yield replace(told, team=share.team, first=share.first, last=share.last)


def _opener_behind(judging: _Judging) -> Iterable[Finding]:
    if judging.high(judging.facts.opener_waits):
        yield judging.found(n=judging.facts.opener_waits)


def _quarantine_growing(judging: _Judging) -> Iterable[Finding]:
    if judging.high(judging.facts.quarantined):
        yield judging.found(n=judging.facts.quarantined)


def _documents_running_out(judging: _Judging) -> Iterable[Finding]:
    for what, left in judging.facts.days_left.items():
        if left < (min(judging.at_least, SEAL_KEY_DAYS) if what == "seal key" else judging.at_least):
            yield judging.found(what, n=max(0, left), what=what)


def _channel_failing(judging: _Judging) -> Iterable[Finding]:
    for channel in judging.facts.channels:
        # Open until something arrives: between two messages nothing is known to be better.
        still = ("channel_failing", channel.id) in judging.already and channel.attempts > 0
        if channel.gave_up or channel.attempts >= judging.at_least or still:
            kind = {"email": "e-mail address"}.get(channel.kind, channel.kind)
            yield judging.found(channel.id, what=kind)


_JUDGES = {
    "agents_outdated": _agents_outdated,
    "devices_silent": _devices_silent,
    "could_not_tell": _could_not_tell,
    "opener_behind": _opener_behind,
    "quarantine_growing": _quarantine_growing,
    "documents_running_out": _documents_running_out,
    "channel_failing": _channel_failing,
}


def to_raise(found: Iterable[Finding], already: Collection[tuple[str, str]], *, daily: bool) -> list[Finding]:
    """What is new. Rules judged once a day are left out unless `daily`: today's look at laptops is still to come."""
    return [one for one in found if one.key not in already and (daily or not RULES[one.rule].daily)]


def to_resolve(found: Iterable[Finding], already: Collection[tuple[str, str]], *, daily: bool) -> list[tuple[str, str]]:
    """What is open and no longer found, rules judged once a day only where `daily`; a rule that exists no more too."""
    still = {one.key for one in found}
    return [key for key in already if key not in still and (daily or key[0] not in RULES or not RULES[key[0]].daily)]


def resolved_words(rule: str, setting: Setting, *, team: str = "", what: str = "channel") -> str:
    """The sentence for the end of an alert. `team` is the name of the team it was about, `what` the document or the kind
    of channel.
    """
    known = RULES.get(rule)
    if known is None or not setting.enabled:
        return "This is no longer looked at: the rule was switched off."
    return known.over.format(at_least=setting.at_least or known.at_least, team=team, what=what)
