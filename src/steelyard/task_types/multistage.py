"""A chain of sub-tasks of other types, later ones fed by the answers of earlier ones (task-types-text §10.6)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Annotated, Any, Literal, cast

import msgspec
from msgspec import Meta, Struct

from steelyard.errors import InvalidRequest, Issue, NotEnabled
from steelyard.task_types._base import (
    KNOWN_TYPES,
    RESULT_URL,
    Agreement,
    Answer,
    AttachmentRef,
    FileLink,
    InvalidParams,
    MediaInfo,
    ResultFile,
    TaskType,
    Turn,
)
from steelyard.task_types._shared.common import CommonParams
from steelyard.task_types._shared.parsing import ParamsParser, Rule, Section, plain, read_response, shorten
from steelyard.task_types._shared.single import RESPONSES_REQUIRED, mean
from steelyard.task_types._shared.values import bad

OWN_NAME = "multistage"
MAX_STAGES = 20

_REFERENCE = re.compile(r"\{\{\s*(\S(?:.*\S)?)\s*\}\}")
"""What is named begins and ends with no white space: `.+?` between two `\\s*` would try a run of spaces in its length to the third."""
_STEP = re.compile(r"[^.\[\]]+")


class MultiStageStage(Struct, kw_only=True):
    """One sub-task."""

    id: Annotated[str, Meta(min_length=1, max_length=256, description="Unique in the task.")]
    type: Annotated[str, Meta(description="Any task type but this one.")]
    params: Annotated[dict[str, Any] | None, Meta(description="As the body of that type.")] = None
    inputs: Annotated[
        dict[str, str] | None,
        Meta(
            description="Params to fill: `{{stages.<id>.response.<path>}}` of an earlier stage or `{{template_variables.<name>}}`."
        ),
    ] = None
    assignee: Annotated[
        Literal["same", "different", "any"] | None,
        Meta(
            description="Who may do it: whoever did the stage before, somebody who did none before, or (by default) anybody."
        ),
    ] = None


class MultiStageParams(CommonParams, kw_only=True):
    """The stages in the order in which they are done."""

    scene_format: Annotated[Any, Meta(description="Sensor data; not enabled on this server.")] = None
    stages: Annotated[list[MultiStageStage], Meta(min_length=2, max_length=MAX_STAGES)]
    template_variables: dict[str, Any] | None = None


class MultiStageAnswer(Struct, kw_only=True, omit_defaults=True):
    """The answer of one stage, or why its filled-in params were refused."""

    id: str
    type: str
    response: dict[str, Any] | None = None
    error: str | None = None


class MultiStageResponse(Struct, kw_only=True):
    """The answers of the stages in order; the last may be an error instead."""

    stages: list[MultiStageAnswer]


class _Unresolved(Exception):
    """A reference points at nothing."""


@cache
def _types() -> dict[str, TaskType[Any, Any]]:
    # The registry is complete only after this module, which is one of its entries.
    from steelyard.task_types import TASK_TYPES

    return TASK_TYPES


def _check_scene(params: Any) -> None:
    if params.scene_format is not None:
        raise NotEnabled("Multi-stage tasks about scenes are not enabled on this server.")


def _check_stages(params: Any) -> None:
    seen: list[str] = []
    for i, stage in enumerate(cast("list[MultiStageStage]", params.stages)):
        path = f"stages[{i}]"
        if stage.id in seen:
            message = f'Duplicate stage id "{shorten(stage.id)}".'
            raise InvalidRequest(message, issues=[Issue(f"{path}.id", "is used more than once")])
        if stage.type == OWN_NAME:
            raise bad(f"{path}.type", f"{OWN_NAME} cannot be nested")
        if stage.type not in _types():
            if stage.type in KNOWN_TYPES:
                raise bad(f"{path}.type", f"the task type {stage.type} is not enabled on this server")
            raise bad(f"{path}.type", f'unknown task type "{shorten(stage.type)}"')
        for key, reference in (stage.inputs or {}).items():
            _check_reference(f"{path}.inputs.{key}", reference, seen, params.template_variables or {})
        _check_static(i, stage, params)
        seen.append(stage.id)


def _check_reference(path: str, reference: str, earlier: Sequence[str], variables: dict[str, Any]) -> None:
    match = _REFERENCE.fullmatch(reference)
    target = match[1] if match else ""
    if target.startswith("template_variables."):
        name = target.removeprefix("template_variables.")
        if name not in variables:
            message = f"Missing template variable: {shorten(name)}."
            raise InvalidRequest(message, issues=[Issue(f"template_variables.{name}", "is required")])
        return
    if not target.startswith("stages.") or ".response" not in target:
        raise bad(
            path, "must be a reference like {{stages.<id>.response.<path>}} or {{template_variables.<name>}}"
        )
    if _source(target, earlier) is None:
        name = target.removeprefix("stages.").split(".response")[0]
        raise bad(path, f'no earlier stage with id "{shorten(name)}"')


def _source(target: str, ids: Sequence[str]) -> tuple[str, list[str]] | None:
    """Stage and steps below its response that a reference names; ids may hold dots."""
    for name in ids:
        start = f"stages.{name}.response"
        rest = target.removeprefix(start)
        if target.startswith(start) and (not rest or rest[0] in ".["):
            return name, _STEP.findall(rest)
    return None


def _check_static(i: int, stage: MultiStageStage, params: Any) -> None:
    """What is known of a stage's params at creation; values that answers will bring are missing."""
    known, pending = _known(stage, params)
    parse = _types()[stage.type].parse_params
    try:
        if pending and isinstance(parse, ParamsParser):
            parse.check_given(known, pending)
        else:
            parse(known)
    except InvalidParams as error:
        if pending and error.issues and error.issues[0].message == "is required":
            return  # by a parser of another kind, which has come no further
        message = f"stages[{i}]: {error.message}"
        issues = [Issue(_below(i, "params", issue.path), issue.message) for issue in error.issues]
        raise InvalidRequest(message, issues=issues) from None


