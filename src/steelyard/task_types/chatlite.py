"""One turn about responses that come with the task (task-types-text §10.5)."""

from __future__ import annotations

from steelyard.task_types._shared.chat_params import ChatParams, ChatVariant
from steelyard.task_types._shared.chat_type import chat_type

TASK_TYPE = chat_type(
    ChatVariant(name="chatlite", live=False),
    "Chat, one turn",
    "One turn of a conversation, without live models.",
    ChatParams,
)
