"""Conversations and chains of stages: what is checked at submit, what is completed, and how answers are compared."""

from typing import Any

import msgspec
import pytest

from steelyard.errors import NotEnabled
from steelyard.task_types import TASK_TYPES, InvalidParams, MediaInfo
from tests.unit.task_types.test_submit import check
from tests.unit.task_types.test_text_types import score

TWO = [{"source_id": "a", "text": "One wave."}, {"source_id": "b", "text": "No waves."}]
RUBRIC = {
    "type": "Rubric",
    "criteria": [{"id": "x", "criterion": "X", "weight": 3}, {"id": "y", "criterion": "Y"}],
}


def chat(*components: Any, **more: Any) -> dict[str, Any]:
    return {"turn": [{"type": "ModelResponses", "num_responses": 2}, *components], **more}


def entry(kind: str, output: Any, **more: Any) -> dict[str, Any]:
    return {"type": kind, "output": output, **more}


def answered(*entries: Any, responses: Any = TWO) -> dict[str, Any]:
    return {"responses": [entry("ModelResponses", responses), *entries]}


def problems(params: dict[str, Any], response: Any, kind: str = "chat") -> list[str]:
    return check(kind, params, response)[0]


@pytest.mark.parametrize(
    ("component", "output", "problem"),
    [
        ({"type": "Rating", "dimensions": [{"key": "t"}]}, {"a": {"t": 5}, "b": {"t": 1}}, None),
        ({"type": "Rating", "dimensions": [{"key": "t"}]}, {"a": {"t": 6}, "b": {"t": 1}}, ".a.t must be one of 1, 2, 3, 4, 5"),
        ({"type": "Rating", "dimensions": [{"key": "t"}]}, {"a": {"t": 5}}, ".b.t is required"),
        ({"type": "Rating", "dimensions": [{"key": "t"}]}, {"a": {"t": "5"}}, ".a.t must be an integer"),
        ({"type": "Rating", "target": "turn", "dimensions": [{"key": "t"}]}, {"_": {"t": 2}}, None),
        ({"type": "Rating", "target": "turn", "dimensions": [{"key": "t"}]}, {"_": {"t": 2}, "a": {}}, ".a is no response of this turn"),
        ({"type": "Preference"}, {"selected_model_id": "a", "likert_value": 7}, None),
        ({"type": "Preference", "scale": 5}, {"selected_model_id": "a", "likert_value": 7}, ".likert_value must be from 1 to 5"),
        ({"type": "Preference"}, {"selected_model_id": "c", "likert_value": 1}, ".selected_model_id is no response of this turn"),
        ({"type": "Preference"}, {"selected_model_id": "a"}, ".likert_value is required"),
        ({"type": "Ranking"}, ["b", "a"], None),
        ({"type": "Ranking"}, ["b"], " must rank every response once"),
        ({"type": "Ranking"}, [["b", "a"]], " must not hold ties"),
        ({"type": "Ranking", "allow_ties": True}, [["b", "a"]], None),
        ({"type": "Rewrite"}, {"a": "Two waves."}, None),
        ({"type": "Rewrite"}, {"a": "x", "b": "y"}, " must rewrite one response"),
        ({"type": "Rewrite", "target": "all"}, {"a": "x"}, ".b is required"),
        ({"type": "Rewrite", "min_change_ratio": 0.6}, {"a": "Two wave."}, ".a must change at least 60% of the words"),
        ({"type": "Justification", "min_characters": 4}, "why", " must have at least 4 characters"),
        ({"type": "Justification"}, "  ", " must not be empty"),
        ({"type": "Instructions", "text": "Read."}, "done", " must be empty"),
        ({"type": "Spans", "labels": ["n"]}, {"a": [{"id": "1", "start": 0, "end": 3, "label": "n", "text": "One"}]}, None),
        ({"type": "Spans", "labels": ["n"]}, {"a": [{"id": "1", "start": 0, "end": 99, "label": "n"}]}, ".a[0] span is outside the text"),
        ({"type": "Spans", "labels": ["n"]}, {"c": []}, ".c is no text of this turn"),
        (RUBRIC, {"evaluations": {}}, ".evaluations.a is required"),
    ],
)  # fmt: skip
def test_outputs_follow_the_rules_of_their_component(component: Any, output: Any, problem: str | None):
    found = problems(chat(component), answered(entry(component["type"], output)))
    expected = [] if problem is None else ["responses[1].output" + problem]
    assert [p for p in found if p.startswith("responses[1]")][:1] == expected


