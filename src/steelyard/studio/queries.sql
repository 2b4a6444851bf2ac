-- Studio: who may work on which projects, groups of people, and the order of batches (platform-api §22).

-- name: assignments
-- Active members with the names of their projects; others only when they have any.
select
  m.email,
  coalesce(array_agg(p.name order by p.name collate "C") filter (where p.id is not null), '{}') as projects
from member m
left join assignment a on a.space_id = :space_id and a.member_id = m.id
left join project p on p.space_id = a.space_id and p.id = a.project_id
where m.account_id = :account_id
group by m.id
having (m.role <> 'disabled' and m.invited_until is null) or count(p.id) > 0
order by m.id;

-- name: members_by_email
-- The members behind some lower-case addresses.
select id, public_id, email, role
from member
where account_id = :account_id and lower(email) = any (:emails::text[])
order by id;

-- name: projects_by_name
-- The projects behind some names.
select id, name
from project
where space_id = :space_id and name = any (:names::text[])
order by id;

-- name: assign
-- Every pair of member and project; those that are there stay.
insert into assignment (space_id, member_id, project_id)
select :space_id, m.id, p.id
from unnest(:member_ids::bigint[]) m (id)
cross join unnest(:project_ids::text[]) p (id)
order by m.id, p.id
on conflict do nothing;

-- name: unassign
-- Takes assignments back, and with them the places in the groups of those projects, which only assigned members may have, and what waits there
-- for those members alone.
with gone as (
  delete from assignment
  where space_id = :space_id and member_id = any (:member_ids::bigint[]) and project_id = any (:project_ids::text[])
  returning member_id, project_id
),
freed as (
  update slot s
  set only_member_id = null, only_until = null
  from gone
  where s.only_member_id = gone.member_id and s.space_id = :space_id and s.project_id = gone.project_id and s.done_at is null
    and s.kind in ('label', 'review') and (s.lease_token is null or s.lease_expires_at <= steelyard.now())
)
delete from work_group_member gm
using gone, work_group g
where gm.space_id = :space_id and gm.member_id = gone.member_id
  and g.space_id = gm.space_id and g.id = gm.group_id and g.project_id = gone.project_id;

-- name: hold_assignments
-- Which of some members are assigned to a project; held so that they stay so until the transaction ends.
select member_id
from assignment
where space_id = :space_id and project_id = :project_id and member_id = any (:member_ids::bigint[])
order by member_id
for share;

-- name: groups
-- The groups of a project, oldest first.
select id, name
from work_group
where space_id = :space_id and project_id = :project_id
order by id;

-- name: group_members
-- Who is in the groups of a project.
select gm.group_id, m.public_id, m.email
from work_group g
join work_group_member gm on gm.space_id = g.space_id and gm.group_id = g.id
join member m on m.id = gm.member_id
where g.space_id = :space_id and g.project_id = :project_id
order by gm.group_id, m.id;

-- name: assigned_members
-- Who is assigned to a project: each is a group of one, too.
select m.id, m.public_id, m.email, m.role
from assignment a
join member m on m.id = a.member_id
where a.space_id = :space_id and a.project_id = :project_id and m.role <> 'disabled'
order by m.id;

-- name: insert_group
-- A new group; breaks work_group_name_unique when the name is taken.
insert into work_group (space_id, id, project_id, name, created_at)
values (:space_id, :id, :project_id, :name, steelyard.now());

-- name: lock_group
-- A group by name, held for a change of its members.
select id, name
from work_group
where space_id = :space_id and project_id = :project_id and name = :name
for no key update;

-- name: add_to_group
-- Adds members; those that are there stay.
insert into work_group_member (space_id, group_id, member_id)
select :space_id, :group_id, m.id
from unnest(:member_ids::bigint[]) m (id)
order by m.id
on conflict do nothing;

-- name: remove_from_group
-- Removes members; those that are not there do not matter.
delete from work_group_member
where space_id = :space_id and group_id = :group_id and member_id = any (:member_ids::bigint[]);

