"""Read released numbers from the database into the values `reports.py` works on."""

from __future__ import annotations

import json
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from sync_service.blocks import SHARES
from sync_service.ports import Database
from sync_service.reports import ReleasedBlock, ReleasedDay

_DAYS = """
select d.day::text as day, d.time_zone, d.policy, d.k, d.suppressed,
  (select jsonb_agg(jsonb_build_object(
      'number', b.number, 'start', extract(epoch from b.starts_at)::bigint,
      'end', extract(epoch from b.ends_at)::bigint, 'seconds', b.seconds, 'at_screen', b.at_screen,
      'looking_away', b.looking_away, 'on_phone', b.on_phone, 'absent', b.absent, 'unknown', b.unknown,
      'coverage', b.coverage, 'people', b.people, 'corrected', b.corrected, 'withdrawn', w.reason,
      'notes', coalesce((select jsonb_agg(a.note order by a.at) from block_annotation a
         where (a.team, a.day, a.number) = (b.team, b.day, b.number)), '[]')) order by b.number)
   from released_block b left join block_withdrawal w using (team, day, number)
   where b.team = d.team and b.day = d.day)::text as blocks
from released_day d
where d.team = :team and d.day >= cast(:first as date) and d.day <= cast(:last as date)
  and (cast(:shown_by as bigint) is null or d.shown_at <= to_timestamp(:shown_by))
order by d.day
"""


def read_days(tx: Database, team: str, first: date, last: date, *, shown_by: int | None) -> list[ReleasedDay]:
    """A team's fixed days from `first` to `last`; with `shown_by` (epoch seconds) only those managers may see by then.

    `tx` has entered the organisation.
    """
    rows = tx.run(_DAYS, team=team, first=first.isoformat(), last=last.isoformat(), shown_by=shown_by)
    return [
        ReleasedDay(
            day=date.fromisoformat(row["day"]),
            zone=ZoneInfo(row["time_zone"]),
            policy=row["policy"],
            k=row["k"],
            blocks=tuple(_block(one) for one in json.loads(row["blocks"] or "[]")),
            suppressed=row["suppressed"],
        )
        for row in rows
    ]


def _block(row: dict[str, Any]) -> ReleasedBlock:
    return ReleasedBlock(
        number=row["number"],
        start=row["start"],
        end=row["end"],
        seconds=row["seconds"],
        shares={state: row[state] for state in SHARES},
        coverage=row["coverage"],
        people=row["people"],
        corrected=row["corrected"],
        notes=tuple(row["notes"]),
        withdrawn=row["withdrawn"],
    )
