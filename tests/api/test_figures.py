"""Figures: exact after any history, by contributor, project and batch, over time, as JSON and CSV."""

from __future__ import annotations

import csv
import io
import random
from datetime import UTC, datetime

import pytest

from steelyard.figures import queries as figures
from steelyard.figures.model import Counted
from steelyard.jobs import worker
from tests.api.desk import LABELER, MANAGER, claim, do, ok, refused
from tests.api.test_evaluation import RIGHT, WRONG, QualityDesk

# A recount from the source tables, written independently of the triggers: one row a day, member, project and batch.
_RECOUNT = """
with goes as (
  select a.*, s.kind, s.project_id, coalesce(s.batch_id, '') as batch_id, s.round
  from attempt a join slot s on s.id = a.slot_id where a.ended_at is not null
),
part as (
  select (ended_at at time zone 'UTC')::date as day, member_id, project_id,
    case when kind in ('label', 'review') then batch_id else '' end as batch_id,
    0 as completed,
    (kind = 'label' and state in ('submitted', 'withdrawn') and response is not null)::int as labels,
    case when kind = 'label' then active_seconds else 0 end as label_seconds,
    (kind = 'label' and response is not null and exists (
      select 1 from goes b where b.task_id = g.task_id and b.member_id = g.member_id and b.kind = 'label'
        and b.round < g.round and b.response is not null))::int as rework,
    (state = 'skipped')::int as skips, 0 as accepted, 0 as fixed, 0 as sent_back,
    (kind = 'review' and verdict is not null)::int as reviews,
    case when kind = 'review' then active_seconds else 0 end as review_seconds,
    (kind = 'evaluation' and response is not null)::int as evaluations,
    (kind = 'training' and response is not null)::int as trainings,
    case when kind in ('evaluation', 'training') then active_seconds else 0 end as quality_seconds,
    0 as scored, 0 as passed, 0::bigint as score_millionths, 0 as trained
  from goes g
  union all
  select (g.ended_at at time zone 'UTC')::date, v.author_id, g.project_id, g.batch_id, 0, 0, 0, 0, 0,
    (g.verdict = 'accept')::int, (g.verdict = 'fix')::int, (g.verdict = 'send_back')::int, 0, 0, 0, 0, 0, 0, 0, 0, 0
  from goes g
  cross join lateral (
    select author_id from response_version v
    where v.task_id = g.task_id and v.origin in ('labeled', 'merged') and v.created_at <= g.ended_at
    order by version desc limit 1) v
  where g.verdict is not null
  union all
  select (a.created_at at time zone 'UTC')::date, a.member_id, t.project_id, '', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    (t.kind = 'evaluation')::int, (t.kind = 'evaluation' and a.passed)::int,
    case when t.kind = 'evaluation' then round(a.score * 1000000)::bigint else 0 end, (t.kind = 'training' and a.passed)::int
  from quality_attempt a join quality_task t on t.id = a.quality_task_id
  union all
  select (completed_at at time zone 'UTC')::date, 0, coalesce(project_id, ''), coalesce(batch_id, ''), 1,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
  from task where status = 'completed'
)
"""
_NAMES = Counted.__struct_fields__
_SUMS = ", ".join(f"sum({c})::bigint as {c}" for c in _NAMES)
_TAIL = f"select day, member_id, project_id, batch_id, {_SUMS} from part group by 1, 2, 3, 4"
_KEPT = f"""
with part as (
  select day, member_id, project_id, batch_id, {", ".join(_NAMES)} from figure_day
  union all
  select day, member_id, project_id, batch_id, {", ".join(_NAMES)} from figure_delta
)
"""


def _by_place(rows):
    """What is not all zero, by day, member, project and batch."""
    return {tuple(r)[:4]: tuple(r)[4:] for r in rows if any(tuple(r)[4:])}


async def agree(ctx):
    """The aggregates equal the recount."""
    kept = _by_place(await ctx.db.fetch(_KEPT + _TAIL))
    counted = _by_place(await ctx.db.fetch(_RECOUNT + _TAIL))
    assert kept == counted
    return kept


