"""Creating projects and changing what their tasks inherit."""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Raw, Struct

from steelyard.ctx import Actor, Ctx
from steelyard.db.pool import ConstraintBroken, Tx
from steelyard.errors import Conflict, InvalidRequest, NotEnabled, parameter
from steelyard.projects import queries as q
from steelyard.projects.model import Kind, Locked, ProjectDoc
from steelyard.projects.names import check_name
from steelyard.projects.ontology import check_ontology
from steelyard.projects.read import load, unknown_project
from steelyard.projects.templates import follow_params
from steelyard.task_types import KNOWN_TYPES, TASK_TYPES
from steelyard.users import record_act

RESERVED = ("version", "created_at")
"""Keys of an entry of `param_history` that are ours, so that users' params cannot bear these names."""
_NULL = Raw(b"null")


class NewProject(Struct, frozen=True, kw_only=True):
    """What a project is made from; `params` are raw JSON values."""

    name: str
    type: str
    kind: Kind = "standard"
    params: dict[str, Raw] = {}
    pipeline: Literal["standard_task", "consensus_task"] | None = None
    consensus_attempts: int | None = None
    dataset_id: str | None = None


async def create_project(ctx: Ctx, actor: Actor, new: NewProject) -> ProjectDoc:
    """A new project whose params are version 0 (platform-api §19.2).

    Raises InvalidRequest, NotEnabled for a known type that is not offered here, Conflict when the name is taken.
    """
    check_name(new.name)
    if new.type not in TASK_TYPES:
        if new.type in KNOWN_TYPES:
            raise NotEnabled(f"Task type {new.type} is not enabled for this account.")
        raise parameter("type", "must be a known task type")
    if new.pipeline is not None and new.kind != "studio":
        raise parameter("pipeline", "is only for Studio projects")
    if new.consensus_attempts is not None and new.pipeline != "consensus_task":
        raise parameter("consensus_attempts", "is only for Studio projects with the pipeline consensus_task")
    params = _compose(new.params)
    project_id = ctx.ids.mint(ctx.clock.now())
    try:
        async with ctx.db.tx() as tx:
            await q.insert_project(
                tx,
                space_id=actor.space_id,
                id=project_id,
                name=new.name,
                type=new.type,
                kind=new.kind,
                pipeline=new.pipeline,
                consensus_attempts=new.consensus_attempts,
                dataset_id=new.dataset_id,
                created_by=actor.email,
                created_with="api" if actor.by == "key" else "dashboard",
            )
            await _add_version(ctx, tx, actor, Locked(project_id, new.type, -1), params)
            await record_act(
                tx,
                actor.account_id,
                actor.email,
                "project.create",
                mode=actor.mode,
                project=new.name,
                type=new.type,
                kind=new.kind,
            )
            return await load(tx, actor.space_id, new.name)
    except ConstraintBroken as e:
        if e.constraint == "project_name_unique":
            raise Conflict(f'A project named "{new.name}" already exists.') from None
        raise


async def set_params(ctx: Ctx, actor: Actor, name: str, given: dict[str, Raw], *, patch: bool) -> ProjectDoc:
    """Appends a version: the given params, or with `patch` the latest ones overlaid key by key (platform-api §19.2).

    Tasks being created meanwhile inherit either version whole. Raises NotFound, InvalidRequest.
    """
    params = _compose(given)
    async with ctx.db.tx() as tx:
        project = await _lock(tx, actor, name)
        if patch:
            latest = await q.version_params(
                tx, space_id=actor.space_id, project_id=project.id, version=project.version
            )
            params = _compose({**_members(latest or "{}"), **given})
        await _add_version(ctx, tx, actor, project, params)
        await record_act(
            tx,
            actor.account_id,
            actor.email,
            "project.set_params",
            mode=actor.mode,
            project=name,
            version=project.version + 1,
        )
        return await load(tx, actor.space_id, name)


async def set_ontology(
    ctx: Ctx, actor: Actor, name: str, ontology: bytes, ontology_name: str | None
) -> ProjectDoc:
    """Appends a version of the ontology, a JSON array of choices unique throughout the tree. Raises NotFound, InvalidRequest."""
    check_ontology(ontology)
    async with ctx.db.tx() as tx:
        project = await _lock(tx, actor, name)
        await q.append_ontology(
            tx,
            space_id=actor.space_id,
            project_id=project.id,
            name=ontology_name,
            ontology=ontology.decode(),
        )
        await q.touch_project(tx, space_id=actor.space_id, id=project.id)
        await record_act(
            tx, actor.account_id, actor.email, "project.set_ontology", mode=actor.mode, project=name
        )
        return await load(tx, actor.space_id, name)


async def archive_project(ctx: Ctx, actor: Actor, name: str, *, archived: bool) -> ProjectDoc:
    """Puts a project aside, so that it takes no more tasks and batches, or back. What it has stays, and its work goes on. Raises NotFound."""
    async with ctx.db.tx() as tx:
        project = await _lock(tx, actor, name)
        await q.set_archived(tx, space_id=actor.space_id, id=project.id, archived=archived)
        act = "project.archive" if archived else "project.unarchive"
        await record_act(tx, actor.account_id, actor.email, act, mode=actor.mode, project=name)
        return await load(tx, actor.space_id, name)


async def _lock(tx: Tx, actor: Actor, name: str) -> Locked:
    found = None if "\x00" in name else await q.lock_project(tx, space_id=actor.space_id, name=name)
    if found is None:
        raise unknown_project()
    return found


async def _add_version(ctx: Ctx, tx: Tx, actor: Actor, project: Locked, params: str) -> None:
    version = project.version + 1
    if version > 0:
        await q.set_version(tx, space_id=actor.space_id, id=project.id, version=version)
    await q.insert_version(tx, space_id=actor.space_id, project_id=project.id, params=params)
    await follow_params(ctx, tx, actor.space_id, project.id, project.type, params)


def _members(params: str) -> dict[str, Raw]:
    return msgspec.json.decode(params, type=dict[str, Raw])


def _compose(given: dict[str, Raw]) -> str:
    """The params as one JSON object without white space around it, each value as sent. Raises InvalidRequest."""
    members: list[bytes] = []
    for key, value in given.items():
        if key in RESERVED:
            if value == _NULL:
                continue
            raise InvalidRequest(f'"{key}" is reserved and cannot be the name of a project parameter.')
        if key == "instruction" and value != _NULL and bytes(value)[:1] != b'"':
            raise parameter("instruction", "must be a string")
        _check_readable(key, value)
        members.append(msgspec.json.encode(key) + b":" + bytes(value))
    return (b"{" + b",".join(members) + b"}").decode()


def _check_readable(key: str, value: Raw) -> None:
    """Refuses what is JSON and yet unreadable to common parsers, for every list of projects would carry it to every client."""
    try:
        msgspec.json.decode(value)
    except (msgspec.DecodeError, RecursionError):
        raise parameter(key, "holds a number that is too large, or is nested too deeply") from None
