-- The way of an envelope: sealed row -> ledger -> person rollup, with receipts, quarantine and counters beside it.

-- Sealed rows in weekly partitions by receive time (see create_envelope_partition). A row may be here twice: being
-- counted once is the ledger's business. `row` names one row, since envelope ids come from devices and may repeat.
create table envelope (
  row bigint generated always as identity,
  org hex_id not null,
  device hex_id not null,
  id uuid not null,
  created bigint not null,
  key hex_id not null,
  suite smallint not null,
  sealed bytea not null,
  sig bytea not null,
  received_at timestamptz not null,
  settled_at timestamptz,  -- opened or quarantined
  primary key (received_at, row)
) partition by range (received_at);
alter table envelope alter column sealed set storage external;  -- random bytes do not compress
create index envelope_waiting on envelope (received_at, row) where settled_at is null;
create index envelope_settled on envelope (settled_at) where settled_at is not null;
create index envelope_device on envelope (device);

-- Weeks start on Monday, UTC; the name says which. Runs with the owner's rights: roles that call it own nothing.
create function create_envelope_partition(at timestamptz) returns text
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  monday date := date_trunc('week', at at time zone 'UTC')::date;
  part text := 'envelope_' || to_char(monday, 'YYYYMMDD');
begin
  perform pg_advisory_xact_lock(hashtext('create_envelope_partition'));  -- two may ask at once
  if to_regclass(part) is null then
    execute format('create table %I partition of envelope for values from (%L) to (%L)',
      part, monday::timestamp at time zone 'UTC', (monday + 7)::timestamp at time zone 'UTC');
  end if;
  return part;
end
$$;

-- Drops the partitions that ended before `before` and hold no row at all; answers how many.
create function drop_empty_envelope_partitions(before timestamptz) returns integer
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  part text;
  occupied boolean;
  dropped integer := 0;
begin
  for part in
    select inhrelid::regclass::text from pg_inherits
    where inhparent = 'envelope'::regclass and inhrelid::regclass::text ~ '^envelope_[0-9]{8}$' order by 1
  loop
    if (to_date(right(part, 8), 'YYYYMMDD') + 7)::timestamp at time zone 'UTC' <= before then
      execute format('lock table %I in access exclusive mode', part);
      execute format('select exists (select from %I)', part) into occupied;
      if not occupied then
        execute format('drop table %I', part);
        dropped := dropped + 1;
      end if;
    end if;
  end loop;
  return dropped;
end
$$;

revoke execute on function create_envelope_partition, drop_empty_envelope_partitions from public;

-- Every window that was ever opened, once. `mark` is a keyed hash of its content: the same window with another
-- content is a conflict. `counted` is false where another device of the person was first for that window.
create table ledger (
  device hex_id not null,
  window_start timestamptz not null,
  org hex_id not null,
  person hex_id not null,
  envelope uuid not null,
  mark bytea not null check (length(mark) = 16),
  counted boolean not null,
  primary key (device, window_start)
);
create unique index ledger_first_wins on ledger (person, window_start) where counted;
create index ledger_age on ledger using brin (window_start);

-- A person's measured time on a grid of 15 minutes, UTC, apart by the policy it was sealed under. Seconds per
-- attention state; `observed` is the time for which something could be told.
create table person_rollup (
  org hex_id not null,
  person hex_id not null,
  slot timestamptz not null check (extract(epoch from slot)::bigint % 900 = 0),
  policy text not null,
  at_screen integer not null,
  looking_away integer not null,
  on_phone integer not null,
  absent integer not null,
  unknown integer not null,
  not_observed integer not null,
  observed integer not null generated always as (at_screen + looking_away + on_phone + absent) stored,
  frames integer not null,
  windows integer not null check (windows between 1 and 3),
  primary key (person, slot, policy),
  check (at_screen + looking_away + on_phone + absent + unknown + not_observed = 300 * windows)
);
create index on person_rollup (slot);

-- What a device may know about its envelope: opened, or set aside without a reason.
create table receipt (
  device hex_id not null,
  envelope uuid not null,
  org hex_id not null,
  outcome text not null check (outcome in ('opened', 'set_aside')),
  at timestamptz not null,
  primary key (device, envelope)
);
create index on receipt (at);

