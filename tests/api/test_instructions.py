"""Instructions: versions, safe HTML, pictures of our own, and who has read what."""

from __future__ import annotations

import io
import re

import httpx
import pytest
from PIL import Image

from steelyard import instructions, tasks, users
from steelyard.ctx import Actor, Ctx
from steelyard.instructions.render import rendered
from tests.api.builders import image_task
from tests.conftest import ClientFor, Keys

PROJECT = "/api/projects/cows/instructions"


@pytest.fixture
async def cows(live: httpx.AsyncClient) -> str:
    made = await live.post("/v1/projects", json={"name": "cows", "type": "imageannotation"})
    assert made.status_code == 200
    return made.json()["name"]


@pytest.fixture
async def labeler(ctx: Ctx, keys: Keys) -> Actor:
    import hashlib

    actor = await users.actor_by_key(ctx, hashlib.sha256(keys.labeler_live.encode()).digest())
    assert actor is not None
    return actor


async def test_every_change_is_a_version_and_the_same_text_is_none(live, cows) -> None:
    first = (await live.get(PROJECT)).json()
    assert (first["version"], first["markdown"], first["created_at"]) == (0, "", None)
    for text, version in (("# One", 1), ("# Two", 2), ("# Two", 2), ("# One", 3)):
        answer = await live.put(PROJECT, json={"markdown": text})
        assert answer.status_code == 200, answer.text
        assert answer.json()["version"] == version
    assert "<h1>Two</h1>" in (await live.get(PROJECT, params={"version": 2})).json()["html"]
    assert [v["version"] for v in (await live.get(f"{PROJECT}/versions")).json()["items"]] == [3, 2, 1]
    assert (await live.get(PROJECT, params={"version": 4})).status_code == 404
    assert (await live.put("/api/projects/none/instructions", json={"markdown": ""})).status_code == 404


async def test_a_change_is_new_to_whoever_has_not_read_it(
    ctx: Ctx, live, cows, labeler: Actor, client_for: ClientFor, keys: Keys
) -> None:
    project_id = await ctx.db.fetchval("select id from project where name = 'cows'")
    assert await instructions.for_work(ctx, labeler, project_id) is None
    await live.put(PROJECT, json={"markdown": "Draw *boxes*."})
    shown = await instructions.for_work(ctx, labeler, project_id, "the task's own")
    assert shown == instructions.ShownInstructions(1, True, "<p>Draw <em>boxes</em>.</p>\n")
    reader = client_for(keys.labeler_live)
    assert (await reader.get(PROJECT)).status_code == 404, "a labeler who has nothing to do with the project"
    await live.post(
        "/v1/studio/assignments/add", json={"emails": ["labeler@main.example"], "projects": ["cows"]}
    )
    assert (await reader.get(PROJECT)).json()["changed"] is True
    assert (await reader.post(f"{PROJECT}/read", json={"version": 1})).json() == {"read_version": 1}
    shown = await instructions.for_work(ctx, labeler, project_id)
    assert shown is not None
    assert not shown.changed
    await live.put(PROJECT, json={"markdown": "Draw polygons."})
    shown = await instructions.for_work(ctx, labeler, project_id)
    assert shown is not None
    assert (shown.version, shown.changed) == (2, True)
    await reader.post(f"{PROJECT}/read", json={"version": 2})
    assert (await reader.post(f"{PROJECT}/read", json={"version": 1})).json() == {"read_version": 2}
    assert (await reader.post(f"{PROJECT}/read", json={"version": 9})).status_code == 404
    assert (await reader.put(PROJECT, json={"markdown": "mine"})).status_code == 403


async def test_leased_work_carries_the_instructions(ctx: Ctx, live, cows, live_actor: Actor) -> None:
    made = await live.post("/v1/task/imageannotation", json=image_task(project="cows"))
    async with ctx.db.tx() as tx:
        assert await tasks.queue_task(ctx, tx, live_actor.space_id, made.json()["task_id"])
    held = (await live.post("/api/work/claim", json={})).json()
    assert held["instructions"]["version"] == 0
    assert held["instructions"]["html"] == f"<p>{image_task()['instruction']}</p>\n"
    await live.put(PROJECT, json={"markdown": "Draw **tight** boxes."})
    again = (await live.get(f"/api/work/{held['lease_token']}")).json()["instructions"]
    assert (again["version"], again["changed"]) == (1, True)
    assert "<strong>tight</strong>" in again["html"]
    await live.post(f"{PROJECT}/read", json={"version": 1})
    again = (await live.get(f"/api/work/{held['lease_token']}")).json()["instructions"]
    assert again["changed"] is False


