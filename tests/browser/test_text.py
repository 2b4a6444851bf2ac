"""Labeling named entities in the browser: by pointer and by keyboard alone, with reloads, undo, and texts of other scripts."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page, expect
from scaleapi.tasks import TaskType

from tests.browser.conftest import LABELER, OpenPage, assign, axe, offered, response_of
from tests.sdk.conftest import Namer, Server

LABELS: list[dict[str, Any]] = [
    {"name": "party", "children": [{"name": "seller"}, {"name": "buyer"}]},
    {"name": "asset", "attributes": {"kind": {"type": "category", "choices": ["building", "land"]}}},
]
RELATIONS = [
    {
        "name": "sold_to",
        "display_name": "sold to",
        "is_directed": True,
        "source_label": "party",
        "target_label": "party",
    }
]
TEXT = "Ines sold the mill to Tomas."


def make_task(server: Server, fresh: Namer, **params: Any) -> tuple[str, str]:
    """A live task in a project that the labeler is assigned to: (project, task id)."""
    project = fresh("deeds")
    client = server.client(server.keys.live)
    client.create_project(project, TaskType.NamedEntityRecognition)
    assign(server, project, LABELER)
    given = {
        "text": TEXT,
        "labels": LABELS,
        "relationships": RELATIONS,
        "instruction": "Mark parties and assets.",
        **params,
    }
    made = server.call("POST", "/v1/task/namedentityrecognition", json={"project": project, **given})
    assert made.ok, made.text
    task_id = made.json()["task_id"]
    offered(server, task_id)
    return project, task_id


def mark(page: Page, words: str) -> None:
    """Marks words with the pointer, as a drag from their first to their last letter."""
    expect(page.locator(".steelyard-text")).to_be_visible()
    box = page.evaluate(
        """(words) => {
          const walker = document.createTreeWalker(document.querySelector('.steelyard-text'), NodeFilter.SHOW_TEXT);
          const nodes = [];
          for (let node = walker.nextNode(); node; node = walker.nextNode()) nodes.push(node);
          const from = nodes.map((node) => node.data).join('').indexOf(words);
          if (from < 0) return null;
          const range = document.createRange();
          let at = 0;
          for (const node of nodes) {
            const to = at + node.data.length;
            if (at <= from && from < to) range.setStart(node, from - at);
            if (at < from + words.length && from + words.length <= to) range.setEnd(node, from + words.length - at);
            at = to;
          }
          const rects = range.getClientRects();
          const [first, last] = [rects[0], rects[rects.length - 1]];
          return [first.left + 1, first.top + first.height / 2, last.right - 1, last.top + last.height / 2];
        }""",
        words,
    )
    assert box is not None, words
    page.mouse.move(box[0], box[1])
    page.mouse.down()
    page.mouse.move((box[0] + box[2]) / 2, box[1])
    page.mouse.move(box[2], box[3])
    page.mouse.up()


def saved(page: Page) -> None:
    expect(page.locator("[data-save-state=saved]")).to_be_visible()


def test_a_contributor_marks_spans_relates_them_and_submits(
    server: Server, open_page: OpenPage, fresh: Namer
) -> None:
    project, task_id = make_task(server, fresh)
    page = open_page(f"/work?project={project}", LABELER)
    mark(page, "Ines")
    page.keyboard.press("2")  # seller
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    mark(page, "the mill")
    page.keyboard.press("4")  # asset
    page.keyboard.press("Enter")  # to the questions about it
    kind = page.get_by_role("radiogroup", name="kind")
    expect(kind.locator(":focus")).to_have_count(1)
    page.keyboard.press("1")
    expect(kind.get_by_label("building")).to_be_checked()
    expect(page.locator(".steelyard-text")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    mark(page, "Tomas")
    page.keyboard.press("3")  # buyer
    expect(page.get_by_text("3 spans")).to_be_visible()
    page.keyboard.press("Control+z")
    expect(page.get_by_text("2 spans")).to_be_visible()
    page.keyboard.press("Control+Shift+z")
    expect(page.get_by_text("3 spans")).to_be_visible()
    saved(page)
    page.reload()
    expect(page.get_by_text("3 spans")).to_be_visible()
    page.locator("[data-spans]", has_text="Ines").first.click()
    page.keyboard.press("Alt+r")
    page.locator("[data-spans]", has_text="Tomas").last.click()
    expect(page.locator("[data-link]")).to_have_count(1)
    axe(page)
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("heading", name="Nothing to do right now")).to_be_visible()
    answer = response_of(server, task_id)
    found = [
        (a["start"], a["end"], a["text"], a["label"], a.get("attributes")) for a in answer["annotations"]
    ]
    assert found == [
        (0, 4, "Ines", "seller", None),
        (10, 18, "the mill", "asset", {"kind": "building"}),
        (22, 27, "Tomas", "buyer", None),
    ]
    ids = {a["text"]: a["id"] for a in answer["annotations"]}
    assert [(r["name"], r["source_ref"], r["target_ref"]) for r in answer["relationships"]] == [
        ("sold_to", ids["Ines"], ids["Tomas"])
    ]


def test_spans_lie_in_each_other_and_over_each_other_and_relations_are_arcs(
    server: Server, open_page: OpenPage, fresh: Namer
) -> None:
    arabic = "باع محمد الطاحونة"
    project, task_id = make_task(server, fresh, text=f"{TEXT}\n{arabic}\n" + "The mill stood still.\n" * 3000)
    page = open_page(f"/work?project={project}", LABELER)
    for words, key in (
        ("Ines sold the mill", "4"),
        ("the mill", "2"),
        ("mill to Tomas", "4"),
        ("محمد", "3"),
    ):
        mark(page, words)
        page.keyboard.press(key)
        page.keyboard.press("Escape")
        page.keyboard.press("Escape")
    expect(page.get_by_text("4 spans")).to_be_visible()
    # one line beneath the words for each span that covers them
    thrice = page.locator("[data-spans]", has_text="mill").first
    assert len((thrice.get_attribute("data-spans") or "").split()) == 3
    assert (
        thrice.evaluate("(e) => getComputedStyle(e).backgroundImage.split('linear-gradient').length - 1") >= 3
    )
    assert page.locator("[data-block]").count() < 80  # the other lines are not in the page
    block = page.locator("[data-block]", has_text="محمد")
    assert block.evaluate("(e) => getComputedStyle(e).direction") == "rtl"
    # from the inner span to the one in the other script, drawn between the two
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Alt+r")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    arc = page.locator("[data-link] path")
    expect(arc).to_have_count(1)
    ends = arc.evaluate(
        "(path) => [0, path.getTotalLength()].map((at) => { const p = path.getPointAtLength(at).matrixTransform(path.getScreenCTM()); return [p.x, p.y]; })"
    )
    for (x, y), words in zip(ends, ("mill", "محمد"), strict=True):
        box = page.locator("[data-spans]", has_text=words).first.bounding_box()
        assert box is not None
        assert abs(y - box["y"]) < 40
        assert box["x"] - 80 < x < box["x"] + box["width"] + 80
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("heading", name="Nothing to do right now")).to_be_visible()
    answer = response_of(server, task_id)
    found = sorted((a["start"], a["end"], a["text"], a["label"]) for a in answer["annotations"])
    at = len(TEXT) + 1 + arabic.index("محمد")
    assert found == [
        (0, 18, "Ines sold the mill", "asset"),
        (10, 18, "the mill", "seller"),
        (14, 27, "mill to Tomas", "asset"),
        (at, at + 4, "محمد", "buyer"),
    ]
    ids = {a["text"]: a["id"] for a in answer["annotations"]}
    assert [(r["source_ref"], r["target_ref"]) for r in answer["relationships"]] == [
        (ids["the mill"], ids["محمد"])
    ]


def test_the_keyboard_alone_suffices(server: Server, open_page: OpenPage, fresh: Namer) -> None:
    project, task_id = make_task(server, fresh)
    page = open_page(f"/work?project={project}", LABELER)
    expect(page.locator(".steelyard-text")).to_be_focused()
    for keys in (
        "ArrowRight",
        "2",
        "Escape",
        "Escape",
        "ArrowRight",
        "ArrowRight",
        "ArrowRight",
        "Shift+ArrowRight",
        "4",
    ):
        page.keyboard.press(keys)
    for keys in ("Tab", "Shift+Tab", "Delete"):  # the first span, the last, gone
        page.keyboard.press(keys)
    expect(page.get_by_text("1 span", exact=True)).to_be_visible()
    page.keyboard.press("Control+z")
    expect(page.get_by_text("2 spans")).to_be_visible()
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("heading", name="Nothing to do right now")).to_be_visible()
    found = [(a["text"], a["label"]) for a in response_of(server, task_id)["annotations"]]
    assert found == [("Ines", "seller"), ("the mill", "asset")]


def test_offsets_count_characters_in_every_script(server: Server, open_page: OpenPage, fresh: Namer) -> None:
    text = "Zoë 🚢 sails\nباع محمد الطاحونة\ne\u0301tude 👩‍👩‍👧 here"
    project, task_id = make_task(server, fresh, text=text)
    page = open_page(f"/work?project={project}", LABELER)
    for words in ("🚢", "محمد", "e\u0301tude", "👩‍👩‍👧"):
        mark(page, words)
        page.keyboard.press("2")
        page.keyboard.press("Escape")
        page.keyboard.press("Escape")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("heading", name="Nothing to do right now")).to_be_visible()
    answer = response_of(server, task_id)["annotations"]
    assert sorted(a["text"] for a in answer) == sorted(["🚢", "محمد", "e\u0301tude", "👩‍👩‍👧"])
    assert all(text[a["start"] : a["end"]] == a["text"] for a in answer)


def test_what_customers_write_is_shown_and_never_run(
    server: Server, open_page: OpenPage, fresh: Namer
) -> None:
    evil = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
    project, _ = make_task(
        server,
        fresh,
        text=f"{evil} text",
        relationships=None,
        instruction=f"{evil} [x](javascript:document.title='owned')",
        labels=[
            {
                "name": evil[:200],
                "description": evil,
                "display_name": evil,
                "attributes": {evil[:90]: {"type": "text", "description": evil}},
            }
        ],
    )
    page = open_page(f"/work?project={project}", LABELER)
    mark(page, "text")
    page.keyboard.press("1")
    page.keyboard.press("Alt+i")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.wait_for_timeout(300)
    assert page.title() != "owned"
    assert page.locator("img[src=x]").count() == 0
