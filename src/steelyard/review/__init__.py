"""Review: the customer's verdicts that consist of feedback instead of a corrected response (platform-api §24)."""

from steelyard.review.fixless import (
    Feedback,
    FixlessAudit,
    FrameInterval,
    NewFixlessAudit,
    Scope,
    create_fixless_audit,
    list_fixless_audits,
)

__all__ = [
    "Feedback",
    "FixlessAudit",
    "FrameInterval",
    "NewFixlessAudit",
    "Scope",
    "create_fixless_audit",
    "list_fixless_audits",
]
