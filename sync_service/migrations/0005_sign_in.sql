-- Signing in with the organisation's own identity provider (OpenID Connect), and readers that are programs: they may
-- read one thing.

alter table manager drop constraint manager_role_check;
alter table manager add constraint manager_role_check check (role in ('admin', 'manager', 'auditor', 'integration'));
-- The one thing an integration may read; nobody else has a scope.
alter table manager add column scope text
  check (scope in ('team_summary', 'access_log', 'devices', 'alerts'));
alter table manager add constraint manager_scope_of_integration check ((role = 'integration') = (scope is not null));

alter table access_log drop constraint access_log_reader_role_check;
alter table access_log add constraint access_log_reader_role_check
  check (reader_role in ('admin', 'manager', 'auditor', 'integration'));
-- The scope of the token a program read with.
alter table access_log add column reader_scope text;

-- An organisation's identity provider. One client id belongs to one organisation, so that a token names exactly one.
-- `claim`: where it is given, tokens must carry it with this value (`hd` of a Google domain, `tid` of an Entra tenant).
create table sign_in (
  org hex_id primary key references organisation (id),
  issuer text not null check (length(issuer) between 1 and 500),
  client_id text not null check (length(client_id) between 1 and 500),
  claim text check (length(claim) between 1 and 100),
  claim_value text check (length(claim_value) between 1 and 500),
  set_at timestamptz not null,
  unique (issuer, client_id),
  check ((claim is null) = (claim_value is null))
);

-- Which account at the provider is which reader, as an administrator said beforehand: by the provider's own id of the
-- account (`subject`), or by a verified e-mail address until the first sign-in fills the subject in. Addresses are
-- given to others in time; subjects never are.
create table reader_identity (
  manager hex_id primary key references manager (id),
  org hex_id not null references organisation (id),
  issuer text not null check (length(issuer) between 1 and 500),
  subject text check (length(subject) between 1 and 255),
  email text check (length(email) between 3 and 320 and email = lower(email)),
  added_at timestamptz not null,
  check (subject is not null or email is not null),
  unique (org, issuer, subject),
  unique (org, issuer, email)
);

grant select on sign_in, reader_identity to framekeep_api;
grant update (subject) on reader_identity to framekeep_api;
grant select, insert, update, delete on sign_in, reader_identity to framekeep_admin;
grant select (manager), delete on reader_identity to framekeep_eraser;
grant select (manager), delete on reader_identity to framekeep_maintenance;
grant select (revoked_at) on manager to framekeep_maintenance;

alter table sign_in enable row level security;
alter table reader_identity enable row level security;
create policy every_organisation on sign_in to framekeep_admin using (true) with check (true);
-- Where to sign in is told to everybody who asks, before anybody has said who they are.
create policy told_to_everybody on sign_in for select to framekeep_api using (true);
create policy every_organisation on reader_identity to framekeep_admin, framekeep_eraser, framekeep_maintenance
  using (true) with check (true);
create policy one_organisation on reader_identity to framekeep_api
  using (org = current_setting('framekeep.org', true))
  with check (org = current_setting('framekeep.org', true));
-- Those who answer requests may tie an account once and never to another.
create policy tied_once on reader_identity as restrictive for update to framekeep_api
  using (subject is null) with check (subject is not null);
