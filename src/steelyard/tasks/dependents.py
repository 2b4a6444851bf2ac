"""The states of dependent tasks (task-types-lidar §11): rows of `dependent` under the lock of their root, shown on the root.

`waiting` until the root is completed and, with `require_audit`, accepted by a customer audit; then `created` or `failed`. A root that
ends without an answer drops them. Who creates them is in `spawn.py`.
"""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Struct

from steelyard.db.pool import Executor, Tx
from steelyard.db.sqlfile import QueryFile
from steelyard.tasks.model import DependentState

Mode = Literal["live", "test"]
Q = QueryFile(__name__, "dependents.sql")


class DependentRow(Struct, frozen=True):
    ordinal: int
    type: str
    state: str
    task_id: str | None
    error: str | None


class ReadyDependent(Struct, frozen=True):
    ordinal: int
    type: str
    body: str


class Reserved(Struct, frozen=True):
    unique_id: str
    root_task_id: str


class Root(Struct, frozen=True):
    type: str
    status: str
    params: str
    unique_id: str | None
    customer_review_status: str | None
    has_dependents: bool


class SpaceOf(Struct, frozen=True):
    account_id: int
    mode: Mode


dependent_rows = Q.all("dependent_rows", DependentRow)
show_dependents = Q.exec("show_dependents")
drop_waiting = Q.exec("drop_waiting")
revive_dropped = Q.exec("revive_dropped")
reserved_names = Q.all("reserved_names", Reserved)
release_waiting = Q.exec("release_waiting")
set_waits = Q.exec("set_waits")
promise_creation = Q.exec("promise_creation")
ready_dependents = Q.all("ready_dependents", ReadyDependent)
lock_root = Q.opt("lock_root", Root)
still_ready = Q.value("still_ready", bool)
decide = Q.exec("decide")
remove_dependents = Q.exec("remove_dependents")
add_dependents = Q.exec("add_dependents")
set_declaration = Q.exec("set_declaration")
space_of = Q.one("space_of", SpaceOf)


async def reservations(
    on: Executor, space_id: int, names: list[str], besides: str | None = None
) -> dict[str, str]:
    """Those of the unique_ids that wait for a dependent, and its root; without those of the root `besides`."""
    found = await reserved_names(on, space_id=space_id, unique_ids=names, besides=besides)
    return {r.unique_id: r.root_task_id for r in found}


async def show(tx: Tx, space_id: int, task_id: str) -> None:
    """Renders the states onto the root."""
    states = [
        DependentState(row.ordinal, row.type, row.state, row.task_id, row.error)
        for row in await dependent_rows(tx, space_id=space_id, task_id=task_id)
    ]
    text = msgspec.json.encode(states).decode()
    await show_dependents(tx, space_id=space_id, task_id=task_id, dependents=text)


async def drop(tx: Tx, space_id: int, task_id: str) -> None:
    """The locked root was canceled or is in error: nothing will be created."""
    if await drop_waiting(tx, space_id=space_id, task_id=task_id):
        await show(tx, space_id, task_id)


async def revive(tx: Tx, space_id: int, task_id: str) -> None:
    """The locked root, which was in error, is prepared again: what was dropped then waits again."""
    if await revive_dropped(tx, space_id=space_id, task_id=task_id):
        await show(tx, space_id, task_id)


async def promise(tx: Tx, space_id: int, task_id: str) -> None:
    """The locked root is completed: what waits for no audit will be created."""
    await promise_creation(tx, space_id=space_id, task_id=task_id)


async def audited(tx: Tx, space_id: int, task_id: str) -> None:
    """A customer audit that is kept elsewhere accepted or fixed a completed task."""
    root = await lock_root(tx, space_id=space_id, task_id=task_id)
    if root is not None and root.has_dependents:
        await release(tx, space_id, task_id)


async def release(tx: Tx, space_id: int, task_id: str) -> None:
    """The locked, completed root was accepted (or nobody wants to wait for that): whatever waits will be created."""
    await release_waiting(tx, space_id=space_id, task_id=task_id)
    await promise_creation(tx, space_id=space_id, task_id=task_id)
