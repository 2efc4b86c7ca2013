"""The opener's statements. Lists travel as one JSON parameter each, which both drivers take in one round trip."""

from __future__ import annotations

_RETURNED = """
returning e.row, e.org, extract(epoch from e.received_at)::bigint as received, e.device, e.id::text as id,
  e.created, e.key, e.suite, e.sealed, e.sig
"""

CLAIM = f"""
with waiting as (
  select received_at, row from envelope
  where settled_at is null
  order by received_at, row
  limit :limit
  for update skip locked
)
update envelope as e set settled_at = to_timestamp(:now)
from waiting where e.received_at = waiting.received_at and e.row = waiting.row
{_RETURNED}
"""
"""The oldest rows nobody holds, marked at once: the mark commits or vanishes with everything else."""

CLAIM_ONE = f"""
update envelope as e set settled_at = to_timestamp(:now)
where e.row = :row and e.settled_at is null
{_RETURNED}
"""

OWNERS = """
select id, org, person, public from device
where id in (select jsonb_array_elements_text(cast(:devices as jsonb)))
"""

ENTER = """
insert into ledger (device, window_start, org, person, envelope, mark, counted)
select r->>'device', to_timestamp(cast(r->>'start' as bigint)), r->>'org', r->>'person',
       cast(r->>'envelope' as uuid), decode(r->>'mark', 'hex'), :counted
from jsonb_array_elements(cast(:rows as jsonb)) as r
on conflict do nothing
returning device, extract(epoch from window_start)::bigint as start
"""

LOOK_UP = """
select ledger.device, extract(epoch from window_start)::bigint as start, mark
from jsonb_array_elements(cast(:rows as jsonb)) as r
join ledger on ledger.device = r->>'device' and window_start = to_timestamp(cast(r->>'start' as bigint))
"""

ADD_TO_ROLLUPS = """
insert into person_rollup (org, person, slot, policy, at_screen, looking_away, on_phone, absent, unknown,
                           not_observed, frames, windows)
select r->>'org', r->>'person', to_timestamp(cast(r->>'slot' as bigint)), r->>'policy',
       cast(r->>'at_screen' as integer), cast(r->>'looking_away' as integer), cast(r->>'on_phone' as integer),
       cast(r->>'absent' as integer), cast(r->>'unknown' as integer), cast(r->>'not_observed' as integer),
       cast(r->>'frames' as integer), cast(r->>'windows' as integer)
from jsonb_array_elements(cast(:rows as jsonb)) as r
on conflict (person, slot, policy) do update set
  at_screen = person_rollup.at_screen + excluded.at_screen,
  looking_away = person_rollup.looking_away + excluded.looking_away,
  on_phone = person_rollup.on_phone + excluded.on_phone,
  absent = person_rollup.absent + excluded.absent,
  unknown = person_rollup.unknown + excluded.unknown,
  not_observed = person_rollup.not_observed + excluded.not_observed,
  frames = person_rollup.frames + excluded.frames,
  windows = person_rollup.windows + excluded.windows
"""

QUARANTINE = """
insert into quarantine (device, digest, reason, org, envelope, created, key, suite, sealed, sig, window_starts,
                        received_at, at)
select e.device, substring(sha256(e.sig || e.sealed) for 16), r->>'reason', e.org, e.id, e.created, e.key, e.suite,
       e.sealed, e.sig, r->'starts', e.received_at, to_timestamp(:now)
from jsonb_array_elements(cast(:rows as jsonb)) as r
join envelope as e
  on e.received_at = to_timestamp(cast(r->>'received' as bigint)) and e.row = cast(r->>'row' as bigint)
order by 1, 2, 3
on conflict do nothing
"""
"""The copy is made inside the database: what is set aside need not be whole."""

WRITE_RECEIPTS = """
insert into receipt (device, envelope, org, outcome, at)
select r->>'device', cast(r->>'envelope' as uuid), r->>'org', r->>'outcome', to_timestamp(:now)
from jsonb_array_elements(cast(:rows as jsonb)) as r
on conflict (device, envelope) do update set outcome = 'opened', at = excluded.at
  where receipt.outcome = 'set_aside' and excluded.outcome = 'opened'
"""
"""Once opened always opened; set aside can become opened, when a lost key was found again."""

_MOST_RANGES = 1000

NOTE_PROGRESS = f"""
insert into device_progress (device, org, seqs, lost, last_received_at)
select r->>'device', r->>'org',
       (select newest_ranges(range_agg(int8range(cast(seq as bigint), cast(seq as bigint), '[]')), {_MOST_RANGES})
        from jsonb_array_elements_text(r->'seqs') as seq),
       cast(r->>'lost' as bigint), to_timestamp(cast(r->>'last' as bigint))
from jsonb_array_elements(cast(:rows as jsonb)) as r
on conflict (device) do update set
  seqs = newest_ranges(device_progress.seqs + excluded.seqs, {_MOST_RANGES}),
  lost = greatest(device_progress.lost, excluded.lost),
  last_received_at = greatest(device_progress.last_received_at, excluded.last_received_at)
"""

NOTE_AGENTS = """
insert into device_agent as known (device, org, version, seq, since)
select r->>'device', r->>'org', r->>'agent', (select max(cast(seq as bigint)) from jsonb_array_elements_text(r->'seqs') as seq),
       (to_timestamp(cast(r->>'last' as bigint)) at time zone 'UTC')::date
from jsonb_array_elements(cast(:rows as jsonb)) as r
order by 1
on conflict (device) do update set version = excluded.version, seq = excluded.seq, since = excluded.since
  where excluded.seq > known.seq and excluded.version <> known.version
"""
"""Written when a version is new to a device only, and then by day: what an older envelope says, come late, is past."""
