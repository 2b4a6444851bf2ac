"""Health, metrics and the API's own description: public routes that need no key and tell nothing about anybody's data."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

from steelyard import derived
from steelyard.callbacks import queries as callbacks
from steelyard.errors import Unavailable
from steelyard.http.openapi import docs_page, document
from steelyard.http.route import PUBLIC, Call, Reply, Routes

routes = Routes("public", "System")


class Health(Struct):
    """The process lives and can serve."""

    status: Literal["ok"] = "ok"


class Readiness(Struct):
    """Each part the service needs, and whether it is there."""

    status: Literal["ok"]
    database: Literal["ok"]
    storage: Literal["ok"]
    worker: Literal["ok"]


@routes.get("/healthz", access=PUBLIC, response=Health)
async def healthz(call: Call) -> Health:
    """Whether this process lives and can serve"""
    return Health()


@routes.get("/readyz", access=PUBLIC, response=Readiness, errors=(503,))
async def readyz(call: Call) -> Readiness:
    """Whether database, storage and worker do their part"""
    ctx = call.ctx
    alive = await ctx.db.fetchval(_WORKER)
    await ctx.store.check()
    if not alive:
        raise Unavailable("No worker has reported for 30 seconds; start one with `steelyard worker`.")
    return Readiness("ok", "ok", "ok", "ok")


_WORKER = "select exists (select 1 from process where kind = 'worker' and seen_at > steelyard.now() - interval '30 seconds')"


_LEDGER = b"""# HELP steelyard_callbacks_pending Callback events that are not decided yet
# TYPE steelyard_callbacks_pending gauge
steelyard_callbacks_pending %d
# HELP steelyard_callbacks_dead Callback events that ended undelivered
# TYPE steelyard_callbacks_dead gauge
steelyard_callbacks_dead %d
# HELP steelyard_callbacks_oldest_seconds Age of the oldest event that is not decided yet
# TYPE steelyard_callbacks_oldest_seconds gauge
steelyard_callbacks_oldest_seconds %.3f
"""


_DERIVED = b"""# HELP steelyard_derived_size_bytes Bytes that derived files take
# TYPE steelyard_derived_size_bytes gauge
steelyard_derived_size_bytes %d
# HELP steelyard_derived_quota_bytes Bytes that derived files may take
# TYPE steelyard_derived_quota_bytes gauge
steelyard_derived_quota_bytes %d
# HELP steelyard_derived_sources Stored files that something was made from
# TYPE steelyard_derived_sources gauge
steelyard_derived_sources %d
# HELP steelyard_derived_problems Stored files that cannot be shown
# TYPE steelyard_derived_problems gauge
steelyard_derived_problems %d
"""


@routes.get("/metrics", access=PUBLIC, content_type="text/plain")
async def metrics(call: Call) -> Reply:
    """Measurements for Prometheus"""
    app: Any = call.ctx.state["app"]
    ledger = await callbacks.ledger_figures(call.ctx.db)
    told = _LEDGER % (ledger.pending, ledger.dead, ledger.oldest_s)
    made = await derived.derived_figures(call.ctx.db)
    quota = call.ctx.settings.derived_quota_bytes
    told += _DERIVED % (made.size_bytes, quota, made.files, made.problems)
    return Reply(app.metrics.render() + told, content_type="text/plain; version=0.0.4; charset=utf-8")


@routes.get("/openapi.json", access=PUBLIC, response=dict[str, Any])
async def openapi(call: Call) -> bytes:
    """This API, described in OpenAPI 3.1"""
    app: Any = call.ctx.state["app"]
    return document(app.router.routes, call.ctx.public_url)


@routes.get("/docs", access=PUBLIC, content_type="text/html")
async def docs(call: Call) -> Reply:
    """This API, for people"""
    app: Any = call.ctx.state["app"]
    return Reply(
        docs_page(app.router.routes, call.ctx.public_url),
        content_type="text/html; charset=utf-8",
        headers=[
            (
                "Content-Security-Policy",
                "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
            )
        ],
    )
