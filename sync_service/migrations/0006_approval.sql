-- Who may come to stand behind a team's number: an administrator's act waits for another's agreement, somebody new counts
-- after ten active days, and everybody sees who is in their team.

-- What an administrator asked for, and what another one said to it. `person` is, for somebody to be added, the id they
-- will have: whoever is refused never exists.
create table approval (
  id hex_id primary key,  -- made by who asked, so that asking twice is asking once
  org hex_id not null references organisation (id),
  act text not null check (act in ('person_add', 'person_move')),
  person hex_id not null,
  person_name text check (length(person_name) between 1 and 200),
  team hex_id not null references team (id),
  since date check (extract(day from since) = 1),  -- the month asked for, where one may be
  asked_by hex_id references manager (id),  -- null: on the service's own machine, before anything was measured
  asked_at timestamptz not null,
  measured boolean not null,  -- whether the organisation had measurements when it was asked
  decision text check (decision in ('approved', 'refused')),
  decided_by hex_id references manager (id),
  decided_at timestamptz,
  counts_from date,  -- the month the person is a member from, once it is agreed
  check ((act = 'person_add') = (person_name is not null)),
  check ((decision is null) = (decided_at is null)),
  check (counts_from is null or decision = 'approved'),
  -- Once there are measurements, nobody's word is enough by itself, and nobody agrees with themselves.
  check (decision is distinct from 'approved' or not measured
         or (asked_by is not null and decided_by is not null and asked_by <> decided_by))
);
create index on approval (org, asked_at);
create index on approval (person);

-- The first day somebody counted on, having had ten active days before it. Who began to count goes on.
create table counted_person (
  person hex_id primary key references person (id),
  org hex_id not null references organisation (id),
  since date not null
);
-- Whoever was counted before there was such a rule goes on being counted.
insert into counted_person (person, org, since) select person, min(org), min(month) from cohort group by person;

-- The client's own id of the request a code was made for: asking twice makes no second code.
alter table code add column request hex_id;
create unique index code_request on code (org, request);

-- The team of the person who asks (framekeep.person) in a month, or the one they will first be in, and everybody in it:
-- names, since which month, and whether they count. Nothing that was measured.
create function team_members(wanted date)
returns table (team text, team_name text, time_zone text, person text, name text, since date, reads boolean,
  left_out boolean, counts_since date)
language sql stable security definer set search_path = public, pg_temp as $$
  with place as (
    select m.team, t.name, t.time_zone from membership m join team t on t.id = m.team
    where m.org = current_setting('framekeep.org', true) and m.person = current_setting('framekeep.person', true)
    order by m.month > wanted, abs(m.month - wanted) limit 1
  ), candidate as (
    select distinct m.person from membership m join place on place.team = m.team
  ), member as (
    -- their team in that month, or where they come in later, the first time
    select c.person, coalesce(
      (select h.month from (select l.team, l.month from membership l where l.person = c.person and l.month <= wanted
                            order by l.month desc limit 1) h where h.team = (select team from place)),
      (select min(l.month) from membership l where l.person = c.person and l.month > wanted
         and l.team = (select team from place))) as since
    from candidate c
  )
  select place.team::text, place.name, place.time_zone, p.id::text, p.name, member.since,
    exists (select from manager r left join manager_team g on g.manager = r.id and g.team = place.team
            where r.person = p.id and r.revoked_at is null
              and (r.role = 'admin' or (r.role = 'manager' and g.team is not null))),
    member.since <= wanted
      and exists (select from cohort_month f where f.team = place.team and f.month = wanted)
      and not exists (select from cohort f where f.team = place.team and f.month = wanted and f.person = p.id),
    (select k.since from counted_person k where k.person = p.id)
  from member cross join place join person p on p.id = member.person
  where member.since is not null
    and not exists (select from tombstone d where d.kind = 'person' and d.id = p.id)
$$;
revoke execute on function team_members from public;
grant execute on function team_members to framekeep_person;

grant select, insert, update (decision, decided_by, decided_at, counts_from) on approval to framekeep_admin;
grant select on approval to framekeep_person;
grant select, delete on approval to framekeep_maintenance;
grant select (person), delete on approval to framekeep_eraser;
grant select, insert on counted_person to framekeep_publisher;
grant select on counted_person to framekeep_person;
grant select (person) on counted_person to framekeep_maintenance;
grant select (person), delete on counted_person to framekeep_eraser;
-- What an administrator does on the service's own machine is on record like what they do from afar.
grant insert on access_log to framekeep_admin;

alter table approval enable row level security;
alter table counted_person enable row level security;
create policy every_organisation on approval to framekeep_admin, framekeep_maintenance, framekeep_eraser
  using (true) with check (true);
create policy every_organisation on counted_person to framekeep_publisher, framekeep_maintenance, framekeep_eraser
  using (true) with check (true);
-- What was asked for about oneself is one's own to see.
create policy own_only on approval to framekeep_person
  using (org = current_setting('framekeep.org', true) and person = current_setting('framekeep.person', true));
-- When colleagues began to count is told by the month, through team_members; here one's own.
create policy own_only on counted_person to framekeep_person
  using (org = current_setting('framekeep.org', true) and person = current_setting('framekeep.person', true));
