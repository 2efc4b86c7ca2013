"""A large organisation for `bench --queries` and for the tests of query plans: people, teams, quarter hours, thirteen
months of released blocks, an access log. Written in bulk straight into the tables, as the service would have left them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sync_service.ports import Database

DAY = 86400
Facts = dict[str, str | int]
POLICY = "p-1"
BY_NAME = "p-2"
"""The policy under which reports by name were allowed: one person in a hundred was measured under it."""


@dataclass(frozen=True)
class Size:
    """How large. `rollup_days` and `released_days` count back from today; `slots` are quarter hours of a working day,
    `blocks` a team's released blocks of one.
    """

    people: int = 10_000
    team: int = 20
    rollup_days: int = 90
    released_days: int = 396
    slots: int = 32
    blocks: int = 8
    reads_a_day: int = 3
    ledger_days: int = 0

    @property
    def teams(self) -> int:
        """Every person is in one."""
        return self.people // self.team


def last_workday(now: int) -> date:
    """The last working day before today (UTC): it is measured, and no team's numbers of it are released."""
    day = datetime.fromtimestamp(now, UTC).date() - timedelta(days=1)
    while day.isoweekday() > 5:
        day -= timedelta(days=1)
    return day


def team_id(org: str, number: int, db: Database) -> str:
    """The id of team `number` (from 1), as `fill` makes them."""
    return str(db.run("select md5(:org || ' team ' || :n::text) as id", org=org, n=number)[0]["id"])


def person_id(org: str, number: int, db: Database) -> str:
    """The id of person `number` (from 1)."""
    return str(db.run("select md5(:org || ' person ' || :n::text) as id", org=org, n=number)[0]["id"])


def fill(owner: Database, org: str, size: Size, *, now: int, said: Callable[[str], None] = lambda _: None) -> None:
    """Write the organisation's data as the database's owner; the organisation and its documents are there. Takes
    minutes for the largest size.
    """
    today = datetime.fromtimestamp(now, UTC).date()
    facts: Facts = {
        "org": org,
        "today": today.isoformat(),
        "month": today.replace(day=1).isoformat(),
        "people": size.people,
        "team": size.team,
        "teams": size.teams,
        "slots": size.slots,
        "blocks": size.blocks,
        "reads": size.reads_a_day,
        "released_from": (today - timedelta(days=size.released_days)).isoformat(),
        "released_to": (last_workday(now) - timedelta(days=1)).isoformat(),
        "policy": POLICY,
        "by_name": BY_NAME,
    }
    for name, sql in _STEPS.items():
        said(name)
        _run(owner, sql, facts)
    # A week at a time, so that no transaction holds everything.
    for first in range(size.rollup_days, 0, -7):
        said(f"quarter hours, {first} days back")
        begin, end = today - timedelta(days=first), today - timedelta(days=max(0, first - 7))
        _between(owner, _ROLLUPS, facts, begin.isoformat(), end.isoformat())
    for first in range(size.ledger_days, 0, -7):
        said(f"ledger and receipts, {first} days back")
        begin, end = today - timedelta(days=first), today - timedelta(days=max(0, first - 7))
        for sql in (_LEDGER, _RECEIPTS):
            _between(owner, sql, facts, begin.isoformat(), end.isoformat())
    said("statistics")
    owner.run("analyze")


def _between(owner: Database, sql: str, facts: Facts, begin: str, end: str) -> None:
    _run(owner, sql, {**facts, "begin": begin, "end": end})


def _run(owner: Database, sql: str, facts: Facts) -> None:
    owner.run(sql, **{key: value for key, value in facts.items() if f":{key}" in sql})


_WORKDAYS = "generate_series(cast(:released_from as date), cast(:released_to as date), interval '1 day') d (day)"

