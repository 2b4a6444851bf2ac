"""The life of a task as a table: what its verbs promise together."""

from __future__ import annotations

from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from steelyard.tasks.stages import TRANSITIONS, WORKING, Stage, sources, target, wire_status

STAGES = get_args(Stage)
VERBS = sorted(TRANSITIONS)


@given(st.lists(st.sampled_from(VERBS), max_size=60))
def test_whatever_verbs_follow_each_other_final_stages_are_left_by_recalling_and_reprocessing_only(
    verbs: list[str],
) -> None:
    stage = "preparing"
    for verb in verbs:
        if stage not in sources(verb):
            continue
        before, stage = stage, target(verb)
        assert stage in STAGES
        if before == "canceled":
            raise AssertionError(f"{verb} leads out of {before}")
        if before == "error":
            assert verb == "reprocess"
        if before == "completed":
            assert verb == "recall"
        if wire_status(before) != wire_status(stage):
            assert verb in ("fail", "complete", "cancel", "withdraw", "recall", "reprocess")


def test_every_stage_can_be_reached_and_every_pending_one_can_end() -> None:
    reached, ends = {"preparing"}, {"completed"}
    for _ in STAGES:
        reached |= {target(v) for v in VERBS if reached & set(sources(v))}
        ends |= {s for v in VERBS if target(v) in ends for s in sources(v)}
    assert reached == set(STAGES)
    assert {"preparing", *WORKING} <= ends


def test_a_customer_cancels_only_what_nobody_works_on() -> None:
    assert set(sources("cancel")) == {"preparing", "queued"}
    assert not set(sources("cancel")) & {"labeling", "review_queued", "reviewing"}
