-- Who is who: organisations, teams, people, devices, one-time codes, signed documents, seal keys (public halves),
-- and one PostgreSQL role per function. Ids are 32 lowercase hexadecimal digits; times are timestamptz.
-- Every table carries `org`, and row-level security keeps the roles that answer people inside one organisation:
-- they see rows of current_setting('framekeep.org') only, and none when it is not set.

-- Roles belong to the whole server, databases come and go: a role may be there already.
do $$
declare
  name text;
begin
  foreach name in array array[
    'framekeep_ingest',      -- looks up devices and current documents, remembers spent tokens
    'framekeep_enroll',      -- turns a one-time code into a device
    'framekeep_writer',      -- INSERT of sealed rows, nothing else
    'framekeep_opener',      -- opens sealed rows into rollups; the only one beside the private seal keys
    'framekeep_publisher',   -- turns rollups into released blocks
    'framekeep_api',         -- answers managers: released blocks only
    'framekeep_person',      -- answers a device about its own person
    'framekeep_admin',       -- organisations, teams, people, codes, documents; no measurement at all
    'framekeep_maintenance'  -- partitions and retention
  ] loop
    if not exists (select from pg_roles where rolname = name) then
      execute format('create role %I login', name);
    end if;
  end loop;
end
$$;

revoke all on schema public from public;
grant usage on schema public to
  framekeep_ingest, framekeep_enroll, framekeep_writer, framekeep_opener, framekeep_publisher,
  framekeep_api, framekeep_person, framekeep_admin, framekeep_maintenance;

create domain hex_id as text check (value ~ '^[0-9a-f]{32}$');

create table organisation (
  id hex_id primary key,
  name text not null check (length(name) between 1 and 200),
  root_public bytea not null check (length(root_public) = 32),
  created_at timestamptz not null default now()
);

create table team (
  id hex_id primary key,
  org hex_id not null references organisation (id),
  name text not null check (length(name) between 1 and 200),
  time_zone text not null check (length(time_zone) between 1 and 64),
  created_at timestamptz not null default now(),
  unique (org, name)
);

create table person (
  id hex_id primary key,
  org hex_id not null references organisation (id),
  name text not null check (length(name) between 1 and 200),
  created_at timestamptz not null default now()
);
create index on person (org);

-- One team a person and calendar month, in that team's time zone; `month` is the month's first day.
create table membership (
  org hex_id not null references organisation (id),
  person hex_id not null references person (id),
  month date not null check (extract(day from month) = 1),
  team hex_id not null references team (id),
  primary key (person, month)
);
create index on membership (team, month);

create table device (
  id hex_id primary key,
  org hex_id not null references organisation (id),
  person hex_id not null references person (id),
  public bytea not null check (length(public) = 32),
  enrolled_at timestamptz not null default now(),
  revoked_at timestamptz
);
create index on device (person);

-- One-time enrolment codes: only a hash of the secret is here. `answer` is what the device was told, so that
-- the same code and key before expiry get the same answer.
create table code (
  id hex_id primary key,
  org hex_id not null references organisation (id),
  person hex_id not null references person (id),
  secret_hash bytea not null check (length(secret_hash) = 32),
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  used_at timestamptz,
  device_public bytea check (length(device_public) = 32),
  answer bytea,
  check ((used_at is null) = (device_public is null))
);

-- Signed documents, byte for byte as signed.
create table document (
  org hex_id not null references organisation (id),
  type text not null check (type in ('keyset', 'policy', 'agreement', 'root')),
  seq bigint not null check (seq > 0),
  body bytea not null,
  published_at timestamptz not null default now(),
  primary key (org, type, seq)
);

-- What the numbers need to know of a policy that windows name by its id.
create table policy_terms (
  org hex_id not null references organisation (id),
  policy text not null check (policy ~ '^p-[0-9]{1,9}$'),
  seq bigint not null,
  individual_reports boolean not null,
  k integer not null check (k >= 5),
  primary key (org, policy)
);

create table seal_key (
  id hex_id primary key,
  org hex_id not null references organisation (id),
  suite smallint not null check (suite in (1, 2)),
  public bytea not null,
  created_at timestamptz not null default now(),
  seal_until timestamptz not null,
  open_until timestamptz not null,
  destroyed_at timestamptz,
  check (seal_until <= open_until)
);
create index on seal_key (org);

create table device_jti (
  device hex_id not null,
  jti text not null check (length(jti) between 1 and 64),
  expires_at timestamptz not null,
  primary key (device, jti)
);
create index on device_jti (expires_at);

grant select on device, document, organisation to framekeep_ingest;
grant select, insert, delete on device_jti to framekeep_ingest;

grant select, insert on device to framekeep_enroll;
grant select, update (used_at, device_public, answer) on code to framekeep_enroll;
grant select on organisation, document to framekeep_enroll;

grant select on organisation, device, policy_terms to framekeep_opener;
grant select, update (destroyed_at) on seal_key to framekeep_opener;  -- it holds the private halves

grant select on organisation, team, person, membership, device, policy_terms to framekeep_publisher;

grant select on organisation, team, person, membership, document, policy_terms to framekeep_api;
grant select (id, org, person, enrolled_at, revoked_at) on device to framekeep_api;

grant select on organisation, team, person, membership, document, policy_terms to framekeep_person;
grant select (id, org, person, enrolled_at, revoked_at) on device to framekeep_person;

grant select, insert, update, delete on organisation, team, person, membership, code, seal_key to framekeep_admin;
grant select, insert on document to framekeep_admin;
grant select, insert on policy_terms to framekeep_admin;
grant select, insert, update (revoked_at) on device to framekeep_admin;

grant select, delete on device_jti, code to framekeep_maintenance;
grant select on organisation, policy_terms to framekeep_maintenance;

-- Roles that answer a person or a manager see one organisation. The pipeline's roles work for all of them.
do $$
declare
  name text;
  own_column text;
begin
  foreach name in array array['organisation', 'team', 'person', 'membership', 'device', 'code', 'document', 'policy_terms', 'seal_key'] loop
    own_column := case name when 'organisation' then 'id' else 'org' end;
    execute format('alter table %I enable row level security', name);
    execute format(
      'create policy one_organisation on %I to framekeep_api, framekeep_person
         using (%I = current_setting(''framekeep.org'', true))
         with check (%I = current_setting(''framekeep.org'', true))',
      name, own_column, own_column);
    execute format(
      'create policy every_organisation on %I
         to framekeep_ingest, framekeep_enroll, framekeep_opener, framekeep_publisher, framekeep_admin, framekeep_maintenance
         using (true) with check (true)',
      name);
  end loop;
end
$$;

-- A laptop asks about its own person only: colleagues are out of sight.
create policy own_rows on person as restrictive to framekeep_person
  using (id = current_setting('framekeep.person', true));
create policy own_rows on membership as restrictive to framekeep_person
  using (person = current_setting('framekeep.person', true));
create policy own_rows on code as restrictive to framekeep_person
  using (person = current_setting('framekeep.person', true));
