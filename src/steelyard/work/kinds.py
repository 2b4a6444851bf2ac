"""Work that is no task: evaluation and training tasks go through the same queue, leases and drafts, and look the same to contributors.

The quality feature lies above this one; it leaves here what to do with leases of its kinds.
"""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from steelyard.ctx import Actor, Ctx
from steelyard.db.pool import Executor, Tx
from steelyard.work.model import CheckRow, Submitted, Work


class Wanted(Struct, frozen=True):
    """What a claim is narrowed to; None: not at all."""

    projects: list[str] | None
    types: list[str] | None
    task_id: str | None
    kinds: list[str] | None = None


class Offer(Protocol):
    """Called in a claim's transaction, the member's other claims held off, before the queue is looked at: may insert a slot that is
    reserved for the member (`only_member_id`), which this very claim then takes."""

    async def __call__(self, ctx: Ctx, tx: Tx, actor: Actor, wanted: Wanted) -> None: ...


class View(Protocol):
    """The work of such a lease with `task` filled in, in the form of the wire's task object."""

    async def __call__(self, on: Executor, actor: Actor, held: Work) -> Work: ...


class Submit(Protocol):
    """Checks, scores and stores an answer; ends the lease by `work.finish_lease`, whose None means that the lease is lost."""

    async def __call__(
        self,
        ctx: Ctx,
        actor: Actor,
        lease_token: str,
        found: CheckRow,
        response: bytes,
        active_seconds: int | None,
    ) -> Submitted: ...


class Kinds(Struct):
    """What is done with leases of the kinds `evaluation` and `training`; set once, when the quality feature is imported."""

    offer: Offer | None = None
    view: View | None = None
    submit: Submit | None = None


KINDS = Kinds()
