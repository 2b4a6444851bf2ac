"""Reading figures, as rows or as CSV."""

from __future__ import annotations

import base64
import binascii
import csv
import io
from datetime import date, timedelta
from functools import cache

import msgspec

from steelyard.ctx import Actor, Ctx
from steelyard.db.sqlfile import numbered
from steelyard.errors import NotFound, parameter
from steelyard.figures import queries as q
from steelyard.figures.model import By, Counted, Every, FigureRow, FigureSet, Wanted

_KEYS: dict[By, str] = {"contributor": "member_id", "project": "project_id", "batch": "batch_id"}
_NAMES: dict[By, str] = {
    "contributor": "m.public_id as key, m.email as name from grouped g join member m on m.id = g.id",
    "project": "g.id as key, coalesce(p.name, '') as name from grouped g left join project p on p.space_id = :space_id and p.id = g.id",
    "batch": "g.id as key, coalesce(b.name, '') as name from grouped g left join batch b on b.space_id = :space_id and b.id = g.id",
}
_PERIODS: dict[Every, str] = {
    "total": "null::date",
    "day": "f.day",
    "week": "date_trunc('week', f.day::timestamp)::date",
    "month": "date_trunc('month', f.day::timestamp)::date",
}
_AFTER = """where (coalesce(n.period, '-infinity'), n.name collate "C", n.key collate "C")
  > (coalesce(:after_period::date, '-infinity'), :after_name::text collate "C", :after_key::text collate "C")"""
_FIRST, _LAST = date(1970, 1, 1), date(9999, 12, 31)
MOST_ROWS = 10_000
"""Rows of one answer."""


async def figures(
    ctx: Ctx, actor: Actor, wanted: Wanted, *, limit: int = MOST_ROWS, next_token: str | None = None
) -> FigureSet:
    """Sums by contributor, project or batch, in order of period and name. Raises NotFound for an unknown name, InvalidRequest."""
    first, last = _days(wanted.first, wanted.last)
    ids = await q.scope_ids(
        ctx.db,
        space_id=actor.space_id,
        account_id=actor.account_id,
        project=wanted.project,
        batch=wanted.batch,
        contributor=wanted.contributor,
    )
    for name, found, what in (
        (wanted.project, ids.project_id, "project"),
        (wanted.batch, ids.batch_id, "batch"),
        (wanted.contributor, ids.member_id, "contributor"),
    ):
        if name is not None and found is None:
            raise NotFound(f'There is no {what} "{name}".')
    values: dict[str, object] = {
        "space_id": actor.space_id,
        "first": first,
        "last": last,
        "n": limit + 1,
        **{name: value for name, value in msgspec.structs.asdict(ids).items() if value is not None},
    }
    after = _decode(next_token)
    if after[2] is not None:
        values |= dict(zip(("after_period", "after_name", "after_key"), after, strict=True))
    sql, names = _statement(wanted.by, wanted.every, frozenset(values))
    rows = [FigureRow(*row.values()) for row in await ctx.db.fetch(sql, *(values[n] for n in names))]
    page = rows[:limit]
    return FigureSet(page, _encode(page[-1]) if len(rows) > limit else None)


@cache
def _statement(by: By, every: Every, given: frozenset[str]) -> tuple[str, tuple[str, ...]]:
    """The statement for a kind of question, and the names of its parameters in order. `given`: the values that there are."""
    narrowed = "".join(
        f" and {name} = :{name}" for name in ("project_id", "batch_id", "member_id") if name in given
    )
    if by == "contributor":
        narrowed += " and member_id <> 0"
    pieces = {
        "key": _KEYS[by],
        "period": _PERIODS[every],
        "filters": narrowed,
        "names": _NAMES[by],
        "after": _AFTER if "after_key" in given else "",
    }
    sql = q.Q.text("figures")
    for name, piece in pieces.items():
        sql = sql.replace(f"/* {name} */", piece)
    return numbered(sql)


async def own_figures(ctx: Ctx, actor: Actor, first: date | None, last: date | None) -> Counted:
    """The actor's own sums. What came of evaluation tasks shows from the next day on and the tasks count as labels, so that the figures do
    not tell which task was one."""
    first, last = _days(first, last)
    mine = {"space_id": actor.space_id, "member_id": actor.member_id, "first": first}
    now = await q.own_figures(ctx.db, **mine, last=last)
    before = await q.own_figures(ctx.db, **mine, last=min(last, ctx.clock.now().date() - timedelta(days=1)))
    return msgspec.structs.replace(
        now,
        labels=now.labels + now.evaluations,
        label_seconds=now.label_seconds + now.quality_seconds,
        quality_seconds=0,
        evaluations=before.evaluations,
        scored=before.scored,
        passed=before.passed,
        score_millionths=before.score_millionths,
    )


COLUMNS = ("evaluation_score", "acceptance", "active_seconds")
_COUNTS = tuple(name for name in Counted.__struct_fields__ if name != "score_millionths")


def csv_of(rows: list[FigureRow]) -> bytes:
    """The rows as CSV with a header line; empty cells where there is no value."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(["period", "id", "name", *_COUNTS, *COLUMNS])
    for row in rows:
        values = [getattr(row, name) for name in (*_COUNTS, *COLUMNS)]
        writer.writerow(
            [row.period or "", row.key, _safe(row.name), *("" if v is None else v for v in values)]
        )
    return out.getvalue().encode()


def _safe(name: str) -> str:
    """Names come from people; a spreadsheet must not run them as formulas."""
    return "'" + name if name[:1] in ("=", "+", "-", "@", "\t", "\r") else name


def _days(first: date | None, last: date | None) -> tuple[date, date]:
    first, last = first or _FIRST, last or _LAST
    if first > last:
        raise parameter("from", "must not be after to")
    return first, last


def _encode(row: FigureRow) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode((row.period, row.name, row.key))).decode()


def _decode(token: str | None) -> tuple[date | None, str | None, str | None]:
    if token is None:
        return None, None, None
    try:
        raw = base64.b64decode(token, altchars=b"-_", validate=True)
        return msgspec.json.decode(raw, type=tuple[date | None, str, str])
    except (binascii.Error, ValueError, msgspec.DecodeError):
        raise parameter("next_token", "must be a token of an earlier page") from None
