"""Files of responses for readers with a key (platform-api §16, secure result URLs)."""

from __future__ import annotations

from starlette.responses import Response

from steelyard import files
from steelyard.http.media import send_content
from steelyard.http.route import DATA, Call, Routes

routes = Routes("v1", "Tasks")


@routes.get(
    "/v1/task/{task_id}/response_url/{file_id}",
    content_type="application/octet-stream",
    access=DATA,
    errors=(404,),
)
async def get_result_file(call: Call) -> Response:
    """A file of a task's response"""
    task_id, file_id = call.path
    content = await files.result_of_task(call.ctx, call.actor, task_id, file_id)
    return send_content(call, content, "private, no-cache")
