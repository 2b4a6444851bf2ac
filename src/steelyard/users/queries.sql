-- Accounts, their two spaces, members, API keys and browser sessions.

-- name: create_account
-- A new account; breaks account_name_unique when the name is taken.
insert into account (name)
values (:name)
returning id, name, created_at;

-- name: create_space
-- One of the two spaces of a new account.
insert into space (account_id, mode, callback_auth_key)
values (:account_id, :mode, :callback_auth_key)
returning id;

-- name: accounts
-- Every account with its spaces, oldest first.
select a.id, a.name, a.created_at, l.id as live_space_id, t.id as test_space_id
from account a
join space l on l.account_id = a.id and l.mode = 'live'
join space t on t.account_id = a.id and t.mode = 'test'
order by a.id;

-- name: account_by_name
-- One account by its exact name.
select a.id, a.name, a.created_at, l.id as live_space_id, t.id as test_space_id
from account a
join space l on l.account_id = a.id and l.mode = 'live'
join space t on t.account_id = a.id and t.mode = 'test'
where a.name = :name;

-- name: account_by_id
-- One account by its id.
select a.id, a.name, a.created_at, l.id as live_space_id, t.id as test_space_id
from account a
join space l on l.account_id = a.id and l.mode = 'live'
join space t on t.account_id = a.id and t.mode = 'test'
where a.id = :account_id;

-- name: any_account
-- Whether this installation has been set up.
select exists (select from account);

-- name: lock_bootstrap
-- One process at a time sets up an empty installation; held until the transaction ends.
select pg_advisory_xact_lock(90021347);

-- name: create_member
-- A new member; breaks member_email_unique or member_one_admin.
insert into member (public_id, account_id, email, role, first_name, last_name, password_hash, invited_until, kind)
values (:public_id, :account_id, :email, :role, :first_name, :last_name, :password_hash, :invited_until, :kind)
returning
  id, public_id, account_id, email, role, company, first_name, last_name, disable_rapid_emails, invited_until, created_at,
  updated_at, kind;

-- name: members
-- Everybody of an account, whoever came first first.
select
  id, public_id, account_id, email, role, company, first_name, last_name, disable_rapid_emails, invited_until, created_at,
  updated_at, kind
from member
where account_id = :account_id
order by id;

-- name: member_by_email
-- One member of an account; e-mail addresses ignore case.
select
  id, public_id, account_id, email, role, company, first_name, last_name, disable_rapid_emails, invited_until, created_at,
  updated_at, kind
from member
where account_id = :account_id and lower(email) = lower(:email);

-- name: account_admin
-- The one admin of an account.
select
  id, public_id, account_id, email, role, company, first_name, last_name, disable_rapid_emails, invited_until, created_at,
  updated_at, kind
from member
where account_id = :account_id and role = 'admin';

-- name: team
-- The teammates as the wire shows them: the end of an invitation only while it is open.
select
  email, role, company, first_name, last_name, disable_rapid_emails,
  case when invited_until > steelyard.now() then invited_until end as open_until
from member
where account_id = :account_id
order by id;

-- name: lock_members_by_email
-- Addresses with their members, locked in order of id so that two role changes cannot deadlock.
select id, lower(email) as email, role, invited_until is not null as invited
from member
where account_id = :account_id and lower(email) = any (:emails::text[])
order by id
for update;

-- name: set_roles
-- The new role of some members; never the admin's.
update member
set role = :role, updated_at = steelyard.now()
where account_id = :account_id and id = any (:ids::bigint[]) and role <> 'admin';

-- name: invite
-- Adds addresses with an invitation of 24 hours; a lapsed invitation is renewed with the new role, teammates stay as they are.
insert into member (public_id, account_id, email, role, invited_until)
select n.public_id, :account_id, n.email, :role, steelyard.now() + interval '24 hours'
from unnest(:public_ids::text[], :emails::text[]) n (public_id, email)
on conflict (account_id, lower(email)) do update
set role = excluded.role, invited_until = excluded.invited_until, updated_at = steelyard.now()
where member.invited_until <= steelyard.now() and member.role not in ('admin', 'disabled')
returning id, email;

-- name: set_password
-- A new password; whoever has one has accepted the invitation.
update member
set password_hash = :password_hash, invited_until = null, updated_at = steelyard.now()
where account_id = :account_id and id = :member_id;

-- name: rehash_password
-- The same password hashed with today's parameters, unless it was changed meanwhile.
update member
set password_hash = :password_hash
where id = :member_id and password_hash = :old_hash;

