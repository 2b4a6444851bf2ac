"""The image editor's view: moved, zoomed, made brighter; what is seen of layers, of what is hidden and of what lies behind; its keys."""

from __future__ import annotations

import io
from typing import cast

from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.conftest import LABELER, OpenPage
from tests.browser.image_canvas import PHOTO, Canvas, completed, near, opened, worker
from tests.sdk.conftest import Server

Colour = tuple[int, int, int]


def _seen(page: Page, place: tuple[float, float]) -> Colour:
    """The colour at a place of the screen."""
    clip = {"x": place[0], "y": place[1], "width": 1, "height": 1}
    shot = Image.open(io.BytesIO(page.screenshot(clip=clip))).convert("RGB")  # pyright: ignore[reportArgumentType]
    return cast("Colour", shot.getpixel((0, 0)))


def _until(page: Page, place: tuple[float, float], wanted: str, before: Colour) -> Colour:
    """Waits until a place of the screen is `brighter` than it was, `other`, or the `same` again."""
    for _ in range(100):
        now = _seen(page, place)
        off = sum(abs(a - b) for a, b in zip(now, before, strict=True))
        if {"brighter": sum(now) > sum(before) + 30, "other": off > 30, "same": off <= 6}[wanted]:
            return now
        page.wait_for_timeout(20)
    raise AssertionError((wanted, before, _seen(page, place)))


def _middle(page: Page, canvas: Canvas) -> tuple[int, int]:
    """The place of the image in the middle of the canvas, as the bar below the canvas tells it for the pointer."""
    page.mouse.move(canvas.middle[0] + 2, canvas.middle[1])
    before = page.get_by_test_id("image-position").inner_text()
    page.mouse.move(*canvas.middle)
    for _ in range(50):
        if (now := page.get_by_test_id("image-position").inner_text()) != before:
            break
        page.wait_for_timeout(20)
    x, y = now.split(", ")
    return int(x), int(y)


