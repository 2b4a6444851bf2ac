"""Names and arguments of the jobs that several features write: pure, so that whoever promises work need not import who does it.

`JobSpec` is one row of the handler table (`jobs/handlers.py`); `RetryPolicy` is how unexpected failures are retried.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Literal

from msgspec import Struct

Queue = Literal["default", "attachments", "bulk", "derived", "callbacks", "periodic"]
QUEUES: tuple[Queue, ...] = ("default", "attachments", "bulk", "derived", "callbacks", "periodic")
"""Each has slots of its own: a million tasks that came in bulk, and what is derived from their files, never hold up a task that somebody
has just created."""


class PrepareTask(Struct, frozen=True):
    """Fetch and check the attachments of a task, then queue or fail it. Queue `attachments`, or `bulk`; `tries` counts earlier rounds."""

    space_id: int
    task_id: str
    tries: int = 0


class SendCallback(Struct, frozen=True):
    """Deliver one `callback_event`. Queue `callbacks`."""

    event_id: int


class SettleBatch(Struct, frozen=True):
    """Recount a batch and set its status. Queue `default`, dedupe key from `settle_key`."""

    space_id: int
    batch_id: str


class CreateDependents(Struct, frozen=True):
    """Create the dependent tasks of a task that may be created now. Queue `default`."""

    space_id: int
    task_id: str


class MergeAnswers(Struct, frozen=True):
    """Compare the answers that several people gave to a task in a round, and go on with the best. Queue `default`."""

    space_id: int
    task_id: str
    round: int


class ScoreAttempt(Struct, frozen=True):
    """Score an answer to an evaluation or training task. Queue `default`."""

    space_id: int
    attempt_id: int


class RedoTask(Struct, frozen=True):
    """Do a task again whose answer of that version the customer has rejected. Queue `default`."""

    space_id: int
    task_id: str
    version: int


class BulkChange(Struct, frozen=True):
    """Go on with a change of many tasks. Queue `default`."""

    space_id: int
    id: str


class RequeueWork(Struct, frozen=True):
    """Have a member's answers in a project since a time given again. Queue `default`."""

    space_id: int
    project_id: str
    member_id: int
    since: datetime
    by: str


class SendLink(Struct, frozen=True):
    """Make a link by which a member sets a password, and mail it. Queue `default`."""

    member_id: int
    purpose: Literal["invite", "reset"]


class NoArgs(Struct, frozen=True):
    """The arguments of periodic jobs."""


PREPARE_TASK, PREPARE_TASK_QUEUE, PREPARE_BULK_QUEUE = "prepare_task", "attachments", "bulk"
PREPARE_QUALITY_TASK = "prepare_quality_task"
SEND_CALLBACK, SEND_CALLBACK_QUEUE = "send_callback", "callbacks"
CREATE_DEPENDENTS, CREATE_DEPENDENTS_QUEUE = "create_dependents", "default"
MERGE_ANSWERS, MERGE_ANSWERS_QUEUE = "merge_answers", "default"
SCORE_ATTEMPT, SCORE_ATTEMPT_QUEUE = "score_attempt", "default"
REDO_TASK, REDO_TASK_QUEUE = "redo_task", "default"
BULK_CHANGE, BULK_CHANGE_QUEUE = "bulk_change", "default"
REQUEUE_WORK, REQUEUE_WORK_QUEUE = "requeue_work", "default"
SETTLE_BATCH, SETTLE_BATCH_QUEUE = "settle_batch", "default"


SEND_LINK = "send_link"


def settle_key(space_id: int, batch_id: str) -> str:
    """Dedupe key under which many completions of a batch's tasks share one waiting `settle_batch`."""
    return f"settle:{space_id}:{batch_id}"


def callback_key(event_id: int) -> str:
    """Dedupe key of a delivery that waits for an earlier event of its task, by which it is woken."""
    return f"callback:{event_id}"


class RetryPolicy(Struct, frozen=True):
    """What happens after an unexpected failure: up to `max_attempts` runs, delays `first_s`, doubled up to `longest_s`, ±20 %."""

    max_attempts: int = 12
    first_s: float = 1.0
    longest_s: float = 600.0

    def delay_s(self, attempts: int) -> float:
        """Seconds until the next run, after `attempts` runs so far (≥ 1)."""
        return min(self.longest_s, self.first_s * 2.0 ** min(attempts - 1, 30)) * random.uniform(0.8, 1.2)  # noqa: S311


class RetryLater(Exception):
    """Raised by a handler to run again after `after_s` seconds. Expected, so not counted against the retry policy.

    `args` replaces the job's arguments; `dedupe_key` lets others find the waiting row; `reason` is shown as its last error.
    """

    def __init__(
        self,
        after_s: float,
        reason: str | None = None,
        *,
        args: Struct | None = None,
        dedupe_key: str | None = None,
    ):
        super().__init__(reason or "later")
        self.after_s, self.reason, self.args_next, self.dedupe_key = after_s, reason, args, dedupe_key


class GiveUp(Exception):
    """Raised by a handler when trying again is pointless: the job fails at once and stays visible."""


class JobSpec(Struct, frozen=True):
    """A kind of job: its handler `async def h(ctx, args)` (idempotent), its arguments, queue and retry policy."""

    kind: str
    handler: Callable[[Any, Any], Awaitable[None]]
    args: type[Struct]
    queue: Queue = "default"
    retry: RetryPolicy = RetryPolicy()
    limit_s: float = 900.0
    """Longest run; then it is interrupted and counts as failed."""
    every_s: float | None = None
    """Periodic jobs: seconds between the end of one run and the next; the row is unique by kind and never used up."""
    gave_up: Callable[[Any, Any], Awaitable[None]] | None = None
    """`async def g(ctx, args)`, run before the job is kept as failed for good, so that whoever waits for it learns. Idempotent."""
