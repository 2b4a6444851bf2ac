"""The rows of a task's files: what came of each."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from steelyard.db.pool import Executor
from steelyard.task_types import AttachmentRef
from steelyard.tasks.facts import kept_facts
from steelyard.tasks.fetching import Outcome, Q

FRAME_IMAGE = "context"
"""The role of a frame's camera images: to be looked at, while the frame is what is labeled."""

_save_attachments = Q.exec("save_attachments")


class SaveAttachments(Struct, frozen=True):
    """Writes the `attachment` rows of a task."""

    space_id: int
    task_id: str
    refs: Sequence[AttachmentRef]
    results: Sequence[Outcome]

    async def __call__(self, on: Executor) -> None:
        if not self.refs:
            return
        await _save_attachments(
            on,
            space_id=self.space_id,
            task_id=self.task_id,
            ordinals=list(range(len(self.refs))),
            paths=[r.path for r in self.refs],
            roles=[r.role for r in self.refs],
            urls=[r.url for r in self.refs],
            medias=[r.media for r in self.refs],
            frames=[r.frame for r in self.refs],
            states=[r.state for r in self.results],
            status_codes=[r.status_code for r in self.results],
            messages=[r.message for r in self.results],
            sha256s=[r.sha256 for r in self.results],
            sizes=[r.size_bytes for r in self.results],
            mime_types=[r.mime_type for r in self.results],
            widths=[r.width for r in self.results],
            heights=[r.height for r in self.results],
            facts=[kept_facts(a.media, r.detail) for a, r in zip(self.refs, self.results, strict=True)],
        )
