"""Evaluation and training tasks, and contributors' attempts at them (platform-api §23, task-types-text §12)."""

from __future__ import annotations

import pytest

PARAMS = {
    "attachment": "https://example.org/a.jpg",
    "attachment_type": "image",
    "geometries": {"box": {"objects_to_annotate": ["cow"]}},
}
BOX = {"type": "box", "label": "cow", "left": 1, "top": 2, "width": 30, "height": 40}
EXPECTED = {"annotations": [BOX]}


def refused(response, status):
    assert response.status_code == status, response.text
    body = response.json()
    assert set(body) == {"status_code", "error"}
    assert body["status_code"] == status
    return body["error"]


@pytest.fixture
async def rapid(live):
    """A live client with a Rapid project that supplies the geometries."""
    made = await live.post(
        "/v1/projects",
        json={
            "type": "imageannotation",
            "name": "rapid",
            "rapid": True,
            "params": {"geometries": PARAMS["geometries"], "instruction": "Box cows."},
        },
    )
    assert made.status_code == 200, made.text
    return live


def body(**change):
    given = {
        "project": "rapid",
        "attachment": PARAMS["attachment"],
        "attachment_type": "image",
        "expected_response": EXPECTED,
        **change,
    }
    return {k: v for k, v in given.items() if v is not ...}


@pytest.mark.parametrize("kind", ["evaluation", "training"])
async def test_a_quality_task_takes_over_the_projects_params_and_is_no_task(rapid, kind):
    sent = body(metadata={"k": 1}, callback_url="https://example.org/cb", extra=[1.0])
    made = await rapid.post(f"/v1/{kind}_tasks/imageannotation", json=sent)
    assert made.status_code == 200, made.text
    doc = made.json()
    assert doc["expected_response"] == EXPECTED
    assert (doc["type"], doc["project"], doc["instruction"]) == ("imageannotation", "rapid", "Box cows.")
    assert doc["params"]["geometries"] == PARAMS["geometries"]
    assert doc["params"]["extra"] == [1.0]
    assert doc["metadata"] == {"k": 1}
    assert doc["created_at"].endswith("Z")
    assert not {"initial_response", "callback_url", "status"} & set(doc)
    assert not {"project", "expected_response", "instruction", "metadata"} & set(doc["params"])
    assert (await rapid.get("/v1/tasks")).json()["total"] == 0
    refused(await rapid.get(f"/v1/task/{doc['id']}"), 404)


async def test_an_evaluation_task_may_be_a_review_of_an_initial_response(rapid):
    initial = {"annotations": [{**BOX, "width": 3}]}
    made = await rapid.post("/v1/evaluation_tasks/imageannotation", json=body(initial_response=initial))
    assert made.json()["initial_response"] == initial
    refused(await rapid.post("/v1/training_tasks/imageannotation", json=body(initial_response=initial)), 400)
    wrong = {"annotations": [{**BOX, "label": "dog"}]}
    message = refused(
        await rapid.post("/v1/evaluation_tasks/imageannotation", json=body(initial_response=wrong)), 400
    )
    assert "initial_response" in message
    nothing = await rapid.post("/v1/training_tasks/imageannotation", json=body(initial_response=None))
    assert nothing.status_code == 200


async def test_the_expected_response_is_required_and_checked_under_its_own_path(rapid):
    path = "/v1/evaluation_tasks/imageannotation"
    for missing in (..., None):
        message = refused(await rapid.post(path, json=body(expected_response=missing)), 400)
        assert message == "Missing required parameter: expected_response."
    for wrong in ([], "x", 5):
        refused(await rapid.post(path, json=body(expected_response=wrong)), 400)
    for wrong in ({}, {"annotations": {}}, {"annotations": [{**BOX, "label": "dog"}]}, {"annotations": [5]}):
        message = refused(await rapid.post(path, json=body(expected_response=wrong)), 400)
        assert '"expected_response.annotations' in message


