"""Task types of the chat family, made from what sets each apart (task-types-text §10). Each module declares its variant."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from typing import Any, cast

import msgspec
from msgspec import Raw, Struct

from steelyard.errors import InvalidRequest, Issue
from steelyard.task_types._base import Agreement, Answer, AttachmentRef, MediaInfo, TaskType
from steelyard.task_types._shared.chat_answers import (
    ChatChecker,
    Conversation,
    canonical_entries,
    chat_agreement,
    make_entries,
    shown_entries,
)
from steelyard.task_types._shared.chat_judgements import Kinds
from steelyard.task_types._shared.chat_params import (
    MAX_TURNS,
    STAGES,
    ChatEntry,
    ChatParams,
    ChatResponse,
    ChatVariant,
    Placed,
    fixed_sources,
    offered,
    placed,
    threads_of,
    turn_limits,
)
from steelyard.task_types._shared.common import is_url
from steelyard.task_types._shared.form_fields import MAX_LEAST_SIZE
from steelyard.task_types._shared.parsing import ParamsParser, Rule, Section, plain, read_response, shorten
from steelyard.task_types._shared.values import bad, missing

_VARIABLE = re.compile(r"\{\{\s*([A-Za-z_][\w.-]*)\s*\}\}")
_WORDS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}
_DECLARATION = frozenset(["type", "required", "default", "description", "title"])
_RESPONSE = msgspec.json.Decoder(ChatResponse)


def chat_type(
    variant: ChatVariant, title: str, description: str, params: type[ChatParams], *extra: Section
) -> TaskType[Any, Any]:
    """The task type of a variant; `extra` are sections of its own params, checked after the shared ones."""
    parse = ParamsParser(
        params,
        (
            Section(("title", "description", "responses_required"), lambda p: _one_answer(variant, p)),
            Section(("attachments",), _check_attachments),
            *extra,
            Section(("initial_messages", "models"), lambda p: _check_models(variant, p)),
            Section(("min_turns", "max_turns"), lambda p: _check_turns(variant, p)),
            Section(("template_variables", "params", *STAGES), lambda p: _check_components(variant, p)),
            Section((), _check_variables),
            Section(("hypothesis",), lambda p: _check_hypothesis(variant, p)),
        ),
        (
            Rule(
                "min_turns",
                f"Invalid parameter {{path}}: must be between 1 and {MAX_TURNS}.",
                ("value", "limit"),
            ),
            Rule(
                "max_turns",
                f"Invalid parameter {{path}}: must be between min_turns and {MAX_TURNS}.",
                ("value", "limit"),
            ),
            Rule("responses_required", _ONE.format(variant.name), ("value", "limit")),
        ),
        general=plain,
    )

    def parse_params(data: bytes) -> ChatParams:
        parsed = parse(data)
        nested = msgspec.json.decode(data, type=_Sent).params if parsed.params is not None else None
        vars(parsed)["sent"] = {
            k: v for k, v in (nested or {}).items() if k in STAGES and bytes(v) != b"null"
        }
        return parsed

    def check(given: ChatParams, data: bytes, media: MediaInfo) -> tuple[list[Issue], bytes]:
        response = read_response(_RESPONSE, data)
        if isinstance(response, list):
            return response, data
        issues, done = ChatChecker(Conversation(given), complete=True).check(response.responses)
        if issues or done == response.responses:
            return issues, data
        return [], msgspec.json.encode(ChatResponse(responses=done))

    def test_answer(given: ChatParams, seed: str, media: MediaInfo) -> Answer:
        entries = make_entries(Conversation(given), random.Random(seed))  # noqa: S311  (repeatable on purpose)
        return Answer(_builtins(entries))

    def agreement(
        given: ChatParams, a: dict[str, Any], b: dict[str, Any], media: MediaInfo = MediaInfo()
    ) -> Agreement:
        return chat_agreement(Conversation(given), _entries(a), _entries(b))

    def hypothesis(given: ChatParams) -> dict[str, Any] | None:
        if given.hypothesis is None:
            return None
        return _builtins(
            ChatChecker(Conversation(given), complete=False).check(given.hypothesis.responses)[1]
        )

    return TaskType(
        title=title,
        description=description,
        params=params,
        response=ChatResponse,
        parse_params=parse_params,
        default_params=_stages,
        attachments=_attachments,
        check_response=check,
        test_answer=test_answer,
        agreement=agreement,
        canonical=lambda response: {"responses": canonical_entries(_entries(response))},
        summarize=_summarize,
        hypothesis=hypothesis,
        response_schema=lambda given: _schema(variant, given),
        has_templates=True,
        needs_project="Missing required parameter: project.",
    )


_ONE = "responses_required must be 1 for {} tasks."


def _one_answer(variant: ChatVariant, params: Any) -> None:
    if params.responses_required not in (None, 1):
        raise InvalidRequest(_ONE.format(variant.name), issues=[Issue("responses_required", "must be 1")])


def _check_attachments(params: Any) -> None:
    for i, attachment in enumerate(params.attachments or ()):
        path = f"attachments[{i}].content"
        if attachment.content.isspace():
            raise missing(path)
        if attachment.type != "text" and not is_url(attachment.content):
            raise bad(path, "not a valid attachment URL")
        if attachment.forms:
            raise bad(f"attachments[{i}].forms", "not allowed in a conversation")


def check_models(variant: ChatVariant, models: list[str] | None) -> None:
    """Raise InvalidRequest for models. No endpoints can be registered yet, so every name is unknown."""
    if not models:
        return
    if not variant.live:
        message = f"{variant.name} tasks take no models."
        raise InvalidRequest(message, issues=[Issue("models", "is not allowed")])
    raise InvalidRequest(f'Unknown model "{shorten(models[0])}".', issues=[Issue("models", "is unknown")])


def _check_models(variant: ChatVariant, params: Any) -> None:
    check_models(variant, params.models)
    for thread in getattr(params, "threads", None) or ():
        check_models(variant, thread.models)


def _check_turns(variant: ChatVariant, params: Any) -> None:
    if not variant.live:
        for name in ("min_turns", "max_turns"):
            if getattr(params, name) not in (None, 1):
                raise bad(name, f"must be 1 for {variant.name} tasks")
    least, most = turn_limits(params)
    if least > most:
        raise bad("max_turns", f"must be between min_turns and {MAX_TURNS}")


def _check_components(variant: ChatVariant, params: Any) -> None:
    found = placed(params)
    if not found:
        raise missing("params")
    media = [a.type for a in params.attachments or ()]
    seen: set[str] = set()
    for place in found:
        c, path = place.component, place.path
        kind = Kinds.of(c)
        if kind is Kinds.other and not variant.open:
            raise bad(f"{path}.type", f'unknown component "{shorten(c.type)}"')
        if place.id in seen:
            message = f'Duplicate component id "{shorten(place.id)}".'
            raise InvalidRequest(message, issues=[Issue(f"{path}.id", "is used more than once")])
        seen.add(place.id)
        kind.check_params(c, path, media)
        check_models(variant, c.models)
        _check_sources(params, found, place)
    least = sum(Kinds.of(p.component).least(p.component) for p in found)
    if least * turn_limits(params)[0] * len(threads_of(params)) > MAX_LEAST_SIZE:
        raise bad("params", "ask for more than anybody could give")


def _check_sources(params: Any, found: list[Placed], place: Placed) -> None:
    """A judgement needs something to judge."""
    kind, c = Kinds.of(place.component), place.component
    if not kind.needs or (c.type == "Spans" and c.target == "prompt"):
        return
    if c.type == "Ranking" and place.stage == "after" and len(threads_of(params)) >= kind.needs:
        return
    seen = {"before": ("before",), "turn": ("before", "turn"), "after": STAGES}[place.stage]
    count = sum(
        p.component.num_responses or 1
        for p in found
        if p.component.type == "ModelResponses" and p.stage in seen
    )
    count += max(len(fixed_sources(params, thread, found)) for thread in threads_of(params)) + len(
        offered(params)
    )
    if count < kind.needs:
        some = "a response" if kind.needs == 1 else f"at least {kind.needs} responses"
        raise bad(f"{place.path}.type", f"{c.type} needs {some}")


def _check_variables(params: Any) -> None:
    """Every variable that a text mentions has a value; declarations in place of values count by their default."""
    given = cast("dict[str, Any]", params.template_variables or {})
    for name, value in given.items():
        if _is_declaration(value):
            default = value.get("default")
            if default is None:
                if value.get("required"):
                    raise _no_variable(name)
            elif not _is(default, value["type"]):
                message = f"Invalid template variable {shorten(name)}: expected {value['type']}."
                raise InvalidRequest(
                    message, issues=[Issue(f"template_variables.{name}", "has a wrong type")]
                )
    for name in _mentioned(params):
        value = given.get(name)
        if value is None or (_is_declaration(value) and value.get("default") is None):
            raise _no_variable(name)


def _no_variable(name: str) -> InvalidRequest:
    message = f"Missing template variable: {shorten(name)}."
    return InvalidRequest(message, issues=[Issue(f"template_variables.{name}", "is required")])


def _is_declaration(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and isinstance(value.get("type"), str)
        and value["type"] in _WORDS
        and _DECLARATION.issuperset(cast("dict[str, Any]", value))
    )


def _is(value: Any, word: str) -> bool:
    return isinstance(value, _WORDS[word]) and (word == "boolean" or not isinstance(value, bool))


def _mentioned(params: Any) -> Iterator[str]:
    texts: list[str | None] = [params.title, params.description]
    texts += [a.content for a in params.attachments or () if a.type == "text"]
    for place in placed(params):
        texts += [place.component.title, place.component.description, place.component.text]
    for text in texts:
        yield from cast("list[str]", _VARIABLE.findall(text or ""))


def _check_hypothesis(variant: ChatVariant, params: Any) -> None:
    given = cast("ChatResponse | None", params.hypothesis)
    if given is not None:
        issues, _ = ChatChecker(Conversation(params), complete=False).check(given.responses)
        for issue in issues:
            raise bad(f"hypothesis.{issue.path}", issue.message)
    if variant.live or not any(p.component.type == "ModelResponses" for p in placed(params)):
        return
    brought = offered(params) or any(m.role == "assistant" for m in params.initial_messages or ())
    if not brought and not any(e.type == "ModelResponses" for e in (given.responses if given else ())):
        message = (
            f"{variant.name} tasks need responses in initial_messages, template_variables or hypothesis."
        )
        raise InvalidRequest(message, issues=[Issue("hypothesis", "must bring the responses")])


class _Sent(Struct):
    """The part of a request that holds components, as sent."""

    params: dict[str, Raw] | None = None


def _stages(params: ChatParams) -> dict[str, Any]:
    """The components under the names that task objects use, as they were sent."""
    return cast("dict[str, Any]", vars(params).get("sent", {}))


def _attachments(params: ChatParams) -> list[AttachmentRef]:
    return [
        AttachmentRef(f"attachments[{i}].content", a.content, media=a.type)
        for i, a in enumerate(params.attachments or ())
        if a.type != "text"
    ]


def _builtins(entries: list[ChatEntry]) -> dict[str, Any]:
    return cast("dict[str, Any]", msgspec.to_builtins(ChatResponse(responses=entries)))


def _entries(response: dict[str, Any]) -> list[ChatEntry]:
    return msgspec.convert(response, ChatResponse, strict=False).responses


def _summarize(params: ChatParams, response: dict[str, Any]) -> dict[str, Any]:
    entries = shown_entries(_entries(response))
    prompts = [e.output for e in entries if e.type == "PromptInput" and isinstance(e.output, str)]
    turns = {(e.thread_id, e.turn_index) for e in entries if e.turn_index is not None}
    summary: dict[str, Any] = {"entries": len(entries), "turns": len(turns)}
    if prompts:
        summary["prompt"] = shorten(prompts[0], 80)
    return summary


def _schema(variant: ChatVariant, params: ChatParams) -> dict[str, Any]:
    entries: list[dict[str, Any]] = []
    for place in placed(params):
        properties: dict[str, Any] = {
            "type": {"const": place.component.type},
            "output": Kinds.of(place.component).schema(place.component),
            "id": {"const": place.id},
            "stage": {"const": place.stage},
        }
        required = list(properties)
        if place.stage == "turn":
            properties["turn_index"] = {
                "type": "integer",
                "minimum": 0,
                "maximum": turn_limits(params)[1] - 1,
            }
            required.append("turn_index")
            if variant.threads:
                properties["thread_id"] = {"enum": threads_of(params)}
                required.append("thread_id")
        entries.append(
            {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
        )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {"responses": {"type": "array", "items": {"anyOf": entries}}},
        "required": ["responses"],
        "additionalProperties": False,
    }
