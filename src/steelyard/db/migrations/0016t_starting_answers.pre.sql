-- What people start from where a task's type makes that itself (cuboids seen in camera images): an answer, its files in `result_file`.
create table starting_answer (
  space_id bigint not null,
  task_id text collate "C" not null,
  response json not null,
  constraint starting_answer_pk primary key (space_id, task_id)
);
