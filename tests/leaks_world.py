"""Generated organisations for the counter-example search: two teams and a small one, two months, and everything that
happens to people's numbers: they join, leave and move, come late and stay on, correct, are erased, are reported by name
for a while, become readers, are invented. Team time zones change with the month; days have 23 and 25 hours.

Most people of a generated team behave alike and one or two do not: differences only help whoever subtracts.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from sync_service.blocks import SHARES
from sync_service.cohorts import Act, Correction, Membership
from sync_service.timetable import SLOT_SECONDS, instant, month_of, next_month

TEAM, OTHER, SMALL = "team", "other", "small"
ADMIN, SECOND = "admin", "second admin"

_BOUNDARIES = (
    (date(2026, 11, 1), "America/New_York"),  # a first day of 25 hours
    (date(2027, 11, 1), "Europe/Berlin"),  # after a last day of 25 hours
    (date(2024, 4, 1), "Europe/Berlin"),  # after a last day of 23 hours
    (date(2026, 7, 1), "Asia/Kathmandu"),
    (date(2026, 5, 1), "Australia/Lord_Howe"),
)
_ZONES = ("America/New_York", "Europe/Berlin", "Asia/Tokyo", "Asia/Kathmandu", "Pacific/Kiritimati")
_DAY = 24 * 3600


@dataclass(frozen=True)
class Piece:
    """What one delivery says of a person's quarter hour: `observed` seconds (a multiple of 300) that reached the
    service at `arrives`; `by_name` as the policy it was sealed under said.
    """

    person: str
    slot: int
    observed: int
    arrives: int
    name: str = "measured"
    by_name: bool = False


@dataclass
class World:
    """One organisation. Instants are epoch seconds. `zones`: (team, month) -> the team's zone; `readers`: since when a
    person may read a team; `invented`: people whose numbers an administrator makes up, and so knows; `before`: active
    days behind each person when it begins; `leaver`: who a rule's absence forgets at once.
    """

    k: int
    days: list[date]
    zones: dict[tuple[str, date], ZoneInfo]
    acts: list[Act] = field(default_factory=list)
    pieces: list[Piece] = field(default_factory=list)
    corrections: list[tuple[int, Correction]] = field(default_factory=list)
    erased: dict[str, int] = field(default_factory=dict)
    readers: list[tuple[int, str, str]] = field(default_factory=list)
    withdrawn: list[tuple[str, date]] = field(default_factory=list)
    annotated: list[tuple[str, date]] = field(default_factory=list)
    invented: set[str] = field(default_factory=set)
    before: dict[str, int] = field(default_factory=dict)
    leaver: str = ""
    neighbour: str = ""

    @property
    def months(self) -> list[date]:
        return sorted({month_of(day) for day in self.days})

    @property
    def people(self) -> list[str]:
        return sorted({act.membership.person for act in self.acts})

    def zone(self, team: str, day: date) -> ZoneInfo:
        return self.zones[team, month_of(day)]


def generate(seed: int) -> World:
    """The organisation of this number; always the same one."""
    return _Maker(random.Random(seed)).world


class _Maker:
    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        second, home = rng.choice(_BOUNDARIES)
        first = month_of(second - timedelta(days=1))
        self.first, self.second = first, second
        days = [second + timedelta(days=n) for n in (-2, -1, 0, 1)]
        moved = ZoneInfo(rng.choice(_ZONES)) if rng.random() < 0.5 else ZoneInfo(home)
        here = ZoneInfo(home)
        other = here if rng.random() < 0.7 else ZoneInfo(rng.choice(_ZONES))
        zones = {(TEAM, first): here, (TEAM, second): moved, (OTHER, first): other, (OTHER, second): other}
        zones |= {(SMALL, first): here, (SMALL, second): here}
        self.world = World(rng.choice((5, 5, 5, 6)), days, zones)
        self.shared = self._sessions(here, moved)
        self._people()
        self._happenings()

    def _sessions(self, here: ZoneInfo, moved: ZoneInfo) -> list[list[int]]:
        """When most people are there: some quarter hours of each day, also where two months' days overlap."""
        sessions = []
        for day in self.world.days:
            zone = here if day < self.second else moved
            begin = instant(day, 60 * self.rng.choice((1, 9, 20)), zone)
            sessions.append([begin + SLOT_SECONDS * n for n in range(self.rng.randint(4, 6))])
        starts, ends = instant(self.second, 0, moved), instant(self.second, 0, here)
        if starts < ends:  # in the new zone the month begins while in the old one the last day is not over
            begin = starts // SLOT_SECONDS * SLOT_SECONDS
            sessions[1] = [begin + SLOT_SECONDS * n for n in range(min(6, (ends - begin) // SLOT_SECONDS))]
        return sessions

    def _people(self) -> None:
        rng, world = self.rng, self.world
        for team in (TEAM, OTHER):
            for n in range(world.k + rng.randint(0, 2)):
                self._member(f"{team} {n}", team)
        members = [person for person in world.people if person.startswith(f"{TEAM} ")]
        world.leaver, world.neighbour = rng.choice(members), f"{OTHER} 0"
        self._member("joiner", TEAM, since=self.second, before=rng.choice((9, 10, 30)))
        self._member("mover", TEAM)
        world.acts.append(_act("mover", OTHER, self.second))
        for n in range(2):
            self._member(f"{SMALL} {n}", SMALL)
        for n in range(world.k - 1):  # two ways to invent colleagues: with patience, or with an accomplice
            self._invented(f"patient {n}", approved_by=None, before=20)
            self._invented(f"hasty {n}", approved_by=SECOND, before=0)
        self._member("reader", TEAM)
        begins = instant(self.first, 0, world.zones[TEAM, self.first])
        world.readers.append((begins - _DAY, "reader", TEAM))
        self._member("promoted", TEAM)
        world.readers.append((begins + 10 * _DAY, "promoted", TEAM))

    def _member(self, person: str, team: str, *, since: date | None = None, before: int = 30) -> None:
        self.world.acts.append(_act(person, team, since or self.first))
        self.world.before[person] = before
        self._presence(person, days=1 if team == SMALL else 4)

    def _invented(self, person: str, *, approved_by: str | None, before: int) -> None:
        self.world.acts.append(Act(Membership(person, SMALL, self.first), ADMIN, approved_by))
        self.world.before[person] = before
        self.world.invented.add(person)
        self._presence(person, alike=1.0, days=1)

    def _presence(self, person: str, *, alike: float = 0.75, days: int = 4) -> None:
        observed: dict[int, int] = {}
        for session in self.shared[:days]:
            slots, seconds = list(session), 900
            if self.rng.random() > alike:
                slots, seconds = self._otherwise(session)
            observed |= dict.fromkeys(slots, seconds)
        self.world.pieces += [Piece(person, slot, seconds, slot + SLOT_SECONDS) for slot, seconds in observed.items()]

    def _otherwise(self, session: list[int]) -> tuple[list[int], int]:
        """Somebody who is not like the others this day: late, early, there for minutes, away, or staying on."""
        way = self.rng.randrange(6)
        if way == 0:
            return session[1:], 900
        if way == 1:
            return session[: self.rng.randint(1, len(session))], self.rng.choice((600, 900))
        if way == 2:
            return self.rng.sample(session, 1), 300
        if way == 3:
            return [], 900
        more = [session[-1] + SLOT_SECONDS * n for n in range(1, self.rng.randint(2, 9))]
        return (session + more if way == 4 else more), 900

    def _happenings(self) -> None:
        rng, world = self.rng, self.world
        members = [person for person in world.people if person.startswith(f"{TEAM} ")]
        self._late(rng.choice(members))
        for person in rng.sample(members, 2):
            self._corrects(person)
        fixed = instant(world.days[1] + timedelta(days=2), 60, world.zones[TEAM, self.second])
        world.erased[rng.choice(members)] = fixed
        if rng.random() < 0.4:
            self._by_name(rng.sample(members, rng.randint(1, 3)))
        for team, day in rng.sample([(team, day) for team in (TEAM, OTHER) for day in world.days], 2):
            world.withdrawn.append((team, day))
            world.annotated.append((team, day))

    def _late(self, person: str) -> None:
        """A laptop that was offline delivers after its day was fixed, and more of what was there already."""
        session = self.rng.choice(self.shared)
        self.world.pieces = [
            piece for piece in self.world.pieces if piece.person != person or piece.slot not in session[:3]
        ]
        self.world.pieces += [Piece(person, slot, 300, slot + SLOT_SECONDS) for slot in session[:1]]
        self.world.pieces += [Piece(person, slot, 600, slot + 5 * _DAY, "late") for slot in session[:3]]

    def _corrects(self, person: str) -> None:
        session = self.rng.choice(self.shared)
        begin = self.rng.choice(session)
        end = min(session[-1] + SLOT_SECONDS, begin + SLOT_SECONDS * self.rng.randint(1, 3))
        made = begin + self.rng.choice((_DAY // 2, _DAY, 5 * _DAY))
        counts_as = self.rng.choice((*SHARES, "not_observed"))
        self.world.corrections.append((made, Correction(person, begin, end, counts_as)))

    def _by_name(self, people: list[str]) -> None:
        """Reports by name are allowed for a while; laptops hear of it at different times."""
        first, last = sorted(self.rng.sample([slot for session in self.shared for slot in session], 2))
        for person in people:
            since = first + SLOT_SECONDS * self.rng.randint(0, 3)
            self.world.pieces = [
                Piece(p.person, p.slot, p.observed, p.arrives, p.name, by_name=True)
                if p.person == person and since <= p.slot <= last
                else p
                for p in self.world.pieces
            ]


def _act(person: str, team: str, month: date) -> Act:
    return Act(Membership(person, team, month), ADMIN, SECOND)


def last_instant(world: World) -> int:
    """When everything has happened that will."""
    return instant(next_month(world.days[-1]), 0, world.zones[TEAM, world.months[-1]])
