"""Work that waits for somebody who is not there: claims avoid it, people who leave and settings that change may still bring it about."""

from __future__ import annotations

from collections import Counter
from typing import Literal

from msgspec import Struct

from steelyard.db.pool import Executor
from steelyard.db.sqlfile import QueryFile

Q = QueryFile(__name__, "stranded.sql")

LOOKED_AT = 2000
"""Reviews that are looked at where the answer is asked for every few seconds."""


class StrandedReviews(Struct, frozen=True):
    project: str | None
    stage: int
    tasks: int
    example: str


class StrandedTurns(Struct, frozen=True):
    project: str | None
    tasks: int
    example: str


class TooFewPeople(Struct, frozen=True):
    project: str
    wanted: int
    people: int
    tasks: int
    example: str


class Stranded(Struct, frozen=True):
    """Tasks that nobody may go on with. `project` None: those without one; `example`: the oldest of them; `why`: what to do about it."""

    project: str | None
    stage: Literal["label", "review"]
    tasks: int
    example: str
    why: str


stranded_reviews = Q.all("stranded_reviews", StrandedReviews)
stranded_turns = Q.all("stranded_turns", StrandedTurns)
too_few_people = Q.all("too_few_people", TooFewPeople)


async def stuck_reviews(on: Executor, space_id: int) -> dict[str | None, int]:
    """How many reviews nobody of a space may do, by project (None: without one), most first; of the first `LOOKED_AT` that wait."""
    found = Counter[str | None]()
    for row in await stranded_reviews(on, space_id=space_id, most=LOOKED_AT):
        found[row.project] += row.tasks
    return dict(found.most_common())


async def stranded(on: Executor, space_id: int | None) -> list[Stranded]:
    """What nobody may do in a space, or (None) in the whole installation."""
    found = [
        Stranded(
            row.project,
            "review",
            row.tasks,
            row.example,
            f"Nobody is left for review stage {row.stage} who has had no part in these tasks: invite another reviewer, "
            "or set fewer stages.",
        )
        for row in await stranded_reviews(on, space_id=space_id, most=None)
    ]
    found += [
        Stranded(
            row.project,
            "label",
            row.tasks,
            row.example,
            "The next stage of each task is for somebody who has done none of the stages before, and everybody who labels here has done one: "
            "assign more people.",
        )
        for row in await stranded_turns(on, space_id=space_id)
    ]
    found += [
        Stranded(
            row.project,
            "label",
            row.tasks,
            row.example,
            f"Each task wants {row.wanted} people and {row.people} may label here: assign more, or set a smaller overlap.",
        )
        for row in await too_few_people(on, space_id=space_id)
    ]
    return found
