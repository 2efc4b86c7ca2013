"""What the rules of `alerts.py` look at, asked of the database as framekeep_alerts: counts, whole teams, the service.

Laptops leave the database as numbers only: how many were last heard of on which day, how many run which version.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

from sync_service.alerts import SHARE_DAYS, ChannelState, Facts, HeardOn, Setting, TeamShare
from sync_service.errors import ServiceError
from sync_service.policies import current_papers
from sync_service.ports import Database
from sync_service.timetable import local_day, month_of
from sync_service.uptime import TOLERATED_SECONDS

DAY = 86400
SHARE_LOOK_BACK_DAYS = 14
AGENT_HEARD_DAYS = 30
"""A laptop that was not heard of for so long is a matter of silence, not of versions."""


_HEARD = """
select coalesce(t.time_zone, 'UTC') as zone, count(*) as n,
  (coalesce(g.last_received_at, d.enrolled_at) at time zone coalesce(t.time_zone, 'UTC'))::date::text as day
from device d
  left join device_progress g on g.device = d.id
  left join participation n on n.device = d.id and not n.participating
  left join lateral (
    select team from membership m where m.person = d.person and m.month <= cast(:month as date)
    order by m.month desc limit 1) m on true
  left join team t on t.id = m.team
where d.org = :org and d.revoked_at is null and n.device is null
group by 1, 3
"""
"""Laptops that may be expected to send: who declined sends nothing by right. A pause is sent, as windows."""

_VERSIONS = """
select a.version, count(*) as n
from device_agent a join device d on d.id = a.device
  join device_progress g on g.device = d.id and g.last_received_at >= to_timestamp(:since)
  left join participation n on n.device = d.id and not n.participating
where d.org = :org and d.revoked_at is null and n.device is null
group by 1
"""

_SHARES = """
select b.team::text as team, t.name, (sum(b.unknown * b.seconds) / sum(b.seconds))::bigint as percent,
  count(distinct b.day) as days, min(b.day)::text as first, max(b.day)::text as last
from released_block b
  join team t on t.id = b.team
  left join block_withdrawal w using (team, day, number)
  join (select team, day, dense_rank() over (partition by team order by day desc) as newest
        from released_day d
        where d.org = :org and d.suppressed is null and d.shown_at <= to_timestamp(:now) and d.day >= cast(:first as date)
       ) d on d.team = b.team and d.day = b.day and d.newest <= :most
where b.org = :org and b.day >= cast(:first as date) and w.team is null and b.shown_at <= to_timestamp(:now)
group by 1, 2
"""
"""A function of what managers may already read, and of nothing else."""

_CHANNELS = """
select c.id::text as id, c.kind,
  coalesce((select max(d.attempts) from alert_delivery d where d.channel = c.id and d.state = 'waiting'), 0)::bigint
    as attempts,
  coalesce((select d.state = 'given_up' from alert_delivery d where d.channel = c.id and d.state <> 'waiting'
            order by d.settled_at desc, d.created_at desc limit 1), false) as gave_up
from alert_channel c join manager m on m.id = c.reader and m.role = 'admin' and m.revoked_at is null
where c.org = :org
"""


def settings_of(db: Database, org: str) -> dict[str, Setting]:
    """What the organisation changed, by rule."""
    rows = db.run("select rule, enabled, at_least, oldest_agent from alert_setting where org = :org", org=org)
    return {row["rule"]: Setting(row["enabled"], row["at_least"], row["oldest_agent"]) for row in rows}


def gather(db: Database, org: str, *, now: int, daily: bool) -> Facts:
    """The facts of an organisation at `now` (epoch seconds). What only rules judged once a day ask for is left out unless
    `daily`: whoever does not judge laptops does not look at them.
    """
    days_left, work_days = _documents(db, org, now)
    facts = Facts(
        work_days=work_days,
        opener_waits=_opener_waits(db, org, now),
        quarantined=_quarantined(db, org, now),
        days_left=days_left,
        channels=[
            ChannelState(row["id"], row["kind"], row["attempts"], row["gave_up"]) for row in db.run(_CHANNELS, org=org)
        ],
    )
    if not daily:
        return facts
    versions = db.run(_VERSIONS, org=org, since=now - AGENT_HEARD_DAYS * DAY)
    return replace(
        facts,
        heard=_heard(db, org, now),
        versions={row["version"]: row["n"] for row in versions},
        shares=_shares(db, org, now),
    )


def _heard(db: Database, org: str, now: int) -> list[HeardOn]:
    """While the service was away nobody could be heard of: those days count for nobody."""
    back = _back_since(db)
    month = month_of(local_day(now, ZoneInfo("UTC"))).isoformat()
    heard = []
    for row in db.run(_HEARD, org=org, month=month):
        zone = ZoneInfo(row["zone"])
        day = date.fromisoformat(row["day"])
        heard.append(HeardOn(max(day, local_day(back, zone)) if back else day, local_day(now, zone), row["n"]))
    return heard


def _back_since(db: Database) -> int | None:
    """When the service came back from its last longer absence; None when it was never away."""
    stretches = db.run(
        """select extract(epoch from started_at)::bigint as began, extract(epoch from last_at)::bigint as ended
           from uptime order by started_at"""
    )
    back = None
    for before, after in pairwise(stretches):
        if after["began"] - before["ended"] > TOLERATED_SECONDS:
            back = int(after["began"])
    return back


def _shares(db: Database, org: str, now: int) -> list[TeamShare]:
    first = datetime.fromtimestamp(now - SHARE_LOOK_BACK_DAYS * DAY, UTC).date().isoformat()
    rows = db.run(_SHARES, org=org, now=now, first=first, most=SHARE_DAYS)
    return [
        TeamShare(
            row["team"],
            row["name"],
            row["percent"],
            row["days"],
            date.fromisoformat(row["first"]),
            date.fromisoformat(row["last"]),
        )
        for row in rows
    ]


def _opener_waits(db: Database, org: str, now: int) -> int:
    rows = db.run("select oldest from opening_backlog() where org = :org", org=org)
    return max(0, now - rows[0]["oldest"]) if rows else 0


def _quarantined(db: Database, org: str, now: int) -> int:
    rows = db.run("select n from quarantined_since(to_timestamp(:since)) where org = :org", org=org, since=now - DAY)
    return int(rows[0]["n"]) if rows else 0


def _documents(db: Database, org: str, now: int) -> tuple[Mapping[str, int], frozenset[int]]:
    """Days each document still holds, 0 where it cannot be believed, and the weekdays of the policy's work hours."""
    try:
        papers = current_papers(db, org)
    except ServiceError:
        return {"keyset": 0}, frozenset()
    left: dict[str, int] = {}
    if keyset := papers.keyset:
        left["keyset"] = _whole_days(keyset.not_after, now)
        left["seal key"] = _whole_days(max((entry.seal_until for entry in keyset.seal_keys), default=0), now)
    try:
        if agreement := papers.agreement(now):
            left["agreement"] = _whole_days(agreement.not_after, now)
    except ServiceError:
        left["agreement"] = 0
    if not papers.policies:
        return left, frozenset()
    try:
        policy = papers.policy(now)
    except ServiceError:
        return {**left, "policy": 0}, frozenset()
    # One that is published already and begins to apply later takes over.
    left["policy"] = _whole_days(max(one.not_after for one in (*papers.policies, policy) if one.seq >= policy.seq), now)
    return left, frozenset(day for hours in policy.work_hours for day in hours.days)


def _whole_days(until: int, now: int) -> int:
    return max(0, (until - now) // DAY)
