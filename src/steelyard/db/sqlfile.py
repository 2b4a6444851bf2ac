"""Named queries from `queries.sql` files: `-- name: x`, a one-line comment, SQL with `:param` placeholders.

Each is bound in the feature's `queries.py` as one typed line, which a test PREPAREs against the real schema to compare its columns
with the Struct's fields:

    Q = QueryFile(__name__)
    project_by_name = Q.opt("project_by_name", ProjectRow)      # Struct or None
    row = await project_by_name(tx, space_id=1, name="cows")
"""

from __future__ import annotations

import re
from importlib import resources
from typing import Any, Generic, TypeVar

from msgspec import Struct

from steelyard.db.pool import Executor

T = TypeVar("T")
S = TypeVar("S", bound=Struct)

_NAME = re.compile(r"^-- name: (\w+)\s*$", re.MULTILINE)
_PARAM = re.compile(r"(?<![:\w]):([a-z_]\w*)")

ALL_QUERIES: dict[str, _Query] = {}
"""Every bound query by `module.name`, for the test that prepares them all."""


def numbered(sql: str) -> tuple[str, tuple[str, ...]]:
    """`:name` placeholders as `$n`, and the names in the order of their numbers."""
    order: dict[str, int] = {}

    def number(match: re.Match[str]) -> str:
        return f"${order.setdefault(match[1], len(order) + 1)}"

    return _PARAM.sub(number, sql), tuple(order)


class _Query:
    def __init__(self, name: str, sql: str, row: Any):
        self.name, self.row = name, row
        self.sql, self.params = numbered(sql)

    def _args(self, given: dict[str, Any]) -> list[Any]:
        if len(given) != len(self.params):
            raise TypeError(f"{self.name} takes {self.params}, got {tuple(given)}")
        return [given[p] for p in self.params]


class One(_Query, Generic[S]):
    """Exactly one row; none is a programmer's mistake."""

    async def __call__(self, on: Executor, **params: Any) -> S:
        record = await on.fetchrow(self.sql, *self._args(params))
        return self.row(*record.values())


class Opt(_Query, Generic[S]):
    """One row or None."""

    async def __call__(self, on: Executor, **params: Any) -> S | None:
        record = await on.fetchrow(self.sql, *self._args(params))
        return None if record is None else self.row(*record.values())


class All(_Query, Generic[S]):
    """A list of rows."""

    async def __call__(self, on: Executor, **params: Any) -> list[S]:
        return [self.row(*r.values()) for r in await on.fetch(self.sql, *self._args(params))]


class Value(_Query, Generic[T]):
    """The first column of the first row, or None."""

    async def __call__(self, on: Executor, **params: Any) -> T | None:
        return await on.fetchval(self.sql, *self._args(params))


class Column(_Query, Generic[T]):
    """The first column of every row."""

    async def __call__(self, on: Executor, **params: Any) -> list[T]:
        return [r[0] for r in await on.fetch(self.sql, *self._args(params))]


class Exec(_Query):
    """No rows; the number of rows touched."""

    async def __call__(self, on: Executor, **params: Any) -> int:
        tag = await on.execute(self.sql, *self._args(params))
        last = tag.rsplit(" ", 1)[-1]
        return int(last) if last.isdigit() else 0


class QueryFile:
    """The named queries of one feature."""

    def __init__(self, module: str, file: str = "queries.sql"):
        self._module = module
        package = module.rsplit(".", 1)[0]
        text = resources.files(package).joinpath(file).read_text(encoding="utf-8")
        parts = _NAME.split(text)
        self._sql: dict[str, str] = {}
        for name, body in zip(parts[1::2], parts[2::2], strict=True):
            if name in self._sql:
                raise ValueError(f"{package}/{file} names {name} twice")
            lines = [line for line in body.strip().splitlines() if not line.strip().startswith("--")]
            self._sql[name] = "\n".join(lines).rstrip().rstrip(";")

    def text(self, name: str) -> str:
        """The SQL of a named block, for builders that compose it."""
        return self._sql[name]

    def _bind(self, query: Any) -> Any:
        ALL_QUERIES[f"{self._module}.{query.name}"] = query
        return query

    def one(self, name: str, row: type[S]) -> One[S]:
        return self._bind(One(name, self._sql[name], row))

    def opt(self, name: str, row: type[S]) -> Opt[S]:
        return self._bind(Opt(name, self._sql[name], row))

    def all(self, name: str, row: type[S]) -> All[S]:
        return self._bind(All(name, self._sql[name], row))

    def value(self, name: str, kind: type[T]) -> Value[T]:
        return self._bind(Value(name, self._sql[name], kind))

    def column(self, name: str, kind: type[T]) -> Column[T]:
        return self._bind(Column(name, self._sql[name], kind))

    def exec(self, name: str) -> Exec:
        return self._bind(Exec(name, self._sql[name], None))
