"""Work: claiming a slot under a lease, keeping it alive, drafts, submitting, giving it back."""

from steelyard.work.draft import save_draft
from steelyard.work.lease import LEASE, claim_work, extend_lease, get_work, held_leases, release_work
from steelyard.work.model import Draft, Held, SavedDraft, Submitted, Work
from steelyard.work.policy import MOST_LEASES, REACH
from steelyard.work.submit import MAX_RESPONSE_BYTES, InvalidResponse, submit_work

__all__ = [
    "LEASE",
    "MAX_RESPONSE_BYTES",
    "MOST_LEASES",
    "REACH",
    "Draft",
    "Held",
    "InvalidResponse",
    "SavedDraft",
    "Submitted",
    "Work",
    "claim_work",
    "extend_lease",
    "get_work",
    "held_leases",
    "release_work",
    "save_draft",
    "submit_work",
]
