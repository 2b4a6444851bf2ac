"""Conversations with models, written, rated and compared by people (task-types-text §10)."""

from __future__ import annotations

from steelyard.task_types._shared.chat_params import ChatParams, ChatVariant
from steelyard.task_types._shared.chat_type import chat_type

TASK_TYPE = chat_type(
    ChatVariant(name="chat"),
    "Chat",
    "A conversation in turns, made of components: prompts, responses, ratings, preferences, forms.",
    ChatParams,
)
