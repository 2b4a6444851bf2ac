"""Figures of contributors, projects and batches over time, as JSON or CSV."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, get_args

from msgspec import Meta, Struct, field

from steelyard import figures
from steelyard.errors import parameter
from steelyard.http.route import LEAD, WORKER, Call, Reply, Routes

routes = Routes("api", "Figures")

_Day = Annotated[str, Meta(description="A day such as 2026-03-14, UTC, inclusive.")]


class FigureQuery(Struct, kw_only=True):
    """Which figures; names narrow them."""

    by: Annotated[str, Meta(description="contributor, project or batch.")] = "contributor"
    every: Annotated[str, Meta(description="total, day, week or month.")] = "total"
    first: _Day | None = field(default=None, name="from")
    last: _Day | None = field(default=None, name="to")
    project: str | None = None
    batch: str | None = None
    contributor: Annotated[str, Meta(description="An e-mail address.")] | None = None
    limit: Annotated[int, Meta(ge=1, le=10_000)] = 1000
    next_token: str | None = None


class OwnFigureQuery(Struct, kw_only=True):
    """Which days."""

    first: _Day | None = field(default=None, name="from")
    last: _Day | None = field(default=None, name="to")


class Figures(Struct, kw_only=True):
    """Sums. `evaluation_score`: mean in 0..1; `acceptance`: share of reviewed answers accepted as they were; null without any."""

    labels: int
    rework: int
    skips: int
    reviews: int
    accepted: int
    fixed: int
    sent_back: int
    acceptance: float | None
    evaluations: int
    evaluations_scored: int
    evaluations_passed: int
    evaluation_score: float | None
    trainings: int
    trainings_passed: int
    label_seconds: int
    review_seconds: int
    quality_seconds: int
    active_seconds: int


class FigureItem(Figures, kw_only=True):
    """Sums of one contributor, project or batch. `period`: the first day of a day, week or month; null for the whole range. `id` is ""
    for work that has no project or batch."""

    period: str | None
    id: str
    name: str
    completed: Annotated[int, Meta(description="Tasks completed; by project and batch only.")]


class FigurePage(Struct, kw_only=True):
    """Figures in order of period and name."""

    items: list[FigureItem]
    next_token: str | None


def _values(row: figures.Counted) -> dict[str, Any]:
    return {
        "labels": row.labels,
        "rework": row.rework,
        "skips": row.skips,
        "reviews": row.reviews,
        "accepted": row.accepted,
        "fixed": row.fixed,
        "sent_back": row.sent_back,
        "acceptance": row.acceptance,
        "evaluations": row.evaluations,
        "evaluations_scored": row.scored,
        "evaluations_passed": row.passed,
        "evaluation_score": row.evaluation_score,
        "trainings": row.trainings,
        "trainings_passed": row.trained,
        "label_seconds": row.label_seconds,
        "review_seconds": row.review_seconds,
        "quality_seconds": row.quality_seconds,
        "active_seconds": row.active_seconds,
    }


def _day(text: str | None, name: str) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise parameter(name, "must be a day such as 2026-03-14") from None


def _one_of(text: str, name: str, options: tuple[str, ...]) -> Any:
    if text not in options:
        raise parameter(name, f"must be one of {', '.join(options)}")
    return text


async def _found(call: Call) -> figures.FigureSet:
    asked: FigureQuery = call.query
    wanted = figures.Wanted(
        by=_one_of(asked.by, "by", get_args(figures.By)),
        every=_one_of(asked.every, "every", get_args(figures.Every)),
        first=_day(asked.first, "from"),
        last=_day(asked.last, "to"),
        project=asked.project,
        batch=asked.batch,
        contributor=asked.contributor,
    )
    return await figures.figures(call.ctx, call.actor, wanted, limit=asked.limit, next_token=asked.next_token)


@routes.get("/api/figures", query=FigureQuery, response=FigurePage, access=LEAD, errors=(400, 404))
async def get_figures(call: Call) -> FigurePage:
    """Figures by contributor, project or batch"""
    found = await _found(call)
    items = [
        FigureItem(
            period=None if row.period is None else row.period.isoformat(),
            id=row.key,
            name=row.name,
            completed=row.completed,
            **_values(row),
        )
        for row in found.rows
    ]
    return FigurePage(items=items, next_token=found.next_token)


@routes.get("/api/figures.csv", query=FigureQuery, access=LEAD, content_type="text/csv", errors=(400, 404))
async def get_figures_csv(call: Call) -> Reply:
    """The same figures as a CSV file

    Up to `limit` rows; the header `X-Next-Token` says where more follow.
    """
    found = await _found(call)
    headers = [("Content-Disposition", 'attachment; filename="figures.csv"')]
    if found.next_token is not None:
        headers.append(("X-Next-Token", found.next_token))
    body = figures.csv_of(found.rows)
    return Reply(body, content_type="text/csv; charset=utf-8", headers=headers)


@routes.get("/api/figures/me", query=OwnFigureQuery, response=Figures, access=WORKER, errors=(400,))
async def get_own_figures(call: Call) -> Figures:
    """My own figures

    Results of evaluation tasks appear on the following day (UTC).
    """
    first, last = _day(call.query.first, "from"), _day(call.query.last, "to")
    row = await figures.own_figures(call.ctx, call.actor, first, last)
    return Figures(**_values(row))
