"""The image editor in a real browser: every geometry drawn by real pointer and key events, and the answer that the API then returns."""

from __future__ import annotations

import io
import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenPage, axe
from tests.browser.image_canvas import PHOTO, Canvas, Work, completed, corners, near, opened, worker
from tests.sdk.conftest import Server

GEOMETRIES = {
    "box": {"objects_to_annotate": ["cup", "saucer"], "min_width": 10, "min_height": 10},
    "polygon": {"objects_to_annotate": ["table"]},
    "line": {"objects_to_annotate": ["edge"]},
    "point": {"objects_to_annotate": ["highlight"]},
    "ellipse": {"objects_to_annotate": ["rim"]},
    "cuboid": {"objects_to_annotate": ["sugar"]},
}


@pytest.fixture
def work(server: Server) -> Work:
    return worker(server)


def test_every_geometry_is_drawn_changed_kept_over_a_reload_and_submitted(
    server: Server, open_page: OpenPage, work: Work
):
    project, task_id = work("imageannotation", {"geometries": GEOMETRIES})
    page, canvas = opened(open_page, project)

    page.keyboard.press("b")
    canvas.drag((60, 60), (200, 160))
    page.keyboard.press("2")
    page.keyboard.press("p")
    canvas.click((250, 60), (340, 70), (330, 150), (250, 60))
    page.keyboard.press("y")
    canvas.click((60, 300), (140, 340), (220, 300))
    page.keyboard.press("Enter")
    page.keyboard.press("o")
    canvas.click((400, 80))
    page.keyboard.press("e")
    canvas.drag((420, 140), (520, 200))
    page.keyboard.press("c")
    canvas.drag((300, 240), (400, 340))
    page.keyboard.press("v")
    expect(page.get_by_role("heading", name="6 objects")).to_be_visible()

    # a polygon's vertex is moved, the move undone and done again
    canvas.click((300, 80))
    canvas.drag((330, 150), (350, 180))
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+Shift+z")
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()

    page.reload()
    canvas = Canvas(page, *PHOTO)
    expect(page.get_by_role("heading", name="6 objects")).to_be_visible()
    page.keyboard.press("b")
    canvas.drag((60, 200), (120, 260))
    page.keyboard.press("Control+z")
    expect(page.get_by_role("heading", name="6 objects")).to_be_visible()
    page.keyboard.press("Control+Enter")

    response = completed(server, task_id)
    by_type = {a["type"]: a for a in response["annotations"]}
    assert len(response["annotations"]) == 6
    assert near(by_type["box"], {"label": "saucer", "left": 60, "top": 60, "width": 140, "height": 100})
    assert near(by_type["polygon"]["vertices"], corners((250, 60), (340, 70), (350, 180)))
    assert near(by_type["line"]["vertices"], corners((60, 300), (140, 340), (220, 300)))
    assert near(by_type["point"], {"label": "highlight", "x": 400, "y": 80})
    assert near(by_type["ellipse"]["vertices"], corners((470, 140), (520, 170), (470, 200), (420, 170)))
    assert {v["description"] for v in by_type["cuboid"]["vertices"]} >= {"face-topleft", "side-topcorner"}
    assert response["links"] == [] and response["global_attributes"] == {}


def test_what_is_selected_is_seen_with_its_handles(server: Server, open_page: OpenPage, work: Work):
    name, _ = work("imageannotation", {"geometries": {"box": {"objects_to_annotate": ["cup"]}}})
    page, canvas = opened(open_page, name)
    page.mouse.move(*canvas.at(300, 350))
    x, y = canvas.at(100, 100)
    clip = {"x": x - 6, "y": y - 6, "width": 12, "height": 12}
    before = page.screenshot(clip=clip)
    page.keyboard.press("b")
    canvas.drag((100, 100), (200, 200))
    page.keyboard.press("v")
    page.mouse.move(*canvas.at(300, 350))
    expect(page.get_by_text("1 object")).to_be_visible()
    # the handle at the corner is white: it lies over the picture and the resting shapes, not beneath them
    from PIL import Image

    seen = Image.open(io.BytesIO(page.screenshot(clip=clip))).convert("RGB")
    assert min(seen.getpixel((6, 6))) > 240  # pyright: ignore[reportArgumentType]
    assert page.screenshot(clip=clip) != before


