"""Review: our reviewers' verdicts on answers, and the customer's (platform-api §15, §24)."""

from steelyard.review.audits import audit, audit_queue
from steelyard.review.comments import Comment, NewComment
from steelyard.review.fixless import (
    Feedback,
    FixlessAudit,
    FrameInterval,
    NewFixlessAudit,
    Scope,
    create_fixless_audit,
    list_fixless_audits,
)
from steelyard.review.history import answers, list_comments, timeline, versions
from steelyard.review.verdict import (
    ReviewContext,
    Reviewed,
    Verdict,
    give_verdict,
    review_context,
    rework_context,
)

__all__ = [
    "Comment",
    "Feedback",
    "FixlessAudit",
    "FrameInterval",
    "NewComment",
    "NewFixlessAudit",
    "ReviewContext",
    "Reviewed",
    "Scope",
    "Verdict",
    "answers",
    "audit",
    "audit_queue",
    "create_fixless_audit",
    "give_verdict",
    "list_comments",
    "list_fixless_audits",
    "review_context",
    "rework_context",
    "timeline",
    "versions",
]
