"""Work in the image editor beyond drawing: relations, groups, layers, knives, cameras, supplied annotations, a turned view, deep zoom."""

from __future__ import annotations

import io
import time
from typing import Any, cast

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.image_canvas import PHOTO, Canvas, Work, completed, corners, near, opened, worker
from tests.sdk.conftest import Server


@pytest.fixture
def work(server: Server) -> Work:
    return worker(server)


def _seen(page: Page, *places: tuple[float, float]) -> list[tuple[int, int, int]]:
    """The colours at places of the screen."""
    shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    return [cast("tuple[int, int, int]", shot.getpixel((round(x), round(y)))) for x, y in places]


def _wait_for_tiles(server: Server, task_id: str) -> None:
    """Until they are made the image is shown whole."""
    deadline = time.monotonic() + 60
    while True:
        lease = server.claim(task_id)
        (medium,) = server.call("GET", f"/api/work/{lease}").json()["media"]
        assert server.call("POST", f"/api/work/{lease}/release", json={}).ok
        if (medium["derived"] or {}).get("tiles"):
            return
        assert time.monotonic() < deadline, medium
        time.sleep(0.2)


def test_a_scene_is_related_grouped_and_answered_with_layers_and_context_beside(
    server: Server, open_page: OpenPage, work: Work
):
    client = server.client(server.keys.live)
    project, task_id = work(
        "imageannotation",
        {
            "geometries": {
                "box": {"objects_to_annotate": ["cup", "saucer"]},
                "line": {"objects_to_annotate": ["edge"], "splines": True},
            },
            "annotation_attributes": {"occluded": {"choices": ["no", "yes"], "required": False}},
            "links": {"stands_on": {"from_allowed_labels": ["cup"], "to_allowed_labels": ["saucer"]}},
            "layers": {
                "boxes": [{"left": 400, "top": 60, "width": 90, "height": 70, "label": "seen before"}]
            },
            "padding": 40,
            "context_attachments": [{"attachment": client.photo.replace("coffee", "rocket")}],
        },
    )
    page, canvas = opened(open_page, project, padding=40)
    expect(page.get_by_role("button", name="Context image 1")).to_be_visible()
    # into the padding, and no further
    page.keyboard.press("b")
    canvas.drag((-20, 100), (80, 200))
    canvas.drag((300, 300), (380, 500))
    page.keyboard.press("2")
    page.keyboard.press("y")
    canvas.click((100, 300), (160, 340), (220, 300))
    page.keyboard.press("Enter")
    page.keyboard.press("v")
    canvas.objects(3)

    # a relation only where the rules allow one
    canvas.click((40, 150))
    page.keyboard.press("Alt+r")
    canvas.click((160, 340))
    expect(page.get_by_test_id("image-notice")).to_contain_text("may not be related")
    page.keyboard.press("Escape")
    canvas.click((40, 150))
    page.keyboard.press("Alt+r")
    canvas.click((340, 380))
    expect(page.get_by_text("stands_on →")).to_be_visible()
    page.keyboard.press("q")
    expect(page.get_by_role("radio", name="yes")).to_be_checked()

    # both boxes as a group: nudged as one, duplicated, the copy deleted
    canvas.click((340, 380), hold="Shift")
    page.keyboard.press("g")
    page.keyboard.press("Escape")
    canvas.click((40, 150))
    expect(page.get_by_text("2 selected")).to_be_visible()
    for _ in range(3):
        page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Control+d")
    canvas.objects(5)
    page.keyboard.press("Delete")
    canvas.objects(3)
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+Shift+z")
    canvas.objects(3)
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()
    page.reload()
    Canvas(page, *PHOTO, padding=40).objects(3)
    page.keyboard.press("Control+Enter")

    response = completed(server, task_id)
    by_label = {a["label"]: a for a in response["annotations"]}
    assert near(by_label["cup"], {"left": 10, "top": 100, "width": 100, "height": 100})
    assert near(by_label["saucer"], {"left": 330, "top": 300, "width": 80, "height": 140})
    assert by_label["cup"]["attributes"] == {"occluded": "yes"}
    (link,) = response["links"]
    assert link["label"] == "stands_on"
    assert (link["from"], link["to"]) == (by_label["cup"]["uuid"], by_label["saucer"]["uuid"])