def test_a_task_is_done_by_keys_alone(server: Server, open_page: OpenPage, work: Work):
    attributes = {
        "full": {"choices": ["yes", "no"]},
        "of": {"choices": ["tea", "coffee"], "conditions": {"attribute_conditions": [{"full": "yes"}]}},
        "occluded": {"choices": ["yes", "no"]},
        "light": {"choices": ["day", "lamp"], "conditions": {"is_global": True}},
    }
    china = [{"choice": "china", "subchoices": ["cup", "saucer"]}]
    project, task_id = work(
        "imageannotation",
        {"geometries": {"box": {"objects_to_annotate": china}}, "annotation_attributes": attributes},
    )
    page, canvas = opened(open_page, project)
    expect(canvas.place).to_be_focused()
    page.keyboard.press("b")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    for _ in range(3):
        page.keyboard.press("Shift+ArrowRight")
        page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="1 object")).to_be_visible()
    page.keyboard.press("v")
    page.keyboard.press("/")  # of two labels only, and found by their letters all the same
    page.keyboard.type("sauc")
    page.keyboard.press("Enter")
    page.keyboard.press("q")
    page.keyboard.press("Shift+ArrowLeft")
    # what is missing is told and at hand: a digit answers it
    page.keyboard.press("Control+Enter")
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("saucer 1 – “full” needs an answer.")
    full, of, light = (page.get_by_role("radiogroup", name=name) for name in ("full", "of", "light"))
    expect(full.locator(":focus")).to_have_count(1)
    page.keyboard.press("2")
    expect(full.get_by_label("no")).to_be_checked()
    expect(alert).to_contain_text("“light” needs an answer.")
    page.keyboard.press("F8")
    expect(light.locator(":focus")).to_have_count(1)
    page.keyboard.press("1")
    expect(alert).to_have_count(0)
    expect(canvas.place).to_be_focused()
    # what is asked next follows from the answer
    page.keyboard.press("Tab")
    expect(of).to_have_count(0)
    page.keyboard.press("Enter")
    expect(full.locator(":focus")).to_have_count(1)
    page.keyboard.press("1")
    expect(of.locator(":focus")).to_have_count(1)
    page.keyboard.press("2")
    page.keyboard.press("Control+Enter")
    response = completed(server, task_id)
    (box,) = response["annotations"]
    assert response["global_attributes"] == {"light": "day"}
    assert box["label"] == "saucer"
    assert box["attributes"] == {"full": "yes", "of": "coffee", "occluded": "yes"}
    assert box["width"] > 50


def test_proposals_are_worked_through_by_keys_and_tool_and_label_go_on_to_the_next_task(
    server: Server, open_page: OpenPage, work: Work
):
    geometries = {
        "box": {"objects_to_annotate": [*(f"cup {i}" for i in range(9)), "saucer"], "min_width": 10},
        "line": {"objects_to_annotate": ["edge"], "min_vertices": 3, "max_vertices": 4},
        "cuboid": {"objects_to_annotate": ["sugar"], "min_height": 30},
        "ellipse": {"objects_to_annotate": ["rim"]},
    }
    hypothesis = {
        "annotations": [
            {"type": "box", "label": f"cup {i}", "left": 40 + 110 * i, "top": 40, "width": 80, "height": 60}
            for i in range(5)
        ]
    }
    project, task_id = work("imageannotation", {"geometries": geometries, "hypothesis": hypothesis})
    _, second = work("imageannotation", {"geometries": geometries}, project)
    page, canvas = opened(open_page, project)
    notice = page.get_by_test_id("image-notice")
    rows = page.locator("li[data-record]")

    # one proposal after the other: accepted and rejected by keys, by the list, and the rest at once
    expect(page.get_by_text("5 proposals to look at")).to_be_visible()
    canvas.click((300, 350))
    # with nothing left to leave Escape leaves the canvas, so that Tab can go on to the rest of the page
    page.keyboard.press("Escape")
    expect(canvas.place).not_to_be_focused()
    canvas.click((300, 350))
    page.keyboard.press("Tab")
    expect(rows.first).to_have_attribute("aria-current", "true")
    page.keyboard.press("a")
    page.keyboard.press("Tab")
    page.keyboard.press("Shift+Delete")
    expect(page.get_by_text("3 proposals to look at")).to_be_visible()
    page.get_by_role("button", name=re.compile("^Reject: cup 3")).click()
    page.get_by_role("button", name=re.compile("^Accept: cup 4")).click()
    page.get_by_role("button", name="Filter").click()
    page.get_by_role("menuitem", name="Proposals").click()
    expect(rows).to_have_count(1)
    page.get_by_role("button", name="Accept all").click()
    expect(page.get_by_text("No object fits.")).to_be_visible()
    page.get_by_role("button", name="Filter").click()
    page.get_by_role("menuitem", name="All", exact=True).click()
    canvas.objects(3)

    # limits hold while drawing: too small is refused with the reason, a line takes no more points than it may have
    page.keyboard.press("b")
    canvas.drag((300, 300), (305, 360))
    expect(notice).to_contain_text("Too narrow")
    page.keyboard.press("c")
    canvas.drag((300, 300), (360, 310))
    expect(notice).to_contain_text("Too low")
    page.keyboard.press("e")
    canvas.drag((300, 200), (500, 390))
    canvas.objects(4)
    page.keyboard.press("y")
    canvas.click((60, 200), (100, 240))
    page.keyboard.press("Enter")
    expect(notice).to_contain_text("At least 3")
    canvas.click((140, 200), (180, 240), (220, 200))
    expect(notice).to_contain_text("At most 4")
    page.keyboard.press("Enter")
    canvas.objects(5)

    # copied, pasted, nudged, sent behind; what is locked stays, what is hidden is not hit
    page.keyboard.press("v")
    canvas.click((80, 60))
    page.keyboard.press("Control+c")
    page.keyboard.press("Control+v")
    canvas.objects(6)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("PageDown")
    page.keyboard.press("Control+z")
    page.keyboard.press("l")
    page.keyboard.press("Delete")
    expect(notice).to_contain_text("is locked")
    page.keyboard.press("l")
    page.keyboard.press("Delete")
    canvas.objects(5)
    page.keyboard.press("Shift+l")
    canvas.click((80, 60))
    page.keyboard.press("Delete")
    expect(notice).to_contain_text("is locked")
    page.keyboard.press("Shift+l")
    page.keyboard.press("h")
    page.keyboard.press("Escape")
    canvas.click((80, 60))
    expect(page.locator("li[aria-current=true]")).to_have_count(0)
    expect(page.locator("li[data-hidden=true]")).to_have_count(1)
    page.keyboard.press("Shift+h")
    expect(page.locator("li[data-hidden=true]")).to_have_count(0)
    page.get_by_role("button", name="Sort").click()
    page.get_by_role("menuitem", name="By size").click()
    expect(rows.first).to_contain_text("rim")

    # a label found by its letters, a second by its digit; both and the tool are there in the next task
    page.keyboard.press("b")
    page.keyboard.press("/")
    page.keyboard.type("sauc")
    page.keyboard.press("Enter")
    expect(page.get_by_role("radio", name="saucer")).to_be_checked()
    canvas.drag((420, 300), (480, 360))
    canvas.objects(6)
    page.keyboard.press("Control+Enter")
    canvas.objects(0)
    expect(page.get_by_role("radio", name="saucer")).to_be_checked()
    canvas.drag((100, 100), (200, 200))
    page.keyboard.press("v")
    page.keyboard.press("n")
    canvas.drag((300, 100), (400, 200))
    canvas.objects(2)
    page.keyboard.press("Control+Enter")

    annotations = completed(server, task_id)["annotations"]
    boxes = [a for a in annotations if a["type"] == "box"]
    assert [a["label"] for a in boxes] == ["cup 0", "cup 2", "cup 4", "saucer"]
    assert [a["left"] for a in boxes[:3]] == [40, 260, 480]
    (ellipse,) = (a for a in annotations if a["type"] == "ellipse")
    xs, ys = ([v[axis] for v in ellipse["vertices"]] for axis in "xy")
    assert near([max(xs) - min(xs), max(ys) - min(ys)], [200, 190])
    (line,) = (a for a in annotations if a["type"] == "line")
    assert near(line["vertices"], corners((60, 200), (100, 240), (140, 200), (180, 240)))
    later = completed(server, second)["annotations"]
    assert [a["label"] for a in later] == ["saucer", "saucer"]