@pytest.mark.parametrize("kind", ["evaluation", "training"])
async def test_types_without_quality_tasks_are_refused_by_name(rapid, kind):
    for name in ("categorization", "chat", "nonsense"):
        message = refused(await rapid.post(f"/v1/{kind}_tasks/{name}", json=body()), 400)
        assert message == f"{kind.capitalize()} tasks are not supported for {name}."


async def test_only_rapid_projects_of_the_same_type_take_quality_tasks(rapid, test, other, ctx, live_actor):
    path = "/v1/evaluation_tasks/imageannotation"
    await rapid.post("/v1/projects", json={"type": "imageannotation", "name": "plain"})
    await rapid.post("/v1/projects", json={"type": "namedentityrecognition", "name": "ner", "rapid": True})
    refused(await rapid.post(path, json=body(project="plain")), 400)
    refused(await rapid.post(path, json=body(project="ner")), 400)
    refused(await rapid.post(path, json=body(project=...)), 400)
    refused(await rapid.post(path, json=body(project=5)), 400)
    refused(await rapid.post(path, json=body(project="unknown")), 404)
    refused(await rapid.post(path, json=body(project=..., batch="unknown")), 404)
    for stranger in (test, other):
        refused(await stranger.post(path, json=body()), 404)
    await rapid.post("/v1/batches", json={"project": "rapid", "name": "b"})
    by_batch = await rapid.post(path, json=body(project=..., batch="b"))
    assert (by_batch.status_code, by_batch.json()["project"]) == (200, "rapid")
    refused(await rapid.post(path, json=body(project="plain", batch="b")), 400)
    await ctx.db.execute("update project set archived = true where space_id = $1", live_actor.space_id)
    refused(await rapid.post(path, json=body()), 400)


async def test_params_are_checked_as_for_a_normal_task(rapid):
    path = "/v1/training_tasks/imageannotation"
    refused(await rapid.post(path, json=body(attachment=...)), 400)
    refused(await rapid.post(path, json=body(geometries={"box": {"objects_to_annotate": []}})), 400)
    refused(await rapid.post(path, json=body(metadata="x")), 400)
    refused(await rapid.post(path, json=body(project_version=7)), 400)
    refused(await rapid.post(path, json=body(project_version="x")), 400)
    refused(await rapid.post(path, json=body(project_version=-1)), 400)
    whole = await rapid.post(
        path, json=body(project_version=-1, **{"geometries": PARAMS["geometries"], "instruction": "i"})
    )
    assert whole.json()["instruction"] == "i"
    own = await rapid.post(path, json=body(instruction="Mine.", project_version="0"))
    assert own.json()["instruction"] == "Mine."


async def test_a_creation_with_an_idempotency_key_is_replayed(rapid, ctx):
    headers = {"Idempotency-Key": "k"}
    path = "/v1/evaluation_tasks/imageannotation"
    first = await rapid.post(path, json=body(), headers=headers)
    assert (await rapid.post(path, json=body(), headers=headers)).content == first.content
    assert await ctx.db.fetchval("select count(*) from quality_task") == 1
    refused(await rapid.post("/v1/training_tasks/imageannotation", json=body(), headers=headers), 409)


async def test_a_form_may_give_its_expected_response_wrapped_or_bare(live):
    fields = [{"type": "text", "field_id": "name", "title": "Name", "required": True}]
    await live.post(
        "/v1/projects",
        json={"type": "textcollection", "name": "forms", "rapid": True, "params": {"fields": fields}},
    )
    sent = {"project": "forms", "attachments": [{"type": "text", "content": "Bess"}], "instruction": "i"}
    wrapped = {"annotations": {"name": {"type": "text", "field_id": "name", "response": ["Bess"]}}}
    for expected in (wrapped, {"annotations": {"name": "Bess"}}):
        made = await live.post(
            "/v1/training_tasks/textcollection", json={**sent, "expected_response": expected}
        )
        assert made.status_code == 200, made.text
        assert made.json()["expected_response"] == expected
    stranger = {"annotations": {"name": "Bess", "z": 1}}
    refused(
        await live.post("/v1/training_tasks/textcollection", json={**sent, "expected_response": stranger}),
        400,
    )


