-- What people are told: frozen cohorts, released team blocks, who may read them and who did; and each person's own
-- rights over it: corrections and erasure.
-- The publisher may add released numbers and never change or remove one. The roles that answer people see their
-- organisation only (framekeep.org), managers only what is already shown to them, and a person's requests only that
-- person (framekeep.person).

do $$
begin
  if not exists (select from pg_roles where rolname = 'framekeep_eraser') then
    create role framekeep_eraser login;  -- carries out erasures; reads no measurement
  end if;
end
$$;
grant usage on schema public to framekeep_eraser;

-- A team's month, frozen at its start: the time zone its days follow, and who is counted.
create table cohort_month (
  org hex_id not null references organisation (id),
  team hex_id not null references team (id),
  month date not null check (extract(day from month) = 1),
  time_zone text not null,
  frozen_at timestamptz not null,
  primary key (team, month)
);

create table cohort (
  org hex_id not null,
  person hex_id not null references person (id),
  month date not null,
  team hex_id not null,
  primary key (person, month),  -- one team a person and month: nobody is counted twice
  foreign key (team, month) references cohort_month (team, month)
);
create index on cohort (team, month);

-- A team's day whose numbers are fixed, with or without blocks. Its key makes "once" the database's promise.
create table released_day (
  org hex_id not null references organisation (id),
  team hex_id not null references team (id),
  day date not null,
  time_zone text not null,
  policy text not null,
  k integer not null check (k >= 5),
  suppressed text check (suppressed in ('no_work_hours', 'too_few_people')),
  fixed_at timestamptz not null,   -- the people of the team see it from here on
  shown_at timestamptz not null check (shown_at >= fixed_at),  -- managers see it from here on
  primary key (team, day)
);

-- When the service was up, one row a stretch: after an absence a day waits for what laptops kept back meanwhile.
create table uptime (
  started_at timestamptz primary key,
  last_at timestamptz not null check (last_at >= started_at)
);

-- Percentages are 5, 10 .. 95, where 5 means "5 or less" and 95 "95 or more".
create domain coarse_percent as smallint check (value between 5 and 95 and value % 5 = 0);

create table released_block (
  org hex_id not null references organisation (id),
  team hex_id not null,
  day date not null,
  number smallint not null check (number >= 1),
  starts_at timestamptz not null,
  ends_at timestamptz not null check (ends_at > starts_at),
  seconds integer not null check (seconds > 0 and seconds % 900 = 0),
  at_screen coarse_percent not null,
  looking_away coarse_percent not null,
  on_phone coarse_percent not null,
  absent coarse_percent not null,
  unknown coarse_percent not null,
  coverage coarse_percent not null,
  people text not null check (people in ('5-7', '8-11', '12+')),
  corrected boolean not null,  -- somebody's correction changed it before it was fixed
  shown_at timestamptz not null,
  primary key (team, day, number),
  foreign key (team, day) references released_day (team, day)
);

create table block_annotation (
  org hex_id not null,
  team hex_id not null,
  day date not null,
  number smallint not null,
  note text not null check (length(note) between 1 and 500),
  at timestamptz not null default now(),
  foreign key (team, day, number) references released_block (team, day, number)
);
create index on block_annotation (team, day);

create table block_withdrawal (
  org hex_id not null,
  team hex_id not null,
  day date not null,
  number smallint not null,
  reason text not null check (length(reason) between 1 and 500),
  at timestamptz not null default now(),
  primary key (team, day, number),
  foreign key (team, day, number) references released_block (team, day, number)
);

-- Who may read. `person` is the reader's own entry where the reader is measured too: such a person is in no cohort
-- of a team they may read.
create table manager (
  id hex_id primary key,
  org hex_id not null references organisation (id),
  name text not null check (length(name) between 1 and 200),
  role text not null check (role in ('admin', 'manager', 'auditor')),
  person hex_id references person (id),
  created_at timestamptz not null default now(),
  revoked_at timestamptz
);
create index on manager (org);
create index on manager (person);

create table manager_team (
  org hex_id not null,
  manager hex_id not null references manager (id),
  team hex_id not null references team (id),
  granted_at timestamptz not null default now(),
  primary key (manager, team)
);

-- Tokens given out, by id only: a token itself is never stored.
create table manager_token (
  jti hex_id primary key,
  org hex_id not null,
  manager hex_id not null references manager (id),
  issued_at timestamptz not null default now(),
  expires_at timestamptz not null,
  revoked_at timestamptz
);
create index on manager_token (manager);
create index on manager_token (expires_at);