def test_polygons_are_split_merged_cut_and_snapped_and_get_no_holes(
    server: Server, open_page: OpenPage, work: Work
):
    project, task_id = work(
        "imageannotation", {"geometries": {"polygon": {"objects_to_annotate": ["table"], "max_vertices": 8}}}
    )
    page, canvas = opened(open_page, project)
    page.keyboard.press("p")
    canvas.click((100, 100), (300, 100), (300, 250), (100, 250), (100, 100))
    page.keyboard.press("s")
    canvas.click((200, 60), (200, 300))
    page.keyboard.press("Enter")
    canvas.objects(2)
    # what splitting made is merged again
    page.keyboard.press("Control+a")
    page.keyboard.press("m")
    canvas.objects(1)
    page.keyboard.press("x")
    canvas.click((150, 150), (200, 150), (200, 200))
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("image-notice")).to_contain_text("cannot have holes")
    page.keyboard.press("Escape")
    page.keyboard.press("x")
    canvas.click((250, 200), (350, 200), (350, 300), (250, 300))
    page.keyboard.press("Enter")
    # a neighbour along the border, with Ctrl held
    page.keyboard.press("p")
    canvas.click((302, 98), (302, 202), hold="Control")
    canvas.click((400, 150))
    page.keyboard.press("Enter")
    canvas.objects(2)
    # the view turned: what is drawn there is where it was seen
    page.keyboard.press("Alt+Shift+R")
    canvas.turned(1).click((420, 250), (500, 250), (460, 330))
    page.keyboard.press("Enter")
    canvas.objects(3)
    # in front of all others, and back again, is no change of the answer
    page.keyboard.press("v")
    page.keyboard.press("PageDown")
    page.keyboard.press("Control+Enter")

    first, second, third = (a["vertices"] for a in completed(server, task_id)["annotations"])
    xs = sorted((round(v["x"], -1), round(v["y"], -1)) for v in first)
    assert xs == [(100, 100), (100, 250), (250, 200), (250, 250), (300, 100), (300, 200)]
    assert near(second, corners((300, 100), (300, 200), (400, 150)))
    assert near(third, corners((420, 250), (500, 250), (460, 330)))


def test_a_cuboid_of_a_known_camera_stands_on_the_ground(server: Server, open_page: OpenPage, work: Work):
    camera = {
        "camera_height": 1.5,
        "camera_intrinsics": {"fx": 500, "fy": 500, "cx": 300, "cy": 150},
        "camera_rotation_quaternion": {"w": 1, "x": 0, "y": 0, "z": 0},
    }
    project, task_id = work("cuboidannotation", {"objects_to_annotate": ["crate"], **camera})
    page, canvas = opened(open_page, project)
    page.keyboard.press("c")
    canvas.drag((180, 180), (300, 340))
    page.keyboard.press("v")
    canvas.objects(1)
    # the far corner is dragged, and with it the whole cuboid stays one that stands on the ground
    canvas.click((240, 260))
    page.keyboard.press("Control+z")
    canvas.objects(0)
    page.keyboard.press("Control+y")
    canvas.objects(1)
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()
    page.reload()
    Canvas(page, *PHOTO).objects(1)
    page.keyboard.press("Control+Enter")

    (cuboid,) = completed(server, task_id)["annotations"]
    assert len(cuboid["points_2d"]) == len(cuboid["points_3d"]) == 8
    # face TL, BL, TR, BR, then the far side in the same order: the bottom corners lie on the ground, 1.5 below the camera
    bottoms = [cuboid["points_3d"][i]["y"] for i in (1, 3, 5, 7)]
    assert all(abs(y - 1.5) < 0.01 for y in bottoms), bottoms
    for p2, p3 in zip(cuboid["points_2d"], cuboid["points_3d"], strict=True):
        assert near(p2, {"x": 300 + 500 * p3["x"] / p3["z"], "y": 150 + 500 * p3["y"] / p3["z"]}, 0.2)