_STEPS = {
    "teams": """
insert into team (id, org, name, time_zone)
select md5(:org || ' team ' || n), :org, 'Team ' || n, (array['Europe/Berlin', 'America/New_York', 'Asia/Tokyo'])[1 + n % 3]
from generate_series(1, :teams) n
""",
    "people": """
insert into person (id, org, name)
select md5(:org || ' person ' || n), :org, 'Person ' || n from generate_series(1, :people) n
""",
    "memberships": """
insert into membership (org, person, month, team)
select :org, md5(:org || ' person ' || n), cast(:month as date) - interval '13 months',
  md5(:org || ' team ' || (1 + (n - 1) / :team))
from generate_series(1, :people) n where (n - 1) / :team < :teams
""",
    "laptops": """
insert into device (id, org, person, public, enrolled_at)
select md5(:org || ' device ' || n), :org, md5(:org || ' person ' || n), sha256(cast('device ' || n as bytea)),
  cast(:today as timestamptz) - interval '13 months'
from generate_series(1, :people) n
""",
    "counters": """
insert into device_progress (device, org, seqs, lost, last_received_at)
select md5(:org || ' device ' || n), :org, '{[1,3000)}', n % 7, cast(:today as timestamptz)
from generate_series(1, :people) n
""",
    "who does not take part": """
insert into participation (device, org, participating, since)
select md5(:org || ' device ' || n), :org, false, cast(:today as date) - 9 from generate_series(1, :people, 100) n
""",
    "cohort months": """
insert into cohort_month (org, team, month, time_zone, frozen_at)
select :org, t.id, m, t.time_zone, m from team t
  cross join generate_series(cast(:month as date) - interval '13 months', cast(:month as date), interval '1 month') m
where t.org = :org
""",
    "cohorts": """
insert into cohort (org, person, month, team)
select :org, s.person, c.month, s.team from membership s join cohort_month c on c.team = s.team where s.org = :org
""",
    "people who count": """
insert into counted_person (person, org, since) select person, org, month from membership where org = :org
""",
    "released days": f"""
insert into released_day (org, team, day, time_zone, policy, k, suppressed, fixed_at, shown_at)
select :org, t.id, d.day, t.time_zone, :policy, 5,
  case when extract(isodow from d.day) > 5 then 'no_work_hours' end, d.day + interval '2 days', d.day + interval '2 days'
from team t cross join {_WORKDAYS} where t.org = :org
""",
    "released blocks": """
insert into released_block (org, team, day, number, starts_at, ends_at, seconds, at_screen, looking_away, on_phone,
  absent, unknown, coverage, people, corrected, shown_at)
select :org, d.team, d.day, b, d.day + interval '7 hours' + b * interval '1 hour',
  d.day + interval '8 hours' + b * interval '1 hour', 3600, 5 * (1 + abs(hashtext(d.team || d.day || b)) % 19), 10, 5,
  15, 5, 80, '12+', b = 3, d.shown_at
from released_day d cross join generate_series(1, :blocks) b where d.org = :org and d.suppressed is null
""",
    "notes": """
insert into block_annotation (org, team, day, number, note)
select org, team, day, number, 'the network was down' from released_block
where org = :org and number = 1 and extract(day from day) = 15
""",
    "withdrawals": """
insert into block_withdrawal (org, team, day, number, reason)
select org, team, day, number, 'a device was wrong' from released_block
where org = :org and number = 2 and extract(day from day) = 15
""",
    "readers": """
insert into manager (id, org, name, role)
select md5(:org || ' manager ' || n), :org, 'Manager ' || n, 'manager' from generate_series(1, :teams) n
""",
    "their teams": """
insert into manager_team (org, manager, team)
select :org, md5(:org || ' manager ' || n), md5(:org || ' team ' || n) from generate_series(1, :teams) n
""",
    "access log": """
insert into access_log (org, at, reader, reader_name, reader_role, action, team, from_day, to_day, allowed_because)
select :org, d.day + interval '9 hours' + r * interval '7 minutes', md5(:org || ' manager ' || n), 'Manager ' || n,
  'manager', 'team_summary', md5(:org || ' team ' || n), d.day::date - 14, d.day::date, 'manager of this team'
from generate_series(cast(:today as date) - 365, cast(:today as date) - 1, interval '1 day') d (day)
  cross join generate_series(1, :teams) n cross join generate_series(1, :reads) r
where extract(isodow from d.day) <= 5
""",
    "reads of their own": """
insert into access_log (org, at, reader, reader_name, action, person, allowed_because)
select :org, cast(:today as timestamptz) - n * interval '1 hour', 'self', 'your own device', 'export',
  md5(:org || ' person ' || n), 'a device of this person'
from generate_series(1, :people, 10) n
""",
    "policies' terms": """
insert into policy_terms (org, policy, seq, individual_reports, k)
values (:org, :by_name, 2, true, 5) on conflict do nothing
""",
    "corrections": """
insert into correction (id, org, person, starts_at, ends_at, counts_as, note, made_at, in_time)
select gen_random_uuid(), :org, md5(:org || ' person ' || n), cast(:today as timestamptz) - interval '3 days' + interval '9 hours',
  cast(:today as timestamptz) - interval '3 days' + interval '10 hours', 'at_screen', 'I read on paper', cast(:today as timestamptz), true
from generate_series(1, :people, 50) n
""",
}

_ROLLUPS = """
insert into person_rollup (org, person, slot, policy, at_screen, looking_away, on_phone, absent, unknown, not_observed,
  frames, windows)
select :org, md5(:org || ' person ' || n), d.day + interval '8 hours' + s * interval '15 minutes',
  case when n % 100 = 0 then :by_name else :policy end, 600 - (n + s) % 300, (n + s) % 300, 60, 120, 60, 60, 90, 3
from generate_series(cast(:begin as timestamptz), cast(:end as timestamptz) - interval '1 day', interval '1 day') d (day)
  cross join generate_series(1, :people) n cross join generate_series(0, :slots - 1) s
where extract(isodow from d.day) <= 5
"""

_LEDGER = """
insert into ledger (device, window_start, org, person, envelope, mark, counted)
select md5(:org || ' device ' || n), d.day + interval '8 hours' + w * interval '5 minutes', :org,
  md5(:org || ' person ' || n), gen_random_uuid(), substring(sha256('mark') for 16), true
from generate_series(cast(:begin as timestamptz), cast(:end as timestamptz) - interval '1 day', interval '1 day') d (day)
  cross join generate_series(1, :people) n cross join generate_series(0, 3 * :slots - 1) w
where extract(isodow from d.day) <= 5
"""

_RECEIPTS = """
insert into receipt (device, envelope, org, outcome, at)
select md5(:org || ' device ' || n), gen_random_uuid(), :org, 'opened', d.day + interval '8 hours' + s * interval '15 minutes'
from generate_series(cast(:begin as timestamptz), cast(:end as timestamptz) - interval '1 day', interval '1 day') d (day)
  cross join generate_series(1, :people) n cross join generate_series(0, :slots - 1) s
where extract(isodow from d.day) <= 5
"""
