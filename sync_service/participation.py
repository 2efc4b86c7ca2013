"""Whether a laptop's person takes part: the one thing the organisation learns of somebody who declined.

A day is kept and no time of it, and no reason. Administrators see the day, managers nothing.
"""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from sync_service.ports import Database
from sync_service.timetable import local_day


def keep_participation(tx: Database, org: str, device: str, participating: bool, *, now: int) -> dict[str, Any]:
    """Keep what a laptop says, from the UTC day of `now` (epoch seconds) on; saying the same again changes nothing.

    `tx` speaks as framekeep_person and has entered the laptop's person.
    """
    rows = tx.run(
        """insert into participation as p (device, org, participating, since)
           values (:device, :org, :participating, cast(:today as date))
           on conflict (device) do update set participating = excluded.participating,
             since = case when p.participating = excluded.participating then p.since else excluded.since end
           returning participating, since::text as since""",
        device=device,
        org=org,
        participating=participating,
        today=local_day(now, ZoneInfo("UTC")).isoformat(),
    )
    return rows[0]