def test_nothing_serious_is_found_by_axe(server: Server, open_page: OpenPage, work: Work):
    attributes = {
        "full": {"choices": ["yes", "no"]},
        "tilt": {"type": "angle"},
        "note": {"type": "text"},
        "weather": {"choices": ["sun", "rain"], "conditions": {"is_global": True}},
    }
    project, _ = work("imageannotation", {"geometries": GEOMETRIES, "annotation_attributes": attributes})
    page, canvas = opened(open_page, project)
    axe(page)
    page.keyboard.press("b")
    canvas.drag((60, 60), (200, 160))
    page.keyboard.press("v")
    axe(page)
    page.emulate_media(color_scheme="dark")
    expect(page.locator("html")).to_have_attribute("data-mantine-color-scheme", "dark")
    axe(page)


LEGACY = [
    ("annotation", "b", "drag"),
    ("polygonannotation", "p", "clicks"),
    ("lineannotation", "y", "clicks"),
    ("pointannotation", "o", "click"),
    ("cuboidannotation", "c", "drag"),
    ("laneannotation", "y", "clicks"),
]


def test_legacy_types_are_labeled_and_accepted(server: Server, open_page: OpenPage, work: Work):
    page = None
    for task_type, key, draw in LEGACY:
        project, task_id = work(task_type, {"objects_to_annotate": ["cup"]})
        if page is None:
            page, canvas = opened(open_page, project)
        else:
            page.goto(f"/work?project={project}")
            canvas = Canvas(page, *PHOTO)
        page.keyboard.press(key)
        if draw == "drag":
            canvas.drag((100, 100), (220, 200))
        elif draw == "click":
            canvas.click((100, 100))
        else:
            canvas.click((100, 100), (200, 110), (220, 200))
            page.keyboard.press("Enter")
        canvas.objects(1)
        page.keyboard.press("Control+z")
        canvas.objects(0)
        page.keyboard.press("Control+y")
        canvas.objects(1)
        expect(page.get_by_text("Saved", exact=True)).to_be_visible()
        page.reload()
        Canvas(page, *PHOTO).objects(1)
        page.keyboard.press("Control+Enter")
        (annotation,) = completed(server, task_id)["annotations"]
        assert annotation["label"] == "cup", task_type
