-- Known-answer tasks that are shown to people, and figures as maintained aggregates.
alter table quality_task
  add column state text not null default 'ready' constraint quality_task_state_known check (state in ('preparing', 'ready', 'failed')),
  add column error text,
  add column source_task_id text collate "C",
  add column created_by text,
  add column archived_at timestamptz;
create index quality_task_by_project on quality_task (space_id, project_id, kind, id);
alter table quality_attempt
  add column attempt_id bigint constraint quality_attempt_scored_once unique,
  add column detail json;
create index quality_attempt_by_member on quality_attempt (space_id, member_id, id);

-- A quality task as one member is shown it: under an id of its own, `document` being the task object. `task_id` is also its slot's and drafts'.
create table quality_offer (
  space_id bigint not null,
  task_id text collate "C" not null,
  quality_task_id text collate "C" not null,
  member_id bigint not null,
  kind text not null,
  type text not null,
  document json not null,
  created_at timestamptz not null,
  constraint quality_offer_pk primary key (space_id, task_id)
);
create unique index quality_offer_evaluated_once on quality_offer (space_id, member_id, quality_task_id) where kind = 'evaluation';
create index quality_offer_by_member on quality_offer (space_id, member_id, quality_task_id);

-- How many pieces of labeling work a member has claimed in a project, up to which attempt: decides when an evaluation task is due.
create table quality_turn (
  space_id bigint not null,
  member_id bigint not null,
  project_id text collate "C" not null,
  turn bigint not null,
  last_attempt_id bigint not null,
  constraint quality_turn_pk primary key (space_id, member_id, project_id)
) with (fillfactor = 70);

-- What people did, by day (UTC), member, project and batch ('' is none; member 0: what no single member did). Kept by the triggers below, in
-- the transactions that change the sources: they add rows to figure_delta, which nobody waits for; a job moves those into figure_day, and
-- readers add up both. What each column counts: figures/model.py.
create table figure_day (
  space_id bigint not null,
  day date not null,
  member_id bigint not null,
  project_id text collate "C" not null,
  batch_id text collate "C" not null,
  completed bigint not null default 0,
  labels bigint not null default 0,
  label_seconds bigint not null default 0,
  rework bigint not null default 0,
  skips bigint not null default 0,
  accepted bigint not null default 0,
  fixed bigint not null default 0,
  sent_back bigint not null default 0,
  reviews bigint not null default 0,
  review_seconds bigint not null default 0,
  evaluations bigint not null default 0,
  trainings bigint not null default 0,
  quality_seconds bigint not null default 0,
  scored bigint not null default 0,
  passed bigint not null default 0,
  score_millionths bigint not null default 0,
  trained bigint not null default 0,
  constraint figure_day_pk primary key (space_id, day, member_id, project_id, batch_id)
) with (fillfactor = 80);
create index figure_day_by_member on figure_day (space_id, member_id, day);

create table figure_delta (
  id bigint generated always as identity constraint figure_delta_pk primary key,
  space_id bigint not null,
  day date not null,
  member_id bigint not null,
  project_id text collate "C" not null,
  batch_id text collate "C" not null,
  completed bigint not null default 0,
  labels bigint not null default 0,
  label_seconds bigint not null default 0,
  rework bigint not null default 0,
  skips bigint not null default 0,
  accepted bigint not null default 0,
  fixed bigint not null default 0,
  sent_back bigint not null default 0,
  reviews bigint not null default 0,
  review_seconds bigint not null default 0,
  evaluations bigint not null default 0,
  trainings bigint not null default 0,
  quality_seconds bigint not null default 0,
  scored bigint not null default 0,
  passed bigint not null default 0,
  score_millionths bigint not null default 0,
  trained bigint not null default 0
) with (autovacuum_vacuum_scale_factor = 0.05);

create function steelyard.utc_day(t timestamptz) returns date
  language sql immutable strict parallel safe
  return (t at time zone 'UTC')::date;

-- A go at a slot has ended: its time, and what came of it. A verdict goes to the author of the answer that was reviewed.
create function steelyard.figure_attempt() returns trigger
  language plpgsql as $$
declare
  slot steelyard.slot;
  author bigint;
