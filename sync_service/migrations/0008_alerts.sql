-- Alerts: what somebody who runs the service should look at, to whom it is sent, and what is still to be sent.
-- Days and no times of day wherever laptops are concerned: when a laptop fell silent or came back is nobody's business.

do $$
begin
  if not exists (select from pg_roles where rolname = 'framekeep_alerts') then
    create role framekeep_alerts login;  -- looks at the service's health and sends alerts; reads no measurement
  end if;
end
$$;
grant usage on schema public to framekeep_alerts;

-- Which version of the program a laptop's newest envelope (by number) came from, and since which day (UTC).
create table device_agent (
  device hex_id primary key,
  org hex_id not null,
  version text not null check (version ~ '^[0-9A-Za-z.+-]{1,32}$'),
  seq bigint not null,
  since date not null
);

-- Where alerts go. A channel is an administrator's: when their account ends, so do its alerts.
create table alert_channel (
  id hex_id primary key,
  org hex_id not null references organisation (id),
  reader hex_id not null references manager (id),
  kind text not null check (kind in ('email', 'webhook')),
  target text not null check (length(target) between 3 and 500),
  secret text check (length(secret) >= 32),    -- signs what a webhook gets; only the sender may read it
  allow_private boolean not null default false,
  created_on date not null,
  check ((kind = 'webhook') = (secret is not null))
);
create index on alert_channel (org);
create index on alert_channel (reader);

-- The mail server alerts by e-mail go through.
create table alert_mail (
  org hex_id primary key references organisation (id),
  host text not null check (length(host) between 1 and 253),
  port integer not null check (port between 1 and 65535),
  security text not null check (security in ('starttls', 'tls', 'none')),
  username text,
  password text,
  sender text not null check (length(sender) between 3 and 320),
  check ((username is null) = (password is null))
);

-- What an organisation changed about a rule. No row: as shipped.
create table alert_setting (
  org hex_id not null references organisation (id),
  rule text not null check (rule ~ '^[a-z_]{1,40}$'),
  enabled boolean not null default true,
  at_least integer check (at_least >= 1),
  oldest_agent text check (oldest_agent ~ '^[0-9]{1,6}(\.[0-9]{1,6}){0,2}$'),
  primary key (org, rule)
);

-- `subject` is a team, a channel, a kind of document, or nothing: never a person or a laptop.
create table alert (
  id hex_id primary key,
  row bigint generated always as identity unique,
  org hex_id not null references organisation (id),
  rule text not null check (rule ~ '^[a-z_]{1,40}$'),
  subject text not null default '' check (length(subject) <= 40),
  team hex_id references team (id),
  from_day date,                -- the released days it is about, where it is about a team's numbers
  to_day date,
  message text not null,
  raised_on date not null,
  resolved_on date
);
create unique index alert_open_once on alert (org, rule, subject) where resolved_on is null;
create index alert_newest on alert (org, row desc);

-- The day (UTC) on which what concerns laptops was last looked at: once a day, so that nobody learns the hour.
create table alert_look (
  org hex_id primary key references organisation (id),
  day date not null
);

-- What is sent, byte for byte, written in the transaction that raises or resolves: a crash loses none. `id` goes with
-- every attempt, so that a receiver can drop what it has seen.
create table alert_delivery (
  id uuid primary key,
  org hex_id not null references organisation (id),
  alert hex_id references alert (id) on delete cascade,   -- null: a test message
  channel hex_id not null references alert_channel (id) on delete cascade,
  event text not null check (event in ('raised', 'resolved', 'test')),
  body text not null,
  created_at timestamptz not null,
  next_at timestamptz not null,
  attempts integer not null default 0,
  state text not null default 'waiting' check (state in ('waiting', 'delivered', 'given_up')),
  last_error text check (length(last_error) <= 200),
  settled_at timestamptz,
  check ((state = 'waiting') = (settled_at is null)),
  unique (alert, channel, event)
);
create index alert_delivery_due on alert_delivery (next_at) where state = 'waiting';
create index on alert_delivery (channel);

-- How long sealed rows have waited for the opener, by organisation: no device, no content.
create function opening_backlog() returns table (org text, oldest bigint, waiting bigint)
language sql stable security definer set search_path = public, pg_temp as $$
  select e.org::text, extract(epoch from min(e.received_at))::bigint, count(*) from envelope e
  where e.settled_at is null group by e.org
$$;

-- How much was set aside since an instant, by organisation.
create function quarantined_since(since timestamptz) returns table (org text, n bigint)
language sql stable security definer set search_path = public, pg_temp as $$
  select q.org::text, count(*) from quarantine q where q.at >= since group by q.org
$$;
revoke execute on function opening_backlog, quarantined_since from public;
grant execute on function opening_backlog, quarantined_since to framekeep_alerts;

grant select on organisation, team, membership, document, participation, released_day, released_block, block_withdrawal,
  uptime, device_agent, alert_channel, alert_mail, alert_setting, alert_look, alert, alert_delivery to framekeep_alerts;
grant select (id, org, person, enrolled_at, revoked_at) on device to framekeep_alerts;
grant select (device, org, last_received_at) on device_progress to framekeep_alerts;
grant select (id, org, role, revoked_at) on manager to framekeep_alerts;
grant insert, update (resolved_on) on alert to framekeep_alerts;
grant insert, update (next_at, attempts, state, last_error, settled_at) on alert_delivery to framekeep_alerts;
grant insert, update (day) on alert_look to framekeep_alerts;

grant select, insert, update on device_agent to framekeep_opener;
grant select (device, org, version, since) on device_agent to framekeep_api, framekeep_person, framekeep_admin;

grant select (id, org, reader, kind, target, allow_private, created_on), insert, delete on alert_channel to framekeep_admin;
grant select (org, host, port, security, username, sender), insert, delete on alert_mail to framekeep_admin;
grant select, insert, update (enabled, at_least, oldest_agent) on alert_setting to framekeep_admin;
grant select on alert to framekeep_admin, framekeep_api;
grant select, insert on alert_delivery to framekeep_admin;
grant select (org, alert, event, state) on alert_delivery to framekeep_api;

grant select (device) on device_agent to framekeep_maintenance;
grant select (reader) on alert_channel to framekeep_maintenance;
grant select, delete on alert, alert_delivery to framekeep_maintenance;
grant select (device), delete on device_agent to framekeep_eraser;
grant select (reader), delete on alert_channel to framekeep_eraser;

do $$
declare
  name text;
  own_column text;
begin
  foreach name in array array['device_agent', 'alert_channel', 'alert_mail', 'alert_setting', 'alert_look', 'alert',
    'alert_delivery'] loop
    execute format('alter table %I enable row level security', name);
    execute format(
      'create policy every_organisation on %I to framekeep_alerts, framekeep_opener, framekeep_admin,
         framekeep_maintenance, framekeep_eraser using (true) with check (true)', name);
  end loop;
  foreach name in array array['device_agent', 'alert', 'alert_delivery'] loop
    execute format(
      'create policy one_organisation on %I for select to framekeep_api
         using (org = current_setting(''framekeep.org'', true))', name);
  end loop;
  -- Tables of earlier migrations let in the roles they knew.
  foreach name in array array['organisation', 'team', 'membership', 'document', 'device', 'device_progress',
    'participation', 'released_day', 'released_block', 'block_withdrawal', 'manager'] loop
    execute format('create policy alerts on %I for select to framekeep_alerts using (true)', name);
  end loop;
end
$$;

-- The laptops a person sees are their own.
create policy own_only on device_agent for select to framekeep_person
  using (org = current_setting('framekeep.org', true) and device in (select id from device));
