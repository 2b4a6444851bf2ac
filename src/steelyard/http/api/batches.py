"""What leads do with batches and projects that Scale's own API has no words for."""

from __future__ import annotations

from steelyard import batches, projects
from steelyard.http.route import LEAD, Call, Routes
from steelyard.http.v1.batches import WireBatch, wire_batch
from steelyard.http.v1.projects import WireProject, wire_project

routes = Routes("api", "Batches and projects")


@routes.post("/api/batches/{name}/pause", response=WireBatch, access=LEAD, errors=(400, 404))
async def pause_batch(call: Call) -> WireBatch:
    """Pause a batch

    Its work is not offered until the batch is resumed; what people have begun they may finish. Only batches in progress can be paused.
    """
    return wire_batch(await batches.pause_batch(call.ctx, call.actor, call.path[0]))


@routes.post("/api/batches/{name}/resume", response=WireBatch, access=LEAD, errors=(400, 404))
async def resume_batch(call: Call) -> WireBatch:
    """Resume a paused batch

    It is completed at once if nothing of it is open any more.
    """
    return wire_batch(await batches.resume_batch(call.ctx, call.actor, call.path[0]))


@routes.post("/api/projects/{name}/archive", response=WireProject, access=LEAD, errors=(404,))
async def archive_project(call: Call) -> WireProject:
    """Put a project aside

    It takes no more tasks and batches; its open work goes on, and everything in it can be read.
    """
    return wire_project(await projects.archive_project(call.ctx, call.actor, call.path[0], archived=True))


@routes.post("/api/projects/{name}/unarchive", response=WireProject, access=LEAD, errors=(404,))
async def unarchive_project(call: Call) -> WireProject:
    """Take an archived project up again"""
    return wire_project(await projects.archive_project(call.ctx, call.actor, call.path[0], archived=False))
