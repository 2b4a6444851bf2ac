-- Administration of an account: members, links, audit log, first admin, health.

-- name: people
-- Members of an account in order of id from after one on, filtered by role and by a part of name or address.
select
  m.id, m.public_id, m.email, m.role, m.kind, m.first_name, m.last_name, m.former_role,
  case when m.invited_until > steelyard.now() then m.invited_until end as open_until,
  m.invited_until is not null as invited,
  m.created_at,
  greatest(
    (select max(k.last_used_at) from api_key k where k.member_id = m.id),
    (select max(s.created_at) from session s where s.member_id = m.id),
    (select a.claimed_at from attempt a where a.member_id = m.id order by a.claimed_at desc limit 1)) as last_seen_at,
  (select count(*)::integer from (
    select from attempt a
    join slot s on s.id = a.slot_id and s.lease_token = a.lease_token
    where a.member_id = m.id and a.state = 'open' and a.claimed_at > steelyard.now() - interval '30 days'
      and s.done_at is null and s.lease_expires_at > steelyard.now()) held) as open_leases,
  (select count(*)::integer from assignment g where g.member_id = m.id) as projects
from member m
where m.account_id = :account_id
  and m.id > :after::bigint
  and (:public_id::text is null or m.public_id = :public_id)
  and (:role::text is null or m.role = :role)
  and (:search::text is null
    or position(lower(:search) in lower(concat_ws(' ', m.first_name, m.last_name, m.email))) > 0)
order by m.id
limit :most::integer;

-- name: count_people
-- How many the same filters find in all.
select count(*)
from member m
where m.account_id = :account_id
  and (:role::text is null or m.role = :role)
  and (:search::text is null
    or position(lower(:search) in lower(concat_ws(' ', m.first_name, m.last_name, m.email))) > 0);

-- name: lock_person
-- One member by the wire's id, held against other changes.
select id, email, role, kind, former_role, invited_until is not null as invited
from member
where account_id = :account_id and public_id = :public_id
for no key update;

-- name: change_role
-- A new role; never to or from admin.
update member
set role = :role, former_role = null, updated_at = steelyard.now()
where account_id = :account_id and id = :member_id and role not in ('admin', 'disabled');

-- name: disable
-- Ends a membership: what the member was is kept to become it again.
update member
set role = 'disabled', former_role = role, updated_at = steelyard.now()
where account_id = :account_id and id = :member_id and role not in ('admin', 'disabled');

-- name: enable
-- A disabled member is what it was before, or a labeler.
update member
set role = coalesce(former_role, 'labeler'), former_role = null, updated_at = steelyard.now()
where account_id = :account_id and id = :member_id and role = 'disabled';

-- name: end_sessions
-- Signs a member out everywhere, but for one browser if it is named.
delete from session
where member_id = :member_id and (:but::bytea is null or token_sha256 <> :but);

-- name: revoke_keys
-- Ends every key of a member.
update api_key set revoked_at = steelyard.now() where member_id = :member_id and revoked_at is null;

-- name: add_link
-- A link by which a password can be set; those that have run out go.
with swept as (
  delete from member_link where member_id = :member_id and expires_at <= steelyard.now()
)
insert into member_link (token_sha256, member_id, purpose, expires_at)
values (:token_sha256, :member_id, :purpose, steelyard.now() + :lasts::interval)
returning expires_at;

-- name: link
-- Whom a link is for, while it is good.
select
  l.member_id, m.account_id, a.name as account, m.email, m.role, l.purpose, m.first_name, m.last_name, l.expires_at
from member_link l
join member m on m.id = l.member_id
join account a on a.id = m.account_id
where l.token_sha256 = :token_sha256 and l.expires_at > steelyard.now() and m.role <> 'disabled' and m.kind = 'human';

-- name: take_link
-- Uses a link up; no row: somebody was faster, or it has run out.
delete from member_link
where token_sha256 = :token_sha256 and expires_at > steelyard.now()
returning member_id;

-- name: drop_links
-- The other links of a member.
delete from member_link where member_id = :member_id;

-- name: set_names
-- Names that somebody gives when accepting an invitation.
update member
set first_name = coalesce(:first_name::text, first_name), last_name = coalesce(:last_name::text, last_name)
where id = :member_id;

-- name: renew_invitation
-- Opens a lapsed invitation for another day, with the role given; no row for somebody who joined already.
update member
set invited_until = steelyard.now() + interval '24 hours', updated_at = steelyard.now()
where account_id = :account_id and id = :member_id and invited_until is not null and password_hash is null
returning id;

-- name: password_of
-- The password's hash of a member.
select password_hash from member where id = :member_id;

-- name: forgot
-- Members with this address who sign in with a password.
select id from member
where lower(email) = lower(:email) and role <> 'disabled' and kind = 'human' and password_hash is not null
limit 5;