async def test_a_tasks_own_text_is_shown_where_the_project_has_none(ctx: Ctx, labeler: Actor, cows) -> None:
    shown = await instructions.for_work(ctx, labeler, None, "Draw **cows**.\n\n|a|\n|-|\n|<b>x|")
    assert shown is not None
    assert (shown.version, shown.changed) == (0, False)
    assert "<strong>cows</strong>" in shown.html
    assert "<td>&lt;b&gt;x</td>" in shown.html
    assert await instructions.for_work(ctx, labeler, None, "  ") is None


@pytest.mark.parametrize(
    "markdown",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "![x](javascript:alert(1))",
        '![x](https://evil.example/x.png"onerror="alert)',
        '!["onerror=alert(1) x="](scaledata://1/0123abcd-0123-8012-8012-0123456789ab)',
        '![x](scaledata://1/0123abcd-0123-8012-8012-0123456789ab "\\" onload=alert(1) x=\\"")',
        "[x]: javascript:alert(1)\n\n[x]",
        "```html onload=alert(1)\n<script>\n```",
        '<a href="java\nscript:alert(1)">x</a>',
        "<svg/onload=alert(1)>",
        "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
        "[a](vbscript:x) <javascript:alert(1)> <https://ok.example>",
    ],
)
def test_nothing_that_runs_or_calls_elsewhere_survives(markdown: str) -> None:
    html = rendered(markdown)
    tags = re.findall(r"<[^>]*>", html)
    for tag in tags:
        name = re.match(r"</?([a-z0-9]+)", tag)
        assert name is not None
        assert name[1] in {"p", "a", "img", "pre", "code"}, tag
        bare = re.sub(r'"[^"]*"', '""', tag)
        assert not re.search(r"\bon\w+\s*=", bare), tag
        assert not re.search(r'(href|src)="\s*(javascript|data|vbscript)', tag, re.IGNORECASE), tag
        if name[1] == "img":
            assert 'src="/media/' in tag, "pictures are our own"


async def test_pictures_are_uploaded_and_shown_by_links_of_our_own(live, cows, client_for, other) -> None:
    png = io.BytesIO()
    Image.new("RGB", (4, 3), "red").save(png, "PNG")
    answer = await live.post(f"{PROJECT}/pictures", files={"file": ("a.png", png.getvalue(), "image/png")})
    assert answer.status_code == 200, answer.text
    source = answer.json()["source"]
    text = f"Look: ![a red box]({source}) and ![theirs](https://elsewhere.example/x.png)"
    html = (await live.put(PROJECT, json={"markdown": text})).json()["html"]
    (address,) = re.findall(r'<img src="(/media/[^"]+)" alt="a red box"', html)
    assert html.count("<img") == 1
    shown = await client_for(None).get(address)
    assert shown.content == png.getvalue()
    assert shown.headers["content-type"] == "image/png"
    assert "sandbox" in shown.headers["content-security-policy"]
    page = await live.post(f"{PROJECT}/pictures", files={"file": ("a.png", b"<svg onload=1>", "image/png")})
    assert page.status_code == 400
    # another account cannot show it by naming it
    await other.post("/v1/projects", json={"name": "cows", "type": "imageannotation"})
    stolen = (await other.put(PROJECT, json={"markdown": text})).json()["html"]
    assert "<img" not in stolen


async def test_absurd_texts_are_refused_or_survived(live, cows) -> None:
    assert (await live.put(PROJECT, json={"markdown": "x" * 200_001})).status_code == 400
    assert (await live.put(PROJECT, json={"markdown": "a\u0000b"})).status_code == 400
    for text in (
        "[" * 50_000,
        "> " * 20_000 + "x",
        "*" * 100_000,
        "|a" * 2000 + "\n" + "|-" * 2000 + "\n" + "|b\n" * 500,
    ):
        answer = await live.put(PROJECT, json={"markdown": text})
        assert answer.status_code == 200