def test_places_are_completed_and_entries_put_in_order():
    params = {
        "before": [{"type": "Instructions", "id": "read", "text": "Read."}],
        "turn": [{"type": "PromptInput", "id": "ask"}],
        "after": [{"type": "Justification", "id": "why"}],
        "max_turns": 2,
    }
    given = [
        entry("Justification", "x"),
        entry("PromptInput", "2", turn_index=1),
        entry("PromptInput", "1", turn_index=0),
    ]
    issues, stored = check("chat", params, {"responses": given})
    assert issues == []
    assert stored["responses"] == [
        entry("Instructions", "", id="read", stage="before"),
        entry("PromptInput", "1", id="ask", stage="turn", turn_index=0),
        entry("PromptInput", "2", id="ask", stage="turn", turn_index=1),
        entry("Justification", "x", id="why", stage="after"),
    ]


def test_turns_have_no_gaps_and_keep_their_limits():
    params = {"turn": [{"type": "PromptInput"}], "min_turns": 2, "max_turns": 3}

    def said(*turns: int) -> dict[str, Any]:
        return {"responses": [entry("PromptInput", "x", turn_index=n) for n in turns]}

    assert problems(params, said(0, 1, 2)) == []
    assert problems(params, said(0)) == ["responses must have at least 2 turns without gaps"]
    assert "responses must have at least 2 turns without gaps" in problems(params, said(0, 2))
    assert "responses[2].turn_index must be less than 3" in problems(params, said(0, 1, 3))
    assert "responses[1] is there twice" in problems(params, said(0, 0, 1))


def test_required_components_must_be_there_once_they_have_something_to_judge():
    params = chat({"type": "Preference", "id": "pick", "required": True})
    assert problems(params, answered()) == ["responses must have an entry of pick in turn 0"]
    optional = {
        "turn": [{"type": "ModelResponses", "num_responses": 2, "required": False}, params["turn"][1]]
    }
    note = {"type": "Justification"}
    without = {"responses": [entry("Justification", "No model answered.")]}
    assert problems({"turn": [*optional["turn"], note]}, without) == []


def test_scores_of_a_rubric_are_weighted_and_summed():
    scores = [("x", 1), ("y", 0.5)]
    evaluation = {"criteria_evaluations": [{"criterion_definition_id": i, "score": s} for i, s in scores]}
    given = answered(entry("Rubric", {"evaluations": {"a": evaluation, "b": evaluation}}))
    issues, stored = check("chat", chat(RUBRIC), given)
    assert issues == []
    output = stored["responses"][1]["output"]
    assert output["evaluations"]["a"]["total_score"] == 3.5
    assert output["evaluations"]["a"]["percentage"] == 87.5
    assert [c["weight"] for c in output["criteria_definitions"]] == [3, 1]
    own = [{"id": "z", "criterion": "Z", "weight": 1}]
    changed = entry("Rubric", {"criteria_definitions": own, "evaluations": {}})
    assert "responses[1].output.criteria_definitions must be those of the task" in problems(
        chat(RUBRIC), answered(changed)
    )


def test_threads_are_answered_each_and_ranked_at_the_end():
    params = {
        "threads": [{"id": "en"}, {"id": "de"}],
        "turn": [{"type": "PromptInput"}],
        "after": [{"type": "Ranking", "required": True}],
    }
    ranked = entry("Ranking", ["de", "en"])
    said = [entry("PromptInput", "x", thread_id=t) for t in ("en", "de")]
    assert problems(params, {"responses": [*said, ranked]}, "multichat") == []
    assert problems(params, {"responses": [said[0], ranked]}, "multichat") == [
        "responses must have at least 1 turns of the thread de without gaps"
    ]
    assert problems(params, {"responses": [*said, entry("Ranking", ["en"])]}, "multichat") == [
        "responses[2].output must rank every response once"
    ]
    assert problems(params, {"responses": [entry("PromptInput", "x"), ranked]}, "multichat")


def test_judgements_score_by_their_scales_and_only_where_the_texts_are_the_same():
    params = chat(
        {"type": "Rating", "dimensions": [{"key": "t"}]}, {"type": "Preference"}, {"type": "Ranking"}
    )

    def judged(t: int, best: str, likert: int, responses: Any = TWO) -> dict[str, Any]:
        return answered(
            entry("Rating", {"a": {"t": t}, "b": {"t": 1}}),
            entry("Preference", {"selected_model_id": best, "likert_value": likert}),
            entry("Ranking", ["a", "b"] if best == "a" else ["b", "a"]),
            responses=responses,
        )

    found = score("chat", params, judged(5, "a", 1), judged(3, "b", 4))
    assert found.score == pytest.approx((0.5 + 1 + 0.5 * (1 - 3 / 6) + 0) / 4)
    other = [TWO[0], {"source_id": "b", "text": "Other."}]
    partly = score("chat", params, judged(5, "a", 1), judged(5, "a", 1, other))
    assert list(partly.detail["units"]) == ["0.Rating_1.a.t"]
    alone = score("chat", params, judged(5, "a", 1), answered())
    assert alone.score == 0