@pytest.fixture
async def desk(ctx, live):
    made = QualityDesk(ctx, live)
    await made.project("cows")
    await made.assign("cows", emails=(LABELER, MANAGER))
    return made


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_the_aggregates_equal_a_recount_after_a_random_history(desk, ctx, live, keys, client_for, seed):
    draw = random.Random(seed)
    await desk.known("evaluation", 3)
    await desk.known("training", 1)
    await desk.workflow(
        evaluation_rate=0.4,
        training_required=1,
        pause_below_bar=False,
        review_stages=[{"sample": 0.7}],
        overlap=seed % 2 + 1,
        skip_limit=2,
    )
    ok(await live.post("/v1/batches", json={"project": "cows", "name": "herd"}))
    people = [client_for(k) for k in (keys.live, keys.manager_live, keys.labeler_live)]
    held, done, accepted = [], [], 0
    for step in range(400):
        if (
            step >= 110 and accepted
        ):  # which tasks are reviewed depends on their ids: now and then none has been yet
            break
        if draw.random() < 0.2:
            more = {"batch": "herd"} if draw.random() < 0.5 else {"project": "cows"}
            await desk.task(**more)
        who = draw.choice(people)
        lease = ok(await claim(who))
        if lease["slot"] is not None:
            held.append((who, lease))
        if held and draw.random() < 0.8:
            who, lease = held.pop(draw.randrange(len(held)))
            seconds = draw.randrange(100)
            verb = draw.choice([*["submit"] * 6, "release", "skip", "lapse"])
            if verb == "lapse":
                await ctx.db.execute(
                    "update slot set lease_expires_at = steelyard.now() where id = $1 and lease_token = $2",
                    lease["slot"]["id"],
                    lease["lease_token"],
                )
            elif verb == "skip":
                ok(await do(who, lease, "skip", reason="unclear", active_seconds=seconds))
            elif verb == "release":
                ok(await do(who, lease, "release"))
            elif lease["stage"] == "review":
                verdict = draw.choice(["accept", "accept", "send_back"])
                accepted += verdict == "accept"
                comments = [{"text": "again"}] if verdict == "send_back" else []
                ok(await do(who, lease, "review", verdict=verdict, comments=comments, active_seconds=seconds))
            else:
                given = draw.choice([RIGHT, WRONG])
                got = ok(await do(who, lease, "submit", response=given, active_seconds=seconds))
                done.append(got["task_id"])
        if step % 10 == 9:
            await desk.drain()
        if step % 25 == 24:
            await figures.fold(ctx.db)
    await desk.drain()
    before = await agree(ctx)
    totals = dict(zip(_NAMES, map(sum, zip(*before.values(), strict=True)), strict=True))
    for name in ("labels", "reviews", "skips", "label_seconds", "completed", "trainings", "accepted"):
        assert totals[name] > 0, name
    while await figures.fold(ctx.db):
        pass
    assert await ctx.db.fetchval("select count(*) from figure_delta") == 0
    assert await agree(ctx) == before


async def test_a_fold_that_fails_half_way_loses_nothing(desk, ctx):
    await desk.completed()
    before = await agree(ctx)
    with pytest.raises(ZeroDivisionError):
        async with ctx.db.tx() as tx:
            assert await figures.fold(tx)
            raise ZeroDivisionError
    assert await ctx.db.fetchval("select count(*) from figure_day") == 0
    assert await agree(ctx) == before
    while await figures.fold(ctx.db):
        pass
    assert await agree(ctx) == before