-- name: mail_to
-- Whom a link is to be mailed to, if still wanted.
select
  m.email, a.name as account, m.account_id, case when m.password_hash is null then 'invite' else 'reset' end as purpose
from member m
join account a on a.id = m.account_id
where m.id = :member_id and m.role <> 'disabled' and m.kind = 'human';

-- name: audit_log
-- Administrative acts, newest first, from before one on.
select id, at, actor, action, detail::text as detail
from audit_log
where account_id = :account_id
  and (:before_at::timestamptz is null or (at, id) < (:before_at::timestamptz, :before_id::bigint))
  and (:actor::text is null or lower(actor) = lower(:actor))
  and (:action::text is null or action = :action or starts_with(action, :action || '.'))
order by at desc, id desc
limit :most::integer;

-- name: set_setup_token
-- The one secret for the first admin; an older one ends.
insert into setup_token (token_sha256)
values (:token_sha256)
on conflict (one) do update set token_sha256 = excluded.token_sha256, created_at = steelyard.now();

-- name: setup_token
-- The secret's hash.
select token_sha256 from setup_token;

-- name: drop_setup_token
-- The first admin exists.
delete from setup_token;

-- name: processes
-- Processes that reported lately.
select id, kind, started_at, seen_at
from process
where seen_at > steelyard.now() - interval '10 minutes'
order by kind, started_at;

-- name: job_counts
-- Work for later: waiting, a minute late or more, given up.
select
  count(*) filter (where failed_at is null)::integer as waiting,
  count(*) filter (where failed_at is null and run_at < steelyard.now() - interval '1 minute')::integer as late,
  count(*) filter (where failed_at is not null)::integer as failed
from job;

-- name: dead_letters
-- Callbacks of a space that were given up or have nowhere to go; counted to a thousand.
select count(*)::integer
from (
  select from callback_event
  where space_id = :space_id and state in ('failed', 'undeliverable')
  limit 1000) dead;

-- name: failed_jobs
-- Jobs of an account's spaces that were given up, newest first. Which space a job is for stands in its arguments.
select id, kind, attempts, left(last_error, 2000) as last_error, failed_at, created_at
from job
where failed_at is not null
  and (
    args->>'space_id' in (select id::text from space where account_id = :account_id)
    or exists (
      select from callback_event e
      join space s on s.id = e.space_id
      where e.id = (args->>'event_id')::bigint and s.account_id = :account_id)
    or exists (
      select from member m where m.id = (args->>'member_id')::bigint and m.account_id = :account_id))
order by failed_at desc
limit 100;

-- name: retry_job
-- A job that was given up runs again, if it is the account's.
update job
set failed_at = null, attempts = 0, run_at = steelyard.now()
where id = :job_id and failed_at is not null
  and (
    args->>'space_id' in (select id::text from space where account_id = :account_id)
    or exists (
      select from callback_event e
      join space s on s.id = e.space_id
      where e.id = (args->>'event_id')::bigint and s.account_id = :account_id)
    or exists (
      select from member m where m.id = (args->>'member_id')::bigint and m.account_id = :account_id))
returning kind;

-- name: database_state
-- The server's version and how much the database takes.
select current_setting('server_version') as version, pg_database_size(current_database()) as size_bytes;

-- name: hotkeys
-- The keys that a member has given to commands.
select hotkeys::text
from member
where id = :member_id;

-- name: set_hotkeys
-- Replaces them.
update member
set hotkeys = :hotkeys::json
where id = :member_id;

-- name: space_settings
-- What is set for one space.
select mode, callback_auth_key, default_callback_url, secure_result_urls
from space
where id = :space_id;

-- name: lock_identity
-- One sign-in of an identity at a time; held until the transaction ends.
select pg_advisory_xact_lock(hashtextextended(:subject, 4711));

-- name: members_of_identity
-- Members that an identity was linked to.
select m.id, m.account_id, m.email, m.role
from member_identity i
join member m on m.id = i.member_id
where i.issuer = :issuer and i.subject = :subject
order by m.id;

-- name: members_to_link
-- Members with an address whose invitation, if they have not joined yet, is still open; disabled ones too, lest they join anew.
select id, account_id, email, role
from member
where lower(email) = lower(:email) and kind = 'human' and (invited_until is null or invited_until > steelyard.now())
order by id;

-- name: link_identity
-- Remembers who a member is at the provider.
insert into member_identity (issuer, subject, member_id)
values (:issuer, :subject, :member_id)
on conflict do nothing;

-- name: accept_by_identity
-- Whoever signs in has accepted the invitation; names are taken where there are none.
update member
set invited_until = null, first_name = coalesce(first_name, :first_name::text), last_name = coalesce(last_name, :last_name::text)
where id = :member_id and role <> 'disabled';
