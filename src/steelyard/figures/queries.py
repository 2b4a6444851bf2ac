"""The figures feature's queries, one typed line each."""

from __future__ import annotations

from steelyard.db.sqlfile import QueryFile
from steelyard.figures.model import Counted, ScopeIds

Q = QueryFile(__name__)

own_figures = Q.one("own_figures", Counted)
scope_ids = Q.one("scope_ids", ScopeIds)
fold = Q.value("fold", int)
