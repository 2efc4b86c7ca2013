"""Housekeeping: partitions ahead of time, and every retention period in one table.

Runs as framekeep_maintenance, hourly or so; running it twice, or late, does no harm. Running it under a wrong clock
would: everything would be past its time at once. So after a jump (see `clock_is_right`) nothing is deleted until a
laptop's clock says the same as ours, or a person does. A service that was off for long goes on by itself with the
first envelope sealed now; where no laptop is left to send one, the operator creates the file `clock-is-right` in the
data folder.
"""

from __future__ import annotations

from dataclasses import dataclass

from sync_service.ports import Alerts, Database, SealKeys

DAY = 86400
WEEK = 7 * DAY
WEEKS_AHEAD = 4
JUMP_SECONDS = 3 * DAY
"""A clock this far past the last run has jumped, or the service was off."""
AGREE_SECONDS = DAY
"""A laptop's clock so close to ours confirms it."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Rows of `table` are deleted when `condition` holds; `:cutoff` in it is `days` before now."""

    name: str
    table: str
    days: int
    condition: str


RULES = (
    Rule("sealed rows, after opening", "envelope", 7, "settled_at < to_timestamp(:cutoff)"),
    Rule("quarantine", "quarantine", 14, "at < to_timestamp(:cutoff)"),
    # The opener refuses windows a day younger than this, so no forgotten window can be counted again.
    Rule("ledger", "ledger", 40, "window_start < to_timestamp(:cutoff)"),
    Rule("receipts", "receipt", 40, "at < to_timestamp(:cutoff)"),
    Rule(
        "person rollups",
        "person_rollup",
        35,
        """slot < to_timestamp(:cutoff) and not exists (
             select from policy_terms as terms
             where terms.org = person_rollup.org and terms.policy = person_rollup.policy and terms.individual_reports)""",
    ),
    Rule("person rollups under individual reports", "person_rollup", 90, "slot < to_timestamp(:cutoff)"),
    Rule("spent tokens", "device_jti", 0, "expires_at < to_timestamp(:cutoff)"),
    Rule("enrolment codes, after expiry", "code", 30, "expires_at < to_timestamp(:cutoff)"),
    # Released numbers: 13 months, what stands beside them first.
    Rule("notes on released blocks", "block_annotation", 396, "day < to_timestamp(:cutoff)::date"),
    Rule("withdrawals of released blocks", "block_withdrawal", 396, "day < to_timestamp(:cutoff)::date"),
    Rule("released blocks", "released_block", 396, "day < to_timestamp(:cutoff)::date"),
    Rule("released days", "released_day", 396, "day < to_timestamp(:cutoff)::date"),
    # Longer than any number or log entry of theirs: both are read by way of the cohort.
    Rule("cohorts", "cohort", 430, "month < to_timestamp(:cutoff)::date"),
    Rule("cohort months", "cohort_month", 430, "month < to_timestamp(:cutoff)::date"),
    Rule("access log", "access_log", 365, "at < to_timestamp(:cutoff)"),
    Rule("readers' tokens, after expiry", "manager_token", 30, "expires_at < to_timestamp(:cutoff)"),
    Rule(
        "sign-ins of revoked readers",
        "reader_identity",
        30,
        "manager in (select id from manager where revoked_at < to_timestamp(:cutoff))",
    ),
    Rule("administrators' agreements", "approval", 365, "asked_at < to_timestamp(:cutoff)"),
    Rule("messages about alerts, after they went out", "alert_delivery", 30, "settled_at < to_timestamp(:cutoff)"),
    Rule("alerts, after their end", "alert", 90, "resolved_on < to_timestamp(:cutoff)::date"),
    Rule("corrections", "correction", 90, "ends_at < to_timestamp(:cutoff)"),
    Rule("cancelled erasures", "erasure_request", 30, "step = 'cancelled' and stepped_at < to_timestamp(:cutoff)"),
    Rule("erasure receipts", "erasure_receipt", 396, "finished_at < to_timestamp(:cutoff)"),
    # Far longer than any backup of the database.
    Rule("tombstones", "tombstone", 396, "at < to_timestamp(:cutoff)"),
)