-- Every read, written before the answer is given. `team` or `person` says about whom, the days which part of it.
create table access_log (
  row bigint generated always as identity primary key,
  org hex_id not null references organisation (id),
  at timestamptz not null default now(),
  reader text not null,        -- manager id, or 'self' for a person's own device
  reader_name text not null,
  action text not null,
  team hex_id,
  person hex_id,
  from_day date,
  to_day date,
  allowed_because text not null
);
create index on access_log (org, at);
create index on access_log (team, at);
create index on access_log (person, at);

-- A person's word against a measurement: whole quarter hours that count as something else. The rollup stays as it is.
create table correction (
  id uuid primary key,
  org hex_id not null references organisation (id),
  person hex_id not null references person (id),
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  counts_as text not null check (counts_as in (
    'at_screen', 'looking_away', 'on_phone', 'absent', 'unknown', 'not_observed')),
  note text not null check (length(note) <= 500),
  made_at timestamptz not null,
  check (starts_at < ends_at and ends_at <= starts_at + interval '25 hours'),
  check (extract(epoch from starts_at)::bigint % 900 = 0 and extract(epoch from ends_at)::bigint % 900 = 0)
);
create index on correction (person, starts_at);

-- An erasure moves through its steps in order; it can be cancelled while it is held.
create table erasure_request (
  id uuid primary key,
  org hex_id not null references organisation (id),
  person hex_id not null,
  requested_at timestamptz not null,
  due_at timestamptz not null,
  step text not null check (step in ('held', 'cancelled', 'revoked', 'drained', 'deleted')),
  stepped_at timestamptz not null,
  removed jsonb not null default '{}'
);
create unique index erasure_one_open on erasure_request (person) where step <> 'cancelled';

-- What was erased stays erased, also after a restore: only the random ids are kept, and only for that.
create table tombstone (
  kind text not null check (kind in ('person', 'device')),
  id hex_id not null,
  org hex_id not null references organisation (id),
  erasure uuid not null,
  at timestamptz not null,
  primary key (kind, id)
);

-- Proof of a finished erasure: how many rows went from which table. Names nobody.
create table erasure_receipt (
  id uuid primary key,
  org hex_id not null references organisation (id),
  requested_at timestamptz not null,
  finished_at timestamptz not null,
  removed jsonb not null
);

-- Whether anything was ever measured in an organisation. Before that, who was in which team may still be set for past
-- months; the administrator's role asks this and sees no measurement.
create function organisation_has_data(wanted text) returns boolean
language sql stable security definer set search_path = public, pg_temp as $$
  select exists (select from cohort_month where org = wanted)
      or exists (select from device_progress where org = wanted)
      or exists (select from device d join envelope e on e.device = d.id where d.org = wanted)
$$;
revoke execute on function organisation_has_data from public;

-- How many envelopes of an organisation came before an instant and still wait for the opener.
create function envelopes_waiting(wanted text, before timestamptz) returns bigint
language sql stable security definer set search_path = public, pg_temp as $$
  select count(*) from envelope where settled_at is null and received_at < before and org = wanted
$$;
revoke execute on function envelopes_waiting from public;

-- What was measured under a policy that allowed reports by name: the only quarter hours of one person the role that
-- answers managers can see, and those of its organisation only. Whoever is being erased is in it no more.
create function individual_rollups(wanted text, first timestamptz, last timestamptz)
returns table (slot timestamptz, at_screen bigint, looking_away bigint, on_phone bigint, absent bigint, unknown bigint)
language sql stable security definer set search_path = public, pg_temp as $$
  select r.slot, sum(r.at_screen), sum(r.looking_away), sum(r.on_phone), sum(r.absent), sum(r.unknown)
  from person_rollup r join policy_terms p on p.org = r.org and p.policy = r.policy and p.individual_reports
  where r.org = current_setting('framekeep.org', true) and r.person = wanted
    and r.slot >= individual_rollups.first and r.slot < individual_rollups.last
    and not exists (select from tombstone t where t.kind = 'person' and t.id = r.person)
  group by r.slot
$$;

-- What the person said of just those quarter hours, in the order they said it.
create function individual_corrections(wanted text, first timestamptz, last timestamptz)
returns table (starts_at timestamptz, ends_at timestamptz, counts_as text)
language sql stable security definer set search_path = public, pg_temp as $$
  select c.starts_at, c.ends_at, c.counts_as from correction c
  where c.org = current_setting('framekeep.org', true) and c.person = wanted
    and exists (select from individual_rollups(wanted, individual_corrections.first, individual_corrections.last) r
                where r.slot >= c.starts_at and r.slot < c.ends_at)
  order by c.made_at, c.id
$$;
revoke execute on function individual_rollups, individual_corrections from public;
grant execute on function individual_rollups, individual_corrections to framekeep_api;

grant select, insert on cohort_month, cohort, released_day, released_block to framekeep_publisher;
grant select on manager, manager_team, correction, tombstone, document to framekeep_publisher;
grant select, insert, update (last_at), delete on uptime to framekeep_publisher;
grant execute on function envelopes_waiting to framekeep_publisher;

