"""Answers to chat tasks: checked and put in order at submit, made up for test mode, compared (task-types-text §10.3, §13.2)."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from steelyard.errors import Issue
from steelyard.task_types._base import Agreement
from steelyard.task_types._shared.chat_judgements import Kinds
from steelyard.task_types._shared.chat_kinds import Turn, responses_in
from steelyard.task_types._shared.chat_params import (
    STAGES,
    ChatEntry,
    Placed,
    fixed_sources,
    initial_messages,
    offered,
    placed,
    threads_of,
    turn_limits,
)
from steelyard.task_types._shared.parsing import shorten
from steelyard.task_types._shared.single import mean

Where = tuple[str | None, int | None]
"""Thread and turn; both None before and after the conversation."""


class _Given(Struct, frozen=True):
    index: int
    place: Placed
    where: Where
    output: Any


class Conversation:
    """The components of a task and what can be seen from each of them."""

    def __init__(self, params: Any) -> None:
        self.params = params
        self.placed = placed(params)
        self.by_id = {p.id: p for p in self.placed}
        self.order = {p.id: n for n, p in enumerate(self.placed)}
        self.threads = threads_of(params)
        self.least, self.most = turn_limits(params)
        self.media = [a.type for a in params.attachments or ()]
        self.offered = offered(params)

    def stage(self, name: str) -> list[Placed]:
        """The components of a stage."""
        return [p for p in self.placed if p.stage == name]

    def view(self, where: Where, outputs: dict[tuple[str, Where], Any]) -> Turn:
        """What there is to judge at a place, given the outputs by component and place."""
        thread, number = where
        single = self.threads[0] if len(self.threads) == 1 else None
        at = thread if thread is not None else single
        sources = {**fixed_sources(self.params, at, self.placed), **self.offered}
        users = [m.text for m in initial_messages(self.params, at) if m.role == "user"]
        turn = Turn(
            prompt=users[-1] if users else "",
            sources=sources,
            threads=[t for t in self.threads if t],
            media=self.media,
        )
        self._look(turn, [(p, (None, None)) for p in self.stage("before")], outputs)
        if number is None:
            for one in self.threads:
                last = max((n for _, (t, n) in outputs if t == one and n is not None), default=None)
                if last is not None:
                    self._look(turn, [(p, (one, last)) for p in self.stage("turn")], outputs)
        else:
            self._look(turn, [(p, where) for p in self.stage("turn")], outputs)
        if turn.selected not in turn.sources:
            turn.selected = None
        return turn

    @staticmethod
    def _look(
        turn: Turn, seen: Sequence[tuple[Placed, Where]], outputs: dict[tuple[str, Where], Any]
    ) -> None:
        for place, where in seen:
            output = outputs.get((place.id, where))
            if output is None:
                continue
            match place.component.type:
                case "PromptInput" if isinstance(output, str):
                    turn.prompt = output
                case "ModelResponses":
                    turn.sources = {**turn.sources, **responses_in(output)}
                case "Preference" if isinstance(output, dict):
                    chosen = output.get("selected_model_id")
                    turn.selected = chosen if isinstance(chosen, str) else None
                case _:
                    pass

    def places(self, turns: dict[str | None, int]) -> Iterator[tuple[Placed, Where]]:
        """Every component at every place, in the order of a response."""
        for place in self.stage("before"):
            yield place, (None, None)
        for thread in self.threads:
            for number in range(turns.get(thread, 0)):
                for place in self.stage("turn"):
                    yield place, (thread, number)
        for place in self.stage("after"):
            yield place, (None, None)


class ChatChecker:
    """Checks the entries of one response."""

    def __init__(self, conversation: Conversation, *, complete: bool) -> None:
        self.talk = conversation
        self.complete = complete
        self.issues: list[Issue] = []

    def check(self, entries: Sequence[ChatEntry]) -> tuple[list[Issue], list[ChatEntry]]:
        """All issues, and the entries in order with their ids, stages and missing Instructions."""
        given = [one for i, entry in enumerate(entries) if (one := self._resolve(i, entry)) is not None]
        found: dict[tuple[str, Where], _Given] = {}
        for one in given:
            key = (one.place.id, one.where)
            if key in found:
                self._issue(f"responses[{one.index}]", "is there twice")
            found[key] = one
        outputs = {key: one.output for key, one in found.items()}
        for key, one in found.items():
            outputs[key] = self._output(one, self.talk.view(one.where, outputs))
        turns = self._turns(found)
        done: list[ChatEntry] = []
        for place, where in self.talk.places(turns):
            key = (place.id, where)
            if key in outputs:
                done.append(entry_of(place, where, outputs[key]))
            elif place.component.type == "Instructions":
                if self.complete:
                    done.append(entry_of(place, where, ""))
            elif self.complete and place.component.must:
                view = self.talk.view(where, outputs)
                if Kinds.of(place.component).shown(place.component, view):
                    self._issue("responses", f"must have {_name(place, where)}")
        return self.issues, done

    def _issue(self, path: str, message: str) -> None:
        self.issues.append(Issue(path, message))

    def _resolve(self, i: int, entry: ChatEntry) -> _Given | None:
        path = f"responses[{i}]"
        place = self._place(path, entry)
        if place is None:
            return None
        if entry.stage is not None and entry.stage != place.stage:
            return self._issue(f"{path}.stage", f"must be {place.stage}")
        if place.stage != "turn":
            if entry.turn_index is not None or entry.thread_id is not None:
                return self._issue(path, "belongs to no turn")
            return _Given(i, place, (None, None), entry.output)
        number = entry.turn_index
        if number is None:
            if self.talk.most > 1:
                return self._issue(f"{path}.turn_index", "is required")
            number = 0
        if number >= self.talk.most:
            return self._issue(f"{path}.turn_index", f"must be less than {self.talk.most}")
        if entry.thread_id not in self.talk.threads:
            named = self.talk.threads != [None]
            problem = "must name one of the threads" if named else "is only for tasks with threads"
            return self._issue(f"{path}.thread_id", problem)
        return _Given(i, place, (entry.thread_id, number), entry.output)

    def _place(self, path: str, entry: ChatEntry) -> Placed | None:
        if entry.id is None:
            fitting = [p for p in self.talk.placed if p.component.type == entry.type]
            if len(fitting) == 1:
                return fitting[0]
            if fitting:
                self._issue(f"{path}.id", "is required")
            else:
                self._issue(f"{path}.type", f'no component of type "{shorten(entry.type)}"')
            return None
        place = self.talk.by_id.get(entry.id)
        if place is None:
            self._issue(f"{path}.id", f'no component with id "{shorten(entry.id)}"')
        elif place.component.type != entry.type:
            self._issue(f"{path}.type", f"must be {place.component.type}")
            return None
        return place

    def _output(self, one: _Given, view: Turn) -> Any:
        kind, path = Kinds.of(one.place.component), f"responses[{one.index}].output"
        if not kind.shown(one.place.component, view):
            self._issue(path, "there is nothing to judge")
            return one.output
        issues, output = kind.check(one.place.component, view, one.output, path, self.complete)
        self.issues += issues
        return output

    def _turns(self, found: dict[tuple[str, Where], _Given]) -> dict[str | None, int]:
        """Turns of each thread: contiguous from 0, as many as the task wants."""
        turns: dict[str | None, int] = {}
        components = [p.component.type for p in self.talk.stage("turn")]
        only_reading = all(kind == "Instructions" for kind in components)
        for thread in self.talk.threads:
            numbers = {n for _, (t, n) in found if t == thread and n is not None}
            count = max(numbers, default=-1) + 1
            if components and only_reading and self.complete:
                count = max(count, self.talk.least)
            elif self.complete and components and (count < self.talk.least or len(numbers) < count):
                of = f" of the thread {thread}" if thread is not None else ""
                self._issue("responses", f"must have at least {self.talk.least} turns{of} without gaps")
            turns[thread] = count
        return turns


def _name(place: Placed, where: Where) -> str:
    thread, number = where
    text = f"an entry of {place.id}"
    if number is not None:
        text += f" in turn {number}"
    return text + (f" of the thread {thread}" if thread is not None else "")


def entry_of(place: Placed, where: Where, output: Any) -> ChatEntry:
    """An entry with everything that says where it belongs."""
    return ChatEntry(
        type=place.component.type,
        output=output,
        id=place.id,
        stage=place.stage,
        turn_index=where[1],
        thread_id=where[0],
    )


def make_entries(talk: Conversation, rng: random.Random) -> list[ChatEntry]:
    """A made-up conversation with something from every component that is shown."""
    most = min(talk.most, talk.least + 1)
    turns = {thread: rng.randint(talk.least, most) for thread in talk.threads}
    if not talk.stage("turn"):
        turns = {}
    outputs: dict[tuple[str, Where], Any] = {}
    # What is judged comes first, wherever it stands among the components of its turn.
    places = list(talk.places(turns))
    for rank in range(3):
        for place, where in places:
            if _rank(place) != rank:
                continue
            kind, view = Kinds.of(place.component), talk.view(where, outputs)
            if kind.shown(place.component, view):
                outputs[place.id, where] = kind.make(place.component, view, rng)
    return [entry_of(p, where, outputs[p.id, where]) for p, where in places if (p.id, where) in outputs]


def _rank(place: Placed) -> int:
    """What is judged, then the choice among it, then the rest."""
    kind = place.component.type
    return 0 if kind in ("PromptInput", "ModelResponses") else 1 if kind == "Preference" else 2


def chat_agreement(talk: Conversation, a: Sequence[ChatEntry], b: Sequence[ChatEntry]) -> Agreement:
    """Mean over the units that can be compared; writing cannot, nor can judgements of different texts."""
    one, other = _outputs(talk, a), _outputs(talk, b)
    units: dict[str, float] = {}
    for key in dict.fromkeys([*one, *other]):
        place = talk.by_id.get(key[0])
        if place is None:
            continue
        views = (talk.view(key[1], one), talk.view(key[1], other))
        kind = Kinds.of(place.component)
        scores = kind.scores(place.component, views, one.get(key), other.get(key))
        for unit, score in (scores or {}).items():
            units[".".join(str(part) for part in (*key[1], key[0], unit) if part is not None)] = score
    return Agreement(mean(list(units.values())), {"units": units, "comparable": bool(units)})


def _outputs(talk: Conversation, entries: Sequence[ChatEntry]) -> dict[tuple[str, Where], Any]:
    _, done = ChatChecker(talk, complete=False).check(entries)
    return {(str(e.id), (e.thread_id, e.turn_index)): e.output for e in done}


def canonical_entries(entries: Sequence[ChatEntry]) -> list[Any]:
    """Entries in a fixed order; ids inside span outputs are left out."""
    rows = [
        [STAGES.index(e.stage) if e.stage else -1, e.turn_index, e.thread_id, e.id, e.type, _plain(e)]
        for e in entries
    ]
    return sorted(rows, key=lambda row: [str(part) for part in row[:5]])


def _plain(entry: ChatEntry) -> Any:
    if entry.type != "Spans" or not isinstance(entry.output, dict):
        return entry.output
    return {
        key: sorted(
            ([s.get("start"), s.get("end"), s.get("label")] for s in spans if isinstance(s, dict)), key=str
        )
        for key, spans in sorted(entry.output.items())
        if isinstance(spans, list)
    }


def shown_entries(entries: Sequence[ChatEntry]) -> list[ChatEntry]:
    """Those with something in them."""
    return [replace(e) for e in entries if e.output not in ("", None, [], {})]
