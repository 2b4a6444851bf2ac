"""What the figures feature passes around. The fields of `Counted` are the columns of figure_day and figure_delta."""

from __future__ import annotations

from datetime import date
from typing import Literal

from msgspec import Struct

By = Literal["contributor", "project", "batch"]
Every = Literal["total", "day", "week", "month"]


class Counted(Struct, frozen=True):
    """Sums. An event counts on the day (UTC) on which it happened, whatever became of it later, except `completed`.

    completed         tasks that are completed now, on the day of their completion
    labels            answers submitted; `rework` of them answer a task anew that had been sent back
    label_seconds     active seconds of all goes at labeling, submitted or not (review_seconds, quality_seconds likewise)
    skips             work skipped with a reason
    accepted, fixed, sent_back   verdicts of reviewers, counted for the author of the answer
    reviews           verdicts given
    evaluations       evaluation tasks answered; `scored` of them scored, `passed` within the tolerance, score_millionths their sum
    trainings         training tasks answered, `trained` of them passed
    """

    completed: int
    labels: int
    label_seconds: int
    rework: int
    skips: int
    accepted: int
    fixed: int
    sent_back: int
    reviews: int
    review_seconds: int
    evaluations: int
    trainings: int
    quality_seconds: int
    scored: int
    passed: int
    score_millionths: int
    trained: int

    @property
    def evaluation_score(self) -> float | None:
        """Mean score of evaluation tasks in 0..1; None without any."""
        return round(self.score_millionths / self.scored / 1e6, 6) if self.scored else None

    @property
    def acceptance(self) -> float | None:
        """Share of reviewed answers that were accepted as they were; None without reviews."""
        judged = self.accepted + self.fixed + self.sent_back
        return round(self.accepted / judged, 6) if judged else None

    @property
    def active_seconds(self) -> int:
        """All time, whatever it was spent on."""
        return self.label_seconds + self.review_seconds + self.quality_seconds


class FigureRow(Counted, frozen=True):
    """Sums of one contributor, project or batch over one period. `period`: its first day, None for the whole range. `key`: member,
    project or batch id ('' where there is none), `name` their e-mail address or name."""

    period: date | None
    key: str
    name: str


class Wanted(Struct, frozen=True, kw_only=True):
    """Which figures. Days are inclusive, UTC; names narrow."""

    by: By = "contributor"
    every: Every = "total"
    first: date | None = None
    last: date | None = None
    project: str | None = None
    batch: str | None = None
    contributor: str | None = None


class FigureSet(Struct, frozen=True):
    """A page of figures; `next_token` continues after it."""

    rows: list[FigureRow]
    next_token: str | None


class ScopeIds(Struct, frozen=True):
    """Ids behind names; None where there is no such object."""

    project_id: str | None
    batch_id: str | None
    member_id: int | None
