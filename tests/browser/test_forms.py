"""Filling in forms in the browser: by pointer, by keyboard alone, with conditions, wrong input and reloads."""

from __future__ import annotations

from functools import partial
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, expect
from scaleapi.tasks import TaskType

from tests.browser.conftest import LABELER, OpenPage, assign, axe, offered, response_of
from tests.browser.recordings import tone
from tests.sdk.conftest import Namer, Server, serving


class Quiet(SimpleHTTPRequestHandler):
    """A customer's file server."""

    def log_message(self, *_: Any) -> None:
        return


FIELDS: list[dict[str, Any]] = [
    {
        "type": "category", "field_id": "stall", "title": "What is sold here?", "required": True,
        "choices": [
            {"label": "Food", "value": "food", "subchoices": [{"label": "Fruit", "value": "fruit"}, {"label": "Fish", "value": "fish"}]},
            {"label": "Cloth", "value": "cloth"},
        ],
    },
    {"type": "text", "field_id": "kind", "title": "Which fruit?", "conditions": {"stall": "fruit"}, "required": True},
    {"type": "number", "field_id": "price", "title": "Price", "min": 0, "max": 100, "step": 0.5},
    {"type": "boolean", "field_id": "open", "title": "Is it open?"},
    {"type": "ranking_order", "field_id": "order", "title": "Rank the three", "num_options": 3},
    {"type": "field_set", "field_id": "people", "title": "People", "max_responses_required": 3,
     "fields": [{"type": "text", "field_id": "name", "title": "Name"}, {"type": "datetime", "field_id": "born", "title": "Born"}]},
]  # fmt: skip


def make_task(server: Server, fresh: Namer, kind: TaskType, **params: Any) -> tuple[str, str]:
    project = fresh(kind.value)
    server.client(server.keys.live).create_project(project, kind)
    assign(server, project, LABELER)
    made = server.call(
        "POST", f"/v1/task/{kind.value}", json={"project": project, "instruction": "Look and tell.", **params}
    )
    assert made.ok, made.text
    offered(server, made.json()["task_id"])
    return project, made.json()["task_id"]


def done(page: Page) -> None:
    expect(page.get_by_role("heading", name="Nothing to do right now")).to_be_visible()


def test_a_form_with_conditions_is_filled_in_corrected_and_submitted(
    server: Server, open_page: OpenPage, fresh: Namer
) -> None:
    photo = {"type": "image", "content": f"{server.photos}/coffee.jpg"}
    note = {"type": "text", "content": "# A market stall\n\nSeen on *Tuesday*. <b>no html</b>"}
    project, task_id = make_task(
        server, fresh, TaskType.TextCollection, attachments=[photo, note], fields=FIELDS
    )
    page = open_page(f"/work?project={project}", LABELER)
    expect(page.get_by_text("Which fruit?")).to_have_count(0)
    page.get_by_role("radio", name="Fruit").click()
    expect(page.get_by_text("Which fruit?")).to_be_visible()
    page.get_by_label("Price", exact=True).fill("1.3")
    page.keyboard.press("Control+Enter")
    expect(page.locator("[data-field=kind]").get_by_text("Please answer this")).to_be_visible()
    expect(page.locator("[data-field=price]").get_by_text("In steps of 0.5")).to_be_visible()
    page.get_by_label("Which fruit?").fill("pears")
    expect(page.get_by_text("1 thing to mend")).to_be_visible()
    page.keyboard.press("F8")
    expect(page.get_by_label("Price", exact=True)).to_be_focused()
    page.get_by_label("Price", exact=True).fill("1.5")
    expect(page.get_by_role("alert")).to_have_count(0)
    page.get_by_text("Yes", exact=True).click()
    for option in ("3", "1", "2"):
        page.locator(f"[data-field=order] [data-choice='{option}']").click()
    ranks = page.locator("[data-field=order] [aria-pressed=true]")
    page.keyboard.press("Control+z")
    expect(ranks).to_have_count(2)
    page.keyboard.press("Control+Shift+z")
    expect(ranks).to_have_count(3)
    page.get_by_label("Name", exact=True).fill("Ada")
    expect(page.locator("[data-save-state=saved]")).to_be_visible()
    page.reload()
    expect(page.get_by_label("Which fruit?")).to_have_value("pears")
    page.get_by_role("button", name="Add another").click()
    page.get_by_label("Name", exact=True).nth(1).fill("Grace")
    page.get_by_label("Born").nth(1).fill("1906-12-09")
    expect(page.locator("[data-attachment='0'] img")).to_be_visible()
    axe(page)
    page.keyboard.press("Control+Enter")
    done(page)
    assert response_of(server, task_id)["annotations"] == {
        "stall": ["fruit"],
        "kind": "pears",
        "price": "1.5",
        "open": True,
        "order": [3, 1, 2],
        "people": [{"name": "Ada"}, {"name": "Grace", "born": "1906-12-09"}],
    }