def test_the_view_is_moved_by_map_space_and_keys_and_shows_what_is_asked_for(
    server: Server, open_page: OpenPage
):
    client = server.client(server.keys.live)
    project, task_id = worker(server)(
        "imageannotation",
        {
            "geometries": {"box": {"objects_to_annotate": ["cup", "saucer"]}},
            "layers": {
                "boxes": [{"left": 420, "top": 60, "width": 120, "height": 90, "label": "seen before"}]
            },
            "context_attachments": [{"attachment": client.photo.replace("coffee", "rocket")}],
        },
    )
    page, canvas = opened(open_page, project)
    percent = page.get_by_test_id("image-zoom")
    fitted = percent.inner_text()

    # zoomed in at the pointer: what is under it stays; then the map leads elsewhere, pressed and dragged
    expect(page.get_by_test_id("image-minimap")).to_be_hidden()
    page.mouse.move(*canvas.at(300, 200))
    for _ in range(4):
        page.mouse.wheel(0, -300)
    expect(page.get_by_test_id("image-minimap")).to_be_visible()
    assert near(list(_middle(page, canvas)), [300, 200], 2)
    small = page.get_by_test_id("image-minimap").bounding_box()
    assert small is not None

    def on_map(x: float, y: float) -> tuple[float, float]:
        return small["x"] + small["width"] * x / PHOTO[0], small["y"] + small["height"] * y / PHOTO[1]

    page.mouse.click(*on_map(150, 100))
    assert near(list(_middle(page, canvas)), [150, 100], 6)
    canvas.stroke(on_map(150, 100), on_map(420, 280))
    assert near(list(_middle(page, canvas)), [420, 280], 6)

    # keys: the image's own pixels, the whole picture; Space and the pointer pull it along, whatever tool is on
    page.keyboard.press("Shift+0")
    expect(percent).to_have_text("100 %")
    place = canvas.middle
    before = _middle(page, canvas)
    page.keyboard.press("b")
    canvas.place.focus()
    page.keyboard.down("Space")
    canvas.stroke(place, (place[0] + 100, place[1] + 60))
    page.keyboard.up("Space")
    after = _middle(page, canvas)
    assert near([before[0] - after[0], before[1] - after[1]], [100, 60], 2)
    canvas.objects(0)
    page.keyboard.press("Shift+1")
    expect(percent).to_have_text(fitted)

    # the picture brighter and with more contrast, the supplied layers away
    page.mouse.move(*canvas.at(20, 380))
    cup = canvas.at(300, 180)
    as_given = _seen(page, cup)
    edge = canvas.at(420, 100)
    with_layer = _seen(page, edge)
    page.get_by_role("button", name="Brightness, contrast, opacity").click()
    for name in ("Contrast", "Brightness"):
        slider = page.get_by_role("slider", name=name)
        slider.press("End")
        _until(page, cup, "brighter" if name == "Brightness" else "other", as_given)
        slider.press("Home")
        for _ in range(16):
            slider.press("ArrowRight")
        _until(page, cup, "same", as_given)
    page.get_by_label("Show supplied layers").click()
    _until(page, edge, "other", with_layer)
    page.get_by_label("Show supplied layers").click()
    _until(page, edge, "same", with_layer)
    page.keyboard.press("Escape")

    # what was drawn later lies in front until it is sent behind; it is hit where it is seen, and not when hidden
    page.keyboard.press("1")
    canvas.drag((100, 100), (200, 200))
    page.keyboard.press("v")
    page.keyboard.press("Escape")
    page.keyboard.press("b")
    page.keyboard.press("2")
    canvas.drag((150, 100), (250, 200))
    page.keyboard.press("v")
    page.keyboard.press("Escape")
    page.mouse.move(*canvas.at(20, 380))
    border = canvas.at(150, 150)
    canvas.objects(2)
    front = _seen(page, border)
    canvas.click((175, 150))
    current = page.locator("li[aria-current=true]")
    expect(current).to_contain_text("saucer")
    page.keyboard.press("PageDown")
    page.keyboard.press("Escape")
    page.mouse.move(*canvas.at(20, 380))
    behind = _until(page, border, "other", front)
    canvas.click((175, 150))
    expect(current).to_contain_text("cup")
    page.keyboard.press("PageDown")
    page.keyboard.press("Escape")
    page.mouse.move(*canvas.at(20, 380))
    _until(page, border, "same", front)
    page.keyboard.press("Shift+h")
    empty = _until(page, border, "other", front)
    assert empty != behind
    canvas.click((175, 150))
    expect(current).to_have_count(0)
    page.keyboard.press("Shift+h")
    page.mouse.move(*canvas.at(20, 380))
    _until(page, border, "same", front)

    # what belongs to the task beside, large when asked for
    page.get_by_role("button", name="Context image 1").click()
    large = page.get_by_role("dialog").get_by_role("img", name="Context image 1")
    expect(large).to_be_visible()
    assert large.evaluate("(img) => img.decode().then(() => img.naturalWidth)") > 100
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()

    # every key on one sheet, where one of them is changed: the tools show it, and it works
    for key in ("?", "F1"):
        page.keyboard.press(key)
        sheet = page.get_by_role("dialog", name="Keyboard shortcuts")
        expect(sheet.locator("[data-command='image.lock'] kbd")).to_have_text("L")
        page.keyboard.press("Escape")
        expect(sheet).to_be_hidden()
    page.keyboard.press("F1")
    sheet.get_by_role("button", name="Change keys of Draw box", exact=True).click()
    page.keyboard.press("k")
    expect(sheet.locator("[data-command='image.tool.box'] kbd")).to_have_text("K")
    page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    tool = page.get_by_role("toolbar").get_by_role("button", name="Draw box", exact=True)
    expect(tool.locator("kbd")).to_have_text("K")
    page.keyboard.press("k")
    expect(tool).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("F1")
    with page.expect_response("**/api/me/keys"):
        sheet.get_by_role("button", name="Back to the defaults").click()
    page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    page.keyboard.press("Control+Enter")
    labels = [a["label"] for a in completed(server, task_id)["annotations"]]
    assert sorted(labels) == ["cup", "saucer"]


def test_a_page_read_from_right_to_left_shows_picture_shapes_and_map_where_they_are(
    server: Server, open_page: OpenPage
):
    project, task_id = worker(server)(
        "imageannotation", {"geometries": {"box": {"objects_to_annotate": ["cup"]}}}
    )
    page = open_page(f"/work?project={project}", email=LABELER, locale="ar")
    canvas = Canvas(page, *PHOTO)
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    # the coffee is there, and a box lies where it is drawn
    corner = canvas.at(200, 130)
    coffee = _until(page, canvas.at(300, 180), "other", (56, 60, 67))
    assert coffee[0] > 150, coffee
    before = _seen(page, corner)
    page.keyboard.press("b")
    canvas.drag((200, 130), (350, 260))
    page.keyboard.press("v")
    page.keyboard.press("Escape")
    page.mouse.move(*canvas.at(20, 380))
    _until(page, corner, "other", before)
    # the map's mark is around the middle, as the view is
    page.mouse.move(*canvas.middle)
    for _ in range(4):
        page.mouse.wheel(0, -300)
    small = page.get_by_test_id("image-minimap")
    expect(small).to_be_visible()
    page.wait_for_function(
        """() => {
          const map = document.querySelector("[data-testid=image-minimap]");
          const [a, b] = [map, map.querySelector("div")].map((e) => e.getBoundingClientRect());
          return b.width < a.width / 2 && Math.abs(a.x + a.width / 2 - b.x - b.width / 2) < 4;
        }"""
    )
    page.keyboard.press("Control+Enter")
    (box,) = completed(server, task_id)["annotations"]
    assert near(box, {"left": 200, "top": 130, "width": 150, "height": 130})
