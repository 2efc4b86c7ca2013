"""PURE. Every answer about a team as a function of released blocks and nothing else: JSON, CSV, days, ranges.

Nothing here can see a person or a rollup, so nothing here can say more than the blocks already said. Two readers who ask
the same question get the same bytes.

A day's or a range's number is the mean of its blocks' numbers, weighted by their length, rounded like them. Its `people`
is the smallest band among its blocks: at least that many stand behind each part of it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from typing import Any, Literal
from zoneinfo import ZoneInfo

from sync_service.blocks import MINIMUM_K, SHARES, SUPPRESSED_BECAUSE, Tell, label, percent
from sync_service.timetable import days_between

MAX_DAYS = 400
"""Longest range one answer covers: the 13 months released blocks are kept."""

Bucket = Literal["block", "day"]

BANDS = ("5-7", "8-11", "12+")

NOT_RELEASED = "This day's numbers are not fixed yet, or it is outside what is kept."
WITHDRAWN = "This number was withdrawn as a whole: {reason}"


@dataclass(frozen=True)
class ReleasedBlock:
    """One released block as stored. `start`, `end` in epoch seconds, percentages 5 .. 95 (see `blocks.label`).

    `corrected`: somebody's correction went into it. `withdrawn`: the reason, when it was withdrawn as a whole.
    """

    number: int
    start: int
    end: int
    seconds: int
    shares: Mapping[str, int]
    coverage: int
    people: str
    corrected: bool = False
    notes: tuple[str, ...] = ()
    withdrawn: str | None = None


@dataclass(frozen=True)
class ReleasedDay:
    """One of a team's days whose numbers are fixed: its blocks, or none and why (a key of SUPPRESSED_BECAUSE)."""

    day: date
    zone: ZoneInfo
    policy: str
    k: int
    blocks: tuple[ReleasedBlock, ...] = ()
    suppressed: str | None = None


def summary(
    team: str,
    zone: ZoneInfo,
    days: Sequence[ReleasedDay],
    first: date,
    last: date,
    bucket: Bucket,
    *,
    tell: Tell = percent,
) -> dict[str, Any]:
    """The JSON answer for a team from `first` to `last`, both included: one row a block or a day, and the whole range.

    `zone` is the team's present time zone; each row's times carry the offset of the zone its day was released under.
    `tell` rounds means as blocks were rounded; another one serves the counter-example search.
    """
    released = {one.day: one for one in days}
    rows: list[dict[str, Any]] = []
    for day in days_between(first, last):
        rows += _rows_of_day(day, released.get(day), bucket, tell)
    return {
        "team": team,
        "time_zone": zone.key,
        "from": first.isoformat(),
        "to": last.isoformat(),
        "bucket": bucket,
        "rule": {
            "k": max((one.k for one in days), default=MINIMUM_K),
            "minutes_to_contribute": 30,
            "rounded_to": 5,
            "text": "A number rests on at least k people observed for 30 minutes each, all weighing the same; it is "
            "rounded to 5 points, 5 means 5 or less and 95 means 95 or more, and it is computed once.",
        },
        "rows": rows,
        "total": _mean_of([block for one in days if first <= one.day <= last for block in _standing(one)], tell),
    }


def _rows_of_day(day: date, one: ReleasedDay | None, bucket: Bucket, tell: Tell) -> list[dict[str, Any]]:
    if one is None:
        return [_empty_row(day, "not_released", NOT_RELEASED)]
    if one.suppressed is not None:
        return [_empty_row(day, "suppressed", SUPPRESSED_BECAUSE[one.suppressed])]
    if bucket == "block":
        return [_block_row(one, block) for block in one.blocks]
    standing = _standing(one)
    if not standing:
        return [_empty_row(day, "withdrawn", WITHDRAWN.format(reason="; ".join(_reasons(one.blocks))))]
    notes = sorted(
        {note for block in one.blocks for note in block.notes}
        | {WITHDRAWN.format(reason=reason) for reason in _reasons(one.blocks)}
    )
    total = _mean_of(standing, tell)
    assert total is not None
    start, end = standing[0].start, standing[-1].end
    corrected = any(block.corrected for block in standing)
    return [
        {
            **_place(one, start, end),
            "status": "released",
            "explanation": None,
            **total,
            "corrected": corrected,
            "notes": notes,
        }
    ]