def test_supplied_annotations_without_identities_are_kept_as_they_may_only_be_relabelled(
    server: Server, open_page: OpenPage, work: Work
):
    supplied: list[dict[str, Any]] = [
        {"type": "box", "label": "cup", "left": 60 + 200 * i, "top": 60, "width": 120.5, "height": 80}
        for i in range(2)
    ]
    project, task_id = work(
        "imageannotation",
        {
            "geometries": {"box": {"objects_to_annotate": ["cup", "saucer"]}},
            "base_annotations": {"annotations": supplied},
            "can_edit_base_annotations": False,
            "can_edit_base_annotation_labels": True,
            "can_delete_base_annotations": False,
        },
    )
    page, canvas = opened(open_page, project)
    canvas.objects(2)
    canvas.drag((100, 100), (200, 300))
    expect(page.get_by_test_id("image-notice")).to_contain_text("may not be changed")
    page.keyboard.press("Delete")
    expect(page.get_by_test_id("image-notice")).to_contain_text("may not be deleted")
    page.keyboard.press("2")
    page.keyboard.press("b")
    canvas.drag((60, 250), (160, 350))
    canvas.objects(3)
    page.keyboard.press("Control+Enter")
    annotations = completed(server, task_id)["annotations"]
    assert [a["label"] for a in annotations] == ["saucer", "cup", "saucer"]
    assert near(annotations[0], {"left": 60, "top": 60, "width": 120.5, "height": 80}, 0)
    assert len({a["uuid"] for a in annotations}) == 3


def test_a_very_large_image_comes_in_tiles_and_is_labeled_to_a_fraction_of_a_pixel(
    server: Server, open_page: OpenPage, work: Work
):
    side, width, height = 5000, 10, 8
    # the second lies where four tiles meet
    marks = [(2601, 2507), (2043, 2044)]
    picture = Image.new("RGB", (side, side), (20, 60, 20))
    for left, top in marks:
        ImageDraw.Draw(picture).rectangle((left, top, left + width - 1, top + height - 1), (255, 255, 255))
    file = io.BytesIO()
    picture.save(file, "PNG", compress_level=1)
    sent = server.call(
        "POST", "/v1/files/upload", files={"file": ("large.png", file.getvalue(), "image/png")}
    )
    assert sent.ok, sent.text
    project, task_id = work(
        "imageannotation",
        {
            "geometries": {"box": {"objects_to_annotate": ["mark"]}},
            "attachment": sent.json()["attachment_url"],
        },
    )
    _wait_for_tiles(server, task_id)
    page, canvas = opened(open_page, project, (side, side))
    tiles: list[str] = []
    page.on("response", lambda r: tiles.append(r.url.rsplit("/", 1)[-1]) if "/derived/" in r.url else None)
    for n, (left, top) in enumerate(marks):
        page.keyboard.press("Shift+1")
        x, y = (round(place) for place in canvas.at(left + width / 2, top + height / 2))
        # the place of the image that stays under the pointer
        fixed = canvas.image(x, y)
        page.mouse.move(x, y)
        for _ in range(9):
            page.mouse.wheel(0, -500)
        expect(page.get_by_text("6400 %")).to_be_visible()

        def screen(px: float, py: float, at: tuple[int, int] = (x, y), fixed: Any = fixed) -> Any:
            return at[0] + (px - fixed[0]) * 64, at[1] + (py - fixed[1]) * 64

        middle = screen(left + width / 2, top + height / 2)
        deadline = time.monotonic() + 20
        while min(_seen(page, middle)[0]) < 240:
            assert time.monotonic() < deadline, tiles
            time.sleep(0.1)
        white = [(left + i, top + j) for i in (1.5, width - 1.5) for j in (1.5, height - 1.5)]
        dark = [(left - 1.5, top + 1.5), (left + width - 1.5, top + height + 1.5)]
        seen = _seen(page, *(screen(*place) for place in white + dark))
        assert [min(colour) > 200 for colour in seen] == [True] * 4 + [False] * 2, seen
        page.keyboard.press("b")
        canvas.stroke(screen(left, top), screen(left + width, top + height))
        canvas.objects(n + 1)
    # the tiles of the image's own pixels that hold the marks: 5000 px are five levels of 512 px tiles
    wanted = {"4-5_4.jpg", "4-3_3.jpg", "4-4_3.jpg", "4-3_4.jpg", "4-4_4.jpg"}
    assert wanted <= {name.split("?")[0] for name in tiles}, tiles
    page.keyboard.press("Control+Enter")
    boxes = completed(server, task_id)["annotations"]
    wanted = [{"left": left, "top": top, "width": width, "height": height} for left, top in marks]
    assert near(boxes, wanted, 0.05), boxes