-- name: pending_batches
-- Unfinished batches of studio projects in the order in which they are worked on.
select
  b.id, b.name, b.project_id, p.name as project_name, b.calibration_batch, b.studio_priority,
  coalesce(c.total, 0)::bigint as total, coalesce(c.completed, 0)::bigint as completed,
  array(
    select coalesce(g.name, m.email)
    from batch_group bg
    left join work_group g on g.space_id = bg.space_id and g.id = bg.group_id
    left join member m on m.id = bg.member_id
    where bg.space_id = b.space_id and bg.batch_id = b.id
    order by 1) as groups
from batch b
join project p on p.space_id = b.space_id and p.id = b.project_id
left join lateral (
  select sum(t.n) as total, sum(t.n) filter (where t.status = 'completed') as completed
  from task_count t
  where t.space_id = b.space_id and t.scope = 'b' and t.scope_id = b.id) c on true
where b.space_id = :space_id and p.kind = 'studio' and b.status in ('staging', 'in_progress', 'paused') and not b.archived
order by b.studio_priority nulls last, b.calibration_batch desc, b.id;

-- name: studio_batch
-- One batch of a studio project by name, finished or not.
select
  b.id, b.name, b.project_id, p.name as project_name, b.calibration_batch, b.studio_priority,
  coalesce(c.total, 0)::bigint as total, coalesce(c.completed, 0)::bigint as completed,
  array(
    select coalesce(g.name, m.email)
    from batch_group bg
    left join work_group g on g.space_id = bg.space_id and g.id = bg.group_id
    left join member m on m.id = bg.member_id
    where bg.space_id = b.space_id and bg.batch_id = b.id
    order by 1) as groups
from batch b
join project p on p.space_id = b.space_id and p.id = b.project_id
left join lateral (
  select sum(t.n) as total, sum(t.n) filter (where t.status = 'completed') as completed
  from task_count t
  where t.space_id = b.space_id and t.scope = 'b' and t.scope_id = b.id) c on true
where b.space_id = :space_id and b.name = :name and p.kind = 'studio';

-- name: lock_studio_batch
-- Holds a studio batch for a change of its groups.
select b.id, b.project_id as name
from batch b
join project p on p.space_id = b.space_id and p.id = b.project_id
where b.space_id = :space_id and b.name = :name and p.kind = 'studio'
for no key update of b;

-- name: lock_pending
-- Holds every unfinished studio batch while their order changes; always in this order.
select b.id, b.name
from batch b
join project p on p.space_id = b.space_id and p.id = b.project_id
where b.space_id = :space_id and p.kind = 'studio' and b.status in ('staging', 'in_progress', 'paused') and not b.archived
order by b.id
for no key update of b;

-- name: clear_batch_groups
-- Nobody in particular works on a batch.
delete from batch_group
where space_id = :space_id and batch_id = :batch_id;

-- name: add_batch_groups
-- Groups, and members as groups of one, that work on a batch.
insert into batch_group (space_id, batch_id, group_id, member_id)
select :space_id::bigint, :batch_id::text, g.id, null::bigint from unnest(:group_ids::text[]) g (id)
union all
select :space_id, :batch_id, null, m.id from unnest(:member_ids::bigint[]) m (id);

-- name: set_positions
-- The order of batches, 1 first; position null is the default order.
update batch b
set studio_priority = n.position, updated_at = steelyard.now()
from unnest(:ids::text[], :positions::integer[]) n (id, position)
where b.space_id = :space_id and b.id = n.id and b.studio_priority is distinct from n.position;

-- name: reprioritise_slots
-- Brings the open work of batches into their order. Slots that somebody is just working on are left alone: they are taken anyway, and
-- waiting for them while holding the batches could deadlock.
with held as (
  select s.id, steelyard.slot_priority(t.priority, b.studio_priority, b.calibration_batch) as priority
  from slot s
  join batch b on b.space_id = s.space_id and b.id = s.batch_id
  join task t on t.space_id = s.space_id and t.id = s.task_id
  where s.space_id = :space_id and s.batch_id = any (:batch_ids::text[]) and s.done_at is null
  order by s.id
  for update of s skip locked
)
update slot s
set priority = held.priority
from held
where s.id = held.id and s.priority <> held.priority;
