"""Several conversations side by side (task-types-text §10.5)."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from steelyard.errors import InvalidRequest, Issue
from steelyard.task_types._shared.chat_params import ChatParams, ChatThread, ChatVariant
from steelyard.task_types._shared.chat_type import chat_type
from steelyard.task_types._shared.parsing import Section, shorten
from steelyard.task_types._shared.values import bad


class MultiChatParams(ChatParams, kw_only=True):
    """As a conversation, with threads: `turn` runs in each of them, `before` and `after` once."""

    threads: Annotated[list[ChatThread], Meta(description="Two to eight conversations.")]


def _check_threads(params: Any) -> None:
    if not 2 <= len(params.threads) <= 8:
        raise bad("threads", "must have 2 to 8 entries")
    seen: set[str] = set()
    for i, thread in enumerate(params.threads):
        if thread.id in seen:
            message = f'Duplicate thread id "{shorten(thread.id)}".'
            raise InvalidRequest(message, issues=[Issue(f"threads[{i}].id", "is used more than once")])
        seen.add(thread.id)


TASK_TYPE = chat_type(
    ChatVariant(name="multichat", threads=True),
    "Several chats",
    "Conversations side by side, compared at the end.",
    MultiChatParams,
    Section(("threads",), _check_threads),
)