def test_digits_answer_one_question_after_another(server: Server, open_page: OpenPage, fresh: Namer) -> None:
    project, task_id = make_task(
        server,
        fresh,
        TaskType.Categorization,
        attachment="A plank of oak, 2.4 m.",
        attachment_type="text",
        taxonomies={
            "material": {"type": "category", "description": "Material?", "choices": ["Steel", {"choice": "Wood", "subchoices": ["Oak", "Elm"]}]},
            "defects": {"type": "category", "description": "Defects?", "choices": ["Knot", "Crack"], "condition": {"taxonomy": "material", "choices": ["Oak", "Elm"]}},
            "note": {"type": "text", "description": "Note?"},
        },
    )  # fmt: skip
    page = open_page(f"/work?project={project}", LABELER)
    expect(page.get_by_role("radio", name="Oak")).to_be_visible()
    page.keyboard.press("2")
    expect(page.get_by_role("radio", name="Knot")).to_be_visible()
    page.keyboard.press("1")
    expect(page.get_by_role("radio", name="Knot")).to_be_checked()
    expect(page.get_by_role("textbox", name="Note?")).to_be_focused()
    page.keyboard.type("fine")
    page.keyboard.press("Control+Enter")
    done(page)
    assert response_of(server, task_id) == {
        "taxonomies": {"material": ["Oak"], "defects": ["Knot"], "note": "fine"}
    }


EVERY_FIELD: list[dict[str, Any]] = [
    {"type": "form", "field_id": "sound", "title": "Sound", "fields": [
        {"type": "text", "field_id": "words", "title": "What is said?"},
        {"type": "number", "field_id": "speakers", "title": "Speakers", "min": 0, "max": 9},
        {"type": "boolean", "field_id": "clear", "title": "Is it clear?"},
        {"type": "datetime", "field_id": "day", "title": "Day"},
        {"type": "category", "field_id": "place", "title": "Where?", "max_choices": 2, "choices": [
            {"label": "Outside", "value": "out", "subchoices": [{"label": "Street", "value": "street"}, {"label": "Wood", "value": "wood"}]},
            {"label": "Inside", "value": "in"}]},
        {"type": "ranking_order", "field_id": "order", "title": "Rank", "num_options": 3},
        {"type": "time_range", "field_id": "speech", "title": "When?"}]},
    {"type": "form", "field_id": "more", "title": "More", "fields": [
        {"type": "field_set", "field_id": "noise", "title": "Noise", "max_responses_required": 2, "fields": [
            {"type": "boolean", "field_id": "loud", "title": "Loud?"},
            {"type": "category", "field_id": "kind", "title": "Kind?", "choices": [{"label": "Car", "value": "car"}, {"label": "Wind", "value": "wind"}]}]}]},
]  # fmt: skip


def test_every_kind_of_field_is_answered_by_keys_alone(
    server: Server, open_page: OpenPage, fresh: Namer, tmp_path: Path
) -> None:
    tone(tmp_path / "tone.wav", 2)
    with serving(partial(Quiet, directory=str(tmp_path))) as files:
        project, task_id = make_task(
            server,
            fresh,
            TaskType.TextCollection,
            attachments=[{"type": "audio", "content": f"{files}/tone.wav"}],
            fields=EVERY_FIELD,
        )
    page = open_page(f"/work?project={project}", LABELER)
    keys = page.keyboard
    expect(page.locator("audio")).to_be_visible()
    page.wait_for_function("() => document.querySelector('audio').duration > 1")

    def at(path: str) -> Locator:
        """Walks on to a question."""
        keys.press("Alt+ArrowDown")
        field = page.locator(f"[data-field='{path}']")
        expect(field.locator(":focus")).to_have_count(1)
        return field

    at("sound.words")
    keys.type("Good morning")
    at("sound.speakers")
    keys.type("2")
    at("sound.clear")
    keys.press("2")
    expect(page.locator("[data-field='sound.day'] :focus")).to_have_count(1)  # answered: the next is at hand
    keys.type("05312024")
    at("sound.place")
    keys.press("3")
    keys.press("1")
    at("sound.order")
    for digit in "312":
        keys.press(digit)
    at("sound.speech")
    keys.type("0.5")
    for _ in range(2):
        keys.press("Tab")
    keys.type("1.25")
    at("more.noise[0].loud")
    keys.press("1")
    keys.press("2")  # of the question that is at hand now
    expect(page.get_by_role("radio", name="Wind")).to_be_checked()
    keys.press("Control+z")
    expect(page.get_by_role("radio", name="Wind")).not_to_be_checked()
    keys.press("Control+y")
    expect(page.get_by_role("radio", name="Wind")).to_be_checked()
    keys.press("Alt+p")
    page.wait_for_function("() => document.querySelector('audio').currentTime > 0")
    axe(page)
    keys.press("Control+k")  # the list of all commands, by a word, typed without waiting for it
    keys.type("submit")
    expect(page.get_by_role("dialog").locator("input")).to_have_value("submit")
    expect(page.get_by_role("option").first).to_contain_text("Submit")
    keys.press("Enter")
    done(page)
    assert response_of(server, task_id)["annotations"] == {
        "sound": {
            "words": "Good morning",
            "speakers": "2",
            "clear": False,
            "day": "2024-05-31",
            "place": ["street", "in"],
            "order": [3, 1, 2],
            "speech": {"start": 0.5, "end": 1.25},
        },
        "more": {"noise": [{"loud": True, "kind": ["wind"]}]},
    }


