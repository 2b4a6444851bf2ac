"""Put an attachment into categories, or answer several taxonomies about it (task-types-text §3). Legacy, still accepted."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Annotated, Any, Literal, cast, get_args

import msgspec
from msgspec import Meta, Struct

from steelyard.errors import InvalidRequest, Issue
from steelyard.task_types._base import Agreement, Answer, AttachmentRef, MediaInfo, TaskType
from steelyard.task_types._shared.common import NO_ATTACHMENT, CommonParams, is_url
from steelyard.task_types._shared.parsing import ParamsParser, Rule, Section, plain, read_response, shorten
from steelyard.task_types._shared.textscore import text_similarity
from steelyard.task_types._shared.values import (
    Characters,
    MaxCharacters,
    Step,
    bad,
    check_number_rules,
    check_text_rules,
    decimal,
    exact,
    make_decimal,
    make_text,
    missing,
    number_problem,
    text_problem,
)
from steelyard.taxonomy.attributes import Number
from steelyard.taxonomy.labels import LabelList, check_labels, leaves

CategorizationAttachmentType = Literal["text", "image", "video", "audio", "website", "pdf"]


class TaxonomyCondition(Struct, kw_only=True):
    """Show a question only if one of these choices is picked in another one."""

    taxonomy: str
    choices: Annotated[list[str] | str, Meta(description="Any of them suffices.")]


class CategorizationTaxonomy(Struct, kw_only=True):
    """One question. `number` and `text` take the limits of the form fields of the same name."""

    type: Literal["category", "number", "text"]
    description: Annotated[str, Meta(min_length=1, description="The question as the contributor reads it.")]
    choices: Annotated[LabelList | None, Meta(description="`category`: what may be chosen.")] = None
    allow_multiple: bool | None = None
    condition: TaxonomyCondition | None = None
    min: Number | None = None
    max: Number | None = None
    step: Step | None = None
    min_characters: Characters | None = None
    max_characters: MaxCharacters | None = None
    regex: str | None = None


class CategorizationParams(CommonParams, kw_only=True):
    """The attachment and either one flat list of categories or several taxonomies."""

    attachment: Annotated[
        str, Meta(min_length=1, max_length=1_000_000, description="A URL, or the text itself.")
    ]
    attachment_type: CategorizationAttachmentType
    categories: Annotated[list[str] | str | None, Meta(description="At least two distinct ones.")] = None
    category_ids: Annotated[dict[str, str] | None, Meta(description="Your ids → categories.")] = None
    allow_multiple: Annotated[bool | None, Meta(description="Several categories may be picked.")] = None
    taxonomies: dict[str, CategorizationTaxonomy] | None = None
    hypothesis: Annotated[CategorizationResponse | None, Meta(description="Pre-labels.")] = None


class CategorizationResponse(Struct, kw_only=True, omit_defaults=True):
    """`category` for the flat list, `taxonomies` otherwise."""

    category: str | list[str] | None = None
    category_id: str | list[str] | None = None
    taxonomies: dict[str, list[str] | str | int | float] | None = None


def _check_attachment(params: Any) -> None:
    if params.attachment.isspace():
        raise InvalidRequest(NO_ATTACHMENT, issues=[Issue("attachment", "is required")])
    if params.attachment_type != "text" and not is_url(params.attachment):
        raise bad("attachment", "not a valid attachment URL")


def _check_categories(params: Any) -> None:
    categories = _categories(params)
    if params.categories is None and params.taxonomies is None:
        raise InvalidRequest(
            "Please include categories or taxonomies.", issues=[Issue("categories", "is required")]
        )
    if params.categories is not None and params.taxonomies is not None:
        message = "Please include either categories or taxonomies, not both."
        raise InvalidRequest(message, issues=[Issue("taxonomies", "excludes categories")])
    if params.categories is not None:
        for i, category in enumerate(categories):
            if not category.strip():
                raise bad(f"categories[{i}]", "must not be empty")
        if len(set(categories)) < len(categories) or len(categories) < 2:
            raise bad("categories", "must contain at least 2 distinct categories")
    known = set(categories)
    for category in (params.category_ids or {}).values():
        if category not in known:
            raise bad("category_ids", f'"{shorten(category)}" is not one of the categories')


def _check_taxonomies(params: Any) -> None:
    if params.taxonomies is None:
        return
    taxonomies = cast("dict[str, CategorizationTaxonomy]", params.taxonomies)
    if not taxonomies:
        raise bad("taxonomies", "must not be empty")
    for key, taxonomy in taxonomies.items():
        path = f"taxonomies.{key}"
        if taxonomy.type == "category":
            if not taxonomy.choices or not leaves(taxonomy.choices):
                raise missing(f"{path}.choices")
            try:
                check_labels(taxonomy.choices, f"{path}.choices")
            except InvalidRequest as error:
                raise InvalidRequest(f"Invalid parameter {error.message}", issues=error.issues) from None
        check_number_rules(path, taxonomy.min, taxonomy.max)
        check_text_rules(path, taxonomy.min_characters, taxonomy.max_characters, taxonomy.regex)
    for key, taxonomy in taxonomies.items():
        condition = taxonomy.condition
        if condition is None:
            continue
        path = f"taxonomies.{key}.condition"
        if condition.taxonomy not in taxonomies:
            raise bad(f"{path}.taxonomy", f'unknown taxonomy "{shorten(condition.taxonomy)}"')
        known = set(leaves(taxonomies[condition.taxonomy].choices))
        for choice in _wanted(condition):
            if choice not in known:
                raise bad(f"{path}.choices", f'unknown choice "{shorten(choice)}"')
    _order(taxonomies)


def _order(taxonomies: dict[str, CategorizationTaxonomy]) -> list[str]:
    """Keys such that a question comes after the one its condition looks at; raises for a cycle."""
    done: dict[str, None] = {}
    for start in taxonomies:
        chain: dict[str, None] = {}
        key: str | None = start
        while key is not None and key not in done:
            if key in chain:
                raise bad("taxonomies", "conditions form a cycle")
            chain[key] = None
            condition = taxonomies[key].condition
            key = condition.taxonomy if condition else None
        done.update(dict.fromkeys(reversed(chain)))
    return list(done)


def _wanted(condition: TaxonomyCondition) -> list[str]:
    return [condition.choices] if isinstance(condition.choices, str) else condition.choices


def _categories(params: Any) -> list[str]:
    given = params.categories
    return [] if given is None else [given] if isinstance(given, str) else given


def _check_hypothesis(params: Any) -> None:
    given = cast("CategorizationResponse | None", params.hypothesis)
    if given is None:
        return
    for issue in _issues(params, given, complete=False):
        raise bad(f"hypothesis.{issue.path}", issue.message)


_parse = ParamsParser(
    CategorizationParams,
    (
        Section(("attachment", "attachment_type"), _check_attachment),
        Section(("categories", "category_ids", "allow_multiple", "taxonomies"), _check_categories),
        Section((), _check_taxonomies),
        Section(("hypothesis",), _check_hypothesis),
    ),
    (
        Rule("attachment", NO_ATTACHMENT, ("missing", "value")),
        Rule(
            "attachment_type",
            f"Invalid parameter attachment_type: must be one of {', '.join(get_args(CategorizationAttachmentType))}.",
            ("value", "type"),
        ),
        Rule(
            "taxonomies.*.type",
            "Invalid parameter taxonomies.{k}.type: must be category, number or text.",
            ("value", "type"),
        ),
        Rule(
            "responses_required",
            "Invalid parameter responses_required: must be between 1 and 100.",
            ("value", "limit"),
        ),
    ),
    general=plain,
)

_RESPONSE = msgspec.json.Decoder(CategorizationResponse)


def _check(params: CategorizationParams, data: bytes, media: MediaInfo) -> tuple[list[Issue], bytes]:
    response = read_response(_RESPONSE, data)
    if isinstance(response, list):
        return response, data
    issues = list(_issues(params, response, complete=True))
    if issues:
        return issues, data
    done = _completed(params, response)
    return [], data if done == response else msgspec.json.encode(done)


def _issues(params: Any, response: CategorizationResponse, complete: bool) -> Iterator[Issue]:
    if params.categories is not None:
        if response.category is None:
            if complete:
                yield Issue("category", "is required")
        else:
            yield from _choice_issues(
                "category", response.category, _categories(params), bool(params.allow_multiple)
            )
        return
    given = response.taxonomies or {}
    taxonomies = cast("dict[str, CategorizationTaxonomy]", params.taxonomies)
    shown = _shown(taxonomies, given)
    if complete:
        for key in shown:
            if given.get(key) in (None, [], ""):
                yield Issue(f"taxonomies.{key}", "is required")
    for key, value in given.items():
        if key not in taxonomies:
            yield Issue(f"taxonomies.{key}", "is no taxonomy of this task")
        elif key in shown and value not in ([], ""):
            yield from _answer_issues(f"taxonomies.{key}", taxonomies[key], value)


def _answer_issues(path: str, taxonomy: CategorizationTaxonomy, value: Any) -> Iterator[Issue]:
    problem: str | None = None
    if taxonomy.type == "category":
        # An array even for a single choice.
        if not isinstance(value, list):
            problem = "must be an array of choices"
        elif not taxonomy.allow_multiple and len(value) > 1:
            problem = "must hold one choice"
        else:
            yield from _choice_issues(path, value, leaves(taxonomy.choices), multiple=True)
    elif taxonomy.type == "number":
        number = decimal(value)
        problem = (
            "must be a number"
            if number is None
            else number_problem(number, taxonomy.min, taxonomy.max, taxonomy.step)
        )
    else:
        problem = text_problem(value, taxonomy.min_characters, taxonomy.max_characters, taxonomy.regex)
    if problem:
        yield Issue(path, problem)


def _choice_issues(path: str, value: str | list[str], allowed: list[str], multiple: bool) -> Iterator[Issue]:
    if isinstance(value, list) != multiple:
        yield Issue(path, "must be an array of categories" if multiple else "must be one category")
        return
    picked = value if isinstance(value, list) else [value]
    if not picked or len(set(picked)) < len(picked):
        yield Issue(path, "must hold at least one category, none of them twice")
    known = set(allowed)
    for choice in picked:
        if choice not in known:
            yield Issue(path, f'"{shorten(choice)}" is not one of the choices')


def _shown(taxonomies: dict[str, CategorizationTaxonomy], answers: dict[str, Any]) -> set[str]:
    shown: set[str] = set()
    for key in _order(taxonomies):
        condition = taxonomies[key].condition
        if condition is not None:
            answer = answers.get(condition.taxonomy) if condition.taxonomy in shown else None
            picked = answer if isinstance(answer, list) else [answer]
            if not any(choice in picked for choice in _wanted(condition)):
                continue
        shown.add(key)
    return shown


def _completed(params: CategorizationParams, response: CategorizationResponse) -> CategorizationResponse:
    """Categories in their declared order, ids added, hidden answers left out, numbers as decimal strings."""
    if params.categories is not None:
        category = response.category
        if isinstance(category, list):
            category = [c for c in _categories(params) if c in category]
        ids = {c: i for i, c in reversed((params.category_ids or {}).items())}
        found: str | list[str] | None = None
        if ids:
            found = (
                [ids[c] for c in category if c in ids]
                if isinstance(category, list)
                else ids.get(str(category))
            )
        return CategorizationResponse(category=category, category_id=found)
    taxonomies = params.taxonomies or {}
    given = response.taxonomies or {}
    shown = _shown(taxonomies, given)
    kept: dict[str, Any] = {}
    for key, value in given.items():
        if key in shown and value not in ([], ""):
            kept[key] = decimal(value) if taxonomies[key].type == "number" else value
    return CategorizationResponse(taxonomies=kept)


def _pick(rng: random.Random, choices: list[str], several: bool) -> list[str]:
    picked = set(rng.sample(choices, rng.randint(1, min(2, len(choices))) if several else 1))
    return [c for c in choices if c in picked]


def _test_answer(params: CategorizationParams, seed: str, media: MediaInfo) -> Answer:
    rng = random.Random(seed)  # noqa: S311  (repeatable on purpose)
    if params.categories is not None:
        picked = _pick(rng, _categories(params), bool(params.allow_multiple))
        response = CategorizationResponse(category=picked if params.allow_multiple else picked[0])
    else:
        response = CategorizationResponse(
            taxonomies={k: _made(rng, t) for k, t in (params.taxonomies or {}).items()}
        )
    return Answer(cast("dict[str, Any]", msgspec.to_builtins(_completed(params, response))))


def _made(rng: random.Random, t: CategorizationTaxonomy) -> Any:
    if t.type == "category":
        return _pick(rng, leaves(t.choices), bool(t.allow_multiple))
    if t.type == "number":
        return make_decimal(rng, t.min, t.max, t.step) or "0"
    return make_text(rng, t.min_characters, t.max_characters, t.regex) or "test response"


def _jaccard(a: set[Any], b: set[Any]) -> float:
    return len(a & b) / len(a | b) if a or b else 1.0


def _as_set(value: Any) -> set[Any]:
    return set() if value is None else set(value) if isinstance(value, list) else {value}


def _agreement(
    params: CategorizationParams, a: dict[str, Any], b: dict[str, Any], media: MediaInfo = MediaInfo()
) -> Agreement:
    """Jaccard of the chosen categories; for taxonomies the mean over questions that either side answered."""
    if params.categories is not None:
        return Agreement(_jaccard(_as_set(a.get("category")), _as_set(b.get("category"))))
    one, other = a.get("taxonomies") or {}, b.get("taxonomies") or {}
    scores: dict[str, float] = {}
    for key, taxonomy in (params.taxonomies or {}).items():
        if key in one or key in other:
            scores[key] = _unit(taxonomy, one.get(key), other.get(key))
    return Agreement(sum(scores.values()) / len(scores) if scores else 1.0, {"taxonomies": scores})


def _unit(taxonomy: CategorizationTaxonomy, a: Any, b: Any) -> float:
    if a is None or b is None:
        return 0.0
    if taxonomy.type == "category":
        return _jaccard(_as_set(a), _as_set(b))
    if taxonomy.type == "text":
        return text_similarity(str(a), str(b))
    first, second = decimal(a), decimal(b)
    if first is None or second is None:
        return 0.0
    apart = abs(exact(first) - exact(second))
    if taxonomy.min is not None and taxonomy.max is not None and taxonomy.max > taxonomy.min:
        return max(0.0, 1.0 - float(apart / (exact(taxonomy.max) - exact(taxonomy.min))))
    return float(apart == 0)


def _canonical(response: dict[str, Any]) -> dict[str, Any]:
    def flat(value: Any) -> Any:
        return sorted(map(str, value)) if isinstance(value, list) else value

    found = {"category": flat(response.get("category"))} if response.get("category") is not None else {}
    if response.get("taxonomies") is not None:
        found["taxonomies"] = {k: flat(v) for k, v in sorted(response["taxonomies"].items())}
    return found


def _summarize(params: CategorizationParams, response: dict[str, Any]) -> dict[str, Any]:
    return {k: response[k] for k in ("category", "taxonomies") if response.get(k) is not None}


def _attachments(params: CategorizationParams) -> list[AttachmentRef]:
    if params.attachment_type == "text":
        return []
    return [AttachmentRef("attachment", params.attachment, media=params.attachment_type)]


def _hypothesis(params: CategorizationParams) -> dict[str, Any] | None:
    return (
        None if params.hypothesis is None else cast("dict[str, Any]", msgspec.to_builtins(params.hypothesis))
    )


TASK_TYPE = TaskType(
    title="Categorization",
    description="One or several categories, or several questions, about one attachment.",
    params=CategorizationParams,
    response=CategorizationResponse,
    parse_params=_parse,
    default_params=lambda params: {"allow_multiple": False} if params.categories is not None else {},
    attachments=_attachments,
    check_response=_check,
    test_answer=_test_answer,
    agreement=_agreement,
    canonical=_canonical,
    summarize=_summarize,
    hypothesis=_hypothesis,
    needs_instruction=lambda params: params.categories is not None,
)
