-- One function says what holds for every task: PostgreSQL reads each check constraint from its stored text anew for every statement.
create function steelyard.task_is_sound(
  status text, stage text, priority smallint, customer_review_status text, completed_at timestamptz, answered boolean) returns boolean
  language plpgsql immutable parallel safe as $$
begin
  return status = coalesce(
      case
        when stage in ('preparing', 'queued', 'labeling', 'review_queued', 'reviewing') then 'pending'
        when stage in ('completed', 'canceled', 'error') then stage
      end, '')
    and priority between 10 and 30
    and (customer_review_status is null or customer_review_status in ('accepted', 'fixed', 'commented', 'rejected'))
    and (status <> 'completed' or (completed_at is not null and answered));
end
$$;
alter table task
  drop constraint task_status_known, drop constraint task_stage_known, drop constraint task_priority_range, drop constraint task_review_known,
  drop constraint task_completed_has_time, drop constraint task_stage_agrees,
  add constraint task_is_sound check (
    steelyard.task_is_sound(status, stage, priority, customer_review_status, completed_at, response is not null));
drop trigger task_figures_born on task;
create trigger task_figures_born after insert on task
  for each row when (new.completed_at is not null)
  execute function steelyard.figure_task();
