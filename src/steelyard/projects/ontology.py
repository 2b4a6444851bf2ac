"""What an ontology must be (platform-api §19.2, setOntology)."""

from __future__ import annotations

from typing import Any, cast

import msgspec

from steelyard.errors import InvalidRequest, parameter


def check_ontology(raw: bytes) -> None:
    """A JSON array of strings or choice objects (`choice`, `description`, `subchoices`); no choice may occur twice in the tree.

    Raises InvalidRequest naming the place.
    """
    try:
        decoded = msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        raise InvalidRequest("The ontology is not valid JSON or nested too deeply.") from None
    if not isinstance(decoded, list):
        raise parameter("ontology", "must be an array")
    seen: set[str] = set()
    # A stack of our own: the depth is the customer's choice.
    waiting: list[tuple[str, Any]] = [("ontology", decoded)]
    while waiting:
        path, choices = waiting.pop()
        if not isinstance(choices, list):
            raise parameter(path, "must be an array")
        for i, choice in enumerate(cast("list[Any]", choices)):
            here = f"{path}[{i}]"
            name, below = _choice(here, choice)
            if name in seen:
                raise parameter(
                    here, f'repeats the choice "{name}"; choices must be unique throughout the tree'
                )
            seen.add(name)
            if below is not None:
                waiting.append((f"{here}.subchoices", below))


def _choice(path: str, choice: Any) -> tuple[str, Any]:
    if isinstance(choice, str):
        if not choice.strip():
            raise parameter(path, "must not be empty")
        return choice, None
    if not isinstance(choice, dict):
        raise parameter(path, "must be a string or a choice object")
    given = cast("dict[str, Any]", choice)
    name = given.get("choice")
    if not isinstance(name, str) or not name.strip():
        raise parameter(f"{path}.choice", "must be a non-empty string")
    described = given.get("description")
    if described is not None and not isinstance(described, str):
        raise parameter(f"{path}.description", "must be a string")
    return name, given.get("subchoices")
