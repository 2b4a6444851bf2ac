"""Creates that arrive together share one statement.

Whatever arrives while an insert is in flight goes into the next one: no timer, nothing is lost alone, and under load one durable commit
serves many tasks (measured: see docs/performance.md). A batch holds rows of one space, and a space has one batch in flight: a second one
would only wait for the first one's counters. Rows are sorted by unique_id and counters by key, for batches of two processes that cross
would deadlock; when a batch fails for any reason its rows are retried one by one, so that a bad row fails alone.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any, Protocol

from steelyard.ctx import Actor, Ctx
from steelyard.db.pool import ConstraintBroken, Database, RetryTransaction
from steelyard.errors import SteelyardError
from steelyard.tasks.insert import insert_tasks
from steelyard.tasks.model import NewTask

MAX_ROWS = 200
MAX_BYTES = 8 * 1024 * 1024
IN_FLIGHT = 4
"""Batches at work at once, each of another space; as many connections."""

_QUIET_TURNS = 2
"""A request that is readable in one turn of the event loop reaches the batcher in the next but one."""


class Waiter(Protocol):
    """Who is told whether a row was inserted: a future, or what is settled like one. It never raises."""

    def done(self) -> bool:
        """Whether nobody waits any more."""
        ...

    def set_result(self, result: bool, /) -> None:
        """False: the row was refused."""
        ...

    def set_exception(self, exception: Exception, /) -> None:
        """The insert failed."""
        ...


class _Pending:
    __slots__ = ("actor", "done", "task")

    def __init__(self, actor: Actor, task: NewTask, done: Waiter):
        self.actor, self.task, self.done = actor, task, done


class Batcher:
    """One per process. `db` is a small pool of its own with a short lock_timeout: a stalled foreign transaction must not hold up a batch."""

    def __init__(self, ctx: Ctx, db: Database):
        self._ctx, self._db = ctx, db
        self._waiting: dict[int, deque[_Pending]] = {}
        self._running: dict[int, asyncio.Task[None]] = {}
        self._pumping = False
        self._quiet_turns = 0

    async def create(self, actor: Actor, task: NewTask) -> bool:
        """Inserts durably. False: the row was refused (unique_id or key taken, project moved on, batch closed); find out why and retry."""
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self.put(actor, task, done)
        return await done

    def put(self, actor: Actor, task: NewTask, done: Waiter) -> None:
        """As `create`, for who does not wait in a task of the event loop."""
        waiting = self._waiting.get(actor.space_id)
        if waiting is None:
            waiting = self._waiting[actor.space_id] = deque()
        waiting.append(_Pending(actor, task, done))
        self._quiet_turns = 0
        if not self._pumping:
            self._pumping = True
            asyncio.get_running_loop().call_soon(self._gather)

    def _gather(self) -> None:
        """Starts once the event loop has turned `_QUIET_TURNS` times and brought nothing new: requests that arrive together go together.

        A turn costs microseconds, so a lone request does not notice; answers to a whole batch bring their clients' next requests within
        a few turns, and without this the first of them would travel alone.
        """
        self._quiet_turns += 1
        if self._quiet_turns <= _QUIET_TURNS and sum(map(len, self._waiting.values())) < MAX_ROWS:
            asyncio.get_running_loop().call_soon(self._gather)
            return
        self._pumping = False
        self._pump()

    def _pump(self) -> None:
        while len(self._running) < IN_FLIGHT:
            space_id = next((s for s in self._waiting if s not in self._running), None)
            if space_id is None:
                return
            queue = self._waiting.pop(space_id)
            rows: list[_Pending] = []
            size = 0
            while queue and len(rows) < MAX_ROWS and size < MAX_BYTES:
                rows.append(queue.popleft())
                size += len(rows[-1].task.params)
            if queue:
                self._waiting[space_id] = queue  # back in line behind the other spaces
            run = asyncio.create_task(self._run(rows))
            self._running[space_id] = run
            run.add_done_callback(lambda _, space_id=space_id: self._finished(space_id))

    def _finished(self, space_id: int) -> None:
        del self._running[space_id]
        if self._waiting and not self._pumping:
            self._pumping = True
            self._quiet_turns = 0
            asyncio.get_running_loop().call_soon(self._gather)

    async def _run(self, rows: list[_Pending]) -> None:
        rows.sort(key=lambda p: p.task.unique_id or "")
        try:
            created = await insert_tasks(self._ctx, self._db, rows[0].actor, [p.task for p in rows])
        except Exception as e:
            if len(rows) == 1 and not isinstance(e, RetryTransaction | ConstraintBroken):
                _fail(rows[0], e)
            else:
                await asyncio.gather(*(self._alone(p) for p in rows))
            return
        for p in rows:
            if not p.done.done():
                p.done.set_result(p.task.id in created)

    async def _alone(self, pending: _Pending) -> None:
        """One row in its own statement on the ordinary pool, which waits for locks as long as it must."""
        created: set[str] = set()
        for attempt in range(4):
            try:
                created = await insert_tasks(self._ctx, self._ctx.db, pending.actor, [pending.task])
            except RetryTransaction as e:
                if attempt == 3:
                    _fail(pending, e)
                    return
                await asyncio.sleep(0.01 * 2**attempt)
            except ConstraintBroken:
                break  # a key or a dependent's name was taken meanwhile: the caller looks it up
            except Exception as e:
                _fail(pending, e)
                return
            else:
                break
        if not pending.done.done():
            pending.done.set_result(pending.task.id in created)


def _fail(pending: _Pending, error: Exception) -> None:
    if not pending.done.done():
        pending.done.set_exception(error)
    elif not isinstance(error, SteelyardError):
        raise error


def batcher_of(ctx: Ctx) -> Any:
    """The process's batcher; put there by `app.open_ctx`."""
    return ctx.state["batcher"]