async def test_leads_see_figures_by_contributor_project_and_batch(desk, live, keys, client_for):
    ok(await live.post("/v1/batches", json={"project": "cows", "name": "herd"}))
    labeler = client_for(keys.labeler_live)
    await desk.workflow(review_stages=[{}])
    await desk.task(batch="herd")
    await desk.task(project="cows")
    for _ in range(2):
        lease = ok(await claim(labeler))
        ok(await do(labeler, lease, "submit", response=RIGHT, active_seconds=40))
    for verdict in ("accept", "send_back"):
        lease = ok(await claim(live))
        comments = [{"text": "again"}] if verdict == "send_back" else []
        ok(await do(live, lease, "review", verdict=verdict, comments=comments, active_seconds=5))
    page = ok(await live.get("/api/figures"))
    rows = {r["name"]: r for r in page["items"]}
    mine = rows[LABELER]
    assert (mine["labels"], mine["label_seconds"], mine["accepted"], mine["sent_back"]) == (2, 80, 1, 1)
    assert (mine["acceptance"], mine["evaluation_score"], mine["period"]) == (0.5, None, None)
    reviewer = next(r for name, r in rows.items() if name != LABELER)
    assert (reviewer["reviews"], reviewer["review_seconds"], reviewer["active_seconds"]) == (2, 10, 10)
    (project,) = ok(await live.get("/api/figures", params={"by": "project"}))["items"]
    assert (project["name"], project["labels"], project["completed"]) == ("cows", 2, 1)
    batches = ok(await live.get("/api/figures", params={"by": "batch", "every": "day"}))["items"]
    assert {b["name"]: b["labels"] for b in batches} == {"": 1, "herd": 1}
    today = datetime.now(UTC).date().isoformat()
    assert {b["period"] for b in batches} == {today}
    assert ok(await live.get("/api/figures", params={"to": "2020-01-01"}))["items"] == []
    narrowed = ok(await live.get("/api/figures", params={"batch": "herd", "from": today}))["items"]
    assert {r["name"]: r["labels"] for r in narrowed}[LABELER] == 1
    first = ok(await live.get("/api/figures", params={"limit": 1}))
    rest = ok(await live.get("/api/figures", params={"limit": 5, "next_token": first["next_token"]}))
    assert first["items"] + rest["items"] == page["items"]

    file = await live.get("/api/figures.csv", params={"by": "contributor"})
    assert file.headers["content-type"] == "text/csv; charset=utf-8"
    table = list(csv.DictReader(io.StringIO(file.text)))
    assert [t["name"] for t in table] == [r["name"] for r in page["items"]]
    assert {t["name"]: (t["labels"], t["acceptance"]) for t in table}[LABELER] == ("2", "0.5")

    own = ok(await labeler.get("/api/figures/me"))
    assert (own["labels"], own["accepted"], own["active_seconds"]) == (2, 1, 80)
    refused(await labeler.get("/api/figures"), 403, "forbidden")
    for bad in ({"by": "x"}, {"every": "x"}, {"from": "x"}, {"from": "2026-02-01", "to": "2026-01-01"}):
        refused(await live.get("/api/figures", params=bad), 400, "invalid-request")
    refused(await live.get("/api/figures", params={"project": "x"}), 404, "not-found")


async def test_own_figures_do_not_tell_which_task_was_an_evaluation_task(desk, ctx, keys, client_for):
    labeler = client_for(keys.labeler_live)
    await desk.known("evaluation", 2)
    await desk.workflow(evaluation_rate=0.5)
    for _ in range(6):
        await desk.task(project="cows")
    kinds = []
    for n in range(1, 7):
        lease = ok(await claim(labeler))
        kinds.append(await desk.kind(lease))
        ok(await do(labeler, lease, "submit", response=RIGHT, active_seconds=10))
        await desk.drain()
        own = ok(await labeler.get("/api/figures/me"))
        assert (own["labels"], own["label_seconds"], own["active_seconds"]) == (n, 10 * n, 10 * n)
        assert (own["evaluations"], own["evaluation_score"], own["quality_seconds"]) == (0, None, 0)
    assert "evaluation" in kinds
    for table in ("figure_day", "figure_delta"):
        await ctx.db.execute(f"update {table} set day = day - 1")
    own = ok(await labeler.get("/api/figures/me"))
    assert own["evaluation_score"] == 1


async def test_a_recalled_task_is_completed_no_more(desk, ctx):
    task_id = await desk.completed()
    assert (await agree(ctx)) != {}
    await ctx.db.execute(
        "update task set status = 'pending', stage = 'queued', completed_at = null where id = $1", task_id
    )
    kept = await agree(ctx)
    assert sum(v[_NAMES.index("completed")] for v in kept.values()) == 0


async def test_the_worker_folds(desk, ctx):
    from steelyard.jobs import queries as jobs

    await desk.completed()
    await ctx.db.execute("delete from job")
    await jobs.seed_periodic(ctx.db, kinds=["fold_figures"])
    assert await worker.drain(ctx) == 1
    assert await ctx.db.fetchval("select count(*) from figure_delta") == 0
    await agree(ctx)
