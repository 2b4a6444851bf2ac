-- name: server_version
-- The server's version, as a number: 180004.
select current_setting('server_version_num')::int;

-- name: table_exists
-- Whether this schema's table is there.
select to_regclass('steelyard.' || :name::text) is not null;

-- name: count_accounts
-- How many accounts there are.
select count(*) from steelyard.account;

-- name: applied_migrations
-- Names of the migrations applied.
select name from steelyard.migration order by name;

-- name: failed_jobs
-- Jobs that used up their tries, by kind, with the newest one's error.
select kind, count(*) as jobs, (array_agg(last_error order by id desc))[1] as last_error
from steelyard.job
where failed_at is not null
group by kind
order by kind;

-- name: late_jobs
-- Jobs that should have begun more than :late_s ago, by queue.
select queue, count(*) as jobs, extract(epoch from steelyard.now() - min(run_at))::float8 as oldest_s
from steelyard.job
where failed_at is null and run_at < steelyard.now() - make_interval(secs => :late_s)
group by queue
order by queue;

-- name: seen_processes
-- Processes that reported within the last :within_s, by kind.
select kind, count(*) as processes
from steelyard.process
where seen_at > steelyard.now() - make_interval(secs => :within_s)
group by kind
order by kind;

-- name: blocked_callbacks
-- Receivers refused for their address in the last day: in how many events, and one of them.
select count(distinct a.event_id) as events, max(e.target) as target
from steelyard.callback_attempt a
join steelyard.callback_event e on e.id = a.event_id
where a.error = 'blocked_address' and a.at > steelyard.now() - interval '1 day';

-- name: failed_callbacks
-- Events that were given up or never could be delivered, of the last week.
select state, count(*) as events
from steelyard.callback_event
where state in ('failed', 'undeliverable') and created_at > steelyard.now() - interval '7 days'
group by state
order by state;