@pytest.fixture
async def attempts(rapid, ctx, live_actor):
    """Five attempts at two quality tasks; returns (evaluation id, training id)."""
    ids = []
    for kind in ("evaluation", "training"):
        made = await rapid.post(f"/v1/{kind}_tasks/imageannotation", json=body())
        ids.append(made.json()["id"])
    for i in range(5):
        await ctx.db.execute(
            "insert into quality_attempt (space_id, id, quality_task_id, member_id, response, score, passed, created_at) "
            "values ($1, $2, $3, $4, '{}', $5, $6, steelyard.now())",
            live_actor.space_id,
            ctx.ids.mint(ctx.clock.now()),
            ids[i % 2],
            live_actor.member_id,
            i / 4,
            i > 2,
        )
    return ids


async def test_attempts_are_listed_newest_first_in_pages(rapid, attempts, live_actor, test, other):
    email = live_actor.email
    page = (
        await rapid.get("/v1/quality/labelers", params={"labeler_emails": email.upper(), "limit": 3})
    ).json()
    assert (page["total"], page["limit"], page["has_more"]) == (5, 3, True)
    assert [d["score"] for d in page["docs"]] == [1.0, 0.75, 0.5]
    first = page["docs"][0]
    assert first == {
        "labeler_email": email,
        "quality_task_id": attempts[0],
        "quality_task_type": "evaluation",
        "score": 1.0,
        "passed": True,
        "created_at": first["created_at"],
    }
    rest = await rapid.get(
        "/v1/quality/labelers",
        params={"labeler_emails": email, "limit": 3, "next_token": page["next_token"]},
    )
    assert [d["score"] for d in rest.json()["docs"]] == [0.25, 0.0]
    assert "next_token" not in rest.json()
    for stranger in (test, other):
        assert (await stranger.get(f"/v1/quality/labelers?labeler_emails={email}")).json()["total"] == 0


async def test_attempts_are_filtered_by_any_form_of_list_and_need_a_filter(rapid, attempts):
    one = (await rapid.get(f"/v1/quality/labelers?quality_task_ids={attempts[1]}")).json()
    assert (one["total"], {d["quality_task_type"] for d in one["docs"]}) == (2, {"training"})
    for query in (
        f"quality_task_ids={attempts[0]},{attempts[1]}",
        f"quality_task_ids={attempts[0]}&quality_task_ids={attempts[1]}",
        f"quality_task_ids[]={attempts[0]}%2C{attempts[1]}",
    ):
        assert (await rapid.get("/v1/quality/labelers?" + query)).json()["total"] == 5
    nobody = await rapid.get(f"/v1/quality/labelers?quality_task_ids={attempts[0]}&labeler_emails=x@y.org")
    assert nobody.json()["docs"] == []
    for bad in (
        "",
        "limit=5",
        "quality_task_ids=",
        "quality_task_ids=a&limit=0",
        "quality_task_ids=a&next_token=x",
    ):
        refused(await rapid.get("/v1/quality/labelers?" + bad), 400)


async def test_deep_and_odd_bodies_are_a_400(rapid):
    path = "/v1/evaluation_tasks/imageannotation"
    for raw in (
        b"[]",
        b"{",
        b'{"project":"rapid","expected_response":' + b'{"annotations":' * 50_000 + b"1" + b"}" * 50_001,
        b'{"project":"rapid","expected_response":' + b'{"annotations":' * 600 + b"1" + b"}" * 601,
        b'{"project":"rapid","expected_response":{"annotations":"\xff"}}',
    ):
        refused(await rapid.post(path, content=raw), 400)