begin
  select s.* into slot from steelyard.slot s where s.id = new.slot_id;
  if slot.kind = 'label' then
    insert into steelyard.figure_delta (space_id, day, member_id, project_id, batch_id, labels, label_seconds, rework, skips)
    values (
      new.space_id, steelyard.utc_day(new.ended_at), new.member_id, slot.project_id, coalesce(slot.batch_id, ''),
      (new.state = 'submitted')::int, new.active_seconds,
      (new.state = 'submitted' and slot.round > 0 and exists (
        select from steelyard.attempt a
        join steelyard.slot o on o.id = a.slot_id
        where a.space_id = new.space_id and a.task_id = new.task_id and a.member_id = new.member_id and a.ended_at is not null
          and a.id < new.id and o.kind = 'label' and o.round < slot.round and a.response is not null))::int,
      (new.state = 'skipped')::int);
  elsif slot.kind = 'review' then
    insert into steelyard.figure_delta (space_id, day, member_id, project_id, batch_id, reviews, review_seconds, skips)
    values (
      new.space_id, steelyard.utc_day(new.ended_at), new.member_id, slot.project_id, coalesce(slot.batch_id, ''),
      (new.state = 'submitted')::int, new.active_seconds, (new.state = 'skipped')::int);
    if new.state = 'submitted' and new.verdict is not null then
      select v.author_id into author
      from steelyard.response_version v
      where v.space_id = new.space_id and v.task_id = new.task_id and v.origin in ('labeled', 'merged') and v.created_at <= new.ended_at
      order by v.version desc
      limit 1;
      insert into steelyard.figure_delta (space_id, day, member_id, project_id, batch_id, accepted, fixed, sent_back)
      values (
        new.space_id, steelyard.utc_day(new.ended_at), coalesce(author, 0), slot.project_id, coalesce(slot.batch_id, ''),
        (new.verdict = 'accept')::int, (new.verdict = 'fix')::int, (new.verdict = 'send_back')::int);
    end if;
  elsif slot.kind in ('evaluation', 'training') then
    insert into steelyard.figure_delta (space_id, day, member_id, project_id, batch_id, evaluations, trainings, quality_seconds, skips)
    values (
      new.space_id, steelyard.utc_day(new.ended_at), new.member_id, slot.project_id, '',
      (new.state = 'submitted' and slot.kind = 'evaluation')::int, (new.state = 'submitted' and slot.kind = 'training')::int,
      new.active_seconds, (new.state = 'skipped')::int);
  end if;
  return null;
end
$$;
create trigger attempt_figures after update of state on attempt
  for each row when (old.state = 'open' and new.state <> 'open')
  execute function steelyard.figure_attempt();

-- A go at a quality task was scored.
create function steelyard.figure_score() returns trigger
  language plpgsql as $$
begin
  insert into steelyard.figure_delta (space_id, day, member_id, project_id, batch_id, scored, passed, score_millionths, trained)
  select
    new.space_id, steelyard.utc_day(new.created_at), new.member_id, q.project_id, '',
    (q.kind = 'evaluation')::int, (q.kind = 'evaluation' and new.passed)::int,
    case when q.kind = 'evaluation' then round(new.score * 1e6)::bigint else 0 end, (q.kind = 'training' and new.passed)::int
  from steelyard.quality_task q
  where q.space_id = new.space_id and q.id = new.quality_task_id;
  return null;
end
$$;
create trigger quality_attempt_figures after insert on quality_attempt
  for each row execute function steelyard.figure_score();

-- A task became completed, or is completed no more.
create function steelyard.figure_task() returns trigger
  language plpgsql as $$
begin
  if tg_op = 'UPDATE' and old.status = 'completed' then
    insert into steelyard.figure_delta (space_id, day, member_id, project_id, batch_id, completed)
    values (old.space_id, steelyard.utc_day(old.completed_at), 0, coalesce(old.project_id, ''), coalesce(old.batch_id, ''), -1);
  end if;
  if new.status = 'completed' then
    insert into steelyard.figure_delta (space_id, day, member_id, project_id, batch_id, completed)
    values (new.space_id, steelyard.utc_day(new.completed_at), 0, coalesce(new.project_id, ''), coalesce(new.batch_id, ''), 1);
  end if;
  return null;
end
$$;
create trigger task_figures_born after insert on task
  for each row when (new.status = 'completed')
  execute function steelyard.figure_task();
create trigger task_figures after update of status, completed_at on task
  for each row when (
    (old.status = 'completed') <> (new.status = 'completed')
    or (new.status = 'completed' and old.completed_at is distinct from new.completed_at))
  execute function steelyard.figure_task();

-- What there was before.
insert into figure_day (space_id, day, member_id, project_id, batch_id, labels, label_seconds)
select a.space_id, steelyard.utc_day(a.ended_at), a.member_id, s.project_id, coalesce(s.batch_id, ''),
  count(*) filter (where a.state = 'submitted'), sum(a.active_seconds)
from attempt a
join slot s on s.id = a.slot_id
where a.ended_at is not null
group by 1, 2, 3, 4, 5;
insert into figure_day (space_id, day, member_id, project_id, batch_id, completed)
select space_id, steelyard.utc_day(completed_at), 0, coalesce(project_id, ''), coalesce(batch_id, ''), count(*)
from task
where status = 'completed'
group by 1, 2, 4, 5;
