"""Remarks on answers, pinned to an annotation or a place where they have one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta, Raw, Struct, field

from steelyard.ctx import Actor
from steelyard.db.pool import Tx
from steelyard.errors import parameter
from steelyard.review import queries as q

MAX_COMMENTS = 500


class NewComment(Struct, frozen=True, kw_only=True):
    """A remark. `annotation_id`: the annotation that it is about; `at`: a place, as the workbench means it."""

    text: Annotated[str, Meta(min_length=1, max_length=5000)]
    annotation_id: Annotated[str, Meta(min_length=1, max_length=255)] | None = None
    at: Annotated[Raw, Meta(extra_json_schema={"type": ["object", "array", "number", "string", "null"]})] = (
        field(default_factory=Raw)
    )


Comment = q.CommentRow


def check_comments(comments: Sequence[NewComment]) -> None:
    """Raises InvalidRequest."""
    if len(comments) > MAX_COMMENTS:
        raise parameter("comments", f"may hold at most {MAX_COMMENTS} comments")
    for i, comment in enumerate(comments):
        if not comment.text.strip():
            raise parameter(f"comments[{i}].text", "must say something")


async def add_comments(
    tx: Tx, actor: Actor, task_id: str, version: int, comments: Sequence[NewComment]
) -> None:
    """Stores remarks on a version of a task's answer."""
    if not comments:
        return
    at = [None if bytes(c.at) in (b"", b"null") else bytes(c.at).decode() for c in comments]
    await q.add_comments(
        tx,
        space_id=actor.space_id,
        task_id=task_id,
        version=version,
        annotation_ids=[c.annotation_id for c in comments],
        ats=at,
        texts=[c.text for c in comments],
        author=actor.email,
        author_id=actor.member_id,
    )
