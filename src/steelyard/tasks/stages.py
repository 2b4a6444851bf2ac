"""The life of a task as a table: which verb leads from which stages to which (architecture: Life of a task; platform-api §7).

The wire's `status` is derived from the internal stage by `wire_status`; the schema checks that the two agree.
"""

from __future__ import annotations

from typing import Literal

Stage = Literal[
    "preparing", "queued", "labeling", "review_queued", "reviewing", "completed", "canceled", "error"
]
Status = Literal["pending", "completed", "canceled", "error"]

WORKING: tuple[Stage, ...] = ("queued", "labeling", "review_queued", "reviewing")
"""Stages of a task that people work on."""

TRANSITIONS: dict[str, tuple[tuple[Stage, ...], Stage]] = {
    "prepared": (("preparing",), "queued"),
    "fail": (("preparing", "queued"), "error"),
    "reprocess": (("error",), "preparing"),
    "start_work": (("queued",), "labeling"),
    "stop_work": (("labeling",), "queued"),
    "to_review": (WORKING, "review_queued"),
    "start_review": (("review_queued",), "reviewing"),
    "stop_review": (("reviewing",), "review_queued"),
    "send_back": (("review_queued", "reviewing"), "queued"),
    "complete": (("preparing", *WORKING), "completed"),
    "recall": (("completed",), "queued"),
    "cancel": (("preparing", "queued"), "canceled"),
    "withdraw": (("preparing", *WORKING), "canceled"),
}


def sources(verb: str) -> list[str]:
    """The stages from which a verb may be done; a guard in its SQL."""
    return list(TRANSITIONS[verb][0])


def target(verb: str) -> Stage:
    """The stage that a verb leads to."""
    return TRANSITIONS[verb][1]


def wire_status(stage: Stage) -> Status:
    """`preparing` and everything up to the last review is `pending` on the wire."""
    if stage == "completed" or stage == "canceled" or stage == "error":
        return stage
    return "pending"
