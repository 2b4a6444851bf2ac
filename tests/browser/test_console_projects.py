"""Projects in the console: made by the form for every task type, with what contributors will see beside; params changed, and what changed."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import msgspec
from playwright.sync_api import Route, expect

from steelyard.task_types import TASK_TYPES
from tests.browser.conftest import MANAGER, ROOT, OpenPage, in_both_schemes
from tests.browser.test_every_type import fixture
from tests.sdk.conftest import Namer, Server

# What of an example must be seen in the editor beside the form: an editor of each kind, and a type without one.
SEEN = {
    "imageannotation": "two-wheeler",
    "namedentityrecognition": "employee",
    "textcollection": "How well is it written?",
    "comparison": "both the same",
    "lidarannotation": "meters_per_unit",
}
EXAMPLES: dict[str, Any] = json.loads(
    (ROOT / "web" / "src" / "console" / "projects" / "examples.json").read_text("utf-8")
)


def proper(kind: str, params: dict[str, Any]) -> None:
    """The params are those of a valid task once it has brought what each task brings itself."""
    given = fixture(kind)["params"]
    own = ["attachment", "attachments", "text", "lidar_task"]
    if kind == "chatlite":  # what a model has said already
        own += ["initial_messages", "template_variables", "hypothesis"]
    task = {**{key: given[key] for key in own if key in given}, **params}
    if params.get("attachment_type") == "text":
        task["attachment"] = "It crashed."
        task["attachments"] = ["It crashed.", "It hung."]
    accepted = {field.encode_name for field in msgspec.structs.fields(TASK_TYPES[kind].params)}
    TASK_TYPES[kind].parse_params(msgspec.json.encode({k: v for k, v in task.items() if k in accepted}))


def params_of(server: Server, name: str) -> dict[str, Any]:
    """The params of a project's newest version, without what the server adds."""
    made = server.call("GET", f"/v1/projects/{name}").json()
    own = ("version", "created_at", "instruction")
    return {k: v for k, v in made["param_history"][-1].items() if k not in own}


def test_projects_are_made_by_the_form_with_a_preview(
    server: Server, open_page: OpenPage, fresh: Namer
) -> None:
    page = open_page("/console/projects/new", MANAGER)
    page.add_style_tag(content="* { transition: none !important }")
    preview = page.get_by_test_id("preview")
    for kind, seen in SEEN.items():
        name = fresh(kind)
        page.get_by_role("textbox", name="Name").first.fill(name)
        expect(page.get_by_role("textbox", name="Name").first).to_have_value(name)
        types = page.get_by_role("combobox", name="Type", exact=True)
        types.click()
        types.fill(kind)
        page.get_by_role("option", name=kind, exact=True).click()
        expect(page.get_by_label("Instruction")).to_be_visible()
        page.get_by_role("button", name="Fill in an example").click()
        expect(preview.get_by_text(seen).first).to_be_visible()
        expect(preview.get_by_role("alert")).to_have_count(0)
        if kind == "textcollection":
            in_both_schemes(page)
        page.get_by_role("button", name="Create project").click()
        expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()
        assert server.call("GET", f"/v1/projects/{name}").json()["type"] == kind
        assert params_of(server, name) == EXAMPLES[kind]
        page.get_by_role("main").get_by_role("link", name="Projects").click()
        page.get_by_role("link", name="New project").click()


def test_a_name_is_written_while_the_editor_for_the_preview_is_still_on_its_way(
    open_page: OpenPage,
) -> None:
    page = open_page("/console/projects", MANAGER)
    held: list[Route] = []
    page.route("**/ImageEditorView*", lambda route: held.append(route))
    name = page.get_by_role("textbox", name="Name").first
    with page.expect_request("**/ImageEditorView*"):
        page.get_by_role("link", name="New project").click()
        name.click()
        page.keyboard.type("Trees ")
    expect(page.get_by_test_id("preview").get_by_label("Loading")).to_be_visible()
    page.keyboard.type("of ")
    for route in held:
        route.continue_()
    page.keyboard.type("Oslo")
    expect(page.get_by_test_id("preview").get_by_role("application")).to_be_visible()
    expect(name).to_have_value("Trees of Oslo")
    expect(name).to_be_focused()


def test_the_example_of_every_type_makes_a_project_whose_tasks_are_valid(
    server: Server, fresh: Namer
) -> None:
    assert set(EXAMPLES) == set(TASK_TYPES)
    # by this title the console finds what a type's form is made of
    paths = server.call("GET", "/openapi.json").json()["paths"]
    for kind in EXAMPLES:
        body = paths[f"/v1/task/{kind}"]["post"]["requestBody"]["content"]["application/json"]["schema"]
        assert sum(part.get("title", "").endswith("Params") for part in body["allOf"]) == 1, kind
    for kind, params in EXAMPLES.items():
        name = fresh(kind)
        made = server.call("POST", "/v1/projects", json={"name": name, "type": kind, "params": params})
        assert made.ok, (kind, made.text)
        proper(kind, params_of(server, name))


def test_params_are_changed_with_a_difference_and_every_version_stays_to_be_seen(
    server: Server, open_page: OpenPage, fresh: Namer
) -> None:
    name = fresh("history")
    params = {"attachment_type": "text", "categories": ["Bug", "Bill"]}
    made = {"name": name, "type": "categorization", "params": params}
    assert server.call("POST", "/v1/projects", json=made).ok
    page = open_page(f"/console/projects/{quote(name)}", MANAGER)
    page.get_by_role("tab", name="Params").click()
    page.get_by_role("button", name="Change params").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("No difference")).to_be_visible()
    dialog.get_by_role("tab", name="JSON").click()
    changed = {**params, "categories": ["Bug", "Invoice"]}
    dialog.get_by_role("textbox", name="Params").fill(json.dumps(changed))
    difference = dialog.get_by_role("region", name="Difference")
    expect(difference).to_contain_text('+     "Invoice"')
    expect(difference).to_contain_text('−     "Bill"')
    dialog.get_by_role("button", name="Save as new version").click()
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("heading", name="Changed since version 0")).to_be_visible()
    expect(page.get_by_role("region", name="Difference")).to_contain_text('"Invoice"')
    in_both_schemes(page)
    page.get_by_role("combobox", name="Params version").click()
    page.get_by_role("option", name="Version 0").click()
    expect(page.get_by_role("region", name="Params")).to_contain_text('"Bill"')
    assert len(server.call("GET", f"/v1/projects/{name}").json()["param_history"]) == 2
    for tab, there in (
        ("Instructions", "As contributors read it"),
        ("Workflow", "Known-answer tasks"),
        ("Overview", "Created by"),
    ):
        page.get_by_role("tab", name=tab).click()
        expect(page.get_by_text(there)).to_be_visible()
        in_both_schemes(page)
    page.get_by_role("button", name="Archive").click()
    expect(page.get_by_role("button", name="Bring back")).to_be_visible()