def test_items_are_compared_rows_transcribed_and_facts_entered(
    server: Server, open_page: OpenPage, fresh: Namer
) -> None:
    text = {"attachment_type": "text"}
    comparison = make_task(
        server,
        fresh,
        TaskType.Comparison,
        attachments=["The mill stands by the river.", "By the river the mill stood."],
        choices=["first", "second"],
        fields={"why": "Why?"},
        **text,
    )
    transcription = make_task(
        server,
        fresh,
        TaskType.Transcription,
        attachment="wool 40, slate 12",
        fields={"ship": "Ship"},
        repeatable_fields={"cargo": "What", "bales": "How many"},
        **text,
    )
    collection = make_task(
        server,
        fresh,
        TaskType.DataCollection,
        attachment="Halcyon, Oban",
        fields={"phone": "Telephone"},
        **text,
    )

    page = open_page(f"/work?project={comparison[0]}", LABELER)
    why = page.get_by_label("Why?")
    expect(page.locator("[data-attachment]")).to_have_count(2)
    page.keyboard.press("2")
    why.fill("It flows.")
    taken_back_done_again_and_reloaded(page, why, "It flows.", "")
    expect(page.get_by_role("radio", name="second")).to_be_checked()
    axe(page)
    page.keyboard.press("Control+Enter")
    done(page)
    assert response_of(server, comparison[1]) == {"choice": "second", "fields": {"why": "It flows."}}

    # row by row as in a table: Enter leads to the next field, and after the last one to one more row
    page.goto(f"/work?project={transcription[0]}")
    page.get_by_label("What", exact=True).click()
    for words in ("wool", "40", "slate"):
        page.keyboard.type(words)
        page.keyboard.press("Enter")
    many = page.get_by_label("How many", exact=True).nth(1)
    expect(many).to_be_focused()
    page.keyboard.type("12")
    taken_back_done_again_and_reloaded(page, many, "12", "")
    page.keyboard.press("Control+Enter")
    done(page)
    assert response_of(server, transcription[1]) == {
        "fields": {"ship": ""},
        "repeatable_fields": [{"cargo": "wool", "bales": "40"}, {"cargo": "slate", "bales": "12"}],
    }

    page.goto(f"/work?project={collection[0]}")
    phone = page.get_by_label("Telephone")
    phone.fill("555 0100")
    taken_back_done_again_and_reloaded(page, phone, "555 0100", "")
    page.keyboard.press("Control+Enter")
    done(page)
    assert response_of(server, collection[1])["fields"] == {"phone": "555 0100"}


def taken_back_done_again_and_reloaded(page: Page, field: Locator, text: str, before: str) -> None:
    """Undoes and redoes what was just entered, and finds it after a reload."""
    field.blur()
    page.keyboard.press("Control+z")
    expect(field).to_have_value(before)
    page.keyboard.press("Control+Shift+z")
    expect(field).to_have_value(text)
    expect(page.locator("[data-save-state=saved]")).to_be_visible()
    page.reload()
    expect(field).to_have_value(text)


def test_work_done_without_a_network_arrives_once_it_is_back(
    server: Server, open_page: OpenPage, fresh: Namer
) -> None:
    project, task_id = make_task(
        server,
        fresh,
        TaskType.DataCollection,
        attachment="Halcyon, Oban",
        attachment_type="text",
        fields={"phone": "Telephone"},
    )
    page = open_page(f"/work?project={project}", LABELER)
    page.get_by_label("Telephone").fill("555")
    expect(page.locator("[data-save-state=saved]")).to_be_visible()
    page.context.set_offline(True)
    page.get_by_label("Telephone").fill("555 0100")
    expect(page.get_by_text("Saved on this device")).to_be_visible()
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("The submission is repeated until it arrives")).to_be_visible()
    page.context.set_offline(False)
    done(page)
    assert response_of(server, task_id)["fields"] == {"phone": "555 0100"}
