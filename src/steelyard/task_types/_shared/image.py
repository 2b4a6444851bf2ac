"""What the types that work on one image share: attachment params, checks, messages."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from steelyard.errors import InvalidRequest, Issue
from steelyard.task_types._base import AttachmentRef
from steelyard.task_types._shared.common import NO_ATTACHMENT, AttachmentUrl, CommonParams, check_address
from steelyard.task_types._shared.parsing import Rule, Section


class ContextAttachment(Struct, kw_only=True):
    """A reference image beside the one to label."""

    attachment: AttachmentUrl


class ImageParams(CommonParams, kw_only=True):
    """One image to label, with reference images (task-types-2d §1.2)."""

    attachment: Annotated[AttachmentUrl, Meta(description="URL of the image to label.")]
    attachment_type: Annotated[Literal["image"] | None, Meta(description="`image`, also when absent.")] = None
    context_attachments: Annotated[
        list[ContextAttachment] | None, Meta(description="Reference images, not to be labeled.")
    ] = None
    condition_mode: Annotated[
        Literal["or", "and"] | None,
        Meta(
            description="How `attribute_conditions` combine: one of them (`or`, the default) or all (`and`)."
        ),
    ] = None


def check_image(params: Any) -> None:
    """Addresses of the image and its context (catalogue entries C1, C2)."""
    check_address(params.attachment, "attachment")
    if not params.context_attachments:
        return
    for i, context in enumerate(params.context_attachments):
        if context.attachment == params.attachment:
            path = f"context_attachments[{i}].attachment"
            problem = "must differ from the task attachment"
            raise InvalidRequest(f"{path} {problem}.", issues=[Issue(path, problem)])
        check_address(context.attachment, f"context_attachments[{i}].attachment")


IMAGE_SECTION = Section(("attachment", "attachment_type", "context_attachments"), check_image)


def image_rules(task_type: str) -> tuple[Rule, ...]:
    """Catalogue messages for `ImageParams`; the type's name is part of one of them."""
    return (
        Rule("attachment", NO_ATTACHMENT, kinds=("missing", "value")),
        Rule(
            "attachment_type",
            f'attachment_type "{{v}}" is not supported for {task_type}; expected one of: image.',
        ),
        Rule(
            "context_attachments.#.**", 'context_attachments[{i}] must be an object with an "attachment" URL.'
        ),
    )


def image_attachments(params: ImageParams) -> list[AttachmentRef]:
    """The image, then its context."""
    refs = [AttachmentRef("attachment", params.attachment, media="image")]
    if params.context_attachments:
        refs += [
            AttachmentRef(
                f"context_attachments[{i}].attachment", context.attachment, role="context", media="image"
            )
            for i, context in enumerate(params.context_attachments)
        ]
    return refs