-- Copies of what could not be counted, sealed as it came. Never dropped with a partition.
-- `digest` is of sealed bytes and signature, so a repetition of the same thing is kept once.
create table quarantine (
  device hex_id not null,
  digest bytea not null check (length(digest) = 16),
  reason text not null check (reason in (
    'unwritable',         -- the database refused the row when it came
    'poison',             -- opening it failed in a way nobody foresaw
    'unknown_device',     -- no such device, or of another organisation
    'bad_signature',      -- did not verify again: put into the table by somebody else than ingest
    'unknown_key',        -- no private key of that id
    'cannot_open',        -- does not open under its header
    'malformed',          -- opened, but is not a summary
    'future',             -- a window that ends after receive time + 10 minutes
    'too_old',            -- a window that starts before receive time - 35 days
    'conflict'            -- a window counted before with another content
  )),
  org hex_id not null,
  envelope uuid not null,
  created bigint not null,
  key hex_id not null,
  suite smallint not null,
  sealed bytea not null,
  sig bytea not null,
  window_starts jsonb not null default '[]',
  received_at timestamptz not null,
  at timestamptz not null default now(),
  primary key (device, digest, reason)
);
create index on quarantine (at);

-- What a device's counters say. `seqs` holds every envelope number seen, as ranges: its holes are envelopes that
-- never came. `lost` is the device's own count of windows it could not keep.
create table device_progress (
  device hex_id primary key,
  org hex_id not null,
  seqs int8multirange not null,
  lost bigint not null,
  last_received_at timestamptz not null
);

-- Envelopes numbered below the highest one seen that never came.
create function missing_envelopes(seqs int8multirange) returns bigint
language sql immutable strict as $$
  select coalesce(upper(seqs) - 1 - (select sum(upper(part) - lower(part)) from unnest(seqs) as part), 0)::bigint
$$;

-- Of more than `most` ranges the oldest become one: a device that counts wildly cannot fill the table with holes.
create function newest_ranges(seqs int8multirange, most integer) returns int8multirange
language sql immutable strict as $$
  select case when count(*) <= most then seqs
    else seqs + int8multirange(int8range(lower(seqs), (array_agg(upper(part) order by part desc))[most])) end
  from unnest(seqs) as part
$$;

-- When housekeeping was last done: what its clock is held against.
create table housekeeping (
  one boolean primary key default true check (one),
  done_at timestamptz not null
);

grant insert on envelope, quarantine to framekeep_writer;

grant select, update (settled_at) on envelope to framekeep_opener;
grant select, insert on ledger, quarantine to framekeep_opener;
grant select, insert, update (outcome, at) on receipt to framekeep_opener;
grant select, insert, update on person_rollup, device_progress to framekeep_opener;

grant select on person_rollup, device_progress to framekeep_publisher;

grant select on person_rollup, receipt, device_progress to framekeep_person;

grant select, delete on envelope, ledger, person_rollup, receipt, quarantine to framekeep_maintenance;
grant select, insert, update on housekeeping to framekeep_maintenance;
grant execute on function create_envelope_partition, drop_empty_envelope_partitions to framekeep_maintenance;
grant execute on function create_envelope_partition to framekeep_writer;  -- should maintenance ever sleep

do $$
declare
  name text;
begin
  foreach name in array array['person_rollup', 'receipt', 'device_progress'] loop
    execute format('alter table %I enable row level security', name);
    execute format(
      'create policy one_organisation on %I to framekeep_api, framekeep_person
         using (org = current_setting(''framekeep.org'', true))', name);
    execute format(
      'create policy every_organisation on %I
         to framekeep_opener, framekeep_publisher, framekeep_maintenance, framekeep_admin
         using (true) with check (true)', name);
  end loop;
end
$$;

-- A laptop asks about its own person only: whoever else shares the organisation is out of sight.
create policy own_rows on person_rollup as restrictive to framekeep_person
  using (person = current_setting('framekeep.person', true));
create policy own_rows on device as restrictive to framekeep_person
  using (person = current_setting('framekeep.person', true));
create policy own_rows on receipt as restrictive to framekeep_person
  using (device in (select id from device));
create policy own_rows on device_progress as restrictive to framekeep_person
  using (device in (select id from device));
