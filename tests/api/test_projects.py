"""Projects: creation, versions of params, ontologies, templates (platform-api §19)."""

from __future__ import annotations

import asyncio
from urllib.parse import quote

import pytest

from steelyard.projects.templates import derive


class Api:
    """A client bound to one key."""

    def __init__(self, client):
        self.client = client

    async def make(self, name="cows", **more):
        return await self.post("/v1/projects", json={"type": "imageannotation", "name": name, **more})

    async def get(self, path, **more):
        return await self.client.get(path, **more)

    async def post(self, path, **more):
        return await self.client.post(path, **more)


@pytest.fixture
def api(live):
    return Api(live)


def refused(response, status):
    assert response.status_code == status, response.text
    body = response.json()
    assert set(body) == {"status_code", "error"}
    assert body["status_code"] == status
    return body["error"]


async def test_a_project_made_as_the_sdk_does_starts_with_an_empty_version_zero(api):
    made = await api.make(params=None, rapid=False, studio=False, datasetId=None)
    assert made.status_code == 200, made.text
    doc = made.json()
    assert doc["name"] == "cows"
    assert doc["type"] == "imageannotation"
    assert doc["param_history"] == [{"version": 0, "created_at": doc["created_at"]}]
    assert (doc["rapid"], doc["studio"], doc["archived"]) == (False, False, False)
    assert doc["created_with"] == "api"
    for absent in ("ontologyHistory", "pipeline", "consensus_attempts", "datasetId"):
        assert absent not in doc
    assert (await api.get("/v1/projects/cows")).json() == doc


async def test_params_come_back_as_they_were_sent_beside_version_and_time(api):
    raw = b'{"type":"imageannotation","name":"p","params":{ "a" : 1.0,"b":[1e2, "\\u00e9"],"instruction":"x" , "c":{"d": null}}}'
    made = await api.post("/v1/projects", content=raw, headers={"Content-Type": "application/json"})
    entry = made.json()["param_history"][0]
    assert set(entry) == {"version", "created_at", "a", "b", "c", "instruction"}
    assert b'"a":1.0,"b":[1e2, "\\u00e9"],"instruction":"x","c":{"d": null}' in made.content


async def test_set_params_replaces_and_a_patch_overlays_top_level_keys(api):
    await api.make(params={"instruction": "one", "geometries": {"box": {"a": 1}}, "keep": 1})
    patched = await api.post(
        "/v1/projects/cows/setParams", json={"patch": True, "geometries": {"line": {}}, "new": [1]}
    )
    last = patched.json()["param_history"][-1]
    assert last["version"] == 1
    assert {k: last[k] for k in last if k not in ("version", "created_at")} == {
        "instruction": "one",
        "geometries": {"line": {}},
        "keep": 1,
        "new": [1],
    }
    replaced = await api.post("/v1/projects/cows/setParams", json={"patch": False, "instruction": "two"})
    history = replaced.json()["param_history"]
    assert [h["version"] for h in history] == [0, 1, 2]
    assert set(history[-1]) == {"version", "created_at", "instruction"}
    emptied = await api.post("/v1/projects/cows/setParams", headers={"Content-Type": "application/json"})
    assert set(emptied.json()["param_history"][-1]) == {"version", "created_at"}
    assert len((await api.get("/v1/projects/cows")).json()["param_history"]) == 4