@dataclass(frozen=True, slots=True)
class Housekeeping:
    """What one run did: rows deleted by rule, empty partitions dropped."""

    deleted: dict[str, int]
    dropped_partitions: int


def clock_is_right(database: Database, alerts: Alerts, *, now: int, confirmed: bool = False) -> bool:
    """Whether `now` may be believed enough to delete by it; raises an alert where not. Asked before `keep_house` and
    `destroy_expired_keys`. `confirmed`: a person says that it is right. `received_at` is no witness, since it comes
    from the clock in doubt; the time a laptop wrote into what it signed is one.
    """
    found = database.run(
        """select extract(epoch from coalesce((select done_at from housekeeping),
                                              (select max(received_at) from envelope)))::bigint as last,
             exists (select from envelope where received_at >= to_timestamp(:recently)
                     and created between :earliest and :latest) as agreed""",
        recently=now - JUMP_SECONDS,
        earliest=now - AGREE_SECONDS,
        latest=now + AGREE_SECONDS,
    )[0]
    if confirmed or found["agreed"] or found["last"] is None or now <= found["last"] + JUMP_SECONDS:
        return True
    alerts.alert(
        "clock_jumped",
        "the clock is far past the last housekeeping and no laptop confirms it: nothing is deleted; set the clock, or "
        "if it is right create the file clock-is-right in the data folder",
        days=(now - found["last"]) // DAY,
    )
    return False


def note_done(database: Database, *, now: int) -> None:
    """Housekeeping was done at `now`: what the next run's clock is held against."""
    database.run(
        """insert into housekeeping (one, done_at) values (true, to_timestamp(:now))
           on conflict (one) do update set done_at = excluded.done_at""",
        now=now,
    )


def keep_house(database: Database, *, now: int) -> Housekeeping:
    """Make partitions, delete what is past its time, drop partitions that are past and empty."""
    make_partitions(database, now=now)
    deleted = {}
    for rule in RULES:
        rows = database.run(
            f"with gone as (delete from {rule.table} where {rule.condition} returning 1) select count(*) as n from gone",
            cutoff=now - rule.days * DAY,
        )
        deleted[rule.name] = int(rows[0]["n"])
    dropped = database.run("select drop_empty_envelope_partitions(to_timestamp(:before)) as n", before=now - 2 * WEEK)
    return Housekeeping(deleted, int(dropped[0]["n"]))


def make_partitions(database: Database, *, now: int) -> None:
    """Partitions for last week (a slow queue), this one and WEEKS_AHEAD more."""
    for weeks in range(-1, WEEKS_AHEAD + 1):
        database.run("select create_envelope_partition(to_timestamp(:at)) as part", at=now + weeks * WEEK)


def destroy_expired_keys(
    database: Database, keys: SealKeys, alerts: Alerts, *, now: int, inbox_oldest: int | None
) -> int:
    """Destroy the private seal keys whose time is over, and say so in the table; answers how many. Runs beside the
    opener, since only there the private keys are. A key for which rows still wait is kept until they are opened, and
    so is one that the inbox may hold an envelope for: `inbox_oldest` is when its oldest delivery came (asked before
    this call, so that one on its way into the table is seen here or there).
    """
    expired = database.run(
        """select id from seal_key where destroyed_at is null and open_until <= to_timestamp(:now)
           and (cast(:oldest as bigint) is null or open_until < to_timestamp(cast(:oldest as bigint)))
           and not exists (select from envelope where envelope.key = seal_key.id and settled_at is null)""",
        now=now,
        oldest=inbox_oldest,
    )
    for row in expired:
        keys.destroy(row["id"])  # first: marked but alive would be worse than destroyed twice
        database.run("update seal_key set destroyed_at = to_timestamp(:now) where id = :id", id=row["id"], now=now)
        alerts.alert("seal_key_destroyed", "a seal key's time was over: it was destroyed", key=row["id"])
    return len(expired)