def _block_row(one: ReleasedDay, block: ReleasedBlock) -> dict[str, Any]:
    place = _place(one, block.start, block.end)
    if block.withdrawn is not None:
        explanation = WITHDRAWN.format(reason=block.withdrawn)
        return {**_empty_row(one.day, "withdrawn", explanation), **place, "notes": list(block.notes)}
    return {
        **place,
        "status": "released",
        "explanation": None,
        **_numbers(block.seconds, block.people, block.shares, block.coverage),
        "corrected": block.corrected,
        "notes": list(block.notes),
    }


def _empty_row(day: date, status: str, explanation: str) -> dict[str, Any]:
    return {
        "day": day.isoformat(),
        "start": None,
        "end": None,
        "status": status,
        "explanation": explanation,
        "minutes": None,
        "people": None,
        "shares": None,
        "coverage": None,
        "corrected": False,
        "notes": [],
    }


def _place(one: ReleasedDay, start: int, end: int) -> dict[str, Any]:
    return {
        "day": one.day.isoformat(),
        "start": datetime.fromtimestamp(start, one.zone).isoformat(),
        "end": datetime.fromtimestamp(end, one.zone).isoformat(),
    }


def _numbers(seconds: int, people: str, shares: Mapping[str, int], coverage: int) -> dict[str, Any]:
    return {
        "minutes": seconds // 60,
        "people": people,
        "shares": {state: _told(shares[state]) for state in SHARES},
        "coverage": _told(coverage),
    }


def _told(value: int) -> dict[str, Any]:
    return {"percent": value, "text": label(value)}


def _standing(one: ReleasedDay) -> list[ReleasedBlock]:
    return [block for block in one.blocks if block.withdrawn is None]


def _reasons(blocks: Iterable[ReleasedBlock]) -> list[str]:
    return sorted({block.withdrawn for block in blocks if block.withdrawn is not None})


def _mean_of(blocks: Sequence[ReleasedBlock], tell: Tell) -> dict[str, Any] | None:
    if not blocks:
        return None
    seconds = sum([block.seconds for block in blocks])
    shares = {
        state: tell(Fraction(sum([block.shares[state] * block.seconds for block in blocks]), 100 * seconds))
        for state in SHARES
    }
    coverage = tell(Fraction(sum([block.coverage * block.seconds for block in blocks]), 100 * seconds))
    people = min((block.people for block in blocks), key=BANDS.index)
    return _numbers(seconds, people, shares, coverage)


CSV_COLUMNS = (
    "team",
    "day",
    "start",
    "end",
    "minutes",
    "status",
    "people",
    *(f"{state}_percent" for state in SHARES),
    "coverage_percent",
    "corrected",
    "explanation",
    "notes",
)


def to_csv(answer: Mapping[str, Any]) -> str:
    """The rows of a `summary` as CSV (RFC 4180, header line). In percent columns 5 means "5 or less", 95 "95 or more"."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(CSV_COLUMNS)
    for row in answer["rows"]:
        shares = row["shares"] or {}
        writer.writerow(
            [
                answer["team"],
                row["day"],
                row["start"] or "",
                row["end"] or "",
                "" if row["minutes"] is None else row["minutes"],
                row["status"],
                # A spreadsheet would read 5-7 as a date.
                f"{row['people'].replace('-', ' to ')} people" if row["people"] else "",
                *(shares[state]["percent"] if shares else "" for state in SHARES),
                row["coverage"]["percent"] if row["coverage"] else "",
                "yes" if row["corrected"] else "no",
                _harmless(row["explanation"] or ""),
                _harmless("; ".join(row["notes"])),
            ]
        )
    return out.getvalue()


def _harmless(text: str) -> str:
    """Text an administrator typed, so that no spreadsheet takes it for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