def _below(i: int, part: str, path: str) -> str:
    return f"stages[{i}].{part}" + (path if path.startswith("[") or not path else f".{path}")


def _known(stage: MultiStageStage, params: Any) -> tuple[bytes, set[str]]:
    """Params that need no answer, as JSON, and the names of those that come from answers."""
    filled = dict(stage.params or {})
    pending: set[str] = set()
    for key, reference in (stage.inputs or {}).items():
        match = _REFERENCE.fullmatch(reference)
        if match and match[1].startswith("template_variables."):
            filled[key] = (params.template_variables or {})[match[1].removeprefix("template_variables.")]
        else:
            filled.pop(key, None)
            pending.add(key)
    return msgspec.json.encode(filled), pending


def _filled(stage: MultiStageStage, params: Any, answers: dict[str, dict[str, Any]]) -> bytes:
    """A stage's params as JSON with every input filled in; raises _Unresolved."""
    known, _ = _known(stage, params)
    filled = cast("dict[str, Any]", msgspec.json.decode(known))
    for key, reference in (stage.inputs or {}).items():
        match = _REFERENCE.fullmatch(reference)
        source = _source(match[1], list(answers)) if match else None
        if source is not None:
            filled[key] = _follow(answers[source[0]], source[1], reference)
        elif match and match[1].startswith("stages."):
            raise _Unresolved(f"{reference} has no value.")
    return msgspec.json.encode(filled)


def _follow(value: Any, steps: Sequence[str], reference: str) -> Any:
    for step in steps:
        if isinstance(value, dict) and step in value:
            value = cast("dict[str, Any]", value)[step]
        elif isinstance(value, list) and step.isdecimal() and int(step[:9]) < len(cast("list[Any]", value)):
            value = cast("list[Any]", value)[int(step[:9])]
        else:
            raise _Unresolved(f"{reference} has no value.")
    return value


def _open(stage: MultiStageStage, params: Any, answers: dict[str, dict[str, Any]]) -> tuple[Any, str | None]:
    """The typed params of a stage that becomes active, or why they are refused."""
    try:
        return _types()[stage.type].parse_params(_filled(stage, params, answers)), None
    except _Unresolved as error:
        return None, str(error)
    except InvalidParams as error:
        return None, error.message


_parse = ParamsParser(
    MultiStageParams,
    (
        Section(("scene_format",), _check_scene),
        Section(("template_variables",)),
        Section(("stages",), _check_stages),
    ),
    (
        Rule(
            "stages", f"Invalid parameter stages: must contain 2 to {MAX_STAGES} stages.", ("value", "limit")
        ),
        RESPONSES_REQUIRED,
    ),
    general=plain,
)

_RESPONSE = msgspec.json.Decoder(MultiStageResponse)


def _media(params: Any, i: int, media: MediaInfo) -> MediaInfo:
    """What is known of the media is about the first attachment of the task."""
    first = next(iter(_attachments(params)), None)
    if first is not None and first.path.startswith(f"stages[{i}]."):
        return media
    return MediaInfo(files=media.files)


