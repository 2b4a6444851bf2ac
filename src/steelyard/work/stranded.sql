-- name: stranded_reviews
-- Reviews that nobody may do, by project and stage: everybody who reviews has labeled the task or passed an earlier stage, or is gone. No
-- space: of the whole installation. `most`: of so many that wait, null of all.
select p.name as project, s.step::integer as stage, count(*)::integer as tasks, min(s.task_id) as example
from (
  select space_id, project_id, task_id, step, only_member_id, only_until
  from slot
  where (:space_id::bigint is null or space_id = :space_id) and lane in ('review', 'escalated', 'own') and kind = 'review'
    and done_at is null and claimable and lease_token is null
  limit :most::integer) s
join space sp on sp.id = s.space_id
left join project p on p.space_id = s.space_id and p.id = s.project_id
where not exists (
    select from member m
    where m.account_id = sp.account_id and m.role in ('admin', 'manager', 'member') and m.kind = 'human' and m.invited_until is null
      and (s.only_member_id is null or s.only_member_id = m.id or s.only_until is not null)
      and not exists (
        select from member_project_state g
        where g.space_id = s.space_id and g.member_id = m.id and g.project_id = s.project_id and g.state = 'paused')
      and not exists (
        select from attempt a
        join slot o on o.id = a.slot_id
        where a.space_id = s.space_id and a.task_id = s.task_id and a.member_id = m.id and a.state = 'submitted' and o.step < s.step))
group by p.name, s.step
order by p.name nulls first, s.step;

-- name: stranded_turns
-- Turns of tasks in stages that are for somebody who did none before and for which there is nobody: everybody who labels there did one.
select p.name as project, count(*)::integer as tasks, min(s.task_id) as example
from slot s
join space sp on sp.id = s.space_id
left join project p on p.space_id = s.space_id and p.id = s.project_id
where (:space_id::bigint is null or s.space_id = :space_id) and s.lane in ('label', 'escalated') and s.kind = 'label'
  and s.avoid_until = 'infinity' and s.done_at is null and s.claimable and s.lease_token is null
  and not exists (
    select from member m
    where m.account_id = sp.account_id and m.role <> 'disabled' and m.kind = 'human' and m.invited_until is null
      and (m.role <> 'labeler' or exists (
        select from assignment a where a.space_id = s.space_id and a.member_id = m.id and a.project_id = s.project_id))
      and not exists (
        select from member_project_state g
        where g.space_id = s.space_id and g.member_id = m.id and g.project_id = s.project_id and g.state = 'paused')
      and not exists (
        select from attempt a
        join slot o on o.id = a.slot_id
        where a.space_id = s.space_id and a.task_id = s.task_id and a.member_id = m.id and o.step = s.step
          and a.state in ('submitted', 'withdrawn')))
group by p.name
order by p.name nulls first;

-- name: too_few_people
-- Projects with open work whose tasks want more people than may label there, with how many tasks are open (up to 1000) and one of them.
select p.name as project, w.wanted, w.people::integer as people, o.tasks::integer as tasks, o.example
from project p
join space sp on sp.id = p.space_id
join project_workflow f on f.space_id = p.space_id and f.project_id = p.id
cross join lateral (
  select coalesce((f.settings ->> 'overlap')::integer, 1) as wanted, (
    select count(*)
    from member m
    where m.account_id = sp.account_id and m.role <> 'disabled' and m.invited_until is null
      and (m.kind = 'human' or f.settings -> 'prelabel' ->> 'wait_seconds' is null or (f.settings -> 'prelabel' ->> 'models_vote')::boolean)
      and (m.role <> 'labeler' or exists (
        select from assignment a where a.space_id = p.space_id and a.member_id = m.id and a.project_id = p.id))
      and not exists (
        select from member_project_state g
        where g.space_id = p.space_id and g.member_id = m.id and g.project_id = p.id and g.state = 'paused')) as people) w
cross join lateral (
  select count(*) as tasks, min(x.task_id) as example
  from (
    select s.task_id from slot s
    where s.space_id = p.space_id and s.project_id = p.id and s.lane = 'label' and s.done_at is null and s.claimable
      and s.lease_token is null
    limit 1000) x) o
where (:space_id::bigint is null or p.space_id = :space_id) and w.people < w.wanted and o.tasks > 0
order by p.name;
