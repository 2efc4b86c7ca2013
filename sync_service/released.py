"""Read released numbers from the database into the values `reports.py` works on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from sync_service.blocks import SHARES
from sync_service.ports import Database
from sync_service.reports import ReleasedBlock, ReleasedDay

_DAYS = """
with note as (
  select a.day, a.number, json_agg(a.note order by a.at) as notes from block_annotation a
  where a.team = :team and a.day >= cast(:first as date) and a.day <= cast(:last as date) group by a.day, a.number
), block as (
  select b.day, json_agg(json_build_array(b.number, extract(epoch from b.starts_at)::bigint,
      extract(epoch from b.ends_at)::bigint, b.seconds, b.at_screen, b.looking_away, b.on_phone, b.absent, b.unknown,
      b.coverage, b.people, b.corrected, n.notes, w.reason) order by b.number) as blocks
  from released_block b left join note n on n.day = b.day and n.number = b.number
    left join block_withdrawal w on w.team = b.team and w.day = b.day and w.number = b.number
  where b.team = :team and b.day >= cast(:first as date) and b.day <= cast(:last as date) group by b.day
)
select d.day::text as day, d.time_zone, d.policy, d.k, d.suppressed, block.blocks::text as blocks
from released_day d left join block on block.day = d.day
where d.team = :team and d.day >= cast(:first as date) and d.day <= cast(:last as date)
  and (cast(:shown_by as bigint) is null or d.shown_at <= to_timestamp(:shown_by))
order by d.day
"""
"""Blocks travel as arrays in the order of `_block`: a year of them fits into the Data API's answer of 1 MiB."""


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


def _block(row: Sequence[Any]) -> ReleasedBlock:
    number, start, end, seconds, *shares, coverage, people, corrected, notes, withdrawn = row
    return ReleasedBlock(
        number=number,
        start=start,
        end=end,
        seconds=seconds,
        shares=dict(zip(SHARES, shares, strict=True)),
        coverage=coverage,
        people=people,
        corrected=corrected,
        notes=tuple(notes or ()),
        withdrawn=withdrawn,
    )
