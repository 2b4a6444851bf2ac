"""How the work of a project is done, for its leads."""

from __future__ import annotations

from steelyard import work
from steelyard.http.route import LEAD, Call, Routes

routes = Routes("api", "Workflow")


@routes.get("/api/projects/{name}/workflow", response=work.Workflow, access=LEAD, errors=(404,))
async def get_workflow(call: Call) -> work.Workflow:
    """Get the workflow of a project"""
    return await work.get_workflow(call.ctx, call.actor, call.path[0])


@routes.put(
    "/api/projects/{name}/workflow", body=work.Workflow, response=work.Workflow, access=LEAD, errors=(404,)
)
async def set_workflow(call: Call) -> work.Workflow:
    """Replace the workflow of a project

    What is not given takes its default. Tasks that are queued already keep the number of people who answer them.
    """
    return await work.set_workflow(call.ctx, call.actor, call.path[0], call.body)
