"""Params of the chat types: components, messages, threads, template variables (task-types-text §10.1, §10.2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal, cast

from msgspec import Meta, Struct

from steelyard.task_types._shared.common import CommonParams
from steelyard.task_types._shared.form_fields import FormField
from steelyard.task_types._shared.spans import NerLabel
from steelyard.task_types._shared.values import Characters, MaxCharacters
from steelyard.task_types.textcollection import TextCollectionAttachment

Stage = Literal["before", "turn", "after"]
STAGES: tuple[Stage, ...] = ("before", "turn", "after")

MAX_TURNS = 50
DEFAULT_RATING = (1, 2, 3, 4, 5)
DEFAULT_SCALE = 7

Identifier = Annotated[str, Meta(min_length=1, max_length=256)]


class ChatDimension(Struct, kw_only=True):
    """One scale of a rating."""

    key: Identifier
    title: str | None = None
    description: str | None = None
    labels: list[str] | None = None
    possible_values: Annotated[
        list[Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]] | None, Meta(description="Default 1 to 5.")
    ] = None

    @property
    def values(self) -> list[int]:
        """What may be answered."""
        return list(self.possible_values or DEFAULT_RATING)


class ChatCriterion(Struct, kw_only=True):
    """One criterion of a rubric; a score is a number from 0 (not met) to 1 (met)."""

    id: Identifier
    criterion: Annotated[str, Meta(min_length=1)]
    weight: Annotated[float, Meta(ge=-1e6, le=1e6)] = 1.0


class ChatComponent(Struct, kw_only=True):
    """One step of a conversation. Which of the keys count depends on `type`."""

    type: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=256,
            description="Instructions, PromptInput, ModelResponses, Rating, Preference, Ranking, Rewrite, Justification, Form, Rubric, Spans.",
            examples=["PromptInput", "Rating"],
        ),
    ]
    id: Annotated[Identifier | None, Meta(description="Unique in the task; default `<type>_<n>`.")] = None
    title: str | None = None
    description: str | None = None
    required: Annotated[
        bool | None, Meta(description="Must be answered. Default true for PromptInput and ModelResponses.")
    ] = None
    text: Annotated[str | None, Meta(description="`Instructions`: Markdown with `{{variables}}`.")] = None
    min_characters: Characters | None = None
    max_characters: MaxCharacters | None = None
    allow_attachments: bool | None = None
    num_responses: Annotated[
        Annotated[int, Meta(ge=1, le=8)] | None, Meta(description="`ModelResponses`: how many; default 1.")
    ] = None
    models: list[str] | None = None
    blind: bool | None = None
    target: Annotated[
        str | None,
        Meta(
            description="`Rating`: response, turn, thread; `Rewrite`: selected, all; `Spans`: response, prompt."
        ),
    ] = None
    dimensions: Annotated[list[ChatDimension], Meta(max_length=100)] | None = None
    scale: Annotated[
        Annotated[int, Meta(ge=2, le=100)] | None, Meta(description="`Preference`: steps; default 7.")
    ] = None
    labels: Annotated[
        list[str | NerLabel] | None, Meta(description="`Preference`: captions; `Spans`: labels.")
    ] = None
    allow_ties: bool | None = None
    min_change_ratio: Annotated[
        Annotated[float, Meta(ge=0, le=1)] | None,
        Meta(description="`Rewrite`: least share of words that must change."),
    ] = None
    fields: Annotated[list[FormField] | None, Meta(description="`Form`: its fields.")] = None
    criteria: Annotated[list[ChatCriterion], Meta(max_length=1000)] | None = None
    editable: Annotated[bool | None, Meta(description="`Rubric`: contributors write the criteria.")] = None

    @property
    def must(self) -> bool:
        """Whether it has to be answered wherever it is shown."""
        return self.type in ("PromptInput", "ModelResponses") if self.required is None else self.required


Components = Annotated[list[ChatComponent], Meta(max_length=100)]


class ChatStages(Struct, kw_only=True):
    """Components that run once before the conversation, in every turn, and once after it."""

    before: Components | None = None
    turn: Components | None = None
    after: Components | None = None


class ChatContent(Struct, kw_only=True):
    """What a message says."""

    text: str | None = None
    attachments: list[Any] | None = None


class ChatMessage(Struct, kw_only=True):
    """A message of the conversation so far."""

    role: Literal["system", "user", "assistant", "function"]
    content: str | ChatContent
    source_id: Annotated[Identifier | None, Meta(description="Who wrote it.")] = None

    @property
    def text(self) -> str:
        """Its text, "" if it has none."""
        return self.content if isinstance(self.content, str) else self.content.text or ""


class ChatThread(Struct, kw_only=True):
    """One of several conversations."""

    id: Identifier
    title: str | None = None
    models: list[str] | None = None
    initial_messages: list[ChatMessage] | None = None


class ChatEntry(Struct, kw_only=True, omit_defaults=True):
    """What one component left: `output` in the form of its type."""

    type: str
    output: Any
    id: Annotated[str | None, Meta(description="Of the component.")] = None
    stage: Stage | None = None
    turn_index: Annotated[
        Annotated[int, Meta(ge=0, le=MAX_TURNS - 1)] | None, Meta(description="Only in the stage `turn`.")
    ] = None
    thread_id: Annotated[str | None, Meta(description="`multichat`, only in the stage `turn`.")] = None


class ChatResponse(Struct, kw_only=True):
    """`before` in order, the components of each turn, then `after`."""

    responses: Annotated[list[ChatEntry], Meta(max_length=50_000)]


class ChatParams(CommonParams, kw_only=True, dict=True):
    """The components, at the top level or in `params`, the conversation so far, and values for variables."""

    template_variables: Annotated[
        dict[str, Any] | None, Meta(description="Values of the `{{variables}}`, or a project's declarations.")
    ] = None
    params: Annotated[ChatStages | None, Meta(description="The components; win over those beside it.")] = None
    before: Components | None = None
    turn: Components | None = None
    after: Components | None = None
    initial_messages: Annotated[
        Annotated[list[ChatMessage], Meta(max_length=10_000)] | None,
        Meta(description="The conversation so far."),
    ] = None
    models: Annotated[list[str] | None, Meta(description="Model endpoints of this server.")] = None
    min_turns: Annotated[int, Meta(ge=1, le=MAX_TURNS)] | None = None
    max_turns: Annotated[int, Meta(ge=1, le=MAX_TURNS)] | None = None
    attachments: Annotated[list[TextCollectionAttachment] | None, Meta(description="Reference material.")] = (
        None
    )
    hypothesis: Annotated[ChatResponse | None, Meta(description="Pre-labels.")] = None


class ChatVariant(Struct, frozen=True, kw_only=True):
    """How a chat type differs from `chat`."""

    name: str
    live: bool = True
    """Models may answer, turns may repeat."""
    open: bool = False
    """Unknown component types are kept and shown as JSON."""
    threads: bool = False
    """Several conversations side by side."""


class Placed(Struct, frozen=True):
    """A component with where it stands. `id` is its own or the default, `path` its place in the params."""

    component: ChatComponent
    id: str
    stage: Stage
    path: str


def placed(params: Any) -> list[Placed]:
    """All components in order."""
    lists: list[tuple[Stage, str, list[ChatComponent]]] = []
    for stage in STAGES:
        nested = getattr(params.params, stage) if params.params is not None else None
        if nested is not None:
            lists.append((stage, f"params.{stage}", nested))
        else:
            lists.append((stage, stage, getattr(params, stage) or []))
    found: list[Placed] = []
    for stage, path, components in lists:
        for i, component in enumerate(components):
            name = component.id or f"{component.type}_{len(found)}"
            found.append(Placed(component, name, stage, f"{path}[{i}]"))
    return found


def turn_limits(params: Any) -> tuple[int, int]:
    """Least and most turns of each conversation."""
    least = params.min_turns or 1
    return least, params.max_turns or least


def threads_of(params: Any) -> list[str | None]:
    """Ids of the conversations; `[None]` where there is one without an id."""
    threads: list[ChatThread] | None = getattr(params, "threads", None)
    return [t.id for t in threads] if threads else [None]


def initial_messages(params: Any, thread: str | None) -> list[ChatMessage]:
    """The conversation so far: the task's, then the thread's own."""
    own: list[ChatMessage] = list(params.initial_messages or ())
    for one in getattr(params, "threads", None) or ():
        if one.id == thread:
            own += one.initial_messages or ()
    return own


def fixed_sources(params: Any, thread: str | None, found: Sequence[Placed]) -> dict[str, str]:
    """Responses that the task brings itself, by source id: the assistant's messages after the last of the user.

    Where turns have prompts or responses of their own, earlier messages are history and not to be judged.
    """
    if any(p.stage == "turn" and p.component.type in ("PromptInput", "ModelResponses") for p in found):
        return {}
    messages = initial_messages(params, thread)
    last = max((i for i, m in enumerate(messages) if m.role == "user"), default=-1)
    sources: dict[str, str] = {}
    for message in messages[last + 1 :]:
        if message.role == "assistant":
            sources[message.source_id or f"assistant_{len(sources)}"] = message.text
    return sources


def offered(params: Any) -> dict[str, str]:
    """Responses given as the template variable `responses` (texts, or objects with `source_id` and `text`), by source id."""
    given: Any = (params.template_variables or {}).get("responses")
    found: dict[str, str] = {}
    for i, one in enumerate(cast("list[Any]", given) if isinstance(given, list) else ()):
        if isinstance(one, str):
            found[f"response_{i}"] = one
        elif isinstance(one, dict) and isinstance(one.get("text"), str):
            name = one.get("source_id")
            found[name if isinstance(name, str) and name else f"response_{i}"] = one["text"]
    return found
