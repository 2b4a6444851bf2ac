-- Readers add up what has been moved into figure_day and what still waits in figure_delta; one snapshot sees each event in one of them.

-- name: scope_ids
-- Ids behind names; null where there is no such object.
select
  (select p.id from project p where p.space_id = :space_id and p.name = :project::text) as project_id,
  (select b.id from batch b where b.space_id = :space_id and b.name = :batch::text) as batch_id,
  (select m.id from member m where m.account_id = :account_id and lower(m.email) = lower(:contributor::text)) as member_id;

-- name: figures
-- Sums by contributor, project or batch and period, in order of period and name; read.py puts in key, period and filters, so that each question
-- is planned on its own. What no single member did has no contributor.
with grouped as (
  select
    /* period */ as period, f./* key */ as id,
    sum(f.completed)::bigint as completed, sum(f.labels)::bigint as labels, sum(f.label_seconds)::bigint as label_seconds,
    sum(f.rework)::bigint as rework, sum(f.skips)::bigint as skips, sum(f.accepted)::bigint as accepted, sum(f.fixed)::bigint as fixed,
    sum(f.sent_back)::bigint as sent_back, sum(f.reviews)::bigint as reviews, sum(f.review_seconds)::bigint as review_seconds,
    sum(f.evaluations)::bigint as evaluations, sum(f.trainings)::bigint as trainings,
    sum(f.quality_seconds)::bigint as quality_seconds, sum(f.scored)::bigint as scored, sum(f.passed)::bigint as passed,
    sum(f.score_millionths)::bigint as score_millionths, sum(f.trained)::bigint as trained
  from (
    select
      day, /* key */, completed, labels, label_seconds, rework, skips, accepted, fixed, sent_back, reviews, review_seconds, evaluations,
      trainings, quality_seconds, scored, passed, score_millionths, trained
    from figure_day
    where space_id = :space_id and day between :first and :last /* filters */
    union all
    select
      day, /* key */, completed, labels, label_seconds, rework, skips, accepted, fixed, sent_back, reviews, review_seconds, evaluations,
      trainings, quality_seconds, scored, passed, score_millionths, trained
    from figure_delta
    where space_id = :space_id and day between :first and :last /* filters */) f
  group by 1, 2
),
named as (
  select g.*, /* names */
)
select
  n.completed, n.labels, n.label_seconds, n.rework, n.skips, n.accepted, n.fixed, n.sent_back, n.reviews, n.review_seconds,
  n.evaluations, n.trainings, n.quality_seconds, n.scored, n.passed, n.score_millionths, n.trained,
  n.period, n.key, n.name
from named n
/* after */
order by n.period nulls first, n.name collate "C", n.key collate "C"
limit :n

-- name: own_figures
-- Sums of one member over some days.
select
  coalesce(sum(f.completed), 0)::bigint as completed, coalesce(sum(f.labels), 0)::bigint as labels,
  coalesce(sum(f.label_seconds), 0)::bigint as label_seconds, coalesce(sum(f.rework), 0)::bigint as rework,
  coalesce(sum(f.skips), 0)::bigint as skips, coalesce(sum(f.accepted), 0)::bigint as accepted,
  coalesce(sum(f.fixed), 0)::bigint as fixed, coalesce(sum(f.sent_back), 0)::bigint as sent_back,
  coalesce(sum(f.reviews), 0)::bigint as reviews, coalesce(sum(f.review_seconds), 0)::bigint as review_seconds,
  coalesce(sum(f.evaluations), 0)::bigint as evaluations, coalesce(sum(f.trainings), 0)::bigint as trainings,
  coalesce(sum(f.quality_seconds), 0)::bigint as quality_seconds, coalesce(sum(f.scored), 0)::bigint as scored,
  coalesce(sum(f.passed), 0)::bigint as passed, coalesce(sum(f.score_millionths), 0)::bigint as score_millionths,
  coalesce(sum(f.trained), 0)::bigint as trained
from (
  select
    completed, labels, label_seconds, rework, skips, accepted, fixed, sent_back, reviews, review_seconds, evaluations, trainings,
    quality_seconds, scored, passed, score_millionths, trained
  from figure_day
  where space_id = :space_id and member_id = :member_id and day between :first::date and :last::date
  union all
  select
    completed, labels, label_seconds, rework, skips, accepted, fixed, sent_back, reviews, review_seconds, evaluations, trainings,
    quality_seconds, scored, passed, score_millionths, trained
  from figure_delta
  where space_id = :space_id and member_id = :member_id and day between :first::date and :last::date
) f;

-- name: fold
-- Moves some deltas into their days: both in one statement, so none is lost or counted twice. Returns how many.
with taken as (
  delete from figure_delta d
  using (select id from figure_delta order by id limit 5000 for update skip locked) p
  where d.id = p.id
  returning
    d.space_id, d.day, d.member_id, d.project_id, d.batch_id,
    d.completed, d.labels, d.label_seconds, d.rework, d.skips, d.accepted, d.fixed, d.sent_back, d.reviews, d.review_seconds,
    d.evaluations, d.trainings, d.quality_seconds, d.scored, d.passed, d.score_millionths, d.trained
),
moved as (
  insert into figure_day as f (
    space_id, day, member_id, project_id, batch_id,
    completed, labels, label_seconds, rework, skips, accepted, fixed, sent_back, reviews, review_seconds, evaluations, trainings,
    quality_seconds, scored, passed, score_millionths, trained)
  select
    space_id, day, member_id, project_id, batch_id,
    sum(completed), sum(labels), sum(label_seconds), sum(rework), sum(skips), sum(accepted), sum(fixed), sum(sent_back), sum(reviews),
    sum(review_seconds), sum(evaluations), sum(trainings), sum(quality_seconds), sum(scored), sum(passed), sum(score_millionths),
    sum(trained)
  from taken
  group by space_id, day, member_id, project_id, batch_id
  order by space_id, day, member_id, project_id, batch_id
  on conflict (space_id, day, member_id, project_id, batch_id) do update
  set
    completed = f.completed + excluded.completed, labels = f.labels + excluded.labels,
    label_seconds = f.label_seconds + excluded.label_seconds, rework = f.rework + excluded.rework, skips = f.skips + excluded.skips,
    accepted = f.accepted + excluded.accepted, fixed = f.fixed + excluded.fixed, sent_back = f.sent_back + excluded.sent_back,
    reviews = f.reviews + excluded.reviews, review_seconds = f.review_seconds + excluded.review_seconds,
    evaluations = f.evaluations + excluded.evaluations, trainings = f.trainings + excluded.trainings,
    quality_seconds = f.quality_seconds + excluded.quality_seconds, scored = f.scored + excluded.scored,
    passed = f.passed + excluded.passed, score_millionths = f.score_millionths + excluded.score_millionths,
    trained = f.trained + excluded.trained
)
select count(*) from taken;
