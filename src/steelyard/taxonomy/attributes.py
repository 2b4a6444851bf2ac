"""Definitions of annotation attributes and the rules for them (task-types-2d §3).

The same definitions describe attributes of single annotations and, with `conditions.is_global`, of the whole scene or an event.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

from steelyard.errors import InvalidRequest, Issue
from steelyard.taxonomy.labels import LabelList, LabelName, check_labels, leaves

Number = Annotated[float, Meta(ge=-1e15, le=1e15)]
"""A finite number; the bounds keep out the words "nan" and "inf", which a lenient decoder takes for numbers."""

AttributeType = Literal["category", "number", "angle", "text", "x_line", "y_line", "linked"]
AttributeName = Annotated[str, Meta(min_length=1, max_length=128)]
AttributeValue = str | int | float | bool | None | list[str]
"""An answer: leaf or leaves of a category, number, text, or the uuid of a linked annotation."""

ConditionValue = str | int | float | bool | list[str | int | float | bool]


class LabelCondition(Struct):
    """Collect the attribute only for annotations of these leaf labels."""

    label: str | list[str]


class AttributeConditions(Struct, kw_only=True):
    """When an attribute is collected: the label fits, and one of `attribute_conditions` holds (its keys are AND-ed)."""

    label_condition: LabelCondition | None = None
    attribute_conditions: list[dict[str, ConditionValue]] | dict[str, ConditionValue] | None = None
    is_global: bool | None = None


class AttributeDefinition(Struct, kw_only=True):
    """One attribute to answer. Its key in `annotation_attributes` is the key in responses."""

    type: AttributeType = "category"
    description: Annotated[str | None, Meta(description="The prompt; the key when absent.")] = None
    choices: Annotated[LabelList | None, Meta(description="`category`: what may be chosen.")] = None
    allow_multiple: Annotated[bool | None, Meta(description="`category`: answers are arrays.")] = None
    min: Number | None = None
    max: Number | None = None
    step: Annotated[Number | None, Meta(description="`number`: answers are `(min or 0) + k × step`.")] = None
    allowed_labels: Annotated[
        list[LabelName] | LabelName | None, Meta(description="`linked`: labels of the annotations linked to.")
    ] = None
    required: Annotated[
        bool | None, Meta(description="Must be answered where shown; by default only categories must.")
    ] = None
    is_global_per_track: Annotated[bool | None, Meta(description="Video: one value for a whole track.")] = (
        field(default=None, name="global")
    )
    static: Annotated[bool | None, Meta(description="Lidar: one value for a whole track.")] = None
    conditions: AttributeConditions | None = None

    @property
    def is_global(self) -> bool:
        """Whether it describes the scene or an event instead of one annotation."""
        return bool(self.conditions and self.conditions.is_global)

    @property
    def must_answer(self) -> bool:
        """Whether a visible attribute has to be answered: as declared, else only categories."""
        return self.type == "category" if self.required is None else self.required

    @property
    def targets(self) -> list[str]:
        """Labels that a `linked` attribute may point at."""
        allowed = self.allowed_labels
        return [] if allowed is None else [allowed] if isinstance(allowed, str) else allowed

    @property
    def alternatives(self) -> list[dict[str, ConditionValue]]:
        """The attribute conditions as a list (empty: always)."""
        found = self.conditions.attribute_conditions if self.conditions else None
        return [] if not found else [found] if isinstance(found, dict) else found

    @property
    def labels(self) -> list[str] | None:
        """Labels that the attribute is restricted to, None for all. Never applies to global attributes."""
        condition = self.conditions.label_condition if self.conditions else None
        if condition is None or self.is_global:
            return None
        return [condition.label] if isinstance(condition.label, str) else condition.label


Attributes = dict[AttributeName, AttributeDefinition]


def check_attributes(attributes: Attributes | None, labels: Collection[str], has_sized_shape: bool) -> None:
    """Raise InvalidRequest with catalogue entries A3 to A10 on the first broken rule.

    `labels` are the leaves of the task; `has_sized_shape` says whether a box or cuboid is among the geometries.
    """
    if not attributes:
        return
    for key, definition in attributes.items():
        _check_definition(key, definition, labels, has_sized_shape)
        if definition.conditions is not None:
            _check_conditions(key, definition, attributes, labels)
    order(attributes)


def _fail(key: str, text: str) -> InvalidRequest:
    path = f"annotation_attributes.{key}"
    return InvalidRequest(path + text, issues=[Issue(path, text.lstrip(".: "))])


def _check_definition(
    key: str, d: AttributeDefinition, labels: Collection[str], has_sized_shape: bool
) -> None:
    if d.type == "category":
        if not d.choices or not leaves(d.choices):
            raise _fail(key, ".choices must be a non-empty array.")
        check_labels(d.choices, f"annotation_attributes.{key}.choices")
    elif d.type == "number":
        if (d.min is not None and d.max is not None and d.min > d.max) or (
            d.step is not None and d.step <= 0
        ):
            raise _fail(key, ": min must not exceed max and step must be positive.")
    elif d.type == "linked":
        if not d.targets or any(target not in labels for target in d.targets):
            raise _fail(key, ".allowed_labels must be a non-empty array of leaf labels.")
    elif d.type in ("x_line", "y_line") and not has_sized_shape:
        raise _fail(key, f': type "{d.type}" needs a box or cuboid geometry.')


def _check_conditions(
    key: str, d: AttributeDefinition, attributes: Attributes, labels: Collection[str]
) -> None:
    for label in d.labels or ():
        if label not in labels:
            raise _fail(key, f'.conditions refers to unknown label "{label}".')
    for alternative in d.alternatives:
        for other in alternative:
            if other not in attributes:
                raise _fail(key, f'.conditions refers to unknown attribute "{other}".')


def order(attributes: Attributes) -> list[str]:
    """Keys such that every attribute comes after those that its conditions look at; raises A10 for a cycle."""
    done: dict[str, bool] = {}
    result: list[str] = []
    for start in attributes:
        # An explicit stack: thousands of chained attributes must not exhaust Python's own.
        stack = [(start, False)]
        while stack:
            key, leaving = stack.pop()
            if leaving:
                done[key] = True
                result.append(key)
                continue
            if key in done:
                continue
            done[key] = False
            stack.append((key, True))
            for alternative in attributes[key].alternatives:
                for other in alternative:
                    if other not in done:
                        stack.append((other, False))
                    elif not done[other]:
                        raise _fail(key, ".conditions form a cycle.")
    return result


def holds(
    d: AttributeDefinition,
    label: str | None,
    answers: Mapping[str, Any],
    combine: Literal["or", "and"] = "or",
) -> bool:
    """Whether the attribute is collected for an annotation of this label, given the answers so far (§3.4)."""
    allowed = d.labels
    if allowed is not None and label not in allowed:
        return False
    alternatives = d.alternatives
    if not alternatives:
        return True
    met = (all(_matches(v, answers.get(k)) for k, v in one.items()) for one in alternatives)
    return all(met) if combine == "and" else any(met)


def _matches(wanted: ConditionValue, answer: Any) -> bool:
    if answer is None:
        return False
    options = {_word(v) for v in (wanted if isinstance(wanted, list) else [wanted])}
    given: list[Any] = answer if isinstance(answer, list) else [answer]
    return any(_word(v) in options for v in given)


def _word(value: Any) -> str:
    """The form in which answers and conditions are compared: numbers by their shortest decimal string."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