async def test_simultaneous_patches_each_get_a_version_of_their_own_and_none_is_lost(api):
    await api.make()
    answers = await asyncio.gather(
        *(api.post("/v1/projects/cows/setParams", json={"patch": True, f"k{i}": i}) for i in range(8))
    )
    assert [a.status_code for a in answers] == [200] * 8
    history = (await api.get("/v1/projects/cows")).json()["param_history"]
    assert [h["version"] for h in history] == list(range(9))
    assert {k: v for k, v in history[-1].items() if k.startswith("k")} == {f"k{i}": i for i in range(8)}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"name": "x"}, 400),
        ({"type": "imageannotation"}, 400),
        ({"type": "imageannotation", "name": ""}, 400),
        ({"type": "imageannotation", "name": "  "}, 400),
        ({"type": "imageannotation", "name": "n" * 256}, 400),
        ({"type": "imageannotation", "name": 5}, 400),
        ({"type": "no such type", "name": "x"}, 400),
        ({"type": "cruisecontrol", "name": "x"}, 402),
        ({"type": "imageannotation", "name": "x", "rapid": True, "studio": True}, 400),
        ({"type": "imageannotation", "name": "x", "self_serve": True, "studio": True}, 400),
        ({"type": "imageannotation", "name": "x", "params": []}, 400),
        ({"type": "imageannotation", "name": "x", "params": {"version": 1}}, 400),
        ({"type": "imageannotation", "name": "x", "params": {"created_at": "now"}}, 400),
        ({"type": "imageannotation", "name": "x", "params": {"instruction": 5}}, 400),
        ({"type": "imageannotation", "name": "x", "pipeline": "standard_task"}, 400),
        ({"type": "imageannotation", "name": "x", "studio": True, "pipeline": "other"}, 400),
        ({"type": "imageannotation", "name": "x", "studio": True, "consensus_attempts": 3}, 400),
        ([], 400),
    ],
)
async def test_a_project_that_breaks_a_rule_is_refused_and_not_stored(api, body, status):
    refused(await api.post("/v1/projects", json=body), status)
    assert (await api.get("/v1/projects")).json() == []


async def test_kinds_and_their_settings_are_echoed(api):
    rapid = (await api.make("r", self_serve=True)).json()
    assert (rapid["rapid"], rapid["projectType"]) == (True, "rapid")
    studio = (
        await api.make("s", studio=True, pipeline="consensus_task", consensus_attempts="3", datasetId="ds_1")
    ).json()
    assert (studio["studio"], studio["pipeline"], studio["consensus_attempts"], studio["datasetId"]) == (
        True,
        "consensus_task",
        3,
        "ds_1",
    )


async def test_a_taken_name_is_a_conflict_in_its_own_space_only(api, test, other):
    assert (await api.make()).status_code == 200
    assert refused(await api.make(), 409) == 'A project named "cows" already exists.'
    assert (await Api(test).make()).status_code == 200
    assert (await Api(other).make()).status_code == 200


async def test_projects_of_other_accounts_and_modes_do_not_exist(api, test, other):
    await api.make()
    for stranger in (Api(test), Api(other)):
        assert (await stranger.get("/v1/projects")).json() == []
        refused(await stranger.get("/v1/projects/cows"), 404)
        refused(await stranger.post("/v1/projects/cows/setParams", json={"a": 1}), 404)
        refused(await stranger.post("/v1/projects/cows/setOntology", json={"ontology": ["a"]}), 404)
        refused(await stranger.get("/v1/projects/cows/taskTemplates"), 404)
    assert len((await api.get("/v1/projects/cows")).json()["param_history"]) == 1


async def test_names_are_matched_exactly_and_may_hold_anything(api):
    name = "a b/c?d#e%2F ü"
    assert (await api.make(name)).status_code == 200
    assert (await api.get("/v1/projects/" + quote(name, safe=""))).json()["name"] == name
    refused(await api.get("/v1/projects/" + quote(name.upper(), safe="")), 404)
    refused(await api.get("/v1/projects/%00"), 404)


async def test_the_list_is_a_bare_array_newest_first_and_knows_archived_ones(api, ctx, live_actor):
    for name in ("one", "two", "three"):
        await api.make(name, params={"n": name})
    listed = (await api.get("/v1/projects")).json()
    assert [p["name"] for p in listed] == ["three", "two", "one"]
    assert [p["param_history"][0]["n"] for p in listed] == ["three", "two", "one"]
    await ctx.db.execute(
        "update project set archived = true where space_id = $1 and name = 'two'", live_actor.space_id
    )
    assert [p["name"] for p in (await api.get("/v1/projects?archived=True")).json()] == ["two"]
    assert [p["name"] for p in (await api.get("/v1/projects?archived=false")).json()] == ["three", "one"]
    refused(await api.get("/v1/projects?archived=perhaps"), 400)


async def test_a_creation_with_an_idempotency_key_is_replayed(api):
    headers = {"Idempotency-Key": "k-1"}
    first = await api.post("/v1/projects", json={"type": "imageannotation", "name": "cows"}, headers=headers)
    again = await api.post("/v1/projects", json={"name": "cows", "type": "imageannotation"}, headers=headers)
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.content == first.content
    refused(
        await api.post("/v1/projects", json={"type": "imageannotation", "name": "b"}, headers=headers), 409
    )


