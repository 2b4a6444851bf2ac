-- Models label before people do; what is done again goes to others first.
alter table slot drop constraint slot_kind_known;
alter table slot add constraint slot_kind_known check (kind in ('label', 'review', 'prelabel', 'evaluation', 'training'));
alter table slot add column avoid_until timestamptz;
alter table slot alter column lane set expression as (case
  when only_member_id is not null then 'own' when kind = 'prelabel' then 'prelabel' when escalated then 'escalated'
  when kind = 'review' then 'review' else 'label' end);
create index slot_prelabel on slot (only_until) where kind = 'prelabel' and done_at is null;

create or replace function steelyard.figure_attempt() returns trigger
  language plpgsql as $$
declare
  slot steelyard.slot;
  author bigint;
begin
  select s.* into slot from steelyard.slot s where s.id = new.slot_id;
  if slot.kind in ('label', 'prelabel') then
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
