"""The table of jobs: kind → handler, arguments, queue, retry policy. Handlers are declared next to their feature and listed here."""

from __future__ import annotations

from steelyard.batches.settle import settle_batch
from steelyard.callbacks.deliver import send_callback
from steelyard.derived.jobs import DERIVE_MEDIA, DeriveMedia, derive_media
from steelyard.files.jobs import import_file
from steelyard.files.model import IMPORT_FILE, ImportFile
from steelyard.jobs import specs as s
from steelyard.jobs.periodic import PERIODIC
from steelyard.jobs.specs import JobSpec, RetryPolicy
from steelyard.people import send_link
from steelyard.quality.prepare import fail_unprepared_quality_task, prepare_quality_task
from steelyard.quality.requeue import requeue
from steelyard.quality.score import score_attempt
from steelyard.tasks.prepare import fail_unprepared, prepare_task
from steelyard.tasks.spawn import create_dependents
from steelyard.transfers import RUN_TRANSFER, RunTransfer, run_transfer
from steelyard.work.bulk import bulk_change
from steelyard.work.manage import redo_task
from steelyard.work.merge import merge_answers

_JOBS: tuple[JobSpec, ...] = (
    JobSpec(
        s.PREPARE_TASK, prepare_task, s.PrepareTask, "attachments", limit_s=3600.0, gave_up=fail_unprepared
    ),
    # A failed try of a delivery is no failure of the job: the handler keeps the schedule of platform-api §17.1 itself.
    JobSpec(
        s.SEND_CALLBACK,
        send_callback,
        s.SendCallback,
        "callbacks",
        RetryPolicy(max_attempts=200, first_s=2.0),
    ),
    JobSpec(s.SETTLE_BATCH, settle_batch, s.SettleBatch, "default", RetryPolicy(max_attempts=100)),
    JobSpec(
        s.CREATE_DEPENDENTS, create_dependents, s.CreateDependents, "default", RetryPolicy(max_attempts=100)
    ),
    JobSpec(s.MERGE_ANSWERS, merge_answers, s.MergeAnswers, "default", RetryPolicy(max_attempts=100)),
    JobSpec(s.REDO_TASK, redo_task, s.RedoTask, "default", RetryPolicy(max_attempts=100)),
    JobSpec(
        s.BULK_CHANGE, bulk_change, s.BulkChange, "default", RetryPolicy(max_attempts=100), limit_s=36_000.0
    ),
    JobSpec(IMPORT_FILE, import_file, ImportFile, "attachments"),
    JobSpec(DERIVE_MEDIA, derive_media, DeriveMedia, "derived", limit_s=3600.0),
    JobSpec(RUN_TRANSFER, run_transfer, RunTransfer, "default", limit_s=6 * 3600.0),
    JobSpec(
        s.PREPARE_QUALITY_TASK,
        prepare_quality_task,
        s.PrepareTask,
        "attachments",
        limit_s=3600.0,
        gave_up=fail_unprepared_quality_task,
    ),
    JobSpec(s.REQUEUE_WORK, requeue, s.RequeueWork, "default", RetryPolicy(max_attempts=100), limit_s=3600.0),
    JobSpec(s.SCORE_ATTEMPT, score_attempt, s.ScoreAttempt, "default", RetryPolicy(max_attempts=100)),
    JobSpec(
        s.SEND_LINK,
        send_link,
        s.SendLink,
        "default",
        RetryPolicy(max_attempts=8, first_s=15.0, longest_s=3600.0),
    ),
    *PERIODIC,
)

HANDLERS: dict[str, JobSpec] = {spec.kind: spec for spec in _JOBS}