def _check(
    params: MultiStageParams, data: bytes, media: MediaInfo, *, whole: bool = True
) -> tuple[list[Issue], bytes]:
    response = read_response(_RESPONSE, data)
    if isinstance(response, list):
        return response, data
    issues: list[Issue] = []
    answers: dict[str, dict[str, Any]] = {}
    changed, ended = False, False
    for i, stage in enumerate(params.stages):
        if i >= len(response.stages):
            if whole and not ended:
                issues.append(Issue("stages", f'must have an answer of the stage "{shorten(stage.id)}"'))
            break
        given = response.stages[i]
        if ended or (given.id, given.type) != (stage.id, stage.type):
            issues.append(Issue(f"stages[{i}]", "must be the stages of the task in order, up to an error"))
            break
        opened, error = _open(stage, params, answers)
        if error is not None:
            ended = True
            if given.error is None or given.response is not None:
                issues.append(Issue(f"stages[{i}]", f"cannot be answered: {error}"))
            continue
        if given.response is None or given.error is not None:
            issues.append(Issue(f"stages[{i}].response", "is required"))
            break
        task_type = _types()[stage.type]
        found, stored = task_type.check_response(
            opened, msgspec.json.encode(given.response), _media(params, i, media)
        )
        issues += [Issue(_below(i, "response", issue.path), issue.message) for issue in found]
        kept = cast("dict[str, Any]", msgspec.json.decode(stored))
        changed = changed or kept != given.response
        given.response = answers[stage.id] = kept
    if len(response.stages) > len(params.stages):
        issues.append(Issue("stages", "must not have more answers than stages"))
    return issues, msgspec.json.encode(response) if changed and not issues else data


def _next_turn(params: MultiStageParams, data: bytes) -> Turn | None:
    given = _RESPONSE.decode(data).stages
    if given and given[-1].error is not None:
        i = len(given) - 1
        return Turn(given[-1].id, refused=f"stages[{i}]: {given[-1].error}")
    if len(given) >= len(params.stages):
        return None
    i = len(given)
    stage = params.stages[i]
    answers = {one.id: one.response for one in given if one.response is not None}
    _, error = _open(stage, params, answers)
    return Turn(stage.id, stage.assignee or "any", None if error is None else f"stages[{i}]: {error}")


def _check_turn(
    params: MultiStageParams, earlier: bytes | None, data: bytes, media: MediaInfo
) -> tuple[list[Issue], bytes]:
    response = read_response(_RESPONSE, data)
    if isinstance(response, list):
        return response, data
    done = [] if earlier is None else _RESPONSE.decode(earlier).stages
    issues = [
        Issue(f"stages[{i}]", "has been answered before and must stay as it is")
        for i, kept in enumerate(done)
        if i >= len(response.stages) or response.stages[i] != kept
    ]
    if not issues and len(response.stages) <= len(done):
        name = params.stages[len(done)].id
        issues = [Issue("stages", f'must have an answer of the stage "{shorten(name)}"')]
    # Whoever has done this stage may go on at once, unless the next one is for others.
    for i in range(len(done) + 1, min(len(response.stages), len(params.stages))):
        if params.stages[i].assignee == "different" and response.stages[i].error is None:
            issues.append(Issue(f"stages[{i}]", "is for somebody who has done none of the stages before"))
    return (issues, data) if issues else _check(params, data, media, whole=False)


def _test_answer(params: MultiStageParams, seed: str, media: MediaInfo) -> Answer:
    made: list[MultiStageAnswer] = []
    files: list[ResultFile] = []
    answers: dict[str, dict[str, Any]] = {}
    for i, stage in enumerate(params.stages):
        opened, error = _open(stage, params, answers)
        if error is not None:
            made.append(MultiStageAnswer(id=stage.id, type=stage.type, error=error))
            break
        answer = _types()[stage.type].test_answer(opened, f"{seed} {i}", _media(params, i, media))
        answers[stage.id], named = _numbered(i, answer)
        files += named
        made.append(MultiStageAnswer(id=stage.id, type=stage.type, response=answers[stage.id]))
    return Answer(cast("dict[str, Any]", msgspec.to_builtins(MultiStageResponse(stages=made))), tuple(files))


def _file_links(response: dict[str, Any]) -> list[FileLink]:
    """Those of the stages' answers."""
    found: list[FileLink] = []
    stages = response.get("stages")
    for i, one in enumerate(cast("list[Any]", stages) if isinstance(stages, list) else ()):
        given = cast("dict[str, Any]", one) if isinstance(one, dict) else {}
        task_type, answer = _types().get(str(given.get("type"))), given.get("response")
        if task_type is not None and isinstance(answer, dict):
            links = task_type.file_links(cast("dict[str, Any]", answer))
            found += [FileLink(("stages", i, "response", *link.path), link.url) for link in links]
    return found


