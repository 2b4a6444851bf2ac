"""The text, document, audio and chat types through the compatible API: what the official client's own suite expects of them
(platform-api §30), and what the server adds to a task."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from steelyard import tasks
from steelyard.ctx import Ctx
from tests.api.builders import with_project

FIXTURES = Path(__file__).parents[2] / "fixtures" / "task-types"
CALLBACK = "http://www.example.com/callback"
TYPES = (
    "comparison", "transcription", "audiotranscription", "datacollection", "documenttranscription", "documentmodel",
    "chat", "chatlite", "chatexperimental", "multichat", "multistage",
)  # fmt: skip


def refused(answer: httpx.Response, message: str, status: int = 400) -> None:
    assert (answer.status_code, answer.json()) == (status, {"status_code": status, "error": message})


async def create(client: httpx.AsyncClient, kind: str, **body: Any) -> httpx.Response:
    return await client.post(f"/v1/task/{kind}", json=await with_project(client, kind, body))


async def made(client: httpx.AsyncClient, kind: str, **body: Any) -> dict[str, Any]:
    answer = await create(client, kind, **body)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("name", TYPES)
async def test_tasks_are_created_read_and_completed_in_test_mode(
    live: httpx.AsyncClient, test: httpx.AsyncClient, name: str
) -> None:
    for path in sorted((FIXTURES / name / "valid").glob("*.json")):
        params = json.loads(path.read_text())["params"]
        waiting = await made(live, name, instruction="Look.", callback_url=CALLBACK, **params)
        assert (waiting["type"], waiting["status"]) == (name, "pending")
        assert {k: waiting["params"][k] for k in params} == params
        done = await made(test, name, instruction="Look.", callback_url=CALLBACK, **params)
        assert (done["type"], done["status"]) == (name, "completed")
        assert any(done["response"].values())
        assert (await test.get(f"/v1/task/{done['task_id']}")).json() == done


async def test_a_transcription_is_accepted_and_one_without_attachment_refused(
    test: httpx.AsyncClient,
) -> None:
    done = await made(
        test,
        "transcription",
        callback_url=CALLBACK,
        instruction="Transcribe the fields.",
        attachment_type="website",
        attachment="http://www.google.com/",
        fields={"title": "Title of Webpage", "top_result": "Title of the top result"},
        repeatable_fields={"title": "Title of a result", "url": "Address of a result"},
    )
    assert list(done["response"]["fields"]) == ["title", "top_result"]
    assert all(list(row) == ["title", "url"] for row in done["response"]["repeatable_fields"])
    refused(
        await create(test, "transcription", callback_url=CALLBACK, attachment_type="website"),
        "Please include an attachment or attachments parameter.",
    )


async def test_a_documenttranscription_needs_no_callback_but_attachment_and_features(
    test: httpx.AsyncClient,
) -> None:
    done = await made(
        test,
        "documenttranscription",
        instruction="Please transcribe this receipt.",
        attachment="http://document.scale.com/receipt-20200519.jpg",
        features=[{"type": "block", "label": "barcode"}],
    )
    assert "callback_url" not in done
    assert done["params"]["geometry"] == "box"
    assert done["params"]["lang"] == "en-US"
    (annotation,) = done["response"]["annotations"]
    assert (annotation["label"], annotation["page"], annotation["text"]) == ("barcode", 0, "")
    refused(
        await create(test, "documenttranscription", callback_url=CALLBACK, instruction="Transcribe."),
        "Please include an attachment or attachments parameter.",
    )


async def test_a_datacollection_is_accepted_and_one_with_nothing_but_a_type_refused(
    test: httpx.AsyncClient,
) -> None:
    done = await made(
        test,
        "datacollection",
        callback_url=CALLBACK,
        instruction="Find the address of the hiring page.",
        attachment_type="website",
        attachment="https://www.google.com",
        fields={"hiring_page": "Hiring page"},
    )
    assert done["response"]["fields"]["hiring_page"]
    assert done["response"]["time_spent_in_seconds"] == 15
    refused(
        await create(test, "datacollection", callback_url=CALLBACK, attachment_type="website"),
        "Please include an attachment or attachments parameter.",
    )


async def test_a_comparison_is_accepted_and_one_without_items_and_choices_refused(
    test: httpx.AsyncClient,
) -> None:
    done = await made(
        test,
        "comparison",
        callback_url=CALLBACK,
        instruction="Do the objects have the same pattern?",
        attachment_type="image",
        attachments=["http://i.example/a.jpg", "http://i.example/b.jpg"],
        choices=["yes", "no"],
    )
    assert done["response"]["choice"] in ("yes", "no")
    refused(
        await create(test, "comparison", callback_url=CALLBACK, instruction="Same?", attachment_type="image"),
        "Please include an attachment or attachments parameter.",
    )


@pytest.mark.parametrize("name", ["comparison", "datacollection"])
async def test_an_instruction_is_required_where_the_type_asks_a_question(
    live: httpx.AsyncClient, name: str
) -> None:
    first = min((FIXTURES / name / "valid").glob("*.json"))
    params = json.loads(first.read_text())["params"]
    refused(await create(live, name, **params), "Missing required parameter: instruction.")


async def test_defaults_and_the_new_name_of_row_fields_are_echoed(live: httpx.AsyncClient) -> None:
    audio = await made(live, "audiotranscription", attachment="https://i.example/a.mp3", verbatim=True)
    assert audio["params"]["verbatim"] is True
    assert audio["params"]["skip_human_transcription"] is False
    rows = {"item": "Item"}
    text = await made(live, "transcription", attachment="a list", attachment_type="text", row_fields=rows)
    assert text["params"]["repeatable_fields"] == rows
    nested = {"turn": [{"type": "Sketch", "nodes": [None, 1.0]}], "after": None}
    chat = await made(live, "chatexperimental", params=nested)
    assert chat["params"] == {"params": nested, "turn": nested["turn"]}


async def test_a_task_takes_required_params_from_its_project(live: httpx.AsyncClient) -> None:
    fields = {"name": "Name on the sign"}
    project = {"type": "transcription", "name": "signs", "params": {"fields": fields}}
    assert (await live.post("/v1/projects", json=project)).status_code == 200
    task = await made(live, "transcription", project="signs", attachment="Inn", attachment_type="text")
    assert task["params"]["fields"] == fields
    assert (await create(live, "comparison", project="signs", attachment="Inn")).status_code == 400


async def test_a_chat_project_has_a_template_with_the_schema_of_its_answers(live: httpx.AsyncClient) -> None:
    params = {"turn": [{"type": "PromptInput", "id": "ask"}, {"type": "Justification", "id": "why"}]}
    project = {"type": "chat", "name": "talks", "params": params}
    assert (await live.post("/v1/projects", json=project)).status_code == 200
    template = (await live.get("/v1/projects/talks/taskTemplates")).json()
    entries = template["response_schema"]["properties"]["responses"]["items"]["anyOf"]
    assert [e["properties"]["id"]["const"] for e in entries] == ["ask", "why"]
    task = await made(live, "chat", project="talks")
    assert task["params"]["turn"] == params["turn"]


async def test_documents_have_evaluation_tasks_and_the_other_types_have_not(live: httpx.AsyncClient) -> None:
    features = [{"type": "text", "label": "total", "flags": ["money"]}]
    project = {
        "type": "documenttranscription",
        "name": "bills",
        "rapid": True,
        "params": {"features": features},
    }
    assert (await live.post("/v1/projects", json=project)).status_code == 200
    place = {"type": "box", "left": 1, "top": 2, "width": 30, "height": 9}
    expected = {"annotations": [{"page": 0, "label": "total", "text": "9.50", "location": place}]}
    body = {"project": "bills", "attachment": "https://i.example/b.pdf", "expected_response": expected}
    answer = await live.post("/v1/evaluation_tasks/documenttranscription", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["expected_response"] == expected
    wrong = {"annotations": [{**expected["annotations"][0], "label": "sum"}]}
    answer = await live.post(
        "/v1/evaluation_tasks/documenttranscription", json={**body, "expected_response": wrong}
    )
    refused(
        answer,
        'Parameter is invalid, reason: "expected_response.annotations[0].label" unknown label "sum"',
    )
    for name in set(TYPES) - {"documenttranscription"}:
        refused(
            await live.post(f"/v1/evaluation_tasks/{name}", json=body),
            f"Evaluation tasks are not supported for {name}.",
        )


async def test_stages_about_scenes_are_not_enabled(live: httpx.AsyncClient) -> None:
    answer = await create(
        live, "multistage", scene_format="sensor_fusion", attachments=["https://i.example/s"]
    )
    refused(answer, "Multi-stage tasks about scenes are not enabled on this server.", 402)


async def test_files_of_a_stage_are_stored_under_names_of_their_own(test: httpx.AsyncClient) -> None:
    cut = {
        "type": "segmentannotation",
        "params": {"attachment": "https://i.example/a.png", "labels": ["sea", "sky"]},
    }
    done = await made(test, "multistage", stages=[{"id": "one", **cut}, {"id": "two", **cut}])
    urls = [
        stage["response"]["annotations"]["combined"]["indexedImage"] for stage in done["response"]["stages"]
    ]
    assert len(set(urls)) == 2
    for url in urls:
        assert url.startswith("http")
        picture = await test.get(url)
        assert (picture.status_code, picture.content[:4]) == (200, b"\x89PNG")


async def test_answers_of_every_type_are_taken_in_by_the_workbench(ctx: Ctx, live: httpx.AsyncClient) -> None:
    for name in TYPES:
        for path in sorted((FIXTURES / name / "valid").glob("*.json"))[:2]:
            case = json.loads(path.read_text())
            task = await made(live, name, instruction="Look.", **case["params"])
            space = await ctx.db.fetchval("select space_id from task where id = $1", task["task_id"])
            async with ctx.db.tx() as tx:
                assert await tasks.queue_task(ctx, tx, space, task["task_id"])
            lease = (await live.post("/api/work/claim", json={"types": [name]})).json()
            assert lease["task"]["task_id"] == task["task_id"]
            submit = f"/api/work/{lease['lease_token']}/submit"
            refusal = await live.post(submit, json={"response": {"nonsense": 1}})
            assert refusal.status_code == 400, refusal.text
            assert refusal.json()["issues"]
            answer = await live.post(submit, json={"response": case["response"]})
            assert answer.status_code == 200, answer.text
            done = (await live.get(f"/v1/task/{task['task_id']}")).json()
            refusals = [stage["error"] for stage in case["response"].get("stages", []) if "error" in stage]
            if refusals:  # of a stage whose params the answers before it make impossible
                assert (done["status"], done["response"]) == ("error", {"error": f"stages[1]: {refusals[0]}"})
            else:
                assert (done["status"], done["response"]) == ("completed", case["response"])


@pytest.mark.parametrize("name", ["chat", "chatlite", "chatexperimental", "multichat"])
async def test_a_chat_task_belongs_to_a_project(live: httpx.AsyncClient, name: str) -> None:
    answer = await live.post(f"/v1/task/{name}", json={"turn": [{"type": "PromptInput"}]})
    refused(answer, "Missing required parameter: project.")


@pytest.mark.parametrize("name", ["documenttranscription", "documentmodel"])
async def test_the_customers_own_ocr_is_a_link_with_a_known_format(
    live: httpx.AsyncClient, name: str
) -> None:
    body = {"attachment": "https://i.example/a.pdf", "features": [{"type": "text", "label": "sum"}]}
    url = {"customer_ocr_url": "https://i.example/ocr.json"}
    for metadata, message in (
        ({**url, "customer_ocr_type": "tesseract"}, "Invalid parameter metadata.customer_ocr_type: must be microsoft_computer_vision or amazon_textract."),
        ({"customer_ocr_url": "nowhere"}, "Invalid parameter metadata.customer_ocr_url: must be a URL."),
        (url, "Missing required parameter: metadata.customer_ocr_type."),
    ):  # fmt: skip
        refused(await create(live, name, metadata=metadata, **body), message)
    given = {**url, "customer_ocr_type": "amazon_textract", "mine": 1}
    assert (await made(live, name, metadata=given, **body))["metadata"] == given
    assert (await made(live, name, metadata={"other": None}, **body))["metadata"] == {"other": None}


async def test_a_task_gives_values_for_the_variables_that_its_project_declares(
    live: httpx.AsyncClient,
) -> None:
    declared = {
        "topic": {"type": "string", "required": True},
        "count": {"type": "number", "required": True},
        "tone": {"type": "string", "default": "plain"},
    }
    turn = [
        {"type": "Instructions", "text": "Write {{count}} lines about {{topic}}, {{tone}}."},
        {"type": "PromptInput"},
    ]
    project = {"type": "chat", "name": "poems", "params": {"turn": turn, "template_variables": declared}}
    assert (await live.post("/v1/projects", json=project)).status_code == 200
    template = (await live.get("/v1/projects/poems/taskTemplates")).json()
    assert template["template_variables"] == declared
    assert template["response_schema"]["properties"]["responses"]
    refused(
        await create(live, "chat", project="poems", template_variables={"topic": "tides"}),
        "Missing template variable: count.",
    )
    refused(
        await create(live, "chat", project="poems", template_variables={"topic": "tides", "count": "two"}),
        "Invalid template variable count: expected number.",
    )
    values = {"topic": "tides", "count": 2, "more": [1]}
    task = await made(live, "chat", project="poems", template_variables=values)
    assert task["params"]["template_variables"] == {**values, "tone": declared["tone"]}


async def test_a_test_task_shows_made_up_pages_that_its_answer_fits(test: httpx.AsyncClient) -> None:
    features = [{"type": "text", "label": "sum"}]
    urls = ["https://i.example/a.pdf", "https://i.example/b.pdf"]
    done = await made(test, "documenttranscription", attachments=urls, features=features)
    assert done["document_pages"] == [
        {"width": 850, "height": 1100, "attachment_index": 0},
        {"width": 850, "height": 1100, "attachment_index": 1},
    ]
    assert (await test.get(f"/v1/task/{done['task_id']}")).json() == done
