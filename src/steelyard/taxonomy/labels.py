"""Label trees: what may be annotated (task-types-2d §2). A string is short for `{"choice": string}`; answers hold leaves only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta, Struct

from steelyard.errors import InvalidRequest, Issue

MAX_DEPTH = 10
MAX_LEAVES = 1000

LabelName = Annotated[str, Meta(min_length=1, max_length=256)]


class LabelDescription(Struct, kw_only=True):
    """A label with its children and how to show it. With `subchoices` it is a menu level and cannot be chosen."""

    choice: Annotated[LabelName, Meta(description="The value that goes into answers.")]
    subchoices: Annotated[
        list[LabelName | LabelDescription] | None, Meta(description="Children; `[]` counts as absent.")
    ] = None
    display: Annotated[str | None, Meta(description="Text shown in place of `choice`.")] = None
    instance_label: Annotated[
        bool | None, Meta(description="Segmentation only: every occurrence is an instance of its own.")
    ] = None
    description: Annotated[str | None, Meta(description="Help text for contributors.")] = None


Label = LabelName | LabelDescription
LabelList = Annotated[
    list[Label] | LabelName, Meta(description="Label tree; a single string counts as a list of one.")
]


class Leaf(Struct, frozen=True):
    """A node of a label tree in document order. `instance` is inherited from the levels above."""

    name: str
    instance: bool = False
    selectable: bool = True


def as_list(labels: LabelList | None) -> list[Label]:
    """The list form: nothing is an empty list, a single string a list of one."""
    if labels is None:
        return []
    return [labels] if isinstance(labels, str) else labels


def walk(labels: LabelList | None, instance: bool = False) -> Iterator[Leaf]:
    """All nodes in document order; those with children are not `selectable`."""
    for label in as_list(labels):
        if isinstance(label, str):
            yield Leaf(label, instance)
            continue
        own = instance if label.instance_label is None else label.instance_label
        if label.subchoices:
            yield Leaf(label.choice, own, selectable=False)
            yield from walk(label.subchoices, own)
        else:
            yield Leaf(label.choice, own)


def leaves(labels: LabelList | None) -> list[str]:
    """The names that may appear in an answer, in document order."""
    if labels is None:
        return []
    if isinstance(labels, str):
        return [labels]
    names: list[str] = []
    for label in labels:
        if isinstance(label, str):
            names.append(label)
        elif label.subchoices:
            names.extend(leaves(label.subchoices))
        else:
            names.append(label.choice)
    return names


def check_labels(labels: LabelList | None, path: str, limit: int = MAX_LEAVES) -> list[str]:
    """The leaves of a tree that keeps the rules; raises InvalidRequest with catalogue entries L2 to L5 otherwise."""
    names: list[str] = []
    _collect(as_list(labels), path, 1, names)
    if len(names) > limit:
        raise InvalidRequest(f"{path}: too many labels.", issues=[Issue(path, "too many labels")])
    if len(set(names)) != len(names):
        seen: set[str] = set()
        for name in names:
            if name in seen:
                raise InvalidRequest(
                    f'{path}: duplicate label "{name}".', issues=[Issue(path, "duplicate label")]
                )
            seen.add(name)
    return names


def _collect(labels: list[Label], path: str, depth: int, names: list[str]) -> None:
    if depth > MAX_DEPTH:
        # The wording names the list, not the place in it: that is what its author has to restructure.
        top = path.split("[", 1)[0]
        message = f"{top}: labels may be nested at most {MAX_DEPTH} levels deep."
        raise InvalidRequest(message, issues=[Issue(path, "nested too deeply")])
    for i, label in enumerate(labels):
        name = label if isinstance(label, str) else label.choice
        # isprintable is true for nearly all names and costs next to nothing; the exact rule runs for the rest.
        if not name.isprintable() or name.isspace():
            _check_name(name, f"{path}[{i}]")
        if isinstance(label, str) or not label.subchoices:
            names.append(name)
        else:
            _collect(label.subchoices, f"{path}[{i}].subchoices", depth + 1, names)


def _check_name(name: str, path: str) -> None:
    if name.isspace() or any(c < " " or c == "\x7f" for c in name):
        message = f"{path}: choice must be a non-empty string of at most 256 characters."
        raise InvalidRequest(message, issues=[Issue(path, "choice is blank or has control characters")])
