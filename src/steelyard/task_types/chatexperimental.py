"""As `chat`; components of unknown types are kept and shown as JSON (task-types-text §10.5)."""

from __future__ import annotations

from steelyard.task_types._shared.chat_params import ChatParams, ChatVariant
from steelyard.task_types._shared.chat_type import chat_type

TASK_TYPE = chat_type(
    ChatVariant(name="chatexperimental", open=True),
    "Chat, experimental",
    "A conversation in turns that may have components which this server does not know.",
    ChatParams,
)