-- name: login_candidates
-- Members who could sign in with an address; the same address may belong to several accounts.
select m.id, m.account_id, m.email, m.role, m.password_hash
from member m
join account a on a.id = m.account_id
where lower(m.email) = lower(:email)
  and m.role <> 'disabled'
  and m.password_hash is not null
  and m.kind = 'human'
  and (:account::text is null or a.name = :account)
order by m.id
limit 5;

-- name: create_key
-- Stores a key's hash.
insert into api_key (space_id, member_id, hint, sha256, expires_at, name, scope)
values (:space_id, :member_id, :hint, :sha256, :expires_at, :name, :scope)
returning id;

-- name: keys
-- The keys of an account, revoked ones included, oldest first.
select
  k.id, s.mode, m.email, m.role, k.hint, k.created_at, k.expires_at, k.revoked_at, k.last_used_at,
  k.name, k.scope, m.public_id as member_public_id
from api_key k
join space s on s.id = k.space_id
join member m on m.id = k.member_id
where s.account_id = :account_id
order by k.id;

-- name: revoke_key
-- Ends a key; the account guards against ids of others.
update api_key k
set revoked_at = steelyard.now()
from space s
where s.id = k.space_id and s.account_id = :account_id and k.id = :key_id and k.revoked_at is null
returning k.hint;

-- name: key_exists
-- Whether an account has this key, revoked or not.
select exists (
  select from api_key k join space s on s.id = k.space_id
  where s.account_id = :account_id and k.id = :key_id);

-- name: actor_by_key
-- Who calls with a key: valid, not revoked, not expired, the member not disabled. `stale`: its last use should be noted.
select
  k.id as key_id, s.id as space_id, s.account_id, s.mode, m.id as member_id, m.email, m.role,
  k.last_used_at is null or k.last_used_at < steelyard.now() - interval '1 minute' as stale, k.scope
from api_key k
join space s on s.id = k.space_id
join member m on m.id = k.member_id
where k.sha256 = :sha256
  and k.revoked_at is null
  and (k.expires_at is null or k.expires_at > steelyard.now())
  and m.role <> 'disabled';

-- name: touch_key
-- Notes a key's use at most once a minute, never waiting for another process that does the same.
update api_key
set last_used_at = steelyard.now()
where id = (
  select id from api_key
  where id = :key_id and (last_used_at is null or last_used_at < steelyard.now() - interval '1 minute')
  for update skip locked);

-- name: create_session
-- A browser's session; old ones of the same member are swept along.
with swept as (
  delete from session where member_id = :member_id and expires_at <= steelyard.now()
)
insert into session (token_sha256, member_id, csrf_token, expires_at)
values (:token_sha256, :member_id, :csrf_token, steelyard.now() + :lasts::interval)
returning expires_at;

-- name: actor_by_session
-- Who calls with a session: the member, in one of the spaces of the account. `renew`: a day of its seven has passed.
select
  s.csrf_token, s.expires_at, sp.id as space_id, m.account_id, m.id as member_id, m.email, m.role,
  s.expires_at < steelyard.now() + interval '6 days' as renew
from session s
join member m on m.id = s.member_id
join space sp on sp.account_id = m.account_id and sp.mode = :mode
where s.token_sha256 = :token_sha256 and s.expires_at > steelyard.now() and m.role <> 'disabled';

-- name: renew_session
-- A session used after a day starts its time again, up to a last end; the seconds left. No row: it gained nothing, or is over.
update session
set expires_at = least(steelyard.now() + :lasts::interval, created_at + :ends::interval)
where token_sha256 = :token_sha256 and expires_at > steelyard.now() and expires_at < created_at + :ends::interval
returning extract(epoch from expires_at - steelyard.now())::integer;

-- name: end_session
-- Signs one browser out.
delete from session where token_sha256 = :token_sha256;

-- name: end_sessions_of
-- Signs a member out everywhere.
delete from session where member_id = :member_id;

-- name: record_act
-- One administrative act.
insert into audit_log (account_id, at, actor, action, detail)
values (:account_id, steelyard.now(), :actor, :action, :detail);

-- name: spaces_of_account
-- What is set for each mode of an account.
select mode, callback_auth_key, default_callback_url, secure_result_urls
from space
where account_id = :account_id
order by mode

-- name: set_space
-- Changes what is given; an empty callback URL removes the default.
update space
set default_callback_url = nullif(coalesce(:callback_url::text, default_callback_url), ''),
  secure_result_urls = coalesce(:secure_result_urls::boolean, secure_result_urls),
  callback_auth_key = coalesce(:callback_auth_key::text, callback_auth_key)
where account_id = :account_id and mode = :mode
