"""A project to try things with, made in the console: three photographs to draw boxes on, one of them with boxes to check.

Made of the same verbs that customers call; whatever is there already is left as it is, so a try that broke off is simply repeated.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from msgspec import Raw, Struct
from msgspec.json import encode

from steelyard import batches, files, projects, tasks
from steelyard.ctx import Actor, Ctx
from steelyard.errors import Conflict, SteelyardError

PROJECT = "Demo project"
BATCH = "Demo batch"
TYPE = "imageannotation"
_PRELABELED = "cat.jpg"


class DemoProject(Struct, frozen=True):
    """Where to find it; `made`: it was not there before."""

    project: str
    batch: str
    made: bool


class PhotosMissing(SteelyardError):
    """The photographs are not in this installation."""

    code = "demo-photos-missing"


def photos() -> Path:
    """The folder of the photographs: in the installed package, or beside it in a source tree. Raises PhotosMissing."""
    for folder in (Path(__file__).parent / "demo_photos", Path(__file__).parents[2] / "examples" / "photos"):
        if (folder / "boxes.json").is_file():
            return folder
    raise PhotosMissing("The demo's photographs are missing from this installation.")


async def make_demo_project(ctx: Ctx, actor: Actor) -> DemoProject:
    """Makes the project with its batch and tasks. Raises PhotosMissing."""
    folder = photos()
    boxes: dict[str, list[dict[str, Any]]] = json.loads(
        await asyncio.to_thread((folder / "boxes.json").read_text)
    )
    await _project(ctx, actor, sorted({box["label"] for known in boxes.values() for box in known}))
    batch = await _batch(ctx, actor)
    if batch.status != "staging":
        return DemoProject(PROJECT, BATCH, made=False)
    for name, known in boxes.items():
        await _task(ctx, actor, folder / name, known)
    await batches.finalize_batch(ctx, actor, BATCH)
    return DemoProject(PROJECT, BATCH, made=True)


async def _project(ctx: Ctx, actor: Actor, labels: list[str]) -> None:
    params = {
        "instruction": "Draw a tight box around each object.",
        "geometries": {"box": {"objects_to_annotate": labels, "min_width": 5, "min_height": 5}},
    }
    raw = {key: Raw(encode(value)) for key, value in params.items()}
    new = projects.NewProject(name=PROJECT, type=TYPE, kind="studio", params=raw)
    with contextlib.suppress(Conflict):  # made before
        await projects.create_project(ctx, actor, new)


async def _batch(ctx: Ctx, actor: Actor) -> batches.Batch:
    try:
        return await batches.create_batch(ctx, actor, batches.NewBatch(project=PROJECT, name=BATCH))
    except Conflict:
        return await batches.get_batch(ctx, actor, BATCH)


async def _task(ctx: Ctx, actor: Actor, photo: Path, known: list[dict[str, Any]]) -> None:
    async def once() -> AsyncIterator[bytes]:
        yield await asyncio.to_thread(photo.read_bytes)

    details = files.FileDetails(project_name=PROJECT, display_name=photo.name)
    async with ctx.store.spool(once()) as spooled:
        stored = await files.add_upload(ctx, actor, details, spooled, "image/jpeg")
    body: dict[str, object] = {
        "project": PROJECT,
        "batch": BATCH,
        "attachment": files.attachment_url(actor, stored.id),
        "attachment_type": "image",
        "unique_id": f"steelyard-demo-project/{photo.name}",
        "metadata": {"file": photo.name},
    }
    if photo.name == _PRELABELED:
        body["hypothesis"] = {"annotations": [{"type": "box", **box} for box in known]}
    with contextlib.suppress(Conflict):  # made before
        await tasks.create_task(ctx, actor, TYPE, {key: Raw(encode(value)) for key, value in body.items()})