def test_writing_is_not_compared():
    params = {"turn": [{"type": "PromptInput"}]}
    one, other = ({"responses": [entry("PromptInput", text)]} for text in ("a", "b"))
    found = score("chat", params, one, other)
    assert (found.score, found.detail["comparable"]) == (1.0, False)


def test_the_schema_of_a_conversation_describes_every_component():
    import jsonschema_rs

    parsed = TASK_TYPES["chat"].parse_params(
        msgspec.json.encode(chat(RUBRIC, {"type": "Ranking", "allow_ties": True}, {"type": "Preference"}))
    )
    describe = TASK_TYPES["chat"].response_schema
    assert describe is not None
    schema = describe(parsed)
    jsonschema_rs.meta.validate(schema)
    validator = jsonschema_rs.validator_for(schema)
    made = TASK_TYPES["chat"].test_answer(parsed, "1", MediaInfo()).response
    validator.validate(made)
    assert not validator.is_valid({"responses": [{**made["responses"][0], "stage": "after"}]})


DRAFT = {
    "id": "draft",
    "type": "textcollection",
    "params": {
        "attachments": [{"type": "image", "content": "https://x.example/a.png"}],
        "fields": [{"type": "text", "field_id": "s", "title": "S"}],
    },
}
NAMES = {
    "id": "names",
    "type": "namedentityrecognition",
    "params": {"labels": [{"name": "place"}]},
    "inputs": {"text": "{{stages.draft.response.annotations.s}}"},
}
CHAIN = {"stages": [DRAFT, NAMES]}


def staged(text: str | None, *spans: Any, **names: Any) -> dict[str, Any]:
    first = {"annotations": {} if text is None else {"s": text}}
    second = names or {"response": {"annotations": list(spans), "relationships": []}}
    return {
        "stages": [
            {"id": "draft", "type": "textcollection", "response": first},
            {"id": "names", "type": "namedentityrecognition", **second},
        ]
    }


OBAN = {"id": "1", "start": 0, "end": 4, "text": "Oban", "label": "place"}


def test_a_stage_is_checked_with_the_answers_of_earlier_ones():
    assert problems(CHAIN, staged("Oban pier", OBAN), "multistage") == []
    assert problems(CHAIN, staged("Mull pier", OBAN), "multistage") == [
        "stages[1].response.annotations[0] text does not match the span"
    ]
    loose = {k: v for k, v in OBAN.items() if k != "text"}
    issues, stored = check("multistage", CHAIN, staged("Oban pier", loose))
    assert issues == []
    assert stored == staged("Oban pier", OBAN)
    assert problems(CHAIN, {"stages": staged("x")["stages"][:1]}, "multistage") == [
        'stages must have an answer of the stage "names"'
    ]
    assert problems(CHAIN, {"stages": staged("x")["stages"][::-1]}, "multistage")


def test_a_stage_whose_input_is_missing_ends_in_an_error():
    error = "{{stages.draft.response.annotations.s}} has no value."
    assert problems(CHAIN, staged(None, error=error), "multistage") == []
    assert problems(CHAIN, staged(None), "multistage") == [f"stages[1] cannot be answered: {error}"]
    assert problems(CHAIN, staged("Oban", error="x"), "multistage") == ["stages[1].response is required"]


def test_stages_are_compared_where_their_inputs_are_the_same():
    same = score("multistage", CHAIN, staged("Oban", OBAN), staged("Oban"))
    assert same.detail["stages"] == {"draft": 1.0, "names": 0.0}
    other = score("multistage", CHAIN, staged("Oban", OBAN), staged("Obon"))
    assert other.detail["stages"] == {"draft": 0.75}


def test_a_body_about_a_scene_is_not_enabled_whatever_else_it_lacks():
    for body in ({"scene_format": "split_base64"}, {"scene_format": "sensor_fusion", "stages": 5}):
        with pytest.raises(NotEnabled):
            TASK_TYPES["multistage"].parse_params(msgspec.json.encode(body))
    with pytest.raises(InvalidParams):
        TASK_TYPES["multistage"].parse_params(b'{"stages":5}')


def test_a_reference_of_spaces_is_refused_in_the_time_of_its_length():
    names = {**CHAIN["stages"][1], "inputs": {"text": "{{" + " " * 1_000_000}}
    with pytest.raises(InvalidParams):
        TASK_TYPES["multistage"].parse_params(
            msgspec.json.encode({**CHAIN, "stages": [CHAIN["stages"][0], names]})
        )


def test_attachments_of_stages_are_found_under_their_paths():
    task_type = TASK_TYPES["multistage"]
    parsed = task_type.parse_params(msgspec.json.encode(CHAIN))
    assert [(r.path, r.media) for r in task_type.attachments(parsed)] == [
        ("stages[0].params.attachments[0].content", "image")
    ]
