"""Work: claiming a slot under a lease, keeping it alive, drafts, submitting, giving it back; the pipeline of a project."""

from steelyard.work.bulk import BulkArgs, get_bulk, list_bulks, start_bulk
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
    works_on,
)
from steelyard.work.manage import (
    LeaseFilter,
    list_escalated,
    list_leases,
    reassign,
    recall_task,
    take_lease,
)
from steelyard.work.model import (
    BulkRow,
    CheckRow,
    Draft,
    Escalated,
    Held,
    Holder,
    Nothing,
    SavedDraft,
    Stage,
    Submitted,
    Work,
)
from steelyard.work.pipeline import Place, chosen, labeled, next_stage, reviewed
from steelyard.work.policy import LANES, MOST_LEASES, REACH, reach_of
from steelyard.work.prelabel import check_hypothesis, end_waiting, skip_prelabel, with_hypothesis
from steelyard.work.queries import one_at_a_time
from steelyard.work.scoring import Score, compare
from steelyard.work.stranded import Stranded, stranded, stuck_reviews
from steelyard.work.submit import (
    add_file,
    checked,
    finish_lease,
    lease_to_check,
    submit_work,
)
from steelyard.work.turns import is_next_turn
from steelyard.work.workflow import Prelabel, ReviewStage, Workflow, get_workflow, set_workflow, workflow_of

__all__ = [
    "KINDS",
    "LANES",
    "MOST_LEASES",
    "REACH",
    "BulkArgs",
    "BulkRow",
    "CheckRow",
    "Draft",
    "Escalated",
    "Held",
    "Holder",
    "LeaseFilter",
    "Nothing",
    "Place",
    "Prelabel",
    "ReviewStage",
    "SavedDraft",
    "Score",
    "Stage",
    "Stranded",
    "Submitted",
    "Wanted",
    "Work",
    "Workflow",
    "add_file",
    "attempt",
    "check_hypothesis",
    "checked",
    "chosen",
    "claim_work",
    "compare",
    "end_waiting",
    "extend_lease",
    "finish_lease",
    "free_leases",
    "get_bulk",
    "get_work",
    "get_workflow",
    "held_leases",
    "is_next_turn",
    "labeled",
    "lease_to_check",
    "list_bulks",
    "list_escalated",
    "list_leases",
    "lost",
    "next_stage",
    "one_at_a_time",
    "reach_of",
    "reassign",
    "recall_task",
    "release_work",
    "reviewed",
    "save_draft",
    "set_workflow",
    "skip_prelabel",
    "skip_work",
    "slot_of",
    "start_bulk",
    "stranded",
    "stuck_reviews",
    "submit_work",
    "take_lease",
    "with_hypothesis",
    "workflow_of",
    "works_on",
]
