"""Putting known-answer tasks into the queue: training tasks before production work, evaluation tasks among it.

Called by work in a claim's transaction, with the member's other claims held off. An offer is a slot reserved for one member and a row of
`quality_offer` with the task object that is shown; that very claim takes it. Leads are exempt: they can see which task is which.
"""

from __future__ import annotations

from random import Random

import msgspec

from steelyard import work
from steelyard.ctx import Actor, Ctx
from steelyard.db.pool import Executor, Tx
from steelyard.ids import secret_token
from steelyard.quality import queries as q
from steelyard.quality.disguise import beside, claimed_at_mark, disguised, names_like, plain
from steelyard.quality.model import Chosen, Turn
from steelyard.quality.turns import is_due

_HELD_TO_IT = ("member", "labeler")


async def offer(ctx: Ctx, tx: Tx, actor: Actor, wanted: work.Wanted) -> None:
    """Opens a training slot in every project where the member has still to be trained, or an evaluation slot if one is due."""
    if actor.role not in _HELD_TO_IT or wanted.task_id is not None:
        return
    await _train(ctx, tx, actor, wanted)
    if wanted.kinds is not None and "evaluation" not in wanted.kinds:
        return
    turn = await q.count_turn(tx, space_id=actor.space_id, member_id=actor.member_id)
    if turn is not None and is_due(ctx.secret_key, actor.member_id, turn.project_id, turn.turn, turn.rate):
        await _evaluate(ctx, tx, actor, turn)


async def _train(ctx: Ctx, tx: Tx, actor: Actor, wanted: work.Wanted) -> None:
    gates = await q.training_gates(
        tx,
        space_id=actor.space_id,
        member_id=actor.member_id,
        assigned_only=work.reach_of(actor) == "assigned",
        projects=wanted.projects,
    )
    for gate in gates:
        trained = gate.passed >= gate.required
        if trained or gate.state is None:
            await q.set_state(
                tx,
                space_id=actor.space_id,
                member_id=actor.member_id,
                project_id=gate.project_id,
                state="active" if trained else "training",
                reason="training passed" if trained else f"{gate.required} training tasks to pass",
            )
        if trained or gate.is_open:
            continue
        chosen = await q.next_training_task(
            tx, space_id=actor.space_id, member_id=actor.member_id, project_id=gate.project_id
        )
        if chosen is not None:
            now = ctx.clock.now()
            task_id = ctx.ids.mint(now)
            document = plain(
                task_id,
                now,
                chosen.type,
                chosen.project,
                chosen.instruction,
                chosen.params.encode(),
                chosen.metadata.encode(),
            )
            await _open(tx, actor, chosen, "training", task_id, document, gate.project_id, None, 10)


async def _evaluate(ctx: Ctx, tx: Tx, actor: Actor, turn: Turn) -> None:
    """The real task claimed last lends its looks. Nothing is opened when the member has had all evaluation tasks of the project."""
    looks = await q.looks(tx, space_id=actor.space_id, task_id=turn.task_id)
    chosen = await q.next_evaluation_task(
        tx,
        space_id=actor.space_id,
        member_id=actor.member_id,
        project_id=turn.project_id,
        type=looks.type,
        after_task_id=turn.task_id,
        salt=f"{actor.member_id}",
    )
    if chosen is None:
        return
    random = Random(secret_token())  # noqa: S311 - looks, no secrets
    task_id, created_at = beside(turn.task_id, random)
    names = names_like(looks.document.encode(), random)
    taken = await q.taken_names(tx, space_id=actor.space_id, names=names) if names else []
    document = disguised(
        looks.document.encode(),
        task_id,
        created_at,
        chosen.instruction,
        work.with_hypothesis(chosen.params.encode(), chosen.initial_response),
        chosen.metadata.encode(),
        next((name for name in names if name not in taken), names[0] if names else None),
    )
    await _open(
        tx, actor, chosen, "evaluation", task_id, document, turn.project_id, turn.batch_id, turn.priority
    )


async def _open(
    tx: Tx,
    actor: Actor,
    chosen: Chosen,
    kind: str,
    task_id: str,
    document: bytes,
    project_id: str,
    batch_id: str | None,
    priority: int,
) -> None:
    await q.open_offer(
        tx,
        space_id=actor.space_id,
        member_id=actor.member_id,
        task_id=task_id,
        quality_task_id=chosen.id,
        kind=kind,
        type=chosen.type,
        document=document.decode(),
        project_id=project_id,
        batch_id=batch_id,
        priority=priority,
    )


async def view(on: Executor, actor: Actor, held: work.Work) -> work.Work:
    """The work of a known-answer task, with the task object that is shown for it."""
    found = await q.offered(on, space_id=actor.space_id, task_id=held.task_id, lease_token=held.lease_token)
    task = found.document.replace(claimed_at_mark(held.task_id), found.claimed_at)
    return msgspec.structs.replace(held, task=task)