def _result_files(params: MultiStageParams, data: bytes, media: MediaInfo) -> Answer:
    response = _RESPONSE.decode(data)
    files: list[ResultFile] = []
    answers: dict[str, dict[str, Any]] = {}
    for i, one in enumerate(response.stages):
        store = _types()[one.type].result_files
        if one.response is None:
            continue
        answers[one.id] = one.response
        if store is None:
            continue
        opened, _ = _open(params.stages[i], params, answers)
        answer = store(opened, msgspec.json.encode(one.response), _media(params, i, media))
        one.response, named = _numbered(i, answer)
        files += named
    return Answer(cast("dict[str, Any]", msgspec.to_builtins(response)), tuple(files))


def _numbered(i: int, answer: Answer) -> tuple[dict[str, Any], list[ResultFile]]:
    """A stage's answer and files, renamed so that files of different stages have different names."""
    names = {RESULT_URL + f.name: f"{i}-{f.name}" for f in answer.files}
    files = [ResultFile(names[RESULT_URL + f.name], f.content, f.content_type) for f in answer.files]
    response = msgspec.json.decode(msgspec.json.encode(answer.response))
    return cast("dict[str, Any]", _renamed(response, names)), files


def _renamed(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, str):
        return RESULT_URL + names[value] if value in names else value
    if isinstance(value, list):
        return [_renamed(one, names) for one in cast("list[Any]", value)]
    if isinstance(value, dict):
        return {key: _renamed(one, names) for key, one in cast("dict[str, Any]", value).items()}
    return value


def _answers(response: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Responses by stage id."""
    found: dict[str, dict[str, Any]] = {}
    for one in response.get("stages") or ():
        if isinstance(one, dict) and isinstance(one.get("response"), dict):
            found[str(one.get("id"))] = one["response"]
    return found


def _agreement(
    params: MultiStageParams, a: dict[str, Any], b: dict[str, Any], media: MediaInfo = MediaInfo()
) -> Agreement:
    """Mean over the stages that had the same inputs on both sides."""
    one, other = _answers(a), _answers(b)
    scores: dict[str, float] = {}
    for i, stage in enumerate(params.stages):
        if stage.id not in one or stage.id not in other:
            continue
        try:
            same = _filled(stage, params, one) == _filled(stage, params, other)
        except (_Unresolved, TypeError):
            continue
        opened, error = _open(stage, params, one) if same else (None, "differs")
        if error is None:
            compare = _types()[stage.type].agreement
            scores[stage.id] = compare(opened, one[stage.id], other[stage.id], _media(params, i, media)).score
    return Agreement(mean(list(scores.values())), {"stages": scores, "comparable": bool(scores)})


def _canonical(response: dict[str, Any]) -> list[Any]:
    found: list[Any] = []
    for one in response.get("stages") or ():
        task_type = _types().get(str(one.get("type")))
        answer = one.get("response")
        plain_answer = answer if task_type is None or answer is None else task_type.canonical(answer)
        found.append([one.get("id"), one.get("type"), plain_answer, one.get("error")])
    return found


def _summarize(params: MultiStageParams, response: dict[str, Any]) -> dict[str, Any]:
    answers = _answers(response)
    summary: dict[str, Any] = {}
    for stage in params.stages:
        opened, error = _open(stage, params, answers)
        if error is None and stage.id in answers:
            summary[stage.id] = _types()[stage.type].summarize(opened, answers[stage.id])
    return {"done": len(answers), "stages": summary}


def _attachments(params: MultiStageParams) -> list[AttachmentRef]:
    """Those that are known before any answer."""
    found: list[AttachmentRef] = []
    for i, stage in enumerate(params.stages):
        task_type = _types()[stage.type]
        try:
            refs = task_type.attachments(task_type.parse_params(_known(stage, params)[0]))
        except InvalidParams:
            continue
        found += [msgspec.structs.replace(ref, path=_below(i, "params", ref.path)) for ref in refs]
    return found


TASK_TYPE = TaskType(
    title="Several stages",
    description="A chain of tasks of other types, later ones fed by the answers of earlier ones.",
    params=MultiStageParams,
    response=MultiStageResponse,
    parse_params=_parse,
    attachments=_attachments,
    check_response=_check,
    next_turn=_next_turn,
    check_turn=_check_turn,
    file_links=_file_links,
    result_files=_result_files,
    test_answer=_test_answer,
    agreement=_agreement,
    canonical=_canonical,
    summarize=_summarize,
    # Stages of some types need numeric libraries.
    heavy_test_answer=True,
)
