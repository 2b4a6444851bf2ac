"""Files of responses for readers with a key (platform-api §16, secure result URLs)."""

from __future__ import annotations

from starlette.responses import Response

from steelyard import files, users, work
from steelyard.errors import NotFound
from steelyard.http.media import send_content
from steelyard.http.route import FILES, Call, Routes

routes = Routes("v1", "Tasks")


@routes.get(
    "/v1/task/{task_id}/response_url/{file_id}",
    content_type="application/octet-stream",
    access=FILES,
    errors=(404,),
)
async def get_result_file(call: Call) -> Response:
    """A file of a task's response

    Whoever may only label reads the files of a task while working on it.
    """
    task_id, file_id = call.path
    reads_all = users.may(call.actor.role, "data") and users.within(call.actor.scope, "data", safe=True)
    if not reads_all and not await work.works_on(call.ctx, call.actor, task_id):
        raise NotFound("File not found.")
    content = await files.result_of_task(call.ctx, call.actor, task_id, file_id)
    return send_content(call, content, "private, no-cache")
