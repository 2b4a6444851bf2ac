"""Work: claiming a slot under a lease, keeping it alive, drafts, submitting, giving it back; the pipeline of a project."""

from steelyard.work.draft import save_draft
from steelyard.work.kinds import KINDS, Wanted
from steelyard.work.lease import (
    attempt,
    claim_work,
    extend_lease,
    free_leases,
    get_work,
    held_leases,
    lost,
    release_work,
    skip_work,
    slot_of,
)
from steelyard.work.model import CheckRow, Draft, Held, Nothing, SavedDraft, Submitted, Work
from steelyard.work.pipeline import Place, chosen, labeled, next_stage, reviewed
from steelyard.work.policy import LANES, MOST_LEASES, REACH, reach_of
from steelyard.work.queries import one_at_a_time
from steelyard.work.scoring import Score, compare
from steelyard.work.submit import (
    add_file,
    checked,
    finish_lease,
    lease_to_check,
    submit_work,
)
from steelyard.work.workflow import ReviewStage, Workflow, get_workflow, set_workflow, workflow_of

__all__ = [
    "KINDS",
    "LANES",
    "MOST_LEASES",
    "REACH",
    "CheckRow",
    "Draft",
    "Held",
    "Nothing",
    "Place",
    "ReviewStage",
    "SavedDraft",
    "Score",
    "Submitted",
    "Wanted",
    "Work",
    "Workflow",
    "add_file",
    "attempt",
    "checked",
    "chosen",
    "claim_work",
    "compare",
    "extend_lease",
    "finish_lease",
    "free_leases",
    "get_work",
    "get_workflow",
    "held_leases",
    "labeled",
    "lease_to_check",
    "lost",
    "next_stage",
    "one_at_a_time",
    "reach_of",
    "release_work",
    "reviewed",
    "save_draft",
    "set_workflow",
    "skip_work",
    "slot_of",
    "submit_work",
    "workflow_of",
]