async def test_ontologies_are_versions_and_their_choices_unique_in_the_whole_tree(api):
    await api.make()
    tree = [{"choice": "animal", "subchoices": ["cow", {"choice": "dog", "description": "barks"}]}, "thing"]
    first = await api.post("/v1/projects/cows/setOntology", json={"ontology": tree, "name": "v1"})
    history = first.json()["ontologyHistory"]
    assert history[0]["ontology"] == tree
    assert (history[0]["version"], history[0]["name"]) == (0, "v1")
    second = await api.post("/v1/projects/cows/setOntology", json={"ontology": ["a"]})
    assert [o["version"] for o in second.json()["ontologyHistory"]] == [0, 1]
    assert len(second.json()["param_history"]) == 1
    for bad in (
        [{"choice": "a", "subchoices": ["b", {"choice": "c", "subchoices": ["a"]}]}],
        ["a", "a"],
        [""],
        [5],
        [{"description": "no choice"}],
        [{"choice": "a", "subchoices": "b"}],
        [{"choice": "a", "description": 5}],
        {"a": 1},
        None,
    ):
        refused(await api.post("/v1/projects/cows/setOntology", json={"ontology": bad}), 400)
    assert len((await api.get("/v1/projects/cows")).json()["ontologyHistory"]) == 2


async def test_task_templates_are_refused_for_types_that_have_none(api):
    await api.make()
    assert refused(await api.get("/v1/projects/cows/taskTemplates"), 400) == (
        "Task templates are not supported for imageannotation projects."
    )
    refused(await api.get("/v1/projects/nothing/taskTemplates"), 404)


async def test_a_form_project_has_a_template_that_follows_its_params(api):
    from steelyard.task_types import TASK_TYPES

    if "textcollection" not in TASK_TYPES:
        pytest.skip("textcollection is not there yet")
    made = await api.post("/v1/projects", json={"type": "textcollection", "name": "forms"})
    assert made.status_code == 200, made.text
    refused(await api.get("/v1/projects/forms/taskTemplates"), 404)
    fields = [{"type": "text", "field_id": "name", "title": "Name of {{ shop }}", "required": True}]
    await api.post("/v1/projects/forms/setParams", json={"fields": fields})
    template = (await api.get("/v1/projects/forms/taskTemplates")).json()
    assert template["version"] == 0
    assert template["template_variables"] == {"shop": {"type": "string", "required": True}}
    assert "name" in str(template["response_schema"])
    assert template["auto_onboard_enabled"] is False
    assert template["created_at"]
    await api.post("/v1/projects/forms/setParams", json={"fields": fields})
    assert (await api.get("/v1/projects/forms/taskTemplates")).json()["version"] == 0
    fields[0]["title"] = "{{shop}} in {{town}}"
    await api.post("/v1/projects/forms/setParams", json={"fields": fields})
    changed = (await api.get("/v1/projects/forms/taskTemplates")).json()
    assert (changed["version"], changed["id"]) == (1, template["id"])
    assert list(changed["template_variables"]) == ["shop", "town"]


def test_declared_template_variables_win_over_mentioned_ones():
    params = (
        '{"template_variables":{"a":{"type":"number","required":false}},"instruction":"{{a}} {{ b }} {{1x}}"}'
    )
    template = derive("imageannotation", params)
    assert template is not None
    assert template.variables == {
        "a": {"type": "number", "required": False},
        "b": {"type": "string", "required": True},
    }


@pytest.mark.parametrize(
    "raw",
    [
        b"{",
        b"[]",
        b"null",
        b'{"patch":"maybe"}',
        b'{"instruction":"\\u0000"}',
        b'{"instruction":"\xff"}',
        b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"version":7}',
        b'{"a":[{"b":' + b"1" * 5000 + b"}]}",
    ],
)
async def test_bad_params_are_a_400_and_add_no_version(api, raw):
    await api.make()
    refused(await api.post("/v1/projects/cows/setParams", content=raw), 400)
    assert len((await api.get("/v1/projects/cows")).json()["param_history"]) == 1
