"""Small builders of requests."""

from __future__ import annotations

from typing import Any

import httpx

from steelyard.task_types import TASK_TYPES


async def with_project(client: httpx.AsyncClient, name: str, body: dict[str, Any]) -> dict[str, Any]:
    """The creation body of a type, in a project where the type wants one."""
    if TASK_TYPES[name].needs_project is None or body.get("project") or body.get("batch"):
        return body
    project = f"all {name}"
    made = await client.post("/v1/projects", json={"type": name, "name": project})
    assert made.status_code in (200, 409), made.text
    return {**body, "project": project}


def image_task(**more: Any) -> dict[str, Any]:
    """A plain imageannotation creation body."""
    return {
        "callback_url": "http://www.example.com/callback",
        "instruction": "Draw a box around each baby cow and big cow.",
        "attachment_type": "image",
        "attachment": "http://i.imgur.com/v4cBreD.jpg",
        "geometries": {
            "box": {"objects_to_annotate": ["Baby Cow", "Big Cow"], "min_height": 10, "min_width": 10}
        },
        **more,
    }


def lidar_root(
    defs: list[dict[str, Any]], *, require_audit: bool | None = None, **more: Any
) -> dict[str, Any]:
    """A lidarannotation creation body that declares dependent tasks."""
    dependents: dict[str, Any] = {"defs": defs}
    if require_audit is not None:
        dependents["require_audit"] = require_audit
    return {
        "instruction": "Draw a cuboid around each car.",
        "attachments": ["https://files.example/frame-0.json", "https://files.example/frame-1.json"],
        "attachment_type": "json",
        "labels": ["car", "person"],
        "dependents": dependents,
        **more,
    }


def task_object(task_id: str, **more: Any) -> dict[str, Any]:
    """A canceled image task as an export would give it."""
    params = {k: v for k, v in image_task().items() if k not in ("metadata", "callback_url", "instruction")}
    return {
        "task_id": task_id,
        "type": "imageannotation",
        "status": "canceled",
        "created_at": "2026-01-01T00:00:00.000Z",
        "params": params,
        **more,
    }
