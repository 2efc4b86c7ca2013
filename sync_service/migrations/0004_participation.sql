-- What a person sees and says on their own laptop: whether it takes part at all, in which role somebody read, and
-- whether their word came in time.

-- A laptop's last word on whether its person takes part. A day and no time, and no reason: why somebody declines, and
-- when, is nobody's business. No row: it has not said.
create table participation (
  device hex_id primary key,
  org hex_id not null references organisation (id),
  participating boolean not null,
  since date not null  -- UTC; the day this answer was first given
);

grant select, insert, update (participating, since) on participation to framekeep_person;
grant select on participation to framekeep_api, framekeep_admin;
grant select (device) on participation to framekeep_maintenance;
grant select (device), delete on participation to framekeep_eraser;

alter table participation enable row level security;
create policy every_organisation on participation to framekeep_admin, framekeep_maintenance, framekeep_eraser
  using (true) with check (true);
create policy one_organisation on participation for select to framekeep_api
  using (org = current_setting('framekeep.org', true));
-- The laptops a person sees are their own.
create policy own_only on participation to framekeep_person
  using (org = current_setting('framekeep.org', true) and device in (select id from device))
  with check (org = current_setting('framekeep.org', true) and device in (select id from device));

-- The reader's role when they read; null where a person's own laptop asked, and in older entries.
alter table access_log add column reader_role text check (reader_role in ('admin', 'manager', 'auditor'));

-- Whether a correction came before the day it is about was fixed, decided under the lock that fixes days.
alter table correction add column in_time boolean;
update correction k set in_time = not exists (
  select from cohort c join released_day d on d.team = c.team and date_trunc('month', d.day)::date = c.month
  where c.person = k.person and d.fixed_at <= k.made_at
    and k.starts_at >= d.day::timestamp at time zone d.time_zone
    and k.starts_at < (d.day + 1)::timestamp at time zone d.time_zone);
alter table correction alter column in_time set not null;