grant select on released_day, released_block, block_annotation, block_withdrawal, cohort_month, cohort,
  manager, manager_team, manager_token to framekeep_api;
grant select, insert on access_log to framekeep_api;
grant select on device_progress to framekeep_api;

grant select on released_day, released_block, block_annotation, block_withdrawal, cohort_month, cohort to framekeep_person;
grant select (id, person, created_at, expires_at, used_at) on code to framekeep_person;
grant select, insert on access_log, correction, erasure_request to framekeep_person;
grant update (step, stepped_at) on erasure_request to framekeep_person;

grant select, insert on block_annotation, block_withdrawal, manager_token to framekeep_admin;
grant select, insert, update (name, role, person, revoked_at) on manager to framekeep_admin;
grant select, insert, delete on manager_team to framekeep_admin;
grant update (revoked_at) on manager_token to framekeep_admin;
grant select on released_day, released_block, cohort_month, cohort, erasure_receipt to framekeep_admin;
grant execute on function organisation_has_data to framekeep_admin;

grant select, delete on released_day, released_block, block_annotation, block_withdrawal, cohort, cohort_month,
  access_log, manager_token, correction, erasure_receipt, erasure_request, tombstone to framekeep_maintenance;
-- It also looks, after an erasure, whether anything is left.
grant select (person) on membership, device, manager to framekeep_maintenance;
grant select (id) on person, device, manager to framekeep_maintenance;
grant select (device) on device_progress to framekeep_maintenance;

-- The eraser deletes by person and device, so it may see those columns and no measurement.
grant select, update (step, stepped_at, removed), delete on erasure_request to framekeep_eraser;
grant select, insert on tombstone, erasure_receipt to framekeep_eraser;
grant select (id, org, person), delete on device to framekeep_eraser;
grant select (id), delete on person to framekeep_eraser;
grant select (person), delete on membership, code, cohort, person_rollup, correction to framekeep_eraser;
grant select (device, settled_at), delete on envelope to framekeep_eraser;
grant select (device), delete on quarantine, receipt, device_progress, device_jti to framekeep_eraser;
grant select (device, person), delete on ledger to framekeep_eraser;
grant select (id, person, revoked_at), update (person, name, revoked_at) on manager to framekeep_eraser;
grant select (person, reader), update (person, reader_name) on access_log to framekeep_eraser;

do $$
declare
  name text;
begin
  foreach name in array array['cohort_month', 'cohort', 'released_day', 'released_block', 'block_annotation',
    'block_withdrawal', 'manager', 'manager_team', 'manager_token', 'access_log', 'correction', 'erasure_request',
    'tombstone', 'erasure_receipt'] loop
    execute format('alter table %I enable row level security', name);
    execute format(
      'create policy every_organisation on %I to framekeep_publisher, framekeep_admin, framekeep_maintenance,
         framekeep_eraser using (true) with check (true)', name);
  end loop;
  foreach name in array array['cohort_month', 'cohort', 'block_annotation', 'block_withdrawal', 'manager',
    'manager_team', 'manager_token', 'access_log'] loop
    execute format(
      'create policy one_organisation on %I to framekeep_api, framekeep_person
         using (org = current_setting(''framekeep.org'', true))
         with check (org = current_setting(''framekeep.org'', true))', name);
  end loop;
  foreach name in array array['released_day', 'released_block'] loop
    execute format(
      'create policy shown_to_managers on %I to framekeep_api
         using (org = current_setting(''framekeep.org'', true) and shown_at <= now())', name);
    execute format(
      'create policy fixed_for_the_team on %I to framekeep_person
         using (org = current_setting(''framekeep.org'', true))', name);
  end loop;
  foreach name in array array['correction', 'erasure_request'] loop
    execute format(
      'create policy own_only on %I to framekeep_person
         using (org = current_setting(''framekeep.org'', true)
                and person = current_setting(''framekeep.person'', true))
         with check (org = current_setting(''framekeep.org'', true)
                     and person = current_setting(''framekeep.person'', true))', name);
  end loop;
  -- Tables of earlier migrations let in the roles they knew.
  foreach name in array array['device', 'person', 'membership', 'code', 'person_rollup', 'receipt', 'device_progress'] loop
    execute format('create policy eraser on %I to framekeep_eraser using (true) with check (true)', name);
  end loop;
end
$$;

-- A person sees in which teams they were counted, and who read something about them or about such a team.
create policy own_rows on cohort as restrictive to framekeep_person
  using (person = current_setting('framekeep.person', true));
create policy own_rows on access_log as restrictive for select to framekeep_person
  using (person = current_setting('framekeep.person', true)
         or (person is null and (action = 'devices' or team in (select team from cohort))));
